//! Which tasks of a plan have a result already, as far as that is known before anything runs.

use std::collections::BTreeMap;

use rayon::prelude::*;

use crate::cache::{Found, Outputs};
use crate::model::digest::Digest;
use crate::model::key::{Key, NeededResult, digest_of_values};
use crate::model::name::TaskName;
use crate::model::plan::{Plan, PlannedTask, Verdict};
use crate::model::task::Task;
use crate::model::workspace::Workspace;
use crate::ops::tasks::cache::Cache;
use crate::ops::tasks::keys::{Keys, Needed, NoKey};
use crate::ops::tasks::missed;
use crate::ops::tasks::results::State;
use crate::record::TaskRecord;

/// What is looked at.
pub struct Lookup<'a> {
    pub workspace: &'a Workspace,
    pub keys: &'a Keys,
    pub cache: &'a Cache,
    pub outputs: &'a Outputs,
    /// By place in the plan: tasks that were asked for, rather than needed by others.
    pub is_selected: &'a [bool],
}

/// What is known of the tasks of a plan before it is carried out, by place.
#[derive(Default)]
pub struct Known {
    pub states: Vec<State>,
    /// The values of tasks that are skipped.
    pub values: Vec<BTreeMap<String, String>>,
}

impl Lookup<'_> {
    /// Gives every task its key, verdict and reason, as far as they are known.
    pub fn decide(&self, plan: &mut Plan) -> Known {
        let mut known = Known::default();
        known.states.resize_with(plan.tasks.len(), State::default);
        known.values.resize_with(plan.tasks.len(), BTreeMap::new);
        for level in levels(plan) {
            let decide = |task: &usize| (*task, self.decide_one(plan, &known.states, *task));
            let decided: Vec<_> = level.par_iter().map(decide).collect();
            for (task, decided) in decided {
                (plan.tasks[task], known.states[task], known.values[task]) = decided;
            }
        }
        known
    }

    /// Decides about a task when all that it needs is decided.
    fn decide_one(
        &self,
        plan: &Plan,
        states: &[State],
        task: usize,
    ) -> (PlannedTask, State, BTreeMap<String, String>) {
        let needed = |at: usize| states[at].needed.clone().unwrap_or(Needed::Later);
        let key = self.keys.key(self.workspace, plan, task, &needed);
        let mut planned = plan.tasks[task].clone();
        let (mut state, mut values) = (State::default(), BTreeMap::new());
        match key {
            Ok(key) => {
                planned.key = Some(key.digest().to_string());
                let is_selected = self.is_selected[task];
                self.judge(&mut planned, &key, is_selected, &mut state, &mut values);
                state.key = Some(Box::new(key));
            }
            Err(NoKey::After(id)) => {
                let task = self.definition(&planned);
                planned.reason = match not_reusable(task, &planned.id.task) {
                    None if self.cache.is_forced() => missed::FORCED.to_owned(),
                    None if self.cache.readable().is_some() => {
                        format!("may be cached after {id}")
                    }
                    None => String::new(),
                    Some(reason) => reason.to_owned(),
                };
            }
            Err(NoKey::Never(reason)) => planned.reason = reason,
        }
        (planned, state, values)
    }

    fn definition(&self, planned: &PlannedTask) -> &Task {
        &self.workspace.service(planned.service).tasks[&planned.id.task]
    }

    /// Decides about a task whose key is known.
    fn judge(
        &self,
        planned: &mut PlannedTask,
        key: &Key,
        is_selected: bool,
        state: &mut State,
        values: &mut BTreeMap<String, String>,
    ) {
        if let Some(reason) = not_reusable(self.definition(planned), &planned.id.task) {
            planned.reason = reason.to_owned();
        } else if self.cache.is_forced() {
            planned.reason = missed::FORCED.to_owned();
        } else if let Some(store) = self.cache.readable() {
            let found = store.find(&key.digest());
            let Some(found) = found.filter(|it| store.is_complete(it)) else {
                let reason = missed::reason(self.cache, planned, key);
                planned.reason = reason.unwrap_or_else(|| missed::NOTHING_EARLIER.to_owned());
                return;
            };
            planned.verdict = Verdict::Cached;
            planned.expected = Some(found.duration);
            state.needed = Some(self.needed_of_found(planned, key, &found));
            state.found = Some(found);
        } else if !is_selected && let Some(last) = self.standing(planned, key) {
            planned.verdict = Verdict::Skip;
            planned.reason = "passed before with the same inputs".into();
            values.clone_from(&last.values);
            state.needed = Some(self.needed_of_record(planned, key, last));
        }
    }

    /// The last result of a task, if it stands for the next one without a cache: it passed with the same key, and what it left
    /// behind is still there.
    fn standing(&self, planned: &PlannedTask, key: &Key) -> Option<&TaskRecord> {
        let history = self.cache.history();
        let last = history.passed(&planned.id)?;
        let is_bad = history
            .last(&planned.id)
            .is_some_and(|it| it.outcome.is_bad());
        if is_bad || last.inputs.as_deref() != Some(key.digest().as_str()) {
            return None;
        }
        let patterns = self
            .definition(planned)
            .outputs
            .as_deref()
            .unwrap_or_default();
        if !patterns.is_empty() {
            let collected = self.outputs.collect(&planned.id, patterns).ok()?;
            let digest = collected.tree.digest();
            if last.outputs.as_deref() != Some(digest.as_str()) {
                return None;
            }
        }
        Some(last)
    }

    fn needed_of_record(&self, planned: &PlannedTask, key: &Key, last: &TaskRecord) -> Needed {
        let values = digest_of_values(&last.values);
        let outputs = last.outputs.as_deref().and_then(Digest::parse);
        Needed::Known(match outputs.filter(|_| self.declares_outputs(planned)) {
            Some(outputs) => NeededResult::Outputs { outputs, values },
            None => NeededResult::Key {
                key: key.digest(),
                values,
            },
        })
    }

    fn needed_of_found(&self, planned: &PlannedTask, key: &Key, found: &Found) -> Needed {
        let values = digest_of_values(&found.values);
        Needed::Known(match self.declares_outputs(planned) {
            true => NeededResult::Outputs {
                outputs: found.outputs_digest.clone(),
                values,
            },
            false => NeededResult::Key {
                key: key.digest(),
                values,
            },
        })
    }

    fn declares_outputs(&self, planned: &PlannedTask) -> bool {
        let outputs = &self.definition(planned).outputs;
        outputs.as_ref().is_some_and(|it| !it.is_empty())
    }
}

/// The tasks of a plan in groups: what a task needs is in earlier ones.
fn levels(plan: &Plan) -> Vec<Vec<usize>> {
    let mut level_of = Vec::with_capacity(plan.tasks.len());
    let mut levels: Vec<Vec<usize>> = Vec::new();
    for (at, task) in plan.tasks.iter().enumerate() {
        let needed = task.needs.iter().map(|it| level_of[*it] + 1);
        let level = needed.max().unwrap_or(0);
        level_of.push(level);
        levels.resize(levels.len().max(level + 1), Vec::new());
        levels[level].push(at);
    }
    levels
}

/// Why results of a task are never taken, if so.
pub fn not_reusable(task: &Task, name: &TaskName) -> Option<&'static str> {
    if task.is_reusable(name) {
        return None;
    }
    Some(match (task.cache, name.as_str()) {
        (Some(_), _) => "cache = false",
        (None, "build") => "not cached: it has no `outputs`",
        (None, _) => "not cached: it has no `cache = true`",
    })
}
