//! `svc history`.

use clap::Args;

use crate::cli::deploy::EnvironmentArgs;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::ops::failure::Failure;
use crate::ops::past::{HistoryRequest, history};
use crate::ops::place::Place;
use crate::report::history::{history_json, history_text};

/// Show what was deployed to an environment
#[derive(Debug, Args)]
#[command(
    long_about = "Shows the entries of an environment's ledger, newest first: which deploy brought what, who asked for it, \
                  and how it ended.",
    after_help = "Examples:\n  \
                  svc history --env production          the newest entries\n  \
                  svc history --env production api      of one service\n  \
                  svc history --env production --deploy 20261123-140212-4f3a9c   of one deploy"
)]
pub struct HistoryArgs {
    #[command(flatten)]
    pub environment: EnvironmentArgs,
    /// Only this service
    #[arg(value_name = "SERVICE")]
    pub service: Option<String>,
    /// Only this deploy
    #[arg(long, value_name = "ID")]
    pub deploy: Option<String>,
    /// At most so many lines: the deploys of a service
    #[arg(short = 'n', long = "limit", value_name = "N", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..))]
    pub limit: u32,
    /// Ask no remote
    #[arg(long)]
    pub offline: bool,
}

/// Runs `svc history`.
pub fn run(session: &Session, args: &HistoryArgs) -> Result<Exit, Failure> {
    let place = Place::find(&session.env, Fetch::Allowed)?;
    let request = HistoryRequest {
        environment: args.environment.environment.clone(),
        service: args.service.clone(),
        deploy: args.deploy.clone(),
        most: args.limit as usize,
        offline: args.offline,
    };
    let page = session.look(|_| history(&place, &request))?;
    match session.is_for_machines() {
        true => session.document(&history_json(&page.page)),
        false => session.say(&history_text(
            &page.page,
            page.is_locked,
            session.settings.stdout_look(),
        )),
    }
    Ok(Exit::Fine)
}
