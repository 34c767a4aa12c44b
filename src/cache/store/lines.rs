//! Small files of lines, each written with one call at the end of the file: which results were kept for a task, and which
//! conflicts were seen.
//!
//! A line that a full disk cut short is passed over. Nothing that decides about a hit depends on these files, so when they
//! cannot be written, nobody is told.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::cache::store::clock;
use crate::cache::store::place::{Place, Shelf, open};
use crate::model::digest::Digest;
use crate::model::name::TaskId;

/// When a file gets longer than this, only its end is kept.
const LONG: u64 = 16 << 10;

/// So much of the end is kept.
const END: u64 = 4 << 10;

const CONFLICTS: &str = "conflicts";

/// Two results of one key that differed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    pub task: TaskId,
    /// When it was seen, in milliseconds since 1970.
    pub at: u64,
}

/// Adds a line. It begins on a new line whatever lies before it.
pub fn append(place: &Place, path: &Path, line: &str) -> io::Result<u64> {
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let open = || {
        OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(flags.bits().cast_signed())
            .open(path)
    };
    let mut file = match open() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            place.make_parent(path)?;
            open()
        }
        other => other,
    }?;
    file.write_all(format!("\n{line}\n").as_bytes())?;
    Ok(file.metadata()?.len())
}

/// The lines at the end of a file, of at most so many bytes.
pub fn last(path: &Path, bytes: u64) -> Vec<String> {
    let read = || -> io::Result<Vec<u8>> {
        let (mut file, metadata): (File, _) = open(path)?;
        let mut end = Vec::new();
        file.seek(SeekFrom::Start(metadata.len().saturating_sub(bytes)))?;
        file.take(bytes).read_to_end(&mut end)?;
        Ok(end)
    };
    let end = read().unwrap_or_default();
    let lines = end.split(|byte| *byte == b'\n').filter(|it| !it.is_empty());
    lines
        .map(|line| String::from_utf8_lossy(line).into_owned())
        .collect()
}

/// Puts these lines in the place of the file.
pub fn replace(place: &Place, path: &Path, lines: &[String]) {
    let Ok(mut file) = place.temporary() else {
        return;
    };
    let text: String = lines.iter().map(|line| format!("\n{line}\n")).collect();
    if file.write_all(text.as_bytes()).is_ok() {
        let _ = place.put(file, path);
    }
}

/// Notes that a result was kept for a task.
pub fn add_kept(place: &Place, task: &Digest, key: &Digest) {
    let path = place.path(Shelf::Tasks, task.as_str());
    let length = append(place, &path, key.as_str());
    if length.is_ok_and(|it| it > LONG) {
        replace(place, &path, &last(&path, END));
    }
}

/// The keys of the last results that were kept for a task, newest first, each once.
pub fn kept(path: &Path) -> Vec<Digest> {
    let mut keys = Vec::new();
    for line in last(path, LONG).iter().rev() {
        match Digest::parse(line) {
            Some(key) if !keys.contains(&key) => keys.push(key),
            _ => {}
        }
    }
    keys
}

/// Notes a conflict.
pub fn add_conflict(place: &Place, task: &TaskId) {
    let path = place.file(CONFLICTS);
    let now = clock::milliseconds(clock::now());
    let length = append(place, &path, &format!("{now} {task}"));
    if length.is_ok_and(|it| it > LONG) {
        let (count, last) = conflicts(place);
        let shown = last.iter().map(|it| format!("{} {}", it.at, it.task));
        let dropped = count.saturating_sub(last.len() as u64);
        let lines: Vec<String> = std::iter::once(format!("={dropped}"))
            .chain(shown)
            .collect();
        replace(place, &path, &lines);
    }
}

/// How many conflicts there were, and the last of them, oldest first.
pub fn conflicts(place: &Place) -> (u64, Vec<Conflict>) {
    let mut count: u64 = 0;
    let mut found = Vec::new();
    for line in last(&place.file(CONFLICTS), 2 * LONG) {
        if let Some(dropped) = line.strip_prefix('=') {
            count = count.saturating_add(dropped.parse().unwrap_or(0));
        } else if let Some((at, task)) = line.split_once(' ')
            && let (Ok(at), Some(task)) = (at.parse(), TaskId::parse(task))
        {
            count = count.saturating_add(1);
            found.push(Conflict { task, at });
        }
    }
    let old = found.len().saturating_sub(SHOWN);
    (count, found.split_off(old))
}

/// So many conflicts are told one by one.
const SHOWN: usize = 20;

/// Forgets all conflicts.
pub fn forget_conflicts(place: &Place) {
    let path: PathBuf = place.file(CONFLICTS);
    let _ = fs::remove_file(path);
}
