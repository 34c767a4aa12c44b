//! Why a task did not pass, and what to do about it, in words.

use std::ffi::OsStr;
use std::path::Path;

use crate::process::environment::{Environment, missed};
use crate::process::{Ended, NotStarted, Obstacle};

/// `exit code 2`, with what shells mean by some codes.
pub fn exited(code: i32) -> String {
    match code {
        126 => "exit code 126: a command cannot be executed".to_owned(),
        127 => "exit code 127: a command was not found".to_owned(),
        _ => format!("exit code {code}"),
    }
}

/// `ended by SIGSEGV`.
pub fn signalled(signal: i32) -> String {
    match signal_hook::low_level::signal_name(signal) {
        Some(name) => format!("ended by {name}"),
        None => format!("ended by signal {signal}"),
    }
}

/// What may have been missing for a command that ran and failed.
pub fn failed_hints(
    ended: &Ended,
    script: &str,
    directory: &Path,
    environment: &Environment,
    tail: &[u8],
) -> Vec<String> {
    let mut hints = Vec::new();
    if let Ended::Exited(code @ (126 | 127)) = ended {
        hints.push(format!("`{script}` ran in `{}`", directory.display()));
        hints.push(match code {
            127 => path_hint(environment),
            _ => "`chmod +x` the file, or look at the interpreter in its first line".to_owned(),
        });
    }
    let missed = missed(&environment.removed, &[script.as_bytes(), tail]);
    if !missed.is_empty() {
        let names = missed.join("`, `");
        hints.push(format!(
            "`{names}` is set here but not handed on; name it in the task's `env` if it changes the result, else in \
             `pass-env`, or in `secrets`"
        ));
    }
    hints
}

/// What to do about a command that did not start.
pub fn not_started_hints(why: &NotStarted, environment: &Environment) -> Vec<String> {
    match why.obstacle {
        Obstacle::NotFound => vec![path_hint(environment)],
        Obstacle::NotExecutable
        | Obstacle::DirectoryMissing
        | Obstacle::Shortage
        | Obstacle::Other => vec![],
    }
}

fn path_hint(environment: &Environment) -> String {
    match environment.variables.get(OsStr::new("PATH")) {
        Some(path) => format!("PATH is {}", path.to_string_lossy()),
        None => "PATH is not set".to_owned(),
    }
}
