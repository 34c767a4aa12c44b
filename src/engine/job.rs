//! Everything that a run needs to know.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::Arc;

use crate::model::digest::Digest;
use crate::model::mask::Mask;
use crate::model::path::FilePath;
use crate::model::plan::Plan;
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
    /// Looks at a task that passed: what its result was made from.
    pub look_after: &'a (dyn Fn(usize) -> Aftermath + Sync),
}

/// What a failed task does to the others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failing {
    /// Only its dependents are given up.
    KeepsGoing,
    /// All are given up, running ones are ended.
    StopsAll,
}

/// What was found after a task passed.
#[derive(Clone, Debug, Default)]
pub struct Aftermath {
    /// What the result was made from, if that is known and stayed the same.
    pub inputs: Option<Digest>,
    /// The outputs as they lie on disk.
    pub outputs: Option<Digest>,
    /// An input that was written while the task ran.
    pub changed_input: Option<FilePath>,
}
