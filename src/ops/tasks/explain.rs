//! What is known of the earlier results of one task. Nothing is run to find out.

use std::collections::BTreeSet;

use crate::engine::Failing;
use crate::model::difference::Difference;
use crate::model::name::TaskId;
use crate::model::plan::Verdict;
use crate::model::standing::Standing;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::ops::tasks::cache::CacheUse;
use crate::ops::tasks::keys::Needed;
use crate::ops::tasks::lookup::not_reusable;
use crate::ops::tasks::prepare::{Prepared, Reuse};
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
    let prepared = prepare(place, request(compare, id), tell)?;
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
    compare_keys(&prepared, reuse, at, &mut standing);
    Ok(Some(standing))
}

/// The run whose first steps tell what is known.
fn request(compare: &CompareRequest, id: &TaskId) -> Request {
    Request {
        task: id.task.to_string(),
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
    }
}

/// Fills in what differs from the nearest earlier result, and what of the key is not known.
fn compare_keys(prepared: &Prepared<'_>, reuse: &Reuse, at: usize, standing: &mut Standing) {
    let (plan, workspace) = (&prepared.plan, &prepared.comparison.workspace);
    let needed = |need: usize| reuse.states[need].needed.clone().unwrap_or(Needed::Later);
    let Ok(partial) = reuse.keys.partial(workspace, plan, at, &needed) else {
        return;
    };
    let nearest = missed::nearest(&reuse.cache, &plan.tasks[at], &partial.key);
    let is_open = |it: &Difference| match it {
        Difference::Need { task, .. } => partial.later.contains(task),
        Difference::Tool { command, .. } => partial.unasked.contains(command),
        _ => false,
    };
    standing.nearest = nearest.map(|mut nearest| {
        nearest.differences.retain(|it| !is_open(it));
        (nearest.key.to_string(), nearest.differences)
    });
    let open = open(prepared, reuse, at);
    (standing.later, standing.unasked) = match !open.has_to_run && !open.unasked.is_empty() {
        true => (Vec::new(), open.unasked.into_iter().collect()),
        false => (partial.later, partial.unasked),
    };
}

/// Why the key of a task is not known, through all that it needs.
#[derive(Default)]
struct Open {
    /// One of them has to run, whatever the tools print.
    has_to_run: bool,
    unasked: BTreeSet<String>,
}

fn open(prepared: &Prepared<'_>, reuse: &Reuse, at: usize) -> Open {
    let (plan, workspace) = (&prepared.plan, &prepared.comparison.workspace);
    let needed = |need: usize| reuse.states[need].needed.clone().unwrap_or(Needed::Later);
    let (mut found, mut seen, mut waiting) = (Open::default(), BTreeSet::new(), vec![at]);
    while let Some(task) = waiting.pop() {
        let Ok(partial) = reuse.keys.partial(workspace, plan, task, &needed) else {
            found.has_to_run = true;
            continue;
        };
        found.has_to_run |= task != at && partial.later.is_empty() && partial.unasked.is_empty();
        found.unasked.extend(partial.unasked);
        let needs = plan.tasks[task].needs.iter().copied();
        let later = needs.filter(|it| partial.later.contains(&plan.tasks[*it].id));
        waiting.extend(later.filter(|it| seen.insert(*it)));
    }
    found
}
