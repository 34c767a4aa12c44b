//! What every store of a ledger can do: look, and write on top of what was seen.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ledger::error::Error;
use crate::model::ledger::{DeployId, Entry, Lease, Standings};
use crate::model::name::ServiceName;

/// The most bytes of an entry, so that what is written can always be read again.
pub(in crate::ledger) const MOST_ENTRY: usize = 256 << 10;

/// The most bytes of a standing: its newest entry and all that it holds.
pub(in crate::ledger) const MOST_STANDING: usize = 8 << 20;

/// The most bytes of a lease.
pub(in crate::ledger) const MOST_LEASE: usize = 64 << 10;

/// The most bytes of all entries of one write.
pub(in crate::ledger) const MOST_WRITE: usize = 64 << 20;

/// Where the ledger of one environment is kept, with the lease on it. Needs nothing that a bucket with conditional writes
/// does not have.
pub trait Store: Send + Sync {
    /// What it is called, for people: `git, refs/svc/ledger/production on origin`. No two ledgers have the same name.
    fn name(&self) -> String;

    /// Whether it has entries, as far as was seen last.
    ///
    /// # Errors
    /// It cannot be read.
    fn is_begun(&self) -> Result<bool, Error> {
        Ok(self.look(Refresh::Never)?.revision.ledger.is_some())
    }

    /// How everything stands.
    ///
    /// # Errors
    /// It cannot be read or reached (the latter only for [`Refresh::Now`]), or holds what cannot be judged.
    fn look(&self, refresh: Refresh) -> Result<Seen, Error>;

    /// Appends entries and replaces the lease: all or nothing, and only if the lease is what `on` says, and, with entries,
    /// the ledger too. What was seen of a ledger without having its lease may be outdated: look again once it is taken.
    ///
    /// # Errors
    /// [`Error::Lost`] if they are not what `on` says; [`Error::Unsure`] if it may or may not be written.
    fn write(&self, on: &Revision, write: &Write) -> Result<Revision, Error>;

    /// Entries, newest first, as they were at the last look that was refreshed.
    ///
    /// # Errors
    /// See [`Self::look`].
    fn history(&self, wanted: &Wanted) -> Result<Vec<Entry>, Error>;
}

/// How up to date a look is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refresh {
    /// As the store has it now, or not at all.
    Now,
    /// As the store has it now if it answers so soon, else as it was seen last.
    Within(Duration),
    /// As it was seen last.
    Never,
}

/// What a look shows.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub standings: Standings,
    pub lease: Option<Lease>,
    pub revision: Revision,
    /// When the store was asked for it, in seconds since 1970; `None`: never, or nobody knows.
    pub as_of: Option<u64>,
    /// Why it may be outdated; `None`: it is as the store has it now.
    pub stale: Option<String>,
    /// What was noticed and is no trouble, for who wants to know everything.
    pub note: Option<String>,
}

/// Which state of a ledger and its lease somebody saw. Only its store knows more of it than whether two are the same.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revision {
    /// `None`: without any entry.
    pub ledger: Option<String>,
    /// `None`: nobody has the lease.
    pub lock: Option<String>,
}

/// What is to be written.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Write {
    /// Oldest first; may be none.
    pub entries: Vec<Entry>,
    /// The lease as it is after this. It always differs from what was there; `None`: it is given up.
    pub lease: Option<Lease>,
}

/// Which entries of a history are wanted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wanted {
    /// Only those of this service.
    pub service: Option<ServiceName>,
    /// Only those of this deploy.
    pub deploy: Option<DeployId>,
    /// At most so many.
    pub most: Option<usize>,
}

impl Wanted {
    /// Whether `entry` is one of them.
    pub fn has(&self, entry: &Entry) -> bool {
        let is_service = self.service.as_ref().is_none_or(|it| *it == entry.service);
        is_service && self.deploy.as_ref().is_none_or(|it| *it == entry.deploy)
    }

    /// Adds those wanted of `entries`, newest first, and says whether there are enough now.
    pub(in crate::ledger) fn add(
        &self,
        entries: impl Iterator<Item = Entry>,
        to: &mut Vec<Entry>,
    ) -> bool {
        let most = self.most.unwrap_or(usize::MAX);
        let room = most.saturating_sub(to.len());
        to.extend(entries.filter(|it| self.has(it)).take(room));
        to.len() >= most
    }
}

/// Whether what is to be written could be read again by everybody.
pub(in crate::ledger) fn check(place: &str, on: &Revision, write: &Write) -> Result<(), Error> {
    let invalid = |what: String| Error::Invalid {
        place: place.to_owned(),
        what: format!("it cannot be written: {what}"),
        hint: "shorten the reason or the values; what tasks give has limits".into(),
    };
    let mut all = 0;
    for entry in &write.entries {
        entry
            .check()
            .map_err(|it| invalid(format!("{}: {it}", entry.service)))?;
        let length = entry.line().len();
        all += length;
        if length > MOST_ENTRY || all > MOST_WRITE {
            return Err(invalid(format!(
                "the entry of {} is too long",
                entry.service
            )));
        }
    }
    if let Some(lease) = &write.lease {
        lease.check().map_err(|it| invalid(it.to_string()))?;
    } else if on.lock.is_none() {
        // Nothing would be moved that others heed.
        return Err(Error::Lost("nobody has the lease".into()));
    }
    Ok(())
}
