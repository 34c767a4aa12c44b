//! By what services are deployed, where that is sure: one directory of manifests, or one chart, that is a service's alone.
//!
//! Several of them, as a base with overlays, are for environments that nobody named yet, so a person has to choose.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::draft::Found;
use crate::model::draft::leave_out::{by_name, is_test};
use crate::model::draft::parameters::is_plain;
use crate::model::draft::place::Kept;
use crate::model::draft::resolve::{Names, Wanted};
use crate::model::draft::words::{Concluded, DraftDeploy, DraftService, Evidence};
use crate::model::manifest::{Ecosystem, Makes, What};
use crate::model::path::{FilePath, ancestors, is_within};

const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A directory from which something is deployed.
#[derive(Default)]
struct Candidate {
    is_chart: bool,
    is_kustomization: bool,
    /// Whether anything in it runs.
    runs: bool,
    is_template: bool,
    /// The services whose images it names.
    images: BTreeSet<usize>,
    /// Services whose files it takes.
    brings: BTreeSet<usize>,
    /// Whether it takes files that lie elsewhere.
    reaches: bool,
    first: Option<(FilePath, u32)>,
}

/// Gives services by what they are deployed.
pub fn deploy(found: &Found, kept: &Kept, services: &mut [DraftService]) {
    let mut all = candidates(found, kept);
    let charts: Vec<FilePath> = all
        .iter()
        .filter(|(_, it)| it.is_chart)
        .map(|(path, _)| path.clone())
        .collect();
    // What lies in a chart belongs to it.
    all.retain(|path, _| {
        !charts
            .iter()
            .any(|chart| chart != path && is_within(path.as_bytes(), chart.as_bytes()))
    });
    let mut of: HashMap<usize, Vec<(&FilePath, &Candidate)>> = HashMap::new();
    for (path, candidate) in &all {
        for at in owners(kept, path, candidate) {
            of.entry(at).or_default().push((path, candidate));
        }
    }
    for (at, found_for) in of {
        let [(path, candidate)] = found_for[..] else {
            continue;
        };
        let service = &mut services[at];
        let mut others = owners(kept, path, candidate);
        others.extend(&candidate.brings);
        let is_alone = others.len() == 1;
        let has_own = service.tasks.keys().any(|it| it.as_str() == "deploy");
        if is_alone && !has_own && service.makes == Makes::Program {
            service.deploy = concluded(found, kept, at, path, candidate);
        }
    }
}

fn candidates(found: &Found, kept: &Kept) -> BTreeMap<FilePath, Candidate> {
    let names = Names::new(found);
    let mut all: BTreeMap<FilePath, Candidate> = BTreeMap::new();
    for manifest in &found.manifests {
        let directory = ancestors(manifest.file.as_bytes()).nth(1);
        let directory = FilePath::from_bytes(directory.unwrap_or_default());
        let name = &manifest.file.as_bytes()[directory.as_bytes().len()..];
        let is_kustomization = KUSTOMIZATIONS
            .iter()
            .any(|it| name.strip_prefix(b"/").unwrap_or(name) == it.as_bytes());
        let is_manifest = manifest
            .facts
            .iter()
            .any(|it| matches!(it.what, What::Applied { .. }));
        let is_chart = |what: &What| {
            matches!(
                what,
                What::Package {
                    ecosystem: Ecosystem::Helm,
                    ..
                }
            )
        };
        let is_chart = manifest.facts.iter().any(|it| is_chart(&it.what));
        if !is_kustomization && !is_manifest && !is_chart
            || by_name(directory.as_bytes()).is_some()
            || is_test(directory.as_bytes())
        {
            continue;
        }
        let candidate = all.entry(directory).or_default();
        candidate.is_chart |= is_chart;
        candidate.is_kustomization |= is_kustomization;
        for fact in &manifest.facts {
            match &fact.what {
                What::Applied {
                    runs, is_template, ..
                } => {
                    candidate.runs |= runs;
                    candidate.is_template |= is_template;
                    if *runs && candidate.first.is_none() {
                        candidate.first = Some((manifest.file.clone(), fact.line));
                    }
                }
                // What it brings along is not deployed with it alone.
                What::Reads { path, .. } => {
                    let owner = kept.owner(path.as_bytes());
                    let is_shared = |at: &usize| kept.places[*at].is_library();
                    candidate.brings.extend(owner.filter(|it| !is_shared(it)));
                    candidate.reaches |= !is_within(path.as_bytes(), fact.about.as_bytes());
                }
                What::Package { makes, .. } => {
                    candidate.runs |= *makes != Makes::Library;
                    candidate.first = Some((manifest.file.clone(), fact.line));
                }
                What::Needs {
                    ecosystem: Ecosystem::Image,
                    name,
                    ..
                } => {
                    let wanted = Wanted {
                        ecosystem: Ecosystem::Image,
                        name,
                        from: &fact.about,
                        file: &manifest.file,
                    };
                    let path = names.find(wanted);
                    let owner = path.and_then(|it| kept.owner(it.as_bytes()));
                    candidate.images.extend(owner);
                }
                _ => {}
            }
        }
    }
    all
}

/// The services that a candidate may belong to: the one around it, and those whose images it names.
fn owners(kept: &Kept, path: &FilePath, candidate: &Candidate) -> BTreeSet<usize> {
    let mut owners = candidate.images.clone();
    owners.extend(kept.owner(path.as_bytes()));
    owners
}

fn concluded(
    found: &Found,
    kept: &Kept,
    at: usize,
    path: &FilePath,
    candidate: &Candidate,
) -> Option<Concluded<DraftDeploy>> {
    let own = &kept.places[at].path;
    let is_inside = is_within(path.as_bytes(), own.as_bytes());
    let is_sole =
        path != own && (is_inside || !candidate.reaches) && is_of_one_kind(found, path, candidate);
    if !is_sole || !candidate.runs || candidate.is_template && !candidate.is_chart {
        return None;
    }
    let written = match is_inside {
        true => std::str::from_utf8(path.as_bytes()).ok()?[own.as_bytes().len()..]
            .trim_start_matches('/')
            .to_owned(),
        false => format!("/{}", std::str::from_utf8(path.as_bytes()).ok()?),
    };
    if !is_plain(written.trim_start_matches('/')) {
        return None;
    }
    let (target, key) = match candidate.is_chart {
        true => ("helm", "chart"),
        false => ("kubernetes", "manifests"),
    };
    let (file, line) = candidate.first.clone()?;
    let words = match candidate.is_chart {
        true => "a chart of its own",
        false => "manifests of its own",
    };
    Some(Concluded {
        what: DraftDeploy {
            target: target.to_owned(),
            files: (key.to_owned(), written),
        },
        evidence: vec![Evidence {
            file,
            line: Some(line),
            words: words.to_owned(),
        }],
    })
}

/// Whether nothing else lies in the directory than what is deployed from it: without a kustomization, all files of it are
/// applied, and none below.
fn is_of_one_kind(found: &Found, path: &FilePath, candidate: &Candidate) -> bool {
    if candidate.is_chart || candidate.is_kustomization {
        return true;
    }
    let known: BTreeSet<&[u8]> = found
        .manifests
        .iter()
        .filter(|it| {
            it.facts
                .iter()
                .any(|it| matches!(it.what, What::Applied { .. }))
        })
        .map(|it| it.file.as_bytes())
        .collect();
    let files = found.files.below(path.as_bytes());
    let mut files = files.map(|it| found.files.at(it));
    files.all(|it| {
        let is_yaml = it.ends_with(b".yaml") || it.ends_with(b".yml") || it.ends_with(b".json");
        let is_direct = !it[path.as_bytes().len() + 1..].contains(&b'/');
        !is_yaml || is_direct && known.contains(it)
    })
}
