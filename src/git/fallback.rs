//! A state of the workspace, read through the `git` program: slower, and right in every repository that git can read.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::git::disk::{Disk, Found, Recorded};
use crate::git::error::Error;
use crate::git::raw::{Kind, differences, fields, index_entries, tree_entries};
use crate::git::reader::Reader;
use crate::git::repo::Repo;
use crate::git::snapshot::{File, Files, Snapshot};
use crate::model::change::{Head, ObjectId};
use crate::model::path::{FilePath, is_within};

/// See the first line of this file.
pub struct Fallback {
    head: Head,
    reader: Reader,
    work_tree: Option<PathBuf>,
    scope: FilePath,
}

/// A file as the program lists it, its path relative to the workspace.
type Listing = BTreeMap<Vec<u8>, (u32, ObjectId)>;

/// The files of a state, and which of them only lie on disk.
struct Present {
    files: BTreeMap<Vec<u8>, Found>,
    untracked: BTreeSet<Vec<u8>>,
}

/// What every comparison needs, so that no setting of the user changes what differs.
const EXACT: &[&str] = &[
    "--raw",
    "-z",
    "--no-abbrev",
    "--no-renames",
    "--no-ext-diff",
    "--no-textconv",
    "--no-color",
    "-O/dev/null",
];

/// More bytes of paths than this are not handed over as arguments: everything is listed and chosen from here.
const MOST_ARGUMENTS: usize = 64 * 1024;

impl Fallback {
    /// The state `head` of `repo`.
    pub fn new(repo: &Repo, head: Head) -> Self {
        Self {
            head,
            reader: Reader::new(repo),
            work_tree: repo.work_tree().map(Path::to_owned),
            scope: repo.scope().clone(),
        }
    }

    /// The state `head` of the repository with the work tree `top`, which `reader` reads.
    pub fn of_nested(reader: Reader, head: Head, top: &Path) -> Self {
        Self {
            head,
            reader,
            work_tree: Some(top.to_owned()),
            scope: FilePath::default(),
        }
    }

    fn tree_changes(&self, base: &str, head: &str) -> Result<BTreeSet<Vec<u8>>, Error> {
        // `diff-tree` would read the whole index first.
        let mut arguments = words(&["diff", "--no-relative", "--ignore-submodules=none"]);
        arguments.extend(words(EXACT));
        arguments.extend(words(&[base, head]));
        self.changed_paths(arguments)
    }

    fn index_changes(&self, base: &str) -> Result<BTreeSet<Vec<u8>>, Error> {
        // What is only intended to be added will not be committed.
        let mut arguments = words(&["diff-index", "--cached", "--ita-invisible-in-index"]);
        arguments.push("--ignore-submodules=none".into());
        arguments.extend(words(EXACT));
        arguments.push(base.into());
        self.changed_paths(arguments)
    }

    fn changed_paths(&self, mut arguments: Vec<OsString>) -> Result<BTreeSet<Vec<u8>>, Error> {
        arguments.extend(self.pathspecs(&[]));
        let output = self.reader.output(arguments)?;
        let rows = understood(differences(&output))?;
        let paths = rows.iter().filter_map(|row| self.below(row.path));
        Ok(paths.map(<[u8]>::to_vec).collect())
    }

    /// Paths whose final state on disk is not that of `base`.
    fn work_tree_changes(&self, base: &str) -> Result<BTreeSet<Vec<u8>>, Error> {
        let output = self.reader.output(self.disk_diff(Some(base), &[]))?;
        let untracked = self.untracked(&[])?;
        let mut changed = BTreeSet::new();
        let mut unclear: BTreeSet<_> = untracked.iter().cloned().collect();
        for row in understood(differences(&output))? {
            let Some(path) = self.below(row.path) else {
                continue;
            };
            match row.kind {
                Kind::Unmerged => _ = unclear.insert(path.to_vec()),
                // Taken out of the index it may still be there, as it was.
                Kind::Deleted if unclear.contains(path) => {}
                _ => _ = changed.insert(path.to_vec()),
            }
        }
        changed.retain(|path| !unclear.contains(path));
        changed.extend(self.unlike(base, unclear)?);
        Ok(changed)
    }

    /// Those of `paths` that are not on disk as they are in `base`.
    fn unlike(&self, base: &str, paths: BTreeSet<Vec<u8>>) -> Result<Vec<Vec<u8>>, Error> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let names: Vec<_> = paths
            .iter()
            .map(|it| FilePath::from_bytes(it.clone()))
            .collect();
        let before = self.tree(base, &names)?;
        let known = paths.iter().filter(|path| before.contains_key(*path));
        let recorded = modes(&self.index(&names)?);
        let now = self.disk()?.contents(known.cloned().collect(), &recorded)?;
        let same = |path: &Vec<u8>| match (before.get(path), now.get(path)) {
            (Some((mode, content)), Some(found)) => {
                *mode == found.mode && *content == found.content
            }
            _ => false,
        };
        let gone = |path: &Vec<u8>| !before.contains_key(path) && !self.is_on_disk(path);
        Ok(paths
            .into_iter()
            .filter(|path| !same(path) && !gone(path))
            .collect())
    }

    fn is_on_disk(&self, path: &[u8]) -> bool {
        let full = self
            .work_tree
            .as_ref()
            .map(|top| top.join(os(&self.full(path))));
        full.is_some_and(|full| full.symlink_metadata().is_ok())
    }

    /// The files of a commit or tree.
    fn tree(&self, tree: &str, within: &[FilePath]) -> Result<Listing, Error> {
        let mut arguments = words(&["ls-tree", "-r", "-z", "--full-tree", tree]);
        arguments.extend(self.pathspecs(within));
        let output = self.reader.output(arguments)?;
        let rows = understood(tree_entries(&output))?;
        let rows = rows.iter().map(|row| (row.path, row.mode, row.content));
        Ok(self.chosen(rows, within))
    }

    /// The files of the index as they would be committed.
    fn index(&self, within: &[FilePath]) -> Result<Listing, Error> {
        let empty = self.empty_tree()?;
        let mut arguments = words(&["diff-index", "--cached", "--ita-invisible-in-index"]);
        arguments.push("--ignore-submodules=none".into());
        arguments.extend(words(EXACT));
        arguments.push(empty.into());
        arguments.extend(self.pathspecs(within));
        let output = self.reader.output(arguments)?;
        let rows = understood(differences(&output))?;
        let present = rows.iter().filter(|row| row.kind == Kind::Present);
        let mut files = self.chosen(present.map(|row| (row.path, row.mode, row.content)), within);
        if rows.iter().any(|row| row.kind == Kind::Unmerged) {
            files.extend(self.unmerged(within)?);
        }
        Ok(files)
    }

    /// Of each path that waits to be merged, our side; else what there is.
    fn unmerged(&self, within: &[FilePath]) -> Result<Listing, Error> {
        let mut arguments = words(&["ls-files", "-u", "-z"]);
        arguments.extend(self.pathspecs(within));
        let output = self.reader.output(arguments)?;
        let mut rows = understood(index_entries(&output))?;
        rows.sort_by_key(|row| row.stage == Some(2));
        let rows = rows.iter().map(|row| (row.path, row.mode, row.content));
        Ok(self.chosen(rows, within))
    }

    /// What is on disk: the index where it is unchanged, everything else read anew.
    fn on_disk(&self, within: &[FilePath]) -> Result<Present, Error> {
        let tracked = self.index(within)?;
        let output = self.reader.output(self.disk_diff(None, within))?;
        let untracked: BTreeSet<_> = self.untracked(within)?.into_iter().collect();
        let mut unread = untracked.clone();
        let mut gone = BTreeSet::new();
        for row in understood(differences(&output))? {
            match (self.below(row.path), row.kind) {
                (Some(path), Kind::Deleted) => _ = gone.insert(path.to_vec()),
                (Some(path), _) => _ = unread.insert(path.to_vec()),
                (None, _) => {}
            }
        }
        let disk = self.disk()?;
        let recorded = modes(&tracked);
        let clean = tracked
            .into_iter()
            .filter(|(path, _)| !unread.contains(path) && !gone.contains(path));
        let mut files: BTreeMap<_, _> = clean
            .map(|(path, (mode, content))| {
                let stamp = disk.stamp(&path);
                (
                    path,
                    Found {
                        mode,
                        content,
                        stamp,
                    },
                )
            })
            .collect();
        let chosen = unread.into_iter().filter(|path| is_chosen(path, within));
        files.extend(disk.contents(chosen.collect(), &recorded)?);
        Ok(Present { files, untracked })
    }

    /// The differences between `base`, or else the index, and the disk. The plumbing commands would also name files that were
    /// only touched.
    fn disk_diff(&self, base: Option<&str>, within: &[FilePath]) -> Vec<OsString> {
        let mut arguments = words(&["diff", "--no-relative", "--ignore-submodules=none"]);
        arguments.extend(words(EXACT));
        arguments.extend(base.map(OsString::from));
        arguments.extend(self.pathspecs(within));
        arguments
    }

    fn untracked(&self, within: &[FilePath]) -> Result<Vec<Vec<u8>>, Error> {
        let mut arguments = words(&["ls-files", "-o", "-z", "--exclude-standard"]);
        arguments.extend(self.pathspecs(within));
        let output = self.reader.output(arguments)?;
        // A repository within this one is shown with a slash, and stands for the commit that it has checked out.
        let paths = fields(&output).map(|path| path.strip_suffix(b"/").unwrap_or(path));
        Ok(paths
            .filter_map(|path| self.below(path))
            .map(<[u8]>::to_vec)
            .collect())
    }

    fn chosen<'a>(
        &self,
        rows: impl Iterator<Item = (&'a [u8], u32, ObjectId)>,
        within: &[FilePath],
    ) -> Listing {
        rows.filter_map(|(path, mode, content)| {
            let path = self.below(path)?;
            is_chosen(path, within).then(|| (path.to_vec(), (mode, content)))
        })
        .collect()
    }

    /// `path`, from the top of the work tree, as seen from the workspace.
    fn below<'a>(&self, path: &'a [u8]) -> Option<&'a [u8]> {
        if self.scope.is_root() {
            return Some(path);
        }
        path.strip_prefix(self.scope.as_bytes())?.strip_prefix(b"/")
    }

    /// `path`, from the workspace, as seen from the top of the work tree.
    fn full(&self, path: &[u8]) -> Vec<u8> {
        self.scope.join(path).as_bytes().to_vec()
    }

    /// The arguments that limit a command to `within`, or at least to the workspace.
    fn pathspecs(&self, within: &[FilePath]) -> Vec<OsString> {
        let mut paths: Vec<_> = within.iter().map(|it| self.full(it.as_bytes())).collect();
        let bytes: usize = paths.iter().map(Vec::len).sum();
        if paths.is_empty() || bytes > MOST_ARGUMENTS || paths.iter().any(Vec::is_empty) {
            paths = vec![self.scope.as_bytes().to_vec()];
        }
        let paths = paths.iter().filter(|path| !path.is_empty());
        let arguments = paths.map(|path| os(path).to_owned());
        std::iter::once("--".into()).chain(arguments).collect()
    }

    fn disk(&self) -> Result<Disk<'_>, Error> {
        let top = self.work_tree.as_deref();
        let top =
            top.ok_or_else(|| Error::Corrupt("a bare repository has no files on disk".into()))?;
        Ok(Disk::new(
            &self.reader,
            top.join(self.scope.as_path()),
            &self.scope,
        ))
    }

    fn empty_tree(&self) -> Result<String, Error> {
        let id = self.reader.hash("tree", Vec::new())?;
        Ok(id.to_string())
    }

    fn tree_of(&self, commit: Option<ObjectId>) -> Result<String, Error> {
        match commit {
            Some(commit) => Ok(commit.to_string()),
            None => self.empty_tree(),
        }
    }

    fn blob(&self, content: ObjectId) -> Result<Vec<u8>, Error> {
        self.reader
            .output(words(&["cat-file", "blob", &content.to_string()]))
    }
}

impl Snapshot for Fallback {
    fn changed_since(&self, base: Option<ObjectId>) -> Result<Vec<FilePath>, Error> {
        let base = self.tree_of(base)?;
        let changed = match self.head {
            Head::Commit(commit) => self.tree_changes(&base, &self.tree_of(commit)?),
            Head::Index(_) => self.index_changes(&base),
            Head::WorkTree(_) => self.work_tree_changes(&base),
        }?;
        Ok(changed.into_iter().map(FilePath::from_bytes).collect())
    }

    fn files(&self, within: &[FilePath]) -> Result<Files, Error> {
        if within.is_empty() {
            return Ok(Files::default());
        }
        let present = match self.head {
            Head::Commit(commit) => unstamped(self.tree(&self.tree_of(commit)?, within)?),
            Head::Index(_) => unstamped(self.index(within)?),
            Head::WorkTree(_) => self.on_disk(within)?,
        };
        let mut files = Files::default();
        for (path, it) in &present.files {
            files.push(File {
                path,
                mode: it.mode,
                content: it.content,
                stamp: it.stamp,
                is_tracked: !present.untracked.contains(path),
            });
        }
        Ok(files)
    }

    fn promised(&self) -> Result<Vec<FilePath>, Error> {
        if !matches!(self.head, Head::WorkTree(_)) {
            return Ok(Vec::new());
        }
        let mut arguments = words(&["ls-files", "-v", "-z"]);
        arguments.extend(self.pathspecs(&[]));
        let output = self.reader.output(arguments)?;
        let paths = promised(&output).filter_map(|path| self.below(path));
        Ok(paths.map(FilePath::from_bytes).collect())
    }

    fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, Error> {
        let one = std::slice::from_ref(path);
        let files = match self.head {
            Head::Commit(commit) => self.tree(&self.tree_of(commit)?, one)?,
            Head::Index(_) => self.index(one)?,
            Head::WorkTree(_) => match self.disk()?.read(path.as_bytes())? {
                Some(bytes) => return Ok(Some(bytes)),
                None => self.skipped(path)?,
            },
        };
        match files.get(path.as_bytes()) {
            None | Some((0o160000, _)) => Ok(None),
            Some((_, content)) => self.blob(*content).map(Some),
        }
    }
}

impl Fallback {
    /// The file `path` of the index if git takes it as unchanged although it is not there: a sparse checkout left it out.
    fn skipped(&self, path: &FilePath) -> Result<Listing, Error> {
        let one = std::slice::from_ref(path);
        let mut arguments = words(&["ls-files", "-v", "-z"]);
        arguments.extend(self.pathspecs(one));
        let output = self.reader.output(arguments)?;
        let full = self.full(path.as_bytes());
        let is_skipped = promised(&output).any(|name| name == full);
        match is_skipped {
            true => self.index(one),
            false => Ok(Listing::new()),
        }
    }
}

/// Of the rows of `ls-files -v` the files that git takes as they are in the index.
fn promised(output: &[u8]) -> impl Iterator<Item = &[u8]> {
    fields(output).filter_map(|row| {
        // `S` is skipped; a small letter is assumed to be unchanged.
        let (state, name) = row.split_at(row.len().min(2));
        let is_promised = state == b"S " || state.first().is_some_and(u8::is_ascii_lowercase);
        is_promised.then_some(name)
    })
}

fn modes(listing: &Listing) -> Recorded {
    let rows = listing.iter();
    rows.map(|(path, (mode, _))| (path.clone(), *mode))
        .collect()
}

fn unstamped(listing: Listing) -> Present {
    let found = |(mode, content)| Found {
        mode,
        content,
        stamp: None,
    };
    let rows = listing.into_iter();
    Present {
        files: rows.map(|(path, row)| (path, found(row))).collect(),
        untracked: BTreeSet::new(),
    }
}

fn is_chosen(path: &[u8], within: &[FilePath]) -> bool {
    within.iter().any(|it| is_within(path, it.as_bytes()))
}

fn understood<T>(rows: Option<T>) -> Result<T, Error> {
    rows.ok_or_else(|| Error::Corrupt("the git program answered in an unknown form".to_owned()))
}

fn words(words: &[&str]) -> Vec<OsString> {
    words.iter().map(OsString::from).collect()
}

fn os(path: &[u8]) -> &OsStr {
    OsStr::from_bytes(path)
}
