//! One `svc` at a time works on the outputs of a task in a working tree.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use rustix::process::{Resource, getrlimit};

use crate::cache::outputs::stamp::Time;

/// The part of all open files that locks may take.
const SHARE: u64 = 4;

/// Between two looks at a lock that somebody else holds: at first, and after a while.
const SHORT: Duration = Duration::from_millis(1);
const LONG: Duration = Duration::from_millis(20);

/// Held until it is dropped, or its process ends in whatever way.
#[derive(Debug)]
pub struct Lock {
    _file: Option<File>,
    /// What a killed `svc` had left and was finished or undone now, in words.
    pub recovered: Option<String>,
    /// When it was taken, by the clock of the file system.
    pub(crate) taken: Option<Time>,
}

/// How many open files all locks of one `svc` may take: enough is left for what it runs.
pub fn room() -> usize {
    let limit = getrlimit(Resource::Nofile).current.unwrap_or(u64::MAX);
    usize::try_from(limit / SHARE).unwrap_or(usize::MAX)
}

impl Lock {
    /// A lock that nobody heeds.
    pub(crate) fn of_nothing() -> Self {
        Self {
            _file: None,
            recovered: None,
            taken: None,
        }
    }

    /// Waits for the lock at `path`, unless `is_asked` to give up. Where locks do not work, everybody has it.
    pub(crate) fn wait(
        path: &Path,
        is_asked: &dyn Fn() -> bool,
        waiting: &mut dyn FnMut(),
    ) -> Option<Self> {
        Self::wait_for(&|| Self::at_once(path), is_asked, waiting)
    }

    /// The same for one of many who may have it together, while nobody has it alone.
    pub(crate) fn wait_shared(
        path: &Path,
        is_asked: &dyn Fn() -> bool,
        waiting: &mut dyn FnMut(),
    ) -> Option<Self> {
        let shared = || Self::at_once_by(path, File::try_lock_shared);
        Self::wait_for(&shared, is_asked, waiting)
    }

    fn wait_for(
        at_once: &dyn Fn() -> Option<Self>,
        is_asked: &dyn Fn() -> bool,
        waiting: &mut dyn FnMut(),
    ) -> Option<Self> {
        let mut pause = Duration::ZERO;
        loop {
            if let Some(lock) = at_once() {
                return Some(lock);
            }
            if pause.is_zero() {
                waiting();
            }
            if is_asked() {
                return None;
            }
            pause = (pause * 2).clamp(SHORT, LONG);
            thread::sleep(pause);
        }
    }

    /// The lock, unless somebody else has it.
    pub(crate) fn at_once(path: &Path) -> Option<Self> {
        Self::at_once_by(path, File::try_lock)
    }

    fn at_once_by(
        path: &Path,
        try_lock: impl Fn(&File) -> Result<(), TryLockError>,
    ) -> Option<Self> {
        let file = open(path).ok();
        match file.as_ref().map(try_lock) {
            Some(Err(TryLockError::WouldBlock)) => None,
            Some(Ok(()) | Err(TryLockError::Error(_))) | None => Some(Self {
                _file: file,
                recovered: None,
                taken: None,
            }),
        }
    }
}

fn open(path: &Path) -> io::Result<File> {
    let open = || {
        let mut options = File::options();
        options.write(true).create(true).truncate(false).open(path)
    };
    match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            open()
        }
        other => other,
    }
}
