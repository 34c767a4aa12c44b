//! What needs what: services among themselves, and tasks among themselves.

use std::collections::HashMap;

use crate::model::name::{TaskId, TaskName};
use crate::model::task::Need;
use crate::model::workspace::{ServiceIndex, Workspace};

/// All services in dependency order: each stands after everything it depends on; otherwise by name.
pub fn service_order(workspace: &Workspace) -> Vec<ServiceIndex> {
    let mut order = Vec::with_capacity(workspace.services().len());
    let mut visit = Visit::new(workspace.services().len());
    for root in workspace.indices() {
        visit.from(
            root.0 as usize,
            |at| workspace.dependencies(ServiceIndex(at as u32)),
            |it| it.0 as usize,
            |at| order.push(ServiceIndex(at as u32)),
        );
    }
    order
}

/// For each service, the services that depend on it directly, sorted.
pub fn dependents(workspace: &Workspace) -> Vec<Vec<ServiceIndex>> {
    let mut dependents = vec![Vec::new(); workspace.services().len()];
    for index in workspace.indices() {
        for dependency in workspace.dependencies(index) {
            dependents[dependency.0 as usize].push(index);
        }
    }
    dependents
}

/// A place in [`TaskGraph::nodes`].
pub type NodeIndex = usize;

/// One node of the task graph.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Node {
    pub service: ServiceIndex,
    pub kind: NodeKind,
}

/// What a node of the task graph is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum NodeKind {
    /// A task that the service has.
    Task(TaskName),
    /// A task that the service lacks: stands for the service's inputs, and passes on to the same task of its dependencies.
    Missing(TaskName),
    /// The files of the service that tasks of its dependents read.
    Sources,
}

impl Node {
    /// The task, if the service has it.
    pub fn task(&self) -> Option<&TaskName> {
        match &self.kind {
            NodeKind::Task(task) => Some(task),
            NodeKind::Missing(_) | NodeKind::Sources => None,
        }
    }

    /// Whether it is this task, and the service has it.
    pub fn is(&self, task: &TaskName) -> bool {
        self.task() == Some(task)
    }
}

/// What is wanted of a service.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Part {
    Task(TaskName),
    Sources,
}

/// Tasks with what they need, in dependency order.
#[derive(Clone, Debug, Default)]
pub struct TaskGraph {
    nodes: Vec<Node>,
    needs: Vec<Vec<NodeIndex>>,
}

impl TaskGraph {
    /// The graph of the task `name` of every service that has it, with everything that they need.
    pub fn of_task(workspace: &Workspace, name: &TaskName) -> Self {
        let having = workspace
            .indices()
            .filter(|index| workspace.service(*index).tasks.contains_key(name));
        Self::from_roots(workspace, having.map(|index| (index, name.clone())))
    }

    /// The graph of some tasks, with everything that they need.
    pub fn from_roots(
        workspace: &Workspace,
        roots: impl IntoIterator<Item = (ServiceIndex, TaskName)>,
    ) -> Self {
        let mut found = Discovery::default();
        let mut pending: Vec<usize> = Vec::new();
        for root in roots {
            let root = (root.0, Part::Task(root.1));
            pending.extend(found.place(workspace, root).err());
        }
        while let Some(at) = pending.pop() {
            let node = found.nodes[at].clone();
            for need in needs_of(workspace, &node) {
                let place = found.place(workspace, need);
                pending.extend(place.err());
                let (Ok(place) | Err(place)) = place;
                found.needs[at].push(place);
            }
        }
        found.sorted()
    }

    /// The nodes; each stands after everything it needs.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// What a node needs directly, each once.
    pub fn needs(&self, index: NodeIndex) -> &[NodeIndex] {
        &self.needs[index]
    }

    /// The tasks that a node needs, seen through the services that lack the task. Rising, each once.
    pub fn needed_tasks(&self, index: NodeIndex) -> Vec<NodeIndex> {
        self.seen_through(index, true)
    }

    /// The nodes that a node needs and that are no tasks, up to the next ones that are: tasks that are missing, and sources.
    /// Rising, each once.
    pub fn needed_without_task(&self, index: NodeIndex) -> Vec<NodeIndex> {
        self.seen_through(index, false)
    }

    /// What is met on the ways from a node to the next tasks: the tasks, or the nodes before them.
    fn seen_through(&self, index: NodeIndex, tasks: bool) -> Vec<NodeIndex> {
        let mut found = Vec::new();
        // Nodes stand after everything that they need, so there is none to see behind `index`. A bit for each.
        let mut seen = vec![0u64; index / 64 + 1];
        let mut pending = self.needs[index].clone();
        while let Some(at) = pending.pop() {
            let (word, bit) = (&mut seen[at / 64], 1 << (at % 64));
            if *word & bit != 0 {
                continue;
            }
            *word |= bit;
            let is_task = self.nodes[at].task().is_some();
            if is_task == tasks {
                found.push(at);
            }
            if !is_task {
                pending.extend(&self.needs[at]);
            }
        }
        found.sort_unstable();
        found
    }

    /// The full name of a node that is a task.
    pub fn id(&self, workspace: &Workspace, index: NodeIndex) -> Option<TaskId> {
        let node = &self.nodes[index];
        let task = node.task()?;
        Some(TaskId::new(&workspace.service(node.service).name, task))
    }
}

/// What `node` needs directly. A missing task of a dependency, or one that a default names, passes through.
fn needs_of(workspace: &Workspace, node: &Node) -> Vec<(ServiceIndex, Part)> {
    let of_dependencies = |task: &TaskName| {
        let dependencies = workspace.dependencies(node.service).iter();
        dependencies
            .map(|it| (*it, Part::Task(task.clone())))
            .collect::<Vec<_>>()
    };
    let sources = || {
        let read = workspace.read_dependencies(node.service);
        read.map(|it| (it, Part::Sources))
    };
    let name = match &node.kind {
        NodeKind::Missing(task) => return of_dependencies(task),
        NodeKind::Sources => return sources().collect(),
        NodeKind::Task(task) => task,
    };
    let needs = &workspace.service(node.service).tasks[name].needs;
    let mut needs: Vec<_> = needs
        .iter()
        .flat_map(|need| match need {
            Need::Own(task) => vec![(node.service, Part::Task(task.clone()))],
            Need::OfDependencies(task) => of_dependencies(task),
            Need::Of(service, task) => {
                let index = workspace.find(service.as_str());
                let need = index.map(|it| (it, Part::Task(task.clone())));
                need.into_iter().collect()
            }
        })
        .collect();
    // What is deployed was built before.
    if name.as_str() != "deploy" {
        needs.extend(sources());
    }
    needs.sort_unstable();
    needs.dedup();
    needs
}

#[derive(Default)]
struct Discovery {
    nodes: Vec<Node>,
    needs: Vec<Vec<usize>>,
    places: HashMap<(ServiceIndex, Part), usize>,
}

impl Discovery {
    /// The place of a node: `Ok` if it was known, `Err` if it is new and its needs are still to be found.
    fn place(
        &mut self,
        workspace: &Workspace,
        (service, part): (ServiceIndex, Part),
    ) -> Result<usize, usize> {
        if let Some(place) = self.places.get(&(service, part.clone())) {
            return Ok(*place);
        }
        let place = self.nodes.len();
        self.places.insert((service, part.clone()), place);
        self.needs.push(Vec::new());
        let has = |task: &TaskName| workspace.service(service).tasks.contains_key(task);
        let kind = match part {
            Part::Task(task) if has(&task) => NodeKind::Task(task),
            Part::Task(task) => NodeKind::Missing(task),
            Part::Sources => NodeKind::Sources,
        };
        self.nodes.push(Node { service, kind });
        Err(place)
    }

    fn sorted(mut self) -> TaskGraph {
        let mut roots: Vec<usize> = (0..self.nodes.len()).collect();
        roots.sort_by(|a, b| {
            let key = |at: &usize| {
                let node = &self.nodes[*at];
                match &node.kind {
                    NodeKind::Task(task) | NodeKind::Missing(task) => (node.service, Some(task)),
                    NodeKind::Sources => (node.service, None),
                }
            };
            key(a).cmp(&key(b))
        });
        let mut order = Vec::with_capacity(self.nodes.len());
        let mut visit = Visit::new(self.nodes.len());
        for root in roots {
            visit.from(root, |at| &self.needs[at], |it| *it, |at| order.push(at));
        }
        let mut place = vec![0; order.len()];
        for (new, old) in order.iter().enumerate() {
            place[*old] = new;
        }
        let needs = order.iter().map(|old| {
            let mut needs: Vec<_> = self.needs[*old].iter().map(|it| place[*it]).collect();
            needs.sort_unstable();
            needs
        });
        let needs = needs.collect();
        let nodes = order.iter().map(|old| self.nodes[*old].clone()).collect();
        self.places.clear();
        TaskGraph { nodes, needs }
    }
}

/// A walk of a graph without cycles that gives each node after what it needs, without recursion.
struct Visit {
    seen: Vec<bool>,
    stack: Vec<(usize, usize)>,
}

impl Visit {
    fn new(size: usize) -> Self {
        Self {
            seen: vec![false; size],
            stack: Vec::new(),
        }
    }

    fn from<'a, T: 'a>(
        &mut self,
        root: usize,
        needs: impl Fn(usize) -> &'a [T],
        place: impl Fn(&T) -> usize,
        mut done: impl FnMut(usize),
    ) {
        if std::mem::replace(&mut self.seen[root], true) {
            return;
        }
        self.stack.push((root, 0));
        while let Some((at, next)) = self.stack.last_mut() {
            match needs(*at).get(*next) {
                Some(need) => {
                    *next += 1;
                    let need = place(need);
                    if !std::mem::replace(&mut self.seen[need], true) {
                        self.stack.push((need, 0));
                    }
                }
                None => {
                    done(*at);
                    self.stack.pop();
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::sample::{named, service, workspace};
    use crate::model::workspace::{Consumed, Settings};

    #[test]
    fn services_stand_after_their_dependencies() {
        let workspace = workspace(&["a -> b c", "b -> c", "c", "d"]);
        let order = service_order(&workspace);
        let names: Vec<_> = order
            .iter()
            .map(|it| workspace.service(*it).name.as_str())
            .collect();
        assert_eq!(names, ["c", "b", "a", "d"]);
    }

    #[test]
    fn a_missing_task_passes_through_to_dependencies() {
        let workspace = workspace(&["a:build -> b", "b -> c", "c:build"]);
        let graph = TaskGraph::of_task(&workspace, &named("build"));
        let shown: Vec<_> = (0..graph.nodes().len())
            .map(|at| graph.id(&workspace, at).map(|it| it.to_string()))
            .collect();
        assert_eq!(
            shown,
            [Some("c:build".into()), None, Some("a:build".into())]
        );
        assert_eq!(graph.needed_tasks(2), [0]);
        assert_eq!(graph.needed_without_task(2), [1]);
        assert!(graph.needed_without_task(1).is_empty());
    }

    #[test]
    fn sources_are_read_through_those_who_read_them() {
        let reads = |line: &str, uses: &str, presets: &[&str]| {
            let mut service = service(line);
            service.uses = Some(uses.to_owned());
            service.consumed = Some(Consumed::sample(line, &["**/*.rs"], presets));
            service
        };
        let services = vec![
            reads("a:build:lint:deploy -> b", "rust", &["rust"]),
            reads("b:build -> c d", "rust", &["rust"]),
            reads("c -> e", "rust", &[]),
            reads("d", "go", &["go"]),
            reads("e", "rust", &["rust"]),
        ];
        let workspace = Workspace::new(Settings::default(), services);
        let read = |task: &str| -> Vec<String> {
            let root = (workspace.find("a").unwrap(), named(task));
            let graph = TaskGraph::from_roots(&workspace, [root]);
            let at = graph.nodes().iter().position(|it| it.is(&named(task)));
            let needed = graph.needed_without_task(at.unwrap());
            let sources = needed.iter().map(|it| &graph.nodes()[*it]);
            let sources = sources.filter(|it| it.kind == NodeKind::Sources);
            let name = |it: &Node| workspace.service(it.service).name.to_string();
            sources.map(name).collect()
        };
        assert_eq!(read("lint"), ["e", "c", "b"]);
        assert_eq!(read("deploy"), [""; 0]);
    }

    #[test]
    fn a_long_chain_does_not_recurse() {
        let lines: Vec<_> = (0..20_000)
            .map(|at| format!("s{at}:build -> s{}", at + 1))
            .collect();
        let mut lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        lines.push("s20000:build");
        let workspace = workspace(&lines);
        assert_eq!(service_order(&workspace).len(), 20_001);
        assert_eq!(
            TaskGraph::of_task(&workspace, &named("build"))
                .nodes()
                .len(),
            20_001
        );
    }
}
