//! One `svc` at a time adds services to a workspace.

use std::fs::File;
use std::path::Path;

use crate::scaffold::error::Error;

/// Held until it is dropped, or its process ends in whatever way. It is a lock of the directory itself, so that it leaves
/// no file behind.
#[derive(Debug)]
pub struct Lock {
    _directory: File,
}

impl Lock {
    /// Waits for the workspace at `root`.
    ///
    /// # Errors
    /// The directory cannot be opened.
    pub fn wait(root: &Path) -> Result<Self, Error> {
        let directory = File::open(root).map_err(Error::file("open", root))?;
        // Where the file system knows no locks, nobody has to wait.
        let _ = directory.lock();
        Ok(Self {
            _directory: directory,
        })
    }
}
