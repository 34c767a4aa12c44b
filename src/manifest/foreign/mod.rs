//! Tools that do what `svc` does: how they define tasks, as far as it can be said in our words.

pub mod moon;
mod moon_task;
pub mod nx;
pub mod nx_project;
mod task;
pub mod turbo;
