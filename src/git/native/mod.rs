//! The fast reader of the repository: trees, index and working tree read by our own hand, objects through the library.
//!
//! Two things differ from git on purpose: uncommitted work in a submodule counts whatever `submodule.*.ignore` says, and a
//! file that was only removed from the index is still as it was. Whatever this reader does not know for certain is an
//! error, so that the caller can ask the `git` program instead.

mod cache_tree;
mod content;
mod entry;
mod filters;
mod hash;
mod ignore;
mod index;
mod listing;
mod names;
mod nested;
mod objects;
pub mod scope;
mod seen;
mod snapshot;
mod staged;
mod stat;
mod threads;
mod tree;
mod trees;
pub mod user;
mod walk;
mod within;
mod work_tree;

pub use crate::git::native::content::Filtered;
pub use crate::git::native::names::{Listed, names, names_outside};
pub use crate::git::native::scope::{Scope, Settings};
pub use crate::git::native::snapshot::{NativeSnapshot, open};
