//! The real binary in a sealed world: what a person, a script or a hook sees.

#[path = "../support/mod.rs"]
mod support;

mod affected;
mod affected_property;
mod schema;
