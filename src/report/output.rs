//! Standard output and error as the rest of the house writes to them: a reader who leaves is no error, and is remembered.
//!
//! Nothing else writes to them, so here is where text is kept from being read as commands by the CI system that watches:
//! all of it passes a [`Guard`], save what [`Output::command`] is given.

use std::io::{self, Write};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};

use crate::report::ci::guard::Guard;

/// One of the two streams, or memory. Clones write to the same place.
#[derive(Clone, Debug)]
pub struct Output {
    inner: Arc<Mutex<Inner>>,
}

#[derive(Debug)]
struct Inner {
    sink: Sink,
    condition: Condition,
    guard: Guard,
}

#[derive(Debug)]
enum Sink {
    Stdout,
    Stderr,
    Memory(Vec<u8>),
    #[cfg(test)]
    Other(TestSink),
}

#[cfg(test)]
type TestSink = Box<dyn TestWrite>;

/// What tests write to.
#[cfg(test)]
pub trait TestWrite: Write + Send + std::fmt::Debug {}

/// What became of the writing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Condition {
    /// All is well.
    Open,
    /// The reader has left, as `head` does. What is written is dropped.
    Closed,
    /// Writing failed, for this reason. What is written is dropped.
    Failed(String),
}

impl Output {
    /// Standard output.
    pub fn stdout() -> Self {
        Self::new(Sink::Stdout)
    }

    /// Standard error.
    pub fn stderr() -> Self {
        Self::new(Sink::Stderr)
    }

    /// Keeps what is written.
    pub fn memory() -> Self {
        Self::new(Sink::Memory(Vec::new()))
    }

    /// The same, where a CI system reads what is written. What standard output writes to a file goes there as it is: it is
    /// an answer, and nobody reads commands there.
    pub fn guarded(self, guard: Guard) -> Self {
        let mut inner = self.lock();
        if !matches!(inner.sink, Sink::Stdout) || !inner.sink.is_file() {
            inner.guard = guard;
        }
        drop(inner);
        self
    }

    /// Whether a CI system may read what is written.
    pub fn is_read_by_ci(&self) -> bool {
        !self.lock().sink.is_file()
    }

    /// Writes `text`.
    pub fn write(&self, text: &str) {
        self.write_bytes(text.as_bytes());
    }

    /// Writes `bytes` at once, as they are but for what a CI system would read as its commands.
    pub fn write_bytes(&self, bytes: &[u8]) {
        let mut inner = self.lock();
        match inner.guard.is_idle() {
            true => inner.write(bytes),
            false => {
                let bytes = inner.guard.pass(bytes);
                inner.write(&bytes);
            }
        }
    }

    /// Writes a command for the CI system, on a line of its own. It is one line, and nothing from outside stands in it that
    /// its dialect did not escape.
    pub fn command(&self, command: &str) {
        let mut inner = self.lock();
        let start = if inner.guard.is_at_start() { "" } else { "\n" };
        inner.guard.pass(b"\n");
        inner.write(format!("{start}{command}\n").as_bytes());
    }

    /// What became of the writing so far.
    pub fn condition(&self) -> Condition {
        self.lock().condition.clone()
    }

    /// What was written to memory.
    pub fn contents(&self) -> String {
        match &self.lock().sink {
            Sink::Memory(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            _ => String::new(),
        }
    }

    /// Writes to `sink`.
    #[cfg(test)]
    pub fn to(sink: impl TestWrite + 'static) -> Self {
        Self::new(Sink::Other(Box::new(sink)))
    }

    fn new(sink: Sink) -> Self {
        let inner = Mutex::new(Inner {
            sink,
            condition: Condition::Open,
            guard: Guard::new([]),
        });
        Self {
            inner: Arc::new(inner),
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn write(&mut self, bytes: &[u8]) {
        if self.condition != Condition::Open || bytes.is_empty() {
            return;
        }
        if let Err(error) = self.sink.write(bytes) {
            self.condition = match error.kind() {
                io::ErrorKind::BrokenPipe => Condition::Closed,
                _ => Condition::Failed(error.to_string()),
            };
        }
    }
}

impl Sink {
    /// Whether it is an ordinary file.
    fn is_file(&self) -> bool {
        let is_file = |stat: rustix::io::Result<rustix::fs::Stat>| {
            let kind = stat.map(|it| rustix::fs::FileType::from_raw_mode(it.st_mode));
            kind == Ok(rustix::fs::FileType::RegularFile)
        };
        match self {
            Self::Stdout => is_file(rustix::fs::fstat(rustix::stdio::stdout())),
            Self::Stderr => is_file(rustix::fs::fstat(rustix::stdio::stderr())),
            Self::Memory(_) => false,
            #[cfg(test)]
            Self::Other(_) => false,
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => write_all(&rustix::stdio::stdout(), bytes),
            Self::Stderr => write_all(&rustix::stdio::stderr(), bytes),
            Self::Memory(memory) => memory.write_all(bytes),
            #[cfg(test)]
            Self::Other(sink) => sink.write_all(bytes),
        }
    }
}

/// Writes everything, also where somebody who shares the stream made it non-blocking.
fn write_all(stream: &impl std::os::fd::AsFd, mut bytes: &[u8]) -> io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(stream, bytes) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::AGAIN) => {
                let mut waiting = [PollFd::new(stream, PollFlags::OUT)];
                match poll(&mut waiting, None) {
                    Ok(_) | Err(rustix::io::Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn a_full_pipe_that_does_not_block_loses_nothing() {
        let (mut reader, writer) = io::pipe().unwrap();
        let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
        rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
        let text = vec![b'x'; 1 << 20];
        let reading = std::thread::spawn(move || {
            let mut all = Vec::new();
            reader.read_to_end(&mut all).unwrap();
            all.len()
        });
        write_all(&writer, &text).unwrap();
        drop(writer);
        assert_eq!(reading.join().unwrap(), text.len());
    }

    #[test]
    fn a_reader_who_left_is_known_by_its_error() {
        let (reader, writer) = io::pipe().unwrap();
        drop(reader);
        let error = write_all(&writer, b"x").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::BrokenPipe);
    }
}
