//! What the tests of the systems share.

use std::path::PathBuf;

use crate::model::env::Env;

/// Surroundings with just these variables.
pub fn env(variables: &[(&str, &str)]) -> Env {
    Env {
        directory: PathBuf::from("/"),
        directory_given: false,
        variables: variables
            .iter()
            .map(|(name, value)| (name.into(), value.into()))
            .collect(),
        processors: 1,
    }
}
