//! The index as a tree: what differs between a tree object and it, and which files it holds.

use std::cmp::Ordering;
use std::ops::Range;

use crate::git::error::Error;
use crate::git::native::cache_tree::CacheTree;
use crate::git::native::index::Index;
use crate::git::native::objects::Objects;
use crate::git::native::tree::{Side, TreeEntry, compare_names};
use crate::git::native::trees;
use crate::model::change::ObjectId;

/// What lies right below a directory of the index.
#[derive(Clone, Debug)]
pub enum Child<'i> {
    /// The entries of one path, in all stages.
    File(&'i [u8], Range<usize>),
    /// The entries below one directory.
    Directory(&'i [u8], Range<usize>),
}

/// A directory of the index, to be compared with a tree object.
pub struct Directory {
    /// Its entries.
    pub entries: Range<usize>,
    /// How many bytes of their paths stand before the names in it.
    pub skip: usize,
    /// Its node of the cache tree.
    pub node: Option<usize>,
}

/// An index beside the objects that it refers to.
pub struct Staged<'s, 'r> {
    pub index: &'s Index,
    pub objects: &'s Objects<'r>,
}

impl Child<'_> {
    pub fn name(&self) -> &[u8] {
        match self {
            Self::File(name, _) | Self::Directory(name, _) => name,
        }
    }

    pub fn entries(&self) -> Range<usize> {
        match self {
            Self::File(_, entries) | Self::Directory(_, entries) => entries.clone(),
        }
    }
}

impl Staged<'_, '_> {
    /// The directory at `path`.
    pub fn directory(&self, path: &[u8]) -> Directory {
        let root = self.index.cache_tree().and_then(CacheTree::root);
        let parts = path.split(|byte| *byte == b'/');
        let node = parts
            .filter(|part| !part.is_empty())
            .fold(root, |node, part| find(&self.nodes_below(node), part));
        Directory {
            entries: self.index.below(path),
            skip: path.len() + usize::from(!path.is_empty()),
            node,
        }
    }

    /// Calls `emit` with the path of every file that differs between the tree `base` and `directory`, relative to it and
    /// in order, and with what the base has there.
    ///
    /// # Errors
    /// A missing object.
    pub fn differences(
        &self,
        base: Option<ObjectId>,
        directory: &Directory,
        emit: &mut impl FnMut(&[u8], Option<Side>),
    ) -> Result<(), Error> {
        let mut path = Vec::new();
        match base {
            Some(base) => self.compare(base, directory, &mut path, emit),
            None => {
                self.added(&directory.entries, directory.skip, emit);
                Ok(())
            }
        }
    }

    fn compare(
        &self,
        base: ObjectId,
        directory: &Directory,
        path: &mut Vec<u8>,
        emit: &mut impl FnMut(&[u8], Option<Side>),
    ) -> Result<(), Error> {
        if self.remembered(directory.node) == Some((base, directory.entries.len())) {
            return Ok(());
        }
        let tree = self.objects.tree(base)?;
        let mut lines = tree.entries()?;
        let nodes = self.nodes_below(directory.node);
        let mut at = directory.entries.start;
        loop {
            let rest = at..directory.entries.end;
            let child = child(self.index, rest, directory.skip, |name| {
                self.remembered(find(&nodes, name))
                    .map(|(_, entries)| entries)
            });
            match (order(lines.peek(), child.as_ref()), lines.peek(), child) {
                (Ordering::Less, Some(line), _) => {
                    self.removed(line, path, emit)?;
                    lines.advance()?;
                }
                (Ordering::Greater, _, Some(child)) => {
                    at = child.entries().end;
                    self.added_below(child, path, directory.skip, emit);
                }
                (_, Some(line), Some(child)) => {
                    at = child.entries().end;
                    self.both(line, child, &nodes, directory.skip, path, emit)?;
                    lines.advance()?;
                }
                _ => return Ok(()),
            }
        }
    }

    /// Compares a line of a tree with a child of the index of the same name and kind.
    fn both(
        &self,
        line: TreeEntry<'_>,
        child: Child<'_>,
        nodes: &[(&[u8], usize)],
        skip: usize,
        path: &mut Vec<u8>,
        emit: &mut impl FnMut(&[u8], Option<Side>),
    ) -> Result<(), Error> {
        match child {
            Child::Directory(name, entries) => {
                let directory = Directory {
                    entries,
                    skip: skip + name.len() + 1,
                    node: find(nodes, name),
                };
                // Most directories are equal: see that before their paths are put together.
                let known = self.remembered(directory.node);
                if known == Some((line.object(), directory.entries.len())) {
                    return Ok(());
                }
                trees::below(path, name, |path| {
                    self.compare(line.object(), &directory, path, emit)
                })
            }
            Child::File(name, entries) => {
                let entry = self.index.entry(entries.start);
                let is_same = entry.stage() == 0
                    && !entry.is_intent_to_add()
                    && entry.raw_id() == line.id
                    && entry.side() == line.side();
                if is_same {
                    return Ok(());
                }
                trees::below(path, name, |path| {
                    emit(path, Some(line.side()));
                    Ok(())
                })
            }
        }
    }

    fn removed(
        &self,
        line: TreeEntry<'_>,
        path: &mut Vec<u8>,
        emit: &mut impl FnMut(&[u8], Option<Side>),
    ) -> Result<(), Error> {
        trees::below(path, line.name, |path| match line.is_directory() {
            true => trees::files(self.objects, line.object(), path, &mut |path, side| {
                emit(path, Some(side));
            }),
            false => {
                emit(path, Some(line.side()));
                Ok(())
            }
        })
    }

    fn added_below(
        &self,
        child: Child<'_>,
        path: &[u8],
        skip: usize,
        emit: &mut impl FnMut(&[u8], Option<Side>),
    ) {
        let above = path.len() + usize::from(!path.is_empty());
        self.added(&child.entries(), skip - above, emit);
    }

    fn added(
        &self,
        entries: &Range<usize>,
        skip: usize,
        emit: &mut impl FnMut(&[u8], Option<Side>),
    ) {
        let mut before: Option<&[u8]> = None;
        for at in entries.clone() {
            let entry = self.index.entry(at);
            // The stages of a conflict are one path.
            if !entry.is_intent_to_add() && before != Some(entry.path) {
                emit(&entry.path[skip..], None);
            }
            before = Some(entry.path);
        }
    }

    /// The tree that a node stands for, and how many entries it covers.
    fn remembered(&self, node: Option<usize>) -> Option<(ObjectId, usize)> {
        let known = self
            .index
            .cache_tree()?
            .remembered(self.index.bytes(), node?)?;
        Some((known.tree, known.entries))
    }

    fn nodes_below(&self, node: Option<usize>) -> Vec<(&[u8], usize)> {
        match (self.index.cache_tree(), node) {
            (Some(tree), Some(node)) => tree.children(self.index.bytes(), node),
            _ => Vec::new(),
        }
    }
}

/// The first child among `entries`, whose paths have `skip` bytes in common. `count` guesses how many entries a
/// directory has; a wrong guess is noticed.
pub fn child<'i>(
    index: &'i Index,
    entries: Range<usize>,
    skip: usize,
    count: impl Fn(&[u8]) -> Option<usize>,
) -> Option<Child<'i>> {
    if entries.is_empty() {
        return None;
    }
    let path = index.path(entries.start);
    let rest = &path[skip..];
    let Some(length) = rest.iter().position(|byte| *byte == b'/') else {
        let same = |at: &usize| index.path(*at) == path;
        let end = (entries.start + 1..entries.end).find(|at| !same(at));
        return Some(Child::File(rest, entries.start..end.unwrap_or(entries.end)));
    };
    let name = &rest[..length];
    let directory = &path[..=skip + length];
    let is_inside = |at| index.path(at).starts_with(directory);
    let guess = count(name)
        .map(|count| entries.start + count)
        .filter(|end| *end > entries.start && *end <= entries.end)
        .filter(|end| is_inside(end - 1) && (*end == entries.end || !is_inside(*end)));
    let end =
        guess.unwrap_or_else(|| index.end_of_directory(entries.start..entries.end, skip + length));
    Some(Child::Directory(name, entries.start..end))
}

fn find(nodes: &[(&[u8], usize)], name: &[u8]) -> Option<usize> {
    let at = nodes.binary_search_by(|(node, _)| (*node).cmp(name)).ok()?;
    Some(nodes[at].1)
}

fn order(line: Option<TreeEntry<'_>>, child: Option<&Child<'_>>) -> Ordering {
    match (line, child) {
        (Some(line), Some(child)) => compare_names(
            line.name,
            line.is_directory(),
            child.name(),
            matches!(child, Child::Directory(..)),
        ),
        (Some(_), None) => Ordering::Less,
        (None, Some(_)) => Ordering::Greater,
        (None, None) => Ordering::Equal,
    }
}
