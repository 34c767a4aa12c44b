//! `svc deploy` against real components: remotes of git, a `sshd`, a docker daemon with a registry, a Kubernetes API server.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests start programs, and end where something cannot be set up"
)]

#[path = "../support/servers/mod.rs"]
mod servers;
#[path = "../support/mod.rs"]
mod support;

mod commands;
mod compose;
mod from_cache;
mod kubernetes;
mod remotes;
mod ssh;
mod world;
