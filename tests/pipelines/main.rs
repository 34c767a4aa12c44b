//! Pipelines of CI systems: that each is what its system takes, and that the one for GitHub does what it says, run step by
//! step.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests start programs, and end where something cannot be set up"
)]

#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/mod.rs"]
mod support;

mod expression;
mod github;
mod job;
mod readers;
mod runner;
mod schemas;
mod yaml;
