//! Which of the candidates are services, and who owns which file then.

use std::collections::{BTreeMap, HashMap, HashSet};

use crate::model::draft::Found;
use crate::model::draft::candidate::{Candidate, Candidates, Package, name_of};
use crate::model::draft::detect::DetectedIn;
use crate::model::draft::files::split;
use crate::model::draft::leave_out::{Said, Why, by_name, is_test};
use crate::model::draft::proto;
use crate::model::draft::recipe::recipes;
use crate::model::draft::resolve::normal;
use crate::model::draft::words::{DraftService, DraftUses, Evidence, Note, NoteKind};
use crate::model::manifest::{Ecosystem, Makes, Tie, What};
use crate::model::name::ServiceName;
use crate::model::path::{FilePath, ancestors};

/// A directory that is a service.
#[derive(Clone, Debug)]
pub struct Place {
    pub path: FilePath,
    pub packages: Vec<Package>,
    pub has_image: bool,
    pub runs: bool,
    /// The name of the preset that fits best.
    pub preset: Option<String>,
    pub evidence: Vec<Evidence>,
}

/// The services, sorted by path.
#[derive(Debug)]
pub struct Kept {
    pub places: Vec<Place>,
    by_path: HashMap<FilePath, usize>,
}

/// What sets something up rather than being a program: part of the service around it.
const INFRASTRUCTURE: &[&str] = &["helm", "terraform"];
/// What fits many directories that are nothing of their own.
const WEAK: &[&str] = &["make", "static-site"];
const PROTO: &str = "proto";
/// Directories that hold the sources of what is around them.
const SOURCES: &[&[u8]] = &[b"src", b"source", b"code"];

/// Chooses the services.
pub fn place(found: &Found, mut all: Candidates, notes: &mut Vec<Note>) -> Kept {
    raise_sources(&mut all);
    let mut out = Candidates::new();
    let said = Said::new(&found.manifests);
    let recipes = recipes(found, &all);
    let mut whys = HashMap::new();
    for (path, candidate) in std::mem::take(&mut all) {
        let recipe = || {
            let is_recipe = recipes.contains(&path);
            is_recipe.then(|| (Why::Recipe, path.as_bytes().len()))
        };
        match why(&said, &path, &candidate).or_else(recipe) {
            Some(why) => {
                whys.insert(path.clone(), why);
                out.insert(path, candidate);
            }
            None => _ = all.insert(path, candidate),
        }
    }
    let mut kept = choose(found, &all);
    let is_meant = |why: &(Why, usize)| !matches!(why.0, Why::Vendored | Why::Hidden);
    if kept.is_empty() {
        // Where everything is an example, the examples are what matters.
        all.extend(
            out.iter()
                .filter(|(path, _)| is_meant(&whys[*path]))
                .map(|(path, it)| (path.clone(), it.clone())),
        );
        kept = choose(found, &all);
    } else {
        while let Some(more) = needed(found, &Kept::new(kept.clone()), &out) {
            for path in more {
                if let Some(candidate) = out.remove(&path) {
                    all.insert(path, candidate);
                }
            }
            kept = choose(found, &all);
        }
    }
    let kept = Kept::new(kept);
    tell(&kept, found, &out, &whys, notes);
    kept
}

impl Place {
    /// Whether it is only there for others.
    pub fn is_library(&self) -> bool {
        !self.packages.is_empty() && self.packages.iter().all(|it| it.makes == Makes::Library)
    }

    /// Whether nothing but the recipe of an image makes it a service.
    fn is_only_image(&self) -> bool {
        self.has_image && self.packages.is_empty()
    }
}

impl Kept {
    /// Takes them in any order.
    pub fn new(mut places: Vec<Place>) -> Self {
        places.sort_by(|left, right| left.path.cmp(&right.path));
        let by_path = places.iter().enumerate();
        Self {
            by_path: by_path.map(|(at, it)| (it.path.clone(), at)).collect(),
            places,
        }
    }

    /// The service that `path` belongs to: the deepest around it.
    pub fn owner(&self, path: &[u8]) -> Option<usize> {
        ancestors(path).find_map(|path| self.by_path.get(path).copied())
    }

    /// The service that what is said of `path` is said of. None where that is a directory in a service that is none of its
    /// parts: a fixture, or tests which are only started.
    pub fn speaker(&self, path: &[u8], what: &What) -> Option<usize> {
        let at = self.owner(path)?;
        let own = self.places[at].path.as_bytes();
        let inner = path.get(own.len()..).unwrap_or_default();
        let inner = inner.strip_prefix(b"/").unwrap_or(inner);
        let is_started = match what {
            What::StartsAfter { .. } => true,
            What::Needs { tie, .. } | What::Reads { tie, .. } => *tie == Tie::StartsAfter,
            _ => false,
        };
        let is_left_out = by_name(inner).is_some() || is_started && is_test(inner);
        (!is_left_out).then_some(at)
    }

    /// The services that lie below a directory.
    pub fn below(&self, directory: &[u8]) -> std::ops::Range<usize> {
        if directory.is_empty() {
            let first = usize::from(self.by_path.contains_key(&[][..]));
            return first..self.places.len();
        }
        let bound = |end: &[u8]| {
            let limit = [directory, end].concat();
            self.places
                .partition_point(|it| it.path.as_bytes() < &*limit)
        };
        bound(b"/")..bound(b"0")
    }

    /// Drafts of them, in the same order.
    pub fn services(&self, names: Vec<ServiceName>, _detected: &DetectedIn) -> Vec<DraftService> {
        let services = self
            .places
            .iter()
            .zip(names)
            .map(|(place, name)| DraftService {
                name,
                path: place.path.clone(),
                makes: makes(place),
                uses: place.preset.as_ref().map(|preset| DraftUses {
                    preset: preset.clone(),
                    parameters: BTreeMap::new(),
                    evidence: BTreeMap::new(),
                }),
                depends_on: Vec::new(),
                inputs: Vec::new(),
                tags: Vec::new(),
                tasks: BTreeMap::new(),
                serve: None,
                deploy: None,
                evidence: place.evidence.clone(),
            });
        services.collect()
    }
}

/// A solution file above `src` is built as one: the directory around is the service.
fn raise_sources(all: &mut Candidates) {
    let mut raised: Vec<FilePath> = Vec::new();
    let paths: Vec<FilePath> = all.keys().cloned().collect();
    for path in paths {
        let (above, name) = split(path.as_bytes());
        let Some(inner) = all.get(&path) else {
            continue;
        };
        let is_dotnet = !inner.packages.is_empty()
            && inner
                .packages
                .iter()
                .all(|it| it.ecosystem == Ecosystem::Dotnet);
        let is_whole = |it: &&Candidate| it.packages.is_empty() && it.gathers && is_dotnet;
        if above.is_empty()
            || !SOURCES.contains(&name)
            || all.get(above).as_ref().filter(|it| is_whole(it)).is_none()
        {
            continue;
        }
        let below = FilePath::from_bytes([above, b"/"].concat());
        let others = all
            .range(below..)
            .take_while(|(it, _)| crate::model::path::is_within(it.as_bytes(), above));
        let mut others =
            others.filter(|(it, candidate)| **it != path && !candidate.packages.is_empty());
        if others.any(|(it, _)| !is_test(&it.as_bytes()[above.len() + 1..])) {
            continue;
        }
        if let Some(inner) = all.remove(&path)
            && let Some(outer) = all.get_mut(above)
        {
            raised.push(FilePath::from_bytes(above));
            outer.packages = inner.packages;
            outer.presets = inner.presets;
            outer.has_image |= inner.has_image;
            outer.runs |= inner.runs;
            outer.gathers = false;
            outer.evidence.extend(inner.evidence);
        }
    }
    // The tests beside the sources are built with them.
    for above in raised {
        all.retain(|path, _| {
            *path == above || !crate::model::path::is_within(path.as_bytes(), above.as_bytes())
        });
    }
}

fn why(said: &Said, path: &FilePath, candidate: &Candidate) -> Option<(Why, usize)> {
    let file = candidate.evidence.first().map(|it| &it.file);
    // Some say `vendored` only to keep a language out of statistics: what runs is somebody's own.
    let runs = candidate.has_image
        || candidate.runs
        || candidate
            .packages
            .iter()
            .any(|it| it.makes == Makes::Program);
    let file = file.filter(|_| !runs);
    let by_file = || {
        file.and_then(|it| said.why(it))
            .map(|why| (why, path.as_bytes().len()))
    };
    by_name(path.as_bytes()).or_else(by_file)
}

/// The services among the candidates.
fn choose(found: &Found, all: &Candidates) -> Vec<Place> {
    let mut kept: Vec<Place> = Vec::new();
    let mut by_path: HashMap<&[u8], usize> = HashMap::new();
    for (path, candidate) in all.iter().filter(|(path, _)| !path.is_root()) {
        let around = ancestors(path.as_bytes())
            .skip(1)
            .filter(|it| !it.is_empty())
            .find_map(|it| by_path.get(it));
        if is_service(found, path, candidate, around.map(|at| &kept[*at])) {
            by_path.insert(path.as_bytes(), kept.len());
            kept.push(as_place(found, path, candidate));
        }
    }
    weed(&mut kept);
    let root = FilePath::default();
    if let Some(candidate) = all.get(&root)
        && is_root_service(found, candidate, &kept)
    {
        kept.push(as_place(found, &root, candidate));
    }
    proto::libraries(found, &mut kept);
    kept
}

fn best<'f>(found: &'f Found, candidate: &Candidate) -> Option<&'f str> {
    let first = candidate.presets.first()?;
    found.presets.get(*first).map(|it| it.name.as_str())
}

fn is_service(
    found: &Found,
    path: &FilePath,
    candidate: &Candidate,
    around: Option<&Place>,
) -> bool {
    let is_gathering = candidate.gathers
        && candidate
            .packages
            .iter()
            .all(|it| it.makes == Makes::Either);
    if is_gathering && !candidate.has_image {
        return false;
    }
    if let Some(around) = around {
        let inner = &path.as_bytes()[around.path.as_bytes().len() + 1..];
        let is_own = candidate
            .packages
            .iter()
            .any(|it| is_of_its_own(it, candidate, around));
        // What is only an image may hold others, each with a recipe of its own.
        if around.is_only_image() && candidate.has_image {
            return !is_test(inner);
        }
        return is_own && (candidate.is_member || !is_test(inner));
    }
    if is_test(path.as_bytes()) && !candidate.packages.iter().any(|it| it.name.is_some()) {
        return false;
    }
    let (_, name) = split(path.as_bytes());
    match best(found, candidate) {
        _ if candidate.has_image => true,
        _ if candidate
            .packages
            .iter()
            .any(|it| it.ecosystem != Ecosystem::Proto) =>
        {
            true
        }
        Some(PROTO) | None => false,
        Some(_) => !matches!(name, b"docs" | b"doc"),
    }
}

/// Whether a package within a service is more than a part of it: it has a manifest that gives it a name.
fn is_of_its_own(package: &Package, candidate: &Candidate, around: &Place) -> bool {
    match package.ecosystem {
        Ecosystem::Cmake | Ecosystem::Helm | Ecosystem::Proto => false,
        // A project of Gradle has its name by the build that it belongs to.
        Ecosystem::Gradle => {
            let mut others = around.packages.iter();
            candidate.is_member && others.any(|it| it.ecosystem == Ecosystem::Gradle)
        }
        _ => package.name.is_some(),
    }
}

/// Takes away what only seemed to be something while nothing else was there: a makefile above services.
fn weed(kept: &mut Vec<Place>) {
    let strong: HashSet<FilePath> = kept
        .iter()
        .filter(|it| !it.packages.is_empty() || it.has_image)
        .flat_map(|it| {
            ancestors(it.path.as_bytes())
                .skip(1)
                .map(FilePath::from_bytes)
                .collect::<Vec<_>>()
        })
        .collect();
    kept.retain(|it| {
        let is_weak = it.packages.is_empty()
            && !it.has_image
            && it.preset.as_deref().is_some_and(|it| WEAK.contains(&it));
        !(is_weak && strong.contains(&it.path))
    });
}

/// What lies at the top is a service if it says that it makes something, or if there is nothing else.
fn is_root_service(found: &Found, candidate: &Candidate, others: &[Place]) -> bool {
    let makes = |wanted: &[Makes]| {
        candidate
            .packages
            .iter()
            .any(|it| wanted.contains(&it.makes))
    };
    if makes(&[Makes::Program, Makes::Library]) {
        return true;
    }
    let is_go = candidate
        .packages
        .iter()
        .any(|it| it.ecosystem == Ecosystem::Go);
    let is_alone = others.iter().all(|it| {
        it.preset
            .as_deref()
            .is_some_and(|it| INFRASTRUCTURE.contains(&it))
    });
    if candidate.gathers && candidate.packages.is_empty() && !candidate.has_image {
        return false;
    }
    match is_alone {
        true => {
            !candidate.packages.is_empty()
                || candidate.has_image
                || best(found, candidate).is_some_and(|it| it != PROTO)
        }
        false => !candidate.gathers && is_go,
    }
}

fn as_place(found: &Found, path: &FilePath, candidate: &Candidate) -> Place {
    Place {
        path: path.clone(),
        packages: candidate.packages.clone(),
        has_image: candidate.has_image,
        runs: candidate.runs,
        preset: best(found, candidate).map(str::to_owned),
        evidence: candidate.evidence.clone(),
    }
}

/// Of what was left out, the directories that services need all the same.
fn needed(found: &Found, kept: &Kept, out: &Candidates) -> Option<Vec<FilePath>> {
    let mut names: HashMap<(Ecosystem, String), &FilePath> = HashMap::new();
    for (path, candidate) in out {
        for package in &candidate.packages {
            if let Some(name) = &package.name {
                names.insert((package.ecosystem, normal(package.ecosystem, name)), path);
            }
        }
    }
    let mut more = HashSet::new();
    for manifest in &found.manifests {
        for fact in &manifest.facts {
            let about = fact.about.as_bytes();
            let from = kept
                .owner(about)
                .filter(|_| !ancestors(about).any(|it| out.contains_key(it)));
            if from.is_none() {
                continue;
            }
            match &fact.what {
                What::Reads { path, .. } => more.extend(
                    ancestors(path.as_bytes())
                        .find(|it| out.contains_key(*it))
                        .map(FilePath::from_bytes),
                ),
                What::Needs {
                    ecosystem, name, ..
                } => {
                    more.extend(
                        names
                            .get(&(*ecosystem, normal(*ecosystem, name)))
                            .map(|it| (*it).clone()),
                    );
                }
                _ => {}
            }
        }
    }
    (!more.is_empty()).then(|| more.into_iter().collect())
}

/// One note for each directory that was left out, however much lies in it.
fn tell(
    kept: &Kept,
    found: &Found,
    out: &Candidates,
    whys: &HashMap<FilePath, (Why, usize)>,
    notes: &mut Vec<Note>,
) {
    let mut told: BTreeMap<FilePath, (Why, usize)> = BTreeMap::new();
    for (path, candidate) in out {
        let (why, end) = whys[path];
        let is_something = !candidate.packages.is_empty()
            || candidate.has_image
            || best(found, candidate).is_some_and(|it| {
                !WEAK.contains(&it) && it != PROTO && !INFRASTRUCTURE.contains(&it)
            });
        if why == Why::Hidden || !is_something || kept.by_path.contains_key(path) {
            continue;
        }
        let top = FilePath::from_bytes(&path.as_bytes()[..end]);
        told.entry(top).or_insert((why, 0)).1 += 1;
    }
    for (path, (why, count)) in told {
        let words = match count {
            1 => why.words().to_owned(),
            _ => format!("{}, {count} directories", why.words()),
        };
        notes.push(Note {
            path,
            words,
            kind: NoteKind::LeftOut,
        });
    }
}

/// What a service is for, as far as that is said.
fn makes(place: &Place) -> Makes {
    let any = |wanted: Makes| place.packages.iter().any(|it| it.makes == wanted);
    let is_infrastructure = place
        .preset
        .as_deref()
        .is_some_and(|it| INFRASTRUCTURE.contains(&it));
    if place.preset.as_deref() == Some(PROTO) {
        return Makes::Library;
    }
    if place.has_image || any(Makes::Program) || is_infrastructure && place.packages.is_empty() {
        return Makes::Program;
    }
    match any(Makes::Library) {
        true => Makes::Library,
        false => Makes::Either,
    }
}

/// What makes a directory that holds `file` a service.
pub fn by_file(file: &FilePath) -> Evidence {
    Evidence {
        file: file.clone(),
        line: None,
        words: name_of(file),
    }
}
