//! Nothing outlives a run: finding and ending what commands left behind, in this run or in one that was killed.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::process::command::Marks;
use crate::process::control::Control;
use crate::process::ending::{Force, Held, hold};
use crate::process::leaders;
use crate::process::output::{after, has_come, wait};
use crate::process::tree::{self, Process};

/// How long a killed process may take to be gone.
const PATIENCE: Duration = Duration::from_secs(5);

/// A process that was left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leftover {
    pub pid: u32,
    /// The short name of its program.
    pub name: String,
    /// The task that started it, as `service:task`, where it can be told.
    pub task: Option<String>,
    /// Whether it is gone now.
    pub is_ended: bool,
}

/// Ends every descendant that is left once all commands are over: it is asked, after `grace` killed. Tells what was found.
pub fn sweep(control: &Control, grace: Duration) -> Vec<Leftover> {
    let mut found = BTreeMap::new();
    leaders::reap_strays();
    if leaders::any_children() && end_strays(&mut found, Force::Ask, control, grace) {
        end_strays(&mut found, Force::Kill, control, PATIENCE);
    }
    leaders::reap_strays();
    found.into_values().collect()
}

/// Tells all strays, new ones included, until there are none or the time is up; whether some are left.
fn end_strays(
    found: &mut BTreeMap<(i32, u64), Leftover>,
    force: Force,
    control: &Control,
    time: Duration,
) -> bool {
    end_all(&leaders::strays, found, force, control, time)
}

/// Tells all that `look` finds, each time anew, until it finds none or the time is up; whether some are left.
pub fn end_all(
    look: &dyn Fn() -> Vec<Process>,
    found: &mut BTreeMap<(i32, u64), Leftover>,
    force: Force,
    control: &Control,
    time: Duration,
) -> bool {
    let until = after(time);
    let mut told = HashSet::new();
    loop {
        let living: Vec<Held> = look().into_iter().map(hold).collect();
        let alive: HashSet<_> = living.iter().map(|it| it.process.identity()).collect();
        for (identity, leftover) in found.iter_mut() {
            leftover.is_ended = !alive.contains(identity);
        }
        for it in &living {
            let identity = it.process.identity();
            found
                .entry(identity)
                .or_insert_with(|| describe(&it.process));
            if told.insert(identity) {
                it.signal(force);
            }
        }
        let in_haste = force == Force::Ask && control.is_killed();
        if living.is_empty() || has_come(Some(until)) || in_haste {
            return !living.is_empty();
        }
        let mut watched: Vec<_> = living.iter().filter_map(Held::watched).collect();
        if force == Force::Ask {
            watched.push(control.killed());
        }
        // One that cannot be watched is looked for again soon.
        let blind = living.iter().any(|it| it.watched().is_none());
        let soon = after(Duration::from_millis(20));
        wait(&watched, Some(if blind { soon.min(until) } else { until }));
        leaders::reap_strays();
    }
}

/// Which of the `recorded` processes (number and start time) still run, and what else carries the mark of one of `runs`.
/// For runs whose `svc` was killed: their processes are no longer below anybody who would end them.
pub fn leftovers(recorded: &[(u32, u64)], runs: &[String]) -> Vec<Leftover> {
    if recorded.is_empty() && runs.is_empty() {
        return Vec::new();
    }
    let recorded: HashSet<(i32, u64)> = recorded.iter().map(|it| (it.0 as i32, it.1)).collect();
    let is_marked = |pid| {
        let run = tree::variables(pid).remove(Marks::RUN.as_bytes());
        run.is_some_and(|run| runs.iter().any(|it| it.as_bytes() == run))
    };
    tree::all()
        .iter()
        .filter(|it| !it.is_over)
        .filter(|it| recorded.contains(&it.identity()) || is_marked(it.pid))
        .map(describe)
        .collect()
}

fn describe(process: &Process) -> Leftover {
    let variables = tree::variables(process.pid);
    let text = |name: &str| {
        let value = variables.get(name.as_bytes())?;
        Some(String::from_utf8_lossy(value).into_owned())
    };
    let task = text(Marks::SERVICE).zip(text(Marks::TASK));
    Leftover {
        pid: process.pid as u32,
        name: process.name.clone(),
        task: task.map(|(service, task)| format!("{service}:{task}")),
        is_ended: false,
    }
}
