//! Files outside of a service that files of it name, which none of its tasks has among its inputs: whoever changes one of
//! them does not affect it.

use std::collections::BTreeSet;

use crate::config::FILE;
use crate::model::finding::{Finding, Weight};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::doctor::definition::inferred::shown;
use crate::ops::doctor::definition::{Sight, finding, first_of};

/// Looks at what `svc init` would have each service read. What a person `refused` is not spoken of.
pub fn look(sight: &Sight, refused: &BTreeSet<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for drafted in &sight.survey.draft.services {
        let Some(index) = sight.workspace.at(drafted.path.as_bytes()) else {
            continue;
        };
        let service = sight.workspace.service(index);
        for input in &drafted.inputs {
            let pattern = &input.what;
            if refused.contains(pattern) || !is_missed(sight, index, pattern) {
                continue;
            }
            let why = input.evidence.first().map(shown).unwrap_or_default();
            let words =
                format!("it reads {pattern}, as {why} says, and no task has it in its inputs");
            let fix = format!(
                "add \"{pattern}\" to the `inputs` of its tasks, or refuse it in {FILE}: `# not: {pattern}`"
            );
            findings.push(finding(Weight::Warning, service.name.as_str(), words).fix(fix));
        }
    }
    first_of(
        findings,
        "svc doctor, when these are settled, shows the others",
    )
}

/// Whether there is such a file that nobody answers for: no task of the service, no other service, no list of the workspace.
fn is_missed(sight: &Sight, service: ServiceIndex, pattern: &str) -> bool {
    let workspace = sight.workspace;
    let Ok(pattern) = Pattern::new(pattern, &FilePath::default()) else {
        return false;
    };
    let files = &sight.survey.found.files;
    let literal = pattern.literal();
    let own = files.has(literal).then_some(literal);
    let below = files.below(literal).map(|at| files.at(at));
    let mut taken = below.chain(own).filter(|it| pattern.matches(it));
    taken.any(|file| {
        let is_anybodys = workspace.owner(file).is_some()
            || workspace.is_global(file)
            || workspace.is_lock_file(file)
            || workspace.defines(file);
        !is_anybodys && !reads(workspace, service, file)
    })
}

/// Whether a task of it reads the file. One without tasks misses nothing.
fn reads(workspace: &Workspace, service: ServiceIndex, file: &[u8]) -> bool {
    let tasks = &workspace.service(service).tasks;
    let mut cached = tasks.values().peekable();
    cached.peek().is_none() || cached.any(|task| task.inputs.take(file, || false))
}
