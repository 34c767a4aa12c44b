//! `svc deploy`, and what goes with it.
//!
//! [`prepare`] makes the plan, [`carry_out`] follows it: what is due is built and tested, the lease is taken, the plan is
//! looked at again, then each service is deployed in order. `releases`, `config` and `wanted` tell what the sources would
//! deploy; `environment` how; `order` after what; `guards` what stands against it. `perform` deploys one service with its
//! entries in the ledger, `bring` is the steps of that, `serve` what `svc` does itself on this machine, `back` the way
//! back, for which `again` takes from the cache what was built then. `acts` runs any of it under a lease, also the [`moves`] to known releases: [`rollback`], [`promote`], [`down`].

mod acts;
mod again;
mod back;
mod bring;
mod build;
mod config;
pub mod down;
pub mod environment;
mod guards;
mod journal;
pub mod moves;
mod order;
mod perform;
pub mod pin;
mod plan;
pub mod promote;
pub mod releases;
pub mod rollback;
mod run;
mod serve;
mod sources;
mod wanted;

use std::time::Duration;

pub use crate::ops::deploy::acts::{Close, Ended, Told};
pub use crate::ops::deploy::guards::Leave;
pub use crate::ops::deploy::plan::{Prepared, prepare};
pub use crate::ops::deploy::run::carry_out;
pub use crate::ops::deploy::serve::Machine;

use crate::ops::request::SelectRequest;
use crate::ops::tasks::cache::CacheUse;

/// What `svc deploy` is asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub environment: String,
    pub mode: Mode,
    pub select: SelectRequest,
    /// Deploy what runs already, too.
    pub force: bool,
    /// Deploy what is held, too.
    pub retry_held: bool,
    /// Go on with what the last deploy left.
    pub resume: bool,
    /// Take down what is no longer defined.
    pub prune: bool,
    /// All or nothing.
    pub atomic: bool,
    pub allow_diverged: bool,
    /// Follow a plan that was written down: once anything moved, nothing is planned anew.
    pub is_pinned: bool,
    pub reason: Option<String>,
    /// Whether a person was asked, and agreed to just this plan.
    pub is_agreed_to: bool,
    pub patience: Patience,
    pub jobs: Option<usize>,
    pub cache: CacheUse,
}

/// What is to come of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Deploy {
        /// Whether it is the first deploy to the environment.
        bootstrap: bool,
    },
    /// What runs already is only written down.
    Adopt,
    /// Nothing: it is only shown what would be.
    Show,
}

/// How long a lease is waited for, and how it is held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Patience {
    /// How long to wait for somebody else's lease.
    pub wait: Option<Duration>,
    /// How long a lease holds without being renewed, where the usual term does not fit.
    pub term: Option<Duration>,
}
