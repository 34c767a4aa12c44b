//! Repositories inside of the repository: submodules, and those that git was never told of.

use std::path::Path;

use crate::git::error::Error;
use crate::git::fallback::Fallback;
use crate::git::raw::ids;
use crate::git::reader::Reader;
use crate::git::snapshot::Snapshot;
use crate::model::change::{Head, ObjectId};

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
            let work = snapshot.files(&changed)?.describe(&changed);
            let nothing = || outer.hash("blob", Vec::new());
            let commit = commit.map_or_else(nothing, Ok)?;
            let content = [commit.as_bytes(), &work].concat();
            outer.hash("blob", content).map(Some)
        }
    }
}
