//! What a walk over the working tree saw.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, Ordering};

use crate::git::native::entry::Entry;
use crate::git::native::scope::Settings;
use crate::git::native::stat::Stat;
use crate::git::native::tree;
use crate::git::snapshot::Stamp;
use crate::model::change::ObjectId;

/// What a walk saw.
pub struct Walked {
    /// One for each entry of the index below the workspace, in order.
    pub seen: Vec<Seen>,
    /// What is not surely as the index says, sorted by path.
    pub found: Vec<Found>,
}

/// What became of an entry of the index.
#[derive(Default)]
pub struct Seen {
    state: AtomicU8,
    size: AtomicU64,
    inode: AtomicU64,
    modified: AtomicI64,
    changed: AtomicI64,
}

/// The state of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing is there.
    Absent,
    /// The file is as the index says.
    Clean,
    /// It is among the found ones.
    Found,
    /// A directory is there instead.
    Replaced,
}

/// Something in the working tree whose content the index cannot tell.
pub struct Found {
    /// Relative to the workspace.
    pub path: Box<[u8]>,
    /// The entry of the index for the path, if it has one.
    pub entry: Option<usize>,
    pub what: What,
    /// As git would write it into a tree.
    pub mode: u32,
    pub stat: Option<Stat>,
    /// The id of its content, once it was asked for; none if the file went away before that.
    pub id: OnceLock<Option<ObjectId>>,
}

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    File,
    Link,
    /// A submodule, or a repository that git does not know: one path, whatever is in it.
    Repository,
    /// A directory that may not be read, or a file in one that may not be entered.
    Unreadable,
    /// A pipe, a socket or a device in the place of a tracked file.
    Other,
}

impl Seen {
    /// What became of the entry.
    pub fn state(&self) -> State {
        match self.state.load(Ordering::Relaxed) {
            0 => State::Absent,
            1 => State::Clean,
            2 => State::Found,
            _ => State::Replaced,
        }
    }

    /// What the file system says of the file, if it is clean.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            size: self.size.load(Ordering::Relaxed),
            modified_ns: i128::from(self.modified.load(Ordering::Relaxed)),
            changed_ns: i128::from(self.changed.load(Ordering::Relaxed)),
            inode: self.inode.load(Ordering::Relaxed),
        }
    }

    /// Notes what became of the entry.
    pub fn set(&self, state: State) {
        self.state.store(state as u8, Ordering::Relaxed);
    }

    /// Notes that the file is as the index says.
    pub fn set_clean(&self, stat: &Stat) {
        let stamp = stat.stamp();
        let narrow = |time: i128| i64::try_from(time).unwrap_or(i64::MAX);
        self.size.store(stamp.size, Ordering::Relaxed);
        self.inode.store(stamp.inode, Ordering::Relaxed);
        self.modified
            .store(narrow(stamp.modified_ns), Ordering::Relaxed);
        self.changed
            .store(narrow(stamp.changed_ns), Ordering::Relaxed);
        self.set(State::Clean);
    }
}

/// What a file is, and what its mode in a tree would be; none for what git does not see.
pub fn kind(stat: &Stat, entry: Option<&Entry<'_>>, settings: &Settings) -> Option<(What, u32)> {
    let recorded = entry.map_or(0, Entry::mode);
    if stat.is_link() {
        return Some((What::Link, tree::LINK));
    }
    let by_content = match stat.is_program() {
        true => tree::PROGRAM,
        false => tree::FILE,
    };
    let mode = match recorded & 0o170000 {
        0o120000 if !settings.symlinks => tree::LINK,
        0o100000 if !settings.file_mode => recorded,
        _ if !settings.file_mode => tree::FILE,
        _ => by_content,
    };
    stat.is_file().then_some((What::File, mode))
}
