//! The declared outputs of a task as they lie on disk.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use walkdir::WalkDir;

use crate::model::digest::{Digest, Digester};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

/// A digest of names, sizes and times of everything that the patterns match, or `None` if one of them matches nothing.
pub fn stamp(root: &Path, patterns: &[Pattern]) -> Option<Digest> {
    let mut digester = Digester::new("outputs on disk");
    for pattern in patterns {
        let files = matching(root, pattern);
        if files.is_empty() {
            return None;
        }
        for (path, metadata) in files {
            digester.part("path", path.as_bytes());
            let numbers = [
                u64::from(metadata.mode()),
                metadata.size(),
                metadata.mtime() as u64,
                metadata.mtime_nsec() as u64,
            ];
            for number in numbers {
                digester.part("stat", &number.to_le_bytes());
            }
        }
    }
    Some(digester.finish())
}

/// The files and links that a pattern matches, with what the file system says of them, sorted by path.
fn matching(root: &Path, pattern: &Pattern) -> Vec<(FilePath, std::fs::Metadata)> {
    let start = root.join(FilePath::from_bytes(pattern.literal()).as_path());
    let entries = WalkDir::new(start).sort_by_file_name().into_iter();
    entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_type().is_dir())
        .filter_map(|entry| {
            let relative = entry.path().strip_prefix(root).ok()?;
            let path =
                FilePath::from_bytes(std::os::unix::ffi::OsStrExt::as_bytes(relative.as_os_str()));
            let metadata = entry.metadata().ok()?;
            pattern.matches(path.as_bytes()).then_some((path, metadata))
        })
        .collect()
}
