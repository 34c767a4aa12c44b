//! The real binary in a sealed world: what a person, a script or a hook sees.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

#[path = "../support/mod.rs"]
mod support;

#[path = "../support/servers/mod.rs"]
mod servers;

mod affected;
mod affected_property;
mod afterwards;
mod answers;
mod caching;
mod changing;
mod ci_init;
mod ci_matrix;
mod ci_reports;
mod deploying;
mod deploys;
mod doctor;
mod environment;
mod flooding;
mod guarded;
mod help;
mod init;
mod init_ways;
mod injection;
mod kept_right;
mod machines;
mod new;
mod odd_places;
mod output;
mod presets;
mod review;
mod running;
mod scale;
mod schema;
mod shared;
mod shop;
mod standing;
mod stopping;
mod this_machine;
mod trust;
mod values_and_secrets;
mod world;
mod wrong;
