//! `svc promote`.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::moves::{MoveArgs, Words, perform};
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::ops::deploy::Leave;
use crate::ops::deploy::promote::{self, Request};
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::report::clean::one_line;

/// Bring the releases of one environment to another
#[derive(Debug, Args)]
#[command(
    long_about = "Brings the releases that one environment runs to another: the same builds with the same values, \
                  configured for the other one as their commit defines it. Nothing is built.",
    after_help = "Examples:\n  \
                  svc promote --from staging --to production            everything that differs\n  \
                  svc promote --from staging --to production api        only this service\n  \
                  svc promote --from staging --to production --dry-run  what would be brought"
)]
pub struct PromoteArgs {
    /// The environment that runs the releases
    #[arg(long, value_name = "ENV")]
    pub from: String,
    /// The environment that gets them
    #[arg(long, value_name = "ENV")]
    pub to: String,
    /// Bring what failed or was rolled back there before, too
    #[arg(long)]
    pub retry_held: bool,
    /// Bring commits that do not come after those that run
    #[arg(long)]
    pub allow_diverged: bool,
    #[command(flatten)]
    pub moves: MoveArgs,
}

/// Runs `svc promote`.
pub fn run(session: &Session, args: &PromoteArgs) -> Result<Exit, Failure> {
    let place = Place::find(&session.env, Fetch::Allowed)?;
    let asked = args.moves.asked(session, &args.to);
    let request = Request {
        from: args.from.clone(),
        retry_held: args.retry_held,
        leave: Leave {
            diverged: args.allow_diverged,
        },
    };
    let found = session.look(|_| promote::prepare(&place, asked, &request))?;
    for (service, why) in &found.left_out {
        let line = one_line(&format!("{service} is left out: {why}"));
        session.note(&(line + "\n"));
    }
    let command = format!("svc promote --from {} --to {}", args.from, args.to);
    let idle = match found.left_out.is_empty() {
        true => format!("{} runs all releases of {} already\n", args.to, args.from),
        false => format!("there is nothing else to bring to {}\n", args.to),
    };
    let words = Words {
        verb: "Promote",
        idle: &idle,
        command: &command,
        left_out: &found.left_out,
    };
    perform(session, &args.moves, found.moves, &words)
}
