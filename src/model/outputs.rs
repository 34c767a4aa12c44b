//! What a task leaves behind, as a value: each file, link and directory that its output patterns match.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::model::digest::{Digest, Digester};
use crate::model::path::FilePath;

/// The outputs of one result, sorted by path, each path once.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutputTree(Vec<OutputEntry>);

/// One thing that lies at a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct OutputEntry {
    /// Relative to the workspace.
    pub path: FilePath,
    pub output: Output,
}

/// What it is. Modes are the permission bits (0o7777).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Output {
    /// A directory that a pattern matches, empty or not.
    Directory { mode: u32 },
    File {
        mode: u32,
        size: u64,
        content: ContentId,
    },
    Link {
        /// The bytes of the link, never followed.
        target: Vec<u8>,
    },
}

/// The digest of a file's bytes alone (BLAKE3).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ContentId(pub [u8; 32]);

impl ContentId {
    /// The id of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        Self(*blake3::hash(bytes).as_bytes())
    }
}

impl fmt::Display for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from_bytes(self.0).to_hex())
    }
}

impl fmt::Debug for ContentId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl OutputTree {
    /// The tree of these entries.
    pub fn new(mut entries: Vec<OutputEntry>) -> Self {
        entries.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        entries.dedup_by(|a, b| a.path == b.path);
        Self(entries)
    }

    /// All entries, sorted by path.
    pub fn entries(&self) -> &[OutputEntry] {
        &self.0
    }

    /// What lies at `path`.
    pub fn find(&self, path: &[u8]) -> Option<&Output> {
        let place = self
            .0
            .binary_search_by(|entry| entry.path.as_bytes().cmp(path));
        place.ok().map(|at| &self.0[at].output)
    }

    /// How many bytes its files hold.
    pub fn size(&self) -> u64 {
        let files = self.0.iter().map(|entry| match entry.output {
            Output::File { size, .. } => size,
            Output::Directory { .. } | Output::Link { .. } => 0,
        });
        files.sum()
    }

    /// The digest of everything in it: what tasks that need this one see.
    pub fn digest(&self) -> Digest {
        let mut digester = Digester::new("outputs");
        for entry in &self.0 {
            digester.part("path", entry.path.as_bytes());
            match &entry.output {
                Output::Directory { mode } => digester.part("directory", &mode.to_le_bytes()),
                Output::File { mode, content, .. } => digester
                    .part("file", &mode.to_le_bytes())
                    .part("content", &content.0),
                Output::Link { target } => digester.part("link", target),
            };
        }
        digester.finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_differs_in_a_tree_differs_in_its_digest() {
        let file = |path: &str, mode, text: &str| OutputEntry {
            path: path.into(),
            output: Output::File {
                mode,
                size: text.len() as u64,
                content: ContentId::of(text.as_bytes()),
            },
        };
        let link = |path: &str, target: &str| OutputEntry {
            path: path.into(),
            output: Output::Link {
                target: target.into(),
            },
        };
        let directory = |path: &str, mode| OutputEntry {
            path: path.into(),
            output: Output::Directory { mode },
        };
        let trees = [
            vec![],
            vec![file("a", 0o644, "x")],
            vec![file("a", 0o755, "x")],
            vec![file("a", 0o644, "y")],
            vec![file("b", 0o644, "x")],
            vec![link("a", "x")],
            vec![link("a", "y")],
            vec![directory("a", 0o755)],
            vec![directory("a", 0o700)],
            vec![directory("a", 0o755), file("a/b", 0o644, "x")],
        ];
        let digests: std::collections::BTreeSet<Digest> = trees
            .iter()
            .map(|it| OutputTree::new(it.clone()).digest())
            .collect();
        assert_eq!(digests.len(), trees.len());
        let reversed: Vec<_> = trees[9].iter().rev().cloned().collect();
        assert_eq!(OutputTree::new(reversed), OutputTree::new(trees[9].clone()));
    }
}
