//! The lease, taken and released by people, whoever has it.

use crate::ledger::clock::{calendar, token};
use crate::ledger::error::Error;
use crate::ledger::store::{Refresh, Seen, Store, Write};
use crate::model::ledger::{Holder, LEASE_VERSION, Lease};

/// How often it is tried again when somebody renews it meanwhile.
const TRIES: u32 = 20;

/// Takes the lease by hand: it holds until it is released by hand. Gives it, and whose it was.
///
/// # Errors
/// Whatever the store says.
pub fn take(
    store: &dyn Store,
    holder: &Holder,
    reason: Option<&str>,
) -> Result<(Lease, Option<Lease>), Error> {
    let lease = Lease {
        version: LEASE_VERSION,
        token: token(),
        beat: 0,
        holder: holder.clone(),
        since: calendar(),
        term: 300,
        sticky: true,
        reason: reason.map(str::to_owned),
    };
    let before = replace(store, Some(&lease))?;
    Ok((lease, before))
}

/// Gives the lease up, whoever has it. Gives whose it was; a deploy that had it starts nothing more.
///
/// # Errors
/// Whatever the store says.
pub fn release_by_hand(store: &dyn Store) -> Result<Option<Lease>, Error> {
    replace(store, None)
}

fn replace(store: &dyn Store, lease: Option<&Lease>) -> Result<Option<Lease>, Error> {
    let write = Write {
        entries: Vec::new(),
        lease: lease.cloned(),
    };
    let is_done = |seen: &Seen| seen.lease.as_ref() == lease;
    let mut before = None;
    let mut last = Error::Lost("others renew it all the time".into());
    for _ in 0..TRIES {
        let seen = store.look(Refresh::Now)?;
        if is_done(&seen) {
            return Ok(before);
        }
        before.clone_from(&seen.lease);
        match store.write(&seen.revision, &write) {
            Ok(_) => return Ok(before),
            Err(error @ (Error::Lost(_) | Error::Unsure(_))) => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}
