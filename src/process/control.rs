//! The stop switch that all running commands watch.

use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Stops everything that runs with it; clones are the same switch. It cannot be turned back.
#[derive(Clone, Debug)]
pub struct Control(Arc<Switches>);

#[derive(Debug)]
struct Switches {
    asked: Switch,
    killed: Switch,
}

impl Control {
    /// A switch that is off.
    pub fn new() -> io::Result<Self> {
        let (asked, killed) = (Switch::new()?, Switch::new()?);
        Ok(Self(Arc::new(Switches { asked, killed })))
    }

    /// Asks everything that runs to end; what does not is killed after its grace period. Nothing new starts.
    pub fn ask(&self) {
        self.0.asked.turn_on();
    }

    /// Kills everything that runs, at once.
    pub fn kill(&self) {
        self.0.killed.turn_on();
        self.0.asked.turn_on();
    }

    /// Whether [`Self::ask`] or [`Self::kill`] was called.
    pub fn is_asked(&self) -> bool {
        self.0.asked.is_on()
    }

    /// Whether [`Self::kill`] was called.
    pub fn is_killed(&self) -> bool {
        self.0.killed.is_on()
    }

    /// Readable from the moment of [`Self::ask`] on.
    pub fn asked(&self) -> BorrowedFd<'_> {
        self.0.asked.reader.as_fd()
    }

    /// Readable from the moment of [`Self::kill`] on.
    pub fn killed(&self) -> BorrowedFd<'_> {
        self.0.killed.reader.as_fd()
    }
}

/// A flag that can be waited for together with pipes and processes: a byte that nobody takes out of a pipe.
#[derive(Debug)]
struct Switch {
    on: AtomicBool,
    reader: PipeReader,
    writer: PipeWriter,
}

impl Switch {
    fn new() -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        let on = AtomicBool::new(false);
        Ok(Self { on, reader, writer })
    }

    fn turn_on(&self) {
        if !self.on.swap(true, Ordering::SeqCst) {
            // The pipe is empty and its other end is open as long as `self` lives: this write neither waits nor fails.
            let _ = (&self.writer).write_all(b"!");
        }
    }

    fn is_on(&self) -> bool {
        self.on.load(Ordering::SeqCst)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn killing_is_asking_too() {
        let control = Control::new().unwrap();
        assert!(!control.is_asked());
        let other = control.clone();
        other.kill();
        other.ask();
        assert!(control.is_asked() && control.is_killed());
    }
}
