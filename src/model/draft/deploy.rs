//! By what services are deployed, where that is sure: one directory of manifests, or one chart, that is a service's alone;
//! or overlays of one base, each named like an environment.
//!
//! Where there are several else, a person has to choose.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::draft::Found;
use crate::model::draft::leave_out::{by_name, is_test};
use crate::model::draft::overlay::{Overlays, overlays, taken, tops};
use crate::model::draft::parameters::is_plain;
use crate::model::draft::place::Kept;
use crate::model::draft::resolve::{Names, Wanted};
use crate::model::draft::words::{Concluded, DraftDeploy, DraftService, Evidence, Note, NoteKind};
use crate::model::manifest::{Ecosystem, Makes, What};
use crate::model::path::{FilePath, ancestors, is_within};

const KUSTOMIZATIONS: [&str; 3] = ["kustomization.yaml", "kustomization.yml", "Kustomization"];

/// A directory from which something is deployed.
#[derive(Default)]
pub struct Candidate {
    pub is_chart: bool,
    pub is_kustomization: bool,
    /// Whether anything in it runs.
    pub runs: bool,
    pub is_template: bool,
    /// What it takes, and where that is written.
    pub takes: BTreeMap<FilePath, (FilePath, u32)>,
    /// The services whose images it names.
    images: BTreeSet<usize>,
    /// Services whose files it takes.
    brings: BTreeSet<usize>,
    /// Whether it takes files that lie elsewhere.
    reaches: bool,
    first: Option<(FilePath, u32)>,
}

/// Gives services by what they are deployed.
pub fn deploy(found: &Found, kept: &Kept, services: &mut [DraftService], notes: &mut Vec<Note>) {
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
    for (at, (own, whole)) in by_owner(kept, &all) {
        let service = &mut services[at];
        let has_own = service.tasks.keys().any(|it| it.as_str() == "deploy");
        if has_own || service.makes != Makes::Program {
            continue;
        }
        let are_whole = own.iter().all(|it| whole.contains(it));
        if let Some(overlays) = overlays(&all, &whole).filter(|_| are_whole) {
            service.deploy = laid_over(kept, at, &overlays);
            notes.extend(service.deploy.as_ref().map(|_| to_name(service, &overlays)));
        } else if let ([path], true) = (&own[..], tops(&all, &whole).len() < 2) {
            let mut others = owners(kept, path, &all[*path]);
            others.extend(&all[*path].brings);
            let is_alone = others.len() == 1;
            service.deploy = is_alone
                .then(|| concluded(found, kept, at, path, &all[*path]))
                .flatten();
        }
    }
}

/// For each service the candidates that are its own by themselves; and all that are nobody else's by what they take, since
/// an overlay belongs to whom its base belongs to.
type Owned<'c> = (Vec<&'c FilePath>, BTreeSet<&'c FilePath>);

fn by_owner<'c>(kept: &Kept, all: &'c BTreeMap<FilePath, Candidate>) -> BTreeMap<usize, Owned<'c>> {
    let mut of: BTreeMap<usize, Owned> = BTreeMap::new();
    for (path, candidate) in all {
        for at in owners(kept, path, candidate) {
            of.entry(at).or_default().0.push(path);
        }
        let mut whole = BTreeSet::new();
        for part in taken(all, path) {
            whole.extend(owners(kept, part, &all[part]));
            whole.extend(&all[part].brings);
        }
        if let (Some(at), 1) = (whole.first(), whole.len()) {
            of.entry(*at).or_default().1.insert(path);
        }
    }
    of
}

/// The service by its overlays, of which the environment names one.
fn laid_over(kept: &Kept, at: usize, overlays: &Overlays) -> Option<Concluded<DraftDeploy>> {
    let written = written(&kept.places[at].path, &overlays.directory)?;
    let directory = match written.as_str() {
        "" => String::new(),
        written => format!("{written}/"),
    };
    let (file, line) = overlays.first.clone();
    Some(Concluded {
        what: DraftDeploy {
            target: "kubernetes".to_owned(),
            files: ("manifests".to_owned(), format!("{directory}${{env}}")),
        },
        evidence: vec![Evidence {
            file,
            line: Some(line),
            words: format!("overlays of one base for {}", overlays.names.join(", ")),
        }],
    })
}

/// What a person has to add: nobody else knows which cluster is meant.
fn to_name(service: &DraftService, overlays: &Overlays) -> Note {
    let name = &service.name;
    let first = &overlays.names[0];
    Note {
        path: overlays.directory.clone(),
        words: format!(
            "{name} has overlays for {}: an environment of each name, such as `[environments.{first}]` with `target` and `context`, deploys it",
            overlays.names.join(", ")
        ),
        kind: NoteKind::NotTaken,
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
                    let place = (manifest.file.clone(), fact.line);
                    candidate.takes.insert(path.clone(), place);
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
    let written = written(own, path).filter(|it| !it.is_empty())?;
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

/// `path` as a service writes it. None where commands could take it for something else.
fn written(own: &FilePath, path: &FilePath) -> Option<String> {
    let text = std::str::from_utf8(path.as_bytes()).ok()?;
    let written = match is_within(path.as_bytes(), own.as_bytes()) {
        true => text[own.as_bytes().len()..]
            .trim_start_matches('/')
            .to_owned(),
        false => format!("/{text}"),
    };
    let is_sound = written.is_empty() || is_plain(written.trim_start_matches('/'));
    is_sound.then_some(written)
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
