//! `svc affected`.

use clap::Args;

use crate::cli::args::{CompareArgs, SelectArgs};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::ops::affected::{self, Answer, Request};
use crate::ops::compare::Comparison;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::report::affected::{Detail, affected_json, affected_text, base_line};
use crate::report::message;
use crate::report::view::{AffectedView, ServiceView};

/// Name the services that changed, and what depends on them
#[derive(Debug, Args)]
#[command(
    long_about = "Names the services whose inputs or definition differ between base and head, and everything that \
                  depends on them, one a line in dependency order.\n\n\
                  On a laptop the head is the working tree, uncommitted and untracked files included, and the base is \
                  the merge-base with the default branch.",
    after_help = "Examples:\n  \
                  svc affected                 what my branch and working tree change\n  \
                  svc affected --explain       the same, with the reasons\n  \
                  svc affected --staged        what this commit would change\n  \
                  svc affected --base v1.4     since the tag, as in a review\n  \
                  svc affected --base-exact HEAD~1 --head HEAD\n                               \
                  what the last commit changed\n  \
                  svc affected --exit-code     exits with 0 for none, 1 for some"
)]
pub struct AffectedArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub compare: CompareArgs,
    /// Say why each service is affected
    #[arg(long, help_heading = "Output")]
    pub explain: bool,
    /// Count services with a task whose last run here failed
    #[arg(long, help_heading = "Which services")]
    pub failed: bool,
    /// Fail if a changed file belongs to no service
    #[arg(long, help_heading = "Output")]
    pub strict: bool,
    /// Exit with 1 if something is affected
    #[arg(long, help_heading = "Output")]
    pub exit_code: bool,
}

/// Runs the command.
pub fn run(session: &Session, args: &AffectedArgs) -> Result<Exit, Failure> {
    let request = Request {
        compare: args.compare.request(),
        select: args.select.request(),
        failed: args.failed,
    };
    let place = Place::find(&session.env, args.compare.fetch())?;
    let answer = session.look(|tell| affected::affected(&place, &request, tell))?;
    warn(session, &answer.comparison);
    let view = view(&answer);
    match session.is_for_machines() {
        true => session.document(&affected_json(&view)),
        false => {
            let detail = match args.explain {
                true => Detail::Explained,
                false => Detail::Brief,
            };
            let said = affected_text(&view, detail, session.settings.stderr_look());
            session.note(&said.stderr);
            session.say(&said.stdout);
        }
    }
    let exit = match args.exit_code && !view.services.is_empty() {
        _ if args.strict && !view.unowned.is_empty() => Err(unowned(&view)),
        true => Ok(Exit::Failed),
        false => Ok(Exit::Fine),
    };
    // The end of the process frees it all at once, and sooner.
    std::mem::forget((answer, view));
    exit
}

/// Warns of what the comparison is not sure of, and tells the rest of it.
pub fn warn(session: &Session, comparison: &Comparison<'_>) {
    comparison
        .warnings
        .iter()
        .for_each(|warning| session.warn(warning));
    let paint = session.settings.stderr;
    for text in &comparison.notes {
        session.note(&message::note(text, paint));
    }
    for text in &comparison.details {
        session.detail(&message::note(text, paint));
    }
}

/// Says what a run compares, and why everything counts as affected if it does.
pub fn tell_base(session: &Session, comparison: &Comparison<'_>) {
    warn(session, comparison);
    if !comparison.base.rule.is_empty() {
        let line = base_line(&comparison.base, session.settings.stderr_look());
        session.note(&format!("{line}\n"));
    }
    if let Some(reason) = &comparison.changed.everything {
        let text = format!("everything is affected: {reason}");
        match comparison.is_for_everything {
            true => session.note(&message::note(&text, session.settings.stderr)),
            false => session.warn(&text),
        }
    }
}

fn unowned(view: &AffectedView) -> Failure {
    let paths: String = view
        .unowned
        .iter()
        .take(20)
        .map(|it| format!("\n{}", it.display()))
        .collect();
    Failure::Usage {
        message: format!("changed files that belong to no service:{paths}"),
        hint: "give them to a service, or name them in `ignore` or `global-inputs`".into(),
    }
}

fn view(answer: &Answer<'_>) -> AffectedView {
    let workspace = &answer.comparison.workspace;
    let service = |it: &crate::model::affected::AffectedService| {
        let service = workspace.service(it.service);
        ServiceView {
            name: service.name.clone(),
            path: service.path.clone(),
            causes: it.causes.clone(),
        }
    };
    AffectedView {
        base: answer.comparison.base.clone(),
        head: answer.comparison.head,
        everything: answer.comparison.changed.everything.clone(),
        is_for_everything: answer.comparison.is_for_everything,
        services: answer.services.iter().map(service).collect(),
        unowned: answer.comparison.changed.unowned.clone(),
    }
}
