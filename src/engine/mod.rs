//! Floor 2: runs a plan and emits what happens. It never prints and decides nothing about what changed.

mod attempt;
mod critical;
mod job;
mod perform;
mod run;
pub mod schedule;
mod tail;
mod wording;

pub use crate::engine::attempt::{COMMIT, with_cause};
pub use crate::engine::job::{
    After, Before, Failing, Hands, Job, Nothing, Results, Reused, Step, Steps,
};
pub use crate::engine::run::run;
