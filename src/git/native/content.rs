//! The ids of what the walk could not tell from the index, found out by reading it.

use rayon::prelude::*;

use crate::git::error::Error;
use crate::git::native::filters::Filters;
use crate::git::native::hash;
use crate::git::native::index::Index;
use crate::git::native::nested;
use crate::git::native::scope::Scope;
use crate::git::native::seen::{Found, What};
use crate::git::native::threads;
use crate::git::native::tree;
use crate::model::change::ObjectId;
use crate::model::path::FilePath;

/// Gives the ids of files that git stores otherwise than they lie in the working tree. The paths start at the root of the
/// working tree, as `git hash-object --stdin-paths` takes them wherever it runs.
pub type Filtered<'f> = dyn Fn(&[FilePath]) -> Result<Vec<ObjectId>, Error> + 'f;

/// As many files are read before threads are started.
const FEW: usize = 16;

/// What it takes to read contents as git would store them.
pub struct Contents<'w> {
    pub scope: &'w Scope,
    pub index: &'w Index,
    pub filters: &'w Filters,
    pub filtered: &'w Filtered<'w>,
    pub id_length: usize,
}

impl Contents<'_> {
    /// Finds out the ids of `wanted`, where they are not known yet. Git is asked once for all that it may convert.
    ///
    /// # Errors
    /// A file that cannot be read.
    pub fn identify(&self, wanted: Vec<&Found>) -> Result<(), Error> {
        let open = wanted.into_iter().filter(|found| found.id.get().is_none());
        let (repositories, files): (Vec<&Found>, Vec<&Found>) =
            open.partition(|found| found.what == What::Repository);
        for found in repositories {
            let recorded = found.entry.map(|at| self.index.entry(at).id());
            let path = self.scope.absolute(&found.path);
            let id = nested::identity(&path, recorded, self.id_length, &self.scope.user)?;
            know(found, Some(id));
        }
        let (scope, id_length) = (self.scope, self.id_length);
        let id = |found: &&Found| raw(scope, found, id_length);
        let ids: Vec<Option<ObjectId>> = match files.len() < FEW {
            true => files.iter().map(id).collect::<Result<_, Error>>()?,
            false => {
                let all = || files.par_iter().map(id).collect::<Result<_, Error>>();
                threads::start()?.install(all)?
            }
        };
        let mut through_git = Vec::new();
        for (found, id) in files.into_iter().zip(ids) {
            match id.is_some() && self.needs_git(found, id)? {
                true => through_git.push(found),
                false => know(found, id),
            }
        }
        match through_git.is_empty() {
            true => Ok(()),
            false => self.ask_git(&through_git),
        }
    }

    fn ask_git(&self, files: &[&Found]) -> Result<(), Error> {
        let path = |found: &&Found| FilePath::from_bytes(self.scope.from_root(&found.path));
        let paths: Vec<FilePath> = files.iter().map(path).collect();
        let ids = (self.filtered)(&paths)?;
        if ids.len() != paths.len() {
            return Err(Error::Corrupt("git did not name every file".to_owned()));
        }
        for (found, id) in files.iter().zip(ids) {
            know(found, Some(id));
        }
        Ok(())
    }

    /// Whether only git knows the id of a file with the raw id `id`. Content that is exactly what the index has is not
    /// converted once more.
    fn needs_git(&self, found: &Found, id: Option<ObjectId>) -> Result<bool, Error> {
        let recorded = found.entry.map(|at| self.index.entry(at));
        let recorded = recorded.filter(|entry| !entry.is_intent_to_add());
        if found.what != What::File
            || found.mode == tree::LINK
            || id == recorded.map(|entry| entry.id())
        {
            return Ok(false);
        }
        self.may_change(found)
    }

    fn may_change(&self, found: &Found) -> Result<bool, Error> {
        let path = self.scope.from_root(&found.path);
        self.filters.may_change(&path, self.scope, self.index)
    }
}

fn raw(scope: &Scope, found: &Found, id_length: usize) -> Result<Option<ObjectId>, Error> {
    let path = scope.absolute(&found.path);
    match found.what {
        What::File => hash::file(&path, id_length),
        What::Link => hash::link(&path, id_length),
        What::Repository | What::Unreadable | What::Other => Ok(None),
    }
}

fn know(found: &Found, id: Option<ObjectId>) {
    // Somebody else may have found out the same meanwhile; the first answer stays.
    let _ = found.id.set(id);
}
