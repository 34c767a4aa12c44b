//! What was deployed before, with the definitions of its own commit.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config;
use crate::git::{Checkout, Repo};
use crate::model::change::ObjectId;
use crate::model::env::Env;
use crate::model::ledger::Deployed;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::ops::deploy::bring::{Bringing, neighbours};
use crate::ops::deploy::environment::Staged;
use crate::ops::deploy::serve::Machine;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// The past of an environment.
pub struct Past<'a> {
    env: Env,
    root: PathBuf,
    pub environment: EnvironmentName,
    pub machine: &'a Machine,
    checkouts: Mutex<BTreeMap<ObjectId, Arc<Then>>>,
}

/// The workspace as a commit has it, checked out somewhere else.
pub struct Then {
    pub checkout: Checkout,
    pub staged: Staged,
}

impl<'a> Past<'a> {
    /// The past of `environment`.
    pub fn new(place: &'a Place, environment: EnvironmentName, machine: &'a Machine) -> Self {
        Self {
            env: place.env.clone(),
            root: place.root.clone(),
            environment,
            machine,
            checkouts: Mutex::default(),
        }
    }

    /// What it takes to bring a recorded release again.
    ///
    /// # Errors
    /// Its commit cannot be had, or does not define it any more as far as it can be read.
    pub fn bringing(&self, service: &ServiceName, release: &Deployed) -> Result<Bringing, Failure> {
        if let Some(bringing) = self.machine.kept(service, &self.environment, release)? {
            return Ok(bringing);
        }
        let gone = |why: &str, hint: &str| Failure::Usage {
            message: format!(
                "{service} {} cannot be brought again: {why}",
                release.version()
            ),
            hint: hint.to_owned(),
        };
        let Some(commit) = release.commit else {
            return Err(gone(
                "no commit is recorded for it",
                "deploy another release",
            ));
        };
        if release.dirty {
            return Err(gone(
                "it was made from changes that are in no commit",
                "deploy another release",
            ));
        }
        let then = self.at(commit)?;
        let index = then.staged.workspace.find(service.as_str());
        let resolved = index.and_then(|it| Some((it, then.staged.resolved.get(&it)?)));
        let Some((index, resolved)) = resolved else {
            let why = format!(
                "{} does not say how it is deployed to {}",
                commit.short(),
                self.environment
            );
            return Err(gone(&why, "deploy another release"));
        };
        if resolved.target().is_some_and(|it| it.is_embedded) {
            return Err(gone(
                "its files are not kept on this machine any more",
                "check out its commit and deploy that",
            ));
        }
        Ok(Bringing {
            resolved: resolved.clone(),
            task: then.staged.task(index).clone(),
            root: then.checkout.root().to_owned(),
            release: release.clone(),
            serving: None,
            neighbours: neighbours(&then.staged, index, &|_| None),
        })
    }

    /// The workspace as `commit` has it.
    ///
    /// # Errors
    /// The commit cannot be had, or its definition is not valid.
    pub fn at(&self, commit: ObjectId) -> Result<Arc<Then>, Failure> {
        let mut checkouts = self
            .checkouts
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(then) = checkouts.get(&commit) {
            return Ok(then.clone());
        }
        // Many threads may want to go back, and a repository belongs to one.
        let repo = Repo::discover_at(&self.env, &self.root)?;
        let repo = repo.ok_or_else(|| Failure::Usage {
            message: "this is not a git repository, so nothing older can be checked out".into(),
            hint: "deploy what is here".into(),
        })?;
        let checkout = Checkout::of(&repo, commit)?;
        let loaded = config::load(&config::Disk::new(checkout.root()))?;
        let staged = Staged::new(&loaded.workspace, &self.environment)?;
        let then = Arc::new(Then { checkout, staged });
        checkouts.insert(commit, then.clone());
        Ok(then)
    }
}
