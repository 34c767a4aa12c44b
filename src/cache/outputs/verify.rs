//! Whether a result lies in place, without changing anything.

use std::path::Path;

use crate::cache::outputs::collect::gather;
use crate::cache::outputs::memory::Memory;
use crate::cache::outputs::place::Place;
use crate::cache::outputs::read::identify;
use crate::cache::outputs::sight::{Found, look, starts};
use crate::cache::outputs::stamp::{Kind, Stamp, Time};
use crate::model::outputs::{Output, OutputEntry, OutputTree};
use crate::model::path::{FilePath, ancestors};
use crate::model::pattern::Pattern;

/// Whether all stamps say so: nothing is read, and no directory listed.
pub(crate) fn is_untouched(
    root: &Path,
    patterns: &[Pattern],
    tree: &OutputTree,
    memory: &Memory,
) -> bool {
    if !memory.is_sure_of(patterns, tree) {
        return false;
    }
    let Ok(place) = Place::open(root) else {
        return false;
    };
    let mut starts = starts(patterns).into_iter();
    starts.all(|it| is_as_it_was(&place, it, memory)) && is_as_remembered(&place, memory)
}

/// Whether everything that is remembered has the same stamp, settled or not.
pub(crate) fn is_as_remembered(place: &Place, memory: &Memory) -> bool {
    let is_same = |path: &FilePath, stamp: &Stamp| matches!(place.glance(path), Ok(Some(now)) if now == *stamp);
    let is_folder = |path: &FilePath| {
        let folders = memory.folders();
        folders.binary_search_by(|it| it.0.cmp(path)).is_ok()
    };
    let mut folders = memory.folders().iter();
    folders.all(|(path, stamp)| is_same(path, stamp))
        && memory.entries().iter().all(|it| match &it.entry.output {
            // Its stamp was just compared.
            Output::Directory { .. } => is_folder(&it.entry.path),
            _ => it
                .stamp
                .as_ref()
                .is_some_and(|stamp| is_same(&it.entry.path, stamp)),
        })
}

/// Whether no link leads to `start`, and nothing lies there that did not.
fn is_as_it_was(place: &Place, start: &[u8], memory: &Memory) -> bool {
    let above = ancestors(start).skip(1).filter(|it| !it.is_empty());
    let above: Vec<FilePath> = above.map(FilePath::from_bytes).collect();
    for directory in above.into_iter().rev() {
        match place.glance(&directory) {
            Ok(None) => return true,
            Ok(Some(stamp)) if stamp.is_directory() => {}
            _ => return false,
        }
    }
    let start = FilePath::from_bytes(start);
    let is_known = memory.knows(&start)
        || memory
            .folders()
            .binary_search_by(|it| it.0.cmp(&start))
            .is_ok();
    is_known || matches!(place.glance(&start), Ok(None))
}

/// Compares everything with `tree`, reading what has to be read. What is to be remembered if it is the same.
pub(crate) fn compare(
    root: &Path,
    patterns: &[Pattern],
    tree: &OutputTree,
    memory: &Memory,
    moment: Option<Time>,
) -> Option<Memory> {
    let sight = look(root, patterns).ok()?;
    let is_likely = sight.blocked.is_none()
        && sight.found.len() == tree.entries().len()
        && sight
            .found
            .iter()
            .zip(tree.entries())
            .all(|it| is_alike(it.0, it.1));
    if !is_likely {
        return None;
    }
    let all: Vec<&Found> = sight.found.iter().collect();
    let outputs = identify(root, &all, memory).ok()?;
    let (found, fresh) = gather(patterns, &sight, outputs, memory, moment);
    (found == *tree).then_some(fresh)
}

/// Whether something may be `entry`, as far as can be told without reading it.
fn is_alike(found: &Found, entry: &OutputEntry) -> bool {
    found.path == entry.path
        && match (&entry.output, found.stamp.kind()) {
            (Output::Directory { mode }, Kind::Directory) => found.stamp.permissions() == *mode,
            (Output::File { mode, size, .. }, Kind::File) => {
                found.stamp.permissions() == *mode && found.stamp.size == *size
            }
            (Output::Link { .. }, Kind::Link) => true,
            _ => false,
        }
}
