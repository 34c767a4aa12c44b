//! A draft as a `services.toml` that a person is glad to read, and what is new in it added to one that exists.

mod entries;
mod refused;
mod shared;
mod update;
mod write;

#[cfg(test)]
mod tests;

pub use update::{AddedService, Edge, UpdateError, Updated, update};
pub use write::{unwritable, write};
