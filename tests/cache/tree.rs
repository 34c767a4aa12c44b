//! Everything that lies in a directory, to be compared byte by byte.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

/// What lies at each path.
#[derive(Clone, PartialEq, Eq)]
pub struct Tree(BTreeMap<PathBuf, Thing>);

#[derive(Clone, PartialEq, Eq)]
enum Thing {
    File { mode: u32, bytes: Vec<u8> },
    Link(PathBuf),
    Directory { mode: u32 },
    Other,
}

impl Tree {
    /// All that lies below `root`, save git's own directory.
    pub fn of(root: &Path) -> Self {
        let entries = walkdir::WalkDir::new(root).min_depth(1).into_iter();
        let entries = entries.filter_entry(|it| it.depth() != 1 || it.file_name() != ".git");
        let things = entries.map(|entry| {
            let entry = entry.unwrap();
            let path = entry.path();
            let mode = || entry.metadata().unwrap().permissions().mode() & 0o7777;
            let thing = match entry.file_type() {
                it if it.is_symlink() => Thing::Link(fs::read_link(path).unwrap()),
                it if it.is_dir() => Thing::Directory { mode: mode() },
                it if it.is_file() => Thing::File {
                    mode: mode(),
                    bytes: fs::read(path).unwrap(),
                },
                _ => Thing::Other,
            };
            (path.strip_prefix(root).unwrap().to_owned(), thing)
        });
        Self(things.collect())
    }

    /// What lies at `path` and below.
    pub fn below(&self, path: &str) -> Self {
        let mut tree = self.clone();
        tree.0.retain(|it, _| it.starts_with(path));
        tree
    }

    /// Everything else.
    pub fn without(mut self, path: &str) -> Self {
        self.0.retain(|it, _| !it.starts_with(path));
        self
    }

    /// Fails unless both are the same.
    #[track_caller]
    pub fn expect(&self, expected: &Self, when: &str) {
        let paths = self.0.keys().chain(expected.0.keys());
        let mut differ: Vec<String> = paths
            .filter(|path| self.0.get(*path) != expected.0.get(*path))
            .map(|path| {
                let said = |it: Option<&Thing>| it.map_or("nothing".into(), ToString::to_string);
                let (is, should) = (said(self.0.get(path)), said(expected.0.get(path)));
                format!("{}: {is}; should be {should}", path.display())
            })
            .collect();
        differ.sort_unstable();
        differ.dedup();
        let count = differ.len();
        differ.truncate(20);
        assert!(count == 0, "{when}: {count} differ\n{}", differ.join("\n"));
    }
}

impl fmt::Display for Thing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { mode, bytes } => {
                let start = String::from_utf8_lossy(&bytes[..bytes.len().min(20)]);
                write!(f, "file {mode:o} of {} bytes ({start:?})", bytes.len())
            }
            Self::Link(target) => write!(f, "link to {}", target.display()),
            Self::Directory { mode } => write!(f, "directory {mode:o}"),
            Self::Other => f.write_str("something else"),
        }
    }
}
