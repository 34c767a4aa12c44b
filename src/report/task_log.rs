//! The output of a task while it runs: shown at once, or kept until the task ends.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use crate::report::lines::{Keep, LINE_LIMIT, Lines};
use crate::report::words;

/// Takes each line that is ready, cleaned, without its end.
pub type EachLine<'a> = &'a mut dyn FnMut(&[u8]);

/// Lines of several tasks that are passed on as soon as they are whole.
#[derive(Debug)]
pub struct Streams {
    keep: Keep,
    lines: HashMap<usize, Lines>,
}

impl Streams {
    /// No task has written yet.
    pub fn new(keep: Keep) -> Self {
        let lines = HashMap::new();
        Self { keep, lines }
    }

    /// Takes what a task wrote.
    pub fn feed(&mut self, task: usize, bytes: &[u8], each: EachLine) {
        let keep = self.keep;
        let new = || Lines::new(keep, LINE_LIMIT);
        self.lines.entry(task).or_insert_with(new).feed(bytes, each);
    }

    /// The task ended: completes its last line.
    pub fn finish(&mut self, task: usize, each: EachLine) {
        if let Some(mut lines) = self.lines.remove(&task) {
            lines.finish(each);
        }
    }
}

/// What tasks wrote, kept until they end. Of what exceeds the limit, only the end is kept in memory.
#[derive(Debug)]
pub struct Kept {
    keep: Keep,
    limit: usize,
    logs: HashMap<usize, Log>,
}

#[derive(Debug, Default)]
struct Log {
    bytes: Vec<u8>,
    written: u64,
}

/// How much of a task's output is kept in memory.
pub const MEMORY_LIMIT: usize = 256 * 1024;

impl Kept {
    /// Nothing is kept yet; at most `limit` bytes of each running task will be.
    pub fn new(keep: Keep, limit: usize) -> Self {
        let logs = HashMap::new();
        Self { keep, limit, logs }
    }

    /// Takes what a task wrote.
    pub fn feed(&mut self, task: usize, bytes: &[u8]) {
        let log = self.logs.entry(task).or_default();
        log.written += bytes.len() as u64;
        if bytes.len() >= self.limit {
            log.bytes.clear();
        }
        let bytes = &bytes[bytes.len().saturating_sub(self.limit)..];
        if log.bytes.len() + bytes.len() > 2 * self.limit {
            let surplus = (log.bytes.len() + bytes.len() - self.limit).min(log.bytes.len());
            log.bytes.drain(..surplus);
        }
        log.bytes.extend_from_slice(bytes);
    }

    /// Whether the task wrote anything.
    pub fn has(&self, task: usize) -> bool {
        self.logs.contains_key(&task)
    }

    /// How many bytes the task wrote so far.
    pub fn written(&self, task: usize) -> u64 {
        self.logs.get(&task).map_or(0, |it| it.written)
    }

    /// The task ended and nobody wants to see what it wrote.
    pub fn drop(&mut self, task: usize) {
        self.logs.remove(&task);
    }

    /// The task ended: gives all that it wrote, from its log file if memory does not hold it; without that, the end of it.
    pub fn finish(&mut self, task: usize, file: Option<&Path>, each: EachLine) {
        let Some(log) = self.logs.remove(&task) else {
            return;
        };
        let held = log.bytes.len() as u64;
        let file = file.filter(|_| log.written > held);
        let whole = file.and_then(|path| open_whole(path, log.written));
        let mut lines = Lines::new(self.keep, LINE_LIMIT);
        match whole {
            Some(file) => show_file(file, &mut lines, each),
            None => {
                let missing = log.written - held;
                if missing > 0 {
                    each(format!("[{} before this not shown]", words::bytes(missing)).as_bytes());
                }
                lines.feed(&log.bytes, each);
            }
        }
        lines.finish(each);
    }
}

/// The file, if it holds as much as the task wrote.
fn open_whole(path: &Path, written: u64) -> Option<File> {
    let file = File::open(path).ok()?;
    let length = file.metadata().ok()?.len();
    (length >= written).then_some(file)
}

/// Reads on until the end, or until that fails: then the file's own reader will hear of it.
pub fn show_file(mut file: impl Read, lines: &mut Lines, each: EachLine) {
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return,
            Ok(length) => lines.feed(&buffer[..length], each),
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => {
                lines.finish(each);
                return each(format!("[the rest cannot be read: {error}]").as_bytes());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finish(kept: &mut Kept, file: Option<&Path>) -> Vec<String> {
        let mut seen = Vec::new();
        kept.finish(0, file, &mut |line| {
            seen.push(String::from_utf8_lossy(line).into_owned());
        });
        seen
    }

    #[test]
    fn a_long_log_is_read_back_from_its_file() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        let text: String = (0..1000).map(|at| format!("line {at}\n")).collect();
        std::fs::write(&path, &text).unwrap();
        let mut kept = Kept::new(Keep::Text, 100);
        for chunk in text.as_bytes().chunks(7) {
            kept.feed(0, chunk);
            assert!(kept.logs[&0].bytes.len() <= 200);
        }
        assert_eq!(finish(&mut kept, Some(&path)).len(), 1000);
        assert!(!kept.has(0));
    }

    #[test]
    fn without_its_file_the_end_of_a_long_log_is_shown() {
        let mut kept = Kept::new(Keep::Text, 8);
        kept.feed(0, &[b'x'; 1000]);
        kept.feed(0, b"\nthe\nend\n");
        let missing = Path::new("/nowhere/log");
        let seen = finish(&mut kept, Some(missing)).join("/");
        assert_eq!(seen, "[1001 bytes before this not shown]/the/end");
        assert!(finish(&mut kept, None).is_empty());
    }

    #[test]
    fn a_truncated_file_is_not_taken_for_the_log() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("log");
        std::fs::write(&path, "start of it\n").unwrap();
        let mut kept = Kept::new(Keep::Text, 8);
        kept.feed(0, &[b'x'; 1000]);
        kept.feed(0, b"\nfull\n");
        let seen = finish(&mut kept, Some(&path));
        assert_eq!(seen.last().unwrap(), "full");
    }
}
