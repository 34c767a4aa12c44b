//! What the exit code says.

use std::process::ExitCode;

/// How the program ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Exit {
    /// Fine, also when there was nothing to do.
    Fine = 0,
    /// A task failed; for `svc affected --exit-code`: something is affected.
    Failed = 1,
    /// The command line or the definition is wrong.
    Usage = 2,
    /// Something around the workspace is wrong: git, the base, a file.
    Environment = 3,
    /// Somebody else was faster, or a plan does not hold any more.
    Stale = 4,
    /// A deploy failed, and what ran before runs again.
    RolledBack = 5,
    /// A fault of `svc` itself.
    Bug = 70,
    /// Somebody else has the lease.
    Locked = 75,
    /// Somebody stopped it.
    Interrupted = 130,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit as u8)
    }
}
