//! What is likely a mistake in `services.toml`.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{FILE, Loaded};
use crate::model::change::Head;
use crate::model::finding::{Area, Finding, Weight};
use crate::model::path::{FilePath, ancestors};
use crate::model::readers::Readers;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::doctor::with_causes;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// So many services are named of those that read a file.
const NAMED: usize = 3;

/// Looks at the definition beside the files that are there.
pub fn look(place: &Place, loaded: &Loaded) -> Vec<Finding> {
    let mut findings = vec![summary(loaded)];
    match shared(place, &loaded.workspace) {
        Ok(shared) => findings.extend(shared),
        Err(failure) => findings.push(finding(Weight::Failure, "files", with_causes(&failure))),
    }
    findings
}

fn summary(loaded: &Loaded) -> Finding {
    let services = loaded.workspace.services().len();
    let count = match services {
        1 => "1 service".to_owned(),
        many => format!("{many} services"),
    };
    match loaded.warnings.rows().len() {
        0 => Finding::fine(Area::Definition, FILE, format!("it is valid: {count}")),
        warnings => {
            let words = format!("it is valid, with {warnings} that svc check warns of");
            finding(Weight::Warning, FILE, words).fix("svc check")
        }
    }
}

/// Files that several services read and nobody owns: whoever changes one affects services that do not say so.
fn shared(place: &Place, workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let Some(repo) = &place.repo else {
        return Ok(Vec::new());
    };
    let snapshot = repo.snapshot(Head::WorkTree(repo.head_commit()?));
    let files = snapshot.files(&[FilePath::default()])?;
    let readers = Readers::new(workspace);
    // By the directory that the files lie in: one line for each is enough.
    let mut shared: BTreeMap<(FilePath, Vec<ServiceIndex>), Vec<FilePath>> = BTreeMap::new();
    for file in files.iter() {
        let is_anybodys = workspace.owner(file.path).is_some()
            || workspace.is_global(file.path)
            || workspace.defines(file.path);
        if is_anybodys {
            continue;
        }
        let reading: BTreeSet<ServiceIndex> = readers
            .of(file.path)
            .filter(|it| reads(workspace, *it, file.path))
            .collect();
        if reading.len() > 1 {
            let directory = ancestors(file.path).nth(1).unwrap_or_default();
            // A file at the top, such as a lock file, is everybody's on purpose.
            if directory.is_empty() {
                continue;
            }
            let key = (
                FilePath::from_bytes(directory),
                reading.into_iter().collect(),
            );
            let path = FilePath::from_bytes(file.path);
            shared.entry(key).or_default().push(path);
        }
    }
    let told = shared.into_iter().map(|((directory, services), files)| {
        let about = match &files[..] {
            [file] => file.display(),
            _ => format!("{}/", directory.display()),
        };
        let words = format!(
            "{} read it, and nobody owns it",
            names(workspace, &services)
        );
        finding(Weight::Hint, &about, words).fix(format!(
            "make {} a service that they depend on, or leave it if they agree on it",
            directory.display()
        ))
    });
    Ok(told.collect())
}

fn reads(workspace: &Workspace, service: ServiceIndex, path: &[u8]) -> bool {
    let mut tasks = workspace.service(service).tasks.values();
    tasks.any(|task| task.inputs.take(path, || false))
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

fn finding(weight: Weight, about: &str, words: impl Into<String>) -> Finding {
    Finding::new(Area::Definition, weight, about, words)
}
