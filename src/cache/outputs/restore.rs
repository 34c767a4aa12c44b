//! Putting a result in place.

use std::collections::BTreeSet;
use std::io;
use std::path::Path;

use rustix::io::Errno;
use walkdir::WalkDir;

use crate::cache::contents::Contents;
use crate::cache::error::{Error, failed};
use crate::cache::outputs::check::strayed;
use crate::cache::outputs::journal::{Journal, Moving};
use crate::cache::outputs::memory::{Memory, Remembered};
use crate::cache::outputs::place::Place;
use crate::cache::outputs::plan::{Plan, plan};
use crate::cache::outputs::read::identify;
use crate::cache::outputs::sight::{Found, Sight, look};
use crate::cache::outputs::stage::{self, Unprepared};
use crate::cache::outputs::stamp::{Identity, Kind, Stamp, Time};
use crate::cache::outputs::steps::{Moves, Step};
use crate::model::outputs::{Output, OutputTree};
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::pattern::Pattern;

/// What was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Restored {
    /// Nothing had to be.
    InPlace,
    Written {
        /// How many files and links are new.
        files: usize,
    },
}

/// Why nothing was done.
#[derive(Debug)]
pub enum NotRestored {
    /// Something would be replaced or removed that git tracks or a person made.
    InTheWay(FilePath),
    /// A path of the result is not one of the declared outputs, or leads through a link.
    Leaves(FilePath),
    /// Something did not work; what had been done is undone.
    Failed(Error),
    /// Asked to stop.
    Stopped,
}

/// One restore.
pub(crate) struct Restore<'a> {
    pub root: &'a Path,
    pub journal: Journal,
    pub patterns: &'a [Pattern],
    pub tree: &'a OutputTree,
    pub memory: Memory,
    pub moment: Option<Time>,
    pub remember: &'a dyn Fn(&Memory),
}

impl Restore<'_> {
    pub fn run(
        &self,
        contents: &mut dyn Contents,
        may_replace: &dyn Fn(&[FilePath]) -> Vec<bool>,
        is_asked: &dyn Fn() -> bool,
    ) -> Result<Restored, NotRestored> {
        if let Some(path) = strayed(self.tree, self.patterns) {
            return Err(NotRestored::Leaves(path));
        }
        let sight = self.look()?;
        let seen = self.identify(&sight).map_err(NotRestored::Failed)?;
        let plan = plan(self.tree, &sight, &seen, &self.memory);
        expect_free(&plan, &sight, may_replace)?;
        if plan.steps.is_empty() {
            self.remember_new(&plan, &sight);
            return Ok(Restored::InPlace);
        }
        let staging = stage::choose(self.patterns, &sight);
        let result = self.carry_out(&plan, &sight, &staging, contents, is_asked);
        self.journal.clear(self.root, &staging);
        result?;
        let is_file = |it: &Output| !matches!(it, Output::Directory { .. });
        let files = plan.staged.iter().filter(|it| is_file(&it.output)).count();
        Ok(Restored::Written { files })
    }

    fn look(&self) -> Result<Sight, NotRestored> {
        let sight = look(self.root, self.patterns).map_err(NotRestored::Failed)?;
        match &sight.blocked {
            Some(it) if it.stamp.kind() == Kind::Link => Err(NotRestored::Leaves(it.path.clone())),
            Some(it) => Err(NotRestored::InTheWay(it.path.clone())),
            None => Ok(sight),
        }
    }

    /// What each thing in sight is. A file is only read where that may show that it can stay, or was left by a result.
    fn identify(&self, sight: &Sight) -> Result<Vec<Option<Output>>, Error> {
        let has_size = |output: Option<&Output>, found: &Found| matches!(output, Some(Output::File { size, .. }) if *size == found.stamp.size);
        let counts = |it: &&Found| {
            it.stamp.kind() != Kind::File
                || has_size(self.tree.find(it.path.as_bytes()), it)
                || has_size(self.memory.find(&it.path), it)
        };
        let all: Vec<&Found> = sight.found.iter().filter(counts).collect();
        let mut outputs = identify(self.root, &all, &self.memory)?.into_iter();
        let seen = sight.found.iter().map(|it| match counts(&it) {
            true => outputs.next().flatten(),
            false => None,
        });
        Ok(seen.collect())
    }

    fn carry_out(
        &self,
        plan: &Plan,
        sight: &Sight,
        staging: &FilePath,
        contents: &mut dyn Contents,
        is_asked: &dyn Fn() -> bool,
    ) -> Result<(), NotRestored> {
        let directory = self.root.join(staging.as_path());
        let fail = |error: io::Error| NotRestored::Failed(failed("prepare", &directory)(error));
        self.journal.begin(staging).map_err(fail)?;
        let prepared =
            stage::prepare(&directory, plan, contents, is_asked).map_err(|it| match it {
                Unprepared::Failed(error) => NotRestored::Failed(error),
                Unprepared::Stopped => NotRestored::Stopped,
            })?;
        let place = Place::open(self.root).map_err(fail)?;
        let moving = Moving {
            staging: staging.clone(),
            steps: plan.steps.clone(),
            prepared,
            tree: self.tree.clone(),
        };
        self.journal.commit(&moving).map_err(fail)?;
        let moves = moving.moves(&place);
        self.journal
            .carry_out(&moves, &plan.steps)
            .map_err(|it| self.explain(it))?;
        if let Some(path) = self.intruder(plan, sight, &moves) {
            let undone = self.journal.undo(&moves, &plan.steps);
            undone.map_err(|it| self.explain(it))?;
            return Err(NotRestored::InTheWay(path));
        }
        self.remember_new(plan, sight);
        self.journal.finish().map_err(fail)
    }

    /// Somebody who comes first is in the way.
    fn explain(&self, (path, error): (FilePath, io::Error)) -> NotRestored {
        match Errno::from_io_error(&error) {
            Some(Errno::EXIST | Errno::BUSY | Errno::NOTDIR | Errno::LOOP | Errno::ISDIR) => {
                NotRestored::InTheWay(path)
            }
            _ => NotRestored::Failed(failed("replace", &self.root.join(path.as_path()))(error)),
        }
    }

    /// Something that came into a directory, or changed in it, after it was looked at and before it was taken away.
    fn intruder(&self, plan: &Plan, sight: &Sight, moves: &Moves<'_>) -> Option<FilePath> {
        plan.taken.iter().find_map(|(path, slot)| {
            let kept = self.root.join(moves.old_at(*slot).as_path());
            let seen = sight
                .found
                .iter()
                .filter(|it| is_within(it.path.as_bytes(), path.as_bytes()));
            let seen: BTreeSet<(FilePath, Identity)> = seen
                .map(|it| (it.path.clone(), it.stamp.identity()))
                .collect();
            let entries = WalkDir::new(&kept).follow_root_links(false).into_iter();
            entries
                .filter_map(|entry| found_again(&entry.ok()?, &kept, path))
                .find(|it| !seen.contains(it))
                .map(|it| it.0)
        })
    }

    /// Remembers the tree. What did not move was seen as it is; the rest is looked at now.
    fn remember_new(&self, plan: &Plan, sight: &Sight) {
        let Ok(place) = Place::open(self.root) else {
            return;
        };
        let touched: BTreeSet<&FilePath> = plan.steps.iter().map(Step::path).collect();
        let is_touched = |path: &FilePath| {
            !touched.is_empty()
                && ancestors(path.as_bytes()).any(|it| touched.contains(&FilePath::from_bytes(it)))
        };
        let stamp = |path: &FilePath, seen: Option<&Found>| match seen {
            Some(found) if !is_touched(path) => Some(found.stamp),
            _ => place.glance(path).ok().flatten(),
        };
        let entries = self.tree.entries().iter().map(|entry| Remembered {
            is_made: is_touched(&entry.path) || self.memory.find(&entry.path).is_some(),
            entry: entry.clone(),
            stamp: stamp(&entry.path, sight.find(&entry.path)),
        });
        let entries: Vec<Remembered> = entries.collect();
        let mut folders: BTreeSet<FilePath> =
            sight.folders.iter().map(|it| it.path.clone()).collect();
        for entry in self.tree.entries() {
            let above = ancestors(entry.path.as_bytes());
            let above = above.skip(usize::from(!matches!(
                entry.output,
                Output::Directory { .. }
            )));
            let above = above.map(FilePath::from_bytes);
            let new = above.take_while(|it| {
                !it.is_root() && !sight.above.contains_key(it) && !folders.contains(it)
            });
            let new: Vec<FilePath> = new.collect();
            folders.extend(new);
        }
        let folders = folders.into_iter().filter_map(|path| {
            let stamp = stamp(&path, sight.folder(&path))?;
            stamp.is_directory().then_some((path, stamp))
        });
        let folders: Vec<(FilePath, Stamp)> = folders.collect();
        let is_complete = entries.iter().all(|it| it.stamp.is_some());
        let moment = self.moment.filter(|_| is_complete);
        let fresh = Memory::new(self.patterns, moment, entries, folders);
        (self.remember)(&fresh);
    }
}

/// Asks for what may not just be replaced.
fn expect_free(
    plan: &Plan,
    sight: &Sight,
    may_replace: &dyn Fn(&[FilePath]) -> Vec<bool>,
) -> Result<(), NotRestored> {
    let is_taken = |path: &FilePath| {
        let mut above = ancestors(path.as_bytes());
        above.any(|it| plan.taken.contains_key(&FilePath::from_bytes(it)))
    };
    if let Some(path) = sight.hidden.iter().find(|it| is_taken(it)) {
        return Err(NotRestored::InTheWay(path.clone()));
    }
    if plan.unknown.is_empty() {
        return Ok(());
    }
    let mut answers = may_replace(&plan.unknown).into_iter();
    let refused = plan.unknown.iter().find(|_| answers.next() != Some(true));
    match refused {
        Some(path) => Err(NotRestored::InTheWay(path.clone())),
        None => Ok(()),
    }
}

/// What lies in a directory that was moved to `kept`, by the path it had when it was at `path`.
fn found_again(
    entry: &walkdir::DirEntry,
    kept: &Path,
    path: &FilePath,
) -> Option<(FilePath, Identity)> {
    let rest = entry.path().strip_prefix(kept).ok()?;
    let path = path.join(rest.as_os_str().as_encoded_bytes());
    let stamp = Stamp::new(&entry.metadata().ok()?);
    Some((path, stamp.identity()))
}
