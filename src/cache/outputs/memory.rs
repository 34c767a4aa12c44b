//! What a task left when svc last looked, with the stamps of every file and directory.

use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::cache::outputs::sealed;
use crate::cache::outputs::stamp::{Stamp, Time};
use crate::model::outputs::{Output, OutputEntry, OutputTree};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

/// What is remembered of the outputs of one task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Memory {
    patterns: Vec<String>,
    /// Before anything of it was read. `None`: no stamp is to be trusted.
    moment: Option<Time>,
    /// Sorted by path.
    entries: Vec<Remembered>,
    /// Every directory that had to be listed to see what the patterns match, sorted by path.
    folders: Vec<(FilePath, Stamp)>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Remembered {
    pub entry: OutputEntry,
    /// `None` where it could not be told.
    pub stamp: Option<Stamp>,
    /// Whether the task or a restore made it. What lay there before may be a person's.
    pub is_made: bool,
}

impl Memory {
    pub fn new(
        patterns: &[Pattern],
        moment: Option<Time>,
        entries: Vec<Remembered>,
        folders: Vec<(FilePath, Stamp)>,
    ) -> Self {
        Self {
            patterns: patterns.iter().map(|it| it.as_str().to_owned()).collect(),
            moment,
            entries,
            folders,
        }
    }

    /// The memory at `path`. A missing, damaged or foreign one remembers nothing.
    pub fn read(path: &Path) -> Self {
        let memory: Self = sealed::read(path).unwrap_or_default();
        let is_sorted = memory
            .entries
            .is_sorted_by(|a, b| a.entry.path < b.entry.path);
        if is_sorted { memory } else { Self::default() }
    }

    /// What it remembers, and `tree` besides: for paths of which both know, `tree` is right. No stamp is trusted.
    pub fn with(mut self, tree: &OutputTree) -> Self {
        self.entries
            .retain(|it| tree.find(it.entry.path.as_bytes()).is_none());
        let fresh = tree.entries().iter().map(|entry| Remembered {
            entry: entry.clone(),
            stamp: None,
            is_made: true,
        });
        self.entries.extend(fresh);
        self.entries
            .sort_unstable_by(|a, b| a.entry.path.cmp(&b.entry.path));
        self.moment = None;
        self.folders.clear();
        self
    }

    pub fn entries(&self) -> &[Remembered] {
        &self.entries
    }

    pub fn folders(&self) -> &[(FilePath, Stamp)] {
        &self.folders
    }

    /// The same, with all of it made by the task.
    pub fn made_by_task(mut self) -> Self {
        self.entries.iter_mut().for_each(|it| it.is_made = true);
        self
    }

    /// The same, with everything made by the task that changed at `since` or later.
    pub fn made_since(mut self, since: Option<Time>) -> Self {
        let is_new = |it: &Remembered| Some(it.stamp?.is_from(since?));
        for it in &mut self.entries {
            it.is_made |= is_new(it).unwrap_or(false);
        }
        self
    }

    /// What an earlier result made at `path`.
    pub fn find(&self, path: &FilePath) -> Option<&Output> {
        let made = self.place(path).filter(|it| it.is_made);
        made.map(|it| &it.entry.output)
    }

    /// Whether something was at `path`.
    pub fn knows(&self, path: &FilePath) -> bool {
        self.place(path).is_some()
    }

    /// What surely still lies at `path`, where `stamp` was just seen.
    pub fn known(&self, path: &FilePath, stamp: &Stamp) -> Option<&Output> {
        let remembered = self.place(path)?;
        let is_same = remembered.stamp.as_ref() == Some(stamp) && stamp.is_settled(self.moment);
        is_same.then_some(&remembered.entry.output)
    }

    /// Whether it remembers just `tree` for `patterns`, and all its stamps can be trusted.
    pub fn is_sure_of(&self, patterns: &[Pattern], tree: &OutputTree) -> bool {
        let same_patterns = self
            .patterns
            .iter()
            .map(String::as_str)
            .eq(patterns.iter().map(Pattern::as_str));
        let is_settled = |stamp: &Stamp| stamp.is_settled(self.moment);
        same_patterns
            && self.entries.iter().map(|it| &it.entry).eq(tree.entries())
            && self
                .entries
                .iter()
                .all(|it| it.stamp.as_ref().is_some_and(is_settled))
            && self.folders.iter().all(|it| is_settled(&it.1))
    }

    fn place(&self, path: &FilePath) -> Option<&Remembered> {
        let at = self
            .entries
            .binary_search_by(|it| it.entry.path.cmp(path))
            .ok()?;
        Some(&self.entries[at])
    }
}
