//! The `git` program as states are read through it: under fixed settings, with errors that name what is damaged.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::git::error::Error;
use crate::git::program::{Fetch, Git};
use crate::git::raw::{ids, quoted};
use crate::git::repo::Repo;
use crate::model::change::ObjectId;
use crate::model::path::FilePath;

/// See the first line of this file.
#[derive(Clone, Debug)]
pub struct Reader {
    git: Git,
    index_file: PathBuf,
    objects: Objects,
}

/// Where objects may come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Objects {
    Here,
    /// Git fetches those that it needs from a remote, which may hang.
    Remote,
}

/// Settings under which every command here runs.
const SETTINGS: &[&str] = &[
    "-c",
    "diff.autoRefreshIndex=true",
    "-c",
    "core.safecrlf=false",
    // Limited to a path that a sparse index has folded away, `diff-index --cached` finds nothing.
    "-c",
    "index.sparse=false",
    // It may name a program, or leave a daemon behind.
    "-c",
    "core.fsmonitor=false",
];

/// What git says of a damaged index.
const INDEX: &[&str] = &[
    "index file",
    "bad index",
    "bad signature",
    "index uses",
    "cache entry",
];

/// What git says of objects that are damaged or missing.
const OBJECTS: &[&str] = &[
    "unable to read",
    "bad object",
    "missing",
    "corrupt",
    "bad tree object",
    "from promisor remote",
];

impl Reader {
    /// Reads `repo`, fetching missing objects where it may.
    pub fn new(repo: &Repo) -> Self {
        let may_fetch = repo.fetch() == Fetch::Allowed && repo.is_partial();
        let (git, objects) = match (repo.fetch(), may_fetch) {
            (Fetch::Forbidden, _) => (repo.git().offline(), Objects::Here),
            (_, true) => (repo.git().patient(), Objects::Remote),
            (_, false) => (repo.git().clone(), Objects::Here),
        };
        Self {
            git,
            index_file: repo.index_file().to_owned(),
            objects,
        }
    }

    /// Reads the repository whose work tree is `top`, inside the one that is read here.
    pub fn inside(&self, top: &Path) -> Self {
        let mut inner = self.clone();
        inner.git.forget_repository();
        inner.git.move_to(top);
        if let Some(parent) = top.parent() {
            // If it turns out to be no repository, the one around it must not be taken for it.
            inner.git.set("GIT_CEILING_DIRECTORIES", parent);
        }
        inner.index_file = top.join(".git/index");
        inner
    }

    /// The program itself.
    pub fn git(&self) -> &Git {
        &self.git
    }

    /// What `git ARGUMENTS` prints.
    ///
    /// # Errors
    /// Git failed.
    pub fn output(&self, arguments: Vec<OsString>) -> Result<Vec<u8>, Error> {
        let settings = SETTINGS.iter().map(OsString::from);
        let arguments = settings.chain(arguments);
        let finished = match self.objects {
            Objects::Here => self.git.run(arguments),
            Objects::Remote => self.git.talk(arguments),
        }?;
        finished.into_output().map_err(|error| self.named(error))
    }

    /// The ids under which git would store plain files, after filters and line endings. The paths start at the top of the
    /// work tree.
    ///
    /// # Errors
    /// Git failed.
    pub fn hash_files(&self, paths: &[FilePath]) -> Result<Vec<ObjectId>, Error> {
        if paths.is_empty() {
            return Ok(Vec::new());
        }
        let lines = paths.iter().map(|path| quoted(path.as_bytes()));
        let input = lines.flat_map(|line| [line, b"\n".to_vec()].concat());
        let arguments = SETTINGS
            .iter()
            .chain(&["hash-object", "--stdin-paths"])
            .copied();
        let hashes = ids(&self.git.output_for(arguments, input.collect())?);
        match hashes.len() == paths.len() {
            true => Ok(hashes),
            false => Err(Error::Corrupt("git did not hash every file".to_owned())),
        }
    }

    /// The id of a blob, or of the empty tree, with this content; as it is, without filters.
    ///
    /// # Errors
    /// Git failed.
    pub fn hash(&self, kind: &str, content: Vec<u8>) -> Result<ObjectId, Error> {
        let arguments = ["hash-object", "-t", kind, "--stdin"];
        let output = self.git.output_for(arguments, content)?;
        let id = ids(&output).into_iter().next();
        id.ok_or_else(|| Error::Corrupt("git did not say the id of an object".to_owned()))
    }

    /// The same error, naming the file of the repository that is damaged.
    fn named(&self, error: Error) -> Error {
        let Error::Program { message, .. } = &error else {
            return error;
        };
        let says = |words: &[&str]| words.iter().any(|it| message.contains(it));
        if says(INDEX) {
            let shown = self.index_file.display();
            Error::Corrupt(format!("the index `{shown}` cannot be read: {message}"))
        } else if says(OBJECTS) {
            Error::Corrupt(format!("objects cannot be read: {message}"))
        } else {
            error
        }
    }
}
