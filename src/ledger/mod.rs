//! Floor 1: the record of deploys: its stores, and the lease of who may write.
//!
//! A [`Store`] holds the ledger of one environment and the lease on it, and moves both in one step, only on top of what
//! the writer saw. A [`Tenure`] is the lease while it is held: it is renewed by a thread, and each write renews it in the
//! same step, so that whoever lost it cannot write. When a lease is over is judged by watching it, never by clocks of others.

mod acquire;
mod by_hand;
mod choose;
mod clock;
mod error;
#[cfg(test)]
mod fake;
mod file;
mod git;
mod observe;
mod read_only;
mod store;
mod tenure;
#[cfg(test)]
mod tests;

pub use crate::ledger::acquire::{Options, acquire};
pub use crate::ledger::by_hand::{release_by_hand, take};
pub use crate::ledger::choose::{Found, choose};
pub use crate::ledger::clock::{Clock, SystemClock, calendar};
pub use crate::ledger::error::{Error, Loss};
pub use crate::ledger::file::FileStore;
pub use crate::ledger::git::{GitPlace, GitStore};
pub use crate::ledger::read_only::ReadOnly;
pub use crate::ledger::store::{Refresh, Revision, Seen, Store, Wanted, Write};
pub use crate::ledger::tenure::Tenure;
