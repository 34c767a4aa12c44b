//! The record of a run that is going on.

use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::model::name::TaskId;
use crate::model::run::{Outcome, Summary};
use crate::record::entry::{Beginning, End, Line, Start, TaskRecord};
use crate::record::error::{Error, failed};
use crate::record::files;
use crate::record::history;
use crate::record::log::LogWriter;
use crate::record::time::{Moment, now};

/// How many bytes of lines may wait.
const WAITING: usize = 64 << 10;

/// A run in progress. All threads write to it.
#[derive(Debug)]
pub struct Run {
    directory: PathBuf,
    id: String,
    path: PathBuf,
    /// What was written last may not be older than what other runs wrote, even if the clock was put back.
    not_before: Moment,
    journal: Mutex<Journal>,
    interrupted: AtomicBool,
    /// Locked until this is dropped or the process ends, however it ends.
    _alive: File,
}

#[derive(Debug)]
struct Journal {
    file: File,
    records: Vec<TaskRecord>,
    /// Lines that are written with the next one: of results that were taken from the cache. Should they be lost, the task has
    /// the result that it had.
    waiting: Vec<u8>,
}

impl Run {
    pub(crate) fn open(
        directory: &Path,
        id: String,
        alive: File,
        not_before: Moment,
    ) -> Result<Self, Error> {
        let path = files::run_path(directory, &id);
        let journal = path.join(files::JOURNAL);
        let file = OpenOptions::new().create(true).append(true).open(&journal);
        let file = file.map_err(failed("create", &journal))?;
        Ok(Self {
            directory: directory.to_owned(),
            id,
            path,
            not_before,
            journal: Mutex::new(Journal {
                file,
                records: Vec::new(),
                waiting: Vec::new(),
            }),
            interrupted: AtomicBool::new(false),
            _alive: alive,
        })
    }

    /// The run's name.
    pub fn id(&self) -> &str {
        &self.id
    }

    /// The directory of this run.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the log of the task is, once it wrote something.
    pub fn log_path(&self, task: &TaskId) -> PathBuf {
        self.path.join(files::log_name(task))
    }

    /// A writer for the log of the task.
    pub fn log(&self, task: &TaskId) -> LogWriter {
        LogWriter::new(self.log_path(task))
    }

    /// The task is about to run. Should this `svc` be killed, the task counts as interrupted from now on.
    pub fn task_begun(&self, task: &TaskId) -> Result<(), Error> {
        let id = task.clone();
        let at = self.present();
        self.add(&mut self.journal(), &Line::Begun(Beginning { id, at }))
    }

    /// A process was started for the task. With its start time, it can be recognised if this `svc` is killed.
    pub fn task_started(
        &self,
        task: &TaskId,
        pid: u32,
        start_time: Option<u64>,
    ) -> Result<(), Error> {
        let id = task.clone();
        let at = self.present();
        self.add(
            &mut self.journal(),
            &Line::Started(Start {
                id,
                pid,
                start_time,
                at,
            }),
        )
    }

    /// The task has this result.
    pub fn task_finished(&self, record: TaskRecord) -> Result<(), Error> {
        let at = record.at.max(self.not_before);
        let record = TaskRecord {
            at,
            run: self.id.clone(),
            ..record
        };
        let mut journal = self.journal();
        journal.records.push(record.clone());
        self.add(&mut journal, &Line::Finished(record))
    }

    /// The run was asked to stop. On disk when this comes back; later calls do nothing.
    pub fn interrupted(&self) -> Result<(), Error> {
        if self.interrupted.swap(true, Ordering::SeqCst) {
            return Ok(());
        }
        let mut journal = self.journal();
        self.add(&mut journal, &Line::Interrupted(self.present()))?;
        let synced = journal.file.sync_data();
        synced.map_err(failed("write", &self.path.join(files::JOURNAL)))
    }

    /// The run is over. Its results become part of the history.
    pub fn finish(self, summary: &Summary) -> Result<(), Error> {
        let mut journal = self.journal();
        let written = self.add(&mut journal, &Line::Ended(End::from(summary)));
        let records = std::mem::take(&mut journal.records);
        drop(journal);
        history::fold(&self.directory, Some((&self.id, records)))?;
        let _ = fs::remove_file(self.path.join(files::ALIVE));
        written
    }

    fn present(&self) -> Moment {
        now().max(self.not_before)
    }

    fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One line in one write, with those that wait: a kill leaves them whole or out, a full disk perhaps torn. A line begins with the line's end of the
    /// one before, so that a torn one spoils no other.
    fn add(&self, journal: &mut Journal, line: &Line) -> Result<(), Error> {
        let path = self.path.join(files::JOURNAL);
        let mut bytes = std::mem::take(&mut journal.waiting);
        bytes.push(b'\n');
        serde_json::to_writer(&mut bytes, line)
            .map_err(|it| Error::new("write", &path, it.into()))?;
        bytes.push(b'\n');
        let is_cached = matches!(line, Line::Finished(it) if it.outcome == Outcome::Cached);
        if is_cached && bytes.len() < WAITING {
            journal.waiting = bytes;
            return Ok(());
        }
        let written = journal.file.write_all(&bytes);
        written.map_err(failed("write", &path))
    }
}

/// Writes the header and marks the run as alive, in the directory that will become the run's.
pub(crate) fn prepare(path: &Path, header: &crate::record::entry::Header) -> Result<File, Error> {
    let alive = files::keep_alive(path).map_err(failed("lock", path))?;
    let file = path.join(files::HEADER);
    let bytes = serde_json::to_vec(header).map_err(|it| Error::new("write", &file, it.into()))?;
    fs::write(&file, bytes).map_err(failed("write", &file))?;
    Ok(alive)
}
