//! What the commits of a ledger hold. It is data from outside, and each piece is checked.

use rayon::prelude::*;
use serde::Deserialize;

use crate::ledger::error::Error;
use crate::ledger::git::GitStore;
use crate::ledger::store::{MOST_ENTRY, MOST_LEASE, MOST_STANDING, MOST_WRITE, Wanted};
use crate::model::change::ObjectId;
use crate::model::ledger::{Entry, Invalid, LEASE_VERSION, Lease, Standing, Standings};
use crate::model::name::ServiceName;
use crate::model::refs::RefsError;

pub const SERVICES: &str = "services";
pub const ENTRIES: &str = "entries.jsonl";
pub const LEASE: &str = "lease.json";

/// How many commits are read at once when not all are wanted.
const STRIDE: usize = 64;

/// A lease that was given up where the ref cannot be deleted.
#[derive(Deserialize)]
struct Released {
    version: u32,
    released: bool,
}

/// What is written for it.
pub const RELEASED: &str = "{\"version\":1,\"released\":true}\n";

impl GitStore {
    pub fn standings(&self, ledger: Option<ObjectId>) -> Result<Standings, Error> {
        let Some(commit) = ledger else {
            return Ok(Standings::new());
        };
        let files = self.place.refs.read_all(commit, SERVICES, MOST_STANDING);
        let files = files.map_err(|error| match error {
            RefsError::Odd(what) => self.invalid(self.ledger.clone(), what),
            other => other.into(),
        })?;
        let read = |(name, bytes): (String, Vec<u8>)| self.standing_in(&name, &bytes);
        // Of several that are wrong always the first is told.
        let all: Vec<_> = files.into_par_iter().map(read).collect();
        all.into_iter().collect()
    }

    /// How one service stands.
    pub fn standing(
        &self,
        ledger: Option<ObjectId>,
        service: &ServiceName,
    ) -> Result<Option<Standing>, Error> {
        let Some(commit) = ledger else {
            return Ok(None);
        };
        let name = format!("{service}.json");
        let path = format!("{SERVICES}/{name}");
        let bytes = self.place.refs.read(commit, &path, MOST_STANDING)?;
        let read = |bytes: Vec<u8>| self.standing_in(&name, &bytes).map(|(_, it)| it);
        bytes.map(read).transpose()
    }

    fn standing_in(&self, name: &str, bytes: &[u8]) -> Result<(ServiceName, Standing), Error> {
        let place = || format!("{}, {SERVICES}/{}", self.ledger, name.escape_debug());
        let invalid = |what: Invalid| self.invalid(place(), what.0);
        let service = name.strip_suffix(".json").and_then(ServiceName::new);
        let service = service.ok_or_else(|| invalid(Invalid("no service has this name".into())))?;
        let standing = Standing::read(bytes).map_err(invalid)?;
        match standing.newest.service == service {
            true => Ok((service, standing)),
            false => Err(invalid(Invalid("it speaks of another service".into()))),
        }
    }

    pub fn lease(&self, lock: Option<ObjectId>) -> Result<Option<Lease>, Error> {
        let Some(commit) = lock else {
            return Ok(None);
        };
        let bytes = self.place.refs.read(commit, LEASE, MOST_LEASE)?;
        let place = || format!("{}, {LEASE}", self.lock);
        let bytes = bytes.ok_or_else(|| self.invalid(place(), "it is missing".into()))?;
        match serde_json::from_slice(&bytes) {
            Ok(Released { version, released }) if released && version <= LEASE_VERSION => Ok(None),
            _ => match Lease::read(&bytes) {
                Ok(lease) => Ok(Some(lease)),
                Err(what) => Err(self.invalid(place(), what.0)),
            },
        }
    }

    pub fn entries(&self, ledger: Option<ObjectId>, wanted: &Wanted) -> Result<Vec<Entry>, Error> {
        let mut found = Vec::new();
        let Some(commit) = ledger else {
            return Ok(found);
        };
        let commits = self.place.refs.log(commit)?;
        for commits in commits.chunks(STRIDE) {
            let read: Result<Vec<_>, _> = commits
                .par_iter()
                .map(|commit| self.entries_of(*commit))
                .collect();
            let entries = read?.into_iter().flat_map(|it| it.into_iter().rev());
            if wanted.add(entries, &mut found) {
                break;
            }
        }
        Ok(found)
    }

    /// The entries that one commit added, oldest first.
    fn entries_of(&self, commit: ObjectId) -> Result<Vec<Entry>, Error> {
        let place = || format!("{}, {ENTRIES} of commit {}", self.ledger, commit.short());
        let bytes = self.place.refs.read(commit, ENTRIES, MOST_WRITE * 2)?;
        let bytes = bytes.ok_or_else(|| self.invalid(place(), "it is missing".into()))?;
        let lines = bytes
            .split(|byte| *byte == b'\n')
            .filter(|it| !it.is_empty());
        let read = |line: &[u8]| match line.len() <= MOST_ENTRY {
            true => Entry::read(line).map_err(|what| self.invalid(place(), what.0)),
            false => Err(self.invalid(place(), "an entry is too long".into())),
        };
        lines.map(read).collect()
    }

    fn invalid(&self, place: String, what: String) -> Error {
        let hint = match what.contains("newer svc") {
            true => "update svc".to_owned(),
            false => format!(
                "something other than svc wrote it: look at it with `git log -p {}`, and put back a commit that is right",
                self.ledger
            ),
        };
        Error::Invalid { place, what, hint }
    }
}
