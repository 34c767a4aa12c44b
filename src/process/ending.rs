//! What is left of a command beside its leader, and telling it to end.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::process::{Pid, Signal};

use crate::process::command::Marks;
use crate::process::leaders;
use crate::process::tree::{self, Process};

/// How far the ending of a process has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It is told to end and may clean up.
    Ask,
    /// It is taken away.
    Kill,
}

/// The process group that a command leads, and whatever left it.
#[derive(Debug)]
pub struct Remains {
    group: Pid,
    /// What stood below the leader when it was told to end: later, its orphans cannot be traced back.
    known: Vec<Process>,
    /// The groups that those made. What they fork while we look is in them.
    groups: HashSet<i32>,
}

/// A process that is to end, and stays this very one.
#[derive(Debug)]
pub struct Held {
    pub process: Process,
    handle: Option<OwnedFd>,
}

impl Remains {
    /// What the leader `pid` leads.
    pub fn of(pid: i32) -> Option<Self> {
        let group = Pid::from_raw(pid)?;
        Some(Self {
            group,
            known: Vec::new(),
            groups: HashSet::from([pid]),
        })
    }

    /// Remembers what stands below the leader now.
    pub fn look(&mut self) {
        let leader = HashSet::from([self.group.as_raw_nonzero().get()]);
        let all = tree::all();
        let own = rustix::process::getpgrp().as_raw_nonzero().get();
        let below = tree::below(&all, &leader).into_iter();
        self.known.extend(below.cloned());
        let groups = self.known.iter().map(|it| it.group);
        self.groups.extend(groups.filter(|it| *it != own));
    }

    /// Whether anything is left in the group, once the leader was reaped. Members that are over and were left to us are
    /// reaped first.
    pub fn is_group_alive(&self) -> bool {
        let options = rustix::process::WaitOptions::NOHANG;
        while let Ok(Some(_)) = rustix::process::waitpgid(self.group, options) {}
        rustix::process::test_kill_process_group(self.group).is_ok()
    }

    /// Sends the signal to the whole group at once, so that no member can slip through by forking.
    pub fn signal_group(&self, force: Force) {
        for signal in signals(force) {
            let _ = rustix::process::kill_process_group(self.group, *signal);
        }
    }

    /// The group, and those members of it that were told together with it.
    pub fn known_in_group(&self) -> HashSet<(i32, u64)> {
        let group = self.group.as_raw_nonzero().get();
        let members = self.known.iter().filter(|it| it.group == group);
        members
            .map(Process::identity)
            .chain([self.whole()])
            .collect()
    }

    /// The group as a whole, in a list of processes that were told. Unlike them, it has no start time.
    pub fn whole(&self) -> (i32, u64) {
        (self.group.as_raw_nonzero().get(), 0)
    }

    /// Whether there may be members that [`Self::living`] cannot show, because the system has no `/proc`.
    pub fn may_be_unseen(&self) -> bool {
        cfg!(not(target_os = "linux")) && self.is_group_alive()
    }

    /// Signals the group where its members cannot be signalled one by one.
    pub fn signal_unseen(&self, force: Force) {
        if self.may_be_unseen() {
            self.signal_group(force);
        }
    }

    /// The living members of the group and, with `marks`, what left it.
    pub fn living(&self, marks: Option<&Marks>) -> Vec<Held> {
        leaders::reap_strays();
        let all = tree::all();
        let group = self.group.as_raw_nonzero().get();
        let members = all.iter().filter(|it| it.group == group);
        let mut found: HashSet<i32> = members.map(|it| it.pid).collect();
        if let Some(marks) = marks {
            found.extend(self.escaped(&all, marks));
        }
        let living = all
            .into_iter()
            .filter(|it| found.contains(&it.pid) && !it.is_over);
        living.map(hold).collect()
    }

    /// Descendants that left the group: those that were seen below the leader, those that carry the marks, and all below.
    fn escaped(&self, all: &[Process], marks: &Marks) -> HashSet<i32> {
        let own = HashSet::from([std::process::id() as i32]);
        let known: HashSet<_> = self.known.iter().map(Process::identity).collect();
        let is_known =
            |it: &Process| known.contains(&it.identity()) || self.groups.contains(&it.group);
        let below = tree::below(all, &own);
        let spared = tree::spared(all, &below);
        let mut found: HashSet<i32> = below
            .into_iter()
            .filter(|it| !it.is_over && (is_known(it) || tree::carries(it.pid, marks)))
            .map(|it| it.pid)
            .collect();
        let below: Vec<i32> = tree::below(all, &found).iter().map(|it| it.pid).collect();
        found.extend(below);
        found.retain(|it| !spared.contains(it));
        found
    }
}

impl Held {
    /// Tells this process to end.
    pub fn signal(&self, force: Force) {
        for signal in signals(force) {
            self.send(*signal);
        }
    }

    #[cfg(target_os = "linux")]
    fn send(&self, signal: Signal) {
        if let Some(handle) = &self.handle {
            let _ = rustix::process::pidfd_send_signal(handle, signal);
        }
    }

    #[cfg(not(target_os = "linux"))]
    fn send(&self, _: Signal) {}

    /// Readable once it is over.
    pub fn watched(&self) -> Option<BorrowedFd<'_>> {
        self.handle.as_ref().map(AsFd::as_fd)
    }
}

/// A handle for `process`, so that nobody else is meant when it is over.
pub fn hold(process: Process) -> Held {
    let handle = tree::hold(&process);
    Held { process, handle }
}

/// One that is stopped does not hear the request before it goes on.
fn signals(force: Force) -> &'static [Signal] {
    match force {
        Force::Ask => &[Signal::TERM, Signal::CONT],
        Force::Kill => &[Signal::KILL],
    }
}
