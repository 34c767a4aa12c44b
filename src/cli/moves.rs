//! What `svc rollback`, `svc promote` and `svc down` share: they show where services go, ask, and carry it out.

use clap::Args;

use crate::cli::around::{about, announce_secrets};
use crate::cli::deploy::{ConsentArgs, Telling, ask, finish};
use crate::cli::exit::Exit;
use crate::cli::run::OutputArgs;
use crate::cli::session::Session;
use crate::model::ledger::Action;
use crate::ops::deploy::moves::{Asked, Moves};
use crate::ops::failure::Failure;
use crate::report::lasting::About;
use crate::report::moves::{moves_json, moves_text};
use crate::report::view::Ways;

/// How services are moved.
#[derive(Clone, Debug, Args)]
pub struct MoveArgs {
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
    /// Show what would be done and do nothing
    #[arg(long)]
    pub dry_run: bool,
    #[command(flatten)]
    pub consent: ConsentArgs,
    #[command(flatten)]
    pub output: OutputArgs,
}

impl MoveArgs {
    /// What is asked of `environment`.
    pub fn asked(&self, session: &Session, environment: &str) -> Asked {
        Asked {
            environment: environment.to_owned(),
            services: self.services.clone(),
            reason: self.consent.reason.clone(),
            patience: self.consent.patience(),
            jobs: session.jobs,
            forget: false,
            shows: self.dry_run,
        }
    }
}

/// What is said of the moves.
pub struct Words<'w> {
    /// What is done, as in `Roll back`.
    pub verb: &'w str,
    /// Where there is nothing to do.
    pub idle: &'w str,
    /// The command, as a person typed it.
    pub command: &'w str,
    /// Services that are left out, each with why.
    pub left_out: &'w [(String, String)],
}

/// Shows the moves, asks where that is wanted, and carries them out.
pub fn perform(
    session: &Session,
    args: &MoveArgs,
    moves: Moves<'_>,
    words: &Words<'_>,
) -> Result<Exit, Failure> {
    let Words { verb, idle, .. } = words;
    let views: Vec<_> = moves
        .moves
        .iter()
        .map(|it| (&it.service, &it.from, it.to.as_ref()))
        .collect();
    if args.dry_run || (views.is_empty() && session.is_for_machines()) {
        match session.is_for_machines() {
            true => session.document(&moves_json(&moves.environment, &views, words.left_out)),
            false if views.is_empty() => session.say(idle),
            false => session.say(&moves_text(&views, session.settings.stdout_look())),
        }
        return Ok(Exit::Fine);
    }
    if views.is_empty() {
        session.note(idle);
        return Ok(Exit::Fine);
    }
    session.note(&moves_text(&views, session.settings.stderr_look()));
    if moves.settings.protected && !args.consent.yes {
        let count = match views.len() {
            1 => "1 service".to_owned(),
            count => format!("{count} services"),
        };
        ask(
            session,
            &moves.environment,
            &format!("{verb} {count} in {}?", moves.environment),
        )?;
    }
    // Without a definition there is nothing to tell of its services.
    let about = match moves.place.workspace() {
        Ok(loaded) => {
            announce_secrets(session, moves.place, &loaded.workspace);
            about(words.command, moves.place, &loaded.workspace)
        }
        Err(_) => About {
            command: words.command.to_owned(),
            ..About::default()
        },
    };
    let mut telling = Telling::new(session, about);
    let ways = Ways {
        again: words.command.to_owned(),
        can_resume: false,
        can_go_back: matches!(moves.action, Action::Promote),
    };
    let ended = moves.carry_out(words.command, &mut |told| telling.hear(told))?;
    Ok(finish(session, telling, &ended, ways))
}
