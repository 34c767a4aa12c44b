//! The contents of a result, out of the store.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::cache::contents::Contents;
use crate::cache::error::{Error, failed};
use crate::cache::store::copy::{Fault, copy};
use crate::cache::store::damage::{Damage, Flaw};
use crate::cache::store::pack::unpacked;
use crate::cache::store::place::{Identity, Shelf, open};
use crate::cache::store::{Found, Store};
use crate::model::outputs::ContentId;

/// Gives the contents of one result. One pack is held in memory at a time, so it is quickest to ask in the order of the
/// paths. Several may work on one result at once.
pub struct StoredContents<'s> {
    store: &'s Store,
    found: &'s Found,
    places: HashMap<ContentId, Place>,
    packs: Vec<(ContentId, u64)>,
    unpacked: Option<Unpacked>,
}

/// Where a content lies.
#[derive(Clone, Copy)]
enum Place {
    Nowhere,
    Alone {
        size: u64,
    },
    Packed {
        pack: usize,
        start: usize,
        size: usize,
    },
}

struct Unpacked {
    pack: usize,
    bytes: Vec<u8>,
    identity: Identity,
}

impl<'s> StoredContents<'s> {
    /// The contents of this result.
    pub(in crate::cache::store) fn new(store: &'s Store, found: &'s Found) -> Self {
        let plan = found.packing.plan(&found.outputs);
        let mut places = HashMap::from([(ContentId::of(b""), Place::Nowhere)]);
        let mut packs = Vec::with_capacity(plan.packs.len());
        for file in &plan.files {
            places.insert(file.content, Place::Alone { size: file.size });
        }
        for (at, pack) in plan.packs.iter().enumerate() {
            let mut start = 0;
            for part in &pack.parts {
                // Parts of packs are small.
                let size = part.size as usize;
                places.insert(
                    part.content,
                    Place::Packed {
                        pack: at,
                        start,
                        size,
                    },
                );
                start += size;
            }
            packs.push((pack.id, pack.size));
        }
        Self {
            store,
            found,
            places,
            packs,
            unpacked: None,
        }
    }

    /// The bytes of a content that lies in a pack, verified.
    fn packed(
        &mut self,
        content: &ContentId,
        pack: usize,
        start: usize,
        size: usize,
    ) -> Result<&[u8], Error> {
        let (id, length) = self.packs[pack];
        if self.unpacked.as_ref().is_none_or(|it| it.pack != pack) {
            self.unpacked = None;
            let path = self.store.place.path(Shelf::Packs, &id.to_string());
            match unpacked(&path, length) {
                Ok((bytes, identity)) => {
                    self.unpacked = Some(Unpacked {
                        pack,
                        bytes,
                        identity,
                    })
                }
                Err(flaw) => return Err(self.lost(Shelf::Packs, id, &flaw)),
            }
        }
        let unpacked = self.unpacked.as_ref().expect("it was unpacked above");
        let bytes = &unpacked.bytes[start..start + size];
        if ContentId::of(bytes) != *content {
            let flaw = Flaw::Damaged(Damage("its bytes were changed"), Some(unpacked.identity));
            return Err(self.lost(Shelf::Packs, id, &flaw));
        }
        let unpacked = self.unpacked.as_ref().expect("it was unpacked above");
        Ok(&unpacked.bytes[start..start + size])
    }

    /// Copies a content that lies by itself, verified.
    fn alone(&self, content: &ContentId, size: u64, to: &Path, file: &File) -> Result<(), Error> {
        let path = self.store.place.path(Shelf::Files, &content.to_string());
        let lost = |flaw| self.lost(Shelf::Files, *content, &flaw);
        let (from, metadata) = open(&path).map_err(|it| lost(it.into()))?;
        let damaged = |why| lost(Flaw::Damaged(Damage(why), Some(Identity::of(&metadata))));
        if !metadata.is_file() || metadata.len() != size {
            return Err(damaged("it is cut short or has grown"));
        }
        match copy(&from, file, size) {
            Ok(copied) if copied == *content => Ok(()),
            Ok(_) => Err(damaged("its bytes were changed")),
            Err(Fault::Read(error)) => Err(lost(Flaw::Unreadable(error))),
            Err(Fault::Write(error)) => Err(failed("write", to)(error)),
        }
    }

    /// The whole result is of no use any more: it is dropped, so that the next run does not find it again.
    fn lost(&self, shelf: Shelf, id: ContentId, flaw: &Flaw) -> Error {
        let path = self.store.place.path(shelf, &id.to_string());
        self.store.troubles.met(&self.store.place, &path, flaw);
        if !matches!(flaw, Flaw::Unreadable(_)) {
            self.store.remove_same(self.found);
        }
        let what = match flaw {
            Flaw::Missing => "is gone from the store".to_owned(),
            Flaw::Unreadable(error) => format!("cannot be read: {error}"),
            Flaw::Damaged(Damage(why), _) => format!("is damaged: {why}"),
        };
        Error::Damaged(format!("a part of the result {what}"))
    }
}

impl Contents for StoredContents<'_> {
    fn write(&mut self, content: &ContentId, to: &Path) -> Result<(), Error> {
        let Some(place) = self.places.get(content).copied() else {
            return Err(Error::Damaged(format!("the result holds no {content}")));
        };
        let bytes = match place {
            Place::Packed { pack, start, size } => self.packed(content, pack, start, size)?,
            Place::Nowhere | Place::Alone { .. } => &[],
        };
        let mut file = create(to).map_err(failed("write", to))?;
        let written = match place {
            Place::Nowhere => Ok(()),
            Place::Packed { .. } => file.write_all(bytes).map_err(failed("write", to)),
            Place::Alone { size } => self.alone(content, size, to, &file),
        };
        if written.is_err() {
            let _ = fs::remove_file(to);
        }
        written
    }
}

/// A new file. It can be read as well, since a clone is digested where it lies.
fn create(to: &Path) -> std::io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(to)
}
