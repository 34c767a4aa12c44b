//! What depends on what: needs by name, files that are read, and what images take over, each with where it is written.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

use crate::model::draft::Found;
use crate::model::draft::candidate::name_of;
use crate::model::draft::copies::copied;
use crate::model::draft::place::Kept;
use crate::model::draft::resolve::{Names, Wanted};
use crate::model::draft::words::{DraftEdge, DraftService, Evidence, Note, NoteKind};
use crate::model::manifest::{Ecosystem, Makes, Tie, What};
use crate::model::path::{FilePath, is_within};

/// What services read that no service owns: for each pattern the services, and where it is written.
pub type Read = BTreeMap<String, BTreeMap<usize, Vec<Evidence>>>;

/// The evidence of one dependency; sorted, the strongest comes first.
type Tied = Vec<(Reverse<Tie>, Evidence)>;

/// What was concluded so far. A dependency is known by the places of both sides.
struct Edges<'f> {
    found: &'f Found,
    kept: &'f Kept,
    edges: BTreeMap<(usize, usize), Tied>,
    read: Read,
}

/// Gives every service its dependencies. The result is what they read besides.
pub fn edges(
    found: &Found,
    kept: &Kept,
    services: &mut [DraftService],
    notes: &mut Vec<Note>,
) -> Read {
    let mut edges = Edges {
        found,
        kept,
        edges: BTreeMap::new(),
        read: Read::new(),
    };
    edges.declared();
    edges.below();
    edges.copied(services, notes);
    for ((from, to), mut evidence) in edges.edges {
        evidence.sort();
        evidence.dedup();
        let tie = evidence[0].0.0;
        let evidence = evidence.into_iter().map(|(_, it)| it).collect();
        let to = services[to].name.clone();
        services[from].depends_on.push(DraftEdge {
            to,
            tie,
            evidence,
            is_left_out: false,
        });
    }
    for service in services.iter_mut() {
        service
            .depends_on
            .sort_by(|left, right| left.to.cmp(&right.to));
    }
    settle(kept, services);
    edges.read
}

impl Edges<'_> {
    fn declared(&mut self) {
        let names = Names::new(self.found);
        for manifest in &self.found.manifests {
            for fact in &manifest.facts {
                let component = |name| Wanted {
                    ecosystem: Ecosystem::Compose,
                    name,
                    from: &fact.about,
                    file: &manifest.file,
                };
                let about = match &fact.what {
                    What::StartsAfter { component: own, .. } => names.find(component(own)),
                    _ => Some(fact.about.clone()),
                };
                let from = about.and_then(|it| self.kept.speaker(it.as_bytes(), &fact.what));
                let Some(from) = from else { continue };
                let said = |words: String| Evidence {
                    file: manifest.file.clone(),
                    line: Some(fact.line),
                    words,
                };
                match &fact.what {
                    What::Needs {
                        ecosystem,
                        name,
                        tie,
                    } => {
                        let wanted = Wanted {
                            ecosystem: *ecosystem,
                            name,
                            from: &fact.about,
                            file: &manifest.file,
                        };
                        if let Some(path) = names.find(wanted) {
                            self.need(from, &path, *tie, said(name.clone()));
                        }
                    }
                    What::StartsAfter { other, .. } => {
                        if let Some(path) = names.find(component(other)) {
                            self.need(from, &path, Tie::StartsAfter, said(other.clone()));
                        }
                    }
                    What::Reads { path, tie } => self.reads(from, path, *tie, said(path.display())),
                    _ => {}
                }
            }
        }
    }

    /// Files that all packages of an ecosystem below them read.
    fn below(&mut self) {
        for manifest in &self.found.manifests {
            for fact in &manifest.facts {
                let What::ReadBelow { ecosystem, path } = &fact.what else {
                    continue;
                };
                let own = self.kept.owner(fact.about.as_bytes());
                let all = own
                    .into_iter()
                    .chain(self.kept.below(fact.about.as_bytes()));
                let of_kind = |at: &usize| {
                    let packages = &self.kept.places[*at].packages;
                    packages.iter().any(|it| it.ecosystem == *ecosystem)
                };
                for at in all.filter(of_kind).collect::<HashSet<_>>() {
                    let evidence = Evidence {
                        file: manifest.file.clone(),
                        line: None,
                        words: name_of(&manifest.file),
                    };
                    self.reads(at, path, Tie::Declares, evidence);
                }
            }
        }
    }

    fn copied(&mut self, services: &[DraftService], notes: &mut Vec<Note>) {
        for copy in copied(self.found) {
            let Some(from) = self.kept.owner(copy.by.as_bytes()) else {
                continue;
            };
            let own = self.kept.places[from].path.as_bytes();
            let evidence = Evidence {
                file: copy.file.clone(),
                line: Some(copy.line),
                words: format!("COPY {}", copy.source),
            };
            if is_within(own, copy.path.as_bytes()) {
                if own == copy.path.as_bytes() && !own.is_empty() {
                    for to in self.kept.below(own) {
                        self.edge(from, to, Tie::Takes, evidence.clone());
                    }
                } else if own != copy.path.as_bytes() {
                    notes.push(Note {
                        path: copy.file.clone(),
                        words: format!(
                            "line {}: `{}` takes more than {} itself; what it needs of that is to be named in its `depends-on` or `inputs`",
                            copy.line, evidence.words, services[from].name
                        ),
                        kind: NoteKind::NotTaken,
                    });
                }
                continue;
            }
            self.reads(from, &copy.path, Tie::Takes, evidence);
        }
    }

    /// A need by name is a dependency wherever it leads.
    fn need(&mut self, from: usize, path: &FilePath, tie: Tie, evidence: Evidence) {
        match self.kept.owner(path.as_bytes()) {
            Some(to) if to != from => self.edge(from, to, tie, evidence),
            Some(_) => {}
            None => self.reads(from, path, tie, evidence),
        }
    }

    fn reads(&mut self, from: usize, path: &FilePath, tie: Tie, evidence: Evidence) {
        let own = self.kept.places[from].path.clone();
        let bytes = path.as_bytes();
        if is_within(bytes, own.as_bytes()) && self.kept.owner(bytes) == Some(from)
            || is_within(own.as_bytes(), bytes)
        {
            return;
        }
        match self.kept.owner(bytes) {
            // What lies around a service is no dependency of it; only the file is read.
            Some(to) if is_within(own.as_bytes(), self.kept.places[to].path.as_bytes()) => {
                self.input(from, path, tie, evidence)
            }
            Some(to) => self.edge(from, to, tie, evidence),
            None => {
                let below = self.kept.below(bytes);
                if below.is_empty() {
                    self.input(from, path, tie, evidence.clone());
                }
                for to in below {
                    self.edge(from, to, tie, evidence.clone());
                }
            }
        }
    }

    fn edge(&mut self, from: usize, to: usize, tie: Tie, evidence: Evidence) {
        if from == to {
            return;
        }
        let edge = self.edges.entry((from, to)).or_default();
        edge.push((Reverse(tie), evidence));
    }

    fn input(&mut self, from: usize, path: &FilePath, tie: Tie, evidence: Evidence) {
        // How something is deployed changes nothing of what is built.
        if tie == Tie::StartsAfter {
            return;
        }
        let Ok(text) = std::str::from_utf8(path.as_bytes()) else {
            return;
        };
        let files = &self.found.files;
        let pattern = match (files.has(path.as_bytes()), files.has_below(path.as_bytes())) {
            (true, _) => format!("/{}", literal(text)),
            (_, true) if !text.is_empty() => format!("/{}/**", literal(text)),
            _ => return,
        };
        let services = self.read.entry(pattern).or_default();
        services.entry(from).or_default().push(evidence);
    }
}

/// A path as a pattern that means just it.
fn literal(text: &str) -> String {
    let mut out = String::new();
    for letter in text.chars() {
        if matches!(letter, '*' | '?' | '[' | ']' | '{' | '}' | '\\') {
            out.push('\\');
        }
        out.push(letter);
    }
    out
}

/// What may be either is a library where something depends on it and nothing starts it.
fn settle(kept: &Kept, services: &mut [DraftService]) {
    let needed: HashSet<_> = services
        .iter()
        .flat_map(|it| &it.depends_on)
        .filter(|it| it.tie == Tie::Declares)
        .map(|it| it.to.clone())
        .collect();
    for (place, service) in kept.places.iter().zip(services) {
        let is_module = place.packages.is_empty()
            && service
                .uses
                .as_ref()
                .is_some_and(|it| it.preset == "terraform");
        if is_module && needed.contains(&service.name) {
            service.makes = Makes::Library;
        }
        if service.makes != Makes::Either {
            continue;
        }
        let is_for_others = place
            .path
            .as_bytes()
            .split(|it| *it == b'/')
            .any(|part| SHARED.contains(&part));
        let is_library = !place.runs && (needed.contains(&service.name) || is_for_others);
        service.makes = match is_library {
            true => Makes::Library,
            false => Makes::Program,
        };
    }
}

/// Directories in which libraries are kept.
const SHARED: &[&[u8]] = &[
    b"libs",
    b"lib",
    b"packages",
    b"pkg",
    b"shared",
    b"common",
    b"libraries",
];
