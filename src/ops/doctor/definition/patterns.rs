//! Patterns that take no file, although a person wrote them to take one.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::{self, FILE};
use crate::model::draft::FileList;
use crate::model::finding::{Finding, Weight};
use crate::model::name::{ServiceName, TaskName};
use crate::model::origin::Origin;
use crate::model::path::{FilePath, is_within};
use crate::model::pattern::Pattern;
use crate::model::workspace::Workspace;
use crate::ops::doctor::definition::{Sight, finding, first_of};
use crate::ops::failure::Failure;

/// Where patterns of presets are written that are a workspace's own.
const OWN_PRESETS: &str = ".svc/";

/// A task and one of its patterns.
type Named<'w> = (&'w ServiceName, &'w TaskName, &'w Pattern);

/// Looks at the patterns of the workspace and at those of every task.
pub fn look(sight: &Sight) -> Result<Vec<Finding>, Failure> {
    let mut findings = of_workspace(sight);
    findings.extend(of_tasks(sight)?);
    Ok(first_of(
        findings,
        "svc doctor, when these are settled, shows the others",
    ))
}

fn of_workspace(sight: &Sight) -> Vec<Finding> {
    let settings = sight.workspace.settings();
    let lists = [
        ("global-inputs", &settings.global_inputs),
        ("lock-files", &settings.lock_files),
    ];
    let all = lists
        .iter()
        .flat_map(|(key, list)| list.iter().map(move |it| (key, it)));
    let idle = all.filter(|(_, pattern)| !takes(sight, pattern));
    let told = idle.map(|(key, pattern)| {
        let words = format!("`{}` in `{key}` matches no file", pattern.as_str());
        finding(Weight::Hint, FILE, words).fix("mend the path, or take it out")
    });
    told.collect()
}

fn of_tasks(sight: &Sight) -> Result<Vec<Finding>, Failure> {
    let mut known: BTreeMap<&str, bool> = BTreeMap::new();
    let (mut busy, mut idle): (Vec<Named>, Vec<Named>) = (Vec::new(), Vec::new());
    for service in sight.workspace.services() {
        for (name, task) in &service.tasks {
            for pattern in task.inputs.taken() {
                let takes = known
                    .entry(pattern.as_str())
                    .or_insert_with(|| takes(sight, pattern));
                let list = if *takes { &mut busy } else { &mut idle };
                list.push((&service.name, name, pattern));
            }
        }
    }
    if idle.is_empty() {
        return Ok(Vec::new());
    }
    let services: BTreeSet<&ServiceName> = idle.iter().map(|(service, ..)| *service).collect();
    let services: Vec<ServiceName> = services.into_iter().cloned().collect();
    // What is written once may hold for many: in `[tasks]`, it is no mistake where it takes something for one of them.
    let mut written: BTreeMap<(FilePath, usize, String), Vec<Named>> = BTreeMap::new();
    for origins in config::origins(sight.source, &services)? {
        for (task, fields) in &origins.tasks {
            let inputs = fields.iter().filter(|it| it.key == "inputs");
            for (text, origin) in inputs.flat_map(|it| &it.values) {
                let (Origin::File(file, line), Some(index)) =
                    (origin, sight.workspace.find(origins.service.as_str()))
                else {
                    continue;
                };
                let path = &sight.workspace.service(index).path;
                let Ok(pattern) = Pattern::new(text, path) else {
                    continue;
                };
                let is_it =
                    |it: &&Named| *it.0 == origins.service && it.1 == task && *it.2 == pattern;
                if let Some(named) = idle.iter().find(is_it)
                    && !file.as_bytes().starts_with(OWN_PRESETS.as_bytes())
                {
                    let key = (file.clone(), *line, text.clone());
                    written.entry(key).or_default().push(*named);
                }
            }
        }
    }
    let told = written
        .into_iter()
        .filter_map(|((file, line, text), named)| {
            let (service, task, _) = named.first()?;
            let is_alike = |it: &Named| it.1 == *task && it.2.as_str().ends_with(&text);
            if busy.iter().any(is_alike) {
                return None;
            }
            let about = format!("{}:{line}", file.display());
            let words = format!("`{text}` in the inputs of {service}:{task} matches no file");
            Some(finding(Weight::Hint, &about, words).fix("mend the path, or take it out"))
        });
    Ok(told.collect())
}

/// Whether a pattern takes a file, or what a task may leave behind.
fn takes(sight: &Sight, pattern: &Pattern) -> bool {
    let files = &sight.survey.found.files;
    has(files, pattern) || is_made(sight.workspace, pattern) || lies_on_disk(sight, pattern)
}

fn has(files: &FileList, pattern: &Pattern) -> bool {
    let literal = pattern.literal();
    match pattern.is_literal() {
        true => files.has(literal) || files.has_below(literal),
        false => files.below(literal).any(|at| pattern.matches(files.at(at))),
    }
}

fn is_made(workspace: &Workspace, pattern: &Pattern) -> bool {
    let tasks = workspace.services().iter().flat_map(|it| it.tasks.values());
    let mut outputs = tasks.flat_map(|it| it.outputs.iter().flatten());
    outputs.any(|output| {
        let (one, other) = (output.literal(), pattern.literal());
        is_within(one, other) || is_within(other, one)
    })
}

/// Files that git ignores count where a task names them.
fn lies_on_disk(sight: &Sight, pattern: &Pattern) -> bool {
    let is_anywhere = pattern.literal().is_empty();
    !is_anywhere
        && sight
            .source
            .glob(pattern)
            .is_ok_and(|found| !found.is_empty())
}
