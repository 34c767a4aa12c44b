//! One entry of the index, read where it lies in the file.

use crate::git::native::scope::Settings;
use crate::git::native::stat::{Stat, Time, is_unchanged};
use crate::git::native::tree::{self, Side};
use crate::model::change::ObjectId;

pub const STAT: usize = 40;
pub const EXTENDED: u16 = 0x4000;
const ASSUME_VALID: u16 = 0x8000;
pub const SKIP_WORKTREE: u16 = 0x4000;
pub const INTENT_TO_ADD: u16 = 0x2000;

/// One entry of the index.
#[derive(Clone, Copy)]
pub struct Entry<'i> {
    /// The part of fixed length, and two bytes more, which hold further flags.
    pub fixed: &'i [u8],
    /// From the root of the repository.
    pub path: &'i [u8],
    pub id_length: usize,
}

impl Entry<'_> {
    /// What the file system said of the file when git last looked. Its inode and size are cut to 32 bits.
    pub fn stat(&self) -> Stat {
        let time = |at| Time {
            seconds: i64::from(be32(self.fixed, at)),
            nanoseconds: be32(self.fixed, at + 4),
        };
        Stat {
            changed: time(0),
            modified: time(8),
            inode: u64::from(be32(self.fixed, 20)),
            mode: be32(self.fixed, 24),
            user: be32(self.fixed, 28),
            group: be32(self.fixed, 32),
            size: u64::from(be32(self.fixed, 36)),
        }
    }

    /// The mode as a tree would have it.
    pub fn mode(&self) -> u32 {
        let mode = be32(self.fixed, 24);
        match mode & 0o170000 {
            0o100000 if mode & 0o100 != 0 => tree::PROGRAM,
            0o100000 => tree::FILE,
            kind => kind,
        }
    }

    pub fn id(&self) -> ObjectId {
        ObjectId::from_bytes(self.raw_id()).expect("ids have 20 or 32 bytes")
    }

    pub fn raw_id(&self) -> &[u8] {
        &self.fixed[STAT..STAT + self.id_length]
    }

    pub fn side(&self) -> Side {
        Side {
            mode: self.mode(),
            id: self.id(),
        }
    }

    /// 0, or the side of a conflict: 1 is the common ancestor, 2 ours, 3 theirs.
    pub fn stage(&self) -> u16 {
        (self.flags() >> 12) & 3
    }

    /// The user promised that the file does not change.
    pub fn is_assumed_valid(&self) -> bool {
        self.flags() & ASSUME_VALID != 0
    }

    /// The file lies outside of the sparse checkout.
    pub fn is_skipped(&self) -> bool {
        self.extended() & SKIP_WORKTREE != 0
    }

    /// Only the path is known to the index; its content was not added.
    pub fn is_intent_to_add(&self) -> bool {
        self.extended() & INTENT_TO_ADD != 0
    }

    /// Whether the file with `stat` surely is what the index says; `written` is when the index was.
    pub fn is_clean(&self, stat: &Stat, written: Time, settings: &Settings) -> bool {
        let same_kind = match self.mode() {
            tree::LINK => stat.is_link() || !settings.symlinks && stat.is_file(),
            tree::SUBMODULE => false,
            mode => {
                let is_program = mode == tree::PROGRAM;
                stat.is_file() && (!settings.file_mode || is_program == stat.is_program())
            }
        };
        same_kind
            && self.stage() == 0
            && !self.is_intent_to_add()
            && is_unchanged(&self.stat(), stat, written, settings)
    }

    fn flags(&self) -> u16 {
        be16(self.fixed, STAT + self.id_length)
    }

    fn extended(&self) -> u16 {
        match self.flags() & EXTENDED != 0 {
            true => be16(self.fixed, STAT + self.id_length + 2),
            false => 0,
        }
    }
}

/// A big-endian number at `at`.
pub fn be16(bytes: &[u8], at: usize) -> u16 {
    u16::from_be_bytes([bytes[at], bytes[at + 1]])
}

/// A big-endian number at `at`.
pub fn be32(bytes: &[u8], at: usize) -> u32 {
    u32::from_be_bytes([bytes[at], bytes[at + 1], bytes[at + 2], bytes[at + 3]])
}
