//! Deploys as a whole: the real binary, real repositories with a remote, many at once, killed, robbed, and never to lie.
//!
//! `SVC_TEST_ROUNDS` sets how often what happens by chance is tried, `SVC_TEST_SEED` makes the chance of an earlier run come
//! again.

#![allow(
    clippy::disallowed_methods,
    clippy::print_stderr,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../cache/chance.rs"]
#[allow(dead_code, reason = "each test program uses its own part of this")]
mod chance;

mod contention;
mod crash;
mod failing;
mod running;
mod stage;
mod staging;
mod stolen;
