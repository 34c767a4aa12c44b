//! A state of the workspace: read by our own hand, and through the `git` program where that does not go.

use crate::git::error::Error;
use crate::git::fallback::Fallback;
use crate::git::native::{self, NativeSnapshot, Scope};
use crate::git::repo::Repo;
use crate::git::snapshot::{Files, Snapshot};
use crate::model::change::{Head, ObjectId};
use crate::model::path::FilePath;

/// See the first line of this file.
pub struct State<'r> {
    repo: &'r Repo,
    head: Head,
    /// None where the library cannot read the repository at all.
    native: Option<NativeSnapshot<'r>>,
}

impl<'r> State<'r> {
    /// The state `head` of `repo`.
    pub fn new(repo: &'r Repo, head: Head) -> Self {
        let native = readable(repo).and_then(|library| {
            let scope = scope(repo, head)?;
            let filtered = Box::new(|paths: &[FilePath]| repo.hash_files(paths));
            native::open(library, scope, head, filtered).ok()
        });
        Self { repo, head, native }
    }

    /// Asks the fast reader, then the program. Only what the file system refuses is final at once.
    fn ask<T>(&self, question: impl Fn(&dyn Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        if let Some(native) = &self.native {
            match question(native) {
                Err(Error::File { attempt, cause }) => return Err(Error::File { attempt, cause }),
                Err(_) => {}
                answer => return answer,
            }
        }
        question(&Fallback::new(self.repo, self.head))
    }
}

impl Snapshot for State<'_> {
    fn changed_since(&self, base: Option<ObjectId>) -> Result<Vec<FilePath>, Error> {
        self.ask(|state| state.changed_since(base))
    }

    fn files(&self, within: &[FilePath]) -> Result<Files, Error> {
        self.ask(|state| state.files(within))
    }

    fn promised(&self) -> Result<Vec<FilePath>, Error> {
        self.ask(|state| state.promised())
    }

    fn clean_files(&self) -> Result<Files, Error> {
        self.ask(|state| state.clean_files())
    }

    fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, Error> {
        self.ask(|state| state.read(path))
    }
}

/// The library, unless something changes what git reads in a way that it does not see.
pub fn readable(repo: &Repo) -> Option<&git2::Repository> {
    let has_set = CHANGING.iter().any(|it| repo.git().variable(it).is_some());
    repo.library().filter(|_| !has_set)
}

/// Variables that change settings and attributes: `git -c` and the like.
const CHANGING: [&str; 3] = [
    "GIT_CONFIG_COUNT",
    "GIT_CONFIG_PARAMETERS",
    "GIT_ATTR_SOURCE",
];

/// The places of the repository, as the fast reader wants them. A bare repository has commits only.
pub fn scope(repo: &Repo, head: Head) -> Option<Scope> {
    let work_tree = match (repo.work_tree(), head) {
        (Some(top), _) => top.to_owned(),
        (None, Head::Commit(_)) => repo.git_dir().to_owned(),
        (None, _) => return None,
    };
    Some(Scope {
        work_tree,
        git_dir: repo.git_dir().to_owned(),
        common_dir: repo.common_dir().to_owned(),
        index: repo.index_file().to_owned(),
        workspace: repo.scope().as_bytes().to_vec(),
        user: repo.user().clone(),
    })
}
