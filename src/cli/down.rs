//! `svc down`.

use clap::Args;

use crate::cli::deploy::EnvironmentArgs;
use crate::cli::exit::Exit;
use crate::cli::moves::{MoveArgs, Words, perform};
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::ops::deploy::down;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::report::clean::one_line;

/// Take services away from an environment
#[derive(Debug, Args)]
#[command(
    long_about = "Takes services away from an environment, in the order that leaves nobody without what it depends on. On \
                  this machine (`local`) their processes are stopped.",
    after_help = "Examples:\n  \
                  svc down --env local          stop everything that runs on this machine\n  \
                  svc down --env local web      stop one service\n  \
                  svc down --env review-12      take a whole environment down"
)]
pub struct DownArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// Take no step: they were taken away by hand, which is only written down
    #[arg(long)]
    pub forget: bool,
    #[command(flatten)]
    pub moves: MoveArgs,
}

/// Runs `svc down`.
pub fn run(session: &Session, args: &DownArgs) -> Result<Exit, Failure> {
    let place = Place::find(&session.env, Fetch::Allowed)?;
    let mut asked = args.moves.asked(session, &args.environment.environment);
    asked.forget = args.forget;
    let down::Found { moves, left_out } = session.look(|_| down::prepare(&place, asked))?;
    for (service, why) in &left_out {
        let line = one_line(&format!("{service} is left out: {why}"));
        session.note(&(line + "\n"));
    }
    let command = format!("svc down --env {}", moves.environment);
    let idle = format!("nothing runs in {}\n", moves.environment);
    let words = Words {
        verb: "Take down",
        idle: &idle,
        command: &command,
        left_out: &left_out,
    };
    perform(session, &args.moves, moves, &words)
}
