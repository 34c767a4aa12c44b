//! What came of a run and of each task in it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;

/// How a task ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    Passed,
    Failed,
    Cached,
    Skipped,
    Interrupted,
    TimedOut,
}

impl Outcome {
    /// The word for it, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Cached => "cached",
            Self::Skipped => "skipped",
            Self::Interrupted => "interrupted",
            Self::TimedOut => "timed-out",
        }
    }

    /// Whether the task's result does not stand: it ran, or was to run, and did not pass.
    pub fn is_bad(self) -> bool {
        matches!(self, Self::Failed | Self::Interrupted | Self::TimedOut)
    }
}

/// The result of one task of a run.
#[derive(Clone, Debug, PartialEq)]
pub struct TaskResult {
    pub outcome: Outcome,
    /// The exit code of the command that ended the task, where there is one.
    pub exit_code: Option<i32>,
    /// From its first start to its end, all tries together.
    pub duration: Duration,
    /// How many times it was started.
    pub attempts: u32,
    /// Where the log is kept, if it is.
    pub log: Option<PathBuf>,
    /// The last lines of the output, for a task that did not pass.
    pub tail: Vec<u8>,
    /// What happened, for a task that did not pass: `exit code 2`, `needs common:build`.
    pub reason: String,
    /// What to do about it, one line each.
    pub hints: Vec<String>,
    /// The values it gave.
    pub values: BTreeMap<String, String>,
    /// Its cache key, once it is known.
    pub key: Option<Digest>,
    /// Why no earlier result could be taken, for a task that has one.
    pub missed: Option<String>,
    /// How long the run took whose result was taken.
    pub saved: Duration,
}

impl TaskResult {
    /// The result of a task that was not started, because of `reason`.
    pub fn not_started(outcome: Outcome, reason: impl Into<String>) -> Self {
        Self {
            outcome,
            exit_code: None,
            duration: Duration::ZERO,
            attempts: 0,
            log: None,
            tail: Vec::new(),
            reason: reason.into(),
            hints: Vec::new(),
            values: BTreeMap::new(),
            key: None,
            missed: None,
            saved: Duration::ZERO,
        }
    }
}

/// The end of a run: one result per task of the plan, in its order.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub results: Vec<TaskResult>,
    /// From the first start to the end.
    pub duration: Duration,
    /// The chain of tasks that took longest one after the other, as places in the plan, first to last.
    pub critical_path: Vec<usize>,
    /// Whether it was stopped from outside before its end.
    pub interrupted: bool,
}

impl Summary {
    /// How many tasks ended with `outcome`.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.results
            .iter()
            .filter(|it| it.outcome == outcome)
            .count()
    }
}
