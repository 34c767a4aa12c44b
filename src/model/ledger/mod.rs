//! The ledger: what was deployed where, entry by entry, and who may write.

mod entry;
mod lease;
mod standing;

pub use crate::model::ledger::entry::{
    Action, DeployId, Deployed, ENTRY_VERSION, Entry, Invalid, Runs, State, Who,
};
pub use crate::model::ledger::lease::{Holder, LEASE_VERSION, Lease};
pub use crate::model::ledger::standing::{Held, Standing, Standings};

#[cfg(test)]
pub use crate::model::ledger::entry::sample;
