//! The cache keys of a plan's tasks, each as soon as what it needs is known.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

use crate::model::digest::Digest;
use crate::model::graph::{NodeIndex, NodeKind, TaskGraph};
use crate::model::key::{FORMAT, InputFiles, Key, NeededResult, digest_of_variable};
use crate::model::name::TaskId;
use crate::model::plan::Plan;
use crate::model::task::Task;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::tasks::inputs::{OnDisk, OneTask, TaskInputs};
use crate::ops::tasks::tools::{Tool, Tools};

/// What the keys of a plan's tasks are made of, save the results of needed tasks.
pub struct Keys {
    pub inputs: TaskInputs,
    graph: TaskGraph,
    /// By place in the plan.
    nodes: Vec<NodeIndex>,
    tools: Tools,
    variables: BTreeMap<OsString, OsString>,
}

/// How a needed task counts in the keys of its dependents.
#[derive(Clone, Debug, PartialEq)]
pub enum Needed {
    Known(NeededResult),
    /// It has to run first.
    Later,
    /// What it was made from cannot be told, because of this.
    Unclear(String),
}

/// Why a task has no key.
#[derive(Clone, Debug, PartialEq)]
pub enum NoKey {
    /// It is known when this task ran.
    After(TaskId),
    /// It will not be known in this run.
    Never(String),
}

/// As much of a key as is known before what it needs ran.
pub struct Partial {
    pub key: Key,
    /// Needed tasks that are missing in it, as they have to run first.
    pub later: Vec<TaskId>,
    /// Tools that are missing in it.
    pub unasked: Vec<String>,
}

impl Keys {
    /// Reads what is to be known of the plan's tasks.
    ///
    /// # Errors
    /// An unreadable repository or file.
    pub fn read(
        disk: OnDisk<'_>,
        workspace: &Workspace,
        graph: TaskGraph,
        plan: &Plan,
        tools: Tools,
        variables: &BTreeMap<OsString, OsString>,
    ) -> Result<Self, Failure> {
        let places: HashMap<TaskId, NodeIndex> = (0..graph.nodes().len())
            .filter_map(|at| Some((graph.id(workspace, at)?, at)))
            .collect();
        let nodes: Vec<NodeIndex> = plan.tasks.iter().map(|it| places[&it.id]).collect();
        let lacking = nodes.iter().flat_map(|it| graph.needed_without_task(*it));
        let all: BTreeSet<NodeIndex> = nodes.iter().copied().chain(lacking).collect();
        let inputs = TaskInputs::read(disk, workspace, &graph, &all)?;
        Ok(Self {
            inputs,
            graph,
            nodes,
            tools,
            variables: variables.clone(),
        })
    }

    /// The files that count for a task besides those in its key one by one.
    pub fn source_files(&self, task: usize) -> impl Iterator<Item = &InputFiles> {
        let lacking = self.graph.needed_without_task(self.nodes[task]);
        let sources = lacking.into_iter().filter(|it| self.is_sources(*it));
        sources.map(|node| &self.inputs.of(node).files)
    }

    fn is_sources(&self, node: NodeIndex) -> bool {
        self.graph.nodes()[node].kind == NodeKind::Sources
    }

    /// A task, and the dependencies that count by their inputs for it.
    pub fn readers<'a>(&'a self, workspace: &'a Workspace, task: usize) -> Vec<OneTask<'a>> {
        let node = self.nodes[task];
        let lacking = self.graph.needed_without_task(node);
        let nodes = std::iter::once(node).chain(lacking);
        let readers = nodes.map(|node| OneTask {
            workspace,
            graph: &self.graph,
            service: self.graph.nodes()[node].service,
            node,
        });
        readers.collect()
    }

    /// The key of a task, `needed` telling how the tasks that it needs count.
    ///
    /// # Errors
    /// It cannot be told, or not yet.
    pub fn key(
        &self,
        workspace: &Workspace,
        plan: &Plan,
        task: usize,
        needed: &dyn Fn(usize) -> Needed,
    ) -> Result<Key, NoKey> {
        let partial = self.partial(workspace, plan, task, needed)?;
        if let Some(first) = partial.later.into_iter().next() {
            return Err(NoKey::After(first));
        }
        match partial.unasked.first() {
            Some(tool) => Err(NoKey::Never(format!("what `{tool}` prints is not known"))),
            None => Ok(partial.key),
        }
    }

    /// As much of the key of a task as is known now.
    ///
    /// # Errors
    /// It will never be known.
    pub fn partial(
        &self,
        workspace: &Workspace,
        plan: &Plan,
        task: usize,
        needed: &dyn Fn(usize) -> Needed,
    ) -> Result<Partial, NoKey> {
        let planned = &plan.tasks[task];
        let service = workspace.service(planned.service);
        let definition = &service.tasks[&planned.id.task];
        let read = self.inputs.of(self.nodes[task]);
        if let Some(reason) = &read.unclear {
            return Err(NoKey::Never(reason.clone()));
        }
        if let Some(name) = self.secret_in(workspace, &planned.arguments) {
            return Err(NoKey::Never(format!(
                "its arguments hold the secret {name}"
            )));
        }
        let (mut needs, mut later) = (BTreeMap::new(), Vec::new());
        for need in &planned.needs {
            let id = &plan.tasks[*need].id;
            match needed(*need) {
                Needed::Known(result) => drop(needs.insert(id.clone(), result)),
                Needed::Later => later.push(id.clone()),
                Needed::Unclear(reason) => return Err(NoKey::Never(reason)),
            }
        }
        let (tools, unasked) = self.tools_of(task)?;
        let (mut dependencies, mut sources) = (BTreeMap::new(), BTreeMap::new());
        for node in self.graph.needed_without_task(self.nodes[task]) {
            let name = &workspace.service(self.graph.nodes()[node].service).name;
            let files = &self.inputs.of(node).files;
            match self.is_sources(node) {
                true => _ = sources.insert(name.clone(), files.digest().clone()),
                false => _ = dependencies.insert(name.clone(), files.clone()),
            }
        }
        let key = Key {
            format: FORMAT,
            task: planned.id.clone(),
            path: service.path.clone(),
            commands: definition.run.clone(),
            arguments: planned.arguments.clone(),
            shell: definition.shell.to_vec(),
            outputs: definition.outputs.as_ref().map(|it| {
                let patterns = it.iter();
                patterns.map(|it| it.as_str().to_owned()).collect()
            }),
            strict_env: definition.strict_env,
            platform: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            inputs: read.files.clone(),
            global_inputs: self.inputs.global().clone(),
            variables: self.variables_of(definition),
            tools,
            needs,
            dependencies,
            sources,
        };
        Ok(Partial {
            key,
            later,
            unasked,
        })
    }

    /// A declared secret whose value is in one of the arguments: keys are stored as they are.
    fn secret_in<'w>(&self, workspace: &'w Workspace, arguments: &[String]) -> Option<&'w String> {
        if arguments.is_empty() {
            return None;
        }
        let tasks = workspace.services().iter().flat_map(|it| it.tasks.values());
        let mut names = tasks.flat_map(|it| &it.secrets);
        names.find(|name| {
            let value = self.variables.get(OsStr::new(name));
            let value = value.and_then(|it| it.to_str()).unwrap_or_default();
            !value.is_empty() && arguments.iter().any(|it| it.contains(value))
        })
    }

    /// The declared variables, those that `PREFIX_*` stands for one by one.
    fn variables_of(&self, definition: &Task) -> BTreeMap<String, Option<Digest>> {
        let mut found = BTreeMap::new();
        for name in &definition.env {
            match name.strip_suffix('*') {
                None => {
                    let value = self.variables.get(OsStr::new(name));
                    let digest = value.map(|it| digest_of_variable(name, it.as_bytes()));
                    found.insert(name.clone(), digest);
                }
                Some(prefix) => found.extend(self.variables.iter().filter_map(|(name, value)| {
                    let is_meant = name.as_bytes().starts_with(prefix.as_bytes());
                    let name = is_meant.then(|| name.to_string_lossy().into_owned())?;
                    let digest = digest_of_variable(&name, value.as_bytes());
                    Some((name, Some(digest)))
                })),
            }
        }
        found
    }

    /// What the tools of a task print, and those that were not asked.
    fn tools_of(&self, task: usize) -> Result<(BTreeMap<String, Digest>, Vec<String>), NoKey> {
        let (mut tools, mut unasked) = (BTreeMap::new(), Vec::new());
        for (command, tool) in self.tools.of(task) {
            match tool {
                Tool::Printed(digest) => drop(tools.insert(command.clone(), digest.clone())),
                Tool::NotAsked => unasked.push(command.clone()),
                Tool::Failed(how) => {
                    return Err(NoKey::Never(format!("its tool `{command}` fails: {how}")));
                }
            }
        }
        Ok((tools, unasked))
    }
}
