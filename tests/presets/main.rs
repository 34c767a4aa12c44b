//! The presets that come with `svc`: what each gives, everywhere; and that its commands work, where its tools are.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests start programs, and end where something cannot be set up"
)]

#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/mod.rs"]
mod support;

mod compiled;
mod dependents;
mod filled;
mod given;
mod infrastructure;
mod inputs;
mod node;
mod page;
mod project;
mod scripted;
