//! Floor 1: results of tasks: kept in a store that all clones share, and put back into a working tree.
//!
//! Two halves meet here. The store knows keys, results and contents, and nothing of any working tree. The outputs know what
//! lies in a working tree, and take bytes from [`Contents`].
//!
//! Whatever is missing, damaged or out of reach is a miss: it never fails a run, and never gives a wrong file.

mod contents;
mod error;
mod outputs;
mod store;

pub use crate::cache::contents::Contents;
pub use crate::cache::error::Error;
pub use crate::cache::outputs::{Collected, Lock, NotRestored, Outputs, Restored, room};
pub use crate::cache::store::{
    Access, Conflict, Found, Kept, Log, NewResult, Pruned, Stats, Store, StoredContents,
};
