//! Which services and tasks are affected, and why.

use std::collections::{BTreeSet, HashMap};

use crate::model::cause::Cause;
use crate::model::change::Changes;
use crate::model::definition::DefinitionChanges;
use crate::model::graph::{Node, NodeIndex, NodeKind, TaskGraph, service_order};
use crate::model::lock_file::LockChanges;
use crate::model::name::{ServiceName, TaskName};
use crate::model::path::FilePath;
use crate::model::readers::Readers;
use crate::model::workspace::{ServiceIndex, Workspace};

/// So many causes that hold for every service are kept: more of them would make nothing plainer, and all of them for each of
/// thousands of services fill the memory.
const NAMED_GLOBALLY: usize = 100;

/// What changed by itself, before anything is passed on to dependents.
#[derive(Clone, Debug, Default)]
pub struct Changed {
    /// Why nothing is known, so that everything counts as changed.
    pub everything: Option<String>,
    /// For each service, its own causes, less those that hold for all.
    services: Vec<Vec<Cause>>,
    /// The own causes of tasks that have any, less those that hold for all.
    tasks: HashMap<(ServiceIndex, TaskName), Vec<Cause>>,
    /// Why what dependents read of a service differs, less what holds for all.
    sources: HashMap<ServiceIndex, Vec<Cause>>,
    /// Causes that hold for every service and task.
    shared: Vec<Cause>,
    /// Changed files that belong to no service and are neither ignored nor a global input.
    pub unowned: Vec<FilePath>,
}

/// A service with why it is affected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AffectedService {
    pub service: ServiceIndex,
    /// Never empty.
    pub causes: Vec<Cause>,
}

impl Changed {
    /// Nothing changed.
    pub fn nothing(workspace: &Workspace) -> Self {
        Self {
            services: vec![Vec::new(); workspace.services().len()],
            ..Self::default()
        }
    }

    /// Finds whose inputs and definitions differ.
    pub fn find(workspace: &Workspace, changes: &Changes, definitions: &DefinitionChanges) -> Self {
        Self::find_by_parts(workspace, changes, definitions, &LockChanges::default())
    }

    /// The same, where `locks` tells for whom a changed lock file differs.
    pub fn find_by_parts(
        workspace: &Workspace,
        changes: &Changes,
        definitions: &DefinitionChanges,
        locks: &LockChanges,
    ) -> Self {
        let mut changed = Self::nothing(workspace);
        match changes {
            Changes::Everything(reason) => {
                changed.everything = Some(reason.clone());
                changed.share(Cause::Everything);
            }
            Changes::Paths(paths) => {
                let readers = Readers::new(workspace);
                paths
                    .iter()
                    .for_each(|path| changed.note_path(workspace, &readers, locks, path));
                changed.note_definitions(definitions);
            }
        }
        changed
    }

    /// Adds a cause to one task: it and what needs it count as affected.
    pub fn add(&mut self, service: ServiceIndex, task: &TaskName, cause: Cause) {
        self.services[service.0 as usize].push(cause.clone());
        self.tasks
            .entry((service, task.clone()))
            .or_default()
            .push(cause);
    }

    /// All affected services, in dependency order, with their causes.
    pub fn affected_services(&self, workspace: &Workspace) -> Vec<AffectedService> {
        let mut is_affected = vec![false; workspace.services().len()];
        let mut affected = Vec::new();
        for service in service_order(workspace) {
            let own = &self.services[service.0 as usize];
            let mut causes = [&self.shared[..], own].concat();
            let dependencies = workspace.dependencies(service).iter();
            let affected_ones = dependencies.filter(|it| is_affected[it.0 as usize]);
            if self.everything.is_none() {
                causes.extend(affected_ones.map(|it| dependency(workspace, *it)));
            }
            if !causes.is_empty() {
                is_affected[service.0 as usize] = true;
                causes.sort_unstable();
                causes.dedup();
                affected.push(AffectedService { service, causes });
            }
        }
        affected
    }

    /// The causes of every node of a task graph; empty for nodes that are not affected.
    pub fn affected_nodes(&self, workspace: &Workspace, graph: &TaskGraph) -> Vec<Vec<Cause>> {
        let mut causes: Vec<Vec<Cause>> = Vec::with_capacity(graph.nodes().len());
        for index in 0..graph.nodes().len() {
            let mut found: BTreeSet<Cause> = self.own(graph, index).cloned().collect();
            let service = graph.nodes()[index].service;
            for need in graph
                .needs(index)
                .iter()
                .filter(|need| !causes[**need].is_empty())
            {
                let needed = graph.nodes()[*need].service;
                match needed == service {
                    true => found.extend(causes[*need].iter().cloned()),
                    false if self.everything.is_some() => {}
                    false => _ = found.insert(by(workspace, &graph.nodes()[*need])),
                }
            }
            // Who depends on something affected is said to, whatever else it reads of it.
            let depends: Vec<ServiceName> = found.iter().filter_map(depended_on).collect();
            found.retain(|it| !matches!(it, Cause::SourcesOf(name) if depends.contains(name)));
            causes.push(found.into_iter().collect());
        }
        causes
    }

    /// The causes of a node that come from its own service, not from a dependency. A task that is missing counts by the
    /// inputs of its service; that some other task failed before does not count.
    fn own(&self, graph: &TaskGraph, index: NodeIndex) -> impl Iterator<Item = &Cause> {
        let node = &graph.nodes()[index];
        let own = match &node.kind {
            NodeKind::Task(task) => self.tasks.get(&(node.service, task.clone())),
            NodeKind::Missing(_) => Some(&self.services[node.service.0 as usize]),
            NodeKind::Sources => self.sources.get(&node.service),
        };
        let own = own.into_iter().flatten();
        let is_task = node.task().is_some();
        let own = own.filter(move |cause| is_task || **cause != Cause::FailedBefore);
        self.shared.iter().chain(own)
    }

    fn share(&mut self, cause: Cause) {
        if self.shared.len() < NAMED_GLOBALLY {
            self.shared.push(cause);
        }
    }

    fn note_path(
        &mut self,
        workspace: &Workspace,
        readers: &Readers,
        locks: &LockChanges,
        path: &FilePath,
    ) {
        let bytes = path.as_bytes();
        if workspace.is_global(bytes) {
            return self.share(Cause::Global(path.clone()));
        }
        let owner = workspace.owner(bytes);
        let mut candidates: BTreeSet<ServiceIndex> = readers.of(bytes).collect();
        candidates.extend(owner);
        let inside: Vec<_> = workspace.below(bytes).chain(readers.below(bytes)).collect();
        let mut is_read = !inside.is_empty();
        inside
            .into_iter()
            .for_each(|it| self.note_whole(workspace, it, path));
        for service in candidates {
            let own = || owner == Some(service) && workspace.is_own(service, bytes);
            let tasks = &workspace.service(service).tasks;
            let readers = tasks
                .iter()
                .filter(|(_, task)| task.inputs.take(bytes, own));
            let readers: Vec<&TaskName> = readers.map(|(name, _)| name).collect();
            let consumed = workspace.service(service).consumed.as_ref();
            let is_source = consumed.is_some_and(|it| it.files.take(bytes, own));
            if readers.is_empty() && !is_source && !(tasks.is_empty() && own()) {
                continue;
            }
            is_read = true;
            let Some(cause) = locks.cause(service, path) else {
                continue;
            };
            if is_source {
                let causes = self.sources.entry(service).or_default();
                causes.push(cause.clone());
            }
            self.services[service.0 as usize].push(cause.clone());
            for task in readers {
                let causes = self.tasks.entry((service, task.clone())).or_default();
                causes.push(cause.clone());
            }
        }
        if !is_read && owner.is_none() && !workspace.ignores(bytes) && !workspace.defines(bytes) {
            self.unowned.push(path.clone());
        }
    }

    /// Notes that a path around a service changed, such as a submodule that holds it: all of its tasks may differ.
    fn note_whole(&mut self, workspace: &Workspace, service: ServiceIndex, path: &FilePath) {
        let cause = Cause::Changed(path.clone());
        self.services[service.0 as usize].push(cause.clone());
        for task in workspace.service(service).tasks.keys() {
            let causes = self.tasks.entry((service, task.clone())).or_default();
            causes.push(cause.clone());
        }
        self.sources.entry(service).or_default().push(cause);
    }

    fn note_definitions(&mut self, definitions: &DefinitionChanges) {
        if definitions.all {
            return self.share(Cause::Definition);
        }
        let mut services: Vec<_> = definitions.services.iter().collect();
        services.sort_unstable();
        for service in services {
            self.services[service.0 as usize].push(Cause::Definition);
        }
        for service in &definitions.sources {
            let causes = self.sources.entry(*service).or_default();
            causes.push(Cause::Definition);
        }
        for task in &definitions.tasks {
            self.tasks
                .entry(task.clone())
                .or_default()
                .push(Cause::Definition);
        }
    }
}

/// Why what needs `node` of another service is affected.
fn by(workspace: &Workspace, node: &Node) -> Cause {
    match node.kind {
        NodeKind::Task(_) | NodeKind::Missing(_) => dependency(workspace, node.service),
        NodeKind::Sources => Cause::SourcesOf(workspace.service(node.service).name.clone()),
    }
}

fn depended_on(cause: &Cause) -> Option<ServiceName> {
    match cause {
        Cause::Dependency(service) => Some(service.clone()),
        _ => None,
    }
}

fn dependency(workspace: &Workspace, service: ServiceIndex) -> Cause {
    Cause::Dependency(workspace.service(service).name.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::input::{InputRule, Inputs};
    use crate::model::pattern::Pattern;
    use crate::model::workspace::sample::{named, service, workspace};
    use crate::model::workspace::{Consumed, Service, Settings};

    fn paths(paths: &[&str]) -> Changes {
        Changes::Paths(paths.iter().map(|it| FilePath::from(*it)).collect())
    }

    fn affected(workspace: &Workspace, changes: &Changes) -> Vec<String> {
        let changed = Changed::find(workspace, changes, &DefinitionChanges::default());
        let services = changed.affected_services(workspace);
        let name = |it: &AffectedService| workspace.service(it.service).name.to_string();
        services.iter().map(name).collect()
    }

    fn with_inputs(line: &str, task: &str, inputs: &[&str]) -> Service {
        let mut service = service(line);
        let rules = inputs.iter().map(|text| match *text {
            "..." => InputRule::Own,
            _ => match text.strip_prefix('!') {
                Some(rest) => InputRule::Leave(Pattern::new(rest, &service.path).unwrap()),
                None => InputRule::Take(Pattern::new(text, &service.path).unwrap()),
            },
        });
        let inputs = Inputs::new(rules.collect());
        service.tasks.get_mut(task).unwrap().inputs = inputs;
        service
    }

    #[test]
    fn dependents_are_affected_in_dependency_order() {
        let workspace = workspace(&["a:build -> b", "b:build -> c", "c:build", "d:build"]);
        assert_eq!(affected(&workspace, &paths(&["c/x"])), ["c", "b", "a"]);
        assert_eq!(affected(&workspace, &paths(&["b/x", "nobody"])), ["b", "a"]);
        assert_eq!(
            affected(&workspace, &Changes::Everything("x".into())).len(),
            4
        );
    }

    #[test]
    fn a_contract_affects_those_who_name_it() {
        let services = vec![
            with_inputs("a:build:test", "build", &["...", "/contracts/*.json"]),
            with_inputs("b:build", "build", &["/contracts/x.json"]),
            service("c:build"),
        ];
        let workspace = Workspace::new(Settings::default(), services);
        assert_eq!(
            affected(&workspace, &paths(&["contracts/x.json"])),
            ["a", "b"]
        );
        assert_eq!(affected(&workspace, &paths(&["contracts/y.json"])), ["a"]);
        assert_eq!(affected(&workspace, &paths(&["b/main.c"])), [""; 0]);
        let changed = Changed::find(
            &workspace,
            &paths(&["contracts/y.json"]),
            &DefinitionChanges::default(),
        );
        let graph = TaskGraph::of_task(&workspace, &named("test"));
        let causes = changed.affected_nodes(&workspace, &graph);
        assert!(
            causes
                .iter()
                .all(|causes| *causes == [Cause::Changed("contracts/y.json".into())])
        );
    }

    #[test]
    fn ignored_files_count_only_where_they_are_named() {
        let settings = Settings {
            ignore: vec![Pattern::new("**/*.md", &FilePath::default()).unwrap()],
            ..Settings::default()
        };
        let services = vec![
            service("a:build"),
            with_inputs("b:build", "build", &["...", "docs.md"]),
        ];
        let workspace = Workspace::new(settings, services);
        assert_eq!(
            affected(&workspace, &paths(&["a/docs.md", "b/docs.md", "b/x.md"])),
            ["b"]
        );
    }

    #[test]
    fn the_definition_is_nobodys_file() {
        let mut root = service("root:build");
        root.path = FilePath::default();
        let settings = Settings {
            files: vec!["services.toml".into(), "b/services.toml".into()],
            definition: vec![Pattern::new("*/services.toml", &FilePath::default()).unwrap()],
            ..Settings::default()
        };
        let named = with_inputs("b:build", "build", &["services.toml"]);
        let workspace = Workspace::new(settings, vec![root, named]);
        assert_eq!(affected(&workspace, &paths(&["services.toml"])), [""; 0]);
        assert_eq!(affected(&workspace, &paths(&["b/services.toml"])), ["b"]);
    }

    #[test]
    fn a_part_of_the_definition_that_went_is_not_unowned() {
        let settings = Settings {
            definition: vec![Pattern::new("teams/*/services.toml", &FilePath::default()).unwrap()],
            ..Settings::default()
        };
        let workspace = Workspace::new(settings, vec![service("a:build")]);
        let changes = paths(&["teams/gone/services.toml", "x"]);
        let changed = Changed::find(&workspace, &changes, &DefinitionChanges::default());
        assert_eq!(changed.unowned, [FilePath::from("x")]);
    }

    #[test]
    fn a_failure_stays_with_those_who_need_that_task() {
        let workspace = workspace(&["app:build:lint -> lib", "lib:lint"]);
        let mut changed = Changed::nothing(&workspace);
        changed.add(
            workspace.find("lib").unwrap(),
            &named("lint"),
            Cause::FailedBefore,
        );
        let graph = TaskGraph::of_task(&workspace, &named("build"));
        let causes = changed.affected_nodes(&workspace, &graph);
        assert!(causes.iter().all(Vec::is_empty), "{causes:?}");
    }

    #[test]
    fn each_cause_is_named_once() {
        let workspace = workspace(&["a:build:test"]);
        let mut changed = Changed::nothing(&workspace);
        for task in ["build", "test"] {
            changed.add(ServiceIndex(0), &named(task), Cause::FailedBefore);
        }
        let affected = changed.affected_services(&workspace);
        assert_eq!(affected[0].causes, [Cause::FailedBefore]);
    }

    #[test]
    fn many_global_inputs_do_not_multiply_with_many_services() {
        let settings = Settings {
            global_inputs: vec![Pattern::new("all", &FilePath::default()).unwrap()],
            ..Settings::default()
        };
        let lines = (0..2_000).map(|at| service(&format!("s{at}:build")));
        let workspace = Workspace::new(settings, lines.collect());
        let files = (0..20_000).map(|at| FilePath::from(&*format!("all/{at}")));
        let changes = Changes::Paths(files.collect());
        let changed = Changed::find(&workspace, &changes, &DefinitionChanges::default());
        let affected = changed.affected_services(&workspace);
        assert_eq!(affected.len(), 2_000);
        assert_eq!(affected[7].causes.len(), NAMED_GLOBALLY);
    }

    #[test]
    fn a_submodule_around_services_affects_all_of_them() {
        let mut inner = service("inner:build");
        inner.path = "vendor/sub/inner".into();
        let services = vec![
            inner,
            with_inputs("b:build", "build", &["/vendor/sub/x/y.txt"]),
        ];
        let workspace = Workspace::new(Settings::default(), services);
        assert_eq!(
            affected(&workspace, &paths(&["vendor/sub"])),
            ["b", "inner"]
        );
    }

    #[test]
    fn whoever_reads_the_sources_of_a_dependency_is_affected_by_them() {
        let mut lib = service("lib:build");
        lib.consumed = Some(Consumed::sample("lib", &["**/*.rs"], &["rust"]));
        let mut app = service("app:lint -> lib");
        app.uses = Some("rust".into());
        let page = service("page:lint -> lib");
        let workspace = Workspace::new(Settings::default(), vec![lib, app, page]);
        let graph = TaskGraph::of_task(&workspace, &named("lint"));
        let check = |path: &str, expected: &[&str]| {
            let none = DefinitionChanges::default();
            let changed = Changed::find(&workspace, &paths(&[path]), &none);
            let causes = changed.affected_nodes(&workspace, &graph);
            let tasks = (0..causes.len()).filter(|at| !causes[*at].is_empty());
            let tasks = tasks.filter(|at| graph.nodes()[*at].task().is_some());
            let ids = tasks.filter_map(|at| graph.id(&workspace, at));
            let found: Vec<_> = ids.map(|it| it.to_string()).collect();
            assert_eq!(found, expected, "{path}");
        };
        check("lib/src/lib.rs", &["app:lint"]);
        check("lib/README", &[]);
        check("app/main.rs", &["app:lint"]);
    }

    #[test]
    fn an_unaffected_task_does_not_pass_on() {
        let mut tested = service("lib:build:test");
        tested.tasks.get_mut("build").unwrap().inputs = Inputs::new(vec![InputRule::Take(
            Pattern::new("src", &"lib".into()).unwrap(),
        )]);
        let workspace = Workspace::new(
            Settings::default(),
            vec![tested, service("app:build:test -> lib")],
        );
        let changed = Changed::find(
            &workspace,
            &paths(&["lib/tests/x"]),
            &DefinitionChanges::default(),
        );
        let graph = TaskGraph::of_task(&workspace, &named("test"));
        let causes = changed.affected_nodes(&workspace, &graph);
        let affected: Vec<_> = (0..causes.len())
            .filter(|at| !causes[*at].is_empty())
            .filter_map(|at| Some(graph.id(&workspace, at)?.to_string()))
            .collect();
        assert_eq!(affected, ["lib:test"]);
    }
}
