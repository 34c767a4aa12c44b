//! `svc status`.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::status::{Request, status};
use crate::report::status::{status_json, status_text};

/// Show what runs where
#[derive(Debug, Args)]
#[command(
    long_about = "Shows which release of each service every environment runs, as its ledger says; on this machine also the \
                  processes. What is not known is shown as unknown.",
    after_help = "Examples:\n  \
                  svc status                   all environments\n  \
                  svc status --env production  one, with times and commits\n  \
                  svc status --env local -v    this machine, with the logs\n  \
                  svc status --offline         as it was seen last, without the network"
)]
pub struct StatusArgs {
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Only this environment
    #[arg(short, long = "env", value_name = "ENV")]
    pub environment: Option<String>,
    /// Ask no remote
    #[arg(long)]
    pub offline: bool,
}

/// Runs `svc status`.
pub fn run(session: &Session, args: &StatusArgs) -> Result<Exit, Failure> {
    let fetch = match args.offline {
        true => Fetch::Forbidden,
        false => Fetch::Allowed,
    };
    let place = Place::find(&session.env, fetch)?;
    let request = Request {
        environment: args.environment.clone(),
        services: args.services.clone(),
        offline: args.offline,
    };
    let overview = session.look(|_| status(&place, &request))?;
    match session.is_for_machines() {
        true => session.document(&status_json(&overview)),
        false => session.say(&status_text(&overview, session.settings.stdout_look())),
    }
    Ok(Exit::Fine)
}
