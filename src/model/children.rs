//! Which children of this process have an owner, in whatever room: who cleans up after commands leaves these alone. Plain
//! bookkeeping in memory, but of the whole process, as its children are: hence statics.

use std::collections::HashSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockWriteGuard};

static OWNED: Mutex<Option<HashSet<i32>>> = Mutex::new(None);

/// Held for reading while a child starts, for writing while strays are looked for: in between, a child exists that is in no
/// list yet.
static STARTING: RwLock<()> = RwLock::new(());

/// Starts a child through `start`, which gives its number too, and lists it as owned.
///
/// # Errors
/// Those of `start`.
pub fn start_owned<T>(start: impl FnOnce() -> io::Result<(T, i32)>) -> io::Result<T> {
    let _starting = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    let (child, pid) = start()?;
    own(pid);
    Ok(child)
}

/// Lists a child that is there already.
pub fn own(pid: i32) {
    owned().get_or_insert_default().insert(pid);
}

/// The child was reaped: its number may be given to another.
pub fn disown(pid: i32) {
    if let Some(owned) = owned().as_mut() {
        owned.remove(&pid);
    }
}

/// Whether somebody owns the child.
pub fn is_owned(pid: i32) -> bool {
    owned().as_ref().is_some_and(|it| it.contains(&pid))
}

/// As long as this is held, no owned child starts.
pub fn hold_starts() -> RwLockWriteGuard<'static, ()> {
    STARTING.write().unwrap_or_else(PoisonError::into_inner)
}

fn owned() -> MutexGuard<'static, Option<HashSet<i32>>> {
    OWNED.lock().unwrap_or_else(PoisonError::into_inner)
}
