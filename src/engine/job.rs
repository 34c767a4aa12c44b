//! Everything that a run needs to know.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::mask::Mask;
use crate::model::plan::Plan;
use crate::model::run::TaskResult;
use crate::model::workspace::Workspace;
use crate::process::Control;
use crate::process::jobserver::Jobserver;
use crate::record;

/// One run of a plan.
pub struct Job<'a> {
    pub workspace: &'a Workspace,
    /// The workspace's directory.
    pub root: &'a Path,
    pub plan: Arc<Plan>,
    /// How many tasks may run at once.
    pub jobs: usize,
    pub failing: Failing,
    /// The variables that `svc` was started with.
    pub variables: &'a BTreeMap<OsString, OsString>,
    /// Names the run; no second `svc` uses it.
    pub id: String,
    /// A directory of this run alone, for files that tasks and `svc` hand each other.
    pub scratch: &'a Path,
    /// Where results and logs are kept, if they can be.
    pub record: Option<&'a record::Run>,
    pub control: &'a Control,
    pub jobserver: Option<&'a Jobserver>,
    /// The values of all declared secrets, by the names of their variables.
    pub secrets: BTreeMap<String, Vec<u8>>,
    /// Hides those secrets.
    pub mask: Mask,
    /// The values of tasks that are skipped, by place in the plan.
    pub values: Vec<BTreeMap<String, String>>,
    /// Results of earlier runs, and what becomes of those of this one.
    pub results: &'a dyn Results,
    /// How tasks are carried out that are more than their commands: deploys.
    pub steps: Option<&'a dyn Steps>,
}

/// What a failed task does to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Only its dependents are given up.
    KeepsGoing,
    /// All that were not started are given up, running ones come to their end.
    StartsNoMore,
    /// All are given up, running ones are ended.
    StopsAll,
}

/// Carries out tasks that are more than their commands.
pub trait Steps: Sync {
    /// Carries out a task, in its thread.
    fn perform(&self, task: usize, hands: &mut dyn Hands) -> TaskResult;
}

/// What [`Steps`] are carried out with: whatever runs or is said is part of the task's log, and stops with the run.
pub trait Hands {
    /// Runs one command.
    ///
    /// # Errors
    /// How it ended, if it did not pass.
    fn run(&mut self, step: &Step) -> Result<(), Box<TaskResult>>;

    /// Says a line in the task's log.
    fn say(&mut self, line: &str);

    /// Whether the run is to end.
    fn control(&self) -> &Control;

    /// The values that the commands gave so far.
    ///
    /// # Errors
    /// What is wrong with them, in words.
    fn values(&self) -> Result<BTreeMap<String, String>, String>;
}

/// One command of a task that is more than its commands.
#[derive(Clone, Debug)]
pub struct Step {
    pub script: String,
    pub shell: Arc<[String]>,
    pub directory: PathBuf,
    /// Beside those that every command of the task sees.
    pub variables: Vec<(OsString, OsString)>,
    pub timeout: Option<Duration>,
    pub grace: Duration,
    /// Whether only its failure is of interest, not what it writes.
    pub is_quiet: bool,
}

/// Results of earlier runs, and what becomes of those of this one. Each is asked in the thread of its task, when all that the
/// task needs is done.
pub trait Results: Sync {
    /// Asked from the thread of the run, before anything else: an earlier result that stands for the task, with its key, if
    /// both are known by now, nothing has to be put in place, and its log is short. Nothing may be waited for.
    fn at_hand(&self, _task: usize) -> Option<(Digest, Reused)> {
        None
    }

    /// Asked before a task runs: whether an earlier result stands for it. If so, its outputs are in place when this comes
    /// back.
    fn before(&self, task: usize, tell: &dyn Fn(Event)) -> Before;

    /// Told of what a task that was run came to.
    fn after(&self, task: usize, result: &TaskResult, tell: &dyn Fn(Event)) -> After;

    /// Told that all tasks are over, `duration` after the start, from the thread of the run.
    fn over(&self, duration: Duration, emit: &mut dyn FnMut(&Event));
}

/// No results: everything runs, nothing is kept.
pub struct Nothing;

impl Results for Nothing {
    fn before(&self, _: usize, _: &dyn Fn(Event)) -> Before {
        Before::default()
    }

    fn after(&self, _: usize, _: &TaskResult, _: &dyn Fn(Event)) -> After {
        After::default()
    }

    fn over(&self, _: Duration, _: &mut dyn FnMut(&Event)) {}
}

/// What is known before a task runs.
#[derive(Default)]
pub struct Before {
    /// Its cache key, where that can be told.
    pub key: Option<Digest>,
    /// The earlier result that stands for it.
    pub reused: Option<Reused>,
    /// Why no earlier result does, if there is one.
    pub missed: Option<String>,
}

/// An earlier result.
pub struct Reused {
    pub values: BTreeMap<String, String>,
    /// What the task wrote, if anything. Secrets were masked when it was kept.
    pub log: Option<Box<dyn Read>>,
    /// How long it took.
    pub took: Duration,
    /// What it left behind.
    pub outputs: Digest,
}

/// What is known of a task that passed.
#[derive(Clone, Debug, Default)]
pub struct After {
    /// What the result was made from, if that is known and stayed the same.
    pub key: Option<Digest>,
    /// What it left behind.
    pub outputs: Option<Digest>,
}
