//! What can go wrong with results.

use std::path::Path;

use crate::model::path::{FilePath, display};

/// Why a result could not be kept or put in place.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file or directory cannot be read or written.
    #[error("{attempt}")]
    File {
        /// What was tried: ``write `/x/y` ``.
        attempt: String,
        #[source]
        cause: std::io::Error,
    },
    /// Something in the store is not what it should be.
    #[error("{0}")]
    Damaged(String),
    /// Others could change what lies in the store.
    #[error("{0}")]
    Untrusted(String),
    /// An output changed while it was being read.
    #[error("its output {} changed while it was being kept", .0.display())]
    Unsteady(FilePath),
}

/// For `map_err`: what was tried with `path`.
pub(crate) fn failed(attempt: &'static str, path: &Path) -> impl FnOnce(std::io::Error) -> Error {
    let path = display(path.as_os_str().as_encoded_bytes());
    move |cause| Error::File {
        attempt: format!("{attempt} `{path}`"),
        cause,
    }
}
