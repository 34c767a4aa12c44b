//! Why a request could not be answered. `cli` decides on wording, hint and exit code by kind.

use std::path::PathBuf;

use crate::cache;
use crate::config;
use crate::git;
use crate::ledger;
use crate::model::ledger::Lease;
use crate::model::name::EnvironmentName;
use crate::process;
use crate::scaffold;

/// Why a request could not be answered.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// There is no `services.toml` from the working directory upward.
    #[error("there is no `services.toml` here or above")]
    NoWorkspace { looked: Vec<PathBuf> },
    /// The definition has problems.
    #[error("`services.toml` is not valid")]
    Invalid(Box<config::Invalid>),
    /// A name that the user wrote names nothing.
    #[error("there is no {kind} named `{name}`")]
    Unknown {
        kind: &'static str,
        name: String,
        nearest: Option<String>,
    },
    /// The request itself makes no sense.
    #[error("{message}")]
    Usage { message: String, hint: String },
    /// Something about the repository.
    #[error(transparent)]
    Git(#[from] git::Error),
    /// `--strict-base`, and no base.
    #[error("the base cannot be found: {reason}")]
    NoBase { reason: String },
    /// Something about the store of results.
    #[error(transparent)]
    Cache(cache::Error),
    /// Something about the ledger of an environment.
    #[error(transparent)]
    Ledger(Box<ledger::Error>),
    /// Something about a template of services.
    #[error(transparent)]
    Scaffold(Box<scaffold::Error>),
    /// Something about the services of this machine.
    #[error(transparent)]
    Local(Box<process::local::Error>),
    /// Somebody else has the lease.
    #[error("{environment} is locked")]
    Locked {
        environment: EnvironmentName,
        lease: Box<Lease>,
        /// The present, in seconds since 1970.
        now: u64,
    },
    /// Somebody else wrote to the ledger first, and what was planned does not hold any more.
    #[error("somebody else was faster: {who}")]
    Faster { who: String },
    /// What a plan was made from has changed.
    #[error("{what}")]
    Stale { what: String },
    /// Something that we made is not what it has to be.
    #[error("{what}: this is a fault of svc")]
    Ours { what: String, shown: String },
    /// The question before a deploy was answered with no.
    #[error("nothing was done")]
    Declined,
    /// It was asked to end before anything ran.
    #[error("interrupted")]
    Interrupted,
    /// A file of ours could not be read or written.
    #[error("{attempt}")]
    File {
        attempt: String,
        #[source]
        cause: std::io::Error,
    },
}

impl From<ledger::Error> for Failure {
    fn from(error: ledger::Error) -> Self {
        Self::Ledger(Box::new(error))
    }
}

impl From<scaffold::Error> for Failure {
    fn from(error: scaffold::Error) -> Self {
        Self::Scaffold(Box::new(error))
    }
}

impl From<process::local::Error> for Failure {
    fn from(error: process::local::Error) -> Self {
        Self::Local(Box::new(error))
    }
}

impl From<config::Invalid> for Failure {
    fn from(invalid: config::Invalid) -> Self {
        Self::Invalid(Box::new(invalid))
    }
}
