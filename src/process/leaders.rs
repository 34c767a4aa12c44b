//! Which children are ours to wait for, and which were left to us.
//!
//! On Linux `svc` adopts every orphan below it, so each process that a command leaves behind is a child of `svc` sooner or
//! later. Those must be told apart from the commands themselves and from what other rooms start. What is known here is
//! known of the whole process, as its children are: hence a static.

use std::collections::HashSet;
use std::io;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, WaitId, WaitIdOptions, WaitIdStatus};

use crate::model::children;
use crate::process::output::{after, has_come};
use crate::process::tree;

/// Whether orphans are adopted and those children are listed that were there before.
static ADOPTING: Mutex<bool> = Mutex::new(false);

/// Starts a child through `start` and lists it as owned.
pub fn start_owned<T>(start: impl FnOnce() -> io::Result<(T, i32)>) -> io::Result<T> {
    adopt_orphans();
    children::start_owned(start)
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
    let _alone = children::hold_starts();
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
    let alone = children::hold_starts();
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

/// Whether a child was left to us. What other rooms start is owned, or in our own group, and no command ever is.
fn is_stray(child: &tree::Process) -> bool {
    // Before the first command there is nothing that a command left.
    let is_unowned = is_adopting() && !children::is_owned(child.pid);
    is_unowned && child.group != rustix::process::getpgrp().as_raw_nonzero().get()
}

/// Whether some child is over; it is left as it is.
fn peek() -> rustix::io::Result<Option<WaitIdStatus>> {
    let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    rustix::process::waitid(WaitId::All, options)
}

fn is_adopting() -> bool {
    *ADOPTING.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Once: become the parent of orphans, and remember the children that were there before.
fn adopt_orphans() {
    let mut adopting = ADOPTING.lock().unwrap_or_else(PoisonError::into_inner);
    if *adopting {
        return;
    }
    #[cfg(target_os = "linux")]
    {
        let _ = rustix::process::set_child_subreaper(Some(rustix::process::getpid()));
    }
    if any_children() {
        let own = std::process::id() as i32;
        let before = tree::all().into_iter().filter(|it| it.parent == own);
        before.for_each(|it| children::own(it.pid));
    }
    *adopting = true;
}
