//! Inputs that came into being while a task ran.

use std::path::Path;

use walkdir::WalkDir;

use crate::model::key::Key;
use crate::model::path::FilePath;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::tasks::asking::GitLater;
use crate::ops::tasks::inputs::{TaskInputs, on_disk};

/// How many files of a new directory are looked at, at most.
const ENOUGH: usize = 10_000;

/// The first file that a task of `service` would read now and that was not there when its inputs were read. Outputs of tasks
/// and what git ignores are none.
pub fn first_added(
    root: &Path,
    git: &GitLater<'_>,
    workspace: &Workspace,
    service: ServiceIndex,
    inputs: &TaskInputs,
    key: &Key,
) -> Option<FilePath> {
    let definition = &workspace.service(service).tasks[&key.task.task];
    let directory = &workspace.service(service).path;
    let is_own = |path: &FilePath| {
        workspace.owner(path.as_bytes()) == Some(service)
            && workspace.is_own(service, path.as_bytes())
    };
    let is_input = |path: &FilePath| definition.inputs.take(path.as_bytes(), || is_own(path));
    let new = inputs.added_beside(root, directory, key.inputs.files());
    let new: Vec<FilePath> = new
        .into_iter()
        .filter(|it| !is_output(workspace, it))
        .collect();
    if new.is_empty() {
        return None;
    }
    let seen = not_ignored(git, new)?;
    let files: Vec<FilePath> = seen
        .iter()
        .flat_map(|path| files_of(root, path))
        .filter(|path| is_input(path) && !is_output(workspace, path))
        .collect();
    not_ignored(git, files)?.into_iter().next()
}

fn is_output(workspace: &Workspace, path: &FilePath) -> bool {
    let owner = workspace.owner(path.as_bytes());
    owner.is_some_and(|it| workspace.is_output(it, path.as_bytes()))
}

/// Those that git does not ignore, if there are any.
fn not_ignored(git: &GitLater<'_>, paths: Vec<FilePath>) -> Option<Vec<FilePath>> {
    if paths.is_empty() {
        return None;
    }
    let ignored = git.ignores(&paths);
    let kept = paths
        .into_iter()
        .zip(ignored)
        .filter(|(_, ignored)| !ignored);
    Some(kept.map(|(path, _)| path).collect())
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
