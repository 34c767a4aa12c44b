//! `svc build`, `svc test` and `svc run`.
//!
//! [`prepare`] finds what is to be done, [`run`] does it.
//!
//! A task's cache key is put together in `keys` from its input files (`inputs`, `ignored`, `links`), its tools (`tools`) and what it
//! needs. `lookup` finds the results that are known before anything runs. During the run `results` answers the engine: `reuse`
//! takes an earlier result before a task, `reading` holds still what the task reads, `keep` keeps what it left, unless an input
//! changed (`added`: came into being) meanwhile; `foreign` tells what was written into other services. `missed` says why there
//! is no earlier result, in short, and `explain` in full. `restore` takes results without a run. `cache` opens the store; `asking` asks git
//! while tasks run.

mod added;
mod asking;
pub mod cache;
mod explain;
mod foreign;
mod ignored;
pub(in crate::ops) mod inputs;
mod keep;
mod keys;
mod links;
mod lookup;
mod missed;
mod prepare;
mod reading;
mod restore;
mod results;
mod reuse;
mod run;
pub mod tools;

pub use crate::ops::tasks::explain::explain;
pub use crate::ops::tasks::prepare::{
    Prepared, Selected, prepare, prepare_isolated, prepare_needed, recover, select,
};
pub use crate::ops::tasks::restore::restore;
pub use crate::ops::tasks::run::run;

use crate::engine::Failing;
use crate::model::hook::HookName;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::ops::tasks::cache::CacheUse;
use crate::ops::tasks::tools::Asking;

/// What `svc build`, `svc test` and `svc run` are asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub task: String,
    /// Further tasks, in the same plan.
    pub also: Vec<String>,
    pub compare: CompareRequest,
    pub select: SelectRequest,
    /// Appended to the last command of each selected task.
    pub arguments: Vec<String>,
    pub jobs: Option<usize>,
    pub failing: Failing,
    /// Whether what failed or was interrupted before is looked at again, though nothing changed.
    pub with_failed: bool,
    /// The hook of git that asks, if one does.
    pub hook: Option<HookName>,
    pub cache: CacheUse,
    /// Whether tools may be run to learn their versions.
    pub asking: Asking,
}
