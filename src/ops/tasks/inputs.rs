//! The input files of a plan's tasks, read once from the working tree, and whether they stayed as they were.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use rayon::prelude::*;

use crate::git::snapshot::{File, Files, Stamp};
use crate::git::{Repo, Snapshot};
use crate::model::change::ObjectId;
use crate::model::graph::{Node, NodeIndex, NodeKind, TaskGraph};
use crate::model::input::{InputRule, Inputs};
use crate::model::key::{InputFile, InputFiles};
use crate::model::name::TaskId;
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::pattern::Pattern;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::failure::Failure;
use crate::ops::shares::Shares;
use crate::ops::tasks::asking::GitLater;
use crate::ops::tasks::ignored::{Ignored, ignored_inputs, is_looked_for};
use crate::ops::tasks::links::hidden;
use crate::record::WorkedOut;

/// How much older than the reading of the inputs a directory must be for nothing to have been added to it since. The clock of
/// a file server may differ from ours.
const SKEW: Duration = Duration::from_secs(600);

/// The inputs of some tasks, and of services that count by their inputs.
pub struct TaskInputs {
    files: Files,
    ignored: Ignored,
    global: InputFiles,
    by_node: HashMap<NodeIndex, NodeInputs>,
    read_anew: ReadAnew,
    read_at_ns: i128,
}

/// The working tree that inputs are read from.
#[derive(Clone, Copy)]
pub struct OnDisk<'a> {
    /// The workspace's directory.
    pub root: &'a Path,
    pub repo: &'a Repo,
    pub snapshot: &'a dyn Snapshot,
    /// What is known of its lock files.
    pub locks: Option<&'a WorkedOut>,
}

/// The inputs of one node of the task graph.
#[derive(Clone)]
pub struct NodeInputs {
    pub files: InputFiles,
    /// Why there is more to read than what these files tell, in words.
    pub unclear: Option<String>,
}

impl TaskInputs {
    /// Reads the inputs of `nodes` of the graph.
    ///
    /// # Errors
    /// An unreadable repository or file.
    pub fn read(
        disk: OnDisk<'_>,
        workspace: &Workspace,
        graph: &TaskGraph,
        nodes: &BTreeSet<NodeIndex>,
    ) -> Result<Self, Failure> {
        let OnDisk {
            root,
            repo,
            snapshot,
            locks: known,
        } = disk;
        let read_at_ns = now_ns();
        let files = snapshot.files(&places(workspace, graph, nodes))?;
        let wanted = distinct(workspace, graph, nodes);
        let inputs = wanted.iter().flat_map(|(_, inputs, _)| inputs);
        let named = inputs.flat_map(|it| it.taken());
        let named = named.chain(&workspace.settings().global_inputs);
        let ignored = ignored_inputs(root, repo, workspace, &files, named)?;
        let global = files.iter().chain(ignored.all());
        let global = global.filter(|file| workspace.is_global(file.path));
        let read_anew = read_anew(disk, &files)?;
        let services: BTreeSet<ServiceIndex> = wanted.iter().map(|it| it.0).collect();
        let locks = files.iter().map(|it| FilePath::from_bytes(it.path));
        let shares = Shares::read(workspace, snapshot, locks, &services, known);
        let mut global: Vec<InputFile> = global.map(|it| read_anew.input_file(it)).collect();
        global.sort_unstable_by(|a, b| a.path.cmp(&b.path));
        let global = InputFiles::new(global);
        let entries = Entries::find(&files, &wanted);
        let read = wanted.par_iter().map(|(service, inputs, nodes)| {
            let one = OneTask {
                workspace,
                graph,
                service: *service,
                node: nodes[0],
            };
            let there = (&files, &entries, &ignored);
            let read = one.read(root, inputs, there, &|file| {
                let whole = read_anew.input_file(file);
                shares.counted(*service, whole)
            });
            (read, nodes)
        });
        let read: Vec<_> = read.collect();
        let by_node = read.into_iter().flat_map(|(inputs, nodes)| {
            let nodes = nodes.iter().copied();
            nodes.map(move |node| (node, inputs.clone()))
        });
        let by_node = by_node.collect();
        Ok(Self {
            by_node,
            files,
            ignored,
            global,
            read_anew,
            read_at_ns,
        })
    }

    /// The files that git tracks, of all that were looked at, sorted by path.
    pub fn tracked(&self) -> impl Iterator<Item = &[u8]> {
        let tracked = self.files.iter().filter(|it| it.is_tracked);
        tracked.map(|it| it.path)
    }

    /// The inputs of a node, which must be one of those that were read.
    pub fn of(&self, node: NodeIndex) -> &NodeInputs {
        &self.by_node[&node]
    }

    /// The inputs of every task.
    pub fn global(&self) -> &InputFiles {
        &self.global
    }

    /// The first of `files` that is not on disk as it was when it was read. What was written just before it was read may have
    /// been written again within the same tick of the clock, so its content is compared.
    pub fn first_changed<'f>(
        &self,
        git: &GitLater<'_>,
        files: &'f [InputFile],
    ) -> Option<&'f FilePath> {
        let mut young = Vec::new();
        for file in files {
            let Some(before) = self.stamp(file.path.as_bytes()) else {
                continue;
            };
            let now = on_disk(git.root, file.path.as_bytes()).symlink_metadata();
            if now.ok().map(|it| stamp(&it)) != Some(before) {
                return Some(&file.path);
            }
            if is_young(before, self.read_at_ns) && file.mode & 0o170000 == 0o100000 {
                young.push(file);
            }
        }
        if young.is_empty() {
            return None;
        }
        let paths: Vec<FilePath> = young.iter().map(|it| it.path.clone()).collect();
        let now = git.contents(&paths).unwrap_or_default();
        let is_same = |at: usize| now.get(at) == Some(&self.content_of(young[at]));
        let changed = (0..young.len()).find(|at| !is_same(*at));
        changed.map(|at| &young[at].path)
    }

    /// The content of all of an input file, as it was when it was read.
    fn content_of(&self, file: &InputFile) -> ObjectId {
        let whole = self.files.find(file.path.as_bytes());
        match whole.filter(|_| file.is_part) {
            Some(whole) => self.read_anew.input_file(whole).content,
            None => file.content,
        }
    }

    /// What is there now and was not when the inputs were read, at `starts` and below them, and that git may or may not
    /// ignore: files, and directories with all they hold. Directories that were not changed since are not looked into.
    pub fn added_below(&self, root: &Path, starts: &BTreeSet<&[u8]>) -> BTreeSet<FilePath> {
        let mut directories: BTreeSet<&[u8]> = BTreeSet::new();
        for start in starts {
            // A start that was not there, or is a file, shows in the nearest directory that was.
            for directory in ancestors(start) {
                directories.insert(directory);
                if self.files.within(directory).any(|it| it.path != directory) {
                    break;
                }
            }
            for file in self.files.within(start) {
                let above = ancestors(file.path).skip(1);
                for directory in above.take_while(|it| is_within(it, start)) {
                    if !directories.insert(directory) {
                        break;
                    }
                }
            }
        }
        let added = directories
            .into_iter()
            .flat_map(|it| self.added_to(root, &FilePath::from_bytes(it)));
        let is_near = |path: &FilePath| {
            let mut starts = starts.iter();
            starts.any(|it| is_within(path.as_bytes(), it) || is_within(it, path.as_bytes()))
        };
        added.filter(is_near).collect()
    }

    /// Whether the file at `path`, which git ignores and `pattern` takes, would be an input if it had been there.
    pub fn is_looked_for(&self, pattern: &Pattern, path: &FilePath) -> bool {
        is_looked_for(&self.files, pattern, path)
    }

    fn added_to(&self, root: &Path, directory: &FilePath) -> Vec<FilePath> {
        let path = root.join(directory.as_path());
        let Ok(metadata) = path.metadata() else {
            return Vec::new();
        };
        if stamp(&metadata).modified_ns + (SKEW.as_nanos() as i128) < self.read_at_ns {
            return Vec::new();
        }
        let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
        let names = entries.map(|it| directory.join(it.file_name().as_bytes()));
        names.filter(|it| !self.is_known(it)).collect()
    }

    /// Whether there was a file of that name, or below it.
    pub fn is_known(&self, path: &FilePath) -> bool {
        self.files.within(path.as_bytes()).next().is_some() || self.ignored.find(path).is_some()
    }

    fn stamp(&self, path: &[u8]) -> Option<Stamp> {
        match self.files.find(path) {
            Some(file) => file.stamp,
            None => self.ignored.find(&FilePath::from_bytes(path)),
        }
    }
}

/// Whether a file that was read at `read_at_ns` may change without its stamp showing that: clocks of file systems tick, some
/// of them in seconds.
fn is_young(stamp: Stamp, read_at_ns: i128) -> bool {
    const TICK_NS: i128 = 20_000_000;
    const COARSE_TICK_NS: i128 = 2_000_000_000;
    let tick = match stamp.changed_ns % 10_000_000 {
        0 => COARSE_TICK_NS,
        _ => TICK_NS,
    };
    stamp.changed_ns + tick >= read_at_ns
}

/// What the file system says of a file.
pub fn stamp(metadata: &std::fs::Metadata) -> Stamp {
    let nanoseconds =
        |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    Stamp {
        size: metadata.size(),
        modified_ns: nanoseconds(metadata.mtime(), metadata.mtime_nsec()),
        changed_ns: nanoseconds(metadata.ctime(), metadata.ctime_nsec()),
        inode: metadata.ino(),
    }
}

/// Every directory and file that may hold an input of the nodes, or anything else of their services.
pub(in crate::ops) fn places(
    workspace: &Workspace,
    graph: &TaskGraph,
    nodes: &BTreeSet<NodeIndex>,
) -> Vec<FilePath> {
    let services = nodes.iter().map(|it| graph.nodes()[*it].service);
    let services: BTreeSet<ServiceIndex> = services.collect();
    let paths = services
        .iter()
        .map(|it| workspace.service(*it).path.clone());
    let mut places: BTreeSet<FilePath> = paths.collect();
    let tasks = services
        .iter()
        .flat_map(|it| workspace.service(*it).tasks.values());
    let patterns = tasks.flat_map(|task| task.inputs.taken());
    let patterns = patterns.chain(&workspace.settings().global_inputs);
    places.extend(patterns.map(|it| FilePath::from_bytes(it.literal())));
    places.into_iter().collect()
}

/// Some nodes of a service that read the same.
type Group<'w> = (Vec<&'w Inputs>, Vec<NodeIndex>);

/// The nodes, by what they read: most tasks of a service read the same. A service that lacks a task counts by the inputs of
/// all its tasks.
fn distinct<'w>(
    workspace: &'w Workspace,
    graph: &TaskGraph,
    nodes: &BTreeSet<NodeIndex>,
) -> Vec<(ServiceIndex, Vec<&'w Inputs>, Vec<NodeIndex>)> {
    let mut found: HashMap<ServiceIndex, Vec<Group<'w>>> = HashMap::new();
    for node in nodes {
        let of = &graph.nodes()[*node];
        let inputs = inputs_of(workspace, of);
        // What a task makes itself, or needs, is no input of it: that differs between tasks with explicit inputs.
        let is_plain = inputs.iter().all(|it| it.taken().next().is_none());
        let known = found.entry(of.service).or_default();
        match known
            .iter_mut()
            .find(|(other, _)| is_plain && *other == inputs)
        {
            Some((_, nodes)) => nodes.push(*node),
            None => known.push((inputs, vec![*node])),
        }
    }
    let found = found.into_iter();
    found
        .flat_map(|(service, all)| {
            all.into_iter()
                .map(move |(inputs, nodes)| (service, inputs, nodes))
        })
        .collect()
}

/// What a node reads.
pub fn inputs_of<'w>(workspace: &'w Workspace, node: &Node) -> Vec<&'w Inputs> {
    static OWN: std::sync::LazyLock<Inputs> = std::sync::LazyLock::new(Inputs::default);
    let service = workspace.service(node.service);
    match &node.kind {
        NodeKind::Task(task) => vec![&service.tasks[task].inputs],
        NodeKind::Sources => service.consumed.iter().map(|it| &it.files).collect(),
        NodeKind::Missing(_) if service.tasks.is_empty() => vec![&*OWN],
        NodeKind::Missing(_) => service.tasks.values().map(|task| &task.inputs).collect(),
    }
}

/// A node whose inputs are read.
pub struct OneTask<'a> {
    pub workspace: &'a Workspace,
    pub graph: &'a TaskGraph,
    pub service: ServiceIndex,
    pub node: NodeIndex,
}

impl OneTask<'_> {
    fn read(
        &self,
        root: &Path,
        inputs: &[&Inputs],
        (files, entries, ignored): (&Files, &Entries<'_>, &Ignored),
        input_file: &dyn Fn(File<'_>) -> InputFile,
    ) -> NodeInputs {
        let mut found: Vec<InputFile> = Vec::new();
        let mut made_by = None;
        let mut take = |file: File<'_>, is_own: bool| {
            if !is_own {
                match self.maker(file.path) {
                    Maker::Nobody => {}
                    Maker::Known => return,
                    Maker::Other(task) => {
                        made_by.get_or_insert((FilePath::from_bytes(file.path), task));
                    }
                }
            }
            found.push(input_file(file));
        };
        for inputs in inputs {
            let places = entries.starts(self.workspace, self.service, inputs);
            for file in places.iter().flat_map(|place| files.within(place)) {
                let is_own = self.is_own(file.path);
                if inputs.take(file.path, || is_own) {
                    take(file, is_own);
                }
            }
            for file in ignored.of(inputs) {
                take(file, self.is_own(file.path));
            }
        }
        // They come in order, save where several lists of inputs, or ignored files, are mixed.
        found.sort_by(|a, b| a.path.cmp(&b.path));
        found.dedup_by(|a, b| a.path == b.path);
        let mut made = inputs.iter().flat_map(|it| ignored.made_of(it));
        let made = made.find_map(|path| match self.maker(path.as_bytes()) {
            Maker::Other(task) => Some((path.clone(), task)),
            Maker::Nobody | Maker::Known => None,
        });
        let unclear = match made_by.or(made) {
            Some((path, maker)) => Some(format!(
                "its input {} is an output of {maker}, which it does not need",
                path.display()
            )),
            None => hidden(root, &found, |path| {
                self.workspace.is_global(path) || matches!(self.maker(path), Maker::Known)
            }),
        };
        NodeInputs {
            files: InputFiles::new(found),
            unclear,
        }
    }

    fn is_own(&self, path: &[u8]) -> bool {
        self.workspace.owner(path) == Some(self.service)
            && self.workspace.is_own(self.service, path)
    }

    /// Who makes the file at `path`, if it is a declared output.
    pub fn maker(&self, path: &[u8]) -> Maker {
        for directory in ancestors(path) {
            let Some(service) = self.workspace.at(directory) else {
                continue;
            };
            for (name, task) in &self.workspace.service(service).tasks {
                if !task.outputs.iter().flatten().any(|it| it.matches(path)) {
                    continue;
                }
                let node = &self.graph.nodes()[self.node];
                let is_itself = node.service == service && node.is(name);
                let needed = self.graph.needed_tasks(self.node);
                let is = |node: &NodeIndex| {
                    let node = &self.graph.nodes()[*node];
                    node.service == service && node.is(name)
                };
                if is_itself || needed.iter().any(is) {
                    return Maker::Known;
                }
                return Maker::Other(TaskId::new(&self.workspace.service(service).name, name));
            }
        }
        Maker::Nobody
    }
}

/// Who makes a file.
pub enum Maker {
    Nobody,
    /// The task itself, or one that it needs, whose outputs count anyway.
    Known,
    Other(TaskId),
}

/// Where the files of `inputs` may be, none within another.
pub fn starts<'a>(
    workspace: &'a Workspace,
    service: ServiceIndex,
    inputs: &'a Inputs,
) -> Vec<&'a [u8]> {
    Entries::default().starts(workspace, service, inputs)
}

/// What patterns take that choose in one directory alone: that is looked at once for all tasks, and not what is below it.
#[derive(Default)]
struct Entries<'a>(HashMap<&'a str, Vec<&'a [u8]>>);

impl<'a> Entries<'a> {
    fn find(files: &'a Files, wanted: &[(ServiceIndex, Vec<&'a Inputs>, Vec<NodeIndex>)]) -> Self {
        let mut found = HashMap::new();
        let inputs = wanted.iter().flat_map(|(_, inputs, _)| inputs);
        let shallow = inputs
            .flat_map(|it| it.taken())
            .filter(|it| it.is_shallow());
        for pattern in shallow {
            found.entry(pattern.as_str()).or_insert_with(|| {
                let entries = files.entries(pattern.literal());
                entries.filter(|it| pattern.matches(it)).collect()
            });
        }
        Self(found)
    }

    /// Where the files of `inputs` may be, none within another.
    fn starts(
        &self,
        workspace: &'a Workspace,
        service: ServiceIndex,
        inputs: &'a Inputs,
    ) -> Vec<&'a [u8]> {
        let mut all: BTreeSet<&[u8]> = BTreeSet::new();
        for rule in inputs.rules() {
            match rule {
                InputRule::Own => _ = all.insert(workspace.service(service).path.as_bytes()),
                InputRule::Take(pattern) => match self.0.get(pattern.as_str()) {
                    Some(entries) => all.extend(entries),
                    None => _ = all.insert(pattern.literal()),
                },
                InputRule::PartOfOwn { directory, .. } => _ = all.insert(directory.as_bytes()),
                InputRule::Leave(_) => {}
            }
        }
        let is_nested = |it: &&&[u8]| ancestors(it).skip(1).any(|above| all.contains(above));
        all.iter().filter(|it| !is_nested(it)).copied().collect()
    }
}

/// Files that git does not look at, as it was told, with what is in them: people change them all the same.
struct ReadAnew(HashMap<FilePath, ObjectId>);

fn read_anew(disk: OnDisk<'_>, files: &Files) -> Result<ReadAnew, Failure> {
    let is_file = |path: &FilePath| {
        let file = files.find(path.as_bytes());
        let is_there = file.is_some_and(|it| it.stamp.is_some() && it.mode & 0o170000 == 0o100000);
        is_there
            && on_disk(disk.root, path.as_bytes())
                .symlink_metadata()
                .is_ok_and(|it| it.is_file())
    };
    let mut paths = disk.snapshot.promised()?;
    paths.retain(is_file);
    if paths.is_empty() {
        return Ok(ReadAnew(HashMap::new()));
    }
    let from_top = paths.iter().map(|it| disk.repo.scope().join(it.as_bytes()));
    let ids = disk.repo.hash_files(&from_top.collect::<Vec<_>>())?;
    Ok(ReadAnew(paths.into_iter().zip(ids).collect()))
}

impl ReadAnew {
    fn input_file(&self, file: File<'_>) -> InputFile {
        let path = FilePath::from_bytes(file.path);
        InputFile {
            mode: file.mode,
            content: self.0.get(&path).copied().unwrap_or(file.content),
            is_part: false,
            size: file.stamp.map(|it| it.size),
            path,
        }
    }
}

/// The path as the file system has it, below `root`.
pub fn on_disk(root: &Path, path: &[u8]) -> std::path::PathBuf {
    root.join(OsStr::from_bytes(path))
}

/// The present, in nanoseconds since 1970, to the millisecond.
pub fn now_ns() -> i128 {
    i128::from(crate::record::now().0) * 1_000_000
}
