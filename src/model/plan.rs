//! The plan: the tasks that a run would do, in order, each with its causes and a verdict.

use std::time::Duration;

use crate::model::affected::Cause;
use crate::model::name::TaskId;
use crate::model::workspace::ServiceIndex;

/// Tasks in dependency order: each stands after everything it needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub tasks: Vec<PlannedTask>,
}

/// One task of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTask {
    pub id: TaskId,
    pub service: ServiceIndex,
    /// Places in the plan of the tasks that have to be done first, in rising order.
    pub needs: Vec<usize>,
    /// Why the task is in the plan, never empty.
    pub causes: Vec<Cause>,
    pub verdict: Verdict,
    /// Why the verdict is what it is, for people.
    pub reason: String,
    /// The cache key, where it is known before the run.
    pub key: Option<String>,
    /// Arguments appended to the last command.
    pub arguments: Vec<String>,
    /// How long it took the last time it passed.
    pub expected: Option<Duration>,
}

/// What is to be done about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Run,
    /// A result with the same key is taken instead.
    Cached,
    /// Its last result still stands.
    Skip,
}

impl Verdict {
    /// The word for it, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Cached => "cached",
            Self::Skip => "skip",
        }
    }
}

impl Plan {
    /// How many tasks have the verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tasks.iter().filter(|it| it.verdict == verdict).count()
    }

    /// The place of the task with this full name.
    pub fn find(&self, id: &TaskId) -> Option<usize> {
        self.tasks.iter().position(|it| it.id == *id)
    }
}
