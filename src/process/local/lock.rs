//! One at a time: locks that the system takes back when their holder is gone, however it went.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::path::Path;
use std::time::Duration;

use crate::process::control::Control;
use crate::process::output::{after, has_come, wait};

/// How often a lock is tried.
const PAUSE: Duration = Duration::from_millis(20);

/// A lock that is held until it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

/// How waiting for a lock ended.
#[derive(Debug)]
pub enum Waited {
    Held(Lock),
    Busy,
    Interrupted,
}

/// Waits for the lock at `path`.
pub fn lock(path: &Path, patience: Duration, control: &Control) -> io::Result<Waited> {
    let mut options = OpenOptions::new();
    let file = options
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    let until = Some(after(patience));
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(Waited::Held(Lock { _file: file })),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if control.is_asked() => return Ok(Waited::Interrupted),
            Err(TryLockError::WouldBlock) if has_come(until) => return Ok(Waited::Busy),
            Err(TryLockError::WouldBlock) => {
                wait(&[control.asked()], Some(after(PAUSE)));
            }
        }
    }
}

/// Whether somebody holds the lock at `path`.
#[cfg(not(target_os = "linux"))]
pub fn is_held(path: &Path) -> bool {
    let file = OpenOptions::new().write(true).open(path);
    file.is_ok_and(|it| matches!(it.try_lock_shared(), Err(TryLockError::WouldBlock)))
}
