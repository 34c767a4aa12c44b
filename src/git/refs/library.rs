//! Reading by the library: many small files several times as fast as by the program, and by several threads at once. What it
//! cannot read, for whatever reason, is left to the program.

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use git2::{ObjectType, Oid, Repository};
use rayon::prelude::*;

use crate::git::refs::read::{LARGEST_TOTAL, LONGEST_LISTING, MOST_ENTRIES, Named};
use crate::git::repo::{Repo, id_of, oid_of};
use crate::model::change::ObjectId;

/// How many files one thread reads before it looks for more.
const AT_ONCE: usize = 64;

/// A repository as the library reads it.
pub struct Library {
    path: PathBuf,
    /// One for each thread that reads: threads that share one wait for each other.
    idle: Mutex<Vec<Repository>>,
}

impl Library {
    /// None if the library cannot read this repository.
    pub fn of(repo: &Repo) -> Option<Self> {
        let path = repo.library()?.path().to_owned();
        let first = Repository::open(&path).ok()?;
        Some(Self {
            path,
            idle: Mutex::new(vec![first]),
        })
    }

    /// What `commit` has at `path`: below it, if it ends with `/`. None if it cannot be told.
    pub fn list(&self, commit: ObjectId, path: &str) -> Option<Vec<Named>> {
        self.with(|library| {
            let commit = oid_of(commit).ok()?;
            is_small(library, commit, ObjectType::Commit)?;
            let mut tree = library.find_commit(commit).ok()?.tree_id();
            let (above, last) = path.rsplit_once('/').unwrap_or(("", path));
            for part in above.split('/').filter(|it| !it.is_empty()) {
                is_small(library, tree, ObjectType::Tree)?;
                let found = library.find_tree(tree).ok()?;
                match found.get_name(part) {
                    Some(entry) if entry.kind() == Some(ObjectType::Tree) => tree = entry.id(),
                    _ => return Some(Vec::new()),
                }
            }
            is_small(library, tree, ObjectType::Tree)?;
            let tree = library.find_tree(tree).ok()?;
            if tree.len() > MOST_ENTRIES {
                return None;
            }
            let above = &path[..path.len() - last.len()];
            let is_it = |name: &[u8]| last.is_empty() || name == last.as_bytes();
            let found = tree.iter().filter(|it| is_it(it.name_bytes()));
            let named = found.map(|it| {
                let mode = it.filemode_raw() as u32;
                Named::new(above, it.name_bytes(), mode, id_of(it.id()))
            });
            Some(named.collect())
        })
    }

    /// What `files` hold, as far as it can be told and none has more than `limit` bytes.
    pub fn contents(&self, files: &[Named], limit: usize) -> Vec<Option<Vec<u8>>> {
        let total = AtomicUsize::new(0);
        let read = |files: &[Named]| {
            let found = self.with(|library| {
                let objects = library.odb().ok()?;
                let one = |file: &Named| {
                    let id = oid_of(file.content).ok()?;
                    let (size, kind) = objects.read_header(id).ok()?;
                    let is_fine = kind == ObjectType::Blob && size <= limit;
                    let all = total.fetch_add(size, Ordering::Relaxed) + size;
                    if !is_fine || all > LARGEST_TOTAL {
                        return None;
                    }
                    Some(objects.read(id).ok()?.data().to_vec())
                };
                Some(files.iter().map(one).collect())
            });
            found.unwrap_or_else(|| vec![None; files.len()])
        };
        let parts: Vec<Vec<_>> = files.par_chunks(AT_ONCE).map(read).collect();
        parts.into_iter().flatten().collect()
    }

    /// Does `work` with a repository that no other thread uses.
    fn with<T>(&self, work: impl FnOnce(&Repository) -> Option<T>) -> Option<T> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let repository = match taken {
            Some(repository) => repository,
            None => Repository::open(&self.path).ok()?,
        };
        let answer = work(&repository);
        idle().push(repository);
        answer
    }
}

/// It is what it is to be, and can be read without filling the memory.
fn is_small(library: &Repository, id: Oid, wanted: ObjectType) -> Option<()> {
    let (size, kind) = library.odb().ok()?.read_header(id).ok()?;
    (kind == wanted && size as u64 <= LONGEST_LISTING).then_some(())
}
