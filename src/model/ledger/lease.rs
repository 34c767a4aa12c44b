//! The lease of an environment: who may write to its ledger now.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::ledger::entry::{Invalid, Who, is_known, parse};

/// The version of leases that this `svc` writes.
pub const LEASE_VERSION: u32 = 1;

/// A lease. It is renewed by writing it again with the next `beat`; one that is seen unchanged for a whole term is over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Lease {
    pub version: u32,
    /// Chosen at random when it was taken: no two leases have the same.
    pub token: String,
    /// How often it was renewed.
    pub beat: u64,
    pub holder: Holder,
    /// When it was taken, in seconds since 1970, by the holder's clock. Nothing is decided by it.
    pub since: u64,
    /// For how many seconds it holds without being renewed.
    pub term: u64,
    /// Held by hand, until it is released: it is not renewed and does not end by itself.
    #[serde(default)]
    pub sticky: bool,
    /// Why it was taken by hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Who holds a lease.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    #[serde(flatten)]
    pub who: Who,
    pub pid: u32,
    /// When that process was started, as its system counts, so that another one with the same number is not taken for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started: Option<u64>,
    /// The running system and the space of process numbers that `pid` is in. Only who shares both can tell whether the
    /// process lives.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub machine: Option<String>,
    /// What it does, such as `svc deploy --env production`.
    pub command: String,
}

impl Lease {
    /// Reads a lease and checks it.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(bytes: &[u8]) -> Result<Self, Invalid> {
        let lease: Self = parse(bytes, LEASE_VERSION, |it: &Self| it.version)?;
        lease.check()?;
        Ok(lease)
    }

    /// Whether a parsed lease is one that this `svc` can judge.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(&self) -> Result<(), Invalid> {
        is_known(self.version, LEASE_VERSION)?;
        let holder = &self.holder;
        let optional = [&self.reason, &holder.machine];
        let texts = [&self.token, &holder.command];
        let mut texts = texts.into_iter().chain(optional.into_iter().flatten());
        if texts.any(|it| it.len() > 4096) || !(1..=86_400).contains(&self.term) {
            return Err(Invalid("its texts or its term are out of bounds".into()));
        }
        holder.who.check()
    }

    /// The lease as it is written.
    pub fn line(&self) -> String {
        serde_json::to_string(self).expect("a lease has no maps with keys that are no text")
    }

    /// The same lease, renewed once more.
    #[must_use]
    pub fn renewed(&self) -> Self {
        let mut lease = self.clone();
        lease.beat = lease.beat.saturating_add(1);
        lease
    }

    /// For how long it holds without being renewed.
    pub fn term(&self) -> Duration {
        Duration::from_secs(self.term)
    }

    /// Whether it is over, having been seen unchanged for `unchanged`.
    pub fn is_over(&self, unchanged: Duration) -> bool {
        !self.sticky && unchanged >= self.term()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease() -> Lease {
        Lease {
            version: LEASE_VERSION,
            token: "t".into(),
            beat: 0,
            holder: Holder::default(),
            since: 0,
            term: 300,
            sticky: false,
            reason: None,
        }
    }

    #[test]
    fn a_lease_is_read_as_it_was_written() {
        let lease = lease().renewed();
        assert_eq!(Lease::read(lease.line().as_bytes()), Ok(lease));
    }

    #[test]
    fn only_who_renews_keeps_it_save_by_hand() {
        let check = |sticky, seconds, expected| {
            let lease = Lease { sticky, ..lease() };
            assert_eq!(lease.is_over(Duration::from_secs(seconds)), expected);
        };
        check(false, 299, false);
        check(false, 300, true);
        check(true, 3000, false);
    }
}
