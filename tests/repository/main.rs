//! The git room against the real git, in repositories of every shape that we know of.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    clippy::unwrap_used,
    reason = "tests start git as a person would, and say what they skip"
)]

mod bases;
mod fetching;
mod finding;
mod hooks;
mod ignored;
mod readers;
mod states;
mod world;
