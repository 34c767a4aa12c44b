//! Which children are ours to wait for, and which were left to us.
//!
//! On Linux `svc` adopts every orphan below it, so each process that a command leaves behind is a child of `svc` sooner or
//! later. Those must be told apart from the commands themselves and from what other rooms start. What is known here is
//! known of the whole process, as its children are: hence a static.

use std::collections::HashSet;
use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus};

use crate::process::output::{after, has_come};
use crate::process::tree;

/// Children that have an owner: the commands that run, and what was there before the first of them.
static OWNED: Mutex<Option<HashSet<i32>>> = Mutex::new(None);

/// Held for reading while a command starts, for writing while strays are looked for: in between, a child exists that is in
/// no list yet.
static STARTING: RwLock<()> = RwLock::new(());

/// Starts a child through `start` and lists it as owned.
pub fn start_owned<T>(start: impl FnOnce() -> io::Result<(T, i32)>) -> io::Result<T> {
    adopt_orphans();
    let _starting = STARTING.read().unwrap_or_else(PoisonError::into_inner);
    let (child, pid) = start()?;
    owned().get_or_insert_default().insert(pid);
    Ok(child)
}

/// The child was reaped: its number may be given to another.
pub fn disown(pid: i32) {
    if let Some(owned) = owned().as_mut() {
        owned.remove(&pid);
    }
}

/// Whether this process has any children at all, over or not.
pub fn any_children() -> bool {
    !matches!(peek(), Err(rustix::io::Errno::CHILD))
}

/// As [`reap_strays`], but not always: after each of many short commands it would cost more than they do, as some other
/// command that just ended looks like a stray until one looks closer. It only keeps their number small.
pub fn reap_strays_now_and_then() {
    static NEXT: Mutex<Option<Instant>> = Mutex::new(None);
    let mut next = NEXT.lock().unwrap_or_else(PoisonError::into_inner);
    if next.is_none() || has_come(*next) {
        *next = Some(after(Duration::from_secs(1)));
        drop(next);
        reap_strays();
    }
}

/// Reaps children that are over and that nobody else will wait for. Quick as long as there are none.
pub fn reap_strays() {
    if !matches!(peek(), Ok(Some(_))) {
        return;
    }
    let _alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    let own = std::process::id() as i32;
    let over = tree::all()
        .into_iter()
        .filter(|it| it.parent == own && it.is_over);
    for pid in over.filter(is_stray).filter_map(|it| Pid::from_raw(it.pid)) {
        let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG;
        let _ = rustix::process::waitid(WaitId::Pid(pid), options);
    }
}

/// Everything that commands left behind: what stands below `svc`, not counting running commands, what other rooms started
/// and what is below these. Nor counted are supervisors of services, which are to stay.
pub fn strays() -> Vec<tree::Process> {
    let alone = STARTING.write().unwrap_or_else(PoisonError::into_inner);
    let all = tree::all();
    let own = std::process::id() as i32;
    let roots: HashSet<i32> = all
        .iter()
        .filter(|it| it.parent == own && is_stray(it))
        .map(|it| it.pid)
        .collect();
    drop(alone);
    let below = tree::below(&all, &roots);
    let roots = all.iter().filter(|it| roots.contains(&it.pid));
    let strays: Vec<_> = roots.chain(below).collect();
    let spared = tree::spared(&all, &strays);
    strays
        .into_iter()
        .filter(|it| !it.is_over && !spared.contains(&it.pid))
        .cloned()
        .collect()
}

/// Whether a child was left to us. What other rooms start, such as `git`, is in our own group, and no command ever is. A `git`
/// that speaks with a remote may be in a group of its own: it must not be running while commands do.
fn is_stray(child: &tree::Process) -> bool {
    // Before the first command there is no list, and nothing that a command left.
    let is_unowned = owned().as_ref().is_some_and(|it| !it.contains(&child.pid));
    is_unowned && child.group != rustix::process::getpgrp().as_raw_nonzero().get()
}

/// Whether some child is over; it is left as it is.
fn peek() -> rustix::io::Result<Option<WaitIdStatus>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    rustix::process::waitid(WaitId::All, options)
}

fn owned() -> MutexGuard<'static, Option<HashSet<i32>>> {
    OWNED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Once: become the parent of orphans, and remember the children that were there before.
fn adopt_orphans() {
    let mut owned = owned();
    if owned.is_some() {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
    let own = std::process::id() as i32;
    let before = match any_children() {
        true => tree::all()
            .iter()
            .filter(|it| it.parent == own)
            .map(|it| it.pid)
            .collect(),
        false => HashSet::new(),
    };
    *owned = Some(before);
}
