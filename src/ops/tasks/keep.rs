//! After a task ran: what it left behind, whether that may be relied on, and what is kept of it.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use crate::cache::{Collected, Error, Lock, NewResult};
use crate::engine::{After, with_cause};
use crate::model::event::Event;
use crate::model::key::{Key, NeededResult, digest_of_values};
use crate::model::outputs::OutputTree;
use crate::model::path::FilePath;
use crate::model::run::TaskResult;
use crate::ops::tasks::added::Look;
use crate::ops::tasks::keys::Needed;
use crate::ops::tasks::lookup::not_reusable;
use crate::ops::tasks::results::{RunResults, State};

/// What a task left behind.
struct Left {
    tree: OutputTree,
    may_be_kept: bool,
}

impl RunResults<'_> {
    /// Looks at a task that was run and passed.
    pub(in crate::ops::tasks) fn passed(
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
        let left = self.collect(task, state.lock.as_ref(), &warn);
        let may_be_kept = left.as_ref().is_some_and(|it| it.may_be_kept);
        let outputs = left.map(|it| it.tree);
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
            let known = self.by_outputs(task, &outputs, &result.values);
            let unclear = || Needed::Unclear(format!("an input of {id} changed while it ran"));
            self.set_needed(task, known.unwrap_or_else(unclear));
            return After::default();
        }
        let Some(tree) = outputs else {
            let unclear = Needed::Unclear(format!("the outputs of {id} are not known"));
            self.set_needed(task, unclear);
            return After::default();
        };
        let digest = tree.digest();
        self.note(task, &key, Some(&digest), &result.values);
        if may_be_kept {
            self.keep(task, &key, &tree, result, &warn);
        }
        After {
            key: Some(key.digest()),
            outputs: Some(digest),
        }
    }

    /// What the task left behind; none if that cannot be told.
    fn collect(&self, task: usize, lock: Option<&Lock>, warn: &dyn Fn(String)) -> Option<Left> {
        let patterns = self.patterns(task);
        if patterns.is_empty() {
            return Some(Left {
                tree: OutputTree::default(),
                may_be_kept: true,
            });
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
        let stranger = lock.and_then(|lock| self.first_stranger(&collected, lock));
        if let Some(path) = &stranger {
            warn(format!(
                "not cached: {} lies among its outputs, was there before, and git does not ignore it",
                path.display()
            ));
        }
        Some(Left {
            tree: collected.tree,
            may_be_kept: stranger.is_none(),
        })
    }

    /// A file among the outputs that the task did not make, and that may be a person's.
    fn first_stranger(&self, collected: &Collected, lock: &Lock) -> Option<FilePath> {
        let strangers = collected.not_made_since(lock);
        if strangers.is_empty() {
            return None;
        }
        let ignored = self.git.ignores(&strangers);
        let mut strangers = strangers.into_iter().zip(ignored);
        strangers.find(|(_, is_ignored)| !is_ignored).map(|it| it.0)
    }

    /// What happened to the inputs of a task since they were read, in words.
    fn first_change(&self, task: usize, key: &Key) -> Option<String> {
        let inputs = &self.keys.inputs;
        let sections = [&key.inputs, &key.global_inputs].into_iter();
        let sections = sections.chain(key.dependencies.values());
        let sections: Vec<_> = sections.chain(self.keys.source_files(task)).collect();
        let mut each = sections.iter();
        let changed = each.find_map(|it| inputs.first_changed(&self.git, it.files()));
        let files = || sections.iter().flat_map(|it| it.files());
        let changed = changed.or_else(|| self.git.first_changed_submodule(files()));
        if let Some(path) = changed {
            return Some(format!("its input {} changed", path.display()));
        }
        let look = Look {
            root: self.root,
            git: &self.git,
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
}
