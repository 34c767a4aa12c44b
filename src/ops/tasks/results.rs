//! Earlier results and new ones: what stands for a task before it runs, and what is kept of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::cache::{Error, Found, Lock, NewResult, NotRestored, Outputs, Store};
use crate::engine::{After, Before, Results, Reused, with_cause};
use crate::git::snapshot::Files;
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::key::{Key, NeededResult, digest_of_values};
use crate::model::name::TaskId;
use crate::model::outputs::OutputTree;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::plan::{Plan, PlannedTask, Verdict};
use crate::model::run::{Outcome, TaskResult};
use crate::model::task::Task;
use crate::model::workspace::Workspace;
use crate::ops::tasks::added::Look;
use crate::ops::tasks::cache::Cache;
use crate::ops::tasks::foreign::{self, Ran, written};
use crate::ops::tasks::ignored::Ignores;
use crate::ops::tasks::inputs::now_ns;
use crate::ops::tasks::keys::{Keys, Needed, NoKey};
use crate::ops::tasks::lookup::not_reusable;
use crate::ops::tasks::missed;
use crate::ops::tasks::reading::{Reading, Room};

/// The results of one run.
pub struct RunResults<'a> {
    pub root: &'a Path,
    pub ignores: Ignores<'a>,
    pub workspace: &'a Workspace,
    pub plan: Arc<Plan>,
    pub keys: &'a Keys,
    pub cache: &'a Cache,
    pub outputs: &'a Outputs,
    pub tracked: &'a Files,
    pub ran: Mutex<Vec<Ran>>,
    /// Whether the logs of this run are kept: without its log, no result is whole.
    pub has_logs: bool,
    /// Whether it was said that the outputs of a task are not remembered.
    pub is_forgetting: AtomicBool,
    pub is_asked: &'a (dyn Fn() -> bool + Sync),
    /// Tasks that the `svc` holds which runs the task that this `svc` is a part of: it would wait for them for ever.
    pub above: BTreeSet<TaskId>,
    pub room: Room,
    /// The first build that ran again though nothing differs, only because it declares no outputs.
    pub needless: OnceLock<TaskId>,
    /// By place in the plan.
    pub state: Vec<Mutex<State>>,
}

/// What is known of a task of this run.
#[derive(Default)]
pub struct State {
    pub needed: Option<Needed>,
    /// Its key, as soon as it is known.
    pub key: Option<Box<Key>>,
    /// The result that was found before the run.
    pub found: Option<Found>,
    /// Held while the task runs and its result is kept.
    lock: Option<Lock>,
    reading: Reading,
    /// When it began.
    from_ns: i128,
}

impl Results for RunResults<'_> {
    fn before(&self, task: usize, tell: &dyn Fn(Event)) -> Before {
        let before = self.look(task, tell);
        if before.reused.is_none() {
            self.hold(task, tell);
        }
        self.state(task).from_ns = now_ns();
        before
    }

    fn after(&self, task: usize, result: &TaskResult, tell: &dyn Fn(Event)) -> After {
        let mut state = std::mem::take(&mut *self.state(task));
        self.note_ran(task, state.from_ns);
        let after = match result.outcome {
            Outcome::Passed => self.passed(task, &mut state, result, tell),
            _ => After::default(),
        };
        drop(state);
        after
    }

    fn over(&self, duration: Duration, emit: &mut dyn FnMut(&Event)) {
        let ran = std::mem::take(&mut *self.ran.lock().unwrap_or_else(PoisonError::into_inner));
        let written = written(self.root, self.workspace, self.tracked, &ran, duration);
        if let Some(message) = foreign::in_words(&written) {
            emit(&Event::Warned { message });
        }
        if let Some(id) = self.needless.get() {
            let message = format!(
                "{id} runs every time, as it has no `outputs`; list there what it leaves behind, or set `outputs = []` if that is nothing"
            );
            emit(&Event::Advised { message });
        }
        let Some(store) = self.cache.store() else {
            return;
        };
        if self.cache.writable().is_some() {
            store.prune_if_due(self.cache.limit());
        }
        for message in store.troubles() {
            emit(&Event::Noted { message });
        }
    }
}

impl RunResults<'_> {
    /// Looks for a result that stands for a task.
    fn look(&self, task: usize, tell: &dyn Fn(Event)) -> Before {
        let id = &self.planned(task).id;
        let known = self.state(task).key.take();
        let key = match known.map_or_else(|| self.key(task), |key| Ok(*key)) {
            Ok(key) => key,
            Err(NoKey::After(other)) => {
                // What it needs is done, so this cannot be; were it so, the task just runs.
                return unclear(format!("what {other} did is not known"));
            }
            Err(NoKey::Never(reason)) => return unclear(reason),
        };
        let digest = key.digest();
        let mut before = Before {
            key: Some(digest.clone()),
            ..Before::default()
        };
        if let Some(reason) = not_reusable(self.definition(task), &id.task) {
            let has_run = self.cache.history().last(id).is_some();
            before.missed = has_run.then(|| reason.to_owned());
            self.note_needless(task, &digest);
            self.state(task).key = Some(Box::new(key));
            return before;
        }
        if let Some(found) = self.in_place(task)
            && let Ok(reused) = self.reused(&found)
        {
            self.note(task, &key, Some(&found.outputs_digest), &found.values);
            before.reused = Some(reused);
            return before;
        }
        let lock = self.lock(task, tell);
        match self.reuse(task, &digest, tell) {
            Ok(Some((found, reused))) => {
                self.note(task, &key, Some(&found.outputs_digest), &found.values);
                before.reused = Some(reused);
                return before;
            }
            Ok(None) => before.missed = self.missed(task, &key),
            Err(reason) => before.missed = Some(reason),
        }
        let mut state = self.state(task);
        state.lock = lock;
        state.key = Some(Box::new(key));
        before
    }

    /// What a task writes is its own while it runs, whether its result is kept or not; and what it reads stays.
    fn hold(&self, task: usize, tell: &dyn Fn(Event)) {
        let held = self.state(task).lock.take();
        let lock = held.or_else(|| self.lock(task, tell));
        let reading = self.read_needed(task, tell);
        let mut state = self.state(task);
        (state.lock, state.reading) = (lock, reading);
    }

    fn note_ran(&self, task: usize, from_ns: i128) {
        let planned = self.planned(task);
        let ran = Ran {
            id: planned.id.clone(),
            service: planned.service,
            from_ns,
            to_ns: now_ns(),
        };
        let mut all = self.ran.lock().unwrap_or_else(PoisonError::into_inner);
        all.push(ran);
    }

    pub(in crate::ops::tasks) fn planned(&self, task: usize) -> &PlannedTask {
        &self.plan.tasks[task]
    }

    fn definition(&self, task: usize) -> &Task {
        let planned = self.planned(task);
        &self.workspace.service(planned.service).tasks[&planned.id.task]
    }

    pub(in crate::ops::tasks) fn patterns(&self, task: usize) -> &[Pattern] {
        self.definition(task).outputs.as_deref().unwrap_or_default()
    }

    pub(in crate::ops::tasks) fn state(&self, task: usize) -> MutexGuard<'_, State> {
        let state = self.state[task].lock();
        state.unwrap_or_else(PoisonError::into_inner)
    }

    fn key(&self, task: usize) -> Result<Key, NoKey> {
        let needed = |need: usize| self.state(need).needed.clone().unwrap_or(Needed::Later);
        self.keys.key(self.workspace, &self.plan, task, &needed)
    }

    fn missed(&self, task: usize, key: &Key) -> Option<String> {
        let planned = self.planned(task);
        match planned.key.is_some() && planned.verdict == Verdict::Run {
            true => Some(planned.reason.clone()).filter(|it| it != missed::NOTHING_EARLIER),
            false => missed::reason(self.cache, planned, key),
        }
    }

    fn note_needless(&self, task: usize, key: &Digest) {
        let id = &self.planned(task).id;
        let lacks_outputs = id.task.as_str() == "build" && self.definition(task).cache.is_none();
        let last = self.cache.history().passed(id);
        let is_same = last.is_some_and(|it| it.inputs.as_deref() == Some(key.as_str()));
        if lacks_outputs && is_same {
            self.needless.get_or_init(|| id.clone());
        }
    }

    /// Waits for another `svc` that is at this task in the same working tree.
    fn lock(&self, task: usize, tell: &dyn Fn(Event)) -> Option<Lock> {
        if self.patterns(task).is_empty() {
            return None;
        }
        let id = &self.planned(task).id;
        if self.above.contains(id) {
            return Some(self.outputs.without_lock());
        }
        let mut waiting = || {
            let message = format!("{id} waits for another svc that is at it");
            tell(Event::Warned { message });
        };
        let mut lock = self.outputs.lock(id, self.is_asked, &mut waiting);
        if let Some(message) = lock.as_mut().and_then(|it| it.recovered.take()) {
            tell(Event::Noted { message });
        }
        lock
    }

    /// The result that was found for a task before the run, if its outputs lie in place: then nobody has to be waited for.
    fn in_place(&self, task: usize) -> Option<Found> {
        let found = self.state(task).found.take()?;
        let patterns = self.patterns(task);
        let id = &self.planned(task).id;
        let lies = patterns.is_empty() && found.outputs.entries().is_empty()
            || self.outputs.is_in_place(id, patterns, &found.outputs);
        lies.then_some(found)
    }

    /// The result that stands for a task, its outputs put in place.
    ///
    /// # Errors
    /// Why a result that is there cannot be taken.
    fn reuse(
        &self,
        task: usize,
        key: &Digest,
        tell: &dyn Fn(Event),
    ) -> Result<Option<(Found, Reused)>, String> {
        let Some(store) = self.cache.readable() else {
            return Ok(None);
        };
        let Some(found) = store.find(key) else {
            return Ok(None);
        };
        let reused = self.reused(&found)?;
        if let Err(not) = self.restore(task, store, &found) {
            return Err(self.explain(task, not, tell));
        }
        Ok(Some((found, reused)))
    }

    /// # Errors
    /// The log is damaged, so the result is not whole.
    fn reused(&self, found: &Found) -> Result<Reused, String> {
        let log = match (found.log, self.cache.readable()) {
            (Some(_), Some(store)) => match store.log(found) {
                Some(log) => Some(Box::new(log) as Box<dyn Read>),
                None => return Err("its earlier result is damaged".to_owned()),
            },
            _ => None,
        };
        Ok(Reused {
            values: found.values.clone(),
            log,
            took: found.duration,
            outputs: found.outputs_digest.clone(),
        })
    }

    fn restore(&self, task: usize, store: &Store, found: &Found) -> Result<(), NotRestored> {
        if self.patterns(task).is_empty() && found.outputs.entries().is_empty() {
            return Ok(());
        }
        let id = &self.planned(task).id;
        let may_replace = |paths: &[FilePath]| self.ignores.of(paths);
        let mut contents = store.contents(found);
        let restored = self.outputs.restore(
            id,
            self.patterns(task),
            &found.outputs,
            &mut contents,
            &may_replace,
            self.is_asked,
        );
        restored.map(drop)
    }

    /// What is said of a result that cannot be put in place.
    fn explain(&self, task: usize, not: NotRestored, tell: &dyn Fn(Event)) -> String {
        let id = &self.planned(task).id;
        match not {
            NotRestored::InTheWay(path) => {
                let path = path.display();
                let message = format!(
                    "{id}: the cached result is not used, as {path} is in its way; git does not ignore it and svc did not make it"
                );
                tell(Event::Warned { message });
                format!("{path} is in the way of the earlier result")
            }
            NotRestored::Leaves(path) => {
                format!("the earlier result leaves its place at {}", path.display())
            }
            NotRestored::Failed(error) => {
                format!(
                    "the earlier result cannot be put in place: {}",
                    with_cause(&error)
                )
            }
            NotRestored::Stopped => "stopped".to_owned(),
        }
    }

    /// Looks at a task that was run and passed.
    fn passed(
        &self,
        task: usize,
        state: &mut State,
        result: &TaskResult,
        tell: &dyn Fn(Event),
    ) -> After {
        let id = &self.planned(task).id;
        let warn = |message: String| {
            let message = format!("{id}: {message}");
            tell(Event::Warned { message });
        };
        let outputs = self.collect(task, state.lock.as_ref(), &warn);
        let Some(key) = state.key.take() else {
            self.set_needed(task, self.without_key(task, &outputs, result));
            return After::default();
        };
        let changed = self.first_change(task, &key);
        let unsteady = || {
            let need = self.first_unsteady(&state.reading)?;
            Some(format!("what {need} left changed"))
        };
        if let Some(change) = changed.or_else(unsteady) {
            warn(format!("not cached: {change} while it ran"));
            let unclear = format!("an input of {id} changed while it ran");
            let needed = match self.by_outputs(task, &outputs, &result.values) {
                Some(known) => known,
                None => Needed::Unclear(unclear),
            };
            self.set_needed(task, needed);
            return After::default();
        }
        let tree = match outputs {
            Some(tree) => tree,
            None => {
                self.set_needed(
                    task,
                    Needed::Unclear(format!("the outputs of {id} are not known")),
                );
                return After::default();
            }
        };
        let digest = tree.digest();
        self.note(task, &key, Some(&digest), &result.values);
        self.keep(task, &key, &tree, result, &warn);
        After {
            key: Some(key.digest()),
            outputs: Some(digest),
        }
    }

    /// What the task left behind; none if that cannot be told.
    fn collect(
        &self,
        task: usize,
        lock: Option<&Lock>,
        warn: &dyn Fn(String),
    ) -> Option<OutputTree> {
        let patterns = self.patterns(task);
        if patterns.is_empty() {
            return Some(OutputTree::default());
        }
        let planned = self.planned(task);
        let collected = match self.outputs.collect(&planned.id, patterns) {
            Ok(collected) => collected,
            Err(error) => {
                warn(format!("not cached: {}", with_cause(&error)));
                return None;
            }
        };
        if let Some((path, what)) = collected.refused {
            warn(format!(
                "not cached: its output {} is {what}",
                path.display()
            ));
            return None;
        }
        for unmatched in &collected.unmatched {
            let pattern = &self.patterns(task)[*unmatched];
            warn(format!("its output `{}` matches nothing", pattern.as_str()));
        }
        if collected.tree.entries().is_empty() {
            warn("not cached: none of its outputs are there".to_owned());
            return None;
        }
        if let Err(error) = self.outputs.remember(&planned.id, &collected, lock)
            && !self.is_forgetting.swap(true, Ordering::Relaxed)
        {
            warn(format!(
                "its outputs, and maybe those of others, are not remembered: {}",
                with_cause(&error)
            ));
        }
        Some(collected.tree)
    }

    /// What happened to the inputs of a task since they were read, in words.
    fn first_change(&self, task: usize, key: &Key) -> Option<String> {
        let inputs = &self.keys.inputs;
        let all = [&key.inputs, &key.global_inputs].into_iter();
        let mut all = all.chain(key.dependencies.values());
        let changed = all.find_map(|it| inputs.first_changed(self.root, it.files()));
        let files = [&key.inputs, &key.global_inputs].into_iter();
        let files = files.chain(key.dependencies.values());
        let files = files.flat_map(|it| it.files());
        let changed = changed
            .cloned()
            .or_else(|| self.ignores.first_changed(files));
        if let Some(path) = changed {
            return Some(format!("its input {} changed", path.display()));
        }
        let look = Look {
            root: self.root,
            ignores: &self.ignores,
            workspace: self.workspace,
            inputs,
        };
        let readers = self.keys.readers(self.workspace, task);
        let mut added = readers.iter().map(|it| look.first_added(it));
        let added = added.find_map(|it| it).or_else(|| look.first_global())?;
        Some(format!("its input {} was added", added.display()))
    }

    fn keep(
        &self,
        task: usize,
        key: &Key,
        outputs: &OutputTree,
        result: &TaskResult,
        warn: &dyn Fn(String),
    ) {
        let planned = self.planned(task);
        let is_kept = not_reusable(self.definition(task), &planned.id.task).is_none();
        let Some(store) = self.cache.writable().filter(|_| is_kept && self.has_logs) else {
            return;
        };
        let new = NewResult {
            key,
            task_line: &self.cache.line(planned),
            outputs,
            values: &result.values,
            duration: result.duration,
            log: result.log.as_deref(),
        };
        match store.keep(self.root, &new) {
            Ok(_) => {}
            Err(error @ Error::Unsteady(_)) => warn(format!("not cached: {error}")),
            Err(error) => self.cache.warn_once(&with_cause(&error), warn),
        }
    }

    fn note(
        &self,
        task: usize,
        key: &Key,
        outputs: Option<&Digest>,
        values: &BTreeMap<String, String>,
    ) {
        let values = digest_of_values(values);
        let result = match outputs.filter(|_| !self.patterns(task).is_empty()) {
            Some(outputs) => NeededResult::Outputs {
                outputs: outputs.clone(),
                values,
            },
            None => NeededResult::Key {
                key: key.digest(),
                values,
            },
        };
        self.set_needed(task, Needed::Known(result));
    }

    fn by_outputs(
        &self,
        task: usize,
        outputs: &Option<OutputTree>,
        values: &BTreeMap<String, String>,
    ) -> Option<Needed> {
        let tree = outputs
            .as_ref()
            .filter(|_| !self.patterns(task).is_empty())?;
        Some(Needed::Known(NeededResult::Outputs {
            outputs: tree.digest(),
            values: digest_of_values(values),
        }))
    }

    fn without_key(
        &self,
        task: usize,
        outputs: &Option<OutputTree>,
        result: &TaskResult,
    ) -> Needed {
        let id = &self.planned(task).id;
        let known = self.by_outputs(task, outputs, &result.values);
        known.unwrap_or_else(|| Needed::Unclear(format!("what {id} was made from is not known")))
    }

    fn set_needed(&self, task: usize, needed: Needed) {
        self.state(task).needed = Some(needed);
    }
}

/// A task that runs without a key.
fn unclear(reason: String) -> Before {
    Before {
        missed: Some(reason),
        ..Before::default()
    }
}
