//! What lies in a working tree where patterns match, without reading it. Links are never followed.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use walkdir::{DirEntry, WalkDir};

use crate::cache::error::{Error, failed};
use crate::cache::outputs::stamp::{Kind, Stamp};
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::pattern::Pattern;

/// How names begin of directories in which svc prepares what it moves into place.
pub(crate) const STAGING: &str = ".svc-";
const STAGING_DIGITS: usize = 16;

/// Everything there is to know without reading.
#[derive(Debug, Default)]
pub(crate) struct Sight {
    /// What a pattern matches, sorted by path.
    pub found: Vec<Found>,
    /// Every directory that was listed, matched or not, sorted by path.
    pub folders: Vec<Found>,
    /// Not outputs though a pattern matches: directories of git, and staging directories.
    pub hidden: Vec<FilePath>,
    /// For each pattern, whether it matches something.
    pub matched: Vec<bool>,
    /// Something that is no directory, and no output, stands above where outputs would be.
    pub blocked: Option<Found>,
    /// The directories above all starts that are there, and the device that each lies on.
    pub above: BTreeMap<FilePath, u64>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub path: FilePath,
    pub stamp: Stamp,
}

/// Looks at everything below `root` that may match.
pub(crate) fn look(root: &Path, patterns: &[Pattern]) -> Result<Sight, Error> {
    let mut sight = Sight {
        matched: vec![false; patterns.len()],
        ..Sight::default()
    };
    for start in starts(patterns) {
        if start.split(|byte| *byte == b'/').any(is_reserved) {
            continue;
        }
        let above = ancestors(start).skip(1).collect::<Vec<_>>();
        let is_open = above.into_iter().rev().all(|it| sight.may_enter(root, it));
        if is_open {
            sight.walk(root, start, patterns)?;
        }
    }
    for pattern in patterns {
        let above = ancestors(pattern.literal()).skip(1).collect::<Vec<_>>();
        let _ = above.into_iter().rev().all(|it| sight.may_enter(root, it));
    }
    for list in [&mut sight.found, &mut sight.folders] {
        list.sort_unstable_by(|a, b| a.path.cmp(&b.path));
    }
    Ok(sight)
}

/// Where to begin: no start lies below another one.
pub(crate) fn starts(patterns: &[Pattern]) -> Vec<&[u8]> {
    let mut all: Vec<&[u8]> = patterns.iter().map(Pattern::literal).collect();
    all.sort_unstable();
    all.dedup();
    let is_inner = |it: &&[u8]| all.iter().any(|outer| outer != it && is_within(it, outer));
    all.iter().filter(|it| !is_inner(it)).copied().collect()
}

/// Whether a part of a path is one that outputs never have.
pub(crate) fn is_reserved(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b".git") || is_staging(name)
}

pub(crate) fn is_staging(name: &[u8]) -> bool {
    name.strip_prefix(STAGING.as_bytes()).is_some_and(|rest| {
        let is_digit = |it: &u8| it.is_ascii_digit() || (b'a'..=b'f').contains(it);
        rest.len() == STAGING_DIGITS && rest.iter().all(is_digit)
    })
}

impl Sight {
    /// What lies at `path`, if a pattern matches it.
    pub fn find(&self, path: &FilePath) -> Option<&Found> {
        find(&self.found, path)
    }

    /// The directory at `path`, matched or not.
    pub fn folder(&self, path: &FilePath) -> Option<&Found> {
        find(&self.folders, path)
    }

    /// The device that a directory above the starts lies on.
    pub fn device(&self, path: &FilePath) -> Option<u64> {
        self.above.get(path).copied()
    }

    /// Whether outputs may lie below the directory `path`. What is missing leads nowhere.
    fn may_enter(&mut self, root: &Path, path: &[u8]) -> bool {
        let path = FilePath::from_bytes(path);
        match fs::symlink_metadata(root.join(path.as_path())) {
            Ok(metadata) if metadata.is_dir() => {
                self.above.insert(path, metadata.dev());
                true
            }
            Ok(metadata) => {
                let stamp = Stamp::new(&metadata);
                self.blocked.get_or_insert(Found { path, stamp });
                false
            }
            Err(_) => false,
        }
    }

    fn walk(&mut self, root: &Path, start: &[u8], patterns: &[Pattern]) -> Result<(), Error> {
        let start = root.join(FilePath::from_bytes(start).as_path());
        match fs::symlink_metadata(&start) {
            Err(error) if is_missing(&error) => return Ok(()),
            other => other.map_err(failed("read", &start))?,
        };
        // For each directory on the way, whether a pattern takes it and so all below it.
        let mut owned: Vec<bool> = Vec::new();
        let walk = WalkDir::new(&start).follow_root_links(false);
        let mut walk = walk.into_iter();
        while let Some(entry) = walk.next() {
            let entry = entry.map_err(|error| unreadable(error, &start))?;
            let path = relative(&entry, root);
            owned.truncate(entry.depth());
            if entry.depth() > 0 && is_reserved(entry.file_name().as_bytes()) {
                if entry.file_type().is_dir() {
                    walk.skip_current_dir();
                }
                self.hidden.push(path);
                continue;
            }
            let is_below = owned.last().copied().unwrap_or(false);
            let is_owned = self.is_matched(&path, patterns, is_below);
            let is_directory = entry.file_type().is_dir();
            if is_owned || is_directory || entry.depth() == 0 {
                let metadata = entry
                    .metadata()
                    .map_err(|error| unreadable(error, entry.path()))?;
                let stamp = Stamp::new(&metadata);
                self.add(Found { path, stamp }, is_owned);
            }
            if is_directory {
                owned.push(is_owned);
            }
        }
        Ok(())
    }

    fn add(&mut self, found: Found, is_owned: bool) {
        match found.stamp.kind() {
            Kind::Directory => self.folders.push(found.clone()),
            _ if !is_owned => {
                self.blocked.get_or_insert(found);
                return;
            }
            _ => {}
        }
        if is_owned {
            self.found.push(found);
        }
    }

    /// Whether a pattern takes `path`. The workspace itself is nobody's output.
    fn is_matched(&mut self, path: &FilePath, patterns: &[Pattern], is_below: bool) -> bool {
        if path.is_root() {
            return false;
        }
        let mut is_owned = is_below;
        for (pattern, matched) in patterns.iter().zip(&mut self.matched) {
            if (!is_owned || !*matched) && pattern.matches(path.as_bytes()) {
                (is_owned, *matched) = (true, true);
            }
        }
        is_owned
    }
}

fn find<'a>(list: &'a [Found], path: &FilePath) -> Option<&'a Found> {
    let at = list.binary_search_by(|it| it.path.cmp(path)).ok()?;
    Some(&list[at])
}

fn relative(entry: &DirEntry, root: &Path) -> FilePath {
    let path = entry.path().strip_prefix(root).unwrap_or(entry.path());
    FilePath::from_bytes(path.as_os_str().as_bytes())
}

pub(crate) fn is_missing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
    )
}

fn unreadable(error: walkdir::Error, start: &Path) -> Error {
    let path = error.path().unwrap_or(start).to_owned();
    let cause = error
        .into_io_error()
        .unwrap_or_else(|| io::Error::other("a loop of directories"));
    failed("read", &path)(cause)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_start_lies_below_another() {
        let patterns = ["a/b/*.x", "a/b", "a/bc", "c/d/e", "a/b/c/**", "c/d"];
        let patterns = patterns.map(|it| Pattern::new(it, &FilePath::default()).unwrap());
        assert_eq!(starts(&patterns), [&b"a/b"[..], b"a/bc", b"c/d"]);
    }

    #[test]
    fn only_our_own_names_are_staging() {
        let check = |name: &str, expected| assert_eq!(is_staging(name.as_bytes()), expected);
        check(".svc-0123456789abcdef", true);
        check(".svc-0123456789abcde", false);
        check(".svc-0123456789abcdeg", false);
        check(".svc-mine", false);
        check("svc-0123456789abcdef", false);
    }
}
