//! What `svc init` would say that the file does not: dependencies, services, files that all read, shared lock files.

use std::collections::BTreeMap;

use crate::config::FILE;
use crate::config::draft::{Edge, Updated};
use crate::model::draft::{Draft, DraftEdge, Evidence, NoteKind};
use crate::model::finding::{Finding, Step, Weight};
use crate::model::name::ServiceName;
use crate::model::path::FilePath;
use crate::model::workspace::Workspace;
use crate::ops::doctor::definition::{Sight, finding, first_of, unread};
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::survey::updated;

const UPDATE: &str = "svc init --update";

/// Asks what `svc init --update` would do.
pub fn look(place: &Place, sight: &Sight) -> Result<Vec<Finding>, Failure> {
    let draft = &sight.survey.draft;
    let updated = updated(&place.root.join(FILE), sight.source, draft)?;
    let mut findings = edges(sight.workspace, draft, &updated);
    findings.extend(services(sight, &updated));
    findings.extend(lists(draft, &updated));
    findings.extend(unread::look(sight, &updated.refused));
    findings.extend(skipped(draft));
    Ok(findings)
}

/// What of `draft` is about dependencies that are `wanted`, between services that are declared.
pub fn only(draft: &Draft, workspace: &Workspace, wanted: impl Fn(&Edge) -> bool) -> Draft {
    let names = names(draft, workspace);
    let services = draft.services.iter().filter_map(|service| {
        let from = names.get(&service.name)?;
        let is_wanted = |edge: &DraftEdge| {
            let to = names.get(&edge.to).cloned();
            let named = to.map(|to| Edge {
                from: from.clone(),
                to,
            });
            named.is_some_and(|it| wanted(&it))
        };
        let mut service = service.clone();
        service.depends_on.retain(is_wanted);
        Some(service)
    });
    Draft {
        name: draft.name.clone(),
        services: services.collect(),
        ..Draft::default()
    }
}

/// What the file calls the services of a draft, as far as it declares them.
fn names(draft: &Draft, workspace: &Workspace) -> BTreeMap<ServiceName, ServiceName> {
    let declared = draft.services.iter().filter_map(|service| {
        let index = workspace.at(service.path.as_bytes())?;
        let name = workspace.service(index).name.clone();
        Some((service.name.clone(), name))
    });
    declared.collect()
}

fn edges(workspace: &Workspace, draft: &Draft, updated: &Updated) -> Vec<Finding> {
    let names = names(draft, workspace);
    let mut evidence: BTreeMap<Edge, &[Evidence]> = BTreeMap::new();
    for service in &draft.services {
        for edge in &service.depends_on {
            if let (Some(from), Some(to)) = (names.get(&service.name), names.get(&edge.to)) {
                let (from, to) = (from.clone(), to.clone());
                evidence.insert(Edge { from, to }, &edge.evidence);
            }
        }
    }
    let told = |edge: &Edge| -> Option<(Finding, String)> {
        let words = format!("{} depends on {}", edge.from, edge.to);
        let words = match evidence.get(edge)?.first() {
            Some(evidence) => format!("{words}, as {} says", shown(evidence)),
            None => words,
        };
        let add = format!("add \"{}\" to its `depends-on`", edge.to);
        Some((
            finding(Weight::Warning, edge.from.as_str(), words),
            format!("{add}, or refuse it there: `# not: {}`", edge.to),
        ))
    };
    let missing = updated.edges.iter().filter_map(|edge| {
        let (finding, words) = told(edge)?;
        let step = Step::AddDependencies {
            service: edge.from.to_string(),
            to: vec![edge.to.to_string()],
        };
        Some(finding.step(words, step))
    });
    // An included file belongs to others, who see to it themselves.
    let elsewhere = updated.elsewhere.iter().filter_map(|edge| {
        let (finding, words) = told(edge)?;
        Some(finding.fix(format!("{words}; an included file declares {}", edge.from)))
    });
    let circles = updated.circles.iter().filter_map(|edge| {
        let (finding, _) = told(edge)?;
        let words = format!(
            "{}; with what the file says, that is a circle",
            finding.words
        );
        let finding = Finding {
            weight: Weight::Hint,
            words,
            ..finding
        };
        Some(finding.fix(format!(
            "take out the dependency that leads back, or refuse this one: `# not: {}`",
            edge.to
        )))
    });
    missing.chain(elsewhere).chain(circles).collect()
}

fn services(sight: &Sight, updated: &Updated) -> Vec<Finding> {
    // What lies in a declared service belongs to it already.
    let is_owned = |path: &FilePath| {
        let owner = sight.workspace.owner(path.as_bytes());
        owner.is_some_and(|it| !sight.workspace.service(it).path.is_root())
    };
    let new = updated.services.iter().filter(|it| !is_owned(&it.path));
    let found = new.map(|service| {
        let path = service.path.display();
        let drafted = sight.survey.draft.services.iter();
        let drafted = drafted.clone().find(|it| it.path == service.path);
        let why = drafted.and_then(|it| it.evidence.first()).map(shown);
        let because = why.map(|it| format!(", by {it}")).unwrap_or_default();
        let about = if path.is_empty() { "." } else { &path };
        let words = format!("it looks like a service{because}, and is not declared");
        let fix = format!("{UPDATE}, or refuse it: `# not: {path}/`");
        finding(Weight::Hint, about, words).fix(fix)
    });
    first_of(found.collect(), "svc init --update --dry-run shows all")
}

fn lists(draft: &Draft, updated: &Updated) -> Vec<Finding> {
    let of = |pattern: &str| {
        let is_lock_file = draft.lock_files.iter().any(|it| it.what == pattern);
        let words = match is_lock_file {
            true => {
                "several services share it, and a change counts for each as a whole; in `lock-files`, only by its part"
            }
            false => "every service reads it, and it is not in `global-inputs`",
        };
        finding(Weight::Hint, pattern, words)
            .fix(format!("{UPDATE}, or refuse it: `# not: {pattern}`"))
    };
    let found = updated.workspace.iter().map(|it| of(it));
    first_of(found.collect(), "svc init --update --dry-run shows all")
}

/// Files that say something of services, if only they could be read.
fn skipped(draft: &Draft) -> Vec<Finding> {
    let notes = draft.notes.iter();
    let skipped = notes.filter(|note| note.kind == NoteKind::Skipped);
    let found = skipped.map(|note| {
        let words = format!("it could not be read: {}", note.words);
        finding(Weight::Hint, &note.path.display(), words)
            .fix("mend it; until then nobody sees the services and dependencies in it")
    });
    first_of(found.collect(), "svc init --dry-run --explain shows all")
}

/// Where something is written, and what.
pub fn shown(evidence: &Evidence) -> String {
    let file = evidence.file.display();
    match evidence.line {
        Some(line) => format!("{file}:{line} ({})", evidence.words),
        None => format!("{file} ({})", evidence.words),
    }
}
