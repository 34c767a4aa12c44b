//! All outputs of a workspace, to be found by what they take, without comparing each with each.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;
use std::sync::OnceLock;

use crate::model::name::TaskName;
use crate::model::path::{ancestors, is_within};
use crate::model::pattern::Pattern;
use crate::model::workspace::{ServiceIndex, Workspace};

/// A task, by its service.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Owner<'w> {
    pub index: ServiceIndex,
    pub name: &'w TaskName,
}

/// One pattern in the outputs of a task.
pub struct Output<'w> {
    pub owner: Owner<'w>,
    pub pattern: &'w Pattern,
}

/// The outputs of all tasks.
pub fn all(workspace: &Workspace) -> Vec<Output<'_>> {
    let mut all = Vec::new();
    for index in workspace.indices() {
        for (name, task) in &workspace.service(index).tasks {
            let owner = Owner { index, name };
            let patterns = task.outputs.iter().flatten();
            all.extend(patterns.map(|pattern| Output { owner, pattern }));
        }
    }
    all
}

/// All outputs, to be found by what they take.
pub struct Outputs<'w> {
    pub all: Vec<Output<'w>>,
    /// By the directory that they take as a whole, and by the text of those that choose: the last of each.
    by_key: HashMap<&'w [u8], usize>,
    /// The one before with the same key.
    before: Vec<Option<usize>>,
    /// Those that choose, by their literal part.
    choosing: HashMap<&'w [u8], Vec<usize>>,
    /// The length of the shortest key.
    shortest: usize,
    /// Sorted by their literal part, once that is asked for.
    sorted: OnceLock<Vec<usize>>,
    /// What patterns that choose take as a whole: many tasks say the same of the directories above all services.
    taken: RefCell<HashMap<String, Rc<[usize]>>>,
    /// Patterns that overlap no output at all.
    free: RefCell<HashSet<&'w str>>,
}

impl<'w> Outputs<'w> {
    /// Those of `workspace`.
    pub fn of(workspace: &'w Workspace) -> Self {
        let all = all(workspace);
        let mut outputs = Self {
            by_key: HashMap::with_capacity(all.len()),
            before: Vec::with_capacity(all.len()),
            choosing: HashMap::new(),
            shortest: usize::MAX,
            sorted: OnceLock::new(),
            taken: RefCell::default(),
            free: RefCell::default(),
            all,
        };
        for (at, output) in outputs.all.iter().enumerate() {
            let key = key(output.pattern);
            outputs.before.push(outputs.by_key.insert(key, at));
            outputs.shortest = outputs.shortest.min(key.len());
            if output.pattern.whole().is_none() {
                let literal = output.pattern.literal();
                outputs.choosing.entry(literal).or_default().push(at);
            }
        }
        outputs
    }

    /// Whether no output surely overlaps `pattern`. Most of what many tasks read is such.
    pub fn is_free(&self, pattern: &'w Pattern) -> bool {
        if self.free.borrow().contains(pattern.as_str()) {
            return true;
        }
        let is_free = self.overlapping(pattern, &|_| true).is_none();
        if is_free {
            self.free.borrow_mut().insert(pattern.as_str());
        }
        is_free
    }

    /// An output of those that are `wanted` that surely overlaps `pattern`.
    pub fn overlapping(&self, pattern: &Pattern, wanted: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.taking(pattern, wanted)
            .or_else(|| match pattern.whole() {
                Some(directory) => self.below(directory, wanted),
                None => self.taken(pattern).iter().copied().find(|at| wanted(*at)),
            })
    }

    /// Those that `pattern`, which chooses, takes as a whole.
    fn taken(&self, pattern: &Pattern) -> Rc<[usize]> {
        if let Some(taken) = self.taken.borrow().get(pattern.as_str()) {
            return taken.clone();
        }
        let is_taken = |at: &usize| {
            let whole = self.all[*at].pattern.whole();
            whole.is_some_and(|it| pattern.matches(it))
        };
        let taken: Rc<[usize]> = self.within(pattern.literal()).filter(is_taken).collect();
        let mut known = self.taken.borrow_mut();
        known.insert(pattern.as_str().to_owned(), taken.clone());
        taken
    }

    /// One that surely takes whatever `pattern` takes.
    pub fn taking(&self, pattern: &Pattern, wanted: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.equal(key(pattern), wanted)
            .or_else(|| self.around(pattern, wanted))
            .or_else(|| self.choosing(pattern.whole()?, wanted))
    }

    fn equal(&self, key: &[u8], wanted: &dyn Fn(usize) -> bool) -> Option<usize> {
        let last = self.by_key.get(key).copied();
        std::iter::successors(last, |at| self.before[*at]).find(|at| wanted(*at))
    }

    /// One that takes the whole of a directory around the pattern.
    fn around(&self, pattern: &Pattern, wanted: &dyn Fn(usize) -> bool) -> Option<usize> {
        let around = ancestors(pattern.literal()).take_while(|it| it.len() >= self.shortest);
        let is_whole = |at: usize| wanted(at) && self.all[at].pattern.whole().is_some();
        around
            .into_iter()
            .find_map(|directory| self.equal(directory, &is_whole))
    }

    /// One whose files all lie below `directory`.
    fn below(&self, directory: &[u8], wanted: &dyn Fn(usize) -> bool) -> Option<usize> {
        self.within(directory).find(|at| wanted(*at))
    }

    /// Those whose files all lie below `directory`.
    fn within<'a>(&'a self, directory: &'a [u8]) -> impl Iterator<Item = usize> + 'a {
        let literal = |at: usize| self.all[at].pattern.literal();
        let sorted = self.sorted.get_or_init(|| {
            let mut sorted: Vec<usize> = (0..self.all.len()).collect();
            sorted.sort_by_key(|at| literal(*at));
            sorted
        });
        let start = sorted.partition_point(|at| literal(*at) < directory);
        let near = sorted[start..].iter().copied();
        near.take_while(move |at| literal(*at).starts_with(directory))
            .filter(move |at| is_within(literal(*at), directory))
    }

    /// One that chooses, and takes `directory`.
    fn choosing(&self, directory: &[u8], wanted: &dyn Fn(usize) -> bool) -> Option<usize> {
        if self.choosing.is_empty() {
            return None;
        }
        let around = ancestors(directory).filter_map(|it| self.choosing.get(it));
        let mut near = around.flatten().copied();
        near.find(|at| wanted(*at) && self.all[*at].pattern.matches(directory))
    }
}

/// What equal patterns share.
fn key(pattern: &Pattern) -> &[u8] {
    pattern
        .whole()
        .unwrap_or_else(|| pattern.as_str().as_bytes())
}
