//! The workspace: every service of a repository, valid as a whole.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ops::Bound;
use std::sync::Arc;

use crate::model::deploy::{Environment, LedgerSettings, Serve};
use crate::model::name::{EnvironmentName, ServiceName, TaskName};
use crate::model::path::{FilePath, ancestors};
use crate::model::pattern::Pattern;
use crate::model::target::Target;
use crate::model::task::{Need, Task};

/// A service's place in [`Workspace::services`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ServiceIndex(pub u32);

impl From<ServiceIndex> for u32 {
    fn from(index: ServiceIndex) -> Self {
        index.0
    }
}

/// A workspace that was checked as a whole: names are unique, dependencies exist, nothing goes in circles.
#[derive(Clone, Debug)]
pub struct Workspace {
    settings: Settings,
    services: Vec<Service>,
    by_path: HashMap<FilePath, ServiceIndex>,
    /// The same, for looking below a path.
    sorted_paths: BTreeMap<FilePath, ServiceIndex>,
    /// The files of the definition, sorted.
    definition_files: Vec<FilePath>,
    /// For each service, all services it depends on, declared or through a task's needs. Sorted.
    dependencies: Vec<Vec<ServiceIndex>>,
}

/// What holds for the whole workspace.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Settings {
    pub name: Option<String>,
    pub default_branch: Option<String>,
    pub global_inputs: Vec<Pattern>,
    pub ignore: Vec<Pattern>,
    pub pass_env: Vec<String>,
    /// Slots per pool.
    pub pools: BTreeMap<String, u32>,
    pub environments: BTreeMap<EnvironmentName, Environment>,
    pub ledger: LedgerSettings,
    /// The targets that environments and deploys name, with `process`, by name.
    pub targets: BTreeMap<String, Arc<Target>>,
    /// Every file that the definition was read from, relative to the workspace: `services.toml` first, then includes and
    /// the workspace's own presets.
    pub files: Vec<FilePath>,
    /// What names those files, and others that are or were part of the definition.
    pub definition: Vec<Pattern>,
    /// The names of the files that presets look for: whether one of them is there is a part of the definition, what it holds
    /// is not.
    pub looked_for: BTreeSet<String>,
}

/// One service.
#[derive(Clone, Debug, PartialEq)]
pub struct Service {
    pub name: ServiceName,
    pub path: FilePath,
    pub depends_on: Vec<ServiceName>,
    pub tags: BTreeSet<String>,
    pub serve: Option<Serve>,
    /// Boxed, since a map keeps room for many values where most services have few.
    pub tasks: BTreeMap<TaskName, Box<Task>>,
}

impl Workspace {
    /// Puts the parts together, services sorted by name. The parts must be valid: the reader of the file sees to that.
    pub fn new(settings: Settings, mut services: Vec<Service>) -> Self {
        services.sort_by(|a, b| a.name.cmp(&b.name));
        let index = |at: usize| ServiceIndex(at as u32);
        let paths = services.iter().enumerate();
        let by_path: HashMap<FilePath, ServiceIndex> =
            paths.map(|(at, it)| (it.path.clone(), index(at))).collect();
        let mut definition_files = settings.files.clone();
        definition_files.sort_unstable();
        let mut workspace = Self {
            settings,
            definition_files,
            sorted_paths: by_path.clone().into_iter().collect(),
            by_path,
            dependencies: Vec::new(),
            services,
        };
        workspace.dependencies = dependencies(&workspace.services);
        workspace
    }

    /// What holds for the whole workspace.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// All services, sorted by name.
    pub fn services(&self) -> &[Service] {
        &self.services
    }

    /// The places of all services.
    pub fn indices(&self) -> impl Iterator<Item = ServiceIndex> + use<> {
        (0..self.services.len() as u32).map(ServiceIndex)
    }

    /// The service at a place.
    pub fn service(&self, index: ServiceIndex) -> &Service {
        &self.services[index.0 as usize]
    }

    /// The place of the service named `name`.
    pub fn find(&self, name: &str) -> Option<ServiceIndex> {
        self.services
            .binary_search_by(|service| service.name.as_str().cmp(name))
            .ok()
            .map(|at| ServiceIndex(at as u32))
    }

    /// The services that `index` depends on directly, sorted.
    pub fn dependencies(&self, index: ServiceIndex) -> &[ServiceIndex] {
        &self.dependencies[index.0 as usize]
    }

    /// The service that owns the file at `path`: the deepest one around it.
    pub fn owner(&self, path: &[u8]) -> Option<ServiceIndex> {
        ancestors(path).find_map(|directory| self.at(directory))
    }

    /// The service that lies at `directory`.
    pub fn at(&self, directory: &[u8]) -> Option<ServiceIndex> {
        self.by_path.get(directory).copied()
    }

    /// The services that lie below `path`, as they do where a submodule or a linked directory holds them.
    pub fn below(&self, path: &[u8]) -> impl Iterator<Item = ServiceIndex> {
        let start = match path.is_empty() {
            true => FilePath::default(),
            false => FilePath::from_bytes([path, b"/"].concat()),
        };
        self.sorted_paths
            .range((Bound::Included(start.clone()), Bound::Unbounded))
            .take_while(move |(path, _)| path.as_bytes().starts_with(start.as_bytes()))
            .filter(|(path, _)| !path.is_root())
            .map(|(_, index)| *index)
    }

    /// Whether the workspace ignores the file at `path`.
    pub fn ignores(&self, path: &[u8]) -> bool {
        self.settings.ignore.iter().any(|it| it.matches(path))
    }

    /// Whether the file at `path` is an input of every service.
    pub fn is_global(&self, path: &[u8]) -> bool {
        self.settings
            .global_inputs
            .iter()
            .any(|it| it.matches(path))
    }

    /// Whether the file at `path` is, or was, part of the definition, which is compared by meaning.
    pub fn defines(&self, path: &[u8]) -> bool {
        self.is_definition(path) || self.settings.definition.iter().any(|it| it.matches(path))
    }

    /// Whether the definition may come out differently where the file at `path` comes or goes: it is one that presets look
    /// for, or a link or submodule that services lie behind.
    pub fn looks_for(&self, path: &[u8]) -> bool {
        let looked_for = &self.settings.looked_for;
        let name = path.rsplit(|byte| *byte == b'/').next();
        let name = name.and_then(|name| std::str::from_utf8(name).ok());
        !looked_for.is_empty()
            && (name.is_some_and(|name| looked_for.contains(name))
                || self.at(path).is_some()
                || self.below(path).next().is_some())
    }

    /// Whether `path`, owned by `owner`, is one of the owner's own files: no declared output of it, not ignored and no part
    /// of the definition.
    pub fn is_own(&self, owner: ServiceIndex, path: &[u8]) -> bool {
        !self.is_output(owner, path) && !self.ignores(path) && !self.is_definition(path)
    }

    /// Whether a task of `owner`, which owns the file at `path`, declares it as its output. What a task of a service around
    /// it declares takes nothing of it: a service's files are its own, and stay inputs until it says otherwise itself.
    pub fn is_output(&self, owner: ServiceIndex, path: &[u8]) -> bool {
        let tasks = self.service(owner).tasks.values();
        let mut outputs = tasks.filter_map(|task| task.outputs.as_ref()).flatten();
        outputs.any(|output| output.matches(path))
    }

    fn is_definition(&self, path: &[u8]) -> bool {
        let place = self
            .definition_files
            .binary_search_by(|it| it.as_bytes().cmp(path));
        place.is_ok()
    }
}

fn dependencies(services: &[Service]) -> Vec<Vec<ServiceIndex>> {
    let names = services.iter().map(|service| service.name.as_str());
    let places: HashMap<&str, ServiceIndex> = names.zip((0..).map(ServiceIndex)).collect();
    let of_one = |service| {
        let names = all_dependency_names(service);
        let mut indices: Vec<_> = names
            .filter_map(|name| places.get(name.as_str()).copied())
            .collect();
        indices.sort_unstable();
        indices.dedup();
        indices
    };
    services.iter().map(of_one).collect()
}

/// The names of everything `service` depends on: declared, and named by the needs of its tasks except `deploy`, whose
/// needs are order only.
pub fn dependency_names(service: &Service) -> BTreeSet<&ServiceName> {
    all_dependency_names(service).collect()
}

/// The same, some of them maybe twice.
fn all_dependency_names(service: &Service) -> impl Iterator<Item = &ServiceName> {
    let needed = service
        .tasks
        .iter()
        .filter(|(name, _)| name.as_str() != "deploy")
        .flat_map(|(_, task)| &task.needs)
        .filter_map(move |need| match need {
            Need::Of(other, _) if *other != service.name => Some(other),
            _ => None,
        });
    service.depends_on.iter().chain(needed)
}

#[cfg(test)]
pub mod sample {
    //! Small workspaces for tests, one line a service: `name:task:task -> dependency dependency`.

    use super::*;

    /// A valid task name.
    pub fn named(text: &str) -> TaskName {
        TaskName::new(text).unwrap()
    }

    /// The workspace that `lines` describe. Each service lies at its own name; build and test have their usual needs.
    pub fn workspace(lines: &[&str]) -> Workspace {
        Workspace::new(
            Settings::default(),
            lines.iter().map(|line| service(line)).collect(),
        )
    }

    /// One service of such a line, at `path`; its first task leaves `outputs` behind.
    pub fn with_outputs(line: &str, path: &str, outputs: &[&str]) -> Service {
        let mut service = Service {
            path: path.into(),
            ..service(line)
        };
        let pattern = |it: &&str| Pattern::new(it, &service.path).unwrap();
        let outputs = outputs.iter().map(pattern).collect();
        let task = service.tasks.values_mut().next();
        task.unwrap().outputs = Some(outputs);
        service
    }

    /// One service of such a line.
    pub fn service(line: &str) -> Service {
        let (head, dependencies) = line.split_once(" -> ").unwrap_or((line, ""));
        let mut words = head.split(':');
        let name = words.next().unwrap();
        Service {
            name: ServiceName::new(name).unwrap(),
            path: name.into(),
            depends_on: dependencies
                .split_whitespace()
                .map(|it| ServiceName::new(it).unwrap())
                .collect(),
            tags: BTreeSet::new(),
            serve: None,
            tasks: words.map(|it| (named(it), Box::new(task(it)))).collect(),
        }
    }

    fn task(name: &str) -> Task {
        let mut task = Task::new(vec![format!("echo {name}")]);
        task.needs = match name {
            "build" => vec![Need::OfDependencies(named("build"))],
            "test" => vec![Need::Own(named("build"))],
            _ => vec![],
        };
        task
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::sample::with_outputs;

    #[test]
    fn outputs_are_taken_out_of_the_files_of_their_own_service_alone() {
        let services = vec![
            with_outputs("app:build:test", "app", &["dist", "**/*.o"]),
            with_outputs("lib:build:test", "app/lib", &["gen"]),
        ];
        let workspace = Workspace::new(Settings::default(), services);
        let check = |path: &str, expected: bool| {
            let owner = workspace.owner(path.as_bytes()).unwrap();
            assert_eq!(workspace.is_own(owner, path.as_bytes()), expected, "{path}");
        };
        check("app/main.c", true);
        check("app/dist/main", false);
        check("app/x/main.o", false);
        check("app/gen/x", true);
        check("app/lib/gen/x", false);
        // What only the service around it declares.
        check("app/lib/x.o", true);
        check("app/lib/dist/x", true);
    }
}
