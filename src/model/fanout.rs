//! Spreads services over jobs that run at once: which share a job, so that little is done twice and no job takes long.
//!
//! A service brings the tasks that it takes. What two services of one job both take is done once there, so services that
//! take a task together are kept together, as long as that does not make one job the one that all wait for.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::cause::Cause;
use crate::model::ci::System;
use crate::model::handed;
use crate::model::name::{ServiceName, TaskId, TaskName};
use crate::model::path::FilePath;

/// The most jobs that one service may share a job with others are tried for: how much more than its fair share of the work a
/// job may get before what hangs together is parted, in quarters. The last one parts nothing.
const TRIED: [u64; 5] = [4, 5, 6, 8, u64::MAX];

/// So many jobs in the making are looked at for a place beside what a service has in common with others.
const OPEN: usize = 8;

/// So many bytes of causes are handed to all jobs together: outputs of jobs and variables have limits.
const ROOM: usize = 32 << 10;
/// And so many to one.
const MOST: usize = 4 << 10;

/// A task of many services, spread over jobs.
#[derive(Clone, Debug)]
pub struct Fanout {
    pub task: TaskName,
    /// Where the workspace lies in its repository.
    pub scope: FilePath,
    /// Those that take longest first.
    pub legs: Vec<Leg>,
}

/// One job of a [`Fanout`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leg {
    /// In the order of the plan, never empty.
    pub services: Vec<ServiceName>,
    /// The task of each of them, by its full name.
    pub tasks: Vec<TaskId>,
    /// Why each of them is in the plan.
    pub causes: Vec<Vec<Cause>>,
    /// How long it may take, one task after the other, where every task is known or can be guessed by others.
    pub expected: Option<Duration>,
}

impl Leg {
    /// What people call it: the names of its services, as many as a line holds. No two of a fan-out are the same.
    pub fn name(&self) -> String {
        let names: Vec<&str> = self.services.iter().map(ServiceName::as_str).collect();
        match names.as_slice() {
            [] | [_] | [_, _] | [_, _, _] => names.join(", "),
            [first, second, more @ ..] => format!("{first}, {second} and {} more", more.len()),
        }
    }

    /// Its services, as words of a command.
    pub fn words(&self) -> String {
        let names: Vec<&str> = self.services.iter().map(ServiceName::as_str).collect();
        names.join(" ")
    }
}

impl Fanout {
    /// The causes of one job, for [`CAUSES`](crate::model::handed::CAUSES) there.
    pub fn causes(&self, leg: &Leg) -> String {
        handed::write(
            &rows(leg).collect::<Vec<_>>(),
            (ROOM / self.legs.len()).min(MOST),
        )
    }

    /// The causes of all jobs, where each of them gets the same.
    pub fn all_causes(&self) -> String {
        handed::write(&self.legs.iter().flat_map(rows).collect::<Vec<_>>(), ROOM)
    }
}

fn rows(leg: &Leg) -> impl Iterator<Item = (&ServiceName, &[Cause])> {
    leg.services
        .iter()
        .zip(leg.causes.iter().map(Vec::as_slice))
}

/// How many jobs a system takes from one fan-out: what its documentation says, and where that leaves it to settings, what a
/// system with the defaults takes beside the other jobs of a pipeline.
pub fn most_jobs(system: System) -> usize {
    match system {
        System::Buildkite => 500,
        System::CircleCi => 128,
        _ => 256,
    }
}

/// What is to be spread.
#[derive(Clone, Debug, Default)]
pub struct Work {
    /// How long each task takes.
    pub weights: Vec<u64>,
    /// For each service the tasks that it takes, as places in `weights`, each once.
    pub services: Vec<Vec<usize>>,
}

/// One job: services that run together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shard {
    /// Places in [`Work::services`], rising.
    pub services: Vec<usize>,
    /// How long its tasks take, each once.
    pub load: u64,
}

/// Spreads all services over at most `most` jobs, the longest first. No job is empty.
pub fn spread(work: &Work, most: usize) -> Vec<Shard> {
    let most = most.max(1);
    if work.services.len() <= most && !has_common_tasks(work) {
        return sorted((0..work.services.len()).map(|it| shard(work, vec![it])));
    }
    let components = components(work);
    let loads: Vec<u64> = components.iter().map(|it| load(work, it)).collect();
    let fair = loads.iter().sum::<u64>().div_ceil(most as u64);
    let spreads = TRIED.map(|quarters| {
        let limit = fair.saturating_mul(quarters) / 4;
        let parted = components.iter().zip(&loads);
        let units = parted.enumerate().flat_map(|(of, (component, load))| {
            let parts = match *load <= limit {
                true => vec![component.clone()],
                false => part(work, component, limit),
            };
            parts.into_iter().map(move |services| Unit { of, services })
        });
        pack(work, units.collect(), most)
    });
    let cost = |shards: &Vec<Shard>| {
        let loads = shards.iter().map(|it| it.load);
        (loads.clone().max(), loads.sum::<u64>(), shards.len())
    };
    // Of several that are as good, the last one parts the least.
    let best = spreads.into_iter().rev().min_by_key(cost);
    sorted(best.into_iter().flatten())
}

/// One job for each service.
pub fn one_each(work: &Work) -> Vec<Shard> {
    let services = 0..work.services.len();
    services.map(|it| shard(work, vec![it])).collect()
}

/// Services that stay together, and the component that they are of.
struct Unit {
    of: usize,
    services: Vec<usize>,
}

fn shard(work: &Work, services: Vec<usize>) -> Shard {
    let load = load(work, &services);
    Shard { services, load }
}

fn sorted(shards: impl Iterator<Item = Shard>) -> Vec<Shard> {
    let mut shards: Vec<Shard> = shards.collect();
    shards.sort_by(|a, b| b.load.cmp(&a.load).then(a.services.cmp(&b.services)));
    shards
}

/// Tasks that are taken, each counted once.
#[derive(Clone)]
struct Taken {
    is_taken: Vec<bool>,
    load: u64,
}

impl Taken {
    fn nothing(work: &Work) -> Self {
        Self {
            is_taken: vec![false; work.weights.len()],
            load: 0,
        }
    }

    /// How much more there would be with this service.
    fn more(&self, work: &Work, service: usize) -> u64 {
        let tasks = work.services[service].iter();
        let new = tasks.filter(|it| !self.is_taken[**it]);
        new.map(|it| work.weights[*it]).sum()
    }

    fn take(&mut self, work: &Work, service: usize) {
        self.load += self.more(work, service);
        for task in &work.services[service] {
            self.is_taken[*task] = true;
        }
    }
}

fn load(work: &Work, services: &[usize]) -> u64 {
    let mut taken = Taken::nothing(work);
    services.iter().for_each(|it| taken.take(work, *it));
    taken.load
}

fn has_common_tasks(work: &Work) -> bool {
    let mut seen = vec![false; work.weights.len()];
    let mut tasks = work.services.iter().flatten();
    tasks.any(|task| std::mem::replace(&mut seen[*task], true))
}

/// Services that hang together because they take the same tasks, rising.
fn components(work: &Work) -> Vec<Vec<usize>> {
    fn top(parents: &mut [usize], of: usize) -> usize {
        let mut at = of;
        while parents[at] != at {
            parents[at] = parents[parents[at]];
            at = parents[at];
        }
        at
    }
    let mut parents: Vec<usize> = (0..work.services.len()).collect();
    let mut first: Vec<Option<usize>> = vec![None; work.weights.len()];
    for (service, tasks) in work.services.iter().enumerate() {
        for task in tasks {
            let other = *first[*task].get_or_insert(service);
            let (a, b) = (top(&mut parents, other), top(&mut parents, service));
            parents[a.max(b)] = a.min(b);
        }
    }
    let mut components: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for service in 0..work.services.len() {
        let top = top(&mut parents, service);
        components.entry(top).or_default().push(service);
    }
    components.into_values().collect()
}

/// Parts a component that is too large: each service goes to where it brings the least that is new, and where that makes no
/// job too large. A service that is too large by itself sets the measure.
fn part(work: &Work, component: &[usize], limit: u64) -> Vec<Vec<usize>> {
    let alone = component.iter().map(|it| load(work, &[*it]));
    let limit = limit.max(alone.max().unwrap_or_default());
    let mut parts: Vec<(Vec<usize>, Taken)> = Vec::new();
    // Those that take the most first: what they need themselves then costs nothing more.
    let mut order: Vec<usize> = component.to_vec();
    order.sort_by_key(|it| (std::cmp::Reverse(work.services[*it].len()), *it));
    for service in order {
        let open = parts.iter_mut().rev().take(OPEN);
        let fitting = open.filter_map(|part| {
            let more = part.1.more(work, service);
            (part.1.load + more <= limit).then_some((more, part))
        });
        match fitting.min_by_key(|(more, _)| *more) {
            Some((_, part)) => {
                part.0.push(service);
                part.1.take(work, service);
            }
            None => {
                let mut taken = Taken::nothing(work);
                taken.take(work, service);
                parts.push((vec![service], taken));
            }
        }
    }
    parts.into_iter().map(|it| it.0).collect()
}

/// Longest first, each to the job that is then done the soonest.
fn pack(work: &Work, units: Vec<Unit>, most: usize) -> Vec<Shard> {
    let mut units: Vec<(u64, Unit)> = units
        .into_iter()
        .map(|it| (load(work, &it.services), it))
        .collect();
    units.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.services.cmp(&b.1.services)));
    let mut jobs: Vec<(Vec<usize>, Taken)> = Vec::new();
    let mut of_component: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (_, unit) in units {
        if jobs.len() < most {
            jobs.push((Vec::new(), Taken::nothing(work)));
        }
        let idlest = (0..jobs.len()).min_by_key(|it| jobs[*it].1.load);
        let related = of_component.entry(unit.of).or_default();
        let end = |at: usize| {
            let mut taken = jobs[at].1.clone();
            unit.services.iter().for_each(|it| taken.take(work, *it));
            taken.load
        };
        let candidates = related.iter().copied().chain(idlest);
        let Some(at) = candidates.min_by_key(|it| (end(*it), *it)) else {
            continue;
        };
        if !related.contains(&at) {
            related.push(at);
        }
        for service in unit.services {
            jobs[at].1.take(work, service);
            jobs[at].0.push(service);
        }
    }
    let shards = jobs.into_iter().filter(|it| !it.0.is_empty());
    let shards = shards.map(|(mut services, taken)| {
        services.sort_unstable();
        Shard {
            services,
            load: taken.load,
        }
    });
    shards.collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn work(weights: &[u64], services: &[&[usize]]) -> Work {
        Work {
            weights: weights.to_vec(),
            services: services.iter().map(|it| it.to_vec()).collect(),
        }
    }

    fn services(shards: &[Shard]) -> Vec<Vec<usize>> {
        shards.iter().map(|it| it.services.clone()).collect()
    }

    #[test]
    fn what_is_done_twice_costs_twice() {
        let check = |work: &Work, most: usize, expected: &[&[usize]]| {
            assert_eq!(services(&spread(work, most)), expected, "{work:?}");
        };
        check(&work(&[], &[]), 3, &[]);
        let apart = work(&[5, 3, 2], &[&[0], &[1], &[2]]);
        check(&apart, 1, &[&[0, 1, 2]]);
        check(&apart, 2, &[&[0], &[1, 2]]);
        check(&apart, 9, &[&[0], &[1], &[2]]);
        // A build that both need is done once where they are together, and they are not slower for it.
        let pair = work(&[10, 1, 1, 12], &[&[0, 1], &[0, 2], &[3]]);
        check(&pair, 2, &[&[0, 1], &[2]]);
        // Long tests behind a short build are better apart.
        let fan = work(&[1, 10, 10], &[&[0, 1], &[0, 2]]);
        check(&fan, 2, &[&[0], &[1]]);
        // A chain: whoever needs all the others does everything anyway.
        let chain = work(&[4, 4, 4], &[&[0], &[0, 1], &[0, 1, 2]]);
        check(&chain, 3, &[&[0, 1, 2]]);
    }

    /// Services over tasks, many of them in common.
    fn any_work() -> impl Strategy<Value = Work> {
        let weights = proptest::collection::vec(1u64..50, 1..12);
        weights.prop_flat_map(|weights| {
            let tasks = weights.len();
            let service = proptest::collection::btree_set(0..tasks, 1..=tasks.min(4));
            let service = service.prop_map(|it| it.into_iter().collect());
            let services = proptest::collection::vec(service, 0..9);
            services.prop_map(move |services| Work {
                weights: weights.clone(),
                services,
            })
        })
    }

    /// The shortest longest job of units that have nothing in common, by trying all.
    fn shortest(loads: &[u64], jobs: &mut Vec<u64>) -> u64 {
        let Some((load, rest)) = loads.split_first() else {
            return jobs.iter().copied().max().unwrap_or_default();
        };
        let mut best = u64::MAX;
        for at in 0..jobs.len() {
            jobs[at] += load;
            best = best.min(shortest(rest, jobs));
            jobs[at] -= load;
        }
        best
    }

    proptest! {
        #[test]
        fn every_service_is_in_one_job_and_no_job_takes_much_too_long(work in any_work(), most in 1usize..5) {
            let shards = spread(&work, most);
            prop_assert_eq!(&shards, &spread(&work, most), "the same twice");
            prop_assert!(shards.len() <= most);
            let mut all: Vec<usize> = shards.iter().flat_map(|it| it.services.clone()).collect();
            all.sort_unstable();
            prop_assert_eq!(all, (0..work.services.len()).collect::<Vec<_>>());
            for shard in &shards {
                prop_assert!(!shard.services.is_empty());
                prop_assert!(shard.services.is_sorted());
                prop_assert_eq!(shard.load, load(&work, &shard.services));
            }

            // What hangs together stays together, unless it is more than its share.
            let components = components(&work);
            let loads: Vec<u64> = components.iter().map(|it| load(&work, it)).collect();
            let total: u64 = loads.iter().sum();
            let fair = total.div_ceil(most as u64);
            for (component, load) in components.iter().zip(&loads) {
                let of = |shard: &&Shard| component.iter().any(|it| shard.services.contains(it));
                let jobs = shards.iter().filter(of).count();
                prop_assert!(jobs == 1 || *load > fair, "{:?} of {} in {} jobs", component, load, jobs);
            }

            // Within what longest-first promises of the best there is where components stay whole.
            let longest = shards.iter().map(|it| it.load).max().unwrap_or_default();
            let best = shortest(&loads, &mut vec![0; most]);
            let most = most as u64;
            prop_assert!(3 * most * longest <= (4 * most - 1) * best, "{} of {}", longest, best);
        }
    }

    #[test]
    fn thousands_of_services_are_spread_at_once() {
        // Each service builds a library that ten others build, too.
        let services = (0..5000).map(|it| vec![it / 10, 500 + it]).collect();
        let weights = (0..5500).map(|it| 1 + it % 97).collect();
        let work = Work { weights, services };
        let shards = spread(&work, 256);
        assert_eq!(shards.len(), 256);
        let total: u64 = shards.iter().map(|it| it.load).sum();
        assert_eq!(
            total,
            work.weights.iter().sum::<u64>(),
            "nothing is done twice"
        );
        assert!(shards[0].load < total / 256 * 3 / 2);
    }
}
