//! What the CI system around a run is told: secrets to hide before anything else, and what is left to its agent's programs
//! afterwards.

use crate::cli::session::Session;
use crate::model::ci::System;
use crate::model::mask::Mask;
use crate::model::workspace::Workspace;
use crate::ops::errand::call;
use crate::ops::place::Place;
use crate::ops::secrets;
use crate::report::grounds::Grounds;
use crate::report::lasting::{About, Errand};

/// What a call is about: the command as a person types it, and where its files lie.
pub fn about(command: &str, place: &Place, workspace: &Workspace) -> About {
    let within = place.repo.as_ref().map(|it| it.scope().clone());
    About {
        command: command.to_owned(),
        grounds: Grounds::new(&place.root, within.unwrap_or_default(), workspace),
    }
}

/// Announces each line of each declared secret, so that the system hides it, too, wherever it would show. Only where the
/// system itself reads what is written: on a terminal or in a file, the announcement would give the secret away.
pub fn announce_secrets(session: &Session, place: &Place, workspace: &Workspace) {
    let Some(system) = session.settings.ci.systems.first() else {
        return;
    };
    let dialect = session.settings.ci.dialect();
    let is_heard = session.stderr.is_read_by_ci() && !session.settings.stderr_is_terminal;
    let values = secrets(workspace, &place.env.variables);
    let mask = Mask::new(values.values().map(Vec::as_slice));
    let lines: Vec<&str> = mask
        .secrets()
        .iter()
        .filter_map(|it| std::str::from_utf8(it).ok())
        .collect();
    for line in &lines {
        if let Some(command) = dialect.mask(line).filter(|_| is_heard) {
            session.stderr.command(&command);
        }
    }
    if *system == System::Buildkite && !lines.is_empty() {
        for line in &lines {
            let words = ["buildkite-agent", "redactor", "add"].map(String::from);
            if let Err(why) = call(&session.env, &words, line, &mask) {
                session.warn(&format!("Buildkite does not hide a secret: {why}"));
                break;
            }
        }
    }
}

/// Calls the agent's programs.
pub fn run_errands(session: &Session, errands: &[Errand]) {
    for errand in errands {
        let done = call(
            &session.env,
            &errand.command,
            &errand.input,
            &Mask::default(),
        );
        if let Err(why) = done {
            let what = errand.command.join(" ");
            session.warn(&format!("`{what}` did not work: {why}"));
        }
    }
}
