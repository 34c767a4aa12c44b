//! What is known of the earlier results of one task. Nothing is run to find out.

use std::collections::BTreeSet;

use crate::engine::Failing;
use crate::model::difference::Difference;
use crate::model::name::TaskId;
use crate::model::plan::{Plan, Verdict};
use crate::model::standing::Standing;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::ops::tasks::cache::CacheUse;
use crate::ops::tasks::keys::{Needed, NoKey, Partial};
use crate::ops::tasks::lookup::not_reusable;
use crate::ops::tasks::prepare::Reuse;
use crate::ops::tasks::tools::Asking;
use crate::ops::tasks::{Request, missed, prepare};

/// Whether an earlier result stands for the task `id`, and what it lacks if not. None where that cannot be told, as without a
/// repository.
///
/// # Errors
/// See [`prepare`].
pub fn explain(
    place: &Place,
    compare: &CompareRequest,
    id: &TaskId,
    tell: &mut dyn FnMut(&str),
) -> Result<Option<Standing>, Failure> {
    let request = Request {
        task: id.task.to_string(),
        also: Vec::new(),
        with_failed: true,
        hook: None,
        compare: compare.clone(),
        select: SelectRequest {
            names: vec![id.to_string()],
            ..SelectRequest::default()
        },
        arguments: Vec::new(),
        jobs: None,
        failing: Failing::KeepsGoing,
        cache: CacheUse::Read,
        asking: Asking::OnlyRemembered,
    };
    let prepared = prepare(place, request, tell)?;
    let plan = &prepared.plan;
    let Some(at) = plan.tasks.iter().position(|it| it.id == *id) else {
        return Ok(None);
    };
    let (planned, Some(reuse)) = (&plan.tasks[at], &prepared.reuse) else {
        return Ok(None);
    };
    let mut standing = Standing {
        verdict: planned.verdict,
        key: planned.key.clone(),
        reason: planned.reason.clone(),
        nearest: None,
        later: Vec::new(),
        unasked: Vec::new(),
    };
    let workspace = &prepared.comparison.workspace;
    let definition = &workspace.service(planned.service).tasks[&id.task];
    if planned.verdict == Verdict::Cached || not_reusable(definition, &id.task).is_some() {
        return Ok(Some(standing));
    }
    let seen = Seen {
        workspace,
        plan,
        reuse,
    };
    if let Ok(partial) = seen.partial(at) {
        let nearest = missed::nearest(&reuse.cache, planned, &partial.key);
        let is_open = |it: &Difference| match it {
            Difference::Need { task, .. } => partial.later.contains(task),
            Difference::Tool { command, .. } => partial.unasked.contains(command),
            _ => false,
        };
        standing.nearest = nearest.map(|mut nearest| {
            nearest.differences.retain(|it| !is_open(it));
            (nearest.key.to_string(), nearest.differences)
        });
        seen.note_open(at, &mut standing);
    }
    Ok(Some(standing))
}

/// A plan that was looked at and is not carried out.
struct Seen<'a> {
    workspace: &'a Workspace,
    plan: &'a Plan,
    reuse: &'a Reuse,
}

impl Seen<'_> {
    fn partial(&self, task: usize) -> Result<Partial, NoKey> {
        let states = &self.reuse.states;
        let needed = |need: usize| states[need].needed.clone().unwrap_or(Needed::Later);
        let keys = &self.reuse.keys;
        keys.partial(self.workspace, self.plan, task, &needed)
    }

    /// Why the key of a task is not known: needed tasks that have to run first, and tools, also those of what it needs, that
    /// were not asked.
    fn note_open(&self, task: usize, standing: &mut Standing) {
        let mut pending = vec![task];
        let mut seen = BTreeSet::new();
        while let Some(at) = pending.pop() {
            let Ok(partial) = self.partial(at) else {
                continue;
            };
            let knows_all = partial.later.is_empty() && partial.unasked.is_empty();
            if at != task && knows_all {
                standing.later.push(self.plan.tasks[at].id.clone());
            }
            standing.unasked.extend(partial.unasked);
            let open = self.plan.tasks[at].needs.iter();
            let open = open.filter(|it| self.reuse.states[**it].needed.is_none());
            pending.extend(open.filter(|it| seen.insert(**it)));
        }
        standing.later.sort_unstable();
        standing.unasked.sort_unstable();
        standing.unasked.dedup();
    }
}
