//! Files that several services read and nobody owns: whoever changes one affects services that do not say so.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::finding::{Finding, Weight};
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::readers::Readers;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::doctor::definition::{Sight, finding, first_of};

/// So many services are named of those that read a file.
const NAMED: usize = 3;

/// Looks at every file once.
pub fn look(sight: &Sight) -> Vec<Finding> {
    let workspace = sight.workspace;
    let readers = Readers::new(workspace);
    // Those that the same services read, by the directory at the top: one line for each is enough.
    let mut shared: BTreeMap<(FilePath, Vec<ServiceIndex>), Vec<FilePath>> = BTreeMap::new();
    for path in sight.survey.found.files.iter() {
        // A file at the top is everybody's on purpose.
        let Some(slash) = path.iter().position(|byte| *byte == b'/') else {
            continue;
        };
        if is_anybodys(workspace, path) {
            continue;
        }
        let mut reading: BTreeSet<ServiceIndex> = readers.naming(path).collect();
        reading.retain(|it| reads(workspace, *it, path));
        if reading.len() > 1 {
            let key = (
                FilePath::from_bytes(&path[..slash]),
                reading.into_iter().collect(),
            );
            shared
                .entry(key)
                .or_default()
                .push(FilePath::from_bytes(path));
        }
    }
    let told = shared.into_iter().map(|((_, services), files)| {
        let directory = around(&files);
        let about = match &files[..] {
            [file] => file.display(),
            _ => format!("{}/", directory.display()),
        };
        let reading = names(workspace, &services);
        let words = format!("{reading} read it, and nobody owns it");
        let fix = format!(
            "make {} a service that they depend on, or leave it if they agree on it",
            directory.display()
        );
        finding(Weight::Hint, &about, words).fix(fix)
    });
    first_of(
        told.collect(),
        "svc doctor, when these are settled, shows the others",
    )
}

fn is_anybodys(workspace: &Workspace, path: &[u8]) -> bool {
    workspace.owner(path).is_some()
        || workspace.is_global(path)
        || workspace.is_lock_file(path)
        || workspace.defines(path)
}

fn reads(workspace: &Workspace, service: ServiceIndex, path: &[u8]) -> bool {
    let mut tasks = workspace.service(service).tasks.values();
    tasks.any(|task| task.inputs.take(path, || false))
}

/// The deepest directory that holds all of them.
fn around(files: &[FilePath]) -> FilePath {
    let mut directories = files
        .first()
        .into_iter()
        .flat_map(|it| ancestors(it.as_bytes()))
        .skip(1);
    let holds_all = |it: &&[u8]| files.iter().all(|file| is_within(file.as_bytes(), it));
    FilePath::from_bytes(directories.find(holds_all).unwrap_or_default())
}

fn names(workspace: &Workspace, services: &[ServiceIndex]) -> String {
    let named = services.iter().take(NAMED);
    let named: Vec<&str> = named
        .map(|it| workspace.service(*it).name.as_str())
        .collect();
    let rest = services.len().saturating_sub(NAMED);
    match (rest, named.split_last()) {
        (0, Some((last, first))) if !first.is_empty() => {
            format!("{} and {last}", first.join(", "))
        }
        (0, _) => named.join(", "),
        (rest, _) => format!("{} and {rest} more", named.join(", ")),
    }
}
