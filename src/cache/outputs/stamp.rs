//! What the file system says of a file or directory, and when that is enough to know that it is still the same.

use std::fs::{self, Metadata};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use rustix::fs::{Stat, Timespec, Timestamps, UTIME_NOW, futimens};
use serde::{Deserialize, Serialize};

/// What was read within this time after a change may have been changed again without a trace: clocks of file systems tick.
const TICK: i128 = 20_000_000;
/// The same where only whole seconds, or pairs of them, are written down.
const COARSE_TICK: i128 = 2_000_000_000;
/// No clock that counts finer than this shows multiples of it, but by chance.
const COARSE: i128 = 10_000_000;

/// A point in time as the file system has it, in nanoseconds since 1970.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Time(i128);

/// What the file system says of a file, link or directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Stamp {
    mode: u32,
    pub size: u64,
    modified: Time,
    changed: Time,
    inode: u64,
    device: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Directory,
    File,
    Link,
    /// What it is, in words.
    Other(&'static str),
}

/// What stays the same as long as nobody makes the thing anew or writes to it: unlike a [`Stamp`], also when it is moved,
/// linked, or its mode changes. Of a directory only that it is this one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) struct Identity {
    kind: u32,
    inode: u64,
    device: u64,
    written: Option<(u64, Time)>,
}

impl Stamp {
    /// As `symlink_metadata` gives it.
    pub fn new(metadata: &Metadata) -> Self {
        Self {
            mode: metadata.mode(),
            size: metadata.size(),
            modified: Time::new(metadata.mtime(), metadata.mtime_nsec()),
            changed: Time::new(metadata.ctime(), metadata.ctime_nsec()),
            inode: metadata.ino(),
            device: metadata.dev(),
        }
    }

    /// As `lstat` gives it.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        reason = "the types of the fields differ between systems"
    )]
    pub fn of(stat: &Stat) -> Self {
        Self {
            mode: stat.st_mode as u32,
            size: stat.st_size as u64,
            modified: Time::new(stat.st_mtime as i64, stat.st_mtime_nsec as i64),
            changed: Time::new(stat.st_ctime as i64, stat.st_ctime_nsec as i64),
            inode: stat.st_ino as u64,
            device: stat.st_dev as u64,
        }
    }

    pub fn kind(&self) -> Kind {
        match self.mode & 0o170000 {
            0o040000 => Kind::Directory,
            0o100000 => Kind::File,
            0o120000 => Kind::Link,
            0o140000 => Kind::Other("a socket"),
            0o010000 => Kind::Other("a fifo"),
            _ => Kind::Other("a device"),
        }
    }

    pub fn is_directory(&self) -> bool {
        self.kind() == Kind::Directory
    }

    /// The permission bits.
    pub fn permissions(&self) -> u32 {
        self.mode & 0o7777
    }

    pub fn device(&self) -> u64 {
        self.device
    }

    pub fn identity(&self) -> Identity {
        Identity {
            kind: self.mode & 0o170000,
            inode: self.inode,
            device: self.device,
            written: (!self.is_directory()).then_some((self.size, self.modified)),
        }
    }

    /// Whether it was made, written or moved at `moment` or later.
    pub fn is_from(&self, moment: Time) -> bool {
        self.changed >= moment
    }

    /// Whether a change after `moment` would surely show in the stamp. `moment` is one before the content was read.
    ///
    /// Clocks of file systems tick, so what changed in the last tick before may change again and keep its stamp. What claims
    /// to be from the future is not believed either: a clock was set back.
    pub fn is_settled(&self, moment: Option<Time>) -> bool {
        let latest = self.modified.max(self.changed).0;
        let is_coarse = self.changed.0 % COARSE == 0;
        let tick = if is_coarse { COARSE_TICK } else { TICK };
        moment.is_some_and(|moment| latest + tick < moment.0)
    }
}

impl Time {
    fn new(seconds: i64, nanoseconds: i64) -> Self {
        Self(i128::from(seconds) * 1_000_000_000 + i128::from(nanoseconds))
    }
}

/// A moment that is not after now, by the clock of the file system that holds `directory` and by that of this machine:
/// they differ where files lie on a server. `None` if it cannot be told; then nothing is settled.
#[expect(
    clippy::disallowed_methods,
    reason = "what is read now is compared with times of files"
)]
pub(crate) fn now(directory: &Path) -> Option<Time> {
    let file = fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .open(directory.join("clock"))
        .ok()?;
    let now = Timespec {
        tv_sec: 0,
        tv_nsec: UTIME_NOW as _,
    };
    let times = Timestamps {
        last_access: now,
        last_modification: now,
    };
    futimens(&file, &times).ok()?;
    let theirs = Stamp::new(&file.metadata().ok()?).changed;
    let ours = SystemTime::now().duration_since(UNIX_EPOCH).ok()?;
    Some(theirs.min(Time(i128::try_from(ours.as_nanos()).ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamp(modified: i128, changed: i128) -> Stamp {
        Stamp {
            mode: 0o100644,
            size: 1,
            modified: Time(modified),
            changed: Time(changed),
            inode: 1,
            device: 1,
        }
    }

    #[test]
    fn only_what_is_older_than_a_tick_of_the_clock_is_settled() {
        const S: i128 = 1_000_000_000;
        const MS: i128 = 1_000_000;
        let check = |modified, changed, moment: i128, expected| {
            let stamp = stamp(modified, changed);
            assert_eq!(
                stamp.is_settled(Some(Time(moment))),
                expected,
                "{modified} {changed} {moment}"
            );
        };
        check(50 * S + 1, 50 * S + 1, 60 * S, true);
        check(50 * S + 1, 50 * S + 1, 50 * S + 19 * MS, false);
        check(50 * S + 1, 50 * S + 1, 50 * S + 21 * MS, true);
        // Content is kept, time of modification set back: `cp -p`, `touch -d`.
        check(10 * S + 1, 50 * S + 1, 50 * S + 2, false);
        // From the future.
        check(90 * S + 1, 50 * S + 1, 60 * S, false);
        check(50 * S + 1, 90 * S + 1, 60 * S, false);
        // Whole seconds.
        check(50 * S, 50 * S, 51 * S, false);
        check(50 * S, 50 * S, 52 * S + 1, true);
        assert!(!stamp(0, 0).is_settled(None));
    }

    #[test]
    fn a_file_written_after_the_moment_is_not_settled_by_it() {
        let directory = tempfile::tempdir().unwrap();
        let moment = now(directory.path());
        assert!(moment.is_some());
        let path = directory.path().join("x");
        fs::write(&path, "x").unwrap();
        let stamp = Stamp::new(&fs::symlink_metadata(&path).unwrap());
        assert!(!stamp.is_settled(moment));
        assert_eq!(now(&directory.path().join("absent")), None);
    }
}
