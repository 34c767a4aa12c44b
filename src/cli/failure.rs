//! How a request that could not be answered is told: heading, causes, hint and exit code.

use std::error::Error;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config::{Colour, Severity, render};
use crate::ledger;
use crate::model::refs::RefsError;
use crate::ops::failure::Failure;
use crate::report::lock::{locked, locked_hints};
use crate::report::message;
use crate::report::paint::Paint;
use crate::scaffold;

/// Tells what went wrong and gives the exit code.
pub fn tell(session: &Session, failure: &Failure) -> Exit {
    if let Failure::Invalid(invalid) = failure {
        let text = render(&invalid.0, Severity::Error, colour(session.settings.stderr));
        session
            .stderr
            .write(&message::laid_out(&text, session.settings.stderr));
        return Exit::Usage;
    }
    let said = match failure {
        Failure::Locked {
            environment,
            lease,
            now,
        } => format!("{environment} is {}", locked(lease, *now)),
        _ => failure.to_string(),
    };
    let text = message::failure(
        &said,
        &causes(failure),
        &hints(failure),
        session.settings.stderr,
    );
    session.stderr.write(&text);
    exit(failure)
}

/// How the marked lines of `services.toml` are to look.
pub fn colour(paint: Paint) -> Colour {
    match paint.colour {
        true => Colour::On,
        false => Colour::Off,
    }
}

fn exit(failure: &Failure) -> Exit {
    match failure {
        Failure::Locked { .. } => Exit::Locked,
        Failure::Ledger(error) => of_ledger_exit(error),
        Failure::Faster { .. } | Failure::Stale { .. } => Exit::Stale,
        Failure::Declined => Exit::Interrupted,
        Failure::Ours { .. } => Exit::Bug,
        Failure::Local(_) => Exit::Environment,
        Failure::Scaffold(error) => match **error {
            scaffold::Error::File { .. } => Exit::Environment,
            _ => Exit::Usage,
        },
        Failure::NoWorkspace { .. }
        | Failure::Invalid(_)
        | Failure::Unknown { .. }
        | Failure::Usage { .. } => Exit::Usage,
        Failure::Git(_) | Failure::NoBase { .. } | Failure::File { .. } | Failure::Cache(_) => {
            Exit::Environment
        }
        Failure::Interrupted => Exit::Interrupted,
    }
}

fn of_ledger_exit(error: &ledger::Error) -> Exit {
    match error {
        ledger::Error::Locked(_) => Exit::Locked,
        ledger::Error::Lost(_) => Exit::Stale,
        ledger::Error::Interrupted => Exit::Interrupted,
        ledger::Error::Store { .. } => Exit::Usage,
        _ => Exit::Environment,
    }
}

fn hints(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::NoWorkspace { looked } => {
            let looked = looked.iter().map(|it| format!("\n`{}`", it.display()));
            vec![
                format!("looked for it in{}", looked.collect::<String>()),
                format!(
                    "`svc init` writes one for the repository; `-C DIR` names another workspace; by hand, to start from:\n{START}"
                ),
            ]
        }
        Failure::Unknown {
            nearest: Some(nearest),
            ..
        } => vec![format!("did you mean `{nearest}`?")],
        Failure::Unknown { kind, .. } => listed(kind),
        Failure::Ledger(error) => of_ledger(error),
        Failure::Scaffold(error) => of_scaffold(error),
        Failure::Locked {
            environment, lease, ..
        } => locked_hints(lease, environment),
        Failure::Faster { .. } => {
            vec!["look at `svc status`, and deploy again if it is still due".into()]
        }
        Failure::Stale { .. } => vec!["deploy again to plan anew".into()],
        Failure::Invalid(_)
        | Failure::Local(_)
        | Failure::Declined
        | Failure::Git(_)
        | Failure::File { .. }
        | Failure::Cache(_)
        | Failure::Interrupted => {
            vec![]
        }
        Failure::Usage { hint, .. } => vec![hint.clone()],
        Failure::Ours { shown, .. } => vec![format!(
            "nothing was written; please report this, with:\n{shown}"
        )],
        Failure::NoBase { .. } => {
            vec!["without --strict-base everything would count as affected".into()]
        }
    }
}

/// What to do about a ledger that cannot be written.
fn of_ledger(error: &ledger::Error) -> Vec<String> {
    if let Some(hint) = error.hint() {
        return vec![hint.to_owned()];
    }
    match error {
        ledger::Error::Refs(RefsError::Refused { .. }) => vec![
            "nothing was deployed or changed".into(),
            "the ledger needs the right to push to refs below `refs/svc`: `contents: write` on GitHub, pushing by job \
             tokens on GitLab; `ref-prefix` in `[ledger]` names another place"
                .into(),
        ],
        ledger::Error::Refs(RefsError::Unreachable { .. }) => vec![
            "nothing was deployed or changed: only its ledger tells what an environment runs".into(),
            "try again when it can be reached; `svc status --offline` shows what was seen last".into(),
        ],
        ledger::Error::Refs(RefsError::Rewritten { name, .. }) => vec![format!(
            "a ledger only ever grows, so somebody changed it by hand; if that was meant, `git update-ref -d {name}` \
             forgets what was here"
        )],
        ledger::Error::Refs(RefsError::Vanished {
            name,
            remote,
            before,
        }) => vec![
            format!("`git push {remote} {before}:{name}` puts it back"),
            format!("if that was meant, `git update-ref -d {name}` forgets what was here"),
        ],
        _ => vec![],
    }
}

/// What to do about a template that cannot be used.
fn of_scaffold(error: &scaffold::Error) -> Vec<String> {
    match error {
        scaffold::Error::Unknown {
            nearest: Some(nearest),
            ..
        } => vec![format!("did you mean `{nearest}`?")],
        scaffold::Error::Unknown { .. } => vec!["`svc new --list` names all templates".to_owned()],
        scaffold::Error::Template { hint, .. } => hint.iter().cloned().collect(),
        scaffold::Error::Parameter { hint, .. } => vec![hint.clone()],
        scaffold::Error::File { .. } => vec![],
    }
}

/// Where all things of a kind are named.
fn listed(kind: &str) -> Vec<String> {
    let hint = match kind {
        "service" => "`svc list` names all services",
        "task" => "`svc list` names the tasks of each service",
        "tag" => "`svc list` names the tags of each service",
        "command" => "`svc help` names all commands",
        "environment" => "`[environments]` in services.toml declares them; `local` is always there",
        "deploy" => "`svc history --env ENV` names all deploys",
        "deployed service" => "`svc status` names what runs where",
        "remote" => "`git remote` names the remotes; `remote` in `[ledger]` chooses one",
        "recorded run" => "`svc log --list` names the runs that are kept",
        "recorded task" => "`svc log` names the tasks of the last run",
        _ => return vec![],
    };
    vec![hint.to_owned()]
}

/// The smallest `services.toml` that does something.
const START: &str = "\
  version = 1\n\
  [services.api]\n\
  path = \"services/api\"\n\
  test = \"make test\"";

fn causes(failure: &Failure) -> Vec<String> {
    let first = match failure {
        // A transparent kind already speaks for the error inside it.
        Failure::Git(error) => error.source(),
        Failure::Ledger(error) => error.source(),
        Failure::Local(error) => error.source(),
        Failure::Scaffold(error) => error.source(),
        _ => failure.source(),
    };
    let mut causes = Vec::new();
    let mut next = first;
    while let Some(error) = next {
        causes.push(error.to_string());
        next = error.source();
    }
    causes
}
