//! Writing: the commits, and the one push that moves both refs.

use std::collections::BTreeMap;

use crate::ledger::clock::about;
use crate::ledger::error::Error;
use crate::ledger::git::GitStore;
use crate::ledger::git::read::{ENTRIES, LEASE, RELEASED, SERVICES};
use crate::ledger::git::words::{lock_subject, subject};
use crate::ledger::store::Revision;
use crate::model::change::ObjectId;
use crate::model::ledger::{Entry, Lease, Standing};
use crate::model::refs::{Edit, Move, RefsError};

/// How often a push is tried of which nobody knows how it ended.
const TRIES: u32 = 4;

/// Where both refs are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct At {
    pub ledger: Option<ObjectId>,
    pub lock: Option<ObjectId>,
}

impl At {
    /// `None` if the revision is not of this kind of store.
    pub fn of(revision: &Revision) -> Option<Self> {
        let id = |text: &Option<String>| match text {
            None => Some(None),
            Some(text) => ObjectId::from_hex(text).map(Some),
        };
        Some(Self {
            ledger: id(&revision.ledger)?,
            lock: id(&revision.lock)?,
        })
    }

    pub fn revision(self) -> Revision {
        Revision {
            ledger: self.ledger.map(|it| it.to_string()),
            lock: self.lock.map(|it| it.to_string()),
        }
    }
}

impl GitStore {
    /// A commit on top of the ledger with these entries; the ledger as it is, if there are none.
    pub fn append(
        &self,
        ledger: Option<ObjectId>,
        entries: &[Entry],
    ) -> Result<Option<ObjectId>, Error> {
        if entries.is_empty() {
            return Ok(ledger);
        }
        let mut standings = BTreeMap::new();
        let mut lines = String::new();
        for entry in entries {
            let before = match standings.remove(&entry.service) {
                Some(standing) => Some(standing),
                None => self.standing(ledger, &entry.service)?,
            };
            let after = Standing::after(before, entry.clone());
            standings.insert(entry.service.clone(), after);
            lines.push_str(&entry.line());
            lines.push('\n');
        }
        let mut edits = vec![edit(ENTRIES.into(), lines)];
        edits.extend(
            standings
                .iter()
                .map(|(name, it)| edit(format!("{SERVICES}/{name}.json"), it.text())),
        );
        let commit = self.place.refs.commit(ledger, &edits, &subject(entries))?;
        Ok(Some(commit))
    }

    /// A commit on top of the lock with this lease; none to give it up.
    pub fn lease_after(
        &self,
        lock: Option<ObjectId>,
        lease: Option<&Lease>,
    ) -> Result<Option<ObjectId>, Error> {
        let Some(lease) = lease else {
            return Ok(None);
        };
        let edits = [edit(LEASE.into(), lease.line() + "\n")];
        let commit = self
            .place
            .refs
            .commit(lock, &edits, &lock_subject(Some(lease)))?;
        Ok(Some(commit))
    }

    /// Moves both, or none. Says where they are then.
    pub fn push(&self, from: At, mut to: At) -> Result<At, Error> {
        let mut unsure = None;
        for round in 1..=TRIES {
            match self.place.refs.push(&self.moves(from, to)) {
                Ok(()) => return Ok(to),
                Err(RefsError::Refused { .. }) if to.lock.is_none() && unsure.is_none() => {
                    to.lock = Some(self.released(from.lock)?);
                    continue;
                }
                // An earlier try may have been taken late.
                Err(RefsError::Lost(words)) if unsure.is_none() => return Err(Error::Lost(words)),
                Err(RefsError::Lost(words)) => unsure = Some(words),
                Err(error @ RefsError::Unsure { .. }) => unsure = Some(error.to_string()),
                Err(error) if unsure.is_none() => return Err(error.into()),
                Err(_) => {}
            }
            // While the remote cannot be asked, nobody knows.
            if self.refresh(None).is_ok() {
                let now = self.at()?;
                if self.is_taken(from, to, now)? {
                    return Ok(to);
                }
                if !self.is_before(from, to, now) {
                    return Err(Error::Lost(unsure.unwrap_or_default()));
                }
            }
            std::thread::sleep(about(self.place.pause * round));
        }
        Err(Error::Unsure(unsure.unwrap_or_default()))
    }

    /// Only what is to differ: the ledger's ref, if it stays, would not be mentioned to the remote anyway.
    fn moves(&self, from: At, to: At) -> Vec<Move> {
        let refs = [
            (&self.ledger, from.ledger, to.ledger),
            (&self.lock, from.lock, to.lock),
        ];
        refs.into_iter()
            .filter(|(_, from, to)| from != to)
            .map(|(name, from, to)| Move {
                name: name.clone(),
                from,
                to,
            })
            .collect()
    }

    /// Whether the remote took the push, even if others came after it. It took both or none.
    fn is_taken(&self, from: At, to: At, now: At) -> Result<bool, Error> {
        let is_past = |then: Option<ObjectId>, now: Option<ObjectId>| match (then, now) {
            (Some(then), Some(now)) => Ok(self.place.refs.log(now)?.contains(&then)),
            _ => Ok::<_, Error>(false),
        };
        match from.ledger == to.ledger {
            true => Ok(now.lock == to.lock || is_past(to.lock, now.lock)?),
            false => Ok(now == to || is_past(to.ledger, now.ledger)?),
        }
    }

    fn is_before(&self, from: At, to: At, now: At) -> bool {
        let is_ledger = from.ledger == to.ledger || now.ledger == from.ledger;
        is_ledger && now.lock == from.lock
    }

    /// A lock commit that says that nobody has the lease.
    fn released(&self, lock: Option<ObjectId>) -> Result<ObjectId, Error> {
        let edits = [edit(LEASE.into(), RELEASED.to_owned())];
        let commit = self.place.refs.commit(lock, &edits, &lock_subject(None))?;
        Ok(commit)
    }
}

fn edit(path: String, content: String) -> Edit {
    Edit {
        path,
        content: Some(content.into_bytes()),
    }
}
