//! Outputs that git does not ignore, and such as lie in the repository.

use crate::model::finding::{Finding, Step, Weight};
use crate::ops::doctor::definition::{Sight, TOLD, finding, first_of};
use crate::ops::failure::Failure;
use crate::ops::owned;
use crate::ops::place::Place;
use crate::ops::unignored::{Unignored, unignored};

/// Looks at the outputs of all tasks.
///
/// # Errors
/// Git failed.
pub fn look(place: &Place, sight: &Sight<'_>) -> Result<Vec<Finding>, Failure> {
    let mut findings = Vec::new();
    if let Err(failure) = owned::check_all(place, sight.workspace) {
        let Failure::Usage { message, hint } = failure else {
            return Err(failure);
        };
        for line in message.lines().skip(1) {
            findings.push(finding(Weight::Failure, "outputs", line).fix(hint.clone()));
        }
    }
    let open = unignored(place, sight.workspace)?;
    let mut told = first_of(open.iter().map(told).collect(), "svc doctor --fix");
    // What is only counted is mended all the same.
    let lines: Vec<String> = open
        .iter()
        .skip(TOLD)
        .filter_map(|it| it.line.clone())
        .collect();
    if open.len() > told.len()
        && !lines.is_empty()
        && let Some(rest) = told.pop()
    {
        let words = "add these to .gitignore, too";
        told.push(rest.step(words, Step::Ignore { lines }));
    }
    findings.extend(told);
    Ok(findings)
}

fn told(open: &Unignored) -> Finding {
    let task = open.task.to_string();
    let words = format!(
        "git does not ignore its output `{}`: builds make the working tree differ from the commit",
        open.pattern
    );
    let told = finding(Weight::Warning, &task, words);
    match &open.line {
        Some(line) => told.step(
            format!("add `{line}` to .gitignore"),
            Step::Ignore {
                lines: vec![line.clone()],
            },
        ),
        None => told.fix(format!("name `{}` in .gitignore", open.pattern)),
    }
}
