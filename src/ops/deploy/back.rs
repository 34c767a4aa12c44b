//! What was deployed before, with the definitions of its own commit.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use crate::config;
use crate::git::{Checkout, Repo};
use crate::model::change::ObjectId;
use crate::model::env::Env;
use crate::model::ledger::{Deployed, Standings};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::target::{Resolved, Step};
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::again::fetch_outputs;
use crate::ops::deploy::bring::{Bringing, neighbours};
use crate::ops::deploy::environment::Staged;
use crate::ops::deploy::serve::Machine;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::process::Control;

/// The past of an environment.
pub struct Past<'a> {
    env: Env,
    root: PathBuf,
    pub environment: EnvironmentName,
    pub machine: &'a Machine,
    /// Asks to end.
    control: Option<Control>,
    /// What is known to run, to tell where it answers.
    runs: BTreeMap<ServiceName, Deployed>,
    checkouts: Mutex<BTreeMap<ObjectId, Arc<Then>>>,
}

/// The workspace as a commit has it, checked out somewhere else.
pub struct Then {
    pub checkout: Checkout,
    pub staged: Staged,
    /// The services whose outputs were looked for, each with what there is to say of those that are lacking.
    fetched: Mutex<BTreeMap<ServiceIndex, Option<String>>>,
}

impl<'a> Past<'a> {
    /// The past of `environment`.
    pub fn new(place: &'a Place, environment: EnvironmentName, machine: &'a Machine) -> Self {
        Self {
            env: place.env.clone(),
            root: place.root.clone(),
            environment,
            machine,
            control: None,
            runs: BTreeMap::new(),
            checkouts: Mutex::default(),
        }
    }

    /// The same, given up when `control` is asked.
    pub fn under(self, control: &Control) -> Self {
        Self {
            control: Some(control.clone()),
            ..self
        }
    }

    /// The same, knowing how services stand.
    pub fn knowing(self, standings: &Standings) -> Self {
        let runs = standings.iter();
        let runs = runs.filter_map(|(name, it)| Some((name.clone(), it.runs().known()?.clone())));
        Self {
            runs: runs.collect(),
            ..self
        }
    }

    /// What it takes to bring a recorded release again.
    ///
    /// # Errors
    /// Its commit cannot be had, or does not define it any more as far as it can be read.
    pub fn bringing(&self, service: &ServiceName, release: &Deployed) -> Result<Bringing, Failure> {
        self.with(service, release, &|_| true)
    }

    /// What it takes to go back to a recorded release: less, where the target has a way back of its own.
    ///
    /// # Errors
    /// See [`Self::bringing`].
    pub fn returning(
        &self,
        service: &ServiceName,
        release: &Deployed,
    ) -> Result<Bringing, Failure> {
        let has_way = |it: &Resolved| {
            let target = it.target();
            target.is_some_and(|it| !it.commands(Step::Rollback).is_empty())
        };
        self.with(service, release, &|it| !has_way(it))
    }

    fn with(
        &self,
        service: &ServiceName,
        release: &Deployed,
        takes_outputs: &dyn Fn(&Resolved) -> bool,
    ) -> Result<Bringing, Failure> {
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
        let lacks = match takes_outputs(resolved) {
            true => self.fetch_outputs(&then, commit, index)?,
            false => None,
        };
        Ok(Bringing {
            resolved: resolved.clone(),
            lacks,
            task: then.staged.task(index).clone(),
            root: then.checkout.root().to_owned(),
            release: release.clone(),
            serving: None,
            neighbours: neighbours(&then.staged, index, &|it| self.runs.get(it).cloned()),
        })
    }

    /// Takes what the deploy of a service needs into the checkout, once.
    fn fetch_outputs(
        &self,
        then: &Then,
        commit: ObjectId,
        service: ServiceIndex,
    ) -> Result<Option<String>, Failure> {
        let mut fetched = then.fetched.lock().unwrap_or_else(PoisonError::into_inner);
        let known = match fetched.entry(service) {
            Entry::Occupied(known) => return Ok(known.get().clone()),
            Entry::Vacant(unknown) => unknown,
        };
        let is_asked = || self.control.as_ref().is_some_and(Control::is_asked);
        let environment = &self.environment;
        let lacks = fetch_outputs(&self.env, then, commit, service, environment, &is_asked)?;
        Ok(known.insert(lacks).clone())
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
        let then = Arc::new(Then {
            checkout,
            staged,
            fetched: Mutex::default(),
        });
        checkouts.insert(commit, then.clone());
        Ok(then)
    }
}
