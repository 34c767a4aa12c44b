//! Which task may start next: order, slots and priorities. Knows no threads and no clock.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::model::plan::Plan;
use crate::model::task::Slot;

/// What a task without a recorded duration is taken to need.
const UNKNOWN: Duration = Duration::from_secs(1);

/// The state of a run's order: who waits, who is ready, which slots are taken.
pub struct Schedule {
    standing: Vec<Standing>,
    dependents: Vec<Vec<usize>>,
    /// For each task, the time from its start to the end of the longest chain that begins with it.
    remaining: Vec<Duration>,
    slots: Vec<Slot>,
    /// The tasks that wait for nothing but their slot, by slot: whether one may start is asked once for all of them.
    ready: BTreeMap<Slot, BTreeSet<Priority>>,
    running: BTreeSet<usize>,
    /// Whether what runs has the machine to itself.
    exclusive_runs: bool,
    free_jobs: usize,
    free_in_pool: BTreeMap<String, usize>,
    unfinished: usize,
}

/// Longer paths first, then the order of the plan.
type Priority = (Reverse<Duration>, usize);

/// How far a task has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Standing {
    /// It waits for so many tasks.
    Waiting(usize),
    Running,
    /// It ended, or will never start.
    Over,
}

impl Schedule {
    /// The start of a run with `jobs` tasks at once. `slots` has one entry per task of the plan.
    pub fn new(plan: &Plan, slots: Vec<Slot>, jobs: usize, pools: &BTreeMap<String, u32>) -> Self {
        let mut schedule = Self {
            standing: plan
                .tasks
                .iter()
                .map(|task| Standing::Waiting(task.needs.len()))
                .collect(),
            dependents: dependents(plan),
            remaining: Vec::new(),
            slots,
            ready: BTreeMap::new(),
            running: BTreeSet::new(),
            exclusive_runs: false,
            free_jobs: jobs.max(1),
            free_in_pool: pools
                .iter()
                .map(|(name, size)| (name.clone(), *size as usize))
                .collect(),
            unfinished: plan.tasks.len(),
        };
        schedule.remaining = remaining(plan, &schedule.dependents);
        for task in 0..plan.tasks.len() {
            schedule.make_ready_if_free(task);
        }
        schedule
    }

    /// Takes the next task to start, if one may start now: of those that are ready and find their slot free, the one with
    /// the longest remaining path. What is less urgent than a waiting exclusive task waits with it, or it would wait until
    /// nothing else is left.
    pub fn start_next(&mut self) -> Option<usize> {
        if self.free_jobs == 0 || self.exclusive_runs {
            return None;
        }
        let first =
            |(slot, tasks): (&Slot, &BTreeSet<Priority>)| Some((*tasks.first()?, slot.clone()));
        let waiting = self
            .ready
            .iter()
            .filter(|(slot, _)| self.is_free(slot) || **slot == Slot::Exclusive);
        let (next, slot) = waiting.filter_map(first).min()?;
        if !self.is_free(&slot) {
            return None;
        }
        if let Some(tasks) = self.ready.get_mut(&slot) {
            tasks.remove(&next);
        }
        let (_, task) = next;
        self.running.insert(task);
        self.standing[task] = Standing::Running;
        self.free_jobs -= 1;
        match slot {
            Slot::Free => {}
            Slot::Pool(pool) => {
                let pool = self.free_in_pool.entry(pool);
                pool.and_modify(|free| *free -= 1);
            }
            Slot::Exclusive => self.exclusive_runs = true,
        }
        Some(task)
    }

    /// Notes that a started task passed.
    pub fn passed(&mut self, task: usize) {
        self.leave(task);
        for dependent in self.dependents[task].clone() {
            if let Standing::Waiting(count) = &mut self.standing[dependent] {
                *count -= 1;
            }
            self.make_ready_if_free(dependent);
        }
    }

    /// Notes that a started task did not pass, and gives every task that can therefore never start, in the plan's order.
    pub fn failed(&mut self, task: usize) -> Vec<usize> {
        self.leave(task);
        let mut lost = BTreeSet::new();
        let mut pending = self.dependents[task].clone();
        while let Some(dependent) = pending.pop() {
            if self.standing[dependent] != Standing::Over {
                self.standing[dependent] = Standing::Over;
                lost.insert(dependent);
                pending.extend(&self.dependents[dependent]);
            }
        }
        self.unfinished -= lost.len();
        lost.into_iter().collect()
    }

    /// Gives up everything that was not started, and gives those tasks in the plan's order.
    pub fn give_up(&mut self) -> Vec<usize> {
        let is_waiting = |task: &usize| matches!(self.standing[*task], Standing::Waiting(_));
        let lost: Vec<usize> = (0..self.standing.len()).filter(is_waiting).collect();
        for task in &lost {
            self.standing[*task] = Standing::Over;
        }
        self.ready.clear();
        self.unfinished = self.running.len();
        lost
    }

    /// Whether every task ended.
    pub fn is_done(&self) -> bool {
        self.unfinished == 0
    }

    fn is_free(&self, slot: &Slot) -> bool {
        match slot {
            Slot::Free => true,
            Slot::Pool(pool) => self.free_in_pool.get(pool).is_none_or(|free| *free > 0),
            Slot::Exclusive => self.running.is_empty(),
        }
    }

    fn make_ready_if_free(&mut self, task: usize) {
        if self.standing[task] == Standing::Waiting(0) {
            let ready = self.ready.entry(self.slots[task].clone()).or_default();
            ready.insert((Reverse(self.remaining[task]), task));
        }
    }

    fn leave(&mut self, task: usize) {
        self.running.remove(&task);
        self.standing[task] = Standing::Over;
        self.free_jobs += 1;
        self.unfinished -= 1;
        match &self.slots[task] {
            Slot::Free => {}
            Slot::Pool(pool) => {
                let pool = self.free_in_pool.entry(pool.clone());
                pool.and_modify(|free| *free += 1);
            }
            Slot::Exclusive => self.exclusive_runs = false,
        }
    }
}

/// For each task, the tasks that need it.
pub fn dependents(plan: &Plan) -> Vec<Vec<usize>> {
    let mut dependents = vec![Vec::new(); plan.tasks.len()];
    for (task, planned) in plan.tasks.iter().enumerate() {
        planned
            .needs
            .iter()
            .for_each(|need| dependents[*need].push(task));
    }
    dependents
}

/// Dependents stand after what they need, so one pass from the end sees each after all of its own.
fn remaining(plan: &Plan, dependents: &[Vec<usize>]) -> Vec<Duration> {
    let mut remaining = vec![Duration::ZERO; plan.tasks.len()];
    for task in (0..plan.tasks.len()).rev() {
        let longest = dependents[task].iter().map(|it| remaining[*it]).max();
        remaining[task] =
            plan.tasks[task].expected.unwrap_or(UNKNOWN) + longest.unwrap_or_default();
    }
    remaining
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::graph::TaskGraph;
    use crate::model::plan;
    use crate::model::workspace::sample::{named, workspace};

    fn plan(lines: &[&str], seconds: &[(&str, u64)]) -> Plan {
        let workspace = workspace(lines);
        let graph = TaskGraph::of_task(&workspace, &named("build"));
        let all = (0..graph.nodes().len()).map(|at| (at, vec![]));
        let none = vec![vec![]; graph.nodes().len()];
        let mut plan = plan::make(&workspace, &graph, all.collect(), &none);
        for task in &mut plan.tasks {
            let known = seconds
                .iter()
                .find(|(name, _)| task.id.service.as_str() == *name);
            task.expected = known.map(|(_, seconds)| Duration::from_secs(*seconds));
        }
        plan
    }

    fn name(plan: &Plan, task: usize) -> &str {
        plan.tasks[task].id.service.as_str()
    }

    /// Runs everything, ending the longest-running first started task at each step, and gives the order of starts.
    fn starts(plan: &Plan, slots: Vec<Slot>, jobs: usize, pools: &[(&str, u32)]) -> Vec<String> {
        let pools = pools
            .iter()
            .map(|(name, size)| ((*name).to_owned(), *size))
            .collect();
        let mut schedule = Schedule::new(plan, slots, jobs, &pools);
        let mut running = std::collections::VecDeque::new();
        let mut order = Vec::new();
        while !schedule.is_done() {
            while let Some(task) = schedule.start_next() {
                order.push(name(plan, task).to_owned());
                running.push_back(task);
            }
            order.push("|".to_owned());
            schedule.passed(running.pop_front().expect("something runs"));
        }
        order
    }

    fn free(plan: &Plan) -> Vec<Slot> {
        vec![Slot::Free; plan.tasks.len()]
    }

    #[test]
    fn the_longest_remaining_path_starts_first() {
        let plan = plan(
            &["a:build", "b:build", "c:build -> b", "d:build"],
            &[("d", 3), ("a", 1)],
        );
        let order = starts(&plan, free(&plan), 2, &[]).join(" ");
        assert_eq!(order, "d b | a | c | |");
    }

    #[test]
    fn a_pool_limits_only_its_own_tasks() {
        let plan = plan(&["a:build", "b:build", "c:build"], &[]);
        let pool = Slot::Pool("db".into());
        let slots = vec![pool.clone(), pool, Slot::Free];
        assert_eq!(
            starts(&plan, slots, 3, &[("db", 1)]).join(" "),
            "a c | b | |"
        );
    }

    #[test]
    fn an_exclusive_task_runs_alone() {
        let plan = plan(&["a:build", "b:build", "c:build"], &[("b", 9)]);
        let slots = vec![Slot::Free, Slot::Exclusive, Slot::Free];
        assert_eq!(starts(&plan, slots, 3, &[]).join(" "), "b | a c | |");
    }

    #[test]
    fn an_urgent_exclusive_task_is_not_overtaken_for_ever() {
        let lines = ["a:build", "b:build", "c:build", "d:build", "e:build"];
        let plan = plan(&lines, &[("a", 9), ("b", 8), ("c", 5), ("d", 2), ("e", 2)]);
        let mut slots = free(&plan);
        slots[2] = Slot::Exclusive;
        assert_eq!(
            starts(&plan, slots, 2, &[]).join(" "),
            "a b | | c | d e | |"
        );
    }

    #[test]
    fn many_tasks_of_a_full_pool_take_no_time() {
        let lines: Vec<String> = (0..20_000).map(|at| format!("s{at}:build")).collect();
        let plan = plan(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
        let slots = vec![Slot::Pool("db".into()); plan.tasks.len()];
        let order = starts(&plan, slots, 8, &[("db", 1)]);
        assert_eq!(order.len(), 40_000);
    }

    #[test]
    fn a_failure_takes_its_dependents_and_no_others() {
        let plan = plan(&["a:build", "b:build -> a", "c:build -> b", "d:build"], &[]);
        let mut schedule = Schedule::new(&plan, free(&plan), 1, &BTreeMap::new());
        let first = schedule.start_next().unwrap();
        assert_eq!(name(&plan, first), "a");
        let lost: Vec<_> = schedule
            .failed(first)
            .iter()
            .map(|it| name(&plan, *it))
            .collect();
        assert_eq!(lost, ["b", "c"]);
        let next = schedule.start_next().unwrap();
        assert_eq!(name(&plan, next), "d");
        schedule.passed(next);
        assert!(schedule.is_done());
    }

    proptest::proptest! {
        #[test]
        fn every_task_ends_exactly_once(
            edges in proptest::collection::vec(proptest::collection::vec(0usize..30, 0..4), 1..30),
            failing in proptest::collection::vec(proptest::bool::weighted(0.3), 30),
            jobs in 1usize..5,
        ) {
            let lines: Vec<String> = edges.iter().enumerate().map(|(at, needs)| {
                let needs: Vec<_> =
                    needs.iter().filter(|it| **it < at).map(|it| format!("s{it:02}")).collect();
                format!("s{at:02}:build -> {}", needs.join(" "))
            }).collect();
            let plan = plan(&lines.iter().map(String::as_str).collect::<Vec<_>>(), &[]);
            let mut schedule = Schedule::new(&plan, free(&plan), jobs, &BTreeMap::new());
            let mut ends = vec![0; plan.tasks.len()];
            let mut has_passed = vec![false; plan.tasks.len()];
            let mut running = std::collections::VecDeque::new();
            while !schedule.is_done() {
                while let Some(task) = schedule.start_next() {
                    assert!(plan.tasks[task].needs.iter().all(|need| has_passed[*need]));
                    running.push_back(task);
                }
                assert!(running.len() <= jobs);
                let task = running.pop_front().expect("something runs until all is done");
                ends[task] += 1;
                if failing[task] {
                    schedule.failed(task).into_iter().for_each(|lost| ends[lost] += 1);
                } else {
                    has_passed[task] = true;
                    schedule.passed(task);
                }
            }
            assert!(running.is_empty() && ends.iter().all(|count| *count == 1), "{ends:?}");
        }
    }

    #[test]
    fn giving_up_leaves_what_runs() {
        let plan = plan(&["a:build", "b:build -> a", "d:build"], &[]);
        let mut schedule = Schedule::new(&plan, free(&plan), 1, &BTreeMap::new());
        let first = schedule.start_next().unwrap();
        assert_eq!(schedule.give_up().len(), 2);
        assert!(schedule.start_next().is_none() && !schedule.is_done());
        assert!(schedule.failed(first).is_empty());
        assert!(schedule.is_done());
    }
}
