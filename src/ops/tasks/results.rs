//! Earlier results and new ones: what stands for a task before it runs, and what is kept of it afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::cache::{Found, Lock, Outputs};
use crate::engine::{After, Before, Results, Reused};
use crate::git::snapshot::Files;
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::key::{Key, NeededResult, digest_of_values};
use crate::model::name::TaskId;
use crate::model::pattern::Pattern;
use crate::model::plan::{Plan, PlannedTask};
use crate::model::run::{Outcome, TaskResult};
use crate::model::task::Task;
use crate::model::workspace::Workspace;
use crate::ops::tasks::asking::GitLater;
use crate::ops::tasks::cache::Cache;
use crate::ops::tasks::foreign::{self, Ran, written};
use crate::ops::tasks::inputs::now_ns;
use crate::ops::tasks::keys::{Keys, Needed, NoKey};
use crate::ops::tasks::reading::{Reading, Room};

/// How long a log may be, in bytes, for its result to count as at hand.
const SHORT_LOG: u64 = 64 << 10;

/// The results of one run.
pub struct RunResults<'a> {
    pub root: &'a Path,
    pub git: GitLater<'a>,
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
    pub lock: Option<Lock>,
    pub reading: Reading,
    /// When it began.
    from_ns: i128,
}

impl Results for RunResults<'_> {
    fn at_hand(&self, task: usize) -> Option<(Digest, Reused)> {
        let is_short = |found: &Found| found.log.is_none_or(|it| it <= SHORT_LOG);
        let has_outputs = |found: &Found| !found.outputs.entries().is_empty();
        let is_free = self.patterns(task).is_empty();
        let mut state = self.state(task);
        let may = |it: &mut Found| is_free && is_short(it) && !has_outputs(it);
        let found = state.found.take_if(may)?;
        let key = state.key.as_ref()?.digest();
        drop(state);
        let reused = self.reused(&found).ok()?;
        Some((key, reused))
    }

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
            Outcome::Failed => {
                self.drop_contradicted(&state);
                After::default()
            }
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
    /// What a task writes is its own while it runs, whether its result is kept or not; and what it reads stays.
    fn hold(&self, task: usize, tell: &dyn Fn(Event)) {
        let held = self.state(task).lock.take();
        let lock = held.or_else(|| self.lock(task, tell));
        let reading = self.read_needed(task, tell);
        let mut state = self.state(task);
        (state.lock, state.reading) = (lock, reading);
    }

    /// A task that was forced to run and failed shows that a result with the same key cannot be relied on.
    fn drop_contradicted(&self, state: &State) {
        let store = self.cache.writable().filter(|_| self.cache.is_forced());
        if let (Some(store), Some(key)) = (store, &state.key) {
            store.remove(&key.digest());
        }
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

    pub(in crate::ops::tasks) fn definition(&self, task: usize) -> &Task {
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

    pub(in crate::ops::tasks) fn key(&self, task: usize) -> Result<Key, NoKey> {
        let needed = |need: usize| self.state(need).needed.clone().unwrap_or(Needed::Later);
        self.keys.key(self.workspace, &self.plan, task, &needed)
    }

    /// Waits for another `svc` that is at this task in the same working tree.
    pub(in crate::ops::tasks) fn lock(&self, task: usize, tell: &dyn Fn(Event)) -> Option<Lock> {
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

    pub(in crate::ops::tasks) fn note(
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

    pub(in crate::ops::tasks) fn set_needed(&self, task: usize, needed: Needed) {
        self.state(task).needed = Some(needed);
    }
}
