//! Outputs that take files which git tracks: no command goes on with them, since restoring would write over people's work.

use crate::git::Snapshot;
use crate::model::change::Head;
use crate::model::owned::tracked_outputs;
use crate::model::path::FilePath;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// Looks at the outputs of all tasks, against what the index has.
///
/// # Errors
/// Outputs that take tracked files; an unreadable repository.
pub fn check_all(place: &Place, workspace: &Workspace) -> Result<(), Failure> {
    let places = places(workspace);
    let (false, Some(repo)) = (places.is_empty(), &place.repo) else {
        return Ok(());
    };
    let index = repo.snapshot(Head::Index(repo.head_commit()?));
    check_places(&*index, workspace, &places)
}

/// The same, against what is known to be the index.
///
/// # Errors
/// Outputs that take tracked files; an unreadable repository.
pub fn check_against(index: &dyn Snapshot, workspace: &Workspace) -> Result<(), Failure> {
    match places(workspace) {
        places if places.is_empty() => Ok(()),
        places => check_places(index, workspace, &places),
    }
}

/// Where outputs may lie.
fn places(workspace: &Workspace) -> Vec<FilePath> {
    let tasks = workspace.services().iter().flat_map(|it| it.tasks.values());
    let outputs = tasks.flat_map(|it| it.outputs.iter().flatten());
    outputs
        .map(|it| FilePath::from_bytes(it.literal()))
        .collect()
}

fn check_places(
    index: &dyn Snapshot,
    workspace: &Workspace,
    places: &[FilePath],
) -> Result<(), Failure> {
    let files = index.files(places)?;
    check(workspace, files.iter().map(|it| it.path))
}

/// Looks at the outputs of all tasks, against the files that are known to be `tracked`, which are sorted.
///
/// # Errors
/// Outputs that take one of them.
pub fn check<'p>(
    workspace: &Workspace,
    tracked: impl IntoIterator<Item = &'p [u8]>,
) -> Result<(), Failure> {
    let found = tracked_outputs(workspace, tracked);
    if found.is_empty() {
        return Ok(());
    }
    let lines = found.iter().map(|it| {
        let service = &workspace.service(it.service).name;
        let (pattern, file) = (it.pattern.as_str(), it.file.display());
        format!("\n{service}:{}: `{pattern}` takes {file}", it.task)
    });
    Err(Failure::Usage {
        message: format!(
            "outputs take files that git tracks:{}",
            lines.collect::<String>()
        ),
        hint: "take these files out of git with `git rm --cached`, or name other outputs"
            .to_owned(),
    })
}
