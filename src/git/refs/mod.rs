//! Refs that a remote keeps, with a mirror of them here: what a ledger in git stands on.
//!
//! Everything goes through the `git` program: it speaks with remotes as the user's own commands do, it can be used by
//! several threads, and it knows every kind of repository. Only the contents of files are read by the library where it can.

mod history;
mod library;
mod move_refs;
mod read;
mod refresh;
mod verdict;
mod words;
mod write;

use std::collections::BTreeMap;
use std::error::Error as _;
use std::path::PathBuf;
use std::sync::OnceLock;
use std::time::Duration;

use crate::git::error::Error;
use crate::git::program::Git;
use crate::git::refs::library::Library;
use crate::git::repo::Repo;
use crate::model::change::ObjectId;
use crate::model::refs::{Edit, Growth, Move, Refs, RefsError};

/// Settings for every git here: no hook hears of these refs, nothing is tidied up meanwhile.
const SETTINGS: &[&str] = &[
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "maintenance.auto=false",
    "-c",
    "gc.auto=0",
    "-c",
    "fetch.writeCommitGraph=false",
    "-c",
    "fetch.output=full",
];

/// The refs of one remote, as one clone sees them.
pub struct RemoteRefs {
    git: Git,
    source: String,
    /// The remote for people: a URL without the password in it.
    remote: String,
    shallow_file: PathBuf,
    is_partial: bool,
    library: Option<Library>,
    identity: OnceLock<write::Identity>,
}

impl RemoteRefs {
    /// The refs of `remote`, which is a name or a URL.
    pub fn new(repo: &Repo, remote: &str) -> Self {
        let mut git = repo.git().beside_commands();
        // What was written is what is read: nothing stands for anything else.
        git.set("GIT_NO_REPLACE_OBJECTS", "1");
        Self {
            git,
            source: remote.to_owned(),
            remote: words::without_password(remote),
            shallow_file: repo.common_dir().join("shallow"),
            is_partial: repo.is_partial(),
            library: Library::of(repo),
            identity: OnceLock::new(),
        }
    }

    /// Whether the history is cut off somewhere in this clone.
    fn is_shallow(&self) -> bool {
        let data = self.shallow_file.metadata();
        data.is_ok_and(|data| data.len() > 0)
    }

    /// What the mirror has under `names`.
    fn tips_of(&self, names: &[&str]) -> Result<BTreeMap<String, ObjectId>, RefsError> {
        if names.is_empty() {
            return Ok(BTreeMap::new());
        }
        let mut arguments = vec!["for-each-ref", "--format=%(objectname) %(refname)", "--"];
        arguments.extend(names);
        let output = self.git.output(arguments).map_err(trouble)?;
        let text = String::from_utf8_lossy(&output);
        let row = |line: &str| {
            let (id, name) = line.split_once(' ')?;
            Some((name.to_owned(), ObjectId::from_hex(id)?))
        };
        let rows = text.lines().filter_map(row);
        // A name also stands for all that is below it.
        Ok(rows
            .filter(|(name, _)| names.contains(&name.as_str()))
            .collect())
    }
}

impl Refs for RemoteRefs {
    fn remote(&self) -> &str {
        &self.remote
    }

    fn refresh(
        &self,
        names: &[(String, Growth)],
        within: Option<Duration>,
    ) -> Result<(), RefsError> {
        refresh::refresh(self, names, within)
    }

    fn tips(&self, names: &[&str]) -> Result<BTreeMap<String, ObjectId>, RefsError> {
        names.iter().try_for_each(|name| check_name(name))?;
        self.tips_of(names)
    }

    fn read(
        &self,
        commit: ObjectId,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, RefsError> {
        read::file(self, commit, path, limit)
    }

    fn read_all(
        &self,
        commit: ObjectId,
        path: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, RefsError> {
        read::directory(self, commit, path, limit)
    }

    fn log(&self, commit: ObjectId) -> Result<Vec<ObjectId>, RefsError> {
        history::log(self, commit)
    }

    fn commit(
        &self,
        parent: Option<ObjectId>,
        edits: &[Edit],
        message: &str,
    ) -> Result<ObjectId, RefsError> {
        write::commit(self, parent, edits, message)
    }

    fn push(&self, moves: &[Move]) -> Result<(), RefsError> {
        move_refs::push(self, moves)
    }
}

/// Names come from a configured prefix and from names of environments: only what git takes for a ref, and no pattern.
fn check_name(name: &str) -> Result<(), RefsError> {
    let is_plain = |byte: u8| byte > b' ' && byte != 0x7f && !b"~^:?*[\\".contains(&byte);
    let is_part = |part: &str| {
        let ends = part.starts_with('.') || part.ends_with('.') || part.ends_with(".lock");
        !part.is_empty() && !ends && part != "@"
    };
    let is_name = name.starts_with("refs/")
        && name.bytes().all(is_plain)
        && name.split('/').all(is_part)
        && !name.contains("..")
        && !name.contains("@{");
    match is_name {
        true => Ok(()),
        false => Err(RefsError::Repository(format!(
            "{name:?} is no name of a ref"
        ))),
    }
}

/// A failure in the repository here, with its causes.
fn trouble(error: Error) -> RefsError {
    let mut text = words::clean(&error.to_string());
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {}", words::clean(&inner.to_string()));
        cause = inner.source();
    }
    RefsError::Repository(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_full_names_of_refs_are_taken() {
        let check = |name: &str, expected| assert_eq!(check_name(name).is_ok(), expected, "{name}");
        check("refs/svc/ledger/production", true);
        check("refs/heads/svc/ledger-1", true);
        check("main", false);
        check("refs/svc/*", false);
        check("refs/svc/a:refs/heads/main", false);
        check("refs/svc/../heads", false);
        check("refs/svc//x", false);
        check("refs/svc/x.lock", false);
        check("refs/svc/a b", false);
        check("-refs/x", false);
    }
}
