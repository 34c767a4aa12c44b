//! The history of a ref, fetched where a shallow clone lacks it.

use std::collections::HashSet;

use crate::git::raw::ids;
use crate::git::refs::refresh::DEEP;
use crate::git::refs::{RemoteRefs, SETTINGS, trouble};
use crate::git::remote::persist;
use crate::model::change::ObjectId;
use crate::model::refs::RefsError;

/// See `Refs::log`.
pub fn log(refs: &RemoteRefs, commit: ObjectId) -> Result<Vec<ObjectId>, RefsError> {
    let found = here(refs, commit)?;
    let edge = std::fs::read_to_string(&refs.shallow_file).unwrap_or_default();
    let edge: HashSet<_> = edge.lines().filter_map(ObjectId::from_hex).collect();
    match found.last() {
        Some(last) if edge.contains(last) => {
            deepen(refs, commit);
            here(refs, commit)
        }
        _ => Ok(found),
    }
}

fn here(refs: &RemoteRefs, commit: ObjectId) -> Result<Vec<ObjectId>, RefsError> {
    let id = commit.to_string();
    let arguments = ["rev-list", "--first-parent", &id, "--"];
    Ok(ids(&refs
        .git
        .offline()
        .output(arguments)
        .map_err(trouble)?))
}

/// Fetches what lies behind `commit`: by the name of a ref that is there, as not every server gives out commits by their id.
/// Whatever stands in the way, what is here is still told.
fn deepen(refs: &RemoteRefs, commit: ObjectId) {
    let id = commit.to_string();
    let points = format!("--points-at={id}");
    let named = refs
        .git
        .output(["for-each-ref", "--format=%(refname)", &points]);
    let named = String::from_utf8(named.unwrap_or_default()).unwrap_or_default();
    for source in named.lines().chain([id.as_str()]) {
        let mut arguments = SETTINGS.to_vec();
        arguments.extend(["fetch", "--progress", "--no-tags", "--no-write-fetch-head"]);
        arguments.extend(["--no-recurse-submodules", "--refmap=", DEEP]);
        if refs.is_partial {
            arguments.push("--no-filter");
        }
        arguments.extend(["--end-of-options", &refs.source, source]);
        if persist(&refs.git, &arguments).is_ok_and(|done| done.status.success()) {
            return;
        }
    }
}
