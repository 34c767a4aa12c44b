//! `svc check`.

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::failure::colour;
use crate::cli::session::Session;
use crate::config::{Severity, render};
use crate::git::Fetch;
use crate::ops::check;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::report::message;
use crate::report::words;

/// Check services.toml
#[derive(Debug, Args)]
#[command(
    long_about = "Checks services.toml and every file that it includes, and shows all problems at once. Runs nothing.",
    after_help = "Examples:\n  svc check                  all problems, with their lines\n  svc check --format json    the same for editors"
)]
pub struct CheckArgs {}

/// Runs the command.
pub fn run(session: &Session, _args: &CheckArgs) -> Result<Exit, Failure> {
    let result = check::check(&Place::find(&session.env, Fetch::Forbidden)?);
    if session.is_for_machines() {
        let (problems, warnings) = match &result {
            Ok(loaded) => (vec![], loaded.warnings.rows()),
            Err(Failure::Invalid(invalid)) => (invalid.0.rows(), vec![]),
            Err(_) => return result.map(|_| Exit::Fine),
        };
        let is_valid = problems.is_empty();
        session.document(
            &json!({ "version": 1, "valid": is_valid, "problems": problems, "warnings": warnings }),
        );
        return Ok(if is_valid { Exit::Fine } else { Exit::Usage });
    }
    let loaded = result?;
    let paint = session.settings.stderr;
    if !loaded.warnings.rows().is_empty() {
        let warnings = render(&loaded.warnings, Severity::Warning, colour(paint));
        session.note(&message::laid_out(&warnings, paint));
    }
    let services = loaded.workspace.services();
    let tasks = services.iter().map(|it| it.tasks.len()).sum();
    session.note(&format!(
        "services.toml is valid: {}, {}\n",
        words::count(services.len(), "service"),
        words::count(tasks, "task")
    ));
    // The process ends with it.
    std::mem::forget(loaded);
    Ok(Exit::Fine)
}
