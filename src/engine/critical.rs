//! The critical path of a run: the chain of tasks that decided how long it took.

use crate::model::plan::Plan;
use crate::model::run::TaskResult;

/// The chain of needed tasks with the longest time in all, first to last. Empty where nothing took any time.
pub fn critical_path(plan: &Plan, results: &[TaskResult]) -> Vec<usize> {
    let mut times = Vec::with_capacity(plan.tasks.len());
    for (task, planned) in plan.tasks.iter().enumerate() {
        let before = planned.needs.iter().map(|need| times[*need]).max();
        times.push(results[task].duration + before.unwrap_or_default());
    }
    let longest = |tasks: &mut dyn Iterator<Item = usize>| {
        tasks
            .filter(|it| !results[*it].duration.is_zero())
            .max_by_key(|it| times[*it])
    };
    let mut path = Vec::new();
    let mut next = longest(&mut (0..times.len()));
    while let Some(task) = next {
        path.push(task);
        next = longest(&mut plan.tasks[task].needs.iter().copied());
    }
    path.reverse();
    path
}
