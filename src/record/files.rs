//! Names and layout of the files, and reading those that others may have damaged.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::model::name::TaskId;
use crate::record::entry::{Header, Line};

pub const RUNS: &str = "runs";
pub const STATE: &str = "state";
pub const LOCK: &str = "lock";
pub const HEADER: &str = "run.json";
pub const JOURNAL: &str = "journal";
pub const ALIVE: &str = "alive";
/// How names begin of what is not complete yet.
pub const MAKING: &str = ".new-";

/// The log of a task. Names of services and tasks hold neither `.` nor anything that a file system minds, and no letters in
/// upper case, so two tasks never share one.
pub fn log_name(id: &TaskId) -> String {
    format!("{}.{}.log", id.service, id.task)
}

/// The names of all runs below `directory`, newest first.
pub fn run_names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory.join(RUNS)).into_iter().flatten();
    let names = entries
        .flatten()
        .filter_map(|it| it.file_name().into_string().ok());
    let mut names: Vec<_> = names.filter(|it| is_run_name(it)).collect();
    names.sort_unstable_by(|a, b| b.cmp(a));
    names
}

/// Whether a directory may be one of ours: others are left alone.
pub fn is_run_name(name: &str) -> bool {
    let parts: Vec<&str> = name.split('-').collect();
    let [day, clock, rest] = parts[..] else {
        return false;
    };
    let is_number = |it: &str| it.bytes().all(|byte| byte.is_ascii_digit());
    let is_plain = |byte: u8| byte.is_ascii_digit() || byte.is_ascii_lowercase();
    (day.len(), clock.len(), rest.len()) == (8, 6, 4)
        && is_number(day)
        && is_number(clock)
        && rest.bytes().all(is_plain)
}

/// The header of a run, if it can be read.
pub fn read_header(run: &Path) -> Option<Header> {
    serde_json::from_slice(&fs::read(run.join(HEADER)).ok()?).ok()
}

/// The lines of a journal. Torn and foreign ones are left out: the last one may be, after a kill.
pub fn read_journal(run: &Path) -> Vec<Line> {
    let bytes = fs::read(run.join(JOURNAL)).unwrap_or_default();
    let lines = bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .filter_map(|line| serde_json::from_slice(line).ok())
        .collect()
}

/// Whether the `svc` that does the run lives. When that cannot be told, it does: nothing is taken from it. A run that came
/// to its end has no such file.
pub fn is_alive(run: &Path) -> bool {
    match File::open(run.join(ALIVE)) {
        Ok(file) => file.try_lock_shared().is_err(),
        Err(error) => error.kind() != io::ErrorKind::NotFound,
    }
}

/// Whether the run began and its `svc` was killed.
pub fn is_lost(run: &Path) -> bool {
    run.join(ALIVE).exists() && !is_alive(run)
}

/// Marks the run as alive for as long as the file is open. Some file systems cannot; then it never counts as killed.
pub fn keep_alive(run: &Path) -> io::Result<File> {
    let file = File::create(run.join(ALIVE))?;
    match file.try_lock() {
        Ok(()) | Err(TryLockError::Error(_)) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::AlreadyExists.into()),
    }
}

/// Puts `bytes` at `path` so that others see the old file or the new one, nothing in between.
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    let mut file = tempfile::Builder::new()
        .prefix(MAKING)
        .tempfile_in(directory)?;
    file.write_all(bytes)?;
    file.persist(path)?;
    Ok(())
}

/// Directories of runs that never got their name, because their `svc` was killed while it made them.
pub fn abandoned(directory: &Path) -> Vec<PathBuf> {
    let is_old = |path: &Path| {
        let age = path.metadata().and_then(|it| it.modified()).ok();
        age.and_then(|it| it.elapsed().ok())
            .is_some_and(|it| it > Duration::from_secs(3600))
    };
    let entries = fs::read_dir(directory.join(RUNS))
        .into_iter()
        .flatten()
        .flatten();
    entries
        .filter(|it| it.file_name().as_bytes().starts_with(MAKING.as_bytes()))
        .map(|it| it.path())
        .filter(|it| is_old(it) && !is_alive(it))
        .collect()
}

/// Where the run `name` lies.
pub fn run_path(directory: &Path, name: &str) -> PathBuf {
    directory.join(RUNS).join(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_names_are_runs() {
        let check = |name: &str, expected| assert_eq!(is_run_name(name), expected, "{name}");
        check("20261123-141502-1m9k", true);
        check("20261123-141502-1m9", false);
        check("20261123-141502-1m9k-x", false);
        check("20261123-14150x-1m9k", false);
        check("20261123-141502-1M9k", false);
        check(".new-abc", false);
        check("", false);
    }
}
