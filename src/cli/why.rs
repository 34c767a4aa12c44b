//! `svc why`.

use std::collections::BTreeMap;

use clap::Args;

use crate::cli::affected::warn;
use crate::cli::args::CompareArgs;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::model::cause::Cause;
use crate::model::name::{ServiceName, TaskId};
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::why::{self, Answer, Request};
use crate::report::view::{Subject, WhyView};
use crate::report::why::{why_json, why_text};

/// Say why a service or task is affected, or why it is not
#[derive(Debug, Args)]
#[command(
    long_about = "Follows the reasons why a service or a task is affected to the files that changed, or says that it is \
                  not affected. Of a task it also says whether its result is in the cache, and all that differs from the \
                  nearest earlier result if not.",
    after_help = "Examples:\n  \
                  svc why web                 why the service is affected\n  \
                  svc why web:test            why its tests would run, or come from the cache\n  \
                  svc why web --base v1.4     compared with a tag\n  \
                  svc why web -v              all reasons, not only the shortest chain"
)]
pub struct WhyArgs {
    /// A service, or a task as SERVICE:TASK
    #[arg(value_name = "SERVICE[:TASK]")]
    pub name: String,
    #[command(flatten)]
    pub compare: CompareArgs,
}

/// Runs the command.
pub fn run(session: &Session, args: &WhyArgs) -> Result<Exit, Failure> {
    let request = Request {
        compare: args.compare.request(),
        name: args.name.clone(),
    };
    let place = Place::find(&session.env, args.compare.fetch())?;
    let answer = session.look(|tell| why::why(&place, &request, tell))?;
    warn(session, &answer.comparison);
    let view = view(&answer);
    match session.is_for_machines() {
        true => session.document(&why_json(&view)),
        false => session.say(&why_text(&view, session.settings.stdout_look())),
    }
    Ok(Exit::Fine)
}

fn view(answer: &Answer<'_>) -> WhyView {
    let subject = |service: &ServiceName| match &answer.task {
        Some(task) => Subject::Task(TaskId::new(service, task)),
        None => Subject::Service(service.clone()),
    };
    let causes: BTreeMap<Subject, Vec<Cause>> = answer
        .services
        .iter()
        .map(|(service, causes)| (subject(service), causes.clone()))
        .collect();
    WhyView {
        subject: subject(&answer.service),
        base: answer.comparison.base.clone(),
        causes,
        everything: answer.comparison.changed.everything.clone(),
        standing: answer.standing.clone(),
    }
}
