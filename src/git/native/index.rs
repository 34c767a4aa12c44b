//! The index file, mapped and read in place: versions 2 to 4, with ids of 20 or 32 bytes.

use std::cmp::Ordering;
use std::fs::File;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use memmap2::Mmap;

use crate::git::error::Error;
use crate::git::native::cache_tree::CacheTree;
use crate::git::native::entry::{EXTENDED, Entry, INTENT_TO_ADD, SKIP_WORKTREE, STAT, be16, be32};
use crate::git::native::stat::Time;

/// A mapped index. Its entries are sorted by path, then stage.
pub struct Index {
    bytes: Option<Mmap>,
    /// The paths, where the file has them compressed.
    names: Vec<u8>,
    slots: Vec<Slot>,
    id_length: usize,
    written: Time,
    cache_tree: Option<CacheTree>,
    has_skipped: bool,
}

#[derive(Clone, Copy)]
struct Slot {
    /// Where the entry begins in the file.
    at: u32,
    /// Where its path begins, in the file or in `names`.
    name: u32,
    name_length: u32,
}

const HEADER: usize = 12;

impl Index {
    /// Reads the index at `path`; a file that is not there is an index without entries.
    ///
    /// # Errors
    /// A damaged file, or one that needs git: a split or sparse index, extensions that nobody knows.
    pub fn read(path: &Path, id_length: usize) -> Result<Self, Error> {
        let mut index = Self {
            bytes: None,
            names: Vec::new(),
            slots: Vec::new(),
            id_length,
            written: Time::default(),
            cache_tree: None,
            has_skipped: false,
        };
        let failed = |cause| Error::File {
            attempt: format!("read the index {}", path.display()),
            cause,
        };
        let file = match File::open(path) {
            Ok(file) => file,
            Err(cause) if cause.kind() == std::io::ErrorKind::NotFound => return Ok(index),
            Err(cause) => return Err(failed(cause)),
        };
        let metadata = file.metadata().map_err(failed)?;
        index.written = Time {
            seconds: metadata.mtime(),
            nanoseconds: metadata.mtime_nsec() as u32,
        };
        let bytes = map(&file).map_err(failed)?;
        index.load(&bytes).map_err(|fault| match fault {
            Fault::Damaged(what) => {
                Error::Corrupt(format!("the index {} is damaged: {what}", path.display()))
            }
            Fault::Unknown(what) => Error::Unsupported(what),
        })?;
        index.bytes = Some(bytes);
        Ok(index)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// When the file was written.
    pub fn written(&self) -> Time {
        self.written
    }

    /// The trees that git remembers for directories of the index.
    pub fn cache_tree(&self) -> Option<&CacheTree> {
        self.cache_tree.as_ref()
    }

    /// Whether an entry is marked as outside of the sparse checkout.
    pub fn has_skipped(&self) -> bool {
        self.has_skipped
    }

    /// The bytes of the file, which the cache tree points into.
    pub fn bytes(&self) -> &[u8] {
        self.bytes.as_deref().unwrap_or_default()
    }

    /// The path of an entry.
    pub fn path(&self, at: usize) -> &[u8] {
        let slot = self.slots[at];
        let source = match self.names.is_empty() {
            true => self.bytes(),
            false => &self.names,
        };
        &source[slot.name as usize..][..slot.name_length as usize]
    }

    /// An entry.
    pub fn entry(&self, at: usize) -> Entry<'_> {
        let start = self.slots[at].at as usize;
        Entry {
            fixed: &self.bytes()[start..start + STAT + self.id_length + 4],
            path: self.path(at),
            id_length: self.id_length,
        }
    }

    /// The entries below `directory`; all for the empty path.
    pub fn below(&self, directory: &[u8]) -> Range<usize> {
        if directory.is_empty() {
            return 0..self.len();
        }
        let start = self.partition(0..self.len(), |path| is_before(path, directory));
        start..self.partition(start..self.len(), |path| is_below(path, directory))
    }

    /// The entries of `path` in all stages.
    pub fn find(&self, path: &[u8]) -> Range<usize> {
        let start = self.partition(0..self.len(), |name| name < path);
        start..self.partition(start..self.len(), |name| name == path)
    }

    /// The end of the entries from `range.start` on that lie in the same directory, whose path is the first `length`
    /// bytes of theirs. It is near for small directories.
    pub fn end_of_directory(&self, range: Range<usize>, length: usize) -> usize {
        let directory = &self.path(range.start)[..length];
        let (mut low, mut step) = (range.start, 1);
        loop {
            let probe = low + step;
            if probe >= range.end || !is_below(self.path(probe), directory) {
                let high = probe.min(range.end);
                return self.partition(low..high, |path| is_below(path, directory));
            }
            low = probe;
            step *= 2;
        }
    }

    fn partition(&self, range: Range<usize>, is_before: impl Fn(&[u8]) -> bool) -> usize {
        let (mut low, mut high) = (range.start, range.end);
        while low < high {
            let middle = low.midpoint(high);
            match is_before(self.path(middle)) {
                true => low = middle + 1,
                false => high = middle,
            }
        }
        low
    }

    fn load(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        if bytes.len() < HEADER + self.id_length || u32::try_from(bytes.len()).is_err() {
            return Err(Fault::Damaged("its length"));
        }
        let version = be32(bytes, 4);
        if &bytes[..4] != b"DIRC" {
            return Err(Fault::Damaged("its beginning"));
        }
        if !(2..=4).contains(&version) {
            return Err(Fault::Unknown(format!("version {version} of the index")));
        }
        let end = bytes.len() - self.id_length;
        let extensions = self.load_entries(&bytes[..end], version)?;
        self.load_extensions(&bytes[..end], extensions)
    }

    /// Reads all entries; the result is where they end.
    fn load_entries(&mut self, bytes: &[u8], version: u32) -> Result<usize, Fault> {
        let count = be32(bytes, 8) as usize;
        let smallest = STAT + self.id_length + 2 + 2;
        if count > bytes.len() / smallest {
            return Err(Fault::Damaged("the number of its entries"));
        }
        self.slots = Vec::with_capacity(count);
        let mut at = HEADER;
        // The path before, in the file or in `names`.
        let mut before = 0..0;
        let mut stage_before = 0;
        for _ in 0..count {
            let fixed = at + STAT + self.id_length;
            if fixed + 4 > bytes.len() {
                return Err(Fault::Damaged("an entry ends too early"));
            }
            let flags = be16(bytes, fixed);
            let name = match flags & EXTENDED != 0 {
                true => {
                    self.check_extended(be16(bytes, fixed + 2), version)?;
                    fixed + 4
                }
                false => fixed + 2,
            };
            let stage = (flags >> 12) & 3;
            let (range, next) = match version {
                4 => self.inflate(bytes, name, &before)?,
                _ => plain_name(bytes, at, name, flags)?,
            };
            if range.is_empty() {
                return Err(Fault::Unknown("a split index".to_owned()));
            }
            let source = if version == 4 { &self.names } else { bytes };
            let order = source[before.clone()].cmp(&source[range.clone()]);
            if order.is_gt() || (order.is_eq() && stage <= stage_before) {
                return Err(Fault::Damaged("its entries are not sorted"));
            }
            check_mode(be32(bytes, at + 24))?;
            self.slots.push(Slot {
                at: at as u32,
                name: range.start as u32,
                name_length: range.len() as u32,
            });
            (before, stage_before, at) = (range, stage, next);
        }
        Ok(at)
    }

    fn check_extended(&mut self, flags: u16, version: u32) -> Result<(), Fault> {
        if version < 3 || flags & !(SKIP_WORKTREE | INTENT_TO_ADD) != 0 {
            return Err(Fault::Unknown("an unknown flag in the index".to_owned()));
        }
        self.has_skipped |= flags & SKIP_WORKTREE != 0;
        Ok(())
    }

    /// Reads a path of version 4: how much of the path before to drop, and what to add.
    fn inflate(
        &mut self,
        bytes: &[u8],
        at: usize,
        before: &Range<usize>,
    ) -> Result<(Range<usize>, usize), Fault> {
        let damaged = Fault::Damaged("a compressed path");
        let (dropped, at) = varint(bytes, at).ok_or(Fault::Damaged("a compressed path"))?;
        let Some(kept) = before.len().checked_sub(dropped) else {
            return Err(damaged);
        };
        let length = end_of_text(&bytes[at..]).ok_or(damaged)?;
        let start = self.names.len();
        if start + kept + length > u32::MAX as usize {
            return Err(Fault::Unknown("an index of that size".to_owned()));
        }
        self.names
            .extend_from_within(before.start..before.start + kept);
        self.names.extend_from_slice(&bytes[at..at + length]);
        Ok((start..self.names.len(), at + length + 1))
    }

    fn load_extensions(&mut self, bytes: &[u8], mut at: usize) -> Result<(), Fault> {
        while at < bytes.len() {
            if bytes.len() - at < 8 {
                return Err(Fault::Damaged("an extension ends too early"));
            }
            let (name, size) = (&bytes[at..at + 4], be32(bytes, at + 4) as usize);
            let content = at + 8..at + 8 + size;
            if content.end > bytes.len() {
                return Err(Fault::Damaged("an extension ends too early"));
            }
            match name {
                b"TREE" => {
                    let tree = CacheTree::parse(bytes, content.clone(), self.id_length);
                    self.cache_tree = Some(tree.ok_or(Fault::Damaged("its tree extension"))?);
                }
                b"link" => return Err(Fault::Unknown("a split index".to_owned())),
                b"sdir" => return Err(Fault::Unknown("a sparse index".to_owned())),
                _ if name[0].is_ascii_uppercase() => {}
                _ => {
                    let name = name.escape_ascii();
                    return Err(Fault::Unknown(format!("the index extension {name}")));
                }
            }
            at = content.end;
        }
        Ok(())
    }
}

enum Fault {
    Damaged(&'static str),
    Unknown(String),
}

#[expect(unsafe_code, reason = "mapping a file has no safe form")]
fn map(file: &File) -> std::io::Result<Mmap> {
    // SAFETY: git never writes into an index: it writes another file and renames it, so what is mapped stays as it is.
    unsafe { Mmap::map(file) }
}

fn check_mode(mode: u32) -> Result<(), Fault> {
    match mode & 0o170000 {
        0o100000 | 0o120000 | 0o160000 => Ok(()),
        0o040000 => Err(Fault::Unknown("a sparse index".to_owned())),
        _ => Err(Fault::Damaged("the kind of an entry")),
    }
}

/// A path as versions 2 and 3 have it: where it is, and where the next entry begins.
fn plain_name(
    bytes: &[u8],
    at: usize,
    name: usize,
    flags: u16,
) -> Result<(Range<usize>, usize), Fault> {
    const LENGTH: u16 = 0xfff;
    let length = match flags & LENGTH {
        LENGTH => end_of_text(bytes.get(name..).unwrap_or_default()),
        length => Some(usize::from(length)),
    };
    let damaged = Fault::Damaged("a path ends too early");
    let Some(length) = length else {
        return Err(damaged);
    };
    // One to eight zeros follow, so that every entry has a multiple of eight bytes.
    let next = at + ((name - at + length + 8) & !7);
    match next <= bytes.len() && bytes[name + length] == 0 {
        true => Ok((name..name + length, next)),
        false => Err(damaged),
    }
}

fn end_of_text(bytes: &[u8]) -> Option<usize> {
    bytes.iter().position(|byte| *byte == 0)
}

/// A number as git packs offsets: seven bits a byte, each further byte adding one.
fn varint(bytes: &[u8], mut at: usize) -> Option<(usize, usize)> {
    let mut byte = *bytes.get(at)?;
    let mut value = usize::from(byte & 127);
    while byte & 128 != 0 {
        at += 1;
        byte = *bytes.get(at)?;
        value = value.checked_add(1)?.checked_mul(128)? + usize::from(byte & 127);
    }
    Some((value, at + 1))
}

fn is_below(path: &[u8], directory: &[u8]) -> bool {
    path.len() > directory.len() && path[directory.len()] == b'/' && path.starts_with(directory)
}

/// Whether `path` comes before everything below `directory`.
fn is_before(path: &[u8], directory: &[u8]) -> bool {
    let common = path.len().min(directory.len());
    match path[..common].cmp(&directory[..common]) {
        Ordering::Less => true,
        Ordering::Greater => false,
        Ordering::Equal => path.get(common).is_none_or(|byte| *byte < b'/'),
    }
}
