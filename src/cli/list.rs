//! `svc list`.

use clap::Args;

use crate::cli::affected::tell_base;
use crate::cli::args::{CompareArgs, SelectArgs};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::ops::affected::Request;
use crate::ops::failure::Failure;
use crate::ops::list;
use crate::ops::place::Place;
use crate::report::list::{list_json, list_text};
use crate::report::origin::{Scripts, origins_text};

/// List the services
#[derive(Debug, Args)]
#[command(
    long_about = "Lists the services: all of them, or those that the flags select. With -v also what each task does, field by field, and where that is written: what a preset gives can be said otherwise by the same key in the table of the service.",
    after_help = "Examples:\n  \
                        svc list                          all services\n  \
                        svc list --tag backend -v         those with a tag, and what their tasks do\n  \
                        svc list -v api                   what a preset gives it, and what it says itself\n  \
                        svc list --base main              those that differ from main\n  \
                        svc list --format json | jq -r '.services[].path'"
)]
pub struct ListArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub compare: CompareArgs,
}

/// Runs the command.
pub fn run(session: &Session, args: &ListArgs) -> Result<Exit, Failure> {
    let request = Request {
        compare: args.compare.request(),
        select: args.select.request(),
        failed: false,
    };
    let place = Place::find(&session.env, args.compare.fetch())?;
    let answer = session.look(|tell| list::list(&place, &request, tell))?;
    tell_base(session, &answer.comparison);
    let workspace = &answer.comparison.workspace;
    match session.is_for_machines() {
        true => session.document(&list_json(workspace, &answer.services)),
        false => {
            let look = session.settings.stdout_look();
            session.say(&list_text(workspace, &answer.services, look));
            if look.is_verbose() {
                let origins = list::origins(&place, &answer)?;
                // Whoever names a service wants to see all of it.
                let scripts = match request.select.names.is_empty() {
                    true => Scripts::Begun,
                    false => Scripts::Whole,
                };
                session.say(&origins_text(&origins, scripts, look));
            }
        }
    }
    // The process ends with it.
    std::mem::forget(answer);
    Ok(Exit::Fine)
}
