//! The ledger in git: a chain of commits for each environment under refs of their own, and another for the lease.
//!
//! ```text
//! refs/svc/ledger/production   one commit for each write
//!   services/api.json          how each service stands after it
//!   entries.jsonl              the entries that this write added
//! refs/svc/lock/production     one commit for each renewal; no such ref: nobody has the lease
//!   lease.json
//! ```
//!
//! Both are moved in one atomic push, each only if it is what was seen. A ref that a push leaves as it is protects nothing,
//! since git does not mention it to the remote: so every push moves the lock.

mod push;
mod read;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use rayon::prelude::*;

use crate::ledger::clock::calendar;
use crate::ledger::error::Error;
use crate::ledger::git::push::At;
use crate::ledger::store::{Refresh, Revision, Seen, Store, Wanted, Write, check};
use crate::model::ledger::Entry;
use crate::model::name::EnvironmentName;
use crate::model::refs::{Growth, Refs, RefsError};

/// Between two tries of a push of which nobody knows how it ended.
const PAUSE: Duration = Duration::from_millis(100);

/// Where the ledgers of all environments of a repository are.
#[derive(Clone)]
pub struct GitPlace {
    refs: Arc<dyn Refs>,
    prefix: String,
    /// Where it is kept when the mirror was last refreshed.
    memory: PathBuf,
    pause: Duration,
}

/// The ledger of one environment, in git.
#[derive(Clone)]
pub struct GitStore {
    place: GitPlace,
    environment: EnvironmentName,
    ledger: String,
    lock: String,
}

impl GitPlace {
    /// `prefix`: above the refs, `refs/svc` by default. `memory`: a directory of this clone, which is made when needed.
    pub fn new(refs: Arc<dyn Refs>, prefix: Option<&str>, memory: PathBuf) -> Self {
        let prefix = prefix.unwrap_or("refs/svc").trim_end_matches('/');
        Self {
            refs,
            prefix: prefix.to_owned(),
            memory,
            pause: PAUSE,
        }
    }

    /// The same, without patience, for tests.
    #[cfg(test)]
    pub(in crate::ledger) fn hasty(mut self) -> Self {
        self.pause = Duration::ZERO;
        self
    }

    /// The ledger of `environment`.
    pub fn store(&self, environment: &EnvironmentName) -> GitStore {
        GitStore {
            ledger: format!("{}/ledger/{environment}", self.prefix),
            lock: format!("{}/lock/{environment}", self.prefix),
            environment: environment.clone(),
            place: self.clone(),
        }
    }

    /// Looks at the ledgers of all `environments`, in one conversation with the remote.
    ///
    /// # Errors
    /// See [`Store::look`].
    pub fn look(
        &self,
        environments: &[&EnvironmentName],
        refresh: Refresh,
    ) -> Result<Vec<Seen>, Error> {
        let stores: Vec<_> = environments.iter().map(|it| self.store(it)).collect();
        let within = match refresh {
            Refresh::Never => None,
            Refresh::Now => Some(None),
            Refresh::Within(time) => Some(Some(time)),
        };
        let refreshed = within.map(|time| self.refresh(&stores, time));
        let stale = match (refreshed, refresh) {
            (None, _) => Some("the remote was not asked".to_owned()),
            (Some(Ok(())), _) => None,
            // What is wrong with one says nothing about the others.
            (Some(Err(RefsError::Rewritten { .. } | RefsError::Vanished { .. })), _)
                if stores.len() > 1 =>
            {
                let alone = environments.iter();
                let seen = alone.map(|it| self.look(&[it], refresh));
                return Ok(seen.collect::<Result<Vec<_>, _>>()?.concat());
            }
            (Some(Err(error @ RefsError::Rewritten { .. })), _) => return Err(error.into()),
            (Some(Err(error)), Refresh::Within(_)) => Some(error.to_string()),
            (Some(Err(error)), _) => return Err(error.into()),
        };
        let at = self.at(&stores)?;
        let pairs = stores.par_iter().zip(at);
        let seen = pairs.map(|(store, at)| store.seen(at, stale.clone()));
        seen.collect()
    }

    /// Brings what is here up to the remote.
    fn refresh(&self, stores: &[GitStore], within: Option<Duration>) -> Result<(), RefsError> {
        let names: Vec<_> = stores.iter().flat_map(GitStore::names).collect();
        let begun = calendar();
        self.refs.refresh(&names, within)?;
        stores.iter().for_each(|it| it.remember(begun));
        Ok(())
    }

    /// What the mirror has.
    fn at(&self, stores: &[GitStore]) -> Result<Vec<At>, Error> {
        let names = stores.iter().flat_map(|it| [&*it.ledger, &*it.lock]);
        let names: Vec<&str> = names.collect();
        let tips = self.refs.tips(&names)?;
        let at = |store: &GitStore| At {
            ledger: tips.get(&store.ledger).copied(),
            lock: tips.get(&store.lock).copied(),
        };
        Ok(stores.iter().map(at).collect())
    }
}

impl GitStore {
    fn names(&self) -> [(String, Growth); 2] {
        [
            (self.ledger.clone(), Growth::Forward),
            (self.lock.clone(), Growth::Free),
        ]
    }

    fn refresh(&self, within: Option<Duration>) -> Result<(), RefsError> {
        self.place.refresh(std::slice::from_ref(self), within)
    }

    /// What the mirror has.
    fn at(&self) -> Result<At, Error> {
        let at = self.place.at(std::slice::from_ref(self))?;
        Ok(at[0])
    }

    fn seen(&self, at: At, stale: Option<String>) -> Result<Seen, Error> {
        let (standings, lease) = rayon::join(|| self.standings(at.ledger), || self.lease(at.lock));
        Ok(Seen {
            standings: standings?,
            lease: lease?,
            revision: at.revision(),
            as_of: self.as_of(),
            stale,
            note: None,
        })
    }

    fn memory(&self) -> PathBuf {
        let name = format!("{}.refreshed", self.environment);
        self.place.memory.join(name)
    }

    /// Only for people: that it cannot be written is no reason to stop.
    fn remember(&self, time: u64) {
        let _ = std::fs::create_dir_all(&self.place.memory);
        let _ = std::fs::write(self.memory(), time.to_string());
    }

    fn as_of(&self) -> Option<u64> {
        let text = std::fs::read_to_string(self.memory()).ok()?;
        text.trim().parse().ok()
    }
}

impl Store for GitStore {
    fn name(&self) -> String {
        format!("git, {} on {}", self.ledger, self.place.refs.remote())
    }

    fn is_begun(&self) -> Result<bool, Error> {
        Ok(self.at()?.ledger.is_some())
    }

    fn look(&self, refresh: Refresh) -> Result<Seen, Error> {
        let mut seen = self.place.look(&[&self.environment], refresh)?;
        Ok(seen.swap_remove(0))
    }

    fn write(&self, on: &Revision, write: &Write) -> Result<Revision, Error> {
        check(&self.name(), on, write)?;
        let from = At::of(on).ok_or_else(|| Error::Lost("it was seen in another store".into()))?;
        let to = At {
            ledger: self.append(from.ledger, &write.entries)?,
            lock: self.lease_after(from.lock, write.lease.as_ref())?,
        };
        self.push(from, to).map(|it| it.revision())
    }

    fn history(&self, wanted: &Wanted) -> Result<Vec<Entry>, Error> {
        self.entries(self.at()?.ledger, wanted)
    }
}
