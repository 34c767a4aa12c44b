//! What is to be run, and how it may end.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use crate::process::tree;

/// One command of a task.
#[derive(Clone, Debug)]
pub struct Command {
    /// The program and its arguments; the script, if there is one, is the last of them.
    pub argv: Vec<OsString>,
    pub directory: PathBuf,
    /// All its variables; nothing is inherited.
    pub environment: Vec<(OsString, OsString)>,
    pub timeout: Option<Duration>,
    /// How long it has between the request to end and the kill.
    pub grace: Duration,
    pub marks: Marks,
    pub orphaned: Orphaned,
}

/// What becomes of a command whose `svc` is killed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Orphaned {
    /// It goes on, and the next run tells of it. To start it so is quicker.
    #[default]
    Stays,
    /// The system tells it to end, where it can: the leader only.
    Ends,
}

impl Command {
    /// `script` as the last argument of `shell`.
    pub fn in_shell(shell: &[String], script: &str, directory: PathBuf, marks: Marks) -> Self {
        Self {
            argv: shell
                .iter()
                .map(String::as_str)
                .chain([script])
                .map(OsString::from)
                .collect(),
            directory,
            environment: Vec::new(),
            timeout: None,
            grace: Duration::from_secs(10),
            marks,
            orphaned: Orphaned::default(),
        }
    }
}

/// Variables by which all descendants of a command are recognised, wherever they went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Marks {
    /// The run, as its record names it, or any other text that no second `svc` uses.
    pub run: String,
    pub service: String,
    pub task: String,
}

impl Marks {
    /// The variable that holds the run.
    pub const RUN: &str = "SVC_RUN";
    /// The variable that holds the service.
    pub const SERVICE: &str = "SVC_SERVICE";
    /// The variable that holds the task.
    pub const TASK: &str = "SVC_TASK";
    /// The variable of a supervisor of a service, which outlives the run that started it. No command ever sees it.
    pub const SUPERVISOR: &str = "SVC_SUPERVISOR";

    /// The marks as variables.
    pub fn variables(&self) -> [(&'static str, &str); 3] {
        [
            (Self::RUN, self.run.as_str()),
            (Self::SERVICE, self.service.as_str()),
            (Self::TASK, self.task.as_str()),
        ]
    }
}

/// A process that was started.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessId(pub u32);

impl ProcessId {
    /// The process that asks.
    pub fn own() -> Self {
        Self(std::process::id())
    }

    /// When it was started, in ticks since the machine's start, so that another process with the same number is not
    /// mistaken for it. `None` where the system does not tell.
    pub fn start_time(self) -> Option<u64> {
        tree::look_at(self.0 as i32).map(|it| it.start_time)
    }
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    Exited(i32),
    /// By a signal that was not ours.
    Signalled(i32),
    TimedOut,
    Interrupted,
    NotStarted(NotStarted),
}

/// Why a command could not be started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotStarted {
    pub obstacle: Obstacle,
    /// For people; names the program and the place that was looked at.
    pub message: String,
}

/// What stood in the way of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Obstacle {
    NotFound,
    NotExecutable,
    DirectoryMissing,
    /// There are too many open files or processes already.
    Shortage,
    Other,
}
