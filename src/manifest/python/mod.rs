//! Python: projects, lists of requirements, and the older ways to set up a package.

pub mod cases;
pub mod project;
pub mod requirement;
pub mod requirements;
pub mod setup;
