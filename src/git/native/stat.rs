//! What the file system says of a file, and git's rules for believing that it did not change.

use crate::git::native::scope::Settings;
use crate::git::snapshot::Stamp;

/// A point in time as the file system has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Time {
    pub seconds: i64,
    pub nanoseconds: u32,
}

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stat {
    pub mode: u32,
    pub size: u64,
    pub modified: Time,
    pub changed: Time,
    pub inode: u64,
    pub user: u32,
    pub group: u32,
}

impl Stat {
    /// As `lstat` gives it.
    #[allow(
        clippy::unnecessary_cast,
        clippy::cast_lossless,
        reason = "the types of the fields differ between systems"
    )]
    pub fn new(stat: &rustix::fs::Stat) -> Self {
        Self {
            mode: stat.st_mode as u32,
            size: stat.st_size as u64,
            modified: Time {
                seconds: stat.st_mtime as i64,
                nanoseconds: stat.st_mtime_nsec as u32,
            },
            changed: Time {
                seconds: stat.st_ctime as i64,
                nanoseconds: stat.st_ctime_nsec as u32,
            },
            inode: stat.st_ino as u64,
            user: stat.st_uid,
            group: stat.st_gid,
        }
    }

    pub fn is_file(&self) -> bool {
        self.mode & 0o170000 == 0o100000
    }

    pub fn is_link(&self) -> bool {
        self.mode & 0o170000 == 0o120000
    }

    pub fn is_directory(&self) -> bool {
        self.mode & 0o170000 == 0o040000
    }

    pub fn is_program(&self) -> bool {
        self.mode & 0o100 != 0
    }

    /// What others get to see of it.
    pub fn stamp(&self) -> Stamp {
        Stamp {
            size: self.size,
            modified_ns: self.modified.as_nanoseconds(),
            changed_ns: self.changed.as_nanoseconds(),
            inode: self.inode,
        }
    }
}

impl Time {
    fn as_nanoseconds(self) -> i128 {
        i128::from(self.seconds) * 1_000_000_000 + i128::from(self.nanoseconds)
    }
}

/// Whether the content is surely what git saw when it wrote `recorded`, a stat of an index from `written`.
pub fn is_unchanged(recorded: &Stat, now: &Stat, written: Time, settings: &Settings) -> bool {
    // An index has 32 bits for each field, and a size of zero for a file that git could not be sure of.
    let same_time = |recorded: Time, now: Time| {
        recorded.seconds as u32 == now.seconds as u32
            && (!settings.check_stat
                || recorded.nanoseconds == 0
                || recorded.nanoseconds == now.nanoseconds)
    };
    let same_file = || {
        recorded.user == now.user
            && recorded.group == now.group
            && recorded.inode as u32 == now.inode as u32
    };
    same_time(recorded.modified, now.modified)
        && recorded.size as u32 == recorded_size(now.size)
        && (!settings.check_stat || same_file())
        && (!settings.check_stat
            || !settings.trust_ctime
            || same_time(recorded.changed, now.changed))
        && !is_racy(recorded, now, written)
}

/// Whether the file may have been written again after git looked, within the same tick of the clock.
fn is_racy(recorded: &Stat, now: &Stat, written: Time) -> bool {
    // Some file systems count seconds only; the index may lie on another one.
    let is_coarse = recorded.modified.nanoseconds == 0
        || now.modified.nanoseconds == 0
        || written.nanoseconds == 0;
    match is_coarse {
        true => now.modified.seconds >= written.seconds,
        false => now.modified >= written,
    }
}

/// A size as the index has it: a file of a multiple of 4 GiB must not look like one that git was not sure of.
fn recorded_size(size: u64) -> u32 {
    match size as u32 {
        0 if size > 0 => 0x8000_0000,
        cut => cut,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings() -> Settings {
        Settings {
            file_mode: true,
            trust_ctime: true,
            check_stat: true,
            symlinks: true,
            ignore_case: false,
            may_convert: false,
            present_files_count: false,
            excludes_file: None,
            attributes_file: None,
        }
    }

    fn time(seconds: i64, nanoseconds: u32) -> Time {
        Time {
            seconds,
            nanoseconds,
        }
    }

    fn stat() -> Stat {
        Stat {
            mode: 0o100644,
            size: 5,
            modified: time(100, 7),
            changed: time(100, 8),
            inode: 3,
            user: 1,
            group: 1,
        }
    }

    #[test]
    fn a_file_is_unchanged_only_if_every_field_that_counts_agrees() {
        let check = |change: &dyn Fn(&mut Stat), settings: &Settings, expected| {
            let mut now = stat();
            change(&mut now);
            let unchanged = is_unchanged(&stat(), &now, time(200, 1), settings);
            assert_eq!(unchanged, expected, "{now:?}");
        };
        let minimal = Settings {
            check_stat: false,
            ..settings()
        };
        let no_ctime = Settings {
            trust_ctime: false,
            ..settings()
        };
        check(&|_| {}, &settings(), true);
        check(&|now| now.size = 6, &minimal, false);
        check(&|now| now.modified.seconds = 101, &minimal, false);
        check(&|now| now.modified.nanoseconds = 9, &settings(), false);
        check(&|now| now.modified.nanoseconds = 9, &minimal, true);
        check(&|now| now.changed.seconds = 101, &settings(), false);
        check(&|now| now.changed.seconds = 101, &no_ctime, true);
        check(&|now| now.changed.seconds = 101, &minimal, true);
        check(&|now| now.inode = 4, &settings(), false);
        check(&|now| now.inode = 4, &no_ctime, false);
        check(&|now| now.inode = 4, &minimal, true);
        check(&|now| now.inode = 3 + (1 << 32), &settings(), true);
        check(&|now| now.user = 2, &settings(), false);
    }

    #[test]
    fn a_file_as_young_as_the_index_is_not_believed() {
        let check = |written, expected| {
            assert_eq!(
                is_unchanged(&stat(), &stat(), written, &settings()),
                expected,
                "{written:?}"
            );
        };
        check(time(100, 8), true);
        check(time(100, 7), false);
        check(time(100, 6), false);
        check(time(99, 9), false);
        // Only seconds are known.
        check(time(100, 0), false);
        check(time(101, 0), true);
    }

    #[test]
    fn an_entry_that_git_was_not_sure_of_is_not_believed() {
        let mut huge = stat();
        huge.size = 1 << 32;
        let mut unsure = stat();
        unsure.size = 0;
        assert!(!is_unchanged(&unsure, &huge, time(200, 1), &settings()));
    }
}
