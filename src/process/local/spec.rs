//! What is to run, as the one who deploys tells the supervisor: through a pipe, as the variables may hold secrets.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::name::ServiceName;
use crate::process::command::{Command, Orphaned};
use crate::process::local::place::Place;
use crate::process::local::restart::Restart;

/// How a release of a service is to run.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ServeSpec {
    pub service: ServiceName,
    /// The release, as people know it.
    pub version: String,
    /// The deploy that asks for it.
    pub deploy: String,
    /// The command line.
    pub run: String,
    pub shell: Vec<String>,
    /// Where it runs: inside the directory of the release.
    pub directory: PathBuf,
    /// All its variables, apart from the marks that it is recognised by.
    pub environment: Vec<(OsString, OsString)>,
    /// The port that must be free for it.
    pub port: Option<u16>,
    /// How long it has between the request to end and the kill.
    pub grace: Duration,
    pub restart: Restart,
}

impl ServeSpec {
    /// As a command that belongs to `place`.
    pub fn command(&self, place: &Place) -> Command {
        let directory = self.directory.clone();
        let mut command = Command::in_shell(&self.shell, &self.run, directory, place.marks());
        command.environment.clone_from(&self.environment);
        command.grace = self.grace;
        command.orphaned = Orphaned::Ends;
        command
    }
}

/// What goes through the pipe.
#[derive(Debug, Serialize, Deserialize)]
pub struct Order {
    pub spec: ServeSpec,
    /// The release that stays beside this one.
    pub previous: Option<String>,
}

/// What comes back, once.
#[derive(Debug, Serialize, Deserialize)]
pub enum Answer {
    Started { pid: u32, supervisor: u32 },
    NotStarted(String),
    NoSupervisor(String),
}
