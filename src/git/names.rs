//! The names of all files that git would count: tracked ones that are there, and untracked ones that are not ignored. Nothing
//! is looked at but directories, so it is quick.

use std::path::Path;

use crate::git::error::Error;
use crate::git::native::{self, Listed};
use crate::git::repo::Repo;
use crate::git::state;
use crate::model::change::Head;
use crate::model::draft::FileList;
use crate::model::path::FilePath;

/// The mode of a symbolic link.
const LINK: u32 = 0o120000;

/// The files of a workspace by name.
#[derive(Clone, Debug, Default)]
pub struct Names {
    pub files: FileList,
    /// Directories that may not be looked into.
    pub unreadable: Vec<FilePath>,
    /// Those of the files that are symbolic links, sorted.
    pub links: Vec<FilePath>,
}

/// The files of the workspace that `repo` was opened for. What a sparse checkout left out is there as well.
///
/// # Errors
/// An unreadable repository.
pub fn of_repository(repo: &Repo) -> Result<Names, Error> {
    let head = Head::WorkTree(repo.head_commit()?);
    let plain = !repo.is_sparse();
    if plain
        && let Some(library) = state::readable(repo)
        && let Some(scope) = state::scope(repo, head)
    {
        match native::names(library, &scope) {
            Ok(listed) => return Ok(listed.into()),
            Err(Error::File { attempt, cause }) => return Err(Error::File { attempt, cause }),
            // What the fast reader does not know for certain, the program does.
            Err(_) => {}
        }
    }
    let files = repo.snapshot(head).files(&[FilePath::default()])?;
    let mut names = Names::default();
    for file in files.iter() {
        names.files.push(file.path);
        if file.mode == LINK {
            names.links.push(FilePath::from_bytes(file.path));
        }
    }
    Ok(names)
}

/// The files below a directory that is in no repository; ignore files in it hold all the same.
///
/// # Errors
/// The directory itself cannot be read.
pub fn of_directory(directory: &Path) -> Result<Names, Error> {
    native::names_outside(directory).map(Names::from)
}

impl From<Listed> for Names {
    fn from(listed: Listed) -> Self {
        let sorted = |paths: Vec<Box<[u8]>>| {
            let mut paths: Vec<_> = paths.into_iter().map(FilePath::from_bytes).collect();
            paths.sort();
            paths
        };
        Self {
            files: listed.files,
            unreadable: sorted(listed.unreadable),
            links: sorted(listed.links),
        }
    }
}
