//! How writers meet: every interleaving that we could think of, in every store.

mod property;
mod stores;
mod tenures;

use std::sync::Arc;

use crate::ledger::fake::{Mirror, Remote};
use crate::ledger::store::{Refresh, Seen, Store, Write};
use crate::ledger::{FileStore, GitPlace};
use crate::model::ledger::{Entry, Holder, LEASE_VERSION, Lease, Runs, State, Who, sample};
use crate::model::name::EnvironmentName;

/// A remote with a place for what is kept beside it.
pub struct World {
    pub remote: Arc<Remote>,
    pub directory: tempfile::TempDir,
}

pub const LEDGER: &str = "refs/svc/ledger/production";
pub const LOCK: &str = "refs/svc/lock/production";

impl World {
    pub fn new() -> Self {
        Self {
            remote: Arc::default(),
            directory: tempfile::tempdir().unwrap(),
        }
    }

    /// A clone, with its ledger.
    pub fn git(&self) -> (Arc<Mirror>, Arc<dyn Store>) {
        let mirror = Mirror::of(&self.remote);
        let memory = self.directory.path().join("memory");
        let place = GitPlace::new(mirror.clone(), None, memory).hasty();
        (mirror, Arc::new(place.store(&production())))
    }

    pub fn file(&self) -> Arc<dyn Store> {
        Arc::new(FileStore::new(self.directory.path(), &production()))
    }

    /// Two that see the same ledger, for each kind of store.
    pub fn pairs(&self) -> [[Arc<dyn Store>; 2]; 2] {
        [[self.git().1, self.git().1], [self.file(), self.file()]]
    }
}

pub fn production() -> EnvironmentName {
    EnvironmentName::new("production").unwrap()
}

pub fn entry(service: &str, name: &str) -> Entry {
    sample::entry(
        service,
        State::Succeeded,
        name,
        Runs::Unknown,
        Runs::Nothing,
    )
}

pub fn holder(name: &str) -> Holder {
    Holder {
        who: Who {
            name: name.to_owned(),
            ..Who::default()
        },
        command: "svc deploy".into(),
        ..Holder::default()
    }
}

pub fn lease(token: &str, beat: u64) -> Lease {
    Lease {
        version: LEASE_VERSION,
        token: token.to_owned(),
        beat,
        holder: holder(token),
        since: 0,
        term: 300,
        sticky: false,
        reason: None,
    }
}

pub fn held(token: &str, beat: u64, entries: &[Entry]) -> Write {
    Write {
        entries: entries.to_vec(),
        lease: Some(lease(token, beat)),
    }
}

pub fn free(entries: &[Entry]) -> Write {
    Write {
        entries: entries.to_vec(),
        lease: None,
    }
}

pub fn now(store: &Arc<dyn Store>) -> Seen {
    store.look(Refresh::Now).unwrap()
}

pub fn names(store: &Arc<dyn Store>) -> Vec<String> {
    let entries = store.history(&crate::ledger::Wanted::default()).unwrap();
    let name = |it: &Entry| format!("{} {}", it.service, it.deploy);
    entries.iter().map(name).collect()
}
