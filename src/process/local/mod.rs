//! Services of a workspace that run on this machine: each a background process under a small supervisor of its own.
//!
//! [`Local`] is the side of whoever deploys: it puts releases side by side, switches a service from one to another, stops it
//! and tells how it stands. [`supervise()`] is the other side: a process of its own that starts the service, writes its log,
//! starts it again when it ends, and writes down how it stands. Between them lies one directory for each service:
//!
//! ```text
//! lock              held by who starts or stops the service
//! supervisor.lock   held by the supervisor as long as it lives
//! state.json        how it stands, as its supervisor or who stopped it wrote it down
//! port              the port that was chosen for it
//! log, log.1        what it wrote, and what the supervisor has to say
//! releases/N-VERSION
//! ```
//!
//! What is written there is a hint and never a proof: processes are recognised by their number together with the moment they
//! were started, by the group and session that they were started in, and by the variables that they carry.

mod copy;
mod detach;
mod lock;
mod log;
mod owned;
mod place;
mod port;
mod record;
mod release;
mod restart;
mod spec;
mod state;
mod supervise;
mod switch;

use std::io;
use std::path::{Path, PathBuf};

use crate::model::name::ServiceName;
use crate::process::local::place::Place;

pub use crate::process::local::copy::Copied;
pub use crate::process::local::port::Holder;
pub use crate::process::local::release::{ReleaseDirectory, Staged};
pub use crate::process::local::restart::Restart;
pub use crate::process::local::spec::ServeSpec;
pub use crate::process::local::state::{Crash, Deployed, Running, State, Status};
pub use crate::process::local::supervise::{ASKED, Stage, Unasked, supervise};
pub use crate::process::local::switch::{Started, Stopped};

/// The services of one workspace on this machine.
#[derive(Clone, Debug)]
pub struct Local {
    directory: PathBuf,
    program: PathBuf,
}

impl Local {
    /// Those whose state lies in `directory`, which need not exist. `program` is the `svc` that supervises what is started
    /// from now on: the one that asks, as [`Self::own_program`] tells.
    pub fn open(directory: impl Into<PathBuf>, program: impl Into<PathBuf>) -> Self {
        let directory = directory.into();
        let directory = std::path::absolute(&directory).unwrap_or(directory);
        Self {
            // Two ways to the same directory must mean the same services.
            directory: resolved(&directory),
            program: program.into(),
        }
    }

    /// The program that asks. Its file may have been replaced since it was started.
    ///
    /// # Errors
    /// The system does not tell.
    pub fn own_program() -> io::Result<PathBuf> {
        let program = std::env::current_exe()?;
        let started_from = Path::new("/proc/self/exe");
        match program.exists() || !started_from.exists() {
            true => Ok(program),
            false => Ok(started_from.to_owned()),
        }
    }

    fn place(&self, service: &ServiceName) -> Place {
        Place::new(&self.directory, service)
    }
}

/// The path without links, as far as it exists.
fn resolved(path: &Path) -> PathBuf {
    match (path.canonicalize(), path.parent(), path.file_name()) {
        (Ok(path), _, _) => path,
        (Err(_), Some(parent), Some(name)) => resolved(parent).join(name),
        _ => path.to_owned(),
    }
}

/// What could not be done with a service of this machine.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("{doing} `{}`", path.display())]
    File {
        doing: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{0}` cannot name a release: use letters, digits, `.`, `_` and `-`")]
    VersionName(String),
    #[error("`{}` cannot be part of a release: {reason}", path.display())]
    NotCopied { path: PathBuf, reason: &'static str },
    #[error(
        "another svc has been starting or stopping {service} for {waited} s; try again when it is done"
    )]
    Busy { service: ServiceName, waited: u64 },
    #[error("{}", taken(*port, holder.as_ref()))]
    PortTaken { port: u16, holder: Option<Holder> },
    #[error(
        "port {port} is the one of {other} in this workspace, which runs; stop it with `svc down --env local {other}`, or give one of them another port in services.toml"
    )]
    PortOfAnother { port: u16, other: ServiceName },
    #[error("no port is free for {0}")]
    NoPort(ServiceName),
    #[error("cannot start {service}: {reason}")]
    NotStarted {
        service: ServiceName,
        reason: String,
    },
    #[error("the supervisor of {service} could not be started: {reason}; its log is `{}`", log.display())]
    NoSupervisor {
        service: ServiceName,
        reason: String,
        log: PathBuf,
    },
    #[error(
        "processes of {service} do not end, not even when they are killed: {}",
        list(pids)
    )]
    Unending {
        service: ServiceName,
        pids: Vec<u32>,
    },
    #[error("interrupted")]
    Interrupted,
}

fn taken(port: u16, holder: Option<&Holder>) -> String {
    let whose = match holder {
        Some(it) => format!("process {} ({})", it.pid, it.name),
        None => "another process".to_owned(),
    };
    format!(
        "port {port} is held by {whose}, which is none of svc's; end that, or give the service another `port` in services.toml"
    )
}

fn list(pids: &[u32]) -> String {
    let pids: Vec<String> = pids.iter().map(u32::to_string).collect();
    pids.join(", ")
}

/// Makes an error of the system one of this room.
fn at<'a>(doing: &'static str, path: &'a Path) -> impl FnOnce(io::Error) -> Error + 'a {
    move |source| Error::File {
        doing,
        path: path.to_owned(),
        source,
    }
}
