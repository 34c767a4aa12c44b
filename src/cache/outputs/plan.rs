//! What has to be done so that just a given tree lies where the patterns match. Decides; touches nothing.

use std::collections::BTreeMap;

use crate::cache::outputs::memory::Memory;
use crate::cache::outputs::sight::{Found, Sight};
use crate::cache::outputs::steps::Step;
use crate::model::outputs::{Output, OutputEntry, OutputTree};
use crate::model::path::{FilePath, ancestors, is_within};

/// What an owner may do in a directory that things are moved into or out of.
const OPEN: u32 = 0o700;
/// The permission bits of a directory that nobody declares; those of the process are taken away from it.
const USUAL: u32 = 0o777;

/// The work of a restore.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Plan {
    pub steps: Vec<Step>,
    /// What to prepare, directories before what they hold.
    pub staged: Vec<Staged>,
    /// How many slots of the staging directory are used.
    pub slots: u32,
    /// Files that would go away or get another content, and of which nothing says that a result left them.
    pub unknown: Vec<FilePath>,
    /// Directories that go away with all they hold.
    pub taken: BTreeMap<FilePath, u32>,
}

/// Something to prepare.
#[derive(Debug, PartialEq)]
pub(crate) struct Staged {
    pub slot: u32,
    /// Below what is prepared in the slot; empty for itself.
    pub rest: Vec<u8>,
    pub output: Output,
    /// Whether the permission bits are to be just those; not so for a directory that nobody declares.
    pub is_exact: bool,
}

struct Planner<'a> {
    sight: &'a Sight,
    memory: &'a Memory,
    plan: Plan,
    /// Directories that are prepared as a whole, and what is below them with them.
    fresh: BTreeMap<FilePath, (u32, Vec<u8>)>,
    /// Directories that cannot be worked in as they are, with their permission bits.
    opened: BTreeMap<FilePath, u32>,
    /// Directories that stay and get other permission bits.
    modes: BTreeMap<FilePath, u32>,
    /// The same of new ones that could not be moved with theirs.
    closed: Vec<Step>,
}

/// The work that turns what was seen into `tree`. `seen` says what each of `sight.found` is.
pub(crate) fn plan(
    tree: &OutputTree,
    sight: &Sight,
    seen: &[Option<Output>],
    memory: &Memory,
) -> Plan {
    let mut planner = Planner {
        sight,
        memory,
        plan: Plan::default(),
        fresh: BTreeMap::new(),
        opened: BTreeMap::new(),
        modes: BTreeMap::new(),
        closed: Vec::new(),
    };
    let outputs: BTreeMap<&FilePath, &Option<Output>> =
        sight.found.iter().map(|it| &it.path).zip(seen).collect();
    for found in &sight.found {
        let wanted = tree.find(found.path.as_bytes());
        planner.make_room(found, wanted, outputs[&found.path]);
    }
    for entry in tree.entries() {
        planner.bring(entry, outputs.get(&entry.path).and_then(|it| it.as_ref()));
    }
    planner.finish()
}

/// Whether one can become the other without a move.
fn is_same_but_mode(now: Option<&Output>, wanted: &Output) -> bool {
    match (now, wanted) {
        (Some(Output::Directory { .. }), Output::Directory { .. }) => true,
        (
            Some(Output::File { size, content, .. }),
            Output::File {
                size: wanted_size,
                content: wanted_content,
                ..
            },
        ) => size == wanted_size && content == wanted_content,
        (Some(now), wanted) => now == wanted,
        (None, _) => false,
    }
}

impl Planner<'_> {
    /// Takes away what is not wanted, or is in the way of what is.
    fn make_room(&mut self, found: &Found, wanted: Option<&Output>, now: &Option<Output>) {
        let path = &found.path;
        let has_same_content = wanted.is_some_and(|it| is_same_but_mode(now.as_ref(), it));
        let is_directory = found.stamp.is_directory();
        if has_same_content && is_directory {
            return;
        }
        if !is_directory && !has_same_content && !self.was_left(path, now) {
            self.plan.unknown.push(path.clone());
        }
        let is_gone = ancestors(path.as_bytes())
            .skip(1)
            .any(|it| self.plan.taken.contains_key(&FilePath::from_bytes(it)));
        let is_swapped = !is_directory && matches!(wanted, Some(it) if !is_folder(it));
        if is_gone || is_swapped {
            return;
        }
        self.open_parent(path);
        let slot = self.slot();
        if is_directory {
            self.plan.taken.insert(path.clone(), slot);
            self.open(path);
        }
        self.plan.steps.push(Step::Take {
            path: path.clone(),
            slot,
            was: found.stamp.identity(),
        });
    }

    /// Brings an entry of the tree, unless it lies there.
    fn bring(&mut self, entry: &OutputEntry, now: Option<&Output>) {
        let path = &entry.path;
        let found = self.sight.find(path);
        if now == Some(&entry.output) {
            return;
        }
        if let (Some(Output::Directory { .. }), Output::Directory { mode }) = (now, &entry.output) {
            self.modes.insert(path.clone(), *mode);
            return;
        }
        match found {
            Some(found) if !found.stamp.is_directory() && !is_folder(&entry.output) => {
                let slot = self.slot();
                self.open_parent(path);
                self.stage(path, slot, Vec::new(), entry.output.clone(), true);
                self.plan.steps.push(Step::Swap {
                    path: path.clone(),
                    slot,
                    was: found.stamp.identity(),
                });
            }
            _ => self.bring_new(entry),
        }
    }

    /// Brings an entry with all directories above it that are missing.
    fn bring_new(&mut self, entry: &OutputEntry) {
        let path = &entry.path;
        let above = ancestors(path.as_bytes()).skip(1).map(FilePath::from_bytes);
        let mut missing: Vec<FilePath> = above
            .take_while(|it| !it.is_root() && !self.is_folder_here(it))
            .take_while(|it| !self.fresh.contains_key(it))
            .collect();
        missing.reverse();
        let top = missing.first().unwrap_or(path).clone();
        // What is above may be missing, too, and prepared already for another entry.
        if let Some((slot, within)) = self.fresh_parent(&top) {
            let outer = parent(&top);
            let rest = |it: &FilePath| inside(&within, &below(it, &outer));
            for directory in missing {
                let rest = rest(&directory);
                self.stage(
                    &directory,
                    slot,
                    rest,
                    Output::Directory { mode: USUAL },
                    false,
                );
            }
            self.stage(path, slot, rest(path), entry.output.clone(), true);
            return;
        }
        let slot = self.slot();
        self.open_parent(&top);
        for directory in missing {
            let rest = below(&directory, &top);
            self.stage(
                &directory,
                slot,
                rest,
                Output::Directory { mode: USUAL },
                false,
            );
        }
        self.stage(path, slot, below(path, &top), entry.output.clone(), true);
        if let (true, Some(mode)) = (top == *path, folder_mode(&entry.output)) {
            // Without these bits it could not be moved.
            if mode & OPEN != OPEN {
                self.closed.push(Step::Mode {
                    path: top.clone(),
                    was: None,
                    from: mode | OPEN,
                    to: mode,
                });
            }
        }
        self.plan.steps.push(Step::Put { path: top, slot });
    }

    fn stage(&mut self, path: &FilePath, slot: u32, rest: Vec<u8>, output: Output, is_exact: bool) {
        if is_folder(&output) {
            self.fresh.insert(path.clone(), (slot, rest.clone()));
        }
        self.plan.staged.push(Staged {
            slot,
            rest,
            output,
            is_exact,
        });
    }

    /// Where the directory above `path` is prepared, if it is.
    fn fresh_parent(&self, path: &FilePath) -> Option<(u32, Vec<u8>)> {
        self.fresh.get(&parent(path)).cloned()
    }

    /// Whether `path` is a directory now, and still will be.
    fn is_folder_here(&self, path: &FilePath) -> bool {
        // Above all starts there are directories that nobody listed; those that are missing are told apart by looking.
        self.sight.folder(path).is_some() || self.sight.above.contains_key(path)
    }

    /// Makes sure that things can be moved into and out of the directory above `path`.
    fn open_parent(&mut self, path: &FilePath) {
        self.open(&parent(path));
    }

    fn open(&mut self, directory: &FilePath) {
        let Some(folder) = self.sight.folder(directory) else {
            return;
        };
        let mode = folder.stamp.permissions();
        if mode & OPEN != OPEN {
            self.opened.insert(directory.clone(), mode);
        }
    }

    /// Whether an earlier result left just this.
    fn was_left(&self, path: &FilePath, now: &Option<Output>) -> bool {
        let (Some(now), Some(left)) = (now, self.memory.find(path)) else {
            return false;
        };
        is_same_but_mode(Some(now), left)
    }

    fn slot(&mut self) -> u32 {
        self.plan.slots += 1;
        self.plan.slots - 1
    }

    fn finish(mut self) -> Plan {
        let mode_step = |path: &FilePath, from: u32, to: u32| {
            let was = self.sight.folder(path)?.stamp.identity();
            (from != to).then(|| Step::Mode {
                path: path.clone(),
                was: Some(was),
                from,
                to,
            })
        };
        let open = self.opened.iter();
        let mut steps: Vec<Step> = open
            .filter_map(|(path, mode)| mode_step(path, *mode, mode | OPEN))
            .collect();
        steps.append(&mut self.plan.steps);
        // These lie in directories that are closed below.
        steps.extend(self.closed.iter().cloned());
        // What goes away is not closed again.
        let is_gone = |path: &FilePath| {
            ancestors(path.as_bytes())
                .any(|it| self.plan.taken.contains_key(&FilePath::from_bytes(it)))
        };
        let mut last: BTreeMap<&FilePath, u32> = self
            .opened
            .iter()
            .map(|(path, mode)| (path, *mode))
            .collect();
        last.extend(self.modes.iter().map(|(path, mode)| (path, *mode)));
        // Deepest first: what is below a closed one is out of reach.
        for (path, mode) in last.into_iter().rev().filter(|it| !is_gone(it.0)) {
            let seen = self.sight.folder(path).map(|it| it.stamp.permissions());
            let from = seen.unwrap_or(mode);
            let from = if self.opened.contains_key(path) {
                from | OPEN
            } else {
                from
            };
            steps.extend(mode_step(path, from, mode));
        }
        self.plan.steps = steps;
        self.plan
    }
}

fn folder_mode(output: &Output) -> Option<u32> {
    match output {
        Output::Directory { mode } => Some(*mode),
        _ => None,
    }
}

fn is_folder(output: &Output) -> bool {
    matches!(output, Output::Directory { .. })
}

fn parent(path: &FilePath) -> FilePath {
    let parent = ancestors(path.as_bytes()).nth(1).unwrap_or_default();
    FilePath::from_bytes(parent)
}

/// `rest` below `directory`, which may be empty.
fn inside(directory: &[u8], rest: &[u8]) -> Vec<u8> {
    let directory = FilePath::from_bytes(directory);
    directory.join(rest).as_bytes().to_vec()
}

/// `path` without the directory `top` that holds it.
fn below(path: &FilePath, top: &FilePath) -> Vec<u8> {
    debug_assert!(is_within(path.as_bytes(), top.as_bytes()));
    match top.is_root() {
        true => path.as_bytes().to_vec(),
        false => path.as_bytes()[top.as_bytes().len()..]
            .strip_prefix(b"/")
            .unwrap_or_default()
            .to_vec(),
    }
}
