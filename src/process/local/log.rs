//! The log of a service: never larger than two files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// A file that is larger is put aside, in place of the one that was put aside before.
const LIMIT: u64 = 10_000_000;

/// A line that is longer may be torn.
const LONGEST_LINE: u64 = 1_000_000;

/// The log that is written.
#[derive(Debug)]
pub struct Log {
    path: PathBuf,
    limit: u64,
    file: Option<File>,
    size: u64,
    is_in_line: bool,
}

impl Log {
    /// Goes on with the log at `path`.
    pub fn open(path: &Path) -> io::Result<Self> {
        Self::with_limit(path, LIMIT)
    }

    fn with_limit(path: &Path, limit: u64) -> io::Result<Self> {
        let file = append_to(path)?;
        let size = file.metadata()?.len();
        Ok(Self {
            path: path.to_owned(),
            limit,
            file: Some(file),
            size,
            is_in_line: false,
        })
    }

    /// What the service wrote. A disk that is full costs lines of the log, and not the service.
    pub fn write(&mut self, mut bytes: &[u8]) {
        while self.size.saturating_add(bytes.len() as u64) > self.limit {
            let room = self.limit.saturating_sub(self.size).min(bytes.len() as u64) as usize;
            // The line that stands at the limit is still written.
            let end = bytes[room..].iter().position(|it| *it == b'\n');
            match end.map(|it| room + it + 1) {
                Some(end) => {
                    self.append(&bytes[..end]);
                    bytes = &bytes[end..];
                }
                None if self.size > self.limit.saturating_add(LONGEST_LINE) => {}
                None => break,
            }
            self.rotate();
        }
        self.append(bytes);
    }

    /// A line of the supervisor.
    pub fn say(&mut self, line: &str) {
        let start = if self.is_in_line { "\n" } else { "" };
        self.write(format!("{start}svc: {line}\n").as_bytes());
    }

    fn append(&mut self, bytes: &[u8]) {
        let Some(last) = bytes.last() else { return };
        self.is_in_line = *last != b'\n';
        self.size = self.size.saturating_add(bytes.len() as u64);
        if let Some(file) = &mut self.file {
            let _ = file.write_all(bytes);
        }
    }

    fn rotate(&mut self) {
        let mut old = self.path.clone().into_os_string();
        old.push(".1");
        let _ = fs::rename(&self.path, old);
        self.file = append_to(&self.path).ok();
        self.size = 0;
    }
}

/// Opens the file at `path`, and no other that a link names.
pub fn append_to(path: &Path) -> io::Result<File> {
    use std::os::unix::fs::OpenOptionsExt;
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut options = OpenOptions::new();
    options.create(true).append(true);
    options.custom_flags(flags.bits() as i32).open(path)
}

/// The last words of the log.
pub fn tail(path: &Path, most: u64) -> String {
    use std::io::{Read, Seek, SeekFrom};
    let read = || -> io::Result<Vec<u8>> {
        let mut file = File::open(path)?;
        let size = file.metadata()?.len();
        file.seek(SeekFrom::Start(size.saturating_sub(most)))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    String::from_utf8_lossy(&read().unwrap_or_default()).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_old_file_is_kept_and_lines_stay_whole() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("log");
        let mut log = Log::with_limit(&path, 100).unwrap();
        for number in 0..100 {
            log.write(format!("line {number}\n").as_bytes());
        }
        log.say("done");
        let old = fs::read_to_string(place.path().join("log.1")).unwrap();
        let new = fs::read_to_string(&path).unwrap();
        let all: Vec<_> = old.lines().chain(new.lines()).collect();
        let first: u32 = all[0].strip_prefix("line ").unwrap().parse().unwrap();
        let expected: Vec<_> = (first..100).map(|it| format!("line {it}")).collect();
        assert_eq!(all[..all.len() - 1], expected);
        assert_eq!(all.last(), Some(&"svc: done"));
        assert!(old.len() <= 110 && new.len() <= 110, "{old}{new}");
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 2);
    }

    #[test]
    fn a_line_without_end_is_torn() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("log");
        let mut log = Log::with_limit(&path, 100).unwrap();
        for _ in 0..40 {
            log.write(&vec![b'x'; 64 * 1024]);
        }
        assert!(path.metadata().unwrap().len() < LONGEST_LINE + 200_000);
        log.say("done");
        assert!(tail(&path, 10).ends_with("svc: done\n"));
    }

    #[test]
    fn a_link_is_not_followed() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("log");
        std::os::unix::fs::symlink(place.path().join("other"), &path).unwrap();
        assert!(Log::open(&path).is_err());
    }
}
