//! The cache as a whole: the real binary on real repositories, killed, raced, starved, and never to be wrong.
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

mod chance;
mod clock;
mod crash;
mod full;
mod ingredients;
mod race;
mod shop;
mod steps;
mod tree;
mod workspace;
