//! Repositories inside of the repository: submodules, and those that git was never told of.

use std::path::Path;

use crate::git::error::Error;
use crate::git::fallback::Fallback;
use crate::git::raw::ids;
use crate::git::reader::Reader;
use crate::git::snapshot::{Files, Snapshot};
use crate::model::change::{Head, ObjectId};
use crate::model::path::FilePath;

/// What stands for the repository at `top` in the one around it, which `outer` reads: the commit that is checked out. With
/// uncommitted work in it, an id made of the commit and of that work, so that no two states of it look the same. None if it
/// is no repository.
///
/// # Errors
/// A repository that cannot be read.
pub fn identity(outer: &Reader, top: &Path) -> Result<Option<ObjectId>, Error> {
    if std::fs::symlink_metadata(top.join(".git")).is_err() {
        return Ok(None);
    }
    let inner = outer.inside(top);
    // Says why, if it cannot be read.
    inner.git().output(["rev-parse", "--show-toplevel"])?;
    let arguments = ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"];
    let head = inner.git().run(arguments)?;
    let commit = ids(&head.output).into_iter().next();
    let snapshot = Fallback::of_nested(inner, Head::WorkTree(commit), top);
    let changed = snapshot.changed_since(commit)?;
    match commit {
        Some(commit) if changed.is_empty() => Ok(Some(commit)),
        _ => {
            let work = describe(&snapshot.files(&changed)?, &changed);
            let nothing = || outer.hash("blob", Vec::new());
            let commit = commit.map_or_else(nothing, Ok)?;
            let content = [commit.as_bytes(), &work].concat();
            outer.hash("blob", content).map(Some)
        }
    }
}

/// The names of everything that changed, and what it holds now.
fn describe(files: &Files, changed: &[FilePath]) -> Vec<u8> {
    let mut work = Vec::new();
    for path in changed {
        work.extend_from_slice(path.as_bytes());
        work.push(0);
    }
    for file in files.iter() {
        work.extend_from_slice(file.path);
        work.extend_from_slice(format!("\0{:o} {}\n", file.mode, file.content).as_bytes());
    }
    work
}
