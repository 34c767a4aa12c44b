//! What git is asked while tasks run. That is rare, so the repository is opened each time: several threads cannot share an
//! open one.

use std::path::Path;

use crate::git::Repo;
use crate::model::change::ObjectId;
use crate::model::env::Env;
use crate::model::path::FilePath;

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

    fn open(&self) -> Option<Repo> {
        Repo::discover_at(self.env, self.root).ok().flatten()
    }
}
