//! Inputs that a task names and git ignores: they count by their content like any other.
//!
//! Looked for are files that a pattern matches in directories that git knows, and everything below the place where a pattern
//! begins, if git knows nothing there. Into a directory that git ignores as a whole, a glob that begins above it does not look.

use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use walkdir::WalkDir;

use crate::git::Repo;
use crate::git::snapshot::{File, Files, Stamp};
use crate::model::change::ObjectId;
use crate::model::input::Inputs;
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::pattern::Pattern;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::tasks::inputs::{on_disk, stamp};

/// Ignored files that tasks name, sorted by path.
#[derive(Default)]
pub struct Ignored {
    files: BTreeMap<FilePath, Content>,
    /// What tasks make: it counts by what they are made from, for those who need them.
    made: BTreeSet<FilePath>,
}

struct Content {
    mode: u32,
    id: ObjectId,
    stamp: Stamp,
}

impl Ignored {
    /// What the file system said of the file at `path`.
    pub fn find(&self, path: &FilePath) -> Option<Stamp> {
        self.files.get(path).map(|it| it.stamp)
    }

    /// Those that `inputs` take.
    pub fn of<'a>(&'a self, inputs: &'a Inputs) -> impl Iterator<Item = File<'a>> {
        let all = self.all();
        all.filter(|file| inputs.take(file.path, || false))
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = File<'_>> {
        self.files.iter().map(|(path, content)| File {
            path: path.as_bytes(),
            mode: content.mode,
            content: content.id,
            stamp: Some(content.stamp),
            is_tracked: false,
        })
    }

    /// What tasks make, of what `inputs` take.
    pub fn made_of<'a>(&'a self, inputs: &'a Inputs) -> impl Iterator<Item = &'a FilePath> {
        let made = self.made.iter();
        made.filter(|path| inputs.take(path.as_bytes(), || false))
    }
}

/// The ignored files that `patterns` of inputs name. Of what tasks make, only the names are looked at.
///
/// # Errors
/// A file that cannot be read.
pub fn ignored_inputs<'i>(
    root: &Path,
    repo: &Repo,
    workspace: &Workspace,
    files: &Files,
    patterns: impl Iterator<Item = &'i Pattern>,
) -> Result<Ignored, Failure> {
    let mut patterns: Vec<&Pattern> = patterns.collect();
    patterns.sort_unstable_by_key(|it| it.as_str());
    patterns.dedup();
    let mut found = BTreeSet::new();
    for pattern in patterns {
        look_for(root, files, pattern, &mut found);
    }
    let makes = |path: &FilePath| {
        let owners = ancestors(path.as_bytes()).filter_map(|it| workspace.at(it));
        owners
            .into_iter()
            .any(|it| workspace.is_output(it, path.as_bytes()))
    };
    let (made, found) = found.into_iter().partition(makes);
    Ok(Ignored {
        files: read(root, repo, found)?,
        made,
    })
}

/// Whether the file at `path`, which git ignores and a pattern takes, would have been found if it had been there.
pub fn is_looked_for(files: &Files, pattern: &Pattern, path: &FilePath) -> bool {
    let start = pattern.literal();
    let is_inside = |directory: &[u8]| files.within(directory).any(|it| it.path != directory);
    let is_unknown = !is_inside(start) && files.find(start).is_none();
    let directory = ancestors(path.as_bytes()).nth(1).unwrap_or_default();
    let is_beside = || !pattern.is_literal() && is_within(directory, start) && is_inside(directory);
    pattern.matches(path.as_bytes()) && (is_unknown || is_beside())
}

fn look_for(root: &Path, files: &Files, pattern: &Pattern, found: &mut BTreeSet<FilePath>) {
    let start = pattern.literal();
    let known = known_directories(files, pattern);
    if known.is_empty() && files.find(start).is_none() {
        return walk(root, files, pattern, found);
    }
    if pattern.is_literal() {
        // Everything below it that git knows is taken; the rest of such a directory is ignored by intention.
        return;
    }
    for directory in known {
        let entries = std::fs::read_dir(on_disk(root, directory));
        for entry in entries.into_iter().flatten().flatten() {
            let path = FilePath::from_bytes(directory).join(entry.file_name().as_bytes());
            let is_file = entry.file_type().is_ok_and(|it| !it.is_dir());
            if is_file && pattern.matches(path.as_bytes()) && files.find(path.as_bytes()).is_none()
            {
                found.insert(path);
            }
        }
    }
}

/// The directories that git knows and that may hold what a pattern takes.
fn known_directories<'a>(files: &'a Files, pattern: &'a Pattern) -> BTreeSet<&'a [u8]> {
    let start = pattern.literal();
    if !pattern.is_shallow() {
        return directories_of(files, start).collect();
    }
    let mut entries = files.entries(start).peekable();
    let is_known = entries.peek().is_some();
    let taken = entries.filter(|it| pattern.matches(it));
    let mut known: BTreeSet<&[u8]> = taken.flat_map(|it| directories_of(files, it)).collect();
    known.extend(is_known.then_some(start));
    known
}

/// The directories at and below `start` that hold files.
fn directories_of<'a>(files: &'a Files, start: &'a [u8]) -> impl Iterator<Item = &'a [u8]> {
    let files = files.within(start).filter(move |file| file.path != start);
    let directories = files.flat_map(|file| ancestors(file.path).skip(1));
    directories.filter(move |it| is_within(it, start))
}

/// Everything below the start of a pattern, of which git knows nothing.
fn walk(root: &Path, files: &Files, pattern: &Pattern, found: &mut BTreeSet<FilePath>) {
    let entries = WalkDir::new(on_disk(root, pattern.literal())).into_iter();
    let is_git = |name: &std::ffi::OsStr| name == ".git";
    for entry in entries.filter_entry(|it| !is_git(it.file_name())).flatten() {
        let Ok(below) = entry.path().strip_prefix(root) else {
            continue;
        };
        let path = below.as_os_str().as_bytes();
        if !entry.file_type().is_dir() && pattern.matches(path) && files.find(path).is_none() {
            found.insert(FilePath::from_bytes(path));
        }
    }
}

/// The contents of ignored files. What is neither a file nor a link is no input.
fn read(
    root: &Path,
    repo: &Repo,
    paths: BTreeSet<FilePath>,
) -> Result<BTreeMap<FilePath, Content>, Failure> {
    let mut plain = Vec::new();
    let mut found = BTreeMap::new();
    for path in paths {
        let on_disk = on_disk(root, path.as_bytes());
        let Ok(metadata) = on_disk.symlink_metadata() else {
            continue;
        };
        if metadata.is_symlink() {
            let target = std::fs::read_link(&on_disk).map_err(|cause| unreadable(&path, cause))?;
            let digest = blake3::hash(target.as_os_str().as_bytes());
            let id = ObjectId::from_bytes(digest.as_bytes()).expect("a digest of 32 bytes");
            found.insert(path, content(0o120000, id, &metadata));
        } else if metadata.is_file() {
            plain.push((path, metadata));
        }
    }
    let from_top: Vec<FilePath> = plain
        .iter()
        .map(|(path, _)| repo.scope().join(path.as_bytes()))
        .collect();
    let ids = repo.hash_files(&from_top)?;
    for ((path, metadata), id) in plain.into_iter().zip(ids) {
        let is_program = std::os::unix::fs::MetadataExt::mode(&metadata) & 0o100 != 0;
        let mode = if is_program { 0o100755 } else { 0o100644 };
        found.insert(path, content(mode, id, &metadata));
    }
    Ok(found)
}

fn content(mode: u32, id: ObjectId, metadata: &std::fs::Metadata) -> Content {
    Content {
        mode,
        id,
        stamp: stamp(metadata),
    }
}

fn unreadable(path: &FilePath, cause: std::io::Error) -> Failure {
    Failure::File {
        attempt: format!("read the input {}", path.display()),
        cause,
    }
}
