//! What services read that no service owns: their own inputs, or everybody's; and lock files that several share.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::draft::Found;
use crate::model::draft::edge::Read;
use crate::model::draft::files::split;
use crate::model::draft::place::Kept;
use crate::model::draft::words::{Concluded, DraftService, Evidence};
use crate::model::manifest::{Ecosystem, What};
use crate::model::path::{FilePath, ancestors};

/// See the first line of this file.
#[derive(Debug, Default)]
pub struct Shared {
    pub global_inputs: Vec<Concluded<String>>,
    pub lock_files: Vec<Concluded<String>>,
    /// For each service, by its place.
    inputs: BTreeMap<usize, Vec<Concluded<String>>>,
}

/// Files at the top that say which tools are used, whatever else does.
const TOOL_VERSIONS: &[&str] = &[
    ".tool-versions",
    "mise.toml",
    ".mise.toml",
    ".nvmrc",
    ".node-version",
    ".python-version",
    ".ruby-version",
    ".java-version",
    ".sdkmanrc",
    ".go-version",
    "rust-toolchain",
    "rust-toolchain.toml",
    "global.json",
];

const LOCKS: &[(&str, Ecosystem)] = &[
    ("Cargo.lock", Ecosystem::Cargo),
    ("package-lock.json", Ecosystem::Npm),
    ("npm-shrinkwrap.json", Ecosystem::Npm),
    ("pnpm-lock.yaml", Ecosystem::Npm),
    ("yarn.lock", Ecosystem::Npm),
    ("bun.lock", Ecosystem::Npm),
    ("uv.lock", Ecosystem::Python),
    ("poetry.lock", Ecosystem::Python),
    ("go.sum", Ecosystem::Go),
    ("go.work.sum", Ecosystem::Go),
];

/// From so many services on, a file that all of them read is everybody's.
const MANY: usize = 3;

/// Finds them.
pub fn shared(found: &Found, kept: &Kept, services: &[DraftService], read: Read) -> Shared {
    let mut shared = Shared {
        global_inputs: global(found),
        lock_files: locks(found, kept),
        inputs: BTreeMap::new(),
    };
    let is_lock = |pattern: &str| {
        let name = pattern.rsplit('/').next().unwrap_or_default();
        LOCKS.iter().any(|(it, _)| *it == name)
    };
    for (pattern, readers) in read {
        let known = pattern.trim_start_matches('/');
        let is_named = shared.global_inputs.iter().any(|it| it.what == known);
        if is_named || is_lock(&pattern) {
            continue;
        }
        if readers.len() >= MANY && readers.len() == services.len() {
            let evidence = readers.into_values().flatten().take(1).collect();
            let what = known.to_owned();
            shared.global_inputs.push(Concluded { what, evidence });
            continue;
        }
        for (at, mut evidence) in readers {
            evidence.sort();
            evidence.dedup();
            let what = pattern.clone();
            shared
                .inputs
                .entry(at)
                .or_default()
                .push(Concluded { what, evidence });
        }
    }
    shared
        .global_inputs
        .sort_by(|left, right| left.what.cmp(&right.what));
    shared
}

impl Shared {
    /// Gives each service its inputs; the services are in the order of their places.
    pub fn give(&self, services: &mut [DraftService]) {
        for (at, inputs) in &self.inputs {
            services[*at].inputs.clone_from(inputs);
        }
    }
}

fn global(found: &Found) -> Vec<Concluded<String>> {
    let mut all: BTreeMap<String, BTreeSet<Evidence>> = BTreeMap::new();
    for manifest in &found.manifests {
        for fact in &manifest.facts {
            if let What::Global(pattern) = &fact.what {
                let what = pattern.trim_start_matches('/').to_owned();
                let is_plain = !what.contains(['*', '?', '[', '{', '\\']);
                if is_plain && !found.files.has(what.as_bytes()) {
                    continue;
                }
                all.entry(what).or_default().insert(Evidence {
                    file: manifest.file.clone(),
                    line: Some(fact.line),
                    words: pattern.clone(),
                });
            }
        }
    }
    for name in TOOL_VERSIONS
        .iter()
        .filter(|it| found.files.has(it.as_bytes()))
    {
        all.entry((*name).to_owned()).or_default().insert(Evidence {
            file: FilePath::from(*name),
            line: None,
            words: "the versions of tools".to_owned(),
        });
    }
    let all = all.into_iter().map(|(what, evidence)| Concluded {
        what,
        evidence: evidence.into_iter().collect(),
    });
    all.collect()
}

/// Lock files that several services share: the nearest one of its kind around each.
fn locks(found: &Found, kept: &Kept) -> Vec<Concluded<String>> {
    let mut users: BTreeMap<FilePath, usize> = BTreeMap::new();
    for place in &kept.places {
        let mut own = BTreeSet::new();
        for (name, ecosystem) in LOCKS {
            if place.packages.iter().all(|it| it.ecosystem != *ecosystem) {
                continue;
            }
            let around = ancestors(place.path.as_bytes())
                .map(|it| FilePath::from_bytes(it).join(name.as_bytes()));
            own.extend(around.into_iter().find(|it| found.files.has(it.as_bytes())));
        }
        for lock in own {
            *users.entry(lock).or_default() += 1;
        }
    }
    let shared = users.into_iter().filter(|(_, count)| *count > 1);
    let shared = shared.filter_map(|(file, count)| {
        let what = std::str::from_utf8(file.as_bytes()).ok()?.to_owned();
        let (_, name) = split(file.as_bytes());
        debug_assert!(!name.is_empty());
        let words = format!("shared by {count} services");
        Some(Concluded {
            what,
            evidence: vec![Evidence {
                file,
                line: None,
                words,
            }],
        })
    });
    shared.collect()
}
