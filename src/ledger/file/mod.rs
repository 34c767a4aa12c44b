//! The ledger in a file: for who has no remote, and for `local`.
//!
//! ```text
//! production/
//!   entries.jsonl   one line for each write: its entries and the lease as it is after them; only ever added to
//!   standings       what the lines up to some place come to; made anew when it is missing or not right
//!   lock            locked while somebody writes
//! ```
//!
//! A write is one line, and a line counts once its end is there: whoever is killed, or finds the disk full, in the midst of
//! one has written nothing. Each line holds a checksum that the one before goes into, so that none can be lost from the middle.

mod append;
mod lines;
mod snapshot;
mod state;

use std::fs::{self, DirBuilder, File, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::ledger::clock::{Clock, SystemClock, calendar};
use crate::ledger::error::{Error, failed, shown};
use crate::ledger::file::lines::{Fault, Rest};
use crate::ledger::file::snapshot::Snapshot;
use crate::ledger::file::state::State;
use crate::ledger::store::{Refresh, Revision, Seen, Store, Wanted, Write, check};
use crate::model::ledger::Entry;
use crate::model::name::EnvironmentName;

/// How long a write waits for another one to end. Only who is stopped or has a very slow disk takes that long.
const PATIENCE: Duration = Duration::from_secs(10);

/// Between two looks at the lock that somebody else has.
const PAUSE: Duration = Duration::from_millis(2);

/// The ledger of one environment, in a file.
#[derive(Clone, Debug)]
pub struct FileStore {
    directory: PathBuf,
}

/// What reading gave.
struct Reading {
    state: State,
    rest: Rest,
}

impl FileStore {
    /// In a directory below `directory`, which is made by the first write.
    pub fn new(directory: &Path, environment: &EnvironmentName) -> Self {
        Self {
            directory: directory.join(environment.as_str()),
        }
    }

    fn entries(&self) -> PathBuf {
        self.directory.join("entries.jsonl")
    }

    fn snapshot(&self) -> Snapshot {
        Snapshot::new(&self.directory)
    }

    /// How everything stands. Who reads while another one writes sees a line half, and reads again.
    fn read(&self) -> Result<Reading, Error> {
        match self.read_once() {
            Ok(reading) if reading.rest.is_nothing() => {
                self.shorten(&reading.state);
                Ok(reading)
            }
            first => match self.lock(File::try_lock_shared) {
                Ok(_lock) => self.read_once(),
                Err(_) => first,
            },
        }
    }

    fn read_once(&self) -> Result<Reading, Error> {
        let path = self.entries();
        let mut file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Reading::empty()),
            Err(error) => return Err(failed("read", &path)(error)),
        };
        let state = self.snapshot().load(&mut file).unwrap_or_default();
        let mut bytes = Vec::new();
        file.seek(SeekFrom::Start(state.end))
            .and_then(|_| file.read_to_end(&mut bytes))
            .map_err(failed("read", &path))?;
        let (state, rest) = state.read_on(&bytes).map_err(|fault| self.fault(fault))?;
        Ok(Reading { state, rest })
    }

    /// Keeps what the lines come to, once reading them would take long, unless somebody is writing.
    fn shorten(&self, state: &State) {
        if !state.is_long() {
            return;
        }
        if let Ok(lock) = self.open_lock()
            && lock.try_lock().is_ok()
        {
            self.snapshot().save(state);
        }
    }

    fn open_lock(&self) -> Result<File, Error> {
        let path = self.directory.join("lock");
        let mut options = File::options();
        let options = options.read(true).write(true).create(true).truncate(false);
        options
            .mode(0o600)
            .open(&path)
            .map_err(failed("open", &path))
    }

    /// The lock, held until the file is dropped or its process ends.
    fn lock(&self, take: impl Fn(&File) -> Result<(), TryLockError>) -> Result<File, Error> {
        let file = self.open_lock()?;
        let path = self.directory.join("lock");
        let begun = SystemClock.now();
        loop {
            match take(&file) {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed("lock", &path)(error)),
                Err(TryLockError::WouldBlock) if SystemClock.now() - begun > PATIENCE => {
                    let error = std::io::Error::other("another svc holds it and does not go on");
                    return Err(failed("lock", &path)(error));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(PAUSE),
            }
        }
    }

    /// Makes the directory, for its owner alone.
    fn make(&self) -> Result<(), Error> {
        let path = &self.directory;
        let mut builder = DirBuilder::new();
        let made = builder.recursive(true).mode(0o700).create(path);
        made.map_err(failed("make", path))
    }

    fn fault(&self, fault: Fault) -> Error {
        let file = shown(&self.entries());
        match fault {
            Fault::Damaged { line, what } => Error::Damaged {
                hint: format!(
                    "put back a copy of `{file}` that is right; or keep the {} lines before it (`head -n {}`) and record what \
                     runs with `svc deploy --adopt`",
                    line - 1,
                    line - 1
                ),
                file,
                line,
                what,
            },
            Fault::Invalid { line, what } => Error::Invalid {
                hint: match what.contains("newer svc") {
                    true => "update svc".into(),
                    false => {
                        "something other than svc wrote it: put back a copy that is right".into()
                    }
                },
                place: format!("{file}:{line}"),
                what,
            },
        }
    }
}

impl Reading {
    fn empty() -> Self {
        Self {
            state: State::default(),
            rest: Rest::Nothing,
        }
    }
}

impl Store for FileStore {
    fn name(&self) -> String {
        format!("file, {}", shown(&self.entries()))
    }

    fn look(&self, _: Refresh) -> Result<Seen, Error> {
        let as_of = Some(calendar());
        let Reading { state, rest } = self.read()?;
        let note = rest.note(&shown(&self.entries()));
        Ok(Seen {
            revision: state.revision(),
            standings: state.standings,
            lease: state.lease,
            as_of,
            stale: None,
            note,
        })
    }

    fn write(&self, on: &Revision, write: &Write) -> Result<Revision, Error> {
        check(&self.name(), on, write)?;
        self.make()?;
        let _lock = self.lock(File::try_lock)?;
        let Reading { state, .. } = self.read_once()?;
        let now = state.revision();
        if now.lock != on.lock || (!write.entries.is_empty() && now.ledger != on.ledger) {
            return Err(Error::Lost("the ledger is not what it was".into()));
        }
        let state = self.append(state, write)?;
        if state.is_long() {
            self.snapshot().save(&state);
        }
        let mut revision = state.revision();
        if write.entries.is_empty() {
            // What others added meanwhile was not seen by who writes this.
            revision.ledger.clone_from(&on.ledger);
        }
        Ok(revision)
    }

    fn history(&self, wanted: &Wanted) -> Result<Vec<Entry>, Error> {
        let read = || match fs::read(self.entries()) {
            Ok(bytes) => lines::history(&bytes, wanted).map_err(|fault| self.fault(fault)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
            Err(error) => Err(failed("read", &self.entries())(error)),
        };
        // A fault may be a line that is being written.
        read().or_else(|first| match self.lock(File::try_lock_shared) {
            Ok(_lock) => read(),
            Err(_) => Err(first),
        })
    }
}
