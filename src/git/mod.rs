//! Floor 1: the repository. The only room that knows git.

pub mod base;
mod behind;
pub mod checkout;
pub mod compare;
mod deepen;
mod discover;
mod disk;
pub mod error;
mod fallback;
pub mod fetch;
mod finished;
mod history;
mod ignored;
pub mod isolated;
pub mod names;
pub mod native;
mod nested;
pub mod program;
mod raw;
mod reader;
pub mod refs;
mod remote;
pub mod repo;
pub mod snapshot;
mod state;
mod submodules;

pub use crate::git::checkout::Checkout;
pub use crate::git::compare::{BaseRequest, BaseRule, FoundBase, find_base};
pub use crate::git::error::Error;
pub use crate::git::fetch::{Fetched, ensure};
pub use crate::git::isolated::Isolated;
pub use crate::git::program::Fetch;
pub use crate::git::refs::RemoteRefs;
pub use crate::git::repo::Repo;
pub use crate::git::snapshot::Snapshot;
