//! What the benches share: workspaces that are made here, and processes that are timed.
#![allow(dead_code, reason = "each bench uses its own part of this")]
#![allow(clippy::unwrap_used, reason = "a bench ends where it cannot be set up")]

pub mod deploys;
pub mod flags;
pub mod peers;
pub mod polyglot;
pub mod table;
pub mod timing;
pub mod workspace;
