//! `svc cache`: the store of results, apart from any run.

use std::path::PathBuf;

use crate::cache::{Access, Error, Pruned, Stats, Store};
use crate::model::env::Env;
use crate::ops::failure::Failure;
use crate::ops::isolation;
use crate::ops::tasks::cache::{directory, limit};

/// What is in the store.
pub struct Answer {
    pub path: PathBuf,
    /// How large it may become, in bytes.
    pub limit: u64,
    pub stats: Stats,
}

/// Counts what is in the store. One that does not exist is empty.
///
/// # Errors
/// There is no place for a store, or it may not be trusted.
pub fn stats(env: &Env) -> Result<Answer, Failure> {
    Ok(Answer {
        path: path(env)?,
        limit: limit(env)?,
        stats: open(env, Access::ReadOnly)?.stats(),
    })
}

/// Removes what was used longest ago, until the store is no larger than `most` bytes, or than its limit.
///
/// # Errors
/// As for [`stats`]; a store that cannot be written.
pub fn prune(env: &Env, most: Option<u64>) -> Result<Pruned, Failure> {
    let most = match most {
        Some(most) => most,
        None => limit(env)?,
    };
    if !path(env)?.exists() {
        return Ok(Pruned::default());
    }
    open(env, Access::ReadWrite)?.prune(most).map_err(refused)
}

/// Removes everything that is in the store, and checkouts beside it that nobody uses.
///
/// # Errors
/// As for [`prune`].
pub fn clear(env: &Env) -> Result<Pruned, Failure> {
    if !path(env)?.exists() {
        return Ok(Pruned::default());
    }
    isolation::clear(env, None);
    open(env, Access::ReadWrite)?.clear().map_err(refused)
}

/// Where the store is, or would be.
///
/// # Errors
/// There is no place for it.
pub fn path(env: &Env) -> Result<PathBuf, Failure> {
    directory(env).map_err(|reason| Failure::Usage {
        message: "there is no place for a cache".to_owned(),
        hint: reason,
    })
}

/// Opens the store.
///
/// # Errors
/// As for [`stats`]; to write, a store that cannot be written.
pub fn open(env: &Env, access: Access) -> Result<Store, Failure> {
    Store::open(&path(env)?, access).map_err(refused)
}

fn refused(error: Error) -> Failure {
    Failure::Cache(error)
}
