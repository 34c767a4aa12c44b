//! Floor 1: `services.toml`. The only room that knows TOML.
//!
//! [`load`] turns the bytes of a [`Source`] into a checked `Workspace`, or into everything that is wrong with them.
//! The files in the order of reading: `source` gives bytes, `parse` and `tree` their values, `read` what a value means, `root`,
//! `service`, `task`, `deploy` and `target` the tables, `merge` and `needs` what several tables make together, `check` what
//! concerns all services. `edit` adds to a file that exists, and [`draft`] writes
//! what was found. `keys` lists every key; `schema` and `reference` are made from it.

mod address;
mod check;
mod consumers;
mod deploy;
pub mod draft;
mod edit;
mod faults;
mod halves;
mod keys;
mod known;
mod links;
mod load;
mod merge;
mod needs;
mod offer;
mod outputs;
mod overlap;
mod parameter;
mod parse;
mod preset;
mod problem;
mod read;
mod reference;
mod render;
mod root;
mod schema;
mod service;
mod source;
mod target;
mod task;
mod trace;
mod tree;

#[cfg(test)]
mod tests;

pub use edit::{EditError, NewService, add_service};
pub use load::{Loaded, load, origins};
pub use offer::{Offer, preset_tasks, presets};
pub use problem::{Invalid, Place, Problem, Report, Row, Sources};
pub use reference::reference_markdown;
pub use render::{Colour, Severity, render};
pub use schema::schema;
pub use source::{Directory, Disk, FILE, Source, find_root};
