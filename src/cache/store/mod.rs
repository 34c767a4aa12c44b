//! The store: results by key, and the contents that they are made of, for all clones and worktrees of a user.
//!
//! | directory | holds |
//! |---|---|
//! | `v1/results` | one file for each result: what a hit needs, the key with its parts, the log |
//! | `v1/packs` | small files of results, packed together and compressed |
//! | `v1/files` | large files, as they are, each once |
//! | `v1/tasks` | for each task the keys of its last results, to explain a miss |
//! | `v1/temporary` | what is being written |
//!
//! Many processes use it at once, and each may be killed at any moment. So every file appears whole under its name and is
//! never changed after; everything that is read is verified; and nothing is believed to be there because something else
//! says so. There is no lock, save one that lets a single process prune.

mod clock;
mod copy;
mod damage;
mod header;
mod keep;
mod lines;
mod pack;
mod packing;
mod place;
mod prune;
mod result;
mod stats;
mod stored;
mod usage;
mod walk;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use crate::cache::error::Error;
use crate::cache::store::damage::{Flaw, Troubles};
use crate::cache::store::header::Section;
use crate::cache::store::packing::Packing;
use crate::cache::store::place::{Identity, Place, Shelf};
use crate::cache::store::result::ResultFile;
use crate::model::digest::Digest;
use crate::model::key::Key;
use crate::model::outputs::OutputTree;

pub use crate::cache::store::lines::Conflict;
pub use crate::cache::store::result::Log;
pub use crate::cache::store::stats::Stats;
pub use crate::cache::store::stored::StoredContents;

/// How long a result counts as used just now: finding it again within this time writes nothing.
const FRESH: Duration = Duration::from_secs(3600);

/// So many earlier results are worth a look to explain a miss.
const EARLIER: usize = 8;

/// What may be done with a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    ReadWrite,
    /// Nothing at all is written, and nothing needs to exist.
    ReadOnly,
}

/// A store of results.
pub struct Store {
    place: Place,
    troubles: Troubles,
}

/// A result that is to be kept.
#[derive(Clone, Copy, Debug)]
pub struct NewResult<'a> {
    pub key: &'a Key,
    /// Under which [`Store::earlier`] finds it: the same for all results of one task.
    pub task_line: &'a Digest,
    pub outputs: &'a OutputTree,
    pub values: &'a BTreeMap<String, String>,
    pub duration: Duration,
    /// The file with what it printed.
    pub log: Option<&'a Path>,
}

/// A result that was found.
#[derive(Clone, Debug)]
pub struct Found {
    pub key: Digest,
    pub outputs: OutputTree,
    pub outputs_digest: Digest,
    pub values: BTreeMap<String, String>,
    /// How long the task took.
    pub duration: Duration,
    /// When it was kept, in milliseconds since 1970.
    pub kept: u64,
    /// How long its log is. None if none was kept.
    pub log: Option<u64>,
    packing: Packing,
    /// Which file it was read from.
    mark: [u8; 32],
}

/// What keeping a result came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kept {
    /// The key was there already, with other outputs or values. They are replaced, and the conflict is counted.
    pub conflict: bool,
    /// How many bytes were written.
    pub written: u64,
}

/// What was removed from a store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Pruned {
    /// Another process is at it, so nothing was done.
    pub busy: bool,
    pub results: u64,
    pub objects: u64,
    pub bytes: u64,
    /// How many bytes are left.
    pub left: u64,
}

impl Store {
    /// The store in `directory`. For [`Access::ReadWrite`] it is made where it does not exist.
    ///
    /// # Errors
    /// A directory that cannot be written, or in which others could plant results.
    pub fn open(directory: &Path, access: Access) -> Result<Self, Error> {
        Ok(Self {
            place: Place::open(directory, access)?,
            troubles: Troubles::default(),
        })
    }

    /// The result of `key`, if it is there and whole. Whether its contents are too is seen when they are used: see
    /// [`Store::is_complete`].
    pub fn find(&self, key: &Digest) -> Option<Found> {
        let path = self.place.path(Shelf::Results, key.as_str());
        let file = self.whole(&path, ResultFile::open(&path, key))?;
        let outcome = self.whole(&path, file.outcome())?;
        let log = file.header.extent(Section::Log);
        if self.place.writes() {
            file.used(FRESH);
        }
        Some(Found {
            key: key.clone(),
            outputs: outcome.outputs.into_owned(),
            outputs_digest: outcome.outputs_digest,
            values: outcome.values.into_owned(),
            duration: outcome.duration,
            kept: outcome.kept,
            log: (log.stored > 0).then_some(log.plain),
            packing: outcome.packing,
            mark: file.mark,
        })
    }

    /// Whether all contents of the result are there, as far as a look at the names can tell.
    pub fn is_complete(&self, found: &Found) -> bool {
        let plan = found.packing.plan(&found.outputs);
        result::objects(&plan).iter().all(|it| {
            let path = self.place.path(it.shelf, &it.id.to_string());
            path.exists()
        })
    }

    /// Keeps a result, whose outputs are read below the workspace `root`. A store that is only read keeps nothing.
    ///
    /// # Errors
    /// An output that changed since the tree of outputs was taken; a file that cannot be read or written. Nothing is left
    /// of the result then.
    pub fn keep(&self, root: &Path, result: &NewResult) -> Result<Kept, Error> {
        match self.place.writes() {
            true => keep::keep(self, root, result),
            false => Ok(Kept::default()),
        }
    }

    /// The contents of a result.
    pub fn contents<'s>(&'s self, found: &'s Found) -> StoredContents<'s> {
        StoredContents::new(self, found)
    }

    /// What the task printed, if it was kept and is whole.
    pub fn log(&self, found: &Found) -> Option<Log> {
        let path = self.place.path(Shelf::Results, found.key.as_str());
        let file = self.whole(&path, ResultFile::open(&path, &found.key))?;
        if file.mark != found.mark {
            return None;
        }
        self.whole(&path, file.log()).flatten()
    }

    /// The key, with its parts, of an earlier result.
    pub fn key(&self, digest: &Digest) -> Option<Key> {
        let path = self.place.path(Shelf::Results, digest.as_str());
        let file = self.whole(&path, ResultFile::open(&path, digest))?;
        let key = self.whole(&path, file.key()).flatten()?;
        (key.digest() == *digest).then_some(key)
    }

    /// The keys of the last results that were kept under this task line, newest first. Some may be gone.
    pub fn earlier(&self, task_line: &Digest) -> Vec<Digest> {
        let mut keys = lines::kept(&self.place.path(Shelf::Tasks, task_line.as_str()));
        keys.truncate(EARLIER);
        keys
    }

    /// Drops a result.
    pub fn remove(&self, key: &Digest) {
        let path = self.place.path(Shelf::Results, key.as_str());
        if let Ok(file) = std::fs::symlink_metadata(&path) {
            self.place.take_away(&path, Identity::of(&file));
        }
    }

    /// Drops a result if it is still the one that was found.
    fn remove_same(&self, found: &Found) {
        let path = self.place.path(Shelf::Results, found.key.as_str());
        if let Ok(file) = ResultFile::open(&path, &found.key)
            && file.mark == found.mark
        {
            self.place.take_away(&path, Identity::of(&file.metadata));
        }
    }

    /// One line for each damaged thing that was met.
    pub fn troubles(&self) -> Vec<String> {
        self.troubles.lines()
    }

    /// Removes what was used longest ago if the store takes more than `limit` bytes, and what belongs to no result.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub fn prune(&self, limit: u64) -> Result<Pruned, Error> {
        match self.place.writes() {
            true => prune::prune(self, limit),
            false => Ok(Pruned::default()),
        }
    }

    /// Prunes if enough was kept since the last time. To be called after a run that kept something.
    pub fn prune_if_due(&self, limit: u64) {
        if self.place.writes() && usage::is_due(&self.place, limit) {
            // Whoever comes next tries again.
            let _ = prune::prune(self, limit);
        }
    }

    /// What the store holds.
    pub fn stats(&self) -> Stats {
        stats::stats(self)
    }

    /// Removes everything.
    ///
    /// # Errors
    /// A store that cannot be written.
    pub fn clear(&self) -> Result<Pruned, Error> {
        match self.place.writes() {
            true => prune::clear(self),
            false => Ok(Pruned::default()),
        }
    }

    /// The value, or nothing: then what is wrong is remembered, and a damaged file dropped.
    fn whole<T>(&self, path: &Path, value: Result<T, Flaw>) -> Option<T> {
        value
            .map_err(|flaw| self.troubles.met(&self.place, path, &flaw))
            .ok()
    }
}
