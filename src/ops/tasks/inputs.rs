//! What each task of a plan is made from, as one digest: definition, inputs, variables and needed tasks.
//!
//! It tells whether a result of this worktree still stands. It holds no tool versions and is never shared.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use crate::git::Snapshot;
use crate::git::snapshot::{File, Files, Stamp};
use crate::model::digest::{Digest, Digester};
use crate::model::graph::{Node, NodeIndex, TaskGraph};
use crate::model::input::{InputRule, Inputs};
use crate::model::name::TaskId;
use crate::model::path::{FilePath, is_within};
use crate::model::plan::Plan;
use crate::model::task::Task;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::failure::Failure;

/// The inputs of a plan's tasks, read once.
pub struct TaskInputs {
    files: Files,
    /// By place in the plan.
    digests: Vec<Digest>,
}

impl TaskInputs {
    /// Reads the inputs of every task of `plan` from `snapshot`.
    ///
    /// # Errors
    /// An unreadable repository or file.
    pub fn read(
        variables: &BTreeMap<OsString, OsString>,
        workspace: &Workspace,
        graph: &TaskGraph,
        plan: &Plan,
        snapshot: &dyn Snapshot,
    ) -> Result<Self, Failure> {
        let nodes = nodes(workspace, graph, plan);
        let files = snapshot.files(&directories(workspace, graph, &nodes))?;
        let global = global(workspace, &files);
        let mut by_node: HashMap<NodeIndex, Digest> = HashMap::new();
        for index in nodes {
            let mut digester = Digester::new("task");
            digester.part("global inputs", global.as_str().as_bytes());
            feed_node(
                &mut digester,
                variables,
                workspace,
                &graph.nodes()[index],
                &files,
            );
            feed_ignored(
                &mut digester,
                workspace,
                &graph.nodes()[index],
                &files,
                snapshot,
            )?;
            for need in graph.needs(index) {
                digester.part("need", by_node[need].as_str().as_bytes());
            }
            by_node.insert(index, digester.finish());
        }
        let places = places(workspace, graph);
        let digest = |id| by_node[&places[id]].clone();
        let digests = plan
            .tasks
            .iter()
            .map(|task| match task.arguments.is_empty() {
                true => digest(&task.id),
                false => {
                    let mut digester = Digester::new("task with arguments");
                    digester.part("task", digest(&task.id).as_str().as_bytes());
                    digester.list("argument", task.arguments.iter().map(String::as_str));
                    digester.finish()
                }
            });
        Ok(Self {
            digests: digests.collect(),
            files,
        })
    }

    /// The digest of a task, by its place in the plan.
    pub fn digest(&self, task: usize) -> &Digest {
        &self.digests[task]
    }

    /// The first input of a task that is not on disk as it was when it was read.
    pub fn first_changed(
        &self,
        root: &Path,
        workspace: &Workspace,
        service: ServiceIndex,
        task: &Task,
    ) -> Option<FilePath> {
        let inputs = inputs_of(workspace, service, &task.inputs, &self.files);
        let mut changed = inputs.filter(|file| {
            let path = root.join(OsStr::from_bytes(file.path));
            file.stamp.is_some()
                && std::fs::symlink_metadata(path).ok().map(|it| stamp(&it)) != file.stamp
        });
        changed.next().map(|file| FilePath::from_bytes(file.path))
    }
}

fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    let nanoseconds =
        |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Stamp {
        size: metadata.size(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

fn places(workspace: &Workspace, graph: &TaskGraph) -> HashMap<TaskId, NodeIndex> {
    (0..graph.nodes().len())
        .map(|at| (graph.id(workspace, at), at))
        .collect()
}

/// The nodes of the plan's tasks and of everything they need, in dependency order.
fn nodes(workspace: &Workspace, graph: &TaskGraph, plan: &Plan) -> BTreeSet<NodeIndex> {
    let places = places(workspace, graph);
    let mut nodes: BTreeSet<NodeIndex> = plan.tasks.iter().map(|it| places[&it.id]).collect();
    let mut pending: Vec<NodeIndex> = nodes.iter().copied().collect();
    while let Some(node) = pending.pop() {
        pending.extend(graph.needs(node).iter().filter(|need| nodes.insert(**need)));
    }
    nodes
}

/// Every directory and file that may hold an input of the nodes.
fn directories(
    workspace: &Workspace,
    graph: &TaskGraph,
    nodes: &BTreeSet<NodeIndex>,
) -> Vec<FilePath> {
    let services: BTreeSet<ServiceIndex> =
        nodes.iter().map(|it| graph.nodes()[*it].service).collect();
    let mut directories: BTreeSet<FilePath> = services
        .iter()
        .map(|service| workspace.service(*service).path.clone())
        .collect();
    let rules = services
        .iter()
        .flat_map(|service| workspace.service(*service).tasks.values())
        .flat_map(|task| task.inputs.rules());
    let patterns = rules.filter_map(|rule| match rule {
        InputRule::Take(pattern) => Some(pattern),
        InputRule::Own | InputRule::Leave(_) => None,
    });
    let patterns = patterns.chain(&workspace.settings().global_inputs);
    directories.extend(patterns.map(|it| FilePath::from_bytes(it.literal())));
    directories.into_iter().collect()
}

fn global(workspace: &Workspace, files: &Files) -> Digest {
    let mut digester = Digester::new("global inputs");
    let inputs = files.iter().filter(|file| workspace.is_global(file.path));
    inputs.for_each(|file| feed_file(&mut digester, file));
    digester.finish()
}

fn feed_node(
    digester: &mut Digester,
    variables: &BTreeMap<OsString, OsString>,
    workspace: &Workspace,
    node: &Node,
    files: &Files,
) {
    let service = workspace.service(node.service);
    digester.part("path", service.path.as_bytes());
    match service.tasks.get(&node.task) {
        Some(task) => {
            feed_definition(digester, variables, task);
            let inputs = inputs_of(workspace, node.service, &task.inputs, files);
            inputs.for_each(|file| feed_file(digester, file));
        }
        None => {
            let inputs = service.tasks.values().map(|task| &task.inputs);
            let own = Inputs::default();
            let all: Vec<_> = match service.tasks.is_empty() {
                true => vec![&own],
                false => inputs.collect(),
            };
            for inputs in all {
                let inputs = inputs_of(workspace, node.service, inputs, files);
                inputs.for_each(|file| feed_file(digester, file));
            }
        }
    }
}

fn feed_definition(digester: &mut Digester, variables: &BTreeMap<OsString, OsString>, task: &Task) {
    digester.list("run", task.run.iter().map(String::as_str));
    digester.list("shell", task.shell.iter().map(String::as_str));
    digester.list("tool", task.tools.iter().map(String::as_str));
    let outputs = task.outputs.iter().flatten().map(|it| it.as_str());
    digester.list("output", outputs);
    digester.part("strict-env", &[u8::from(task.strict_env)]);
    for name in &task.env {
        let value = variables.get(OsStr::new(name));
        digester.part("variable", name.as_bytes());
        match value {
            Some(value) => digester.part("value", value.as_bytes()),
            None => digester.part("unset", b""),
        };
    }
}

/// Feeds the files that a task names one by one and git does not know, as far as no task leaves them behind.
fn feed_ignored(
    digester: &mut Digester,
    workspace: &Workspace,
    node: &Node,
    files: &Files,
    snapshot: &dyn Snapshot,
) -> Result<(), Failure> {
    let Some(task) = workspace.service(node.service).tasks.get(&node.task) else {
        return Ok(());
    };
    for rule in task.inputs.rules() {
        let InputRule::Take(pattern) = rule else {
            continue;
        };
        let path = pattern.literal();
        let owner = workspace.owner(path);
        let is_output = owner.is_some_and(|it| workspace.is_output(it, path));
        if !pattern.is_literal() || is_output || files.within(path).next().is_some() {
            continue;
        }
        if let Some(content) = snapshot.read(&FilePath::from_bytes(path))? {
            digester
                .part("ignored file", path)
                .part("content", &content);
        }
    }
    Ok(())
}

fn feed_file(digester: &mut Digester, file: File<'_>) {
    digester.part("file", file.path);
    digester.part("mode", &file.mode.to_le_bytes());
    digester.part("content", file.content.as_bytes());
}

/// The files that a task of `service` with these inputs reads, sorted by path, each once.
fn inputs_of<'a>(
    workspace: &'a Workspace,
    service: ServiceIndex,
    inputs: &'a Inputs,
    files: &'a Files,
) -> impl Iterator<Item = File<'a>> {
    let mut places: BTreeSet<&[u8]> = inputs
        .rules()
        .iter()
        .filter_map(|rule| match rule {
            InputRule::Own => Some(workspace.service(service).path.as_bytes()),
            InputRule::Take(pattern) => Some(pattern.literal()),
            InputRule::Leave(_) => None,
        })
        .collect();
    let all: Vec<&[u8]> = places.iter().copied().collect();
    let nested = |it: &&[u8]| {
        let inside = |other: &&[u8]| other != it && is_within(it, other);
        all.iter().any(inside)
    };
    places.retain(|it| !nested(it));
    places
        .into_iter()
        .flat_map(move |place| files.within(place))
        .filter(move |file| {
            inputs.take(file.path, || {
                workspace.owner(file.path) == Some(service) && workspace.is_own(service, file.path)
            })
        })
}
