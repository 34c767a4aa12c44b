//! What a ledger asks of a repository with a remote: small trees of files under refs of their own, moved only by
//! compare-and-swap. `git` has it, `ledger` uses it.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::model::change::ObjectId;

/// Refs that a remote keeps, with a mirror of them here under the same names.
pub trait Refs: Send + Sync {
    /// What the remote is called, for people.
    fn remote(&self) -> &str;

    /// Brings the mirror of `names` up to the remote, those that it lacks removed. `within`: give up after that long.
    ///
    /// # Errors
    /// The remote cannot be read, or what it has does not go on from what was here (only for `Growth::Forward`).
    fn refresh(
        &self,
        names: &[(String, Growth)],
        within: Option<Duration>,
    ) -> Result<(), RefsError>;

    /// The commits that the mirror has under `names`, all seen at once.
    ///
    /// # Errors
    /// An unreadable repository.
    fn tips(&self, names: &[&str]) -> Result<BTreeMap<String, ObjectId>, RefsError>;

    /// The commit that the mirror has under `name`.
    ///
    /// # Errors
    /// An unreadable repository.
    fn tip(&self, name: &str) -> Result<Option<ObjectId>, RefsError> {
        Ok(self.tips(&[name])?.remove(name))
    }

    /// The file at `path` of a commit's tree. More than `limit` bytes are an error.
    ///
    /// # Errors
    /// An unreadable repository.
    fn read(
        &self,
        commit: ObjectId,
        path: &str,
        limit: usize,
    ) -> Result<Option<Vec<u8>>, RefsError>;

    /// All files of the directory `path` of a commit's tree (not of directories below it), by name, in order.
    ///
    /// # Errors
    /// An unreadable repository, a file of more than `limit` bytes, or something in it that is no plain file; directories
    /// only beside the files of the tree itself.
    fn read_all(
        &self,
        commit: ObjectId,
        path: &str,
        limit: usize,
    ) -> Result<Vec<(String, Vec<u8>)>, RefsError>;

    /// The commits from `commit` back along first parents, newest first, as far as they are here or can be fetched.
    ///
    /// # Errors
    /// An unreadable repository.
    fn log(&self, commit: ObjectId) -> Result<Vec<ObjectId>, RefsError>;

    /// Writes a commit: the tree of `parent` (or none) with `edits` laid over it. No ref is moved.
    ///
    /// # Errors
    /// The repository cannot be written.
    fn commit(
        &self,
        parent: Option<ObjectId>,
        edits: &[Edit],
        message: &str,
    ) -> Result<ObjectId, RefsError>;

    /// Moves refs of the remote, all or none, each only if it still is what is expected; the mirror follows.
    ///
    /// # Errors
    /// [`RefsError::Lost`] if one of them is not what was expected; [`RefsError::Unsure`] if it cannot be known whether they
    /// were moved.
    fn push(&self, moves: &[Move]) -> Result<(), RefsError>;
}

/// How a ref may change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Growth {
    /// Only by commits on top of what was there.
    Forward,
    /// In any way.
    Free,
}

/// One file of a commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edit {
    /// Relative, with `/`.
    pub path: String,
    /// `None` takes it away.
    pub content: Option<Vec<u8>>,
}

/// One ref that is to be moved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    pub name: String,
    /// What it is now; `None`: it does not exist.
    pub from: Option<ObjectId>,
    /// What it is to be; `None`: it is deleted.
    pub to: Option<ObjectId>,
}

/// Why refs could not be read or moved.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RefsError {
    /// Somebody else moved one of them first.
    #[error("somebody else was faster: {0}")]
    Lost(String),
    /// The remote does not let us, in its own words.
    #[error("{remote} refuses: {words}")]
    Refused { remote: String, words: String },
    /// The remote cannot be reached, in git's words.
    #[error("{remote} cannot be reached: {words}")]
    Unreachable { remote: String, words: String },
    /// The connection broke after the remote may have taken it.
    #[error("it is not known whether {remote} took it: {words}")]
    Unsure { remote: String, words: String },
    /// What the remote has does not go on from what was here: somebody rewrote it.
    #[error(
        "`{name}` was rewritten on {remote}: it was {before}, and {now} does not come after that"
    )]
    Rewritten {
        name: String,
        remote: String,
        before: ObjectId,
        now: ObjectId,
    },
    /// A ref that only grows is gone from the remote.
    #[error("`{name}` is gone from {remote}: it was {before}, and somebody deleted it")]
    Vanished {
        name: String,
        remote: String,
        before: ObjectId,
    },
    /// What a commit holds is nothing that a ledger holds.
    #[error("{0}")]
    Odd(String),
    /// Something about the repository here.
    #[error("{0}")]
    Repository(String),
}
