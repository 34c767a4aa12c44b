//! `svc check`: whether the definition is valid.

use crate::config::Loaded;
use crate::ops::failure::Failure;
use crate::ops::owned;
use crate::ops::place::Place;

/// Reads and checks the whole definition.
///
/// # Errors
/// All of its problems.
pub fn check(place: &Place) -> Result<Loaded, Failure> {
    let loaded = place.workspace()?;
    owned::check_all(place, &loaded.workspace)?;
    Ok(loaded)
}
