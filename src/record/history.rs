//! The last result of each task in this worktree.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::path::Path;
use std::time::Duration;

use crate::model::name::TaskId;
use crate::model::run::Outcome;
use crate::record::entry::{Line, TaskRecord};
use crate::record::error::{Error, failed};
use crate::record::files;
use crate::record::state::{Heading, Memory, State};
use crate::record::time::Moment;

/// What is known of each task that ever ran here.
#[derive(Debug, Default)]
pub struct History {
    state: State,
    /// What the state does not know yet, and what it knows of the same tasks.
    fresh: BTreeMap<TaskId, Memory>,
    newest: Moment,
}

impl History {
    /// How the task ended the last time.
    pub fn outcome(&self, id: &TaskId) -> Option<Outcome> {
        match self.fresh.get(id) {
            Some(memory) => Some(memory.last.outcome),
            None => self.state.outcome(id),
        }
    }

    /// How long it took the last time that it ran and passed.
    pub fn duration(&self, id: &TaskId) -> Option<Duration> {
        match self.fresh.get(id) {
            Some(memory) => memory.took,
            None => self.state.took(id),
        }
    }

    /// Its last result, whole.
    pub fn last(&self, id: &TaskId) -> Option<&TaskRecord> {
        self.memory(id).map(|it| &it.last)
    }

    /// The last result with which it passed.
    pub fn passed(&self, id: &TaskId) -> Option<&TaskRecord> {
        let memory = self.memory(id)?;
        let last = Some(&memory.last).filter(|it| has_passed(it));
        last.or(memory.passed.as_ref())
    }

    /// All tasks that are known, and how each ended the last time.
    pub fn outcomes(&self) -> BTreeMap<TaskId, Outcome> {
        let fresh = self
            .fresh
            .iter()
            .map(|(id, it)| (id.clone(), it.last.outcome));
        self.state.outcomes().chain(fresh).collect()
    }

    /// The latest moment that is written down. Nothing new may be older, whatever the clock says.
    pub(crate) fn newest(&self) -> Moment {
        self.newest
    }

    fn memory(&self, id: &TaskId) -> Option<&Memory> {
        self.fresh.get(id).or_else(|| self.state.memory(id))
    }

    /// Takes in a result, unless a later one is known. A task that was skipped has the result that it had.
    fn add(&mut self, record: TaskRecord) {
        self.newest = self.newest.max(record.at);
        if record.outcome == Outcome::Skipped {
            return;
        }
        let memory = match self.memory(&record.id) {
            Some(known) => known.clone().and(record),
            None => Memory {
                took: took(&record),
                last: record,
                passed: None,
            },
        };
        self.fresh.insert(memory.last.id.clone(), memory);
    }

    /// Takes in what a journal holds. Tasks that were running when their `svc` was killed were interrupted.
    fn add_journal(&mut self, run: &str, lines: Vec<Line>, is_alive: bool) {
        let mut open: BTreeMap<TaskId, Moment> = BTreeMap::new();
        for line in lines {
            match line {
                Line::Begun(begun) => drop(open.insert(begun.id, begun.at)),
                Line::Started(start) => drop(open.insert(start.id, start.at)),
                Line::Finished(record) => {
                    open.remove(&record.id);
                    self.add(of_run(run, record));
                }
                Line::Interrupted(_) | Line::Ended(_) => {}
            }
        }
        if !is_alive {
            for (id, at) in open {
                let record = TaskRecord::new(id, Outcome::Interrupted, Duration::ZERO, at);
                self.add(of_run(run, record));
            }
        }
    }
}

impl Memory {
    /// With one more result, which may come late: of two `svc` at once, the one that ends first writes first.
    fn and(self, record: TaskRecord) -> Self {
        let is_late = record.at < self.last.at;
        let took = took(&record).filter(|_| !is_late).or(self.took);
        let (last, other) = match is_late {
            true => (self.last, record),
            false => (record, self.last),
        };
        let passed = [Some(other), self.passed]
            .into_iter()
            .flatten()
            .filter(has_passed);
        let passed = passed.max_by_key(|it| it.at).filter(|_| !has_passed(&last));
        Self { last, passed, took }
    }
}

fn has_passed(record: &TaskRecord) -> bool {
    matches!(record.outcome, Outcome::Passed | Outcome::Cached)
}

fn took(record: &TaskRecord) -> Option<Duration> {
    (record.outcome == Outcome::Passed).then_some(record.duration)
}

fn of_run(run: &str, record: TaskRecord) -> TaskRecord {
    let run = run.to_owned();
    TaskRecord { run, ..record }
}

/// The history below `directory`: the state, and the runs that it does not hold yet.
pub(crate) fn read(directory: &Path) -> History {
    let state = State::read(directory);
    let mut names = files::run_names(directory);
    names.retain(|it| !state.heading.runs.contains(it));
    let mut history = with(state);
    for name in names.iter().rev() {
        let run = files::run_path(directory, name);
        // Whether it lives is asked first: a run that ends in between has its last lines.
        let is_alive = files::is_alive(&run);
        history.add_journal(name, files::read_journal(&run), is_alive);
    }
    history
}

/// Brings the state up to date with all runs that are over, of which `finished` with its `records` is one that need not be
/// read again.
pub(crate) fn fold(
    directory: &Path,
    finished: Option<(&str, Vec<TaskRecord>)>,
) -> Result<(), Error> {
    let lock = directory.join(files::LOCK);
    let lock = File::create(&lock).map_err(failed("create", &lock))?;
    // Where locks do not work, two svc at once may lose a result of each other: it runs again.
    let _ = lock.lock();
    let mut history = with(State::read(directory));
    let (name, records) = finished.unzip();
    let mut runs = BTreeSet::new();
    for run in files::run_names(directory) {
        if history.state.heading.runs.contains(&run) || Some(run.as_str()) == name {
            runs.insert(run);
            continue;
        }
        let path = files::run_path(directory, &run);
        if !files::is_alive(&path) {
            history.add_journal(&run, files::read_journal(&path), false);
            runs.insert(run);
        }
    }
    for record in records.into_iter().flatten() {
        history.add(record);
    }
    if runs == history.state.heading.runs && history.fresh.is_empty() {
        return Ok(());
    }
    let mut heading = Heading::default();
    (heading.newest, heading.runs) = (history.newest, runs);
    history.state.write(directory, heading, &history.fresh)
}

fn with(state: State) -> History {
    let (newest, fresh) = (state.heading.newest, BTreeMap::new());
    History {
        state,
        fresh,
        newest,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_result_stands_in_whatever_order_they_come() {
        use Outcome::{Cached, Failed, Passed, Skipped};
        let check =
            |results: &[(u64, Outcome)], last: u64, passed: Option<u64>, took: Option<u64>| {
                let id = TaskId::parse("a:b").unwrap();
                let mut history = History::default();
                for (at, outcome) in results {
                    let duration = Duration::from_millis(*at);
                    history.add(TaskRecord::new(id.clone(), *outcome, duration, Moment(*at)));
                }
                let at = |it: &TaskRecord| it.at.0;
                assert_eq!(history.last(&id).map(at), Some(last), "{results:?}");
                assert_eq!(history.passed(&id).map(at), passed, "{results:?}");
                assert_eq!(
                    history.duration(&id),
                    took.map(Duration::from_millis),
                    "{results:?}"
                );
            };
        check(&[(1, Passed)], 1, Some(1), Some(1));
        check(&[(1, Passed), (2, Failed)], 2, Some(1), Some(1));
        check(&[(2, Failed), (1, Passed)], 2, Some(1), None);
        check(
            &[(1, Passed), (2, Failed), (3, Failed)],
            3,
            Some(1),
            Some(1),
        );
        check(
            &[(1, Failed), (2, Passed), (3, Cached)],
            3,
            Some(3),
            Some(2),
        );
        check(
            &[(1, Passed), (3, Failed), (2, Passed)],
            3,
            Some(2),
            Some(1),
        );
        check(&[(3, Passed), (1, Failed)], 3, Some(3), Some(3));
        check(&[(1, Passed), (2, Skipped)], 1, Some(1), Some(1));
        check(&[(1, Failed), (1, Passed)], 1, Some(1), Some(1));
    }
}
