//! The release fingerprint: which sources a release is made from, known without running anything.

use std::collections::BTreeMap;

use crate::model::digest::{Digest, Digester};
use crate::model::graph::{NodeIndex, NodeKind, TaskGraph};
use crate::model::name::{TaskId, TaskName};
use crate::model::task::{Need, Task};
use crate::model::workspace::{ServiceIndex, Workspace};

/// The version of the format of release fingerprints and config digests. Raise it whenever the same sources get another
/// digest than before, and add a line here: what is deployed is then computed anew from its commit before it is compared.
///
/// - 1: the first (0.2.0).
/// - 2: sources of dependencies that tasks read, and parts of lock files (0.3.0).
pub const RELEASE_FORMAT: u32 = 2;

/// Tasks that tell whether a release is good and put nothing into it.
const CHECKS: [&str; 2] = ["test", "lint"];

/// What a service's release is made from: its build, and what else its deploy needs, save tests and other deploys.
pub fn roots(workspace: &Workspace, service: ServiceIndex) -> Vec<(ServiceIndex, TaskName)> {
    let build = TaskName::new("build").expect("it is a valid name");
    let mut roots = vec![(service, build)];
    let is_part = |task: &TaskName| task.as_str() != "deploy" && !CHECKS.contains(&task.as_str());
    let deploy = workspace.service(service).tasks.get("deploy");
    for need in deploy.iter().flat_map(|it| &it.needs) {
        match need {
            Need::Own(task) if is_part(task) => roots.push((service, task.clone())),
            Need::Of(other, task) if is_part(task) => {
                let other = workspace.find(other.as_str());
                roots.extend(other.map(|it| (it, task.clone())));
            }
            Need::OfDependencies(task) if is_part(task) => {
                let dependencies = workspace.dependencies(service).iter();
                roots.extend(dependencies.map(|it| (*it, task.clone())));
            }
            _ => {}
        }
    }
    roots.sort_unstable();
    roots.dedup();
    roots
}

/// The fingerprints of the releases of `services`, given the digest of the input files of each node of `graph`, which holds
/// all their [`roots`], and of the global inputs.
pub fn fingerprints(
    workspace: &Workspace,
    graph: &TaskGraph,
    services: &[ServiceIndex],
    inputs: &dyn Fn(NodeIndex) -> Digest,
    global: &Digest,
) -> BTreeMap<ServiceIndex, Digest> {
    let mut of_nodes: Vec<Digest> = Vec::with_capacity(graph.nodes().len());
    let mut places = BTreeMap::new();
    for (at, node) in graph.nodes().iter().enumerate() {
        let mut digester = Digester::new("release");
        let service = workspace.service(node.service);
        match &node.kind {
            NodeKind::Task(task) | NodeKind::Missing(task) => {
                let id = TaskId::new(&service.name, task);
                digester.part("task", id.to_string().as_bytes());
                places.insert((node.service, task.clone()), at);
            }
            NodeKind::Sources => _ = digester.part("sources of", service.name.as_str().as_bytes()),
        }
        digester.part("path", service.path.as_bytes());
        if let Some(task) = node.task() {
            define(&mut digester, &service.tasks[task]);
        }
        digester.digest("inputs", &inputs(at));
        for need in graph.needs(at) {
            digester.digest("need", &of_nodes[*need]);
        }
        of_nodes.push(digester.finish());
    }
    let fingerprint = |service: &ServiceIndex| {
        let mut digester = Digester::new("release of a service");
        digester.digest("global inputs", global);
        for root in roots(workspace, *service) {
            digester.digest("task", &of_nodes[places[&root]]);
        }
        (*service, digester.finish())
    };
    services.iter().map(fingerprint).collect()
}

/// What is said of a task that can change what it makes. Who runs it, where and how patiently is not among it.
fn define(digester: &mut Digester, task: &Task) {
    let texts = |list: &[String]| list.to_vec();
    let outputs = task.outputs.iter().flatten();
    let outputs = outputs.map(|it| it.as_str().to_owned()).collect();
    let lists: [(&str, Vec<String>); 5] = [
        ("command", texts(&task.run)),
        ("shell", task.shell.to_vec()),
        ("output", outputs),
        ("variable", texts(&task.env)),
        ("tool", texts(&task.tools)),
    ];
    for (name, list) in &lists {
        digester.list(name, list.iter().map(String::as_str));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::sample::workspace;

    fn all(workspace: &Workspace, changed: &str) -> Vec<(String, Digest)> {
        let services: Vec<ServiceIndex> = workspace.indices().collect();
        let roots = services.iter().flat_map(|it| roots(workspace, *it));
        let graph = TaskGraph::from_roots(workspace, roots);
        let inputs = |at: NodeIndex| {
            let name = &workspace.service(graph.nodes()[at].service).name;
            let content = if name.as_str() == changed {
                "new"
            } else {
                "old"
            };
            Digester::new("x")
                .part("content", content.as_bytes())
                .finish()
        };
        let global = Digester::new("global").finish();
        let found = fingerprints(workspace, &graph, &services, &inputs, &global);
        let name = |it: ServiceIndex| workspace.service(it).name.to_string();
        found.into_iter().map(|(at, it)| (name(at), it)).collect()
    }

    fn differing(old: &Workspace, new: &Workspace, changed: &str) -> Vec<String> {
        let pairs = all(old, "").into_iter().zip(all(new, changed));
        let differ = pairs.filter(|((_, old), (_, new))| old != new);
        differ.map(|((name, _), _)| name).collect()
    }

    #[test]
    fn a_release_is_its_sources_and_those_of_what_it_needs() {
        let lines = [
            "api:build:test -> lib",
            "lib:build",
            "web -> api",
            "other:build",
        ];
        let workspace = workspace(&lines);
        let check = |changed: &str, expected: &[&str]| {
            assert_eq!(differing(&workspace, &workspace, changed), expected);
        };
        check("nobody", &[]);
        check("lib", &["api", "lib", "web"]);
        check("api", &["api", "web"]);
        // What has no build counts by its inputs.
        check("web", &["web"]);
    }

    #[test]
    fn what_cannot_change_it_does_not_count() {
        let with = |change: &dyn Fn(&mut Task)| {
            let mut service = crate::model::workspace::sample::service("api:build:test");
            change(service.tasks.get_mut("build").unwrap());
            let settings = crate::model::workspace::Settings::default();
            Workspace::new(settings, vec![service])
        };
        let plain = with(&|_| {});
        let check = |change: &dyn Fn(&mut Task), expected: &[&str]| {
            assert_eq!(differing(&plain, &with(change), ""), expected);
        };
        check(&|it| it.retry = 3, &[]);
        check(
            &|it| it.timeout = Some(std::time::Duration::from_secs(1)),
            &[],
        );
        check(&|it| it.run = vec!["other".into()], &["api"]);
        check(&|it| it.env = vec!["FLAGS".into()], &["api"]);
    }
}
