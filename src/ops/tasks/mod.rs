//! `svc build`, `svc test` and `svc run`.
//!
//! [`prepare`] finds what is to be done, [`run`] does it. Below them, `reuse` knows which results still stand, by what tasks
//! were made from (`inputs`) and what they left behind (`outputs`).

mod inputs;
mod outputs;
mod prepare;
mod reuse;
mod run;

pub use crate::ops::tasks::prepare::{Prepared, prepare};
pub use crate::ops::tasks::run::run;

use crate::engine::Failing;
use crate::ops::request::{CompareRequest, SelectRequest};

/// What `svc build`, `svc test` and `svc run` are asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub task: String,
    pub compare: CompareRequest,
    pub select: SelectRequest,
    /// Appended to the last command of each selected task.
    pub arguments: Vec<String>,
    pub jobs: Option<usize>,
    pub failing: Failing,
}
