//! What the answers to questions consist of, as plain data. `ops` fills it, this room shows it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use crate::model::cause::Cause;
use crate::model::change::{Base, Head};
use crate::model::ledger::{DeployId, Runs, State};
use crate::model::name::{EnvironmentName, ServiceName, TaskId};
use crate::model::path::FilePath;
use crate::model::run::Outcome;
use crate::model::standing::Standing;
use crate::report::paint::Paint;
use crate::report::settings::{Settings, Verbosity};

/// How a text is to look.
#[derive(Clone, Copy, Debug, Default)]
pub struct Look {
    pub paint: Paint,
    /// Columns that lines should fit into, where a terminal sets a limit.
    pub columns: Option<usize>,
    pub verbosity: Verbosity,
}

/// What to write to standard output and to standard error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Said {
    pub stdout: String,
    pub stderr: String,
}

/// The answer of `svc affected`.
#[derive(Clone, Debug)]
pub struct AffectedView {
    pub base: Base,
    pub head: Head,
    /// Why everything is affected, if it is.
    pub everything: Option<String>,
    /// Whether that is as it has to be.
    pub is_for_everything: bool,
    /// In dependency order.
    pub services: Vec<ServiceView>,
    pub unowned: Vec<FilePath>,
}

/// An affected service.
#[derive(Clone, Debug)]
pub struct ServiceView {
    pub name: ServiceName,
    pub path: FilePath,
    pub causes: Vec<Cause>,
}

/// The answer of `svc why`.
#[derive(Clone, Debug)]
pub struct WhyView {
    pub subject: Subject,
    pub base: Base,
    /// The causes of the subject and of everything it can be traced to. Empty or missing: not affected.
    pub causes: BTreeMap<Subject, Vec<Cause>>,
    /// Why everything is affected, if it is.
    pub everything: Option<String>,
    /// What is known of the earlier results of a task.
    pub standing: Option<Standing>,
}

/// A service or a task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Subject {
    Service(ServiceName),
    Task(TaskId),
}

/// A recorded run, for `svc log`.
#[derive(Clone, Debug)]
pub struct RunView {
    pub id: String,
    /// When it began or what it was, in words, where known.
    pub about: String,
    pub tasks: Vec<LoggedTask>,
}

/// A task of a recorded run.
#[derive(Clone, Debug)]
pub struct LoggedTask {
    pub id: TaskId,
    pub outcome: Outcome,
    pub duration: Duration,
    /// Where its log is, if it was kept.
    pub log: Option<PathBuf>,
    /// What happened, for a task that did not pass.
    pub reason: String,
}

impl Settings {
    /// How text on standard output looks.
    pub fn stdout_look(&self) -> Look {
        Look {
            paint: self.stdout,
            columns: self.columns,
            verbosity: self.verbosity,
        }
    }

    /// How text on standard error looks.
    pub fn stderr_look(&self) -> Look {
        Look {
            paint: self.stderr,
            columns: None,
            verbosity: self.verbosity,
        }
    }
}

impl Look {
    /// Whether more was asked for.
    pub fn is_verbose(&self) -> bool {
        self.verbosity == Verbosity::Verbose
    }
}

impl std::fmt::Display for Subject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Service(name) => name.fmt(f),
            Self::Task(id) => id.fmt(f),
        }
    }
}

/// The store of results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoreView {
    pub path: FilePath,
    /// How large it may become, in bytes.
    pub limit: u64,
    pub results: u64,
    /// Files that hold contents.
    pub objects: u64,
    /// What all of it takes on the disk.
    pub bytes: u64,
    pub outputs: u64,
    /// What the outputs would take in a working tree.
    pub output_bytes: u64,
    /// How long ago the result was used that was used longest ago.
    pub oldest: Option<Duration>,
    /// How often a key came with other outputs or values than before.
    pub conflicts: u64,
    /// The last of them and how long ago each was, oldest first.
    pub last_conflicts: Vec<(TaskId, Duration)>,
}

/// What was removed from the store of results.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct RemovedView {
    /// Another `svc` is at it.
    pub busy: bool,
    pub results: u64,
    pub bytes: u64,
    /// How many bytes are left.
    pub left: u64,
}

/// The end of a deploy: how the services stand that it was about.
#[derive(Clone, Debug)]
pub struct DeployEndView {
    pub environment: EnvironmentName,
    pub deploy: DeployId,
    /// How it closed, in a word.
    pub outcome: &'static str,
    /// Why the ledger does not tell all of it, if it does not.
    pub unrecorded: Option<String>,
    /// In the order in which they were deployed.
    pub services: Vec<EndedDeploy>,
    pub ways: Ways,
}

/// What can be done where something failed.
#[derive(Clone, Debug, Default)]
pub struct Ways {
    /// The command that goes on, or tries again.
    pub again: String,
    /// Whether that command knows what is left; else it is given the names of the services.
    pub can_resume: bool,
    /// Whether what succeeded can be taken back by a rollback.
    pub can_go_back: bool,
}

/// One service of a deploy that ended.
#[derive(Clone, Debug)]
pub struct EndedDeploy {
    pub name: ServiceName,
    /// How far it came; none if nothing was begun.
    pub state: Option<State>,
    /// What runs now.
    pub runs: Runs,
    pub error: Option<String>,
    /// Where it answers, where that is known.
    pub address: Option<String>,
}

#[cfg(test)]
pub mod samples {
    use super::*;
    use crate::model::name::TaskName;
    use crate::model::plan::{Plan, PlannedTask, Verdict};
    use crate::model::run::{Summary, TaskResult};
    use crate::model::workspace::ServiceIndex;

    pub fn service(name: &str) -> ServiceName {
        ServiceName::new(name).unwrap()
    }

    pub fn task(id: &str) -> TaskId {
        let (service, task) = id.split_once(':').unwrap();
        TaskId::new(
            &ServiceName::new(service).unwrap(),
            &TaskName::new(task).unwrap(),
        )
    }

    pub fn planned(id: &str, needs: &[usize]) -> PlannedTask {
        PlannedTask {
            id: task(id),
            service: ServiceIndex(0),
            needs: needs.to_vec(),
            causes: vec![Cause::Requested],
            verdict: Verdict::Run,
            reason: String::new(),
            key: None,
            arguments: Vec::new(),
            expected: None,
        }
    }

    pub fn changed(path: &str) -> Cause {
        Cause::Changed(path.into())
    }

    pub fn plan(tasks: Vec<PlannedTask>) -> Plan {
        Plan { tasks }
    }

    pub fn result(outcome: Outcome, millis: u64) -> TaskResult {
        TaskResult {
            duration: Duration::from_millis(millis),
            attempts: 1,
            exit_code: (outcome == Outcome::Passed).then_some(0),
            ..TaskResult::not_started(outcome, "")
        }
    }

    pub fn failed(millis: u64, tail: &str) -> TaskResult {
        TaskResult {
            exit_code: Some(1),
            tail: tail.as_bytes().to_vec(),
            reason: "exit code 1".to_owned(),
            ..result(Outcome::Failed, millis)
        }
    }

    pub fn summary(results: Vec<TaskResult>, millis: u64) -> Summary {
        Summary {
            results,
            duration: Duration::from_millis(millis),
            critical_path: Vec::new(),
            interrupted: false,
        }
    }
}
