//! Reads the definition of a workspace from another state than the disk: a commit or the index.

use std::io;

use crate::config::Source;
use crate::git::Snapshot;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

/// The files of a snapshot, for the reader of `services.toml`.
pub struct SnapshotSource<'a>(pub &'a dyn Snapshot);

impl Source for SnapshotSource<'_> {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        self.0.read(path).map_err(io::Error::other)
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        let literal = FilePath::from_bytes(pattern.literal());
        let files = self.0.files(&[literal]).map_err(io::Error::other)?;
        let named = files.iter().filter(|file| pattern.matches(file.path));
        Ok(named.map(|file| FilePath::from_bytes(file.path)).collect())
    }
}
