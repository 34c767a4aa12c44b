//! `svc ci matrix`: what is affected, spread over jobs that run at once.
//!
//! How long a task takes is known from earlier runs of this worktree. A fresh checkout of CI has none; there the store of
//! results, which pipelines carry from run to run, says how long the last result of the task took. What is in neither
//! takes as long as the median of the others.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::ci::System;
use crate::model::fanout::{Fanout, Leg, Work, most_jobs, one_each, spread};
use crate::model::plan::{Plan, PlannedTask};
use crate::model::workspace::ServiceIndex;
use crate::ops::compare::Comparison;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::tasks;
use crate::ops::tasks::cache::{Cache, CacheUse};

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Request {
    /// The selection, as for a run of the task.
    pub run: tasks::Request,
    /// How many jobs there may be; none: one for each service.
    pub shards: Option<usize>,
    /// The system that is to run them; none: any.
    pub system: Option<System>,
}

/// What came of it.
pub struct Answer<'p> {
    pub comparison: Comparison<'p>,
    pub fanout: Fanout,
    /// How many jobs there would be, where that is more than the system takes.
    pub too_many: Option<usize>,
}

/// Answers the request.
///
/// # Errors
/// See [`tasks::select`].
pub fn matrix<'p>(
    place: &'p Place,
    request: &Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Answer<'p>, Failure> {
    let selected = tasks::select(place, &request.run, tell)?;
    let tasks: Vec<usize> = (0..selected.plan.tasks.len())
        .filter(|it| selected.is_selected[*it])
        .collect();
    let durations = durations(place, request.run.cache, &selected.plan)?;
    let guess = median(&durations);
    let work = work(&selected.plan, &tasks, &durations, guess);
    let limit = request.system.map_or(usize::MAX, most_jobs);
    let wanted = request.shards.unwrap_or(tasks.len()).min(tasks.len());
    let shards = match request.shards {
        None if wanted <= limit => one_each(&work),
        _ => spread(&work, wanted.min(limit)),
    };
    let is_known = guess.is_some();
    let legs = shards.into_iter().map(|shard| {
        let tasks = shard.services.iter().map(|it| tasks[*it]);
        let tasks: Vec<&PlannedTask> = tasks.map(|it| &selected.plan.tasks[it]).collect();
        Leg {
            services: tasks.iter().map(|it| it.id.service.clone()).collect(),
            tasks: tasks.iter().map(|it| it.id.clone()).collect(),
            causes: tasks.iter().map(|it| it.causes.clone()).collect(),
            expected: is_known.then(|| Duration::from_millis(shard.load)),
        }
    });
    let scope = place.repo.as_ref().map(|it| it.scope().clone());
    Ok(Answer {
        fanout: Fanout {
            legs: legs.collect(),
            task: selected.task,
            scope: scope.unwrap_or_default(),
        },
        comparison: selected.comparison,
        too_many: (wanted > limit).then_some(wanted),
    })
}

/// How long each task of the plan took, where that is known.
fn durations(
    place: &Place,
    usage: CacheUse,
    plan: &Plan,
) -> Result<Vec<Option<Duration>>, Failure> {
    let history = place.history();
    let known = plan.tasks.iter().map(|it| history.duration(&it.id));
    let mut known: Vec<Option<Duration>> = known.collect();
    let Some(repo) = &place.repo else {
        return Ok(known);
    };
    let usage = match usage {
        CacheUse::Off => CacheUse::Off,
        _ => CacheUse::Read,
    };
    let identity = place.identity(repo);
    let (cache, _) = Cache::open(&place.env, usage, identity, history)?;
    for (task, duration) in plan.tasks.iter().zip(&mut known) {
        if duration.is_none() {
            *duration = kept(&cache, task);
        }
    }
    Ok(known)
}

/// How long the last result of the task took that is in the store.
fn kept(cache: &Cache, task: &PlannedTask) -> Option<Duration> {
    let store = cache.readable()?;
    let keys = store.earlier(&cache.line(task));
    keys.iter().find_map(|it| Some(store.find(it)?.duration))
}

fn median(durations: &[Option<Duration>]) -> Option<Duration> {
    let mut known: Vec<Duration> = durations.iter().flatten().copied().collect();
    known.sort_unstable();
    known.get(known.len() / 2).copied()
}

/// What the selected `tasks` take: themselves, and what they need of services that are selected, too. What they need of
/// others did not change, and is taken to be in the cache.
fn work(
    plan: &Plan,
    tasks: &[usize],
    durations: &[Option<Duration>],
    guess: Option<Duration>,
) -> Work {
    let selected = tasks.iter().map(|it| (plan.tasks[*it].service, ()));
    let selected: BTreeMap<ServiceIndex, ()> = selected.collect();
    let counts = |task: usize| selected.contains_key(&plan.tasks[task].service);
    let weight = |it: &Option<Duration>| {
        let known = it.or(guess).unwrap_or(Duration::from_millis(1));
        u64::try_from(known.as_millis())
            .unwrap_or(u64::MAX >> 20)
            .max(1)
    };
    let mut seen = vec![usize::MAX; plan.tasks.len()];
    let services = tasks.iter().map(|root| {
        let mut found = Vec::new();
        let mut pending = vec![*root];
        while let Some(task) = pending.pop() {
            if std::mem::replace(&mut seen[task], *root) == *root {
                continue;
            }
            if counts(task) {
                found.push(task);
            }
            pending.extend(&plan.tasks[task].needs);
        }
        found.sort_unstable();
        found
    });
    Work {
        services: services.collect(),
        weights: durations.iter().map(weight).collect(),
    }
}
