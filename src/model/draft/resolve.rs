//! What a name means that a manifest needs: the directory, or the file, that it stands for in this workspace.

use std::collections::HashMap;

use crate::model::draft::Found;
use crate::model::draft::files::{FileList, split};
use crate::model::manifest::{Ecosystem, What};
use crate::model::path::{FilePath, ancestors};

/// Everything that has a name.
pub struct Names<'f> {
    files: &'f FileList,
    packages: HashMap<(Ecosystem, String), Vec<&'f FilePath>>,
    offers: HashMap<(Ecosystem, String), Vec<Offer<'f>>>,
    /// The last parts of the names of images, where they mean one thing.
    images: HashMap<String, Option<&'f FilePath>>,
    /// Where projects of one build are told apart by their paths.
    gradle: Vec<&'f FilePath>,
    protos: HashMap<&'f [u8], Vec<&'f [u8]>>,
}

struct Offer<'f> {
    about: &'f FilePath,
    file: &'f FilePath,
    path: &'f FilePath,
}

/// A name, where it stands.
#[derive(Clone, Copy)]
pub struct Wanted<'f> {
    pub ecosystem: Ecosystem,
    pub name: &'f str,
    /// The directory that wants it.
    pub from: &'f FilePath,
    /// The file that says so.
    pub file: &'f FilePath,
}

impl<'f> Names<'f> {
    /// All names that the manifests give.
    pub fn new(found: &'f Found) -> Self {
        let mut names = Self {
            files: &found.files,
            packages: HashMap::new(),
            offers: HashMap::new(),
            images: HashMap::new(),
            gradle: Vec::new(),
            protos: HashMap::new(),
        };
        for manifest in &found.manifests {
            for fact in &manifest.facts {
                names.add(&manifest.file, &fact.about, &fact.what);
            }
        }
        for path in found.files.iter().filter(|it| it.ends_with(b".proto")) {
            names.protos.entry(split(path).1).or_default().push(path);
        }
        names
    }

    fn add(&mut self, file: &'f FilePath, about: &'f FilePath, what: &'f What) {
        match what {
            What::Package {
                ecosystem,
                name: Some(name),
                ..
            } => {
                let key = (*ecosystem, normal(*ecosystem, name));
                let all = self.packages.entry(key).or_default();
                if !all.contains(&about) {
                    all.push(about);
                }
            }
            What::Offers {
                ecosystem,
                name,
                path,
            } => {
                let key = (*ecosystem, normal(*ecosystem, name));
                if *ecosystem == Ecosystem::Image {
                    let last = key.1.rsplit('/').next().unwrap_or_default().to_owned();
                    let known = self.images.entry(last).or_insert(Some(path));
                    if *known != Some(path) {
                        *known = None;
                    }
                }
                self.offers
                    .entry(key)
                    .or_default()
                    .push(Offer { about, file, path });
            }
            What::Gathers {
                ecosystem: Ecosystem::Gradle,
                ..
            } => self.gradle.push(about),
            _ => {}
        }
    }

    /// What a name stands for. None: for nothing in this workspace.
    pub fn find(&self, wanted: Wanted<'_>) -> Option<FilePath> {
        let ecosystem = wanted.ecosystem;
        let name = normal(ecosystem, wanted.name);
        match ecosystem {
            Ecosystem::Proto => return self.proto(&wanted),
            Ecosystem::Go => return self.module(&wanted),
            Ecosystem::Compose => {
                let offers = self.offers.get(&(ecosystem, name))?;
                // Files beside each other are put together, the ones that override and those that are overridden.
                let same = offers.iter().find(|it| it.file == wanted.file);
                let beside = |it: &&Offer<'_>| directory(it.file) == directory(wanted.file);
                let found = same.or_else(|| offers.iter().find(beside));
                return found.map(|it| it.path.clone());
            }
            _ => {}
        }
        self.exactly(&wanted, name.clone())
            .or_else(|| match ecosystem {
                Ecosystem::Gradle => self.project(&wanted),
                Ecosystem::Image => self
                    .images
                    .get(name.rsplit('/').next()?)
                    .copied()
                    .flatten()
                    .cloned(),
                _ => None,
            })
    }

    /// The nearest offer, or else the nearest package, of just this name.
    fn exactly(&self, wanted: &Wanted<'_>, name: String) -> Option<FilePath> {
        let key = (wanted.ecosystem, name);
        let offers = self.offers.get(&key).map(Vec::as_slice).unwrap_or_default();
        let offered = ancestors(wanted.from.as_bytes()).find_map(|here| {
            let own = offers.iter().find(|it| it.about.as_bytes() == here);
            own.map(|it| it.path.clone())
        });
        let everywhere = || match (wanted.ecosystem, offers) {
            (Ecosystem::Image | Ecosystem::Project, [only]) => Some(only.path.clone()),
            _ => None,
        };
        let package = || {
            // Without an offer a crate of this name is the one of the registry.
            if wanted.ecosystem == Ecosystem::Cargo {
                return None;
            }
            let all = self.packages.get(&key)?;
            nearest(wanted.from, all)
        };
        offered.or_else(everywhere).or_else(package)
    }

    /// The module whose path the wanted one begins with, the longest one.
    fn module(&self, wanted: &Wanted<'_>) -> Option<FilePath> {
        let mut name = wanted.name;
        loop {
            if let Some(found) = self.exactly(wanted, name.to_owned()) {
                return Some(found);
            }
            name = name.rsplit_once('/')?.0;
        }
    }

    /// `:libs:cart` as a directory below the nearest settings.
    fn project(&self, wanted: &Wanted<'_>) -> Option<FilePath> {
        let parts = wanted.name.trim_start_matches(':').replace(':', "/");
        let mut roots = ancestors(wanted.from.as_bytes());
        let root = roots.find(|here| self.gradle.iter().any(|it| it.as_bytes() == *here))?;
        let path = FilePath::from_bytes(root).join(parts.as_bytes());
        self.files.has_below(path.as_bytes()).then_some(path)
    }

    /// The file that an import means: the one in the nearest directory around, or the only one.
    fn proto(&self, wanted: &Wanted<'_>) -> Option<FilePath> {
        let import = wanted.name.as_bytes();
        let all = self.protos.get(split(import).1)?;
        let ends = |path: &&[u8]| {
            let before = path.strip_suffix(import);
            before.is_some_and(|it| it.is_empty() || it.ends_with(b"/"))
        };
        let fitting: Vec<FilePath> = all
            .iter()
            .copied()
            .filter(|it| ends(it))
            .map(FilePath::from_bytes)
            .collect();
        nearest(wanted.from, &fitting.iter().collect::<Vec<_>>())
    }
}

fn directory(file: &FilePath) -> &[u8] {
    split(file.as_bytes()).0
}

/// The one that shares most of its way with `from`; none where several do.
fn nearest(from: &FilePath, all: &[&FilePath]) -> Option<FilePath> {
    let shared = |path: &FilePath| {
        let parts = from.as_bytes().split(|it| *it == b'/');
        let others = path.as_bytes().split(|it| *it == b'/');
        parts
            .zip(others)
            .take_while(|(left, right)| left == right)
            .count()
    };
    let best = all.iter().map(|it| shared(it)).max()?;
    let mut found = all.iter().filter(|it| shared(it) == best);
    match (found.next(), found.next()) {
        (Some(one), None) => Some((*one).clone()),
        _ => None,
    }
}

/// A name in the form in which names of its kind are the same.
pub fn normal(ecosystem: Ecosystem, name: &str) -> String {
    match ecosystem {
        Ecosystem::Python => {
            let mut out = String::new();
            for letter in name.chars() {
                match letter {
                    '-' | '_' | '.' if out.ends_with('-') => {}
                    '-' | '_' | '.' => out.push('-'),
                    letter => out.extend(letter.to_lowercase()),
                }
            }
            out
        }
        Ecosystem::Image => {
            let name = name.split_once('@').map_or(name, |(name, _)| name);
            let name = match name.rsplit_once(':') {
                Some((before, tag)) if !tag.contains('/') => before,
                _ => name,
            };
            match name.split_once('/') {
                Some((host, rest)) if host.contains(['.', ':']) || host == "localhost" => {
                    rest.to_owned()
                }
                _ => name.to_owned(),
            }
        }
        Ecosystem::Composer => name.to_lowercase(),
        _ => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_a_kind_are_compared_as_its_tools_do() {
        let check =
            |ecosystem, name: &str, expected: &str| assert_eq!(normal(ecosystem, name), expected);
        check(Ecosystem::Python, "Shop_.Common", "shop-common");
        check(Ecosystem::Image, "gcr.io/shop/cart:v1", "shop/cart");
        check(Ecosystem::Image, "localhost:5000/cart", "cart");
        check(Ecosystem::Image, "shop/cart@sha256:00", "shop/cart");
        check(Ecosystem::Npm, "@shop/Cart", "@shop/Cart");
    }

    #[test]
    fn of_several_the_nearest_is_meant() {
        let (one, other) = (FilePath::from("a/libs/x"), FilePath::from("b/libs/x"));
        let check = |from: &str, expected: Option<&str>| {
            let found = nearest(&from.into(), &[&one, &other]);
            assert_eq!(found, expected.map(FilePath::from), "{from}");
        };
        check("a/svc", Some("a/libs/x"));
        check("b/svc", Some("b/libs/x"));
        check("c/svc", None);
    }
}
