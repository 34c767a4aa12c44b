//! What the lines of a file come to, up to a place in it.

use crate::ledger::file::lines::{Fault, Line, Raw, Rest, read_all, split};
use crate::ledger::store::Revision;
use crate::model::ledger::{Lease, Standing, Standings};

/// How many bytes of lines are read each time before what they come to is kept.
const SHORT: u64 = 256 << 10;

/// What lines come to.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Where the last of them begins, and where it ends.
    pub last: u64,
    pub end: u64,
    /// Its checksum.
    pub checksum: String,
    /// How many there are.
    pub lines: u64,
    /// The last one with entries.
    pub ledger: Option<String>,
    pub lease: Option<Lease>,
    pub standings: Standings,
    /// How much of it was kept, and where that ended.
    pub kept: u64,
    pub kept_end: u64,
}

impl State {
    /// The same after the lines in `bytes`, which begin at `self.end`.
    pub fn read_on(mut self, bytes: &[u8]) -> Result<(Self, Rest), Fault> {
        let checksum = self.checksum.clone();
        let (raw, rest) = split(bytes, &checksum, self.lines)?;
        let lines = read_all(&raw, self.lines)?;
        for (raw, line) in raw.iter().zip(lines) {
            self.add(raw, line);
        }
        Ok((self, rest))
    }

    fn add(&mut self, raw: &Raw<'_>, line: Line) {
        self.last = self.end;
        self.end += raw.length as u64;
        self.checksum = raw.checksum.to_owned();
        self.lines += 1;
        if !line.entries.is_empty() {
            self.ledger = Some(self.position());
        }
        self.lease = line.lease;
        for entry in line.entries {
            let service = entry.service.clone();
            let before = self.standings.remove(&service);
            self.standings
                .insert(service, Standing::after(before, entry));
        }
    }

    pub fn revision(&self) -> Revision {
        Revision {
            ledger: self.ledger.clone(),
            lock: self.lease.as_ref().map(|_| self.position()),
        }
    }

    /// Names the last line: no other one has this number and checksum.
    fn position(&self) -> String {
        format!("{}-{}", self.lines, self.checksum)
    }

    /// Whether reading on from what was kept takes so long that keeping it anew is worth it.
    pub fn is_long(&self) -> bool {
        self.end - self.kept_end > self.kept.max(SHORT)
    }
}
