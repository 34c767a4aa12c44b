//! Hooks of git that ask `svc`, and checkouts of exactly what they judge: real commits, merges, rebases and pushes.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

#[path = "support/mod.rs"]
mod support;

#[path = "hooks/checkouts.rs"]
mod checkouts;
#[path = "hooks/commits.rs"]
mod commits;
#[path = "hooks/framework.rs"]
mod framework;
#[path = "hooks/installing.rs"]
mod installing;
#[path = "hooks/pushes.rs"]
mod pushes;
#[path = "hooks/world.rs"]
mod world;
