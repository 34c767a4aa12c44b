//! Kustomizations that lie over a common base, one for each environment: `overlays/staging`, `overlays/production`.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::draft::deploy::Candidate;
use crate::model::draft::files::split;
use crate::model::path::FilePath;

/// What environments are called, by themselves or as a part of their names: `production`, `eu-prod`.
const ENVIRONMENTS: &[&str] = &[
    "canary",
    "demo",
    "dev",
    "develop",
    "development",
    "integration",
    "live",
    "local",
    "nonprod",
    "preprod",
    "preview",
    "preproduction",
    "prod",
    "production",
    "prd",
    "qa",
    "sandbox",
    "stage",
    "staging",
    "stg",
    "test",
    "testing",
    "uat",
];

/// What is deployed from one directory of overlays.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlays {
    pub directory: FilePath,
    /// The names of the environments, at least two.
    pub names: Vec<String>,
    /// Where the first of them names the base.
    pub first: (FilePath, u32),
}

/// What a candidate takes of others, directly and through them, itself included.
pub fn taken<'c>(
    all: &'c BTreeMap<FilePath, Candidate>,
    path: &'c FilePath,
) -> BTreeSet<&'c FilePath> {
    let mut taken = BTreeSet::new();
    let mut open = vec![path];
    while let Some(path) = open.pop() {
        if let Some((path, candidate)) = all.get_key_value(path)
            && taken.insert(path)
        {
            open.extend(candidate.takes.keys());
        }
    }
    taken
}

/// Those of these that none of the others takes.
pub fn tops<'c>(
    all: &BTreeMap<FilePath, Candidate>,
    these: &BTreeSet<&'c FilePath>,
) -> Vec<&'c FilePath> {
    let is_taken = |path: &FilePath| {
        let mut others = these.iter().filter(|it| **it != path);
        others.any(|it| all[*it].takes.contains_key(path))
    };
    these.iter().copied().filter(|it| !is_taken(it)).collect()
}

/// The overlays among these, if all of these are overlays of one base, or what they take.
pub fn overlays(
    all: &BTreeMap<FilePath, Candidate>,
    these: &BTreeSet<&FilePath>,
) -> Option<Overlays> {
    let tops = tops(all, these);
    let (directory, _) = split(tops.first()?.as_bytes());
    let mut names = Vec::new();
    for top in &tops {
        let (parent, name) = split(top.as_bytes());
        let name = std::str::from_utf8(name)
            .ok()
            .filter(|it| is_environment(it))?;
        if parent != directory || !all[*top].is_kustomization {
            return None;
        }
        names.push(name.to_owned());
    }
    let mut bases = all[tops[0]].takes.iter();
    let (_, line) = bases.find(|(base, _)| {
        let is_common = tops.iter().all(|it| all[*it].takes.contains_key(*base));
        is_common && taken(all, base).iter().any(|it| all[*it].runs)
    })?;
    let is_sound = |it: &&FilePath| !(all[*it].is_chart || all[*it].runs && all[*it].is_template);
    (names.len() > 1 && these.iter().all(is_sound)).then(|| Overlays {
        directory: FilePath::from_bytes(directory),
        names,
        first: line.clone(),
    })
}

fn is_environment(name: &str) -> bool {
    let is_valid = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
    name.chars().all(is_valid) && name.split('-').any(|it| ENVIRONMENTS.contains(&it))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn environments_are_known_by_their_names() {
        for name in ["staging", "prod", "eu-production", "qa-2"] {
            assert!(is_environment(name), "{name}");
        }
        for name in ["base", "with-istio", "products", "Staging", "", "a_test"] {
            assert!(!is_environment(name), "{name}");
        }
    }
}
