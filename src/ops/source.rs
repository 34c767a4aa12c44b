//! Reads the definition of a workspace from another state than the disk: a commit or the index.

use std::collections::{HashMap, HashSet};
use std::io;

use crate::config::Source;
use crate::git::Snapshot;
use crate::git::snapshot::{File, Files};
use crate::model::path::{FilePath, ancestors};
use crate::model::pattern::Pattern;

/// The files of a snapshot, for the reader of `services.toml`.
pub struct SnapshotSource<'a>(pub &'a dyn Snapshot);

/// The modes of plain files.
const FILE: u32 = 0o100644;
const PROGRAM: u32 = 0o100755;
/// The mode of a symbolic link.
pub const LINK: u32 = 0o120000;
/// So many links may lead to a file before they are taken for a circle, as in the system.
const MOST_LINKS: usize = 40;

impl Source for SnapshotSource<'_> {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        match self.real(path)? {
            Some(path) => self.0.read(&path).map_err(io::Error::other),
            None => Ok(None),
        }
    }

    fn real(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        let mut path = path.clone();
        for _ in 0..MOST_LINKS {
            let Some(link) = self.first_link(&path)? else {
                return Ok(Some(path));
            };
            let target = self.0.read(&link).map_err(io::Error::other)?;
            match followed(&path, &link, &target.unwrap_or_default()) {
                Some(next) => path = next,
                None => return Ok(None),
            }
        }
        Err(io::Error::other("too many symbolic links"))
    }

    fn present(&self, paths: &[FilePath]) -> io::Result<Vec<bool>> {
        let files = self.0.files(paths).map_err(io::Error::other)?;
        let plain: HashSet<&[u8]> = files
            .iter()
            .filter(|file| matches!(file.mode, FILE | PROGRAM))
            .map(|file| file.path)
            .collect();
        let mut links = HashMap::new();
        let is_there = |path: &FilePath| match plain.contains(path.as_bytes()) {
            true => Ok(true),
            // Only behind a link there may be more.
            false if self.is_linked(path, &files, &mut links)? => Ok(self.read(path)?.is_some()),
            false => Ok(false),
        };
        paths.iter().map(is_there).collect()
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        let literal = FilePath::from_bytes(pattern.literal());
        let files = self.0.files(&[literal]).map_err(io::Error::other)?;
        let named = files.iter().filter(|file| pattern.matches(file.path));
        Ok(named.map(|file| FilePath::from_bytes(file.path)).collect())
    }
}

impl SnapshotSource<'_> {
    /// Whether `path`, which is none of the plain `files`, or a directory above it is a symbolic link. What was found of
    /// directories is kept in `known`.
    fn is_linked(
        &self,
        path: &FilePath,
        files: &Files,
        known: &mut HashMap<FilePath, bool>,
    ) -> io::Result<bool> {
        if files
            .find(path.as_bytes())
            .is_some_and(|file| file.mode == LINK)
        {
            return Ok(true);
        }
        for directory in ancestors(path.as_bytes())
            .skip(1)
            .filter(|it| !it.is_empty())
        {
            if let Some(known) = known.get(directory) {
                match known {
                    true => return Ok(true),
                    false => continue,
                }
            }
            let directory = FilePath::from_bytes(directory);
            let is_link = self.is_link(&directory)?;
            known.insert(directory, is_link);
            if is_link {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// The first of the directories of `path`, or itself, that is a symbolic link.
    fn first_link(&self, path: &FilePath) -> io::Result<Option<FilePath>> {
        let mut above: Vec<_> = ancestors(path.as_bytes()).collect();
        above.reverse();
        for part in above.into_iter().filter(|it| !it.is_empty()) {
            let part = FilePath::from_bytes(part);
            if self.is_link(&part)? {
                return Ok(Some(part));
            }
        }
        Ok(None)
    }

    fn is_link(&self, path: &FilePath) -> io::Result<bool> {
        // A directory would be listed whole; but of a directory nothing can be read.
        if self.0.read(path).map_err(io::Error::other)?.is_none() {
            return Ok(false);
        }
        let files = self.0.files(std::slice::from_ref(path));
        let files = files.map_err(io::Error::other)?;
        let is_link = |file: File<'_>| file.path == path.as_bytes() && file.mode == LINK;
        Ok(files.iter().any(is_link))
    }
}

/// `path` with `link`, which it begins with, replaced by what it leads to. None if that lies outside.
fn followed(path: &FilePath, link: &FilePath, target: &[u8]) -> Option<FilePath> {
    if target.starts_with(b"/") {
        return None;
    }
    let above = ancestors(link.as_bytes()).nth(1).unwrap_or_default();
    let rest = &path.as_bytes()[link.as_bytes().len()..];
    FilePath::from_bytes(above).resolve(&[target, rest].concat())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed_within_the_workspace() {
        let check = |path: &str, link: &str, target: &str, expected: Option<&str>| {
            let found = followed(&path.into(), &link.into(), target.as_bytes());
            assert_eq!(found, expected.map(FilePath::from), "{path} {target}");
        };
        check("a/b", "a/b", "c", Some("a/c"));
        check("a/b", "a/b", "../c/./d", Some("c/d"));
        check("a/b/c", "a/b", "../d", Some("d/c"));
        check("a", "a", "../b", None);
        check("a", "a", "/b", None);
    }
}
