//! A state of the workspace, read without the `git` program.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::sync::OnceLock;

use crate::git::error::Error;
use crate::git::native::content::{Contents, Filtered};
use crate::git::native::filters::Filters;
use crate::git::native::hash;
use crate::git::native::index::Index;
use crate::git::native::objects::Objects;
use crate::git::native::scope::{Scope, Settings};
use crate::git::native::seen::Walked;
use crate::git::native::staged::Staged;
use crate::git::native::tree::{DIRECTORY, SUBMODULE, Side};
use crate::git::native::trees;
use crate::git::native::walk::{self, Plan};
use crate::git::native::within::Within;
use crate::git::native::work_tree::WorkTree;
use crate::git::snapshot::{File, Files, Snapshot};
use crate::model::change::{Head, ObjectId};
use crate::model::path::FilePath;

/// From this many bytes on, a file may be read from the working tree instead of its object.
const LONG: u64 = 32 << 10;

/// A state of the workspace. What costs time is read when it is first needed, and once.
pub struct NativeSnapshot<'r> {
    objects: Objects<'r>,
    scope: Scope,
    settings: Settings,
    head: Head,
    filtered: Box<Filtered<'r>>,
    index: OnceLock<Index>,
    walk: OnceLock<(Walked, Filters)>,
}

/// Opens the state `head` of the workspace in `repo`. `filtered` is asked for the ids of changed files whose content git
/// may convert, with paths that start at the root of the working tree.
///
/// # Errors
/// A repository whose objects or configuration cannot be read.
pub fn open<'r>(
    repo: &'r git2::Repository,
    scope: Scope,
    head: Head,
    filtered: Box<Filtered<'r>>,
) -> Result<NativeSnapshot<'r>, Error> {
    Ok(NativeSnapshot {
        objects: Objects::open(repo)?,
        settings: Settings::read(repo, &scope)?,
        scope,
        head,
        filtered,
        index: OnceLock::new(),
        walk: OnceLock::new(),
    })
}

impl Snapshot for NativeSnapshot<'_> {
    fn changed_since(&self, base: Option<ObjectId>) -> Result<Vec<FilePath>, Error> {
        let base = self.tree_of(base)?;
        let mut changed = Vec::new();
        let mut add = |path: &[u8]| changed.push(FilePath::from_bytes(path));
        match self.head {
            Head::Commit(commit) => {
                let head = self.tree_of(commit)?;
                trees::differences(&self.objects, base, head, &mut add)?;
            }
            Head::Index(_) => self.staged(base, &mut |path, _| add(path))?,
            Head::WorkTree(_) => {
                let mut staged = Vec::new();
                self.staged(base, &mut |path, base| {
                    staged.push((FilePath::from_bytes(path), base));
                })?;
                changed = self.with_work_tree(|tree| tree.changed(staged))?;
            }
        }
        Ok(changed)
    }

    fn files(&self, within: &[FilePath]) -> Result<Files, Error> {
        let within = Within::new(within);
        match self.head {
            Head::Commit(commit) => self.committed_files(self.tree_of(commit)?, &within),
            Head::Index(_) => self.staged_files(&within),
            Head::WorkTree(_) => self.with_work_tree(|tree| tree.files(&within)),
        }
    }

    fn clean_files(&self) -> Result<Files, Error> {
        match self.head {
            Head::Commit(_) | Head::Index(_) => Ok(Files::default()),
            Head::WorkTree(_) => self.with_work_tree(|tree| Ok(tree.clean_files())),
        }
    }

    fn promised(&self) -> Result<Vec<FilePath>, Error> {
        match self.head {
            Head::Commit(_) | Head::Index(_) => Ok(Vec::new()),
            Head::WorkTree(_) => self.with_work_tree(|tree| Ok(tree.promised())),
        }
    }

    fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, Error> {
        match self.head {
            Head::Commit(commit) => {
                let Some(root) = self.tree_of(commit)? else {
                    return Ok(None);
                };
                self.content(path, self.objects.find(root, path.as_bytes())?)
            }
            Head::Index(_) => self.content(path, self.staged_side(path)?),
            Head::WorkTree(_) => match self.on_disk(path)? {
                Some(content) => Ok(Some(content)),
                None => self.content(path, self.skipped_side(path)?),
            },
        }
    }
}

impl NativeSnapshot<'_> {
    /// The tree of the workspace in a commit.
    fn tree_of(&self, commit: Option<ObjectId>) -> Result<Option<ObjectId>, Error> {
        let root = self.objects.tree_of(commit)?;
        self.objects.directory(root, &self.scope.workspace)
    }

    fn index(&self) -> Result<&Index, Error> {
        if let Some(index) = self.index.get() {
            return Ok(index);
        }
        let index = Index::read(&self.scope.index, self.objects.id_length())?;
        Ok(self.index.get_or_init(|| index))
    }

    fn staged(
        &self,
        base: Option<ObjectId>,
        emit: &mut impl FnMut(&[u8], Option<Side>),
    ) -> Result<(), Error> {
        let staged = Staged {
            index: self.index()?,
            objects: &self.objects,
        };
        let directory = staged.directory(&self.scope.workspace);
        staged.differences(base, &directory, emit)
    }

    fn with_work_tree<T>(
        &self,
        action: impl FnOnce(WorkTree<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let (walked, filters) = self.walk()?;
        action(WorkTree {
            scope: &self.scope,
            index: self.index()?,
            entries: self.index()?.below(&self.scope.workspace),
            walked,
            contents: Contents {
                scope: &self.scope,
                index: self.index()?,
                filters,
                filtered: &*self.filtered,
                id_length: self.objects.id_length(),
            },
        })
    }

    fn walk(&self) -> Result<&(Walked, Filters), Error> {
        if let Some(walk) = self.walk.get() {
            return Ok(walk);
        }
        let plan = Plan {
            scope: &self.scope,
            settings: &self.settings,
            index: self.index()?,
            skipped_rules: self.skipped_rules()?,
        };
        let filters = Filters::of_repository(&self.scope, &self.settings)?;
        let walked = walk::walk(&plan)?;
        Ok(self.walk.get_or_init(|| (walked, filters)))
    }

    /// The ignore files that the sparse checkout left out.
    fn skipped_rules(&self) -> Result<HashMap<Vec<u8>, Vec<u8>>, Error> {
        let index = self.index()?;
        let mut rules = HashMap::new();
        if !index.has_skipped() {
            return Ok(rules);
        }
        for at in 0..index.len() {
            let entry = index.entry(at);
            let is_rules = entry.path == b".gitignore" || entry.path.ends_with(b"/.gitignore");
            if entry.is_skipped() && is_rules {
                rules.insert(entry.path.to_owned(), self.objects.blob(entry.id())?);
            }
        }
        Ok(rules)
    }

    fn committed_files(&self, root: Option<ObjectId>, within: &Within) -> Result<Files, Error> {
        let mut files = Files::default();
        let mut wanted = Vec::new();
        for path in within.paths() {
            if let Some(root) = root
                && let Some(side) = self.objects.find(root, path.as_bytes())?
            {
                wanted.push((path, side));
            }
        }
        // What lies below `a` comes after `a-b`.
        wanted.sort_by_cached_key(|(path, side)| match side.mode == DIRECTORY {
            true if !path.is_root() => [path.as_bytes(), b"/"].concat(),
            _ => path.as_bytes().to_owned(),
        });
        for (path, side) in wanted {
            let mut path = path.as_bytes().to_owned();
            match side.mode == DIRECTORY {
                true => trees::files(&self.objects, side.id, &mut path, &mut |path, side| {
                    push(&mut files, path, side);
                })?,
                false => push(&mut files, &path, side),
            }
        }
        Ok(files)
    }

    fn staged_files(&self, within: &Within) -> Result<Files, Error> {
        let index = self.index()?;
        let skip = self.scope.skip();
        let mut files = Files::default();
        let mut entries = within.entries(index, &self.scope.workspace).peekable();
        while let Some(first) = entries.next() {
            let path = index.path(first);
            let mut best = index.entry(first);
            // Of a conflict, our side counts, else the other one.
            while let Some(at) = entries.next_if(|at| index.path(*at) == path) {
                let other = index.entry(at);
                if best.stage() != 2 {
                    best = other;
                }
            }
            if !best.is_intent_to_add() {
                push(&mut files, &path[skip..], best.side());
            }
        }
        Ok(files)
    }

    fn staged_side(&self, path: &FilePath) -> Result<Option<Side>, Error> {
        let files = self.staged_files(&Within::new(std::slice::from_ref(path)))?;
        let own = files.iter().find(|file| file.path == path.as_bytes());
        Ok(own.map(|file| Side {
            mode: file.mode,
            id: file.content,
        }))
    }

    /// What the index has at a path that the sparse checkout left out.
    fn skipped_side(&self, path: &FilePath) -> Result<Option<Side>, Error> {
        let index = self.index()?;
        let path = self.scope.from_root(path.as_bytes());
        let entry = index.find(&path).next().map(|at| index.entry(at));
        let entry = entry.filter(|entry| entry.is_skipped() || entry.is_assumed_valid());
        Ok(entry.map(|entry| entry.side()))
    }

    fn content(&self, path: &FilePath, side: Option<Side>) -> Result<Option<Vec<u8>>, Error> {
        match side {
            Some(side) if side.mode != DIRECTORY && side.mode != SUBMODULE => {
                match self.same_on_disk(path, side.id) {
                    Some(content) => Ok(Some(content)),
                    None => self.objects.blob(side.id).map(Some),
                }
            }
            _ => Ok(None),
        }
    }

    /// A long file that is on disk just as in the object: reading and hashing it takes less time than inflating.
    fn same_on_disk(&self, path: &FilePath, id: ObjectId) -> Option<Vec<u8>> {
        let length = self.objects.length(id).filter(|length| *length >= LONG)?;
        let file = self.scope.absolute(path.as_bytes());
        let metadata = file.symlink_metadata().ok()?;
        if !metadata.is_file() || metadata.len() != length {
            return None;
        }
        let content = std::fs::read(file).ok()?;
        (hash::blob(&content, self.objects.id_length()) == id).then_some(content)
    }

    /// The content of a file or the target of a link in the working tree, unless a symlink leads to it.
    fn on_disk(&self, path: &FilePath) -> Result<Option<Vec<u8>>, Error> {
        use std::io::ErrorKind::{NotADirectory, NotFound};
        let mut here = self.scope.absolute(b"");
        let failed = |here: &std::path::Path, cause| Error::File {
            attempt: format!("read {}", here.display()),
            cause,
        };
        let mut parts = path.as_path().iter().peekable();
        while let Some(part) = parts.next() {
            here.push(part);
            let metadata = match here.symlink_metadata() {
                Ok(metadata) => metadata,
                Err(cause) if matches!(cause.kind(), NotFound | NotADirectory) => return Ok(None),
                Err(cause) => return Err(failed(&here, cause)),
            };
            if parts.peek().is_some() {
                match metadata.is_dir() {
                    true => continue,
                    false => return Ok(None),
                }
            }
            let content = match (metadata.is_file(), metadata.is_symlink()) {
                (true, _) => std::fs::read(&here),
                (_, true) => here
                    .read_link()
                    .map(|to| to.as_os_str().as_bytes().to_vec()),
                _ => return Ok(None),
            };
            return match content {
                Ok(content) => Ok(Some(content)),
                Err(cause) if cause.kind() == NotFound => Ok(None),
                Err(cause) => Err(failed(&here, cause)),
            };
        }
        Ok(None)
    }
}

fn push(files: &mut Files, path: &[u8], side: Side) {
    files.push(File {
        path,
        mode: side.mode,
        content: side.id,
        stamp: None,
        is_tracked: true,
    });
}
