//! `svc check`: whether the definition is valid.

use crate::config::Loaded;
use crate::model::env::Env;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// Reads and checks the whole definition.
///
/// # Errors
/// All of its problems.
pub fn check(env: &Env) -> Result<Loaded, Failure> {
    Place::find(env)?.workspace()
}
