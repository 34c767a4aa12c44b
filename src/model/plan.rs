//! The plan: the tasks that a run would do, in order, each with its causes and a verdict.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use crate::model::cause::Cause;
use crate::model::graph::{NodeIndex, TaskGraph};
use crate::model::name::TaskId;
use crate::model::workspace::{ServiceIndex, Workspace};

/// Tasks in dependency order: each stands after everything it needs.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Plan {
    pub tasks: Vec<PlannedTask>,
}

/// One task of a plan.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedTask {
    pub id: TaskId,
    pub service: ServiceIndex,
    /// Places in the plan of the tasks that have to be done first, in rising order.
    pub needs: Vec<usize>,
    /// Why the task is in the plan, never empty.
    pub causes: Vec<Cause>,
    pub verdict: Verdict,
    /// Why the verdict is what it is, for people.
    pub reason: String,
    /// The cache key, where it is known before the run.
    pub key: Option<String>,
    /// Arguments appended to the last command.
    pub arguments: Vec<String>,
    /// How long it took the last time it passed.
    pub expected: Option<Duration>,
}

/// What is to be done about a task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    Run,
    /// A result with the same key is taken instead.
    Cached,
    /// Its last result still stands.
    Skip,
}

impl Verdict {
    /// The word for it, as in JSON.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Cached => "cached",
            Self::Skip => "skip",
        }
    }
}

impl Plan {
    /// How many tasks have the verdict.
    pub fn count(&self, verdict: Verdict) -> usize {
        self.tasks.iter().filter(|it| it.verdict == verdict).count()
    }
}

/// The plan that does the `wanted` nodes of a graph, each with its causes, after all that they need. Needed tasks of services
/// that are selected as well carry their causes from `affected`; others, which have none there, are in the plan because of
/// what needs them. All verdicts are `run`: whether an earlier result still stands is decided later.
pub fn make(
    workspace: &Workspace,
    graph: &TaskGraph,
    wanted: BTreeMap<NodeIndex, Vec<Cause>>,
    affected: &[Vec<Cause>],
) -> Plan {
    let mut causes = wanted;
    let mut places = HashMap::new();
    let mut chosen = Vec::new();
    for index in (0..graph.nodes().len()).rev() {
        if !causes.contains_key(&index) {
            continue;
        }
        let needed = graph.needed_tasks(index);
        for need in &needed {
            let found = causes
                .entry(*need)
                .or_insert_with(|| affected[*need].clone());
            if found.is_empty() || matches!(found[0], Cause::NeededBy(_)) {
                found.extend(graph.id(workspace, index).map(Cause::NeededBy));
            }
        }
        chosen.push((index, needed));
    }
    let mut plan = Plan::default();
    for (index, needs) in chosen.into_iter().rev() {
        let Some(id) = graph.id(workspace, index) else {
            continue;
        };
        places.insert(index, plan.tasks.len());
        plan.tasks.push(PlannedTask {
            id,
            service: graph.nodes()[index].service,
            needs: needs.iter().map(|need| places[need]).collect(),
            causes: causes.remove(&index).unwrap_or_default(),
            verdict: Verdict::Run,
            reason: String::new(),
            key: None,
            arguments: Vec::new(),
            expected: None,
        });
    }
    plan
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::sample::{named, workspace};

    #[test]
    fn needed_tasks_come_first_and_say_for_whom() {
        let workspace = workspace(&["app:build:test -> lib", "lib -> base", "base:build:test"]);
        let graph = TaskGraph::of_task(&workspace, &named("test"));
        let app = (0..graph.nodes().len())
            .find(|at| {
                graph
                    .id(&workspace, *at)
                    .is_some_and(|it| it.to_string() == "app:test")
            })
            .unwrap();
        let wanted = [(app, vec![Cause::Requested])].into();
        let plan = make(
            &workspace,
            &graph,
            wanted,
            &vec![vec![]; graph.nodes().len()],
        );
        let shown: Vec<_> = plan
            .tasks
            .iter()
            .map(|it| (it.id.to_string(), it.needs.clone()))
            .collect();
        assert_eq!(
            shown,
            [
                ("base:build".into(), vec![]),
                ("app:build".into(), vec![0]),
                ("app:test".into(), vec![1])
            ]
        );
        assert!(
            matches!(&plan.tasks[0].causes[..], [Cause::NeededBy(id)] if id.to_string() == "app:build")
        );
        assert_eq!(plan.tasks[2].causes, [Cause::Requested]);
    }
}
