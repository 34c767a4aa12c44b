//! Which paths git ignores, by the word of the `git` program.

use std::collections::{BTreeSet, HashMap};
use std::ffi::OsString;
use std::path::Path;

use crate::git::error::Error;
use crate::git::raw::{fields, index_entries};
use crate::git::reader::Reader;
use crate::git::repo::Repo;
use crate::model::path::{FilePath, ancestors, is_within};

/// The mode of a submodule in the index.
const SUBMODULE: u32 = 0o160000;

/// What paths are handed over behind, so that none is taken for anything but a path.
const HERE: &[u8] = b"./";

/// For each of `paths`, relative to the workspace, whether git ignores it.
///
/// # Errors
/// Git failed.
pub fn ignored(repo: &Repo, paths: &[FilePath]) -> Result<Vec<bool>, Error> {
    let Some(top) = repo.work_tree() else {
        return Ok(vec![false; paths.len()]);
    };
    let paths: Vec<FilePath> = paths
        .iter()
        .map(|path| repo.scope().join(path.as_bytes()))
        .collect();
    let mut disk = Directories {
        top,
        foreign: HashMap::new(),
    };
    // Git gives up at the first path that it has no answer for.
    let answerable = |path: &&FilePath| is_plain(path) && !disk.is_foreign(path);
    let asked: BTreeSet<&FilePath> = paths.iter().filter(answerable).collect();
    if asked.is_empty() {
        return Ok(vec![false; paths.len()]);
    }
    let reader = Reader::new(repo);
    let tracked = Tracked::read(&reader, repo.scope())?;
    // With the index at hand, git would go through all of it for each path.
    let asked: Vec<_> = asked.into_iter().filter(|it| !tracked.has(it)).collect();
    let ignored = by_rules(repo, &asked)?;
    let is_ignored = |path: &FilePath| ignored.contains(path.as_bytes());
    Ok(paths.iter().map(is_ignored).collect())
}

/// Those of `paths` that a rule matches, tracked or not.
fn by_rules(repo: &Repo, paths: &[&FilePath]) -> Result<BTreeSet<Vec<u8>>, Error> {
    if paths.is_empty() {
        return Ok(BTreeSet::new());
    }
    let mut git = repo.git().clone();
    // This command refuses to take all paths as they are; behind `./` it does so nevertheless.
    git.set("GIT_LITERAL_PATHSPECS", "0");
    let lines = paths.iter().flat_map(|it| [HERE, it.as_bytes(), b"\0"]);
    let input = lines.flatten().copied().collect();
    let finished = git.run_for(["check-ignore", "--no-index", "-z", "--stdin"], input)?;
    match finished.status.code() {
        // The second one means that none is ignored.
        Some(0 | 1) => {
            let found = fields(&finished.output);
            let found = found.map(|path| path.strip_prefix(HERE).unwrap_or(path));
            Ok(found.map(<[u8]>::to_vec).collect())
        }
        _ => Err(finished.into_error()),
    }
}

/// Whether git can be asked about the path: not about the top itself, nor about its own files.
fn is_plain(path: &FilePath) -> bool {
    let is_odd =
        |part: &[u8]| matches!(part, b"" | b"." | b"..") || part.eq_ignore_ascii_case(b".git");
    let mut parts = path.as_bytes().split(|byte| *byte == b'/');
    !parts.any(|part| is_odd(part) || part.contains(&0))
}

/// What is known of the directories around the paths.
struct Directories<'r> {
    top: &'r Path,
    foreign: HashMap<FilePath, bool>,
}

impl Directories<'_> {
    /// Whether the path is not this repository's: it lies in another one, or is reached through a symbolic link.
    fn is_foreign(&mut self, path: &FilePath) -> bool {
        let parent = ancestors(path.as_bytes()).nth(1).unwrap_or_default();
        !parent.is_empty() && self.leads_away(&FilePath::from_bytes(parent))
    }

    fn leads_away(&mut self, directory: &FilePath) -> bool {
        if let Some(known) = self.foreign.get(directory) {
            return *known;
        }
        let full = self.top.join(directory.as_path());
        let answer = self.is_foreign(directory)
            || full.is_symlink()
            || full.join(".git").symlink_metadata().is_ok();
        self.foreign.insert(directory.clone(), answer);
        answer
    }
}

/// What the index has, sorted by path.
struct Tracked(Vec<(Vec<u8>, u32)>);

impl Tracked {
    fn read(reader: &Reader, scope: &FilePath) -> Result<Self, Error> {
        let mut arguments = vec!["ls-files", "-s", "-z", "--full-name", "--"];
        arguments.retain(|it| !scope.is_root() || *it != "--");
        let mut arguments: Vec<OsString> = arguments.into_iter().map(OsString::from).collect();
        if !scope.is_root() {
            arguments.push(scope.as_path().into());
        }
        let output = reader.output(arguments)?;
        let rows = index_entries(&output).ok_or_else(|| {
            Error::Corrupt("the git program answered in an unknown form".to_owned())
        })?;
        let rows = rows.iter().map(|row| (row.path.to_vec(), row.mode));
        let mut tracked: Vec<_> = rows.collect();
        tracked.sort_unstable();
        Ok(Self(tracked))
    }

    /// Whether the path, or something below it, is tracked, or it lies in a submodule, which may not be there now.
    fn has(&self, path: &FilePath) -> bool {
        let path = path.as_bytes();
        self.entry(path).is_some()
            || self.has_below(path)
            || ancestors(path)
                .skip(1)
                .any(|it| self.entry(it) == Some(SUBMODULE))
    }

    fn entry(&self, path: &[u8]) -> Option<u32> {
        let place = self.0.binary_search_by(|(it, _)| (**it).cmp(path));
        place.ok().map(|at| self.0[at].1)
    }

    fn has_below(&self, path: &[u8]) -> bool {
        let start = [path, b"/"].concat();
        let next = self.0.partition_point(|(it, _)| *it < start);
        self.0.get(next).is_some_and(|(it, _)| is_within(it, path))
    }
}
