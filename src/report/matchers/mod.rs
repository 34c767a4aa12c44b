//! Finds in the output of tools what they say of places in files. What each prints is data: `templates/matchers`.

mod data;
mod scan;

pub use crate::report::matchers::scan::{Found, Scanner};
