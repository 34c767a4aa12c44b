//! What runs where, as `svc status` shows it: plain values, put together elsewhere.

use std::time::Duration;

use crate::model::change::ObjectId;
use crate::model::due::CommitLine;
use crate::model::ledger::{Entry, Lease, Runs, Standing};
use crate::model::name::{EnvironmentName, ServiceName};

/// All environments that were asked for.
#[derive(Clone, Debug, Default)]
pub struct Overview {
    pub environments: Vec<EnvironmentOverview>,
    /// The present, in seconds since 1970: ages are told from it.
    pub now: u64,
}

/// One environment.
#[derive(Clone, Debug)]
pub struct EnvironmentOverview {
    pub name: EnvironmentName,
    /// Where its ledger is, for people.
    pub ledger: String,
    /// When the ledger was last brought up to date, in seconds since 1970; none if it never was.
    pub as_of: Option<u64>,
    /// Why it was not brought up to date now, if it was not.
    pub stale: Option<String>,
    pub lease: Option<Lease>,
    /// By name.
    pub services: Vec<ServiceOverview>,
}

/// One service in an environment.
#[derive(Clone, Debug)]
pub struct ServiceOverview {
    pub name: ServiceName,
    /// None: it never had an entry there.
    pub standing: Option<Standing>,
    /// How many commits that touch it are between what runs and the head; none where that cannot be told.
    pub behind: Option<usize>,
    /// Whether `services.toml` does not know it any more.
    pub is_removed: bool,
    /// For what runs on this machine: its process.
    pub process: Option<ProcessOverview>,
}

/// How a service stands, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// It runs.
    Running,
    /// Nobody knows what runs.
    Unknown,
    /// A deploy goes on right now, or was cut off.
    Deploying,
    /// The last deploy failed or was rolled back; something known runs.
    Held,
    /// It is not there.
    Absent,
}

/// A service's process on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct ProcessOverview {
    /// Running, stopped, crashing, gone, unsupervised: in a word.
    pub state: String,
    pub pid: Option<u32>,
    pub port: Option<u16>,
    pub uptime: Option<Duration>,
    pub restarts: u32,
    /// `healthy`, or why not, where it was asked.
    pub health: Option<String>,
    pub log: Option<std::path::PathBuf>,
}

/// The commits that a deploy would bring to a service.
#[derive(Clone, Debug)]
pub struct ServiceChanges {
    pub name: ServiceName,
    /// The commit that runs.
    pub from: Option<ObjectId>,
    pub commits: Vec<CommitLine>,
    /// Why there are no commits to be told, if there are none: up to date, never deployed, another history.
    pub note: Option<String>,
}

/// A part of the history of an environment, newest first.
#[derive(Clone, Debug)]
pub struct HistoryPage {
    pub environment: EnvironmentName,
    pub entries: Vec<Entry>,
    /// Whether there are older ones.
    pub has_more: bool,
    pub now: u64,
}

impl ServiceOverview {
    /// How it stands. `is_locked`: somebody deploys there now.
    pub fn condition(&self, is_locked: bool) -> Condition {
        use crate::model::ledger::{Action, State};
        let Some(standing) = &self.standing else {
            return Condition::Absent;
        };
        // What could not be taken away or brought back is no release that is not wanted.
        let brings = matches!(standing.newest.action, Action::Deploy | Action::Promote);
        match (standing.newest.state, standing.runs()) {
            (State::Started, _) if is_locked => Condition::Deploying,
            (_, Runs::Unknown) => Condition::Unknown,
            (_, Runs::Nothing) => Condition::Absent,
            (State::Failed | State::RolledBack, Runs::This(_)) if brings => Condition::Held,
            (_, Runs::This(_)) => Condition::Running,
        }
    }
}
