//! A parallel walk over the working tree that reads directories only: the names of files that are tracked or not ignored.

use std::ffi::{CString, OsStr};
use std::ops::Range;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use gix_glob::pattern::Case;
use rayon::Scope as Spawner;
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
use crate::git::native::tree::compare_names;
use crate::model::draft::FileList;

/// The bytes of an id in an index that there is none of.
const ANY_LENGTH: usize = 20;
/// What nobody looks into where no repository says what is ignored.
const HUGE: &[u8] = b"node_modules";

/// What a walk found, relative to the workspace.
#[derive(Debug, Default)]
pub struct Listed {
    pub files: FileList,
    pub unreadable: Vec<Box<[u8]>>,
    /// Those of the files that are symbolic links, sorted.
    pub links: Vec<Box<[u8]>>,
}

/// What one thread found.
#[derive(Default)]
struct Found {
    /// By the numbers of the visits.
    folders: Vec<(usize, Folder)>,
    unreadable: Vec<Box<[u8]>>,
}

/// What counts in one directory. Nothing is kept of a file but its name, since there may be very many.
#[derive(Default)]
struct Folder {
    /// The names, one after another.
    names: Vec<u8>,
    /// In the order of what lies below them.
    members: Vec<Member>,
}

struct Member {
    /// Where its name stands.
    name: Range<u32>,
    kind: MemberKind,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum MemberKind {
    File,
    Link,
    /// The number of its visit.
    Folder(usize),
}

struct Walker<'w> {
    top: &'w Path,
    root: OwnedFd,
    index: &'w Index,
    skip: usize,
    is_repository: bool,
    visits: AtomicUsize,
    found: Vec<Mutex<Found>>,
    failure: Mutex<Option<Error>>,
}

/// A directory that is to be visited.
struct Visit {
    number: usize,
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
        visits: AtomicUsize::new(1),
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
    Ok(gathered(walker.found, walker.visits.into_inner()))
}

/// Everything that the threads found on so many visits, in order.
fn gathered(found: Vec<Mutex<Found>>, visits: usize) -> Listed {
    let mut all = Listed::default();
    let mut folders: Vec<Folder> = Vec::new();
    folders.resize_with(visits, Folder::default);
    for found in found {
        let found = found.into_inner().unwrap_or_else(PoisonError::into_inner);
        all.unreadable.extend(found.unreadable);
        for (number, folder) in found.folders {
            folders[number] = folder;
        }
    }
    let mut path: Vec<u8> = Vec::new();
    // Directories on the way to where it is now: the number, what is next in it, and the length of its own path.
    let mut way = vec![(0, 0, 0)];
    while let Some((number, next, length)) = way.last_mut() {
        let folder = &folders[*number];
        path.truncate(*length);
        let Some(member) = folder.members.get(*next) else {
            way.pop();
            continue;
        };
        *next += 1;
        path.extend_from_slice(folder.name(member));
        match member.kind {
            MemberKind::Folder(number) => {
                path.push(b'/');
                way.push((number, 0, path.len()));
                continue;
            }
            MemberKind::Link => all.links.push(path.as_slice().into()),
            MemberKind::File => {}
        }
        all.files.push(&path);
    }
    all
}

impl Folder {
    fn name(&self, member: &Member) -> &[u8] {
        &self.names[member.name.start as usize..member.name.end as usize]
    }

    fn add(&mut self, name: &[u8], kind: MemberKind) {
        let start = self.names.len() as u32;
        self.names.extend_from_slice(name);
        let name = start..self.names.len() as u32;
        self.members.push(Member { name, kind });
    }

    /// Puts directories where the paths of their files stand among those of the others.
    fn sort(&mut self) {
        let names = &self.names;
        let name = |it: &Member| &names[it.name.start as usize..it.name.end as usize];
        let is_folder = |it: &Member| matches!(it.kind, MemberKind::Folder(_));
        self.members.sort_by(|left, right| {
            compare_names(name(left), is_folder(left), name(right), is_folder(right))
        });
    }
}

impl Walker<'_> {
    /// The visit of the workspace, with the rules of the directories above it.
    fn top(&self, workspace: &[u8], rules: Arc<Ignores>) -> Result<Visit, Error> {
        let mut top = Visit {
            number: 0,
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
        let mut folder = Folder::default();
        let mut path = visit.path.clone();
        if !path.is_empty() {
            path.push(b'/');
        }
        let above = path.len();
        for name in listing.iter() {
            while next.next_if(|child| child.name() < name.bytes).is_some() {}
            let (mut is_tracked, mut below) = (false, 0..0);
            while let Some(child) = next.next_if(|child| child.name() == name.bytes) {
                match child {
                    Child::File(..) => is_tracked = true,
                    Child::Directory(_, entries) => below = entries.clone(),
                }
            }
            path.truncate(above);
            path.extend_from_slice(name.bytes);
            match name.kind {
                Kind::Directory => {
                    let is_ignored = visit.is_ignored || visit.rules.ignore(&path, true);
                    // A tracked directory that is one entry is a submodule: not ours.
                    let is_left_out = is_tracked
                        || is_ignored && below.is_empty()
                        || !self.is_repository && name.bytes == HUGE;
                    if !is_left_out {
                        let rules = Arc::clone(&visit.rules);
                        let number = self.visits.fetch_add(1, Ordering::Relaxed);
                        folder.add(name.bytes, MemberKind::Folder(number));
                        let next = Visit {
                            number,
                            path: path.clone(),
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
                    let kind = match name.kind {
                        Kind::Link => MemberKind::Link,
                        _ => MemberKind::File,
                    };
                    folder.add(name.bytes, kind);
                }
                Kind::File | Kind::Link | Kind::Other => {}
            }
        }
        folder.sort();
        self.found(|it| it.folders.push((visit.number, folder)));
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

    fn found(&self, add: impl FnOnce(&mut Found)) {
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
