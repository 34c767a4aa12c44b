//! What can go wrong with records. None of it stops a run.

use std::io;
use std::path::{Path, PathBuf};

/// A record that could not be kept or read.
#[derive(Debug, thiserror::Error)]
#[error("{action} {}", path.display())]
pub struct Error {
    /// What was tried: `write`, `create`.
    action: &'static str,
    path: PathBuf,
    #[source]
    cause: io::Error,
}

impl Error {
    pub(crate) fn new(action: &'static str, path: &Path, cause: io::Error) -> Self {
        let path = path.to_owned();
        Self {
            action,
            path,
            cause,
        }
    }
}

/// Turns the failure to do `action` with `path` into an [`Error`].
pub(crate) fn failed<'a>(
    action: &'static str,
    path: &'a Path,
) -> impl FnOnce(io::Error) -> Error + 'a {
    move |cause| Error::new(action, path, cause)
}
