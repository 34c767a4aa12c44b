//! The npm family: packages, their workspaces, what they leave behind, and how TypeScript finds files of others.

mod build;
pub mod bundler;
pub mod package;
pub mod typescript;
pub mod workspace;
