//! Two readers of one state: a quick one, and a sure one that is asked whenever the quick one does not know.

use crate::git::error::Error;
use crate::git::fallback::Fallback;
use crate::git::snapshot::{Files, Snapshot};
use crate::model::change::ObjectId;
use crate::model::path::FilePath;

/// See the first line of this file.
pub struct Choice<'r> {
    /// None where it is known from the start that it cannot read this repository.
    pub quick: Option<Box<dyn Snapshot + 'r>>,
    pub sure: Fallback,
}

impl Choice<'_> {
    /// Whatever the quick reader takes for an error, only the sure one can call one.
    fn ask<T>(&self, question: impl Fn(&dyn Snapshot) -> Result<T, Error>) -> Result<T, Error> {
        match self.quick.as_deref().map(&question) {
            Some(Ok(answer)) => Ok(answer),
            Some(Err(_)) | None => question(&self.sure),
        }
    }
}

impl Snapshot for Choice<'_> {
    fn changed_since(&self, base: Option<ObjectId>) -> Result<Vec<FilePath>, Error> {
        self.ask(|state| state.changed_since(base))
    }

    fn files(&self, within: &[FilePath]) -> Result<Files, Error> {
        self.ask(|state| state.files(within))
    }

    fn read(&self, path: &FilePath) -> Result<Option<Vec<u8>>, Error> {
        self.ask(|state| state.read(path))
    }
}
