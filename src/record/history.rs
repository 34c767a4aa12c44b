//! The last result of each task in this worktree.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::name::TaskId;
use crate::model::run::Outcome;
use crate::record::entry::{Line, RunId, TaskRecord};
use crate::record::error::{Error, failed};
use crate::record::files;
use crate::record::time::Moment;

/// Raised when older `svc` could misread the file: they then begin anew.
const VERSION: u32 = 1;

/// What is known of each task that ever ran here.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    tasks: BTreeMap<TaskId, Memory>,
    newest: Moment,
}

#[derive(Clone, Debug, PartialEq)]
struct Memory {
    last: TaskRecord,
    /// The last one that passed, where it is not `last`.
    passed: Option<TaskRecord>,
    /// How long it took when it last ran and passed.
    took: Option<Duration>,
}

impl History {
    /// How the task ended the last time.
    pub fn last(&self, id: &TaskId) -> Option<&TaskRecord> {
        self.tasks.get(id).map(|it| &it.last)
    }

    /// The last time that it passed.
    pub fn passed(&self, id: &TaskId) -> Option<&TaskRecord> {
        let memory = self.tasks.get(id)?;
        let last = Some(&memory.last).filter(|it| has_passed(it));
        last.or(memory.passed.as_ref())
    }

    /// How long it took the last time that it ran and passed.
    pub fn duration(&self, id: &TaskId) -> Option<Duration> {
        self.tasks.get(id)?.took
    }

    /// All tasks that are known, with their last results.
    pub fn all(&self) -> impl Iterator<Item = (&TaskId, &TaskRecord)> {
        self.tasks.iter().map(|(id, it)| (id, &it.last))
    }

    /// The latest moment that is written down. Nothing new may be older, whatever the clock says.
    pub(crate) fn newest(&self) -> Moment {
        self.newest
    }

    /// Takes in a result, unless a later one is known. A task that was skipped has the result that it had.
    pub(crate) fn add(&mut self, record: TaskRecord) {
        self.newest = self.newest.max(record.at);
        if record.outcome == Outcome::Skipped {
            return;
        }
        let Some(known) = self.tasks.get_mut(&record.id) else {
            let took = (record.outcome == Outcome::Passed).then_some(record.duration);
            let memory = Memory {
                last: record,
                passed: None,
                took,
            };
            self.tasks.insert(memory.last.id.clone(), memory);
            return;
        };
        if record.at < known.last.at {
            // Two svc at once: the other one was later, but may not have passed.
            if has_passed(&record) && !has_passed(&known.last) {
                let newer = known.passed.as_ref().is_none_or(|it| it.at <= record.at);
                known.passed = if newer {
                    Some(record)
                } else {
                    known.passed.take()
                };
            }
            return;
        }
        if record.outcome == Outcome::Passed {
            known.took = Some(record.duration);
        }
        let before = std::mem::replace(&mut known.last, record);
        if has_passed(&known.last) {
            known.passed = None;
        } else if has_passed(&before) {
            known.passed = Some(before);
        }
    }

    /// Takes in what a journal holds. Tasks that were running when their `svc` was killed were interrupted.
    pub(crate) fn add_journal(&mut self, run: &str, lines: Vec<Line>, is_alive: bool) {
        let mut open: BTreeMap<TaskId, Moment> = BTreeMap::new();
        for line in lines {
            match line {
                Line::Started(start) => drop(open.insert(start.id, start.at)),
                Line::Finished(record) => {
                    open.remove(&record.id);
                    self.add(TaskRecord {
                        run: run.to_owned(),
                        ..record
                    });
                }
                Line::Interrupted(_) | Line::Ended(_) => {}
            }
        }
        if !is_alive {
            for (id, at) in open {
                let record = TaskRecord::new(id, Outcome::Interrupted, Duration::ZERO, at);
                self.add(TaskRecord {
                    run: run.to_owned(),
                    ..record
                });
            }
        }
    }
}

fn has_passed(record: &TaskRecord) -> bool {
    matches!(record.outcome, Outcome::Passed | Outcome::Cached)
}

/// `state.json`.
#[derive(Default, Serialize, Deserialize)]
struct State {
    version: u32,
    /// The runs that it holds already, of those that are still there.
    runs: HashSet<RunId>,
    tasks: Vec<Entry>,
}

#[derive(Serialize, Deserialize)]
struct Entry {
    last: TaskRecord,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    passed: Option<TaskRecord>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    took: Option<u64>,
}

/// The history below `directory`: the state, and the runs that it does not hold yet.
pub(crate) fn read(directory: &Path) -> History {
    let (mut history, held) = read_state(directory);
    let mut names = files::run_names(directory);
    names.retain(|it| !held.contains(it));
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
    let (mut history, held) = read_state(directory);
    let mut now_held = HashSet::new();
    let mut is_new = false;
    let finished_name = finished.as_ref().map(|it| it.0.to_owned());
    for name in files::run_names(directory) {
        let run = files::run_path(directory, &name);
        if Some(&name) == finished_name.as_ref() || held.contains(&name) {
            now_held.insert(name);
        } else if !files::is_alive(&run) {
            history.add_journal(&name, files::read_journal(&run), false);
            now_held.insert(name);
            is_new = true;
        }
    }
    if let Some((name, records)) = finished {
        for record in records {
            history.add(TaskRecord {
                run: name.to_owned(),
                ..record
            });
            is_new = true;
        }
    }
    if !is_new {
        return Ok(());
    }
    write_state(directory, history, now_held)
}

fn read_state(directory: &Path) -> (History, HashSet<RunId>) {
    let bytes = fs::read(directory.join(files::STATE)).unwrap_or_default();
    let state: State = serde_json::from_slice(&bytes).unwrap_or_default();
    if state.version != VERSION {
        return Default::default();
    }
    let mut newest = Moment::default();
    let mut tasks = Vec::with_capacity(state.tasks.len());
    for entry in state.tasks {
        newest = newest.max(entry.last.at);
        let took = entry.took.map(Duration::from_millis);
        let (last, passed) = (entry.last, entry.passed);
        tasks.push((last.id.clone(), Memory { last, passed, took }));
    }
    let tasks = tasks.into_iter().collect();
    (History { tasks, newest }, state.runs)
}

fn write_state(directory: &Path, history: History, runs: HashSet<RunId>) -> Result<(), Error> {
    let entries = history.tasks.into_values().map(|it| Entry {
        last: it.last,
        passed: it.passed,
        took: it.took.map(|it| it.as_millis() as u64),
    });
    let state = State {
        version: VERSION,
        runs,
        tasks: entries.collect(),
    };
    let path = directory.join(files::STATE);
    let bytes = serde_json::to_vec(&state).map_err(|it| Error::new("write", &path, it.into()))?;
    files::replace(&path, &bytes).map_err(failed("write", &path))
}
