//! Declared dependencies that nothing shows. Told only where something would show them: between two packages of one
//! ecosystem, of which one is a library. That a service calls another over the network is written where nobody looks.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::draft::NoteKind;
use crate::model::finding::{Finding, Weight};
use crate::model::manifest::{Ecosystem, What};
use crate::model::path::{FilePath, is_within};
use crate::model::task::Need;
use crate::model::workspace::{Service, ServiceIndex, Workspace};
use crate::ops::doctor::definition::{Sight, finding, first_of};
use crate::ops::survey::Survey;

/// The ecosystems whose packages name what they need.
const NAMING: &[Ecosystem] = &[
    Ecosystem::Cargo,
    Ecosystem::Go,
    Ecosystem::Npm,
    Ecosystem::Python,
    Ecosystem::Maven,
    Ecosystem::Gradle,
    Ecosystem::Dotnet,
    Ecosystem::Composer,
    Ecosystem::Gem,
    Ecosystem::Mix,
];

/// Looks at every declared dependency.
pub fn look(sight: &Sight) -> Vec<Finding> {
    let workspace = sight.workspace;
    let shown = shown(sight.survey, workspace);
    let packages = packages(sight.survey);
    let mut findings = Vec::new();
    for index in workspace.indices() {
        let service = workspace.service(index);
        for name in &service.depends_on {
            let Some(other) = workspace.find(name.as_str()) else {
                continue;
            };
            let to = workspace.service(other);
            let would_show = is_library(to)
                && have_one_ecosystem(&packages, service, to)
                && is_understood(sight.survey, service);
            if would_show && !shown.contains(&(index, other)) && !uses(service, to) {
                let words = format!("it depends on {name}, and nothing shows for what");
                let fix = format!(
                    "take \"{name}\" out of its `depends-on`, or keep it if you know better"
                );
                findings.push(finding(Weight::Hint, service.name.as_str(), words).fix(fix));
            }
        }
    }
    first_of(
        findings,
        "svc doctor, when these are settled, shows the others",
    )
}

/// The dependencies that some file speaks for, by the services that own its directories.
fn shown(survey: &Survey, workspace: &Workspace) -> BTreeSet<(ServiceIndex, ServiceIndex)> {
    let services = &survey.draft.services;
    let owners: BTreeMap<_, _> = services
        .iter()
        .map(|it| (&it.name, owner(workspace, &it.path)))
        .collect();
    let mut shown = BTreeSet::new();
    for service in services {
        for edge in &service.depends_on {
            let (from, to) = (owners.get(&service.name), owners.get(&edge.to));
            shown.extend(from.copied().flatten().zip(to.copied().flatten()));
        }
    }
    shown
}

fn owner(workspace: &Workspace, path: &FilePath) -> Option<ServiceIndex> {
    workspace
        .at(path.as_bytes())
        .or_else(|| workspace.owner(path.as_bytes()))
}

/// Whose packages lie in each directory.
fn packages(survey: &Survey) -> BTreeMap<&FilePath, BTreeSet<Ecosystem>> {
    let mut packages: BTreeMap<&FilePath, BTreeSet<Ecosystem>> = BTreeMap::new();
    for fact in survey.found.manifests.iter().flat_map(|it| &it.facts) {
        if let What::Package { ecosystem, .. } = &fact.what
            && NAMING.contains(ecosystem)
        {
            packages.entry(&fact.about).or_default().insert(*ecosystem);
        }
    }
    packages
}

fn have_one_ecosystem(
    packages: &BTreeMap<&FilePath, BTreeSet<Ecosystem>>,
    from: &Service,
    to: &Service,
) -> bool {
    let of = |service: &Service| packages.get(&service.path);
    of(from)
        .zip(of(to))
        .is_some_and(|(from, to)| !from.is_disjoint(to))
}

/// Whether every file of the service that says something could be read.
fn is_understood(survey: &Survey, service: &Service) -> bool {
    let mut notes = survey.draft.notes.iter();
    !notes.any(|note| {
        note.kind == NoteKind::Skipped && is_within(note.path.as_bytes(), service.path.as_bytes())
    })
}

/// Whether it does nothing by itself, so that others can only need its files.
fn is_library(service: &Service) -> bool {
    let deploys = service.tasks.keys().any(|it| it.as_str() == "deploy");
    service.serve.is_none() && !deploys
}

/// Whether a task says itself what it needs of the other service: a task, its files, its values or its path.
fn uses(service: &Service, other: &Service) -> bool {
    let upper = other.name.as_str().to_ascii_uppercase().replace('-', "_");
    let variables = [format!("SVC_VALUE_{upper}"), format!("SVC_URL_{upper}")];
    let path = other.path.display();
    let mentions = |text: &String| {
        variables.iter().any(|it| text.contains(it)) || !path.is_empty() && text.contains(&path)
    };
    service.tasks.values().any(|task| {
        let needs = |need: &Need| matches!(need, Need::Of(name, _) if *name == other.name);
        let reads = |literal: &[u8]| {
            let other = other.path.as_bytes();
            is_within(literal, other) && literal != service.path.as_bytes()
        };
        task.needs.iter().any(needs)
            || task.inputs.taken().any(|it| reads(it.literal()))
            || task.run.iter().chain(&task.env).any(mentions)
    })
}
