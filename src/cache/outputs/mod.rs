//! The outputs of tasks in one working tree: collected, verified, and put in place again as a whole or not at all.
//!
//! `memory`, a directory of the working tree's own git directory, holds what each task left, with stamps (`left`), the locks
//! (`locks`), and what is written down of restores that are under way (`journals`).
//!
//! A restore looks ([`sight`]), decides ([`plan`]), prepares everything beside the outputs ([`stage`]), writes down what it
//! is about to do ([`journal`]), and then only moves ([`steps`]).

mod check;
mod collect;
mod journal;
mod lock;
mod memory;
mod place;
mod plan;
mod read;
mod restore;
mod sealed;
mod sight;
mod stage;
mod stamp;
mod steps;
mod verify;

use std::fs;
use std::io;
use std::path::PathBuf;

pub use crate::cache::outputs::collect::Collected;
pub use crate::cache::outputs::lock::{Lock, room};
pub use crate::cache::outputs::restore::{NotRestored, Restored};

use crate::cache::contents::Contents;
use crate::cache::error::{Error, failed};
use crate::cache::outputs::journal::{Journal, Recovery};
use crate::cache::outputs::memory::Memory;
use crate::cache::outputs::place::Place;
use crate::cache::outputs::stamp::Time;
use crate::model::name::TaskId;
use crate::model::outputs::OutputTree;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

/// The outputs of the tasks of one working tree.
#[derive(Clone, Debug)]
pub struct Outputs {
    root: PathBuf,
    memory: PathBuf,
}

impl Outputs {
    /// The outputs below the workspace `root`, remembered in the directory `memory`, which is made when it is needed.
    pub fn open(root: PathBuf, memory: PathBuf) -> Self {
        Self { root, memory }
    }

    /// Finishes or undoes what a killed svc left: to be called once, at the start of a run. What a living svc works on is
    /// left alone. One line for each thing that was done.
    pub fn recover(&self) -> Vec<String> {
        let stems = Journal::stems(&self.memory.join("journals"));
        let recovered = stems.iter().filter_map(|stem| {
            let (service, task) = stem.split_once('.')?;
            let task = TaskId::parse(&format!("{service}:{task}"))?;
            let lock = Lock::at_once(&self.lock_of(&task))?;
            let recovered = self.recover_task(&task);
            self.journal_of(&task).sweep();
            drop(lock);
            recovered
        });
        recovered.collect()
    }

    /// Lets one svc at a time run or restore `task` in this working tree: to be held from before the look into the cache
    /// until the result is kept. `None` if `is_asked` to give up while it waits; `waiting` is told once when it has to.
    /// Where locks do not work, it goes on without.
    pub fn lock(
        &self,
        task: &TaskId,
        is_asked: &dyn Fn() -> bool,
        waiting: &mut dyn FnMut(),
    ) -> Option<Lock> {
        let mut lock = Lock::wait(&self.lock_of(task), is_asked, waiting)?;
        // The one that held it may have been killed.
        lock.recovered = self.recover_task(task);
        lock.taken = self.moment();
        Some(lock)
    }

    /// Goes on without a lock, where somebody above holds it who waits for us.
    pub fn without_lock(&self) -> Lock {
        let mut lock = Lock::of_nothing();
        lock.taken = self.moment();
        lock
    }

    /// Lets nobody else run or restore `task` in this working tree, but others read what it left: to be held by those who
    /// do, for as long as they do.
    pub fn share(
        &self,
        task: &TaskId,
        is_asked: &dyn Fn() -> bool,
        waiting: &mut dyn FnMut(),
    ) -> Option<Lock> {
        Lock::wait_shared(&self.lock_of(task), is_asked, waiting)
    }

    /// Whether nobody touched what was collected, nor the directories that hold it.
    pub fn lie_still(&self, collected: &Collected) -> bool {
        let place = Place::open(&self.root);
        place.is_ok_and(|it| verify::is_as_remembered(&it, &collected.memory))
    }

    /// What lies on disk that the patterns match, with its contents read. Files that surely did not change since they were
    /// remembered are not read again.
    ///
    /// # Errors
    /// What cannot be read; what changes meanwhile.
    pub fn collect(&self, task: &TaskId, patterns: &[Pattern]) -> Result<Collected, Error> {
        let moment = self.moment();
        let memory = self.memory_of(task);
        collect::collect(&self.root, patterns, &memory, moment)
    }

    /// Remembers that the task left what was collected; what changed after the `lock` was taken as made by it, the rest as
    /// it was known before. Without a lock all of it is. [`Outputs::restore`] does so by itself.
    ///
    /// # Errors
    /// The memory cannot be written. It is never needed: more is read then, and more is asked before files are replaced.
    pub fn remember(
        &self,
        task: &TaskId,
        collected: &Collected,
        lock: Option<&Lock>,
    ) -> Result<(), Error> {
        let memory = collected.memory.clone();
        let memory = match lock {
            Some(lock) => memory.made_since(lock.taken),
            None => memory.made_by_task(),
        };
        self.write_memory(task, &memory)
    }

    /// Whether everything lies there exactly as in `tree`, and nothing more. By stamps where they can be trusted, else by
    /// reading; then the stamps are remembered anew.
    pub fn is_in_place(&self, task: &TaskId, patterns: &[Pattern], tree: &OutputTree) -> bool {
        let memory = self.memory_of(task);
        if verify::is_untouched(&self.root, patterns, tree, &memory) {
            return true;
        }
        let moment = self.moment();
        let found = verify::compare(&self.root, patterns, tree, &memory, moment);
        if let Some(fresh) = &found {
            let _ = self.write_memory(task, fresh);
        }
        found.is_some()
    }

    /// Puts `tree` in place: afterwards it is just what the patterns match; or nothing happened. What lies there already is
    /// not touched.
    ///
    /// Files that would go away or get another content, and that are not known to be left by an earlier result of this
    /// task, are only replaced where `may_replace` says so; it is asked once for all of them, and not if there are none.
    ///
    /// # Errors
    /// Why nothing happened.
    pub fn restore(
        &self,
        task: &TaskId,
        patterns: &[Pattern],
        tree: &OutputTree,
        contents: &mut dyn Contents,
        may_replace: &dyn Fn(&[FilePath]) -> Vec<bool>,
        is_asked: &dyn Fn() -> bool,
    ) -> Result<Restored, NotRestored> {
        let work = restore::Restore {
            root: &self.root,
            journal: self.journal_of(task),
            patterns,
            tree,
            memory: self.memory_of(task),
            moment: self.moment(),
            remember: &|memory| {
                let _ = self.write_memory(task, memory);
            },
        };
        work.run(contents, may_replace, is_asked)
    }

    fn recover_task(&self, task: &TaskId) -> Option<String> {
        let remember = |tree: &OutputTree| {
            let _ = self.write_memory(task, &self.memory_of(task).with(tree));
        };
        let recovery = self.journal_of(task).recover(&self.root, &remember);
        match recovery {
            Ok(Recovery::Nothing) => None,
            Ok(Recovery::Finished) => Some(format!(
                "finished restoring the outputs of {task}, where an earlier svc was killed"
            )),
            Ok(Recovery::Undone) => Some(format!(
                "cleaned up a restore of the outputs of {task}, where an earlier svc was killed"
            )),
            Ok(Recovery::Left(path)) => Some(format!(
                "an earlier svc was killed while it restored the outputs of {task}, and {} changed since: left as it is",
                path.display()
            )),
            Err(error) => Some(format!(
                "an earlier svc was killed while it restored the outputs of {task}, and that cannot be ended: {error}"
            )),
        }
    }

    fn moment(&self) -> Option<Time> {
        stamp::now(&self.memory).or_else(|| {
            fs::create_dir_all(&self.memory).ok()?;
            stamp::now(&self.memory)
        })
    }

    fn memory_of(&self, task: &TaskId) -> Memory {
        Memory::read(&self.left_of(task))
    }

    fn write_memory(&self, task: &TaskId, memory: &Memory) -> Result<(), Error> {
        let path = self.left_of(task);
        sealed::write(&path, memory).map_err(|it: io::Error| failed("write", &path)(it))
    }

    fn left_of(&self, task: &TaskId) -> PathBuf {
        self.memory.join("left").join(stem(task))
    }

    fn lock_of(&self, task: &TaskId) -> PathBuf {
        self.memory.join("locks").join(stem(task))
    }

    fn journal_of(&self, task: &TaskId) -> Journal {
        Journal::new(&self.memory.join("journals"), &stem(task))
    }
}

/// Names of services and tasks hold no `.`, so no two tasks share one.
fn stem(task: &TaskId) -> String {
    format!("{}.{}", task.service, task.task)
}
