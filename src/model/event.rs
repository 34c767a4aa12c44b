//! What happens during a run, in order, for everybody who wants to tell of it.

use std::sync::Arc;

use crate::model::plan::Plan;
use crate::model::run::{Summary, TaskResult};

/// One thing that happened. Tasks are named by their place in the plan.
#[derive(Clone, Debug)]
pub enum Event {
    /// The run begins. `id` names its record, if there is one.
    RunStarted {
        plan: Arc<Plan>,
        id: Option<String>,
        jobs: usize,
    },
    /// A task was started; `attempt` counts from 1.
    TaskStarted { task: usize, attempt: u32 },
    /// A task wrote to its standard output or error. Secrets are masked already. Chunks end anywhere.
    TaskWrote { task: usize, bytes: Vec<u8> },
    /// A try of the task failed and it will be tried again.
    TaskRetried { task: usize, reason: String },
    /// A task ended, or was found not to be needed.
    TaskFinished { task: usize, result: TaskResult },
    /// Something is worth knowing and stops nothing.
    Warned { message: String },
    /// Something is worth knowing for who wants to know all.
    Noted { message: String },
    /// Something could be done better.
    Advised { message: String },
    /// The run was asked to stop: running tasks are ended, no new ones start.
    Stopping { reason: String },
    /// The run is over; nothing follows.
    RunFinished { summary: Arc<Summary> },
}
