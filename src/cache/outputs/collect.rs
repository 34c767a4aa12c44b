//! Taking in what a task left behind.

use std::fs;
use std::path::Path;

use crate::cache::error::Error;
use crate::cache::outputs::lock::Lock;
use crate::cache::outputs::memory::{Memory, Remembered};
use crate::cache::outputs::read::identify;
use crate::cache::outputs::sight::{Found, Sight, look};
use crate::cache::outputs::stamp::{Kind, Stamp, Time};
use crate::model::outputs::{Output, OutputEntry, OutputTree};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

/// What lies where a task's output patterns match.
#[derive(Debug)]
pub struct Collected {
    pub tree: OutputTree,
    /// The places of the patterns that match nothing.
    pub unmatched: Vec<usize>,
    /// Something that cannot be kept, and what it is: "a socket". The tree is empty then.
    pub refused: Option<(FilePath, &'static str)>,
    pub(crate) memory: Memory,
}

impl Collected {
    /// The files and links that were there before the `lock` was taken, and that no earlier result made.
    pub fn not_made_since(&self, lock: &Lock) -> Vec<FilePath> {
        let memory = self.memory.clone().made_since(lock.taken);
        let others = memory.entries().iter().filter(|it| !it.is_made);
        let files = others.filter(|it| !matches!(it.entry.output, Output::Directory { .. }));
        files.map(|it| it.entry.path.clone()).collect()
    }
}

pub(crate) fn collect(
    root: &Path,
    patterns: &[Pattern],
    memory: &Memory,
    moment: Option<Time>,
) -> Result<Collected, Error> {
    let sight = look(root, patterns)?;
    let matched = sight.matched.iter().enumerate();
    let unmatched = matched.filter(|it| !it.1).map(|it| it.0).collect();
    let refused = refused(&sight).or_else(|| led_away(root, patterns, &sight));
    let (tree, memory) = match refused {
        Some(_) => (OutputTree::default(), Memory::default()),
        None => {
            let all: Vec<&Found> = sight.found.iter().collect();
            let outputs = identify(root, &all, memory)?;
            expect_same_folders(root, &sight)?;
            gather(patterns, &sight, outputs, memory, moment)
        }
    };
    Ok(Collected {
        tree,
        unmatched,
        refused,
        memory,
    })
}

/// What was seen, as a tree and as it is remembered, given what was remembered before.
pub(crate) fn gather(
    patterns: &[Pattern],
    sight: &Sight,
    outputs: Vec<Option<Output>>,
    before: &Memory,
    moment: Option<Time>,
) -> (OutputTree, Memory) {
    let entries = sight.found.iter().zip(outputs);
    let entries: Vec<Remembered> = entries
        .filter_map(|(found, output)| {
            let path = found.path.clone();
            Some(Remembered {
                is_made: before.find(&path).is_some(),
                entry: OutputEntry {
                    path,
                    output: output?,
                },
                stamp: Some(found.stamp),
            })
        })
        .collect();
    let folders = sight.folders.iter().map(|it| (it.path.clone(), it.stamp));
    let tree = OutputTree::new(entries.iter().map(|it| it.entry.clone()).collect());
    let memory = Memory::new(patterns, moment, entries, folders.collect());
    (tree, memory)
}

fn refused(sight: &Sight) -> Option<(FilePath, &'static str)> {
    let blocked = sight.blocked.iter();
    let blocked = blocked.filter(|it| it.stamp.kind() == Kind::Link);
    let mut blocked = blocked.map(|it| (it.path.clone(), "a link above outputs"));
    let odd = |it: &Found| match it.stamp.kind() {
        Kind::Other(what) => Some((it.path.clone(), what)),
        _ => None,
    };
    blocked.next().or_else(|| sight.found.iter().find_map(odd))
}

/// An output directory that is a link to one elsewhere: what the task leaves there is not taken, and would not be missed.
fn led_away(root: &Path, patterns: &[Pattern], sight: &Sight) -> Option<(FilePath, &'static str)> {
    let is_link = |path: &FilePath| {
        let found = sight.find(path);
        found.is_some_and(|it| it.stamp.kind() == Kind::Link)
    };
    let leads_away = |path: &FilePath| {
        let place = root.join(path.as_path());
        let (Ok(end), Ok(root)) = (place.canonicalize(), root.canonicalize()) else {
            return false;
        };
        let is_taken = end.strip_prefix(&root).is_ok_and(|end| {
            let end = end.as_os_str().as_encoded_bytes();
            patterns.iter().any(|it| it.matches(end))
        });
        end.is_dir() && !is_taken
    };
    let places = patterns.iter().filter_map(Pattern::whole);
    let mut places = places.map(FilePath::from_bytes);
    let found = places.find(|it| is_link(it) && leads_away(it));
    found.map(|path| (path, "a link to a directory elsewhere"))
}

/// Something that came or went while the rest was read would make a tree that never was.
fn expect_same_folders(root: &Path, sight: &Sight) -> Result<(), Error> {
    let folders = sight.found.iter().filter(|it| it.stamp.is_directory());
    for folder in folders {
        let now = fs::symlink_metadata(root.join(folder.path.as_path()));
        if now.map(|it| Stamp::new(&it)).ok() != Some(folder.stamp) {
            return Err(Error::Unsteady(folder.path.clone()));
        }
    }
    Ok(())
}
