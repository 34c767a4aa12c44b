//! The processes of this machine, as `/proc` shows them. Where there is no `/proc`, none are seen.

use std::collections::{HashMap, HashSet};
use std::fs;
use std::os::fd::OwnedFd;

use crate::model::env::STARTED_BY;
use crate::process::command::Marks;

/// One process, at the moment it was looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Process {
    pub pid: i32,
    pub parent: i32,
    pub group: i32,
    pub session: i32,
    /// Whether it is over and only waits to be reaped.
    pub is_over: bool,
    /// In ticks since the start of the machine: with the number, this names a process for good.
    pub start_time: u64,
    /// The short name of its program.
    pub name: String,
}

impl Process {
    /// What no other process has, before or after.
    pub fn identity(&self) -> (i32, u64) {
        (self.pid, self.start_time)
    }
}

/// The process `pid`, if there is one.
pub fn look_at(pid: i32) -> Option<Process> {
    parse(&fs::read(format!("/proc/{pid}/stat")).ok()?)
}

/// All processes.
pub fn all() -> Vec<Process> {
    let Ok(entries) = fs::read_dir("/proc") else {
        return Vec::new();
    };
    entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter_map(look_at)
        .collect()
}

/// Those of `all` that stand below one of `roots`, the roots not included.
pub fn below<'a>(all: &'a [Process], roots: &HashSet<i32>) -> Vec<&'a Process> {
    let mut children: HashMap<i32, Vec<&Process>> = HashMap::new();
    for process in all {
        children.entry(process.parent).or_default().push(process);
    }
    let mut seen = roots.clone();
    let mut next: Vec<i32> = roots.iter().copied().collect();
    let mut found = Vec::new();
    while let Some(pid) = next.pop() {
        for &child in children.get(&pid).into_iter().flatten() {
            // A parent may end while we look, and its number be taken by a child of a child.
            if seen.insert(child.pid) {
                next.push(child.pid);
                found.push(child);
            }
        }
    }
    found
}

/// A variable of the process, where it may be read.
pub fn variables(pid: i32) -> HashMap<Vec<u8>, Vec<u8>> {
    let block = fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
    block
        .split(|byte| *byte == 0)
        .filter_map(|line| {
            let at = line.iter().position(|byte| *byte == b'=')?;
            Some((line[..at].to_vec(), line[at + 1..].to_vec()))
        })
        .collect()
}

/// Whether the process carries the marks.
pub fn carries(pid: i32, marks: &Marks) -> bool {
    let variables = variables(pid);
    marks.variables().iter().all(|(name, value)| {
        variables
            .get(name.as_bytes())
            .is_some_and(|it| it == value.as_bytes())
    })
}

/// Those of `below`, which stand below us, that may outlive us: supervisors of services, what was started for ourselves, and
/// all below these.
pub fn spared(all: &[Process], below: &[&Process]) -> HashSet<i32> {
    let own = std::process::id().to_string();
    let is_spared = |it: &&&Process| {
        let variables = variables(it.pid);
        let starter = variables.get(STARTED_BY.as_bytes());
        variables.contains_key(Marks::SUPERVISOR.as_bytes())
            || starter.is_some_and(|it| it == own.as_bytes())
    };
    let mut spared: HashSet<i32> = below.iter().filter(is_spared).map(|it| it.pid).collect();
    if !spared.is_empty() {
        let under = self::below(all, &spared).into_iter().map(|it| it.pid);
        spared.extend(under.collect::<Vec<_>>());
    }
    spared
}

/// A handle that keeps meaning this very process, also after its number was given to another.
#[cfg(target_os = "linux")]
pub fn hold(process: &Process) -> Option<OwnedFd> {
    use rustix::process::{Pid, PidfdFlags, pidfd_open};
    let handle = pidfd_open(Pid::from_raw(process.pid)?, PidfdFlags::empty()).ok()?;
    let now = look_at(process.pid)?;
    (now.start_time == process.start_time).then_some(handle)
}

#[cfg(not(target_os = "linux"))]
pub fn hold(_: &Process) -> Option<OwnedFd> {
    None
}

/// `pid (name) state parent group session …`, start time as the 22nd field. The name may hold anything.
fn parse(stat: &[u8]) -> Option<Process> {
    let open = stat.iter().position(|byte| *byte == b'(')?;
    let close = stat.iter().rposition(|byte| *byte == b')')?;
    let pid = std::str::from_utf8(&stat[..open])
        .ok()?
        .trim()
        .parse()
        .ok()?;
    let rest = std::str::from_utf8(stat.get(close + 1..)?).ok()?;
    let fields: Vec<&str> = rest.split_ascii_whitespace().collect();
    Some(Process {
        pid,
        parent: fields.get(1)?.parse().ok()?,
        group: fields.get(2)?.parse().ok()?,
        session: fields.get(3)?.parse().ok()?,
        is_over: matches!(*fields.first()?, "Z" | "X"),
        start_time: fields.get(19)?.parse().ok()?,
        name: String::from_utf8_lossy(stat.get(open + 1..close)?).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_anything() {
        let stat = b"42 (a) b (c)) S 7 40 40 0 -1 4194304 1 2 3 4 5 6 7 8 20 0 1 0 9876 1 2";
        let process = parse(stat).unwrap();
        assert_eq!((process.pid, process.parent, process.group), (42, 7, 40));
        assert_eq!(process.session, 40);
        assert_eq!(
            (process.start_time, process.name.as_str()),
            (9876, "a) b (c)")
        );
        assert!(!process.is_over);
    }

    #[test]
    fn damaged_lines_are_no_process() {
        for stat in [
            &b""[..],
            b"1",
            b"1 (a",
            b"1 a)",
            b")(",
            b"1 (a) S 1",
            b"x (a) S 1 1 1",
        ] {
            assert_eq!(parse(stat), None);
        }
    }

    #[test]
    fn everything_below_a_root_is_found_once() {
        let process = |pid, parent| Process {
            pid,
            parent,
            group: 1,
            session: 1,
            is_over: false,
            start_time: 0,
            name: String::new(),
        };
        let all = [
            process(2, 1),
            process(3, 2),
            process(4, 9),
            process(9, 4),
            process(5, 3),
        ];
        let mut found: Vec<_> = below(&all, &HashSet::from([1]))
            .iter()
            .map(|it| it.pid)
            .collect();
        found.sort_unstable();
        assert_eq!(found, [2, 3, 5]);
    }
}
