//! All runs of a worktree.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use crate::model::name::TaskId;
use crate::record::entry::{End, Header, Line, RunId, TaskRecord};
use crate::record::error::{Error, failed};
use crate::record::files;
use crate::record::history::{self, History};
use crate::record::run::{Run, prepare};
use crate::record::time::{Moment, name_of, now};

/// How many runs are kept of those that a person or a machine asked for, and how many of those of hooks of git: a day of
/// commits is not to push out the run that somebody wants to see.
const KEPT: usize = 20;

/// The records below one directory. Reading makes nothing there.
#[derive(Debug)]
pub struct Records {
    directory: PathBuf,
    /// The latest moment that was read.
    newest: AtomicU64,
}

/// A run of the past, or one of another `svc` that is still going on.
#[derive(Clone, Debug, PartialEq)]
pub struct Past {
    pub id: RunId,
    pub path: PathBuf,
    pub header: Header,
    pub standing: Standing,
    /// The results, in the order in which they came.
    pub tasks: Vec<TaskRecord>,
}

/// Where a run stands.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    Running,
    Ended(End),
    /// Its `svc` was killed.
    Lost,
}

/// Processes of a run whose `svc` was killed. Whether they live is for others to find out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Orphans {
    pub run: RunId,
    /// Number and start time of each process that was started and not seen to end.
    pub processes: Vec<(u32, u64)>,
}

impl Records {
    /// The records below `directory`, which need not exist.
    pub fn open(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
            newest: AtomicU64::new(0),
        }
    }

    /// Begins a run: its record can be written to from now on. Older runs than the last few are removed.
    pub fn begin(&self, header: Header) -> Result<Run, Error> {
        let runs = self.directory.join(files::RUNS);
        fs::create_dir_all(&runs).map_err(failed("create", &runs))?;
        let newest = Moment(self.newest.load(Ordering::Relaxed));
        let started = now().max(newest);
        let header = Header { started, ..header };
        // It gets its name when it is complete: nobody takes a run that is just being made for one that was lost.
        let made = tempfile::Builder::new()
            .prefix(files::MAKING)
            // What commands write is for nobody else to read.
            .permissions(Permissions::from_mode(0o700))
            .tempdir_in(&runs);
        let made = made.map_err(failed("create", &runs))?;
        let alive = prepare(made.path(), &header)?;
        let id = give_name(&runs, made.path(), started)?;
        let _ = made.keep();
        let run = Run::open(&self.directory, id, alive, newest)?;
        self.remove_old();
        Ok(run)
    }

    /// The last result of each task.
    pub fn history(&self) -> History {
        let history = history::read(&self.directory);
        self.newest.fetch_max(history.newest().0, Ordering::Relaxed);
        history
    }

    /// All runs, newest first. Each is read when it is asked for.
    pub fn runs(&self) -> impl Iterator<Item = Past> {
        let names = files::run_names(&self.directory).into_iter();
        names.filter_map(|name| self.run(&name))
    }

    /// The run named `id`.
    pub fn run(&self, id: &str) -> Option<Past> {
        if !files::is_run_name(id) {
            return None;
        }
        let path = files::run_path(&self.directory, id);
        let is_alive = files::is_alive(&path);
        let header = files::read_header(&path)?;
        let mut standing = if is_alive {
            Standing::Running
        } else {
            Standing::Lost
        };
        let mut tasks = Vec::new();
        for line in files::read_journal(&path) {
            match line {
                Line::Finished(record) => tasks.push(TaskRecord {
                    run: id.to_owned(),
                    ..record
                }),
                Line::Ended(end) => standing = Standing::Ended(end),
                Line::Begun(_) | Line::Started(_) | Line::Interrupted(_) => {}
            }
        }
        let id = id.to_owned();
        Some(Past {
            id,
            path,
            header,
            standing,
            tasks,
        })
    }

    /// The log of a task in a run, if it is there.
    pub fn log(&self, run: &str, task: &TaskId) -> Option<PathBuf> {
        let path = files::run_path(&self.directory, run).join(files::log_name(task));
        (files::is_run_name(run) && path.is_file()).then_some(path)
    }

    /// What runs whose `svc` was killed had started and not seen to end.
    pub fn orphans(&self) -> Vec<Orphans> {
        let names = files::run_names(&self.directory).into_iter();
        names.filter_map(|name| self.orphans_of(name)).collect()
    }

    fn orphans_of(&self, run: RunId) -> Option<Orphans> {
        let path = files::run_path(&self.directory, &run);
        if !files::is_lost(&path) {
            return None;
        }
        let mut open = Vec::new();
        for line in files::read_journal(&path) {
            match line {
                Line::Started(start) => open.push(start),
                Line::Finished(record) => open.retain(|it| it.id != record.id),
                Line::Ended(_) => return None,
                Line::Begun(_) | Line::Interrupted(_) => {}
            }
        }
        let processes = open.iter().filter_map(|it| Some((it.pid, it.start_time?)));
        let processes = processes.collect();
        Some(Orphans { run, processes })
    }

    /// Removes old runs, once the history has them. What cannot be removed is tried again the next time.
    fn remove_old(&self) {
        let old = old(&self.directory).into_iter();
        for path in files::abandoned(&self.directory) {
            let _ = fs::remove_dir_all(path);
        }
        let old: Vec<PathBuf> = old.filter(|it| !files::is_alive(it)).collect();
        if old.is_empty() || history::fold(&self.directory, None).is_err() {
            return;
        }
        for path in old {
            let _ = fs::remove_dir_all(path);
        }
    }
}

/// The runs that came before the last few of their kind.
fn old(directory: &Path) -> Vec<PathBuf> {
    let names = files::run_names(directory);
    if names.len() <= KEPT {
        return Vec::new();
    }
    let mut counts = [0, 0];
    let mut is_old = |path: &PathBuf| {
        let is_of_hook = files::read_header(path).is_some_and(|it| it.hook.is_some());
        let count = &mut counts[usize::from(is_of_hook)];
        *count += 1;
        *count > KEPT
    };
    let paths = names.iter().map(|it| files::run_path(directory, it));
    paths.filter(|it| is_old(it)).collect()
}

/// Renames `made` to the name of a run that began then.
fn give_name(runs: &Path, made: &Path, started: Moment) -> Result<RunId, Error> {
    loop {
        let id = name_of(started);
        match fs::rename(made, runs.join(&id)) {
            Ok(()) => return Ok(id),
            Err(error) if is_taken(&error) => {}
            Err(error) => return Err(Error::new("create", &runs.join(id), error)),
        }
    }
}

fn is_taken(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{AlreadyExists, DirectoryNotEmpty};
    matches!(error.kind(), AlreadyExists | DirectoryNotEmpty)
}
