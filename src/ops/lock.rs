//! `svc lock`: who may write to an environment's ledger, looked at, taken and given back by hand.

use crate::ledger::{self, Refresh};
use crate::model::ledger::Lease;
use crate::model::name::EnvironmentName;
use crate::ops::deploy::moves::Ground;
use crate::ops::failure::Failure;
use crate::ops::ledger::holder;
use crate::ops::place::Place;

/// The lease of an environment.
pub struct Answer {
    pub environment: EnvironmentName,
    pub lease: Option<Lease>,
    /// The present, in seconds since 1970.
    pub now: u64,
}

/// Shows the lease.
///
/// # Errors
/// An environment that does not exist, or a ledger that cannot be reached.
pub fn show(place: &Place, environment: &str) -> Result<Answer, Failure> {
    let ground = Ground::look(place, environment, Refresh::Now)?;
    Ok(answer(&ground, ground.seen.lease.clone()))
}

/// Takes the lease by hand, from whoever has it, until it is released. Gives who had it, too.
///
/// # Errors
/// See [`show`]; somebody else was faster.
pub fn take(
    place: &Place,
    environment: &str,
    reason: &str,
) -> Result<(Answer, Option<Lease>), Failure> {
    let ground = Ground::look(place, environment, Refresh::Now)?;
    let command = format!("svc lock take --env {}", ground.staged.environment);
    let holder = holder(place, &command);
    let (lease, before) = ledger::take(&*ground.store, &holder, Some(reason))?;
    Ok((answer(&ground, Some(lease)), before))
}

/// Releases the lease, whoever has it. Gives who had it.
///
/// # Errors
/// See [`show`]; somebody else was faster.
pub fn release(place: &Place, environment: &str) -> Result<Answer, Failure> {
    let ground = Ground::look(place, environment, Refresh::Now)?;
    let had = ledger::release_by_hand(&*ground.store)?;
    Ok(answer(&ground, had))
}

fn answer(ground: &Ground, lease: Option<Lease>) -> Answer {
    Answer {
        environment: ground.staged.environment.clone(),
        lease,
        now: crate::record::now().0 / 1000,
    }
}
