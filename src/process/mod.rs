//! Floor 1: commands of services: starting, watching and ending them.
//!
//! [`run`] starts one command and stays with it to its end, whatever it does: it may flood, fork away, ignore requests or
//! leave others behind. [`Control`] stops all of them from outside, [`signals`] turns Ctrl-C into that, [`sweep`] sees to it
//! that nothing outlives the run, save the services of [`local`], which are there to stay.

mod command;
mod control;
mod ending;
pub mod environment;
mod exit;
pub mod jobserver;
mod leaders;
pub mod local;
mod output;
mod run;
pub mod signals;
mod start;
mod sweep;
pub mod tools;
mod tree;
pub mod values;

pub use crate::process::command::{
    Command, Ended, Marks, NotStarted, Obstacle, Orphaned, ProcessId,
};
pub use crate::process::control::Control;
pub use crate::process::run::{run, run_watched};
pub use crate::process::sweep::{Leftover, leftovers, sweep};
