//! Adding a line: at the end of the last whole one, on the disk before anybody is told.

use std::fs::File;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt;

use crate::ledger::error::{Error, failed};
use crate::ledger::file::FileStore;
use crate::ledger::file::lines::Line;
use crate::ledger::file::state::State;
use crate::ledger::store::Write;
use crate::model::ledger::ENTRY_VERSION;

impl FileStore {
    /// Adds a line to a file that comes to `state`. Called with the lock. Gives what it comes to then.
    pub fn append(&self, state: State, write: &Write) -> Result<State, Error> {
        let line = Line {
            version: ENTRY_VERSION,
            lease: write.lease.clone(),
            entries: write.entries.clone(),
        };
        let text = line.text(&state.checksum);
        let path = self.entries();
        let is_new = state.end == 0;
        let mut options = File::options();
        let options = options.append(true).create(true).mode(0o600);
        let mut file = options.open(&path).map_err(failed("open", &path))?;
        if is_new {
            self.settle()?;
        }
        // What a killed writer left of a line.
        let length = file.metadata().map_err(failed("read", &path))?.len();
        if length != state.end {
            file.set_len(state.end).map_err(failed("shorten", &path))?;
        }
        let written = file
            .write_all(text.as_bytes())
            .and_then(|()| file.sync_data());
        if let Err(error) = written {
            // Nobody is told that it is there, so it is not to be there later. Half a line counts for nothing anyway.
            let _ = file.set_len(state.end);
            return Err(failed("write", &path)(error));
        }
        let (state, _) = state
            .read_on(text.as_bytes())
            .map_err(|fault| self.fault(fault))?;
        Ok(state)
    }

    /// Brings the names of a new file and its directory to the disk.
    fn settle(&self) -> Result<(), Error> {
        let parent = self.directory.parent();
        for directory in [Some(self.directory.as_path()), parent]
            .into_iter()
            .flatten()
        {
            File::open(directory)
                .and_then(|it| it.sync_all())
                .map_err(failed("write", directory))?;
        }
        Ok(())
    }
}
