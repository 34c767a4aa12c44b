//! What the sources of one state would deploy: releases and configurations of services.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::sync::{Mutex, PoisonError};

use crate::config;
use crate::git::snapshot::Files;
use crate::git::{Fetch, Fetched, Repo, Snapshot, ensure};
use crate::model::change::{Head, ObjectId};
use crate::model::digest::Digest;
use crate::model::ledger::Deployed;
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::path::FilePath;
use crate::model::workspace::ServiceIndex;
use crate::ops::deploy::config::configs;
use crate::ops::deploy::environment::Staged;
use crate::ops::deploy::releases::releases;
use crate::ops::failure::Failure;
use crate::ops::source::SnapshotSource;

/// The release fingerprint and the config digest of each service.
pub type Digests = BTreeMap<ServiceIndex, (Digest, Digest)>;

/// The digests of `services` in a state that has these `files`.
pub fn digests(
    staged: &Staged,
    snapshot: &dyn Snapshot,
    files: &Files,
    services: &[ServiceIndex],
    variables: &BTreeMap<OsString, OsString>,
) -> Digests {
    let releases = releases(&staged.workspace, snapshot, files, services);
    let mut configs = configs(staged, snapshot, files, services, variables);
    let pairs = releases.into_iter().map(|(service, release)| {
        let config = configs
            .remove(&service)
            .expect("both are of the same services");
        (service, (release, config))
    });
    pairs.collect()
}

/// The digests of services by name, as another state has other places.
type ByName = BTreeMap<ServiceName, (Digest, Digest)>;

/// Computes anew, in the present format, what was recorded in another one: a newer `svc` makes nothing due.
pub struct Anew<'a> {
    pub repo: Option<&'a Repo>,
    pub environment: &'a EnvironmentName,
    pub variables: &'a BTreeMap<OsString, OsString>,
    known: Mutex<BTreeMap<ObjectId, ByName>>,
}

impl<'a> Anew<'a> {
    /// For what was recorded of `environment`.
    pub fn new(
        repo: Option<&'a Repo>,
        environment: &'a EnvironmentName,
        variables: &'a BTreeMap<OsString, OsString>,
    ) -> Self {
        Self {
            repo,
            environment,
            variables,
            known: Mutex::default(),
        }
    }

    /// The digests of what was recorded of a service; none where they cannot be told.
    pub fn of(&self, service: &ServiceName, recorded: &Deployed) -> Option<(Digest, Digest)> {
        let commit = recorded.commit.filter(|_| !recorded.dirty)?;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let at = known
            .entry(commit)
            // A commit that is gone, or whose definition cannot be read, tells nothing: then the service is due.
            .or_insert_with(|| self.at(commit).unwrap_or_default());
        at.get(service).cloned()
    }

    fn at(&self, commit: ObjectId) -> Result<ByName, Failure> {
        let Some(repo) = self.repo else {
            return Ok(BTreeMap::new());
        };
        let found = ensure(repo, &commit.to_string(), Fetch::Allowed, &mut |_| {})?;
        let Fetched::Found(commit) = found else {
            return Ok(BTreeMap::new());
        };
        let snapshot = repo.snapshot(Head::Commit(Some(commit)));
        let loaded = config::load(&SnapshotSource(&*snapshot))?;
        let staged = Staged::new(&loaded.workspace, self.environment)?;
        let services: Vec<ServiceIndex> = staged.resolved.keys().copied().collect();
        let files = snapshot.files(&[FilePath::default()])?;
        let digests = digests(&staged, &*snapshot, &files, &services, self.variables);
        let name = |it: ServiceIndex| staged.workspace.service(it).name.clone();
        Ok(digests.into_iter().map(|(at, it)| (name(at), it)).collect())
    }
}
