//! The log of one task.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::record::error::{Error, failed};

/// Writes what a task writes. The file is made with the first byte, so that silent tasks leave none. Chunks go to the file
/// as they come: they were collected in a pipe already, and after a kill all of them are there.
#[derive(Debug)]
pub struct LogWriter {
    path: PathBuf,
    state: State,
}

#[derive(Debug)]
enum State {
    Empty,
    Open(File),
    Broken(Error),
}

impl LogWriter {
    pub(crate) fn new(path: PathBuf) -> Self {
        let state = State::Empty;
        Self { path, state }
    }

    /// Adds `bytes`. Once the log cannot be written, it takes everything and keeps nothing; [`Self::finish`] tells.
    pub fn write(&mut self, bytes: &[u8]) {
        if bytes.is_empty() {
            return;
        }
        if let State::Empty = self.state {
            self.state = match open(&self.path) {
                Ok(file) => State::Open(file),
                Err(error) => State::Broken(error),
            };
        }
        if let State::Open(file) = &mut self.state {
            let written = file.write_all(bytes).map_err(failed("write", &self.path));
            if let Err(error) = written {
                self.state = State::Broken(error);
            }
        }
    }

    /// Where the log is, if there is one.
    pub fn finish(self) -> Result<Option<PathBuf>, Error> {
        match self.state {
            State::Empty => Ok(None),
            State::Open(_) => Ok(Some(self.path)),
            State::Broken(error) => Err(error),
        }
    }
}

/// A task that is tried again goes on in the same file.
fn open(path: &Path) -> Result<File, Error> {
    let mut options = OpenOptions::new();
    let opened = options.create(true).append(true).open(path);
    opened.map_err(failed("create", path))
}
