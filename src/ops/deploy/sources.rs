//! Whether the sources are still those that a plan was made from: what is built and deployed is recorded as made from them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::git::Repo;
use crate::git::snapshot::{File, Files};
use crate::model::change::{Head, ObjectId};
use crate::model::env::Env;
use crate::model::ledger::Deployed;
use crate::model::path::FilePath;
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::environment::Staged;
use crate::ops::deploy::plan::Prepared;
use crate::ops::deploy::wanted::digests;
use crate::ops::failure::Failure;
use crate::record::{Moment, now};

/// For how many milliseconds a look at the sources holds: each is a walk of the working tree.
const HOLDS: u64 = 1000;

/// The sources of a plan. Threads may ask, so each look opens the repository anew.
pub struct Sources<'p> {
    env: &'p Env,
    root: &'p Path,
    staged: &'p Staged,
    files: &'p Files,
    variables: &'p BTreeMap<OsString, OsString>,
    commit: Option<ObjectId>,
    due: Vec<(ServiceIndex, Deployed)>,
    /// When they were last as they should be.
    looked: Mutex<Moment>,
}

impl<'p> Sources<'p> {
    /// Those of what is due.
    pub fn of(prepared: &'p Prepared<'_>) -> Self {
        let due = prepared.plan.due().map(|at| {
            let planned = &prepared.plan.services[at];
            (planned.service, planned.wanted.clone())
        });
        Self {
            env: &prepared.place.env,
            root: &prepared.place.root,
            staged: &prepared.staged,
            files: &prepared.files,
            variables: &prepared.variables,
            commit: prepared.plan.commit,
            due: due.collect(),
            looked: Mutex::default(),
        }
    }

    /// As [`Self::check`], unless that was done just now.
    ///
    /// # Errors
    /// What changed, in words.
    pub fn check_again(&self) -> Result<(), String> {
        let looked = *self.looked.lock().unwrap_or_else(PoisonError::into_inner);
        match now().0.saturating_sub(looked.0) < HOLDS {
            true => Ok(()),
            false => self.check(),
        }
    }

    /// Whether nothing changed.
    ///
    /// # Errors
    /// What changed, in words.
    pub fn check(&self) -> Result<(), String> {
        let begun = now();
        match self.changed() {
            Ok(None) => {
                *self.looked.lock().unwrap_or_else(PoisonError::into_inner) = begun;
                Ok(())
            }
            Ok(Some(what)) => Err(what),
            Err(failure) => Err(format!("the sources cannot be looked at: {failure}")),
        }
    }

    fn changed(&self) -> Result<Option<String>, Failure> {
        let Some(repo) = Repo::discover_at(self.env, self.root)? else {
            return Ok(Some("the repository is gone".to_owned()));
        };
        if repo.head_commit()? != self.commit {
            let what = "another commit was checked out since it was planned";
            return Ok(Some(what.to_owned()));
        }
        let snapshot = repo.snapshot(Head::WorkTree(self.commit));
        let files = known(snapshot.files(&[FilePath::default()])?, self.files);
        let services: Vec<ServiceIndex> = self.due.iter().map(|it| it.0).collect();
        let now = digests(self.staged, &*snapshot, &files, &services, self.variables);
        let is_other = |(service, wanted): &&(ServiceIndex, Deployed)| {
            now[service] != (wanted.release.clone(), wanted.config.clone())
        };
        let changed = self.due.iter().find(is_other);
        Ok(changed.map(|(service, _)| {
            let name = &self.staged.workspace.service(*service).name;
            format!("sources of {name} changed since it was planned, or its build leaves files there that git does not ignore")
        }))
    }
}

/// Those of the files `now` that git tracks or that were there `before`: what a build drops beside its outputs is no source
/// of this release.
fn known(now: Files, before: &Files) -> Files {
    let mut known = Files::default();
    let is_source = |it: &File<'_>| it.is_tracked || before.find(it.path).is_some();
    now.iter().filter(is_source).for_each(|it| known.push(it));
    known
}
