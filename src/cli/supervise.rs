//! `svc supervise`: what `svc` starts to keep a service of this machine running. Not for people.

use std::path::{Path, PathBuf};

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::ops::failure::Failure;
use crate::process::local::{ASKED, Stage, supervise};

/// Keep a service of this machine running; svc itself calls this
#[derive(Debug, Args)]
pub struct SuperviseArgs {
    /// Where the state of the service lies
    #[arg(value_name = "DIR")]
    pub state: PathBuf,
    /// Only start it, in a process of its own
    #[arg(long)]
    pub detach: bool,
}

/// Runs the command.
///
/// # Errors
/// It was called by hand.
pub fn run(session: &Session, args: &SuperviseArgs) -> Result<Exit, Failure> {
    let stage = match args.detach {
        true => Stage::Detach,
        false => Stage::Supervise,
    };
    let asked = session
        .env
        .variables
        .get(ASKED.as_ref() as &std::ffi::OsStr);
    let done = supervise(&args.state, asked.map(Path::new), stage);
    done.map(|()| Exit::Fine).map_err(|error| Failure::Usage {
        message: error.to_string(),
        hint: "`svc deploy --env local` starts services and keeps them running".to_owned(),
    })
}
