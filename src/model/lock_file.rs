//! Lock files of package managers, taken apart: which part of one that many services share counts for one of them.

use std::collections::BTreeMap;

/// A lock file, taken apart.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Lock {
    /// Every entry, by a key of its own: what the file says of it, and the keys of what it needs.
    pub entries: BTreeMap<String, LockEntry>,
    /// The entries that the package in a directory begins with. A directory is from the lock file's own.
    pub roots: Vec<LockRoot>,
    /// What the file says for all, such as its version or overrides.
    pub for_all: String,
}

/// One entry of a lock file.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct LockEntry {
    /// Everything that is said of it, in one text that is the same for the same meaning.
    pub says: String,
    pub needs: Vec<String>,
}

/// Where the entries of one package begin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LockRoot {
    pub package: LockPackage,
    /// What the file says of the package itself.
    pub says: String,
    /// Keys of entries.
    pub needs: Vec<String>,
}

/// How a lock file names the packages that it locks for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LockPackage {
    /// By their directory, relative to the lock file's own (empty: its own).
    Directory(String),
    /// By their name, as their manifest has it.
    Name(String),
}
