//! One service of the file.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::OnceLock;

use crate::config::deploy;
use crate::config::keys::TableKind;
use crate::config::known::KnownInputs;
use crate::config::merge::{self, Layers};
use crate::config::preset::{self, Preset};
use crate::config::problem::{Findings, Place, Problem};
use crate::config::read::{self, At};
use crate::config::task::{self, OWN_KEYS, TaskTable, TaskTables};
use crate::config::tree::{Key, Node, TableNode};
use crate::model::deploy::Environment;
use crate::model::name::{EnvironmentName, ServiceName, TaskName};
use crate::model::path::FilePath;
use crate::model::suggest::nearest;
use crate::model::task::Need;
use crate::model::workspace::Service;

/// A service before it is read: its table, and where it stands.
#[derive(Clone, Copy, Debug)]
pub struct Head<'d> {
    pub name: &'d str,
    pub key: Key<'d>,
    pub table: TableNode<'d>,
    /// The directory of the file, which paths are relative to.
    pub base: &'d FilePath,
    /// What the preset that it uses gives it: its place in [`Context::given`].
    pub given: Option<u32>,
}

/// What is known of the whole workspace while a service is read.
#[derive(Debug, Default)]
pub struct Context<'d> {
    pub heads: Vec<Head<'d>>,
    pub by_name: HashMap<&'d str, u32>,
    pub defaults: TaskTables<'d>,
    pub presets: BTreeMap<String, Preset<'d>>,
    /// What presets give, once for all services that are alike to them.
    pub given: Vec<preset::Given<'d>>,
    pub pools: BTreeMap<String, u32>,
    pub environments: BTreeMap<EnvironmentName, Environment>,
    /// Where they stand.
    pub environment_tables: Option<TableNode<'d>>,
    pub built_in: BuiltIn,
    /// What was found of the files that presets look for.
    pub looked_up: preset::LookedUp,
    /// Where the defaults stand.
    pub default_tables: Option<TableNode<'d>>,
    pub task_names: OnceLock<BTreeSet<String>>,
}

/// What tasks need unless a file says otherwise.
#[derive(Debug)]
pub struct BuiltIn {
    build: Vec<Need>,
    test: Vec<Need>,
    deploy: Vec<Need>,
}

impl Default for BuiltIn {
    fn default() -> Self {
        let name = |text| TaskName::new(text).expect("the names that are built in are valid");
        let (build, test, deploy) = (name("build"), name("test"), name("deploy"));
        Self {
            build: vec![Need::OfDependencies(build.clone())],
            test: vec![Need::Own(build.clone())],
            deploy: vec![
                Need::Own(build),
                Need::Own(test),
                Need::OfDependencies(deploy),
            ],
        }
    }
}

impl<'d> Context<'d> {
    /// The service `name`.
    pub fn find(&self, name: &str) -> Option<&Head<'d>> {
        self.by_name.get(name).map(|at| &self.heads[*at as usize])
    }

    /// What `task` needs unless a file says otherwise.
    pub fn built_in_needs(&self, task: &str) -> &[Need] {
        match task {
            "build" => &self.built_in.build,
            "test" => &self.built_in.test,
            "deploy" => &self.built_in.deploy,
            _ => &[],
        }
    }

    /// Whether the service has the task.
    pub fn has_task(&self, head: &Head<'d>, task: &str) -> bool {
        let own = match OWN_KEYS.contains(&task) {
            true => head.table.find(task).is_some(),
            false => tasks_table(head).is_some_and(|tasks| tasks.find(task).is_some()),
        };
        own || self.preset_of(head).is_some_and(|preset| preset.has(task))
    }

    /// The tasks of the service.
    pub fn tasks_of(&self, head: &Head<'d>) -> Vec<&'d str> {
        let own = OWN_KEYS.into_iter();
        let own = own.filter_map(|name| head.table.find(name).map(|(key, _)| key.text));
        let more = tasks_table(head).into_iter().flat_map(|it| it.iter());
        let preset = self.preset_of(head).into_iter();
        let preset = preset.flat_map(preset::Given::names);
        let all = own.chain(more.map(|(key, _)| key.text)).chain(preset);
        all.collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The names of all tasks of all services.
    pub fn task_names(&self) -> impl Iterator<Item = &str> {
        self.task_names
            .get_or_init(|| {
                let all = self.heads.iter().flat_map(|head| self.tasks_of(head));
                all.map(str::to_owned).collect()
            })
            .iter()
            .map(String::as_str)
    }

    /// Whether a task of that name may be meant anywhere.
    pub fn is_known_task(&self, task: &str) -> bool {
        OWN_KEYS.contains(&task) || self.task_names().any(|name| name == task)
    }

    /// What the preset that the service uses gives it.
    pub fn preset_of(&self, head: &Head<'d>) -> Option<&preset::Given<'d>> {
        self.given.get(head.given? as usize)
    }

    /// Notes that there is no service `name`.
    pub fn unknown_service<'f>(
        &self,
        findings: &'f mut Findings,
        name: &str,
        place: Place,
    ) -> &'f mut Problem {
        let near = nearest(name, self.heads.iter().map(|head| head.name));
        let message = format!("there is no service `{}`", name.escape_debug());
        findings
            .add(place, message)
            .did_you_mean(near, "declare it as `[services.…]`, or correct the name")
    }
}

/// The name of the preset that the service uses.
fn uses<'d>(head: &Head<'d>) -> Option<&'d str> {
    let (_, node) = head.table.find("uses")?;
    match node.table() {
        Some(table) => table.find("preset")?.1.text(),
        None => node.text(),
    }
}

fn tasks_table<'d>(head: &Head<'d>) -> Option<TableNode<'d>> {
    head.table.find("tasks").and_then(|(_, node)| node.table())
}

/// Reads one service. `None`, with a problem noted, if it has no usable path.
pub fn read<'d>(
    findings: &mut Findings,
    known: &mut KnownInputs,
    context: &Context<'d>,
    head: &Head<'d>,
) -> Option<Service> {
    let mut tables: TaskTables<'d> = Vec::with_capacity(4);
    let mut path = None;
    let mut depends_on = Vec::new();
    let mut tags = BTreeSet::new();
    let mut serve = None;
    for (key, node) in head.table.iter() {
        match key.text {
            "path" => path = Some(directory(findings, node, head.base)),
            // Presets were found before any service was read.
            "uses" => {}
            // A part of what its tasks read.
            "inputs" => {}
            "depends-on" => depends_on = dependencies(findings, context, head, node),
            "tags" => {
                let list = read::texts(findings, key.text, node);
                let list = list.iter().flat_map(read::Texts::iter);
                tags = list.map(|tag| tag.value.to_owned()).collect();
            }
            "serve" => serve = deploy::read_serve(findings, node),
            "build" | "test" | "deploy" => {
                if let Some(task) = task::read(findings, key, node) {
                    tables.push((key.text, task));
                }
            }
            "tasks" => {
                if let Some(table) = read::table(findings, key.text, node) {
                    let owner = format!("services.{}.", head.name);
                    task::read_all(findings, table, &owner, &mut tables);
                }
            }
            _ => read::unknown_key(findings, TableKind::Service, key),
        }
    }
    if path.is_none() {
        findings
            .add(head.table.place, format!("`{}` has no `path`", head.name))
            .hint(format!(
                "add `path = \"{}\"`, the directory of the service",
                head.name
            ))
            .absence();
    }
    // Without a path, patterns are still checked, as if the service were at the root.
    let known_path = path.flatten();
    let place = known_path.clone().unwrap_or_default();
    let tasks = tasks(
        findings,
        known,
        context,
        head,
        &place,
        &tables,
        serve.is_some(),
    );
    let preset = uses(head).and_then(|name| context.presets.get(name));
    let consumers = preset.and_then(|it| it.consumers.as_ref());
    Some(Service {
        name: ServiceName::new(head.name)?,
        path: known_path?,
        depends_on,
        tags,
        uses: uses(head).map(str::to_owned),
        consumed: consumers.map(|it| it.of(&place)),
        serve,
        tasks,
    })
}

fn tasks<'d>(
    findings: &mut Findings,
    known: &mut KnownInputs,
    context: &Context<'d>,
    head: &Head<'d>,
    path: &FilePath,
    tables: &TaskTables<'d>,
    serves: bool,
) -> BTreeMap<TaskName, Box<crate::model::task::Task>> {
    let preset: &[(&str, TaskTable)] = match context.preset_of(head) {
        Some(preset) => &preset.tasks,
        None => &[],
    };
    let is_given = |name: &str| context.preset_of(head).is_some_and(|it| it.has(name));
    let only_preset = preset
        .iter()
        .filter(|(name, _)| is_given(name) && !tables.iter().any(|(own, _)| own == name));
    let mut tasks = BTreeMap::new();
    let besides = merge::besides(findings, known, head, path);
    for (name, own) in tables.iter().chain(only_preset) {
        let Some(task_name) = TaskName::new(name) else {
            continue;
        };
        let find = |list: &'_ [(&'d str, TaskTable<'d>)]| list.iter().position(|it| it.0 == *name);
        let layers: Layers = [
            find(preset).map(|at| &preset[at].1),
            find(&context.defaults).map(|at| &context.defaults[at].1),
            find(tables).map(|at| &tables[at].1),
        ];
        let besides = match *name {
            "deploy" => &[],
            _ => besides.as_slice(),
        };
        let mut task = merge::merge(findings, context, head, path, &task_name, &layers);
        task.inputs = merge::inputs(findings, known, path, besides, &layers);
        // Of what could not be read, a command may be a part.
        if layers.iter().flatten().all(|layer| layer.is_sound) {
            check_run(findings, context, head, &task_name, own, &task, serves);
        }
        tasks.insert(task_name, Box::new(task));
    }
    tasks
}

/// A task has a command, save a deploy that some target does.
fn check_run(
    findings: &mut Findings,
    context: &Context,
    head: &Head,
    name: &TaskName,
    own: &TaskTable,
    task: &crate::model::task::Task,
    serves: bool,
) {
    if !task.run.is_empty() {
        return;
    }
    if let Some(deploy) = &task.deploy {
        let has_target = deploy.target.is_some()
            || deploy.env.values().any(|over| over.target.is_some())
            || context.environments.values().any(|it| it.target.is_some());
        if has_target || serves {
            return;
        }
    }
    let place = own.run.map_or(own.place, |run| run.place());
    let hint = match task.deploy {
        Some(_) => "add `run = \"…\"`, or a `target` here or in `[environments]`",
        None => "add `run = \"…\"`",
    };
    findings
        .add(place, format!("`{}:{name}` has no command", head.name))
        .hint(hint)
        .absence();
}

fn dependencies(
    findings: &mut Findings,
    context: &Context,
    head: &Head,
    node: Node,
) -> Vec<ServiceName> {
    let Some(list) = read::texts(findings, "depends-on", node) else {
        return Vec::new();
    };
    let mut names: Vec<ServiceName> = Vec::new();
    for At { value, place } in list.iter() {
        if value == head.name {
            findings
                .add(place, format!("`{value}` depends on itself"))
                .hint("remove it from `depends-on`");
        } else if context.find(value).is_none() {
            context.unknown_service(findings, value, place).absence();
        } else if names.iter().any(|name| name.as_str() == value) {
            findings
                .add(place, format!("`{value}` is in `depends-on` twice"))
                .hint("remove one of them");
        } else {
            names.extend(ServiceName::new(value));
        }
    }
    names
}

/// Where the service lies, as far as that can be told. What is wrong with it is noted when the service is read.
pub fn path(head: &Head) -> Option<FilePath> {
    let (_, node) = head.table.find("path")?;
    directory(&mut Findings::default(), node, head.base)
}

/// A directory below the workspace.
fn directory(findings: &mut Findings, node: Node, base: &FilePath) -> Option<FilePath> {
    let text = read::text(findings, "path", node)?;
    let place = node.place();
    let shown = text.escape_debug();
    if text.starts_with('/') {
        findings
            .add(place, format!("the path `{shown}` is absolute"))
            .hint("write it relative to the directory of this file");
        return None;
    }
    if text.contains('\\') {
        findings
            .add(place, format!("the path `{shown}` holds a `\\`"))
            .hint("write `/` between the parts of a path");
        return None;
    }
    let plain = text != "."
        && !text.ends_with('/')
        && text.split('/').all(|part| !matches!(part, "" | "." | ".."));
    if plain {
        return Some(base.join(text.as_bytes()));
    }
    let mut parts: Vec<&[u8]> = base.as_bytes().split(|it| *it == b'/').collect();
    parts.retain(|part| !part.is_empty());
    for part in text.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                findings
                    .add(place, format!("the path `{shown}` holds `..`"))
                    .hint("a service lies below the directory of the file that declares it; declare this one in the `services.toml` of the workspace");
                return None;
            }
            part => parts.push(part.as_bytes()),
        }
    }
    Some(FilePath::from_bytes(parts.join(&b'/')))
}
