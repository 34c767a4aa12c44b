//! The README is true: its commands are run, its picture, tables and links are checked.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

#[path = "../support/mod.rs"]
mod support;

mod console;
mod page;
mod picture;
mod shop;
