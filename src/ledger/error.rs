//! What can go wrong with a ledger.

use std::path::Path;

use crate::model::ledger::Lease;
use crate::model::path::display;
use crate::model::refs::RefsError;

/// Why a ledger could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The ledger or the lease is not what the writer saw: nothing was written.
    #[error("somebody else was faster: {0}")]
    Lost(String),
    /// Somebody else has the lease.
    #[error("{} deploys: {}", .0.holder.who.name.escape_debug(), .0.holder.command.escape_debug())]
    Locked(Box<Lease>),
    /// The lease was ours and is no more: nothing may be begun or written.
    #[error("the lease was lost: {0}")]
    Over(Loss),
    /// It was asked to stop while it waited.
    #[error("it was asked to stop")]
    Interrupted,
    /// It may or may not have been written.
    #[error("it is not known whether it was written: {0}")]
    Unsure(String),
    /// The remote, in its own words.
    #[error(transparent)]
    Refs(RefsError),
    /// What was read, or is to be written, is nothing that this `svc` can judge.
    #[error("{place}: {what}")]
    Invalid {
        /// The ref or file, with the service where it is known.
        place: String,
        what: String,
        /// What can be done about it.
        hint: String,
    },
    /// The file of a ledger is not as it was written.
    #[error("{file}:{line}: it is damaged: {what}")]
    Damaged {
        file: String,
        line: u64,
        what: String,
        hint: String,
    },
    /// A file or directory cannot be read or written.
    #[error("{attempt}")]
    File {
        /// What was tried: ``write `/x/y` ``.
        attempt: String,
        #[source]
        cause: std::io::Error,
    },
    /// The environment's entries are in another store than the one asked for, or no store can be used.
    #[error("{what}")]
    Store { what: String, hint: String },
}

/// How a lease was lost.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct Loss {
    /// Who has it now, if somebody is known to.
    pub to: Option<Box<Lease>>,
    /// How it came to that.
    pub why: String,
}

impl Error {
    /// What can be done about it, where that is known here.
    pub fn hint(&self) -> Option<&str> {
        match self {
            Self::Invalid { hint, .. } | Self::Damaged { hint, .. } | Self::Store { hint, .. } => {
                Some(hint)
            }
            _ => None,
        }
    }

    /// Whether trying again may help, without anything having been written meanwhile.
    pub(in crate::ledger) fn is_passing(&self) -> bool {
        matches!(self, Self::Refs(RefsError::Unreachable { .. }))
    }
}

impl From<RefsError> for Error {
    fn from(error: RefsError) -> Self {
        match error {
            RefsError::Lost(words) => Self::Lost(words),
            RefsError::Unsure { .. } => Self::Unsure(error.to_string()),
            other => Self::Refs(other),
        }
    }
}

/// For `map_err`: what was tried with `path`.
pub(in crate::ledger) fn failed(
    attempt: &'static str,
    path: &Path,
) -> impl FnOnce(std::io::Error) -> Error {
    let path = shown(path);
    move |cause| Error::File {
        attempt: format!("{attempt} `{path}`"),
        cause,
    }
}

/// A path for people.
pub(in crate::ledger) fn shown(path: &Path) -> String {
    display(path.as_os_str().as_encoded_bytes())
}
