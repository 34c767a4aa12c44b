//! Which processes of this machine belong to a service, beyond doubt.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::process::command::Marks;
use crate::process::local::place::Place;
use crate::process::local::record::{Identity, Phase, Record};
use crate::process::tree::{self, Process};

/// The processes of this machine, as they were a moment ago.
pub struct Machine {
    all: Vec<Process>,
    /// Of each process that carries one of our variables: the directory that its service has.
    supervisors: HashMap<i32, PathBuf>,
    served: HashMap<i32, String>,
    boot: String,
}

/// What belongs to one service.
#[derive(Debug, Default)]
pub struct Owned {
    pub supervisors: Vec<Process>,
    pub processes: Vec<Process>,
}

impl Owned {
    /// The numbers of all.
    pub fn pids(&self) -> Vec<u32> {
        let all = self.supervisors.iter().chain(&self.processes);
        all.map(|it| it.pid as u32).collect()
    }

    /// All of them.
    pub fn all(self) -> Vec<Process> {
        self.supervisors.into_iter().chain(self.processes).collect()
    }
}

impl Machine {
    /// Looks at all processes.
    pub fn look() -> Self {
        let own = std::process::id() as i32;
        let is_other = |it: &Process| !it.is_over && it.pid != own;
        let all: Vec<_> = tree::all().into_iter().filter(is_other).collect();
        let (mut supervisors, mut served) = (HashMap::new(), HashMap::new());
        for process in &all {
            let mut variables = tree::variables(process.pid);
            let supervisor = variables.remove(Marks::SUPERVISOR.as_bytes());
            let run = variables.remove(Marks::RUN.as_bytes());
            if let Some(directory) = supervisor {
                let directory = path(directory);
                supervisors.insert(process.pid, directory);
            } else if let Some(run) = run.and_then(|it| String::from_utf8(it).ok()) {
                served.insert(process.pid, run);
            }
        }
        Self {
            all,
            supervisors,
            served,
            boot: boot(),
        }
    }

    /// Whether the record was written since this machine was started.
    pub fn is_of_this_boot(&self, record: &Record) -> bool {
        record.boot == self.boot
    }

    /// Whether this very process lives. Where the system shows no processes, nobody knows.
    pub fn lives(&self, identity: Identity) -> bool {
        self.find(identity).is_some()
    }

    fn find(&self, identity: Identity) -> Option<&Process> {
        let is_it =
            |it: &&Process| it.pid as u32 == identity.pid && Some(it.start_time) == identity.start;
        self.all.iter().find(is_it)
    }

    /// Whether the process `pid` belongs to the service.
    pub fn is_owned(&self, pid: u32, place: &Place, record: Option<&Record>) -> bool {
        self.owned(place, record).pids().contains(&pid)
    }

    /// What belongs to the service: what carries its variables, what was written down and lives, what is in its group and
    /// session, and all below these. Supervisors of others may be below, and stay.
    pub fn owned(&self, place: &Place, record: Option<&Record>) -> Owned {
        let record = record.filter(|it| self.is_of_this_boot(it));
        let supervises = |it: &Process| {
            let is_marked = self.supervisors.get(&it.pid) == Some(&place.directory);
            is_marked || record.and_then(|it| self.find(it.supervisor)) == Some(it)
        };
        let run = place.marks().run;
        let recorded = record.and_then(recorded);
        let serves = |it: &Process| {
            self.served.get(&it.pid) == Some(&run)
                || recorded.is_some_and(|(leader, session)| is_of(it, leader, session))
        };
        let (supervisors, others): (Vec<_>, Vec<_>) =
            self.all.iter().partition(|it| supervises(it));
        let mut found: HashSet<i32> = others
            .iter()
            .filter(|it| serves(it))
            .map(|it| it.pid)
            .collect();
        found.extend(supervisors.iter().map(|it| it.pid));
        found.extend(self.below(&found));
        let foreign = self.foreign(&place.directory);
        let processes = others
            .into_iter()
            .filter(|it| found.contains(&it.pid) && !foreign.contains(&it.pid));
        Owned {
            processes: processes.cloned().collect(),
            supervisors: supervisors.into_iter().cloned().collect(),
        }
    }

    /// Supervisors of other services, and all below them.
    fn foreign(&self, directory: &Path) -> HashSet<i32> {
        let others = self.supervisors.iter().filter(|it| it.1 != directory);
        let mut foreign: HashSet<i32> = others.map(|it| *it.0).collect();
        foreign.extend(self.below(&foreign));
        foreign
    }

    fn below(&self, roots: &HashSet<i32>) -> Vec<i32> {
        let below = tree::below(&self.all, roots);
        below.into_iter().map(|it| it.pid).collect()
    }
}

/// The process that was started last, and the session that it was started in.
fn recorded(record: &Record) -> Option<(Identity, i32)> {
    match record.phase {
        Phase::Runs { process, .. } => Some((process, record.supervisor.pid as i32)),
        Phase::Waits { .. } | Phase::Stopped => None,
    }
}

/// Whether `process` is `leader`, or of the group that it leads or led. The numbers of group and session are not given to
/// others as long as anybody is in them, and nobody is older than the leader.
fn is_of(process: &Process, leader: Identity, session: i32) -> bool {
    let Some(start) = leader.start else {
        return false;
    };
    let is_leader = process.pid as u32 == leader.pid && process.start_time == start;
    let is_member = process.group as u32 == leader.pid
        && process.session == session
        && process.start_time >= start;
    is_leader || is_member
}

fn path(bytes: Vec<u8>) -> PathBuf {
    use std::os::unix::ffi::OsStringExt;
    std::ffi::OsString::from_vec(bytes).into()
}

/// What names this start of the machine; empty where it has no name.
pub fn boot() -> String {
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id");
    boot.unwrap_or_default().trim().to_owned()
}
