//! `svc rollback`.

use clap::Args;

use crate::cli::deploy::EnvironmentArgs;
use crate::cli::exit::Exit;
use crate::cli::moves::{MoveArgs, Words, perform};
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::ops::deploy::rollback;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// Go back to what ran before in an environment
#[derive(Debug, Args)]
#[command(
    long_about = "Brings back what ran before, with the values and the definitions that were recorded for it. Without \
                  services, what the last deploy changed goes back. What is replaced is held: it is not deployed there \
                  again by itself.",
    after_help = "Examples:\n  \
                  svc rollback --env production           undo the last deploy\n  \
                  svc rollback --env production api       only this service, to its predecessor\n  \
                  svc rollback --env production api --to 20261123-140212-4f3a9c   to what that deploy brought\n  \
                  svc history --env production api        the deploys there were"
)]
pub struct RollbackArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// Go to what this deploy brought
    #[arg(long, value_name = "ID")]
    pub to: Option<String>,
    #[command(flatten)]
    pub moves: MoveArgs,
}

/// Runs `svc rollback`.
pub fn run(session: &Session, args: &RollbackArgs) -> Result<Exit, Failure> {
    let place = Place::find(&session.env, Fetch::Allowed)?;
    let environment = &args.environment.environment;
    let asked = args.moves.asked(session, environment);
    let moves = session.look(|_| rollback::prepare(&place, asked, args.to.as_deref()))?;
    let mut command = format!("svc rollback --env {}", moves.environment);
    if let Some(to) = &args.to {
        command.push_str(&format!(" --to {to}"));
    }
    let words = Words {
        verb: "Roll back",
        idle: "that is what runs already\n",
        command: &command,
        left_out: &[],
    };
    perform(session, &args.moves, moves, &words)
}
