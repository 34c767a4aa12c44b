//! What can only be judged when all services are known: paths, directories, circles. Files are in `outputs`.

use std::collections::HashMap;

use crate::config::merge::shown;
use crate::config::problem::{Findings, Place};
use crate::config::read::Texts;
use crate::config::root::circle;
use crate::config::service::{Context, Head};
use crate::config::source::{Directory, Source};
use crate::config::tree::{Node, TableNode};
use crate::model::cycle::cycles;
use crate::model::name::TaskName;
use crate::model::path::FilePath;
use crate::model::task::{Need, Task};
use crate::model::workspace::{Service, ServiceIndex, Workspace};

/// A service with its place in [`Context::heads`].
pub type Read = (u32, Service);

/// No two services share a path.
pub fn paths(findings: &mut Findings, context: &Context, services: &[Read]) {
    let mut by_path: HashMap<&[u8], u32> = HashMap::with_capacity(services.len());
    for (at, service) in services {
        let Some(first) = by_path.insert(service.path.as_bytes(), *at) else {
            continue;
        };
        let head = &context.heads[*at as usize];
        let other = &context.heads[first as usize];
        findings
            .add(
                path_place(head),
                format!(
                    "`{}` and `{}` have the same path `{}`",
                    other.name,
                    head.name,
                    shown(&service.path)
                ),
            )
            .related(path_place(other), "the other one")
            .hint("give each service a directory of its own");
    }
}

/// Every service's directory exists, within the workspace.
pub fn directories(source: &dyn Source, context: &Context, workspace: &Workspace) -> Findings {
    let mut findings = Findings::default();
    let services = workspace.services();
    let paths: Vec<&FilePath> = services.iter().map(|service| &service.path).collect();
    for (service, found) in services.iter().zip(source.directories(&paths)) {
        if matches!(found, Directory::Present | Directory::Unknown) {
            continue;
        }
        let path = shown(&service.path);
        let (message, hint) = match found {
            Directory::Present | Directory::Unknown => continue,
            Directory::Missing => (
                format!("the directory `{path}` does not exist"),
                "create it, or correct the path",
            ),
            Directory::Other => (
                format!("`{path}` is not a directory"),
                "the path of a service is the directory that holds its files",
            ),
            Directory::Outside => (
                format!("`{path}` leads out of the workspace through a symbolic link"),
                "a service has to lie within the workspace",
            ),
        };
        findings
            .add(path_place(head(context, service)), message)
            .hint(hint);
    }
    findings
}

fn path_place(head: &Head) -> Place {
    let path = head.table.find("path");
    path.map_or(head.key.place, |(_, node)| node.place())
}

/// Nothing goes in circles: services by their dependencies, tasks by their needs.
pub fn circles(findings: &mut Findings, context: &Context, workspace: &Workspace) {
    let before = findings.0.len();
    services_in_circles(findings, context, workspace);
    for service in workspace.services() {
        if !is_ordered(service) {
            own_tasks_in_circles(findings, head(context, service), service);
        }
    }
    let crosses = |task: &Task| {
        task.deploy.is_some() && task.needs.iter().any(|need| matches!(need, Need::Of(..)))
    };
    let any_crosses = workspace
        .services()
        .iter()
        .any(|service| service.tasks.values().any(|task| crosses(task)));
    if findings.0.len() == before && any_crosses {
        tasks_in_circles(findings, context, workspace);
    }
}

fn head<'c, 'd>(context: &'c Context<'d>, service: &Service) -> &'c Head<'d> {
    let head = context.find(service.name.as_str());
    head.expect("a service that was read has a head")
}

fn services_in_circles(findings: &mut Findings, context: &Context, workspace: &Workspace) {
    let edges: Vec<&[ServiceIndex]> = workspace
        .indices()
        .map(|index| workspace.dependencies(index))
        .collect();
    for cycle in cycles(&edges) {
        let service = |at: u32| workspace.service(ServiceIndex(at));
        let path = circle(cycle.iter().map(|at| service(*at).name.to_string()));
        let next = service(cycle[1 % cycle.len()]).name.as_str();
        findings
            .add(
                edge_place(context, head(context, service(cycle[0])), next),
                format!("services depend on each other in a circle: `{path}`"),
            )
            .hint("remove one dependency of the circle, or move what both need to a service of its own");
    }
}

/// Where `head` says that it depends on `next`.
fn edge_place(context: &Context, head: &Head, next: &str) -> Place {
    let declared = head
        .table
        .find("depends-on")
        .and_then(|(_, node)| find_item(node, |text| text == next));
    let named = |text: &str| {
        text.split_once(':')
            .is_some_and(|(service, _)| service == next)
    };
    let mut defaults = context.defaults.iter();
    declared
        .or_else(|| needs_within(head.table, &named))
        .or_else(|| {
            let lists = defaults.find_map(|(_, task)| {
                let needs = task.needs.as_ref().map(Texts::iter)?;
                needs.into_iter().find(|text| named(text.value))
            });
            lists.map(|text| text.place)
        })
        .unwrap_or(head.key.place)
}

/// The first need below a service's table that fits.
fn needs_within(table: TableNode, fits: &dyn Fn(&str) -> bool) -> Option<Place> {
    table.iter().find_map(|(key, node)| match key.text {
        "needs" => find_item(node, fits),
        _ => needs_within(node.table()?, fits),
    })
}

fn find_item(node: Node, fits: impl Fn(&str) -> bool) -> Option<Place> {
    node.items()?
        .find(|item| item.text().is_some_and(&fits))
        .map(|item| item.place())
}

/// Whether the needs among a service's own tasks lead from later to earlier ones in an order that is known to be sound.
fn is_ordered(service: &Service) -> bool {
    let rank = |name: &TaskName| match name.as_str() {
        "build" => 0,
        "test" => 1,
        "deploy" => 3,
        _ => 2,
    };
    service.tasks.iter().all(|(name, task)| {
        task.needs.iter().all(|need| match need {
            Need::Own(other) => rank(other) < rank(name),
            _ => true,
        })
    })
}

fn own_tasks_in_circles(findings: &mut Findings, head: &Head, service: &Service) {
    let names: Vec<&TaskName> = service.tasks.keys().collect();
    let place_of = |name: &TaskName| names.binary_search(&name).ok().map(|at| at as u32);
    let edges: Vec<Vec<u32>> = service
        .tasks
        .values()
        .map(|task| {
            let own = task.needs.iter().filter_map(|need| match need {
                Need::Own(other) => place_of(other),
                _ => None,
            });
            own.collect()
        })
        .collect();
    for cycle in cycles(&edges) {
        let id = |at: &u32| format!("{}:{}", service.name, names[*at as usize]);
        let path = circle(cycle.iter().map(id));
        let first = names[cycle[0] as usize].as_str();
        let next = names[cycle[1 % cycle.len()] as usize].as_str();
        let fits = |text: &str| text == next || text == format!("{}:{next}", service.name);
        let place = task_table(head, first)
            .and_then(|(_, node)| needs_within(node.table()?, &fits))
            .or_else(|| needs_within(head.table, &fits))
            .or_else(|| task_table(head, first).map(|(place, _)| place))
            .unwrap_or(head.key.place);
        findings
            .add(
                place,
                format!("tasks need each other in a circle: `{path}`"),
            )
            .hint("remove one need of the circle");
    }
}

/// The table of a service's own task, or its command.
pub fn task_table<'d>(head: &Head<'d>, task: &str) -> Option<(Place, Node<'d>)> {
    let own = head.table.find(task);
    let (key, node) = own.or_else(|| {
        let (_, tasks) = head.table.find("tasks")?;
        tasks.table()?.find(task)
    })?;
    Some((key.place, node))
}

/// Circles that run through several services, as only the needs of deploys can make them. A service that lacks a task is
/// passed through to its dependencies, as in a plan.
fn tasks_in_circles(findings: &mut Findings, context: &Context, workspace: &Workspace) {
    let service = |at: u32| workspace.service(ServiceIndex(at));
    let mut graph = TaskGraph {
        index: HashMap::new(),
        nodes: Vec::new(),
        edges: Vec::new(),
    };
    for index in workspace.indices() {
        for name in workspace.service(index).tasks.keys() {
            graph.node(index.0, name);
        }
    }
    let mut next = 0;
    while next < graph.nodes.len() {
        let (at, name) = graph.nodes[next];
        graph.edges[next] = needed(&mut graph, workspace, at, name);
        next += 1;
    }
    for cycle in cycles(&graph.edges) {
        let id = |node: &u32| {
            let (at, name) = graph.nodes[*node as usize];
            format!("{}:{name}", service(at).name)
        };
        let path = circle(cycle.iter().map(id));
        let head_of = |node: u32| head(context, service(graph.nodes[node as usize].0));
        let mut pairs = cycle.iter().zip(cycle.iter().cycle().skip(1));
        let place =
            pairs.find_map(|(from, to)| needs_within(head_of(*from).table, &|text| text == id(to)));
        findings
            .add(
                place.unwrap_or(head_of(cycle[0]).key.place),
                format!("tasks need each other in a circle: `{path}`"),
            )
            .hint("remove one need of the circle");
    }
}

/// The tasks that come before the task `name` of the service at `at`.
fn needed<'w>(
    graph: &mut TaskGraph<'w>,
    workspace: &'w Workspace,
    at: u32,
    name: &'w TaskName,
) -> Vec<u32> {
    let dependencies = workspace.dependencies(ServiceIndex(at)).iter();
    let Some(task) = workspace.service(ServiceIndex(at)).tasks.get(name) else {
        return dependencies.map(|it| graph.node(it.0, name)).collect();
    };
    let mut nodes = Vec::new();
    for need in &task.needs {
        match need {
            Need::Own(other) => nodes.push(graph.node(at, other)),
            Need::OfDependencies(other) => {
                nodes.extend(dependencies.clone().map(|it| graph.node(it.0, other)));
            }
            Need::Of(other, task) => {
                let other = workspace.find(other.as_str());
                nodes.extend(other.map(|it| graph.node(it.0, task)));
            }
        }
    }
    nodes
}

struct TaskGraph<'s> {
    index: HashMap<(u32, &'s TaskName), u32>,
    nodes: Vec<(u32, &'s TaskName)>,
    edges: Vec<Vec<u32>>,
}

impl<'s> TaskGraph<'s> {
    fn node(&mut self, service: u32, task: &'s TaskName) -> u32 {
        let next = self.nodes.len() as u32;
        let node = *self.index.entry((service, task)).or_insert(next);
        if node == next {
            self.nodes.push((service, task));
            self.edges.push(Vec::new());
        }
        node
    }
}
