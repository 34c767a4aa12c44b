//! Directories that may be services, with everything that speaks for them.

use std::collections::{BTreeMap, HashSet};

use crate::model::draft::Found;
use crate::model::draft::detect::DetectedIn;
use crate::model::draft::files::split;
use crate::model::draft::words::Evidence;
use crate::model::manifest::{Ecosystem, Fact, Makes, Manifest, Tie, What};
use crate::model::path::{FilePath, is_within};
use crate::model::pattern::Pattern;

/// A package of a directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Package {
    pub ecosystem: Ecosystem,
    pub name: Option<String>,
    pub makes: Makes,
}

/// A directory that may be a service.
#[derive(Clone, Debug, Default)]
pub struct Candidate {
    pub packages: Vec<Package>,
    /// Whether it gathers other packages.
    pub gathers: bool,
    /// Whether another directory gathers it.
    pub is_member: bool,
    /// Whether an image is built of it.
    pub has_image: bool,
    /// It listens, or says that it is started.
    pub runs: bool,
    /// The presets that fit, the best first.
    pub presets: Vec<usize>,
    pub evidence: Vec<Evidence>,
}

/// Candidates by their directory.
pub type Candidates = BTreeMap<FilePath, Candidate>;

/// Directories that hold how something is built or run, not the thing itself.
const ASIDE: &[&[u8]] = &[
    b"docker",
    b".docker",
    b"build",
    b"deploy",
    b"deployment",
    b"ci",
    b"container",
    b"k8s",
    b"hack",
    b"scripts",
];

/// Finds them all.
pub fn gather(found: &Found, detected: &DetectedIn) -> Candidates {
    let mut all = Candidates::new();
    for (directory, presets) in detected {
        let candidate = all.entry(directory.clone()).or_default();
        candidate.presets = presets.iter().map(|it| it.preset).collect();
        if let Some(best) = presets.first() {
            candidate.evidence.push(Evidence {
                file: best.file.clone(),
                line: None,
                words: name_of(&best.file),
            });
        }
    }
    for directory in mobile(&found.manifests) {
        if let Some(candidate) = all.get_mut(directory) {
            prefer_scripts(found, candidate);
        }
    }
    let built = built_files(&found.manifests);
    for manifest in &found.manifests {
        for fact in &manifest.facts {
            note(&mut all, manifest, fact);
        }
        if is_dockerfile(&manifest.file) && !built.contains(&manifest.file) {
            let directory = component(&FilePath::default(), &manifest.file);
            let words = name_of(&manifest.file);
            image(&mut all, &directory, (&manifest.file, None, words));
        }
    }
    // What others say of directories that are not there, or lie behind links, makes nothing of them.
    all.retain(|path, _| path.is_root() || found.files.has_below(path.as_bytes()));
    let packages: Vec<(FilePath, Vec<Ecosystem>)> = all
        .iter()
        .filter(|(_, it)| !it.packages.is_empty())
        .map(|(path, it)| {
            (
                path.clone(),
                it.packages.iter().map(|it| it.ecosystem).collect(),
            )
        })
        .collect();
    for member in members(&found.manifests, &packages) {
        if let Some(candidate) = all.get_mut(&member) {
            candidate.is_member = true;
        }
    }
    for candidate in all.values_mut() {
        candidate.packages.sort_by(|left, right| {
            left.ecosystem
                .cmp(&right.ecosystem)
                .then_with(|| left.name.cmp(&right.name))
        });
        candidate.evidence.sort();
        candidate.evidence.dedup();
    }
    all
}

/// Packages of apps for phones, which keep files of other ecosystems for the tools of each phone.
fn mobile(manifests: &[Manifest]) -> impl Iterator<Item = &FilePath> {
    let facts = manifests.iter().flat_map(|it| &it.facts);
    let is_mobile = |what: &What| match what {
        What::Needs {
            ecosystem: Ecosystem::Npm,
            name,
            tie: Tie::Declares,
        } => matches!(name.as_str(), "react-native" | "expo"),
        _ => false,
    };
    facts
        .filter(move |it| is_mobile(&it.what))
        .map(|it| &it.about)
}

/// Ruby's tools put the app together; what it is lies in its scripts.
fn prefer_scripts(found: &Found, candidate: &mut Candidate) {
    let is_ruby = |at: &usize| found.presets.get(*at).is_some_and(|it| it.name == "ruby");
    candidate.presets.sort_by_key(is_ruby);
}

/// The directory of the component that is built from `dockerfile` in `context`.
pub fn component(context: &FilePath, dockerfile: &FilePath) -> FilePath {
    let (mut directory, _) = split(dockerfile.as_bytes());
    if !is_within(directory, context.as_bytes()) {
        return context.clone();
    }
    while directory != context.as_bytes() {
        let (above, name) = split(directory);
        // At the top of a repository such a directory is a component as good as any.
        if above.is_empty() && context.is_root() || !ASIDE.contains(&name) {
            break;
        }
        directory = above;
    }
    FilePath::from_bytes(directory)
}

/// Whether a file is the recipe of an image.
pub fn is_dockerfile(file: &FilePath) -> bool {
    let (_, name) = split(file.as_bytes());
    let lower = name.to_ascii_lowercase();
    [&b"dockerfile"[..], b"containerfile"].iter().any(|it| {
        let rest = lower.strip_prefix(*it);
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"."))
            && !lower.ends_with(b"ignore")
            || lower.ends_with(&[b".", *it].concat())
    })
}

fn note(all: &mut Candidates, manifest: &Manifest, fact: &Fact) {
    match &fact.what {
        What::Package {
            makes: Makes::Nothing,
            ..
        }
        | What::Gathers { .. } => {
            all.entry(fact.about.clone()).or_default().gathers = true;
        }
        What::Package {
            ecosystem,
            name,
            makes,
        } => {
            let candidate = all.entry(fact.about.clone()).or_default();
            candidate.packages.push(Package {
                ecosystem: *ecosystem,
                name: name.clone(),
                makes: *makes,
            });
            candidate.evidence.push(Evidence {
                file: manifest.file.clone(),
                line: Some(fact.line),
                words: name.clone().unwrap_or_else(|| name_of(&manifest.file)),
            });
        }
        What::BuiltFrom {
            context,
            dockerfile,
        } => {
            let directory = component(context, dockerfile);
            let words = "build".to_owned();
            image(all, &directory, (&manifest.file, Some(fact.line), words));
        }
        What::Port(_) => {
            if let Some(candidate) = all.get_mut(&fact.about) {
                candidate.runs = true;
            }
        }
        What::Script { name, .. } if matches!(name.as_str(), "start" | "serve") => {
            if let Some(candidate) = all.get_mut(&fact.about) {
                candidate.runs = true;
            }
        }
        _ => {}
    }
}

fn image(all: &mut Candidates, directory: &FilePath, said: (&FilePath, Option<u32>, String)) {
    let candidate = all.entry(directory.clone()).or_default();
    candidate.has_image = true;
    let (file, line, words) = said;
    candidate.evidence.push(Evidence {
        file: file.clone(),
        line,
        words,
    });
}

fn built_files(manifests: &[Manifest]) -> HashSet<FilePath> {
    let facts = manifests.iter().flat_map(|it| &it.facts);
    let files = facts.filter_map(|fact| match &fact.what {
        What::BuiltFrom { dockerfile, .. } => Some(dockerfile.clone()),
        _ => None,
    });
    files.collect()
}

/// The packages that another directory gathers.
fn members(manifests: &[Manifest], packages: &[(FilePath, Vec<Ecosystem>)]) -> HashSet<FilePath> {
    let mut found = HashSet::new();
    for fact in manifests.iter().flat_map(|it| &it.facts) {
        let What::Gathers {
            ecosystem,
            members,
            excluded,
        } = &fact.what
        else {
            continue;
        };
        let patterns = |list: &[String]| -> Vec<Pattern> {
            list.iter()
                .filter_map(|it| Pattern::new(it.trim_start_matches("./"), &fact.about).ok())
                .collect()
        };
        let excluded = patterns(excluded);
        for member in patterns(members) {
            if member.is_literal() {
                found.insert(FilePath::from(member.as_str()));
                continue;
            }
            let takes = packages.iter().filter(|(path, kinds)| {
                kinds.contains(ecosystem)
                    && is_exactly(&member, path)
                    && !excluded.iter().any(|it| it.matches(path.as_bytes()))
            });
            found.extend(takes.map(|(path, _)| path.clone()));
        }
    }
    found
}

/// Whether the pattern means just this directory, not one above it.
fn is_exactly(pattern: &Pattern, path: &FilePath) -> bool {
    let parts = |it: &[u8]| it.iter().filter(|byte| **byte == b'/').count();
    let text = pattern.as_str();
    pattern.matches(path.as_bytes())
        && (text.contains("**") || parts(text.as_bytes()) == parts(path.as_bytes()))
}

/// The name of a file in its directory, for people.
pub fn name_of(file: &FilePath) -> String {
    crate::model::path::display(split(file.as_bytes()).1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_component_is_where_its_recipe_lies() {
        let check = |context: &str, dockerfile: &str, expected: &str| {
            let found = component(&context.into(), &dockerfile.into());
            assert_eq!(found, FilePath::from(expected), "{context} {dockerfile}");
        };
        check("", "src/cart/Dockerfile", "src/cart");
        check("src/cart", "src/cart/docker/Dockerfile", "src/cart");
        check("src/cart", "docker/cart.Dockerfile", "src/cart");
        check("", "Dockerfile", "");
        check("", "src/cart/build/Dockerfile.dev", "src/cart");
    }

    #[test]
    fn recipes_of_images_are_known_by_name() {
        let check =
            |name: &str, expected| assert_eq!(is_dockerfile(&name.into()), expected, "{name}");
        check("a/Dockerfile", true);
        check("Dockerfile.dev", true);
        check("x/cart.Dockerfile", true);
        check("Containerfile", true);
        check("Dockerfile.dockerignore", false);
        check("dockerfile_parser.py", false);
    }
}
