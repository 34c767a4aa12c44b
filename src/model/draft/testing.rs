//! What Python projects are tested with: `unittest`, where all their tests are written for it and nothing names another.
//!
//! Their tests are read only where nothing else tells, since there may be very many.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::model::draft::files::{FileList, split};
use crate::model::draft::leave_out::by_name;
use crate::model::draft::parameters::is_plain;
use crate::model::draft::place::Kept;
use crate::model::draft::words::Evidence;
use crate::model::manifest::{Ecosystem, Fact, Manifest, What};
use crate::model::path::{FilePath, ancestors, is_within};

const UNITTEST: &str = "unittest";
/// Files that only pytest reads.
const OF_PYTEST: &[&[u8]] = &[
    b"conftest.py",
    b"pytest.ini",
    b".pytest.ini",
    b"pytest.toml",
    b".pytest.toml",
];
/// Where there are more tests in a project, a person has to say what runs them.
const MOST: usize = 256;

/// The tests of one service, as they are run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Testing {
    pub runner: &'static str,
    /// Where it has to look, if it would not find them by itself.
    pub directory: Option<String>,
    pub evidence: Evidence,
}

/// The files that have to be read to know what projects are tested with.
pub fn undecided(files: &FileList, manifests: &[Manifest]) -> Vec<FilePath> {
    let projects = projects(manifests);
    if projects.is_empty() {
        return Vec::new();
    }
    let decided = decided(files, manifests);
    let mut open: BTreeMap<&FilePath, Vec<FilePath>> = BTreeMap::new();
    for path in files.iter().filter(|it| is_asked(split(it).1)) {
        let around = ancestors(path).skip(1).find_map(|it| projects.get(it));
        if let Some(project) = around
            && is_own(path, project)
        {
            let asked = open.entry(project).or_default();
            asked.push(FilePath::from_bytes(path));
        }
    }
    open.retain(|project, tests| tests.len() <= MOST && !is_decided(&decided, project));
    open.into_values().flatten().collect()
}

/// What the tests of a service are written for, where that is sure.
pub fn testing(found: (&FileList, &[Manifest]), kept: &Kept) -> HashMap<usize, Testing> {
    let (files, manifests) = found;
    let mut of: HashMap<usize, Vec<(&Manifest, &Fact, &str)>> = HashMap::new();
    for manifest in manifests {
        for fact in &manifest.facts {
            let file = manifest.file.as_bytes();
            if let What::TestedBy(module) = &fact.what
                && let Some(at) = kept.owner(file)
                && is_own(file, &kept.places[at].path)
            {
                of.entry(at).or_default().push((manifest, fact, module));
            }
        }
    }
    if of.is_empty() {
        return HashMap::new();
    }
    let decided = decided(files, manifests);
    let all = of.into_iter().filter_map(|(at, tests)| {
        let path = &kept.places[at].path;
        let is_sure = tests.iter().all(|it| it.2 == UNITTEST) && !is_decided(&decided, path);
        let (first, fact, _) = tests.iter().min_by_key(|it| &it.0.file)?;
        let roots: BTreeSet<&[u8]> = tests
            .iter()
            .map(|it| root(files, path, &it.0.file))
            .collect();
        let are_found = tests
            .iter()
            .all(|it| split(it.0.file.as_bytes()).1.starts_with(b"test"));
        let (Some(root), None) = (roots.first(), roots.iter().nth(1)) else {
            return None;
        };
        let below = root.get(path.as_bytes().len()..)?;
        let below = std::str::from_utf8(below.strip_prefix(b"/").unwrap_or(below)).ok()?;
        (is_sure && are_found && (below.is_empty() || is_plain(below))).then(|| {
            let testing = Testing {
                runner: UNITTEST,
                directory: (!below.is_empty()).then(|| below.to_owned()),
                evidence: Evidence {
                    file: first.file.clone(),
                    line: Some(fact.line),
                    words: UNITTEST.to_owned(),
                },
            };
            (at, testing)
        })
    });
    all.collect()
}

/// The directories of Python projects.
fn projects(manifests: &[Manifest]) -> HashSet<FilePath> {
    let facts = manifests.iter().flat_map(|it| &it.facts);
    let projects = facts.filter_map(|fact| match &fact.what {
        What::Package {
            ecosystem: Ecosystem::Python,
            ..
        } => Some(fact.about.clone()),
        _ => None,
    });
    projects.collect()
}

/// The directories of files that name another module.
fn decided(files: &FileList, manifests: &[Manifest]) -> BTreeSet<FilePath> {
    let names_another = |what: &What| match what {
        What::Needs {
            ecosystem: Ecosystem::Python,
            name,
            ..
        } => name.starts_with("pytest") || name == "nose2",
        What::TestedBy(module) => module != UNITTEST,
        _ => false,
    };
    let facts = manifests.iter().flat_map(|it| &it.facts);
    let named = facts
        .filter(|it| names_another(&it.what))
        .map(|it| it.about.clone());
    let there = files.iter().filter_map(|path| {
        let (directory, name) = split(path);
        let is_one = matches!(name.last(), Some(b'y' | b'i' | b'l')) && OF_PYTEST.contains(&name);
        is_one.then(|| FilePath::from_bytes(directory))
    });
    named.chain(there).collect()
}

/// Whether something around the directory, or in it, names another module.
fn is_decided(decided: &BTreeSet<FilePath>, directory: &FilePath) -> bool {
    let own = directory.as_bytes();
    decided
        .iter()
        .any(|it| is_within(own, it.as_bytes()) || is_within(it.as_bytes(), own))
}

/// Whether a file of this name has tests, or tells of them.
fn is_asked(name: &[u8]) -> bool {
    match name.strip_suffix(b".py") {
        Some(stem) => stem.starts_with(b"test") || stem.ends_with(b"_test"),
        None => name == b"tox.ini",
    }
}

/// Whether a file in a project is none of its fixtures or examples.
fn is_own(path: &[u8], project: &FilePath) -> bool {
    let skip = match project.as_bytes().len() {
        0 => 0,
        length => length + 1,
    };
    by_name(split(&path[skip..]).0).is_none()
}

/// The directory in which the module has to begin to look to find this file: packages below it are found.
fn root<'f>(files: &FileList, path: &FilePath, file: &'f FilePath) -> &'f [u8] {
    let (mut directory, _) = split(file.as_bytes());
    while directory.len() > path.as_bytes().len() {
        let init = FilePath::from_bytes(directory).join(b"__init__.py");
        if !files.has(init.as_bytes()) {
            break;
        }
        directory = split(directory).0;
    }
    directory
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest(file: &str, about: &str, what: What) -> Manifest {
        Manifest {
            file: file.into(),
            facts: vec![Fact {
                about: about.into(),
                line: 1,
                what,
            }],
        }
    }

    fn package(directory: &str) -> Manifest {
        let what = What::Package {
            ecosystem: Ecosystem::Python,
            name: None,
            makes: crate::model::manifest::Makes::Either,
        };
        manifest(&format!("{directory}/requirements.txt"), directory, what)
    }

    #[test]
    fn only_tests_that_decide_something_are_read() {
        let files: FileList = [
            "a/test_a.py",
            "a/tests/b_test.py",
            "a/testdata/test_c.py",
            "a/x.py",
            "a/tox.ini",
            "b/conftest.py",
            "b/test_b.py",
            "c/test_c.py",
            "d/test_d.py",
        ]
        .into_iter()
        .collect();
        let needs = What::Needs {
            ecosystem: Ecosystem::Python,
            name: "pytest-cov".into(),
            tie: crate::model::manifest::Tie::Mentions,
        };
        let manifests = [
            package("a"),
            package("b"),
            package("c"),
            manifest("c/dev/requirements.txt", "c/dev", needs),
        ];
        let found = undecided(&files, &manifests);
        let found: Vec<String> = found.iter().map(FilePath::display).collect();
        assert_eq!(found, ["a/test_a.py", "a/tests/b_test.py", "a/tox.ini"]);
    }
}
