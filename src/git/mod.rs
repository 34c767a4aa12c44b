//! Floor 1: the repository. The only room that knows git.

pub mod error;
pub mod native;
pub mod snapshot;

pub use crate::git::error::Error;
