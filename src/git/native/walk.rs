//! One parallel walk over the working tree: every directory is read once, tracked files are compared with what the index
//! remembers of them, and unknown names are put before the ignore rules.

use std::collections::HashMap;
use std::ffi::CString;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use gix_glob::pattern::Case;
use rayon::Scope as Spawner;
use rustix::fd::OwnedFd;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;

use crate::git::error::Error;
use crate::git::native::ignore::Ignores;
use crate::git::native::index::Index;
use crate::git::native::listing::{self, Kind, Listing, Name};
use crate::git::native::nested;
use crate::git::native::scope::{Scope, Settings};
use crate::git::native::seen::{self, Found, Seen, State, Walked, What};
use crate::git::native::staged::{Child, child};
use crate::git::native::stat::Stat;
use crate::git::native::threads;
use crate::git::native::tree;

/// What a walk needs to know.
pub struct Plan<'p> {
    pub scope: &'p Scope,
    pub settings: &'p Settings,
    pub index: &'p Index,
    /// Ignore files that the sparse checkout left out, by path: their rules hold all the same.
    pub skipped_rules: HashMap<Vec<u8>, Vec<u8>>,
}

struct Walker<'w> {
    plan: &'w Plan<'w>,
    root: OwnedFd,
    /// How many bytes of a path lead to the workspace.
    skip: usize,
    /// The entries of the index below the workspace.
    entries: Range<usize>,
    seen: Vec<Seen>,
    found: Vec<Mutex<Vec<Found>>>,
    failed: AtomicBool,
    failure: Mutex<Option<Error>>,
}

/// A directory that is to be visited.
struct Visit {
    /// From the root of the repository.
    path: Vec<u8>,
    entries: Range<usize>,
    rules: Arc<Ignores>,
    /// It is ignored itself: only its tracked files count.
    is_ignored: bool,
}

/// Walks over the workspace.
///
/// # Errors
/// A directory or file that cannot be read.
pub fn walk(plan: &Plan<'_>) -> Result<Walked, Error> {
    let scope = plan.scope;
    let failed = |cause: Errno| failure(scope, b"", "open", cause);
    let path = CString::new(scope.work_tree.as_os_str().as_encoded_bytes())
        .map_err(|_| failed(Errno::INVAL))?;
    let entries = plan.index.below(&scope.workspace);
    let threads = threads::start()?;
    let walker = Walker {
        plan,
        root: open_root(&path).map_err(failed)?,
        skip: scope.skip(),
        seen: entries.clone().map(|_| Seen::default()).collect(),
        entries: entries.clone(),
        found: (0..threads.current_num_threads())
            .map(|_| Mutex::default())
            .collect(),
        failed: AtomicBool::new(false),
        failure: Mutex::default(),
    };
    let top = walker.top(entries)?;
    threads.scope(|spawner| walker.visit(spawner, top));
    walker.finish()
}

impl<'w> Walker<'w> {
    /// The visit of the workspace, with the rules of the directories above it.
    fn top(&self, entries: Range<usize>) -> Result<Visit, Error> {
        let settings = self.plan.settings;
        let case = match settings.ignore_case {
            true => Case::Fold,
            false => Case::Sensitive,
        };
        let exclude = self.plan.scope.common_dir.join("info/exclude");
        let rules = Ignores::of_repository(settings.excludes_file.as_deref(), &exclude, case)?;
        let workspace = &self.plan.scope.workspace;
        let mut top = Visit {
            path: Vec::new(),
            entries,
            rules,
            is_ignored: false,
        };
        for part in workspace.split(|byte| *byte == b'/') {
            if part.is_empty() {
                break;
            }
            if let Ok(directory) = self.open(&top.path)
                && !top.is_ignored
            {
                top.rules = self.rules(&directory, &top, true)?;
            }
            top.path = join(&top.path, part);
            top.is_ignored = top.is_ignored || top.rules.ignore(&top.path, true);
        }
        Ok(top)
    }

    fn visit<'s>(&'s self, spawner: &Spawner<'s>, visit: Visit) {
        if self.failed.load(Ordering::Relaxed) {
            return;
        }
        if let Err(cause) = self.try_visit(spawner, visit) {
            self.failed.store(true, Ordering::Relaxed);
            *self.failure.lock().unwrap_or_else(PoisonError::into_inner) = Some(cause);
        }
    }

    fn try_visit<'s>(&'s self, spawner: &Spawner<'s>, mut visit: Visit) -> Result<(), Error> {
        let is_top = visit.path == self.plan.scope.workspace;
        let directory = match self.open(&visit.path) {
            Ok(directory) => directory,
            Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => return Ok(()),
            Err(Errno::ACCESS) if visit.entries.is_empty() && !is_top => {
                self.push(&visit.path, None, What::Unreadable, 0, None);
                return Ok(());
            }
            Err(cause) => return Err(self.failure(&visit.path, "open", cause)),
        };
        let listing =
            Listing::read(&directory).map_err(|cause| self.failure(&visit.path, "list", cause))?;
        let is_unknown = visit.entries.is_empty() && !is_top;
        if is_unknown
            && listing.has_git
            && nested::is_repository(&self.plan.scope.rooted(&visit.path))
        {
            self.push(&visit.path, None, What::Repository, tree::SUBMODULE, None);
            return Ok(());
        }
        if !visit.is_ignored {
            let is_there = listing
                .find(b".gitignore")
                .is_some_and(|name| name.kind == Kind::File);
            visit.rules = self.rules(&directory, &visit, is_there)?;
        }
        self.join(spawner, &visit, &directory, &listing)
    }

    /// Puts the names in a directory beside the children that the index has there.
    fn join<'s>(
        &'s self,
        spawner: &Spawner<'s>,
        visit: &Visit,
        directory: &OwnedFd,
        listing: &Listing,
    ) -> Result<(), Error> {
        let children = self.children(visit);
        let mut next = children.iter().peekable();
        for name in listing.iter() {
            while next.next_if(|child| child.name() < name.bytes).is_some() {}
            let (mut file, mut below) = (None, None);
            while let Some(child) = next.next_if(|child| child.name() == name.bytes) {
                match child {
                    Child::File(_, entries) => file = Some(entries.clone()),
                    Child::Directory(_, entries) => below = Some(entries.clone()),
                }
            }
            let is_known = match file {
                Some(entries) => self.compare(directory, visit, name, entries)?,
                None => false,
            };
            match (name.kind, below) {
                (Kind::Directory, Some(entries)) => self.descend(spawner, visit, name, entries),
                _ if is_known || visit.is_ignored => {}
                (Kind::Directory, None) => self.descend(spawner, visit, name, 0..0),
                (Kind::File | Kind::Link, _) => self.meet(directory, visit, name)?,
                (Kind::Other, _) => {}
            }
        }
        Ok(())
    }

    /// The children of a directory in the index, sorted by name alone.
    fn children(&self, visit: &Visit) -> Vec<Child<'w>> {
        let skip = visit.path.len() + usize::from(!visit.path.is_empty());
        let mut children = Vec::new();
        let mut rest = visit.entries.clone();
        while let Some(child) = child(self.plan.index, rest.clone(), skip, |_| None) {
            rest.start = child.entries().end;
            children.push(child);
        }
        children.sort_by(|left, right| left.name().cmp(right.name()));
        children
    }

    /// Visits a directory below, unless nothing in it can count.
    fn descend<'s>(
        &'s self,
        spawner: &Spawner<'s>,
        visit: &Visit,
        name: Name<'_>,
        entries: Range<usize>,
    ) {
        let path = join(&visit.path, name.bytes);
        let is_ignored = visit.is_ignored || visit.rules.ignore(&path, true);
        if is_ignored && entries.is_empty() {
            return;
        }
        let next = Visit {
            path,
            entries,
            rules: Arc::clone(&visit.rules),
            is_ignored,
        };
        spawner.spawn(move |spawner| self.visit(spawner, next));
    }

    /// A file that the index does not have.
    fn meet(&self, directory: &OwnedFd, visit: &Visit, name: Name<'_>) -> Result<(), Error> {
        let path = join(&visit.path, name.bytes);
        if visit.rules.ignore(&path, false) {
            return Ok(());
        }
        let stat = match listing::stat(directory, name.as_c_str()) {
            Ok(stat) => stat,
            // It went away meanwhile.
            Err(Errno::NOENT) => return Ok(()),
            Err(Errno::ACCESS) => {
                self.push(&path, None, What::Unreadable, 0, None);
                return Ok(());
            }
            Err(cause) => return Err(self.failure(&path, "look at", cause)),
        };
        if let Some((what, mode)) = seen::kind(&stat, None, self.plan.settings) {
            self.push(&path, None, what, mode, Some(stat));
        }
        Ok(())
    }

    /// Compares a name with its entries of the index. The result is whether that settles it: a directory in the place of
    /// a file is still to be looked into.
    fn compare(
        &self,
        directory: &OwnedFd,
        visit: &Visit,
        name: Name<'_>,
        entries: Range<usize>,
    ) -> Result<bool, Error> {
        let (entry, at) = (self.plan.index.entry(entries.start), entries.start);
        let is_promised = entry.is_assumed_valid()
            || entry.is_skipped() && !self.plan.settings.present_files_count;
        let mark = |state| entries.clone().for_each(|at| self.seen(at).set(state));
        if name.kind == Kind::Directory {
            let is_submodule = entry.mode() == tree::SUBMODULE;
            match is_submodule && !is_promised {
                true => {
                    let path = join(&visit.path, name.bytes);
                    self.push(&path, Some(at), What::Repository, tree::SUBMODULE, None);
                    mark(State::Found);
                }
                false if !is_promised => mark(State::Replaced),
                false => {}
            }
            return Ok(is_submodule);
        }
        let path = || join(&visit.path, name.bytes);
        let stat = match listing::stat(directory, name.as_c_str()) {
            Ok(stat) => stat,
            // It went away meanwhile.
            Err(Errno::NOENT) => return Ok(true),
            Err(cause) => return Err(self.failure(&path(), "look at", cause)),
        };
        let settings = self.plan.settings;
        let written = self.plan.index.written();
        if is_promised || entry.is_clean(&stat, written, settings) {
            self.seen(at).set_clean(&stat);
            return Ok(true);
        }
        let (what, mode) = seen::kind(&stat, Some(&entry), settings).unwrap_or((What::Other, 0));
        self.push(&path(), Some(at), what, mode, Some(stat));
        mark(State::Found);
        Ok(true)
    }

    /// The rules inside a directory: those above, and its own file.
    fn rules(
        &self,
        directory: &OwnedFd,
        visit: &Visit,
        is_there: bool,
    ) -> Result<Arc<Ignores>, Error> {
        let skip = visit.path.len() + usize::from(!visit.path.is_empty());
        let content = match is_there {
            true => nested::read_file(directory, c".gitignore")
                .map_err(|cause| self.failure(&visit.path, "read .gitignore in", cause))?,
            false => None,
        };
        let content = content.as_ref().or_else(|| {
            let skipped = &self.plan.skipped_rules;
            match skipped.is_empty() {
                true => None,
                false => skipped.get(&join(&visit.path, b".gitignore")),
            }
        });
        Ok(content.map_or_else(
            || Arc::clone(&visit.rules),
            |content| visit.rules.with(content, skip),
        ))
    }

    fn open(&self, path: &[u8]) -> Result<OwnedFd, Errno> {
        let path = match path.is_empty() {
            true => c".".to_owned(),
            false => CString::new(path).map_err(|_| Errno::INVAL)?,
        };
        listing::open_directory(&self.root, &path)
    }

    fn push(&self, path: &[u8], entry: Option<usize>, what: What, mode: u32, stat: Option<Stat>) {
        let found = Found {
            path: path[self.skip..].into(),
            entry,
            what,
            mode,
            stat,
            id: OnceLock::new(),
        };
        let thread = rayon::current_thread_index().unwrap_or_default();
        let mut list = self.found[thread]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        list.push(found);
    }

    fn seen(&self, at: usize) -> &Seen {
        &self.seen[at - self.entries.start]
    }

    fn failure(&self, path: &[u8], action: &str, cause: Errno) -> Error {
        failure(self.plan.scope, path, action, cause)
    }

    fn finish(self) -> Result<Walked, Error> {
        let failure = self.failure.into_inner();
        if let Some(cause) = failure.unwrap_or_else(PoisonError::into_inner) {
            return Err(cause);
        }
        let lists = self.found.into_iter();
        let mut found: Vec<Found> = lists
            .flat_map(|list| list.into_inner().unwrap_or_else(PoisonError::into_inner))
            .collect();
        found.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(Walked {
            seen: self.seen,
            found,
        })
    }
}

/// Opens the root of the working tree, which may be named by a symlink.
fn open_root(path: &CString) -> Result<OwnedFd, Errno> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    rustix::fs::openat(rustix::fs::CWD, path, flags, Mode::empty())
}

fn failure(scope: &Scope, path: &[u8], action: &str, cause: Errno) -> Error {
    Error::File {
        attempt: format!("{action} {}", scope.rooted(path).display()),
        cause: cause.into(),
    }
}

fn join(directory: &[u8], name: &[u8]) -> Vec<u8> {
    match directory.is_empty() {
        true => name.to_owned(),
        false => [directory, b"/", name].concat(),
    }
}
