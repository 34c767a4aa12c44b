//! Inputs that came into being while a task ran.

use std::collections::BTreeSet;
use std::path::Path;

use walkdir::WalkDir;

use crate::model::input::Inputs;
use crate::model::path::{FilePath, is_within};
use crate::model::pattern::Pattern;
use crate::model::workspace::Workspace;
use crate::ops::tasks::asking::GitLater;
use crate::ops::tasks::inputs::{Maker, OneTask, TaskInputs, inputs_of, on_disk, starts};

/// How many files of a new directory are looked at, at most.
const ENOUGH: usize = 10_000;

/// What is looked at.
pub struct Look<'a> {
    pub root: &'a Path,
    pub git: &'a GitLater<'a>,
    pub workspace: &'a Workspace,
    pub inputs: &'a TaskInputs,
}

impl Look<'_> {
    /// The first file that `reader` would read now and that was not there when its inputs were read. What it makes itself,
    /// or needs, is none; what git ignores is one if a pattern names it.
    pub fn first_added(&self, reader: &OneTask<'_>) -> Option<FilePath> {
        let node = &reader.graph.nodes()[reader.node];
        let rules = inputs_of(self.workspace, node);
        let patterns: Vec<&Pattern> = rules.iter().flat_map(|it| it.taken()).collect();
        let places = rules
            .iter()
            .flat_map(|it| starts(self.workspace, reader.service, it));
        let is_input = |path: &FilePath| is_input(&rules, reader, path);
        let is_known = |path: &FilePath| matches!(reader.maker(path.as_bytes()), Maker::Known);
        let may_be = |path: &FilePath| match reader.maker(path.as_bytes()) {
            Maker::Nobody => true,
            Maker::Known => false,
            Maker::Other(_) => patterns.iter().any(|it| is_near(it, path)),
        };
        let mut new = self.inputs.added_below(self.root, &places.collect());
        new.retain(may_be);
        self.first(new, &patterns, &|path| is_input(path) && !is_known(path))
    }

    /// The first global input of that kind.
    pub fn first_global(&self) -> Option<FilePath> {
        let patterns: Vec<&Pattern> = self.workspace.settings().global_inputs.iter().collect();
        // What lies deeper than the pattern's start is seen where the start itself is a file or was not there.
        let places: BTreeSet<&[u8]> = patterns.iter().map(|it| it.literal()).collect();
        let new = self.inputs.added_below(self.root, &places);
        let is_input =
            |path: &FilePath| self.workspace.is_global(path.as_bytes()) && !self.is_output(path);
        self.first(new, &patterns, &is_input)
    }

    fn first(
        &self,
        new: BTreeSet<FilePath>,
        patterns: &[&Pattern],
        is_input: &dyn Fn(&FilePath) -> bool,
    ) -> Option<FilePath> {
        let new: Vec<FilePath> = new.into_iter().collect();
        let ignored = self.ignored(&new);
        // Into an ignored directory nobody looks unless a pattern leads there.
        let seen = new.iter().zip(ignored).filter(|(path, is_ignored)| {
            !is_ignored || patterns.iter().any(|it| is_near(it, path))
        });
        let files = seen.flat_map(|(path, _)| files_of(self.root, path));
        let files: Vec<FilePath> = files
            .filter(|it| !self.inputs.is_known(it) && is_input(it))
            .collect();
        let ignored = self.ignored(&files);
        let is_named = |path: &FilePath| {
            let mut patterns = patterns.iter();
            patterns.any(|it| self.inputs.is_looked_for(it, path))
        };
        let mut files = files.into_iter().zip(ignored);
        let added = files.find(|(path, is_ignored)| !is_ignored || is_named(path));
        added.map(|it| it.0)
    }

    fn ignored(&self, paths: &[FilePath]) -> Vec<bool> {
        match paths.is_empty() {
            true => Vec::new(),
            false => self.git.ignores(paths),
        }
    }

    fn is_output(&self, path: &FilePath) -> bool {
        let owner = self.workspace.owner(path.as_bytes());
        owner.is_some_and(|it| self.workspace.is_output(it, path.as_bytes()))
    }
}

fn is_input(rules: &[&Inputs], reader: &OneTask<'_>, path: &FilePath) -> bool {
    let path = path.as_bytes();
    let is_own = || {
        reader.workspace.owner(path) == Some(reader.service)
            && reader.workspace.is_own(reader.service, path)
    };
    rules.iter().any(|it| it.take(path, is_own))
}

/// Whether a pattern takes `path`, or may take something below it.
fn is_near(pattern: &Pattern, path: &FilePath) -> bool {
    pattern.matches(path.as_bytes()) || is_within(pattern.literal(), path.as_bytes()) || {
        !pattern.literal().is_empty() && is_within(path.as_bytes(), pattern.literal())
    }
}

/// The file itself, or the files below it.
fn files_of(root: &Path, path: &FilePath) -> Vec<FilePath> {
    use std::os::unix::ffi::OsStrExt;
    let entries = WalkDir::new(on_disk(root, path.as_bytes())).into_iter();
    let is_staging = |name: &std::ffi::OsStr| name.as_bytes().starts_with(b".svc-");
    entries
        .filter_entry(|it| it.file_name() != ".git" && !is_staging(it.file_name()))
        .flatten()
        .filter(|it| !it.file_type().is_dir())
        .take(ENOUGH)
        .filter_map(|it| {
            let below = it.path().strip_prefix(root).ok()?;
            Some(FilePath::from_bytes(below.as_os_str().as_bytes()))
        })
        .collect()
}
