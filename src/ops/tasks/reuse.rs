//! Before a task runs: the earlier result that stands for it, put in place, or why there is none.

use std::io::Read;

use crate::cache::{Found, NotRestored, Store};
use crate::engine::{Before, Reused, with_cause};
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::key::Key;
use crate::model::path::FilePath;
use crate::model::plan::Verdict;
use crate::ops::tasks::keys::NoKey;
use crate::ops::tasks::lookup::not_reusable;
use crate::ops::tasks::missed;
use crate::ops::tasks::results::RunResults;

impl RunResults<'_> {
    /// Looks for a result that stands for a task.
    pub(in crate::ops::tasks) fn look(&self, task: usize, tell: &dyn Fn(Event)) -> Before {
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
}

/// A task that runs without a key.
fn unclear(reason: String) -> Before {
    Before {
        missed: Some(reason),
        ..Before::default()
    }
}
