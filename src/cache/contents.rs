//! Where the bytes of a result's files come from.

use std::path::Path;

use crate::cache::error::Error;
use crate::model::outputs::ContentId;

/// The contents of one result's files.
pub trait Contents {
    /// Writes the bytes with this id to a new file at `to`, where nothing lies yet. They are verified: what was written is
    /// what the id says. The mode of the file is left to the caller.
    ///
    /// # Errors
    /// Bytes that are missing or damaged; a file that cannot be written.
    fn write(&mut self, content: &ContentId, to: &Path) -> Result<(), Error>;
}
