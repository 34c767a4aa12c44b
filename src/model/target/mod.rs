//! Targets: how a service gets into an environment, as data. Everything here is pure: `config` reads a target's file,
//! `resolve` lays the parameters of a deploy over each other, `verify` says what is wrong with them, `render` makes the
//! commands, and `files` finds the files that a deploy names.
//!
//! # By what a service is deployed
//!
//! To `local`, unless `[environments.local]` names another target, by `process`: whatever has a `serve` runs on this
//! machine. Of such a service's `deploy` only `env.local` counts there (all of it, if it names `process` itself), since
//! the rest is written for other places: a migration of production's database is nothing for a laptop. A service
//! without a `serve` is left out there, save one that is deployed by commands of its own.
//!
//! Everywhere else: by the target that its `env.E` names, else by the one its `deploy` names, else by its own commands
//! (`run`), else by the target of the environment. A service for which none of these exists is left out.
//!
//! # Parameters
//!
//! Target's defaults, then the environment's, the service's, and those of its `env.E`. An environment's parameters are
//! those of the target that it names; where it names none, and for the parameters of a `deploy` that goes to different
//! targets, each target takes those that it has.

mod choose;
mod definition;
mod files;
mod placeholder;
mod references;
mod render;
mod resolve;
mod template;
mod verify;

pub use choose::{LOCAL, is_deployed};
pub use definition::{InputKind, Parameter, ParameterKind, Step, Target, URL, fits};
pub use files::{Files, at_or_below, named_files};
pub use render::{Facts, RenderError};
pub use resolve::{NotDeployed, Resolved, Way, resolve};
pub use template::{example, is_reserved, wrong};
pub use verify::{Fault, Layer, What, faults};
