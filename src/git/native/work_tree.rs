//! The working tree as a state: what the walk found, laid over the index.

use std::ops::Range;

use crate::git::error::Error;
use crate::git::native::content::Contents;
use crate::git::native::index::Index;
use crate::git::native::scope::Scope;
use crate::git::native::seen::{Found, State, Walked, What};
use crate::git::native::tree::Side;
use crate::git::native::within::Within;
use crate::git::snapshot::{File, Files};
use crate::model::path::FilePath;

/// The working tree, walked once.
pub struct WorkTree<'w> {
    pub scope: &'w Scope,
    pub index: &'w Index,
    /// The entries of the workspace.
    pub entries: Range<usize>,
    pub walked: &'w Walked,
    pub contents: Contents<'w>,
}

/// What a path holds now.
enum Now<'w> {
    Nothing,
    Indexed(Side),
    Found(&'w Found),
}

impl<'w> WorkTree<'w> {
    /// The paths that differ from a base, given what differs between that base and the index, with the base's side.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn changed(&self, staged: Vec<(FilePath, Option<Side>)>) -> Result<Vec<FilePath>, Error> {
        debug_assert!(staged.is_sorted_by(|(left, _), (right, _)| left < right));
        let mut changed = Vec::new();
        let mut doubtful = Vec::new();
        self.add_absent(&staged, &mut changed);
        for found in &self.walked.found {
            if staged_side(&staged, &found.path).is_none() {
                self.add_found(
                    found,
                    self.base_as_indexed(found),
                    &mut changed,
                    &mut doubtful,
                );
            }
        }
        for (path, base) in &staged {
            match (self.now(path), *base) {
                (Now::Found(found), base) => {
                    self.add_found(found, base, &mut changed, &mut doubtful);
                }
                (Now::Nothing, None) => {}
                (Now::Indexed(now), Some(base)) if now == base => {}
                _ => changed.push(path.clone()),
            }
        }
        self.contents
            .identify(doubtful.iter().map(|(found, _)| *found).collect())?;
        for (found, base) in doubtful {
            if found.id.get().copied().flatten() != Some(base.id) {
                changed.push(FilePath::from_bytes(found.path.clone()));
            }
        }
        changed.sort_unstable();
        changed.dedup();
        Ok(changed)
    }

    /// The files that lie `within`.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn files(&self, within: &Within) -> Result<Files, Error> {
        let found = self.walked.found.iter();
        let found: Vec<&Found> = found.filter(|found| within.holds(&found.path)).collect();
        self.contents.identify(found.clone())?;
        let mut files = Files::default();
        let mut found = found.into_iter().peekable();
        for at in within.entries(self.index, &self.scope.workspace) {
            let path = self.path(at);
            while let Some(before) = found.next_if(|found| *found.path <= *path) {
                self.push_found(before, &mut files)?;
            }
            self.push_indexed(at, path, &mut files);
        }
        found.try_for_each(|found| self.push_found(found, &mut files))?;
        Ok(files)
    }

    /// The files that are as the index has them.
    pub fn clean_files(&self) -> Files {
        let mut files = Files::default();
        for (offset, seen) in self.walked.seen.iter().enumerate() {
            if seen.state() == State::Clean {
                let at = self.entries.start + offset;
                self.push_indexed(at, self.path(at), &mut files);
            }
        }
        files
    }

    /// The files that are there and that nobody looked at, as git was told that they do not change.
    pub fn promised(&self) -> Vec<FilePath> {
        let seen = self.walked.seen.iter().enumerate();
        let places = seen.filter(|(_, seen)| seen.state() == State::Clean);
        let places = places.map(|(offset, _)| self.entries.start + offset);
        let promised = places.filter(|at| {
            let entry = self.index.entry(*at);
            entry.is_assumed_valid() || entry.is_skipped()
        });
        promised
            .map(|at| FilePath::from_bytes(self.path(at)))
            .collect()
    }

    /// Files that the index has, the base has the same way, and the working tree has not.
    fn add_absent(&self, staged: &[(FilePath, Option<Side>)], changed: &mut Vec<FilePath>) {
        for (offset, seen) in self.walked.seen.iter().enumerate() {
            let state = seen.state();
            if !matches!(state, State::Absent | State::Replaced) {
                continue;
            }
            let at = self.entries.start + offset;
            let path = self.path(at);
            let is_gone = !self.is_promised(at, state)
                && !self.index.entry(at).is_intent_to_add()
                && staged_side(staged, path).is_none();
            if is_gone {
                changed.push(FilePath::from_bytes(path));
            }
        }
    }

    fn add_found(
        &self,
        found: &'w Found,
        base: Option<Side>,
        changed: &mut Vec<FilePath>,
        doubtful: &mut Vec<(&'w Found, Side)>,
    ) {
        match base {
            None if found.what == What::Other => {}
            Some(base) if found.mode == base.mode => doubtful.push((found, base)),
            _ => changed.push(FilePath::from_bytes(found.path.clone())),
        }
    }

    /// What the base has at a path where it does not differ from the index.
    fn base_as_indexed(&self, found: &Found) -> Option<Side> {
        let entry = self.index.entry(found.entry?);
        (!entry.is_intent_to_add()).then(|| entry.side())
    }

    fn now(&self, path: &FilePath) -> Now<'w> {
        let found = &self.walked.found;
        if let Ok(at) = found.binary_search_by(|found| (*found.path).cmp(path.as_bytes())) {
            return Now::Found(&found[at]);
        }
        let Some(at) = self
            .index
            .find(&self.scope.from_root(path.as_bytes()))
            .next()
        else {
            return Now::Nothing;
        };
        let state = self.walked.seen[at - self.entries.start].state();
        match state == State::Clean || self.is_promised(at, state) {
            true => Now::Indexed(self.index.entry(at).side()),
            false => Now::Nothing,
        }
    }

    /// Whether a file that is not there counts as there.
    fn is_promised(&self, at: usize, state: State) -> bool {
        let entry = self.index.entry(at);
        state == State::Absent && (entry.is_assumed_valid() || entry.is_skipped())
    }

    fn push_indexed(&self, at: usize, path: &[u8], files: &mut Files) {
        let seen = &self.walked.seen[at - self.entries.start];
        let state = seen.state();
        let stamp = match state {
            State::Clean => Some(seen.stamp()),
            _ if self.is_promised(at, state) => None,
            _ => return,
        };
        let Side { mode, id: content } = self.index.entry(at).side();
        files.push(File {
            path,
            mode,
            content,
            stamp,
            is_tracked: true,
        });
    }

    fn push_found(&self, found: &Found, files: &mut Files) -> Result<(), Error> {
        if found.what == What::Unreadable {
            let path = self.scope.absolute(&found.path);
            return Err(Error::File {
                attempt: format!("read {}", path.display()),
                cause: std::io::ErrorKind::PermissionDenied.into(),
            });
        }
        if let Some(content) = found.id.get().copied().flatten() {
            files.push(File {
                path: &found.path,
                mode: found.mode,
                content,
                stamp: found.stat.map(|stat| stat.stamp()),
                is_tracked: found.entry.is_some(),
            });
        }
        Ok(())
    }

    /// The path of an entry, relative to the workspace.
    fn path(&self, at: usize) -> &'w [u8] {
        &self.index.path(at)[self.scope.skip()..]
    }
}

/// What the base has at `path`, if the index differs from it there.
fn staged_side(staged: &[(FilePath, Option<Side>)], path: &[u8]) -> Option<Option<Side>> {
    let at = staged
        .binary_search_by(|(staged, _)| staged.as_bytes().cmp(path))
        .ok()?;
    Some(staged[at].1)
}
