//! The npm family: packages, their workspaces, and how TypeScript finds files of others.

pub mod package;
pub mod typescript;
pub mod workspace;
