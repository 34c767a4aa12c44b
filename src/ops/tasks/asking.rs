//! What git is asked while tasks run. That is rare, so the repository is opened each time: several threads cannot share an
//! open one.

use std::path::Path;

use crate::git::Repo;
use crate::model::change::{Head, ObjectId};
use crate::model::env::Env;
use crate::model::key::InputFile;
use crate::model::path::FilePath;

/// The mode of a submodule, as in a git tree.
const SUBMODULE: u32 = 0o160000;

/// The repository of a workspace, as good as closed.
pub struct GitLater<'a> {
    pub env: &'a Env,
    /// The workspace's directory.
    pub root: &'a Path,
}

impl GitLater<'_> {
    /// For each of `paths` whether git ignores it. Where git cannot tell, it does not.
    pub fn ignores(&self, paths: &[FilePath]) -> Vec<bool> {
        let ignored = self.open().and_then(|repo| repo.ignored(paths).ok());
        ignored.unwrap_or_else(|| vec![false; paths.len()])
    }

    /// The id of each plain file as it is now; none if one of them cannot be read.
    pub fn contents(&self, paths: &[FilePath]) -> Option<Vec<ObjectId>> {
        let repo = self.open()?;
        let from_top = paths.iter().map(|it| repo.scope().join(it.as_bytes()));
        repo.hash_files(&from_top.collect::<Vec<_>>()).ok()
    }

    /// The first submodule among `files` that is not as it was: no stamp tells of all that is in it. Where git cannot tell,
    /// it is not.
    pub fn first_changed_submodule<'f>(
        &self,
        files: impl Iterator<Item = &'f InputFile>,
    ) -> Option<&'f FilePath> {
        let modules: Vec<&InputFile> = files.filter(|it| it.mode == SUBMODULE).collect();
        let first = &modules.first()?.path;
        let paths: Vec<FilePath> = modules.iter().map(|it| it.path.clone()).collect();
        let now = || {
            let repo = self.open()?;
            let head = Head::WorkTree(repo.head_commit().ok()?);
            repo.snapshot(head).files(&paths).ok()
        };
        let Some(now) = now() else {
            return Some(first);
        };
        let is_same = |it: &InputFile| {
            let file = now.find(it.path.as_bytes());
            file.is_some_and(|now| now.content == it.content)
        };
        let changed = modules.into_iter().find(|it| !is_same(it));
        changed.map(|it| &it.path)
    }

    fn open(&self) -> Option<Repo> {
        Repo::discover_at(self.env, self.root).ok().flatten()
    }
}
