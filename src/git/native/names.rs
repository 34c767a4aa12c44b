//! A parallel walk over the working tree that reads directories only: the names of files that are tracked or not ignored.

use std::ffi::{CString, OsStr};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use gix_glob::pattern::Case;
use rayon::Scope as Spawner;
use rayon::slice::ParallelSliceMut;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::git::error::Error;
use crate::git::native::ignore::Ignores;
use crate::git::native::index::Index;
use crate::git::native::listing::{self, Kind, Listing};
use crate::git::native::nested;
use crate::git::native::objects::Objects;
use crate::git::native::scope::{Scope, Settings};
use crate::git::native::staged::{Child, child};
use crate::git::native::threads;

/// The bytes of an id in an index that there is none of.
const ANY_LENGTH: usize = 20;
/// What nobody looks into where no repository says what is ignored.
const HUGE: &[u8] = b"node_modules";

/// What a walk found.
#[derive(Debug, Default)]
pub struct Listed {
    /// Relative to the workspace, sorted.
    pub paths: Vec<Box<[u8]>>,
    pub unreadable: Vec<Box<[u8]>>,
    /// Those of the paths that are symbolic links.
    pub links: Vec<Box<[u8]>>,
}

struct Walker<'w> {
    top: &'w Path,
    root: OwnedFd,
    index: &'w Index,
    skip: usize,
    is_repository: bool,
    found: Vec<Mutex<Listed>>,
    failure: Mutex<Option<Error>>,
}

/// A directory that is to be visited.
struct Visit {
    /// From the root of the working tree.
    path: Vec<u8>,
    entries: Range<usize>,
    rules: Arc<Ignores>,
    is_ignored: bool,
}

/// The names of the files of a workspace in a repository.
///
/// # Errors
/// An unreadable repository.
pub fn names(repo: &git2::Repository, scope: &Scope) -> Result<Listed, Error> {
    let settings = Settings::read(repo, scope)?;
    let length = Objects::open(repo)?.id_length();
    let index = Index::read(&scope.index, length)?;
    let case = match settings.ignore_case {
        true => Case::Fold,
        false => Case::Sensitive,
    };
    let exclude = scope.common_dir.join("info/exclude");
    let rules = Ignores::of_repository(settings.excludes_file.as_deref(), &exclude, case)?;
    walk(&scope.work_tree, &scope.workspace, &index, rules, true)
}

/// The names of the files below a directory that is in no repository.
///
/// # Errors
/// The directory itself cannot be read.
pub fn names_outside(directory: &Path) -> Result<Listed, Error> {
    let nowhere = directory.join(".git/none");
    let index = Index::read(&nowhere, ANY_LENGTH)?;
    let rules = Ignores::of_repository(None, &nowhere, Case::Sensitive)?;
    walk(directory, b"", &index, rules, false)
}

fn walk(
    top: &Path,
    workspace: &[u8],
    index: &Index,
    rules: Arc<Ignores>,
    is_repository: bool,
) -> Result<Listed, Error> {
    let failed = |cause: Errno| Error::File {
        attempt: format!("list {}", top.display()),
        cause: cause.into(),
    };
    let path =
        CString::new(top.as_os_str().as_encoded_bytes()).map_err(|_| failed(Errno::INVAL))?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let threads = threads::start()?;
    let walker = Walker {
        top,
        root: rustix::fs::openat(rustix::fs::CWD, &path, flags, Mode::empty()).map_err(failed)?,
        index,
        skip: workspace.len() + usize::from(!workspace.is_empty()),
        is_repository,
        found: (0..threads.current_num_threads())
            .map(|_| Mutex::default())
            .collect(),
        failure: Mutex::default(),
    };
    let first = walker.top(workspace, rules)?;
    threads.scope(|spawner| walker.visit(spawner, first));
    if let Some(failure) = walker
        .failure
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner)
    {
        return Err(failure);
    }
    let mut all = Listed::default();
    for found in walker.found {
        let mut found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.paths.append(&mut found.paths);
        all.unreadable.append(&mut found.unreadable);
        all.links.append(&mut found.links);
    }
    threads.install(|| all.paths.par_sort_unstable());
    Ok(all)
}

impl Walker<'_> {
    /// The visit of the workspace, with the rules of the directories above it.
    fn top(&self, workspace: &[u8], rules: Arc<Ignores>) -> Result<Visit, Error> {
        let mut top = Visit {
            path: Vec::new(),
            entries: self.index.below(workspace),
            rules,
            is_ignored: false,
        };
        for part in workspace
            .split(|byte| *byte == b'/')
            .filter(|it| !it.is_empty())
        {
            if let Ok(directory) = self.open(&top.path) {
                top.rules = self.rules(&directory, &top);
            }
            top.path = join(&top.path, part);
            top.is_ignored = top.is_ignored || top.rules.ignore(&top.path, true);
        }
        Ok(top)
    }

    fn visit<'s>(&'s self, spawner: &Spawner<'s>, mut visit: Visit) {
        let is_top = visit.path.len() + 1 == self.skip || visit.path.is_empty();
        let listing = self.open(&visit.path).and_then(|directory| {
            let listing = Listing::read(&directory)?;
            if !visit.is_ignored
                && listing
                    .find(b".gitignore")
                    .is_some_and(|it| it.kind == Kind::File)
            {
                visit.rules = self.rules(&directory, &visit);
            }
            Ok(listing)
        });
        let listing = match listing {
            Ok(listing) => listing,
            Err(cause) if is_top => return self.fail(&visit.path, cause),
            Err(Errno::ACCESS | Errno::PERM) => {
                return self.found(|it| it.unreadable.push(visit.path[self.skip..].into()));
            }
            // It went away meanwhile, or is something else now.
            Err(_) => return,
        };
        let is_foreign = visit.entries.is_empty() && !is_top && listing.has_git;
        if is_foreign && nested::is_repository(&self.place(&visit.path)) {
            return;
        }
        let children = self.children(&visit);
        let mut next = children.iter().peekable();
        let mut files: Vec<Box<[u8]>> = Vec::new();
        let mut links: Vec<Box<[u8]>> = Vec::new();
        for name in listing.iter() {
            while next.next_if(|child| child.name() < name.bytes).is_some() {}
            let (mut is_tracked, mut below) = (false, 0..0);
            while let Some(child) = next.next_if(|child| child.name() == name.bytes) {
                match child {
                    Child::File(..) => is_tracked = true,
                    Child::Directory(_, entries) => below = entries.clone(),
                }
            }
            let path = join(&visit.path, name.bytes);
            match name.kind {
                Kind::Directory => {
                    let is_ignored = visit.is_ignored || visit.rules.ignore(&path, true);
                    // A tracked directory that is one entry is a submodule: not ours.
                    let is_left_out = is_tracked
                        || is_ignored && below.is_empty()
                        || !self.is_repository && name.bytes == HUGE;
                    if !is_left_out {
                        let rules = Arc::clone(&visit.rules);
                        let next = Visit {
                            path,
                            entries: below,
                            rules,
                            is_ignored,
                        };
                        spawner.spawn(move |spawner| self.visit(spawner, next));
                    }
                }
                Kind::File | Kind::Link
                    if is_tracked || !visit.is_ignored && !visit.rules.ignore(&path, false) =>
                {
                    if name.kind == Kind::Link {
                        links.push(path[self.skip..].into());
                    }
                    files.push(path[self.skip..].into());
                }
                Kind::File | Kind::Link | Kind::Other => {}
            }
        }
        self.found(|it| {
            it.paths.append(&mut files);
            it.links.append(&mut links);
        });
    }

    /// The children of a directory in the index, sorted by name alone.
    fn children(&self, visit: &Visit) -> Vec<Child<'_>> {
        let skip = visit.path.len() + usize::from(!visit.path.is_empty());
        let mut children = Vec::new();
        let mut rest = visit.entries.clone();
        while let Some(child) = child(self.index, rest.clone(), skip, |_| None) {
            rest.start = child.entries().end;
            children.push(child);
        }
        children.sort_by(|left, right| left.name().cmp(right.name()));
        children
    }

    /// The rules inside a directory. A file of rules that cannot be read holds none.
    fn rules(&self, directory: &OwnedFd, visit: &Visit) -> Arc<Ignores> {
        let skip = visit.path.len() + usize::from(!visit.path.is_empty());
        match nested::read_file(directory, c".gitignore") {
            Ok(Some(content)) => visit.rules.with(&content, skip),
            _ => Arc::clone(&visit.rules),
        }
    }

    fn open(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = match path.is_empty() {
            true => c".".to_owned(),
            false => CString::new(path).map_err(|_| Errno::INVAL)?,
        };
        listing::open_directory(&self.root, &path)
    }

    fn found(&self, add: impl FnOnce(&mut Listed)) {
        let thread = rayon::current_thread_index().unwrap_or_default();
        add(&mut self.found[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner));
    }

    fn fail(&self, path: &[u8], cause: Errno) {
        *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(Error::File {
            attempt: format!("list {}", self.place(path).display()),
            cause: cause.into(),
        });
    }

    fn place(&self, path: &[u8]) -> PathBuf {
        self.top.join(OsStr::from_bytes(path))
    }
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory.is_empty() {
        true => name.to_owned(),
        false => [directory, b"/", name].concat(),
    }
}
