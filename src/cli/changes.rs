//! `svc changes`.

use clap::Args;

use crate::cli::deploy::EnvironmentArgs;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::ops::deploy::{self, Mode, Patience};
use crate::ops::failure::Failure;
use crate::ops::past::changes;
use crate::ops::place::Place;
use crate::ops::request::SelectRequest;
use crate::ops::tasks::cache::CacheUse;
use crate::report::changes::{changes_json, changes_text};

/// Show the commits that a deploy would bring
#[derive(Debug, Args)]
#[command(
    long_about = "Shows, for each service, the commits between what an environment runs and what is checked out that touch \
                  its files or those of what it depends on.",
    after_help = "Examples:\n  \
                  svc changes --env production        of every service that differs\n  \
                  svc changes --env production api    of one service"
)]
pub struct ChangesArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// Only these services
    #[arg(value_name = "SERVICE")]
    pub services: Vec<String>,
}

/// Runs `svc changes`.
pub fn run(session: &Session, args: &ChangesArgs) -> Result<Exit, Failure> {
    let place = Place::find(&session.env, Fetch::Allowed)?;
    let request = deploy::Request {
        environment: args.environment.environment.clone(),
        mode: Mode::Show,
        select: SelectRequest {
            names: args.services.clone(),
            ..SelectRequest::default()
        },
        force: false,
        retry_held: true,
        resume: false,
        prune: false,
        atomic: false,
        allow_diverged: true,
        is_pinned: false,
        reason: None,
        is_agreed_to: false,
        patience: Patience::default(),
        jobs: None,
        cache: CacheUse::Off,
    };
    let prepared = session.look(|tell| deploy::prepare(&place, request, tell))?;
    let environment = &prepared.plan.environment;
    let changes = changes(&prepared);
    match session.is_for_machines() {
        true => session.document(&changes_json(&changes, environment)),
        false => session.say(&changes_text(
            &changes,
            environment,
            session.settings.stdout_look(),
        )),
    }
    Ok(Exit::Fine)
}
