//! `svc lock`.

use clap::{Args, Subcommand};

use crate::cli::deploy::EnvironmentArgs;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::ops::failure::Failure;
use crate::ops::lock::{self, Answer};
use crate::ops::place::Place;
use crate::report::lock::{lock_json, lock_text};

/// Show, take or release the lease of an environment
#[derive(Debug, Args)]
#[command(
    long_about = "Who deploys to an environment holds its lease. Taken by hand it is held until it is released, so that \
                  nobody deploys meanwhile; taken from a deploy that is under way, that starts no new step.",
    after_help = "Examples:\n  \
                  svc lock show --env production\n  \
                  svc lock take --env production --reason 'moving the database'\n  \
                  svc lock release --env production"
)]
pub struct LockArgs {
    #[command(subcommand)]
    pub command: LockCommand,
}

/// What is done with the lease.
#[derive(Debug, Subcommand)]
pub enum LockCommand {
    /// Say who has it
    Show {
        #[command(flatten)]
        environment: EnvironmentArgs,
    },
    /// Take it, from whoever has it, until it is released
    Take {
        #[command(flatten)]
        environment: EnvironmentArgs,
        /// Why, for those who are kept out
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Release it, whoever has it
    Release {
        #[command(flatten)]
        environment: EnvironmentArgs,
    },
}

/// Runs `svc lock`.
pub fn run(session: &Session, args: &LockArgs) -> Result<Exit, Failure> {
    let place = Place::find(&session.env, Fetch::Allowed)?;
    match &args.command {
        LockCommand::Show { environment } => {
            let answer = lock::show(&place, &environment.environment)?;
            tell(session, &answer);
        }
        LockCommand::Take {
            environment,
            reason,
        } => {
            let (answer, from) = lock::take(&place, &environment.environment, reason)?;
            if let Some(from) = from {
                let who = &from.holder;
                session.warn(&format!(
                    "it was taken from {} on {} ({}), which starts no new step",
                    who.who.name, who.who.host, who.command
                ));
            }
            tell(session, &answer);
        }
        LockCommand::Release { environment } => {
            let had = lock::release(&place, &environment.environment)?;
            let text = match &had.lease {
                Some(_) => format!("the lease of {} is released\n", had.environment),
                None => format!("nobody had the lease of {}\n", had.environment),
            };
            match session.is_for_machines() {
                true => session.document(&lock_json(None, &had.environment)),
                false => session.say(&text),
            }
        }
    }
    Ok(Exit::Fine)
}

fn tell(session: &Session, answer: &Answer) {
    let Answer {
        environment,
        lease,
        now,
    } = answer;
    match session.is_for_machines() {
        true => session.document(&lock_json(lease.as_ref(), environment)),
        false => {
            let look = session.settings.stdout_look();
            session.say(&lock_text(lease.as_ref(), environment, *now, look));
        }
    }
}
