//! How a request that could not be answered is told: heading, causes, hint and exit code.

use std::error::Error;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config::{Colour, Severity, render};
use crate::ops::failure::Failure;
use crate::report::message;
use crate::report::paint::Paint;

/// Tells what went wrong and gives the exit code.
pub fn tell(session: &Session, failure: &Failure) -> Exit {
    if let Failure::Invalid(invalid) = failure {
        let text = render(&invalid.0, Severity::Error, colour(session.settings.stderr));
        session
            .stderr
            .write(&message::laid_out(&text, session.settings.stderr));
        return Exit::Usage;
    }
    let text = message::failure(
        &failure.to_string(),
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

fn hints(failure: &Failure) -> Vec<String> {
    match failure {
        Failure::NoWorkspace { looked } => {
            let looked = looked.iter().map(|it| format!("\n`{}`", it.display()));
            vec![
                format!("looked for it in{}", looked.collect::<String>()),
                format!(
                    "create one at the top of the repository, or name the workspace with -C; to start from:\n{START}"
                ),
            ]
        }
        Failure::Unknown {
            nearest: Some(nearest),
            ..
        } => vec![format!("did you mean `{nearest}`?")],
        Failure::Unknown { kind, .. } => listed(kind),
        Failure::Invalid(_)
        | Failure::Git(_)
        | Failure::File { .. }
        | Failure::Cache(_)
        | Failure::Interrupted => {
            vec![]
        }
        Failure::Usage { hint, .. } => vec![hint.clone()],
        Failure::NoBase { .. } => {
            vec!["without --strict-base everything would count as affected".into()]
        }
    }
}

/// Where all things of a kind are named.
fn listed(kind: &str) -> Vec<String> {
    let hint = match kind {
        "service" => "`svc list` names all services",
        "task" => "`svc list` names the tasks of each service",
        "tag" => "`svc list` names the tags of each service",
        "command" => "`svc help` names all commands",
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
