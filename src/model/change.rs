//! The two states that are compared, and the files that differ between them.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::path::FilePath;

/// A git object id: 20 bytes (SHA-1) or 32 bytes (SHA-256).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ObjectId {
    bytes: [u8; 32],
    length: u8,
}

impl ObjectId {
    /// The id with these bytes, if there are 20 or 32 of them.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let mut id = Self {
            bytes: [0; 32],
            length: bytes.len() as u8,
        };
        matches!(bytes.len(), 20 | 32).then(|| {
            id.bytes[..bytes.len()].copy_from_slice(bytes);
            id
        })
    }

    /// The id written as 40 or 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let digit = |at: usize| (digits[at] as char).to_digit(16);
        if !digits.len().is_multiple_of(2) {
            return None;
        }
        let bytes: Option<Vec<u8>> = (0..digits.len() / 2)
            .map(|at| Some((digit(2 * at)? * 16 + digit(2 * at + 1)?) as u8))
            .collect();
        Self::from_bytes(&bytes?)
    }

    /// The 20 or 32 bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes[..self.length as usize]
    }

    /// The first ten digits, for people.
    pub fn short(&self) -> String {
        self.to_string()[..10].to_owned()
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_bytes()
            .iter()
            .try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for ObjectId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ObjectId {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        Self::from_hex(&text).ok_or_else(|| serde::de::Error::custom("not an object id"))
    }
}

/// The newer of the two states.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// A commit; `None` on a branch without commits.
    Commit(Option<ObjectId>),
    /// The index: what would be committed now. With the commit that is checked out.
    Index(Option<ObjectId>),
    /// The working tree with everything uncommitted and untracked. With the commit that is checked out.
    WorkTree(Option<ObjectId>),
}

impl Head {
    /// The commit that the state is, or is built on.
    pub fn commit(self) -> Option<ObjectId> {
        match self {
            Self::Commit(commit) | Self::Index(commit) | Self::WorkTree(commit) => commit,
        }
    }

    /// The kind as machines read it.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Commit(_) => "commit",
            Self::Index(_) => "index",
            Self::WorkTree(_) => "worktree",
        }
    }
}

/// The older of the two states, and how it was found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Base {
    /// The commits to compare with. Several: merge-bases of a criss-cross history, whose differences are united. None: the
    /// empty tree, or no base at all.
    pub commits: Vec<ObjectId>,
    /// The rule that was used, as people read it: `merge-base with origin/main`.
    pub rule: String,
}

/// What differs between base and head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Changes {
    /// These paths, relative to the workspace, sorted, each once. A rename counts for both of its paths.
    Paths(Vec<FilePath>),
    /// It cannot be known, so everything counts as changed, because of this.
    Everything(String),
}
