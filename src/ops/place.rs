//! Where a request plays: the workspace, its repository and its surroundings.

use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::OnceLock;

use crate::cache::Outputs;
use crate::ci;
use crate::config;
use crate::git::{Fetch, Repo};
use crate::model::change::Head;
use crate::model::ci::Ci;
use crate::model::digest::{Digest, Digester};
use crate::model::env::Env;
use crate::ops::failure::Failure;
use crate::ops::source::SnapshotSource;
use crate::record::{History, Records};

/// Where records are, below the git directory of the worktree.
const RECORDS: &str = "svc";

/// The workspace that a request is about.
pub struct Place {
    pub env: Env,
    /// The directory with `services.toml`, absolute and without symlinks.
    pub root: PathBuf,
    pub repo: Option<Repo>,
    /// Where the records of runs are, if not beside the repository: those in a checkout belong to its working tree.
    pub recorded: Option<PathBuf>,
    ci: OnceLock<Option<Ci>>,
}

impl Place {
    /// The workspace at `root`.
    pub fn new(env: Env, root: PathBuf, repo: Option<Repo>) -> Self {
        Self {
            env,
            root,
            repo,
            recorded: None,
            ci: OnceLock::new(),
        }
    }

    /// Finds the workspace around the working directory, and its repository, which may be fetched to or not.
    ///
    /// # Errors
    /// No `services.toml` from here upward, or a repository that cannot be opened.
    pub fn find(env: &Env, fetch: Fetch) -> Result<Self, Failure> {
        let root =
            config::find_root(&env.directory).map_err(|looked| Failure::NoWorkspace { looked })?;
        let repo = Repo::discover_at(env, &root)?.map(|repo| repo.fetching(fetch));
        Ok(Self::new(env.clone(), root, repo))
    }

    /// The same with the records of its runs elsewhere.
    #[must_use]
    pub fn recording(mut self, directory: Option<PathBuf>) -> Self {
        self.recorded = directory;
        self
    }

    /// What the CI system says of this run. None outside of those that are known.
    pub fn ci(&self) -> Option<&Ci> {
        self.ci.get_or_init(|| ci::read(&self.env)).as_ref()
    }

    /// The workspace as its files are on disk now. What a sparse checkout left out is there as well.
    ///
    /// # Errors
    /// Everything that is wrong with the definition.
    pub fn workspace(&self) -> Result<config::Loaded, Failure> {
        let sparse = self.repo.as_ref().filter(|repo| repo.is_sparse());
        if let Some(repo) = sparse {
            let tree = repo.snapshot(Head::WorkTree(repo.head_commit()?));
            return Ok(config::load(&SnapshotSource(tree.as_ref()))?);
        }
        Ok(config::load(&config::Disk::new(&self.root))?)
    }

    /// The records of this worktree's runs; none without a repository.
    pub fn records(&self) -> Option<Records> {
        Some(Records::open(self.records_directory()?))
    }

    /// Where those are.
    pub fn records_directory(&self) -> Option<PathBuf> {
        let recorded = self.recorded.clone();
        recorded.or_else(|| Some(self.beside(self.repo.as_ref()?)))
    }

    /// Tells this workspace from others on the machine; worktrees of one repository are the same.
    pub fn identity(&self, repo: &Repo) -> Digest {
        Digester::new("workspace")
            .part("repository", repo.common_dir().as_os_str().as_bytes())
            .part("path", repo.scope().as_bytes())
            .finish()
    }

    /// Where something is remembered of this worktree alone, under a name of its own.
    pub fn memory(&self, name: &str) -> Option<PathBuf> {
        Some(self.beside(self.repo.as_ref()?).join(name))
    }

    /// The directory for what is known of this worktree alone.
    fn beside(&self, repo: &Repo) -> PathBuf {
        let directory = repo.git_dir().join(RECORDS);
        if repo.scope().is_root() {
            return directory;
        }
        // A repository may hold several workspaces, with services of the same names.
        let scope = Digester::new("workspace")
            .part("path", repo.scope().as_bytes())
            .finish();
        directory.join(&scope.as_str()[..16])
    }

    /// The outputs of the tasks in this worktree, remembered beside its records.
    pub fn outputs(&self, repo: &Repo) -> Outputs {
        Outputs::open(self.root.clone(), self.beside(repo).join("outputs"))
    }

    /// What is known of earlier runs of this worktree.
    pub fn history(&self) -> History {
        self.records().map(|it| it.history()).unwrap_or_default()
    }
}
