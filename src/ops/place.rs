//! Where a request plays: the workspace, its repository and its surroundings.

use std::path::{Path, PathBuf};

use crate::config;
use crate::git::Repo;
use crate::model::env::Env;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;

/// The workspace that a request is about.
pub struct Place {
    pub env: Env,
    /// The directory with `services.toml`, absolute and without symlinks.
    pub root: PathBuf,
    pub repo: Option<Repo>,
}

impl Place {
    /// Finds the workspace around the working directory, and its repository.
    ///
    /// # Errors
    /// No `services.toml` from here upward, or a repository that cannot be opened.
    pub fn find(env: &Env) -> Result<Self, Failure> {
        let root = config::find_root(&env.directory).map_err(|looked| Failure::NoWorkspace { looked })?;
        let repo = Repo::discover(env, &root)?;
        Ok(Self {
            env: env.clone(),
            root,
            repo,
        })
    }

    /// The workspace as its files are on disk now.
    ///
    /// # Errors
    /// Everything that is wrong with the definition.
    pub fn workspace(&self) -> Result<config::Loaded, Failure> {
        Ok(config::load(&config::Disk::new(&self.root))?)
    }

    /// Where this worktree keeps the records of its runs.
    pub fn records_directory(&self) -> Option<PathBuf> {
        let below = |directory: &Path| directory.join("svc");
        self.repo.as_ref().map(|repo| below(repo.git_dir()))
    }
}
