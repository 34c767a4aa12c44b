//! The pipe that a command writes to, and waiting for it together with other things.

use std::io::{self, PipeReader, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec};

/// As much as a pipe usually holds.
const CHUNK: usize = 64 * 1024;

/// The reading end, until everybody closed the other one.
#[derive(Debug)]
pub struct Output {
    pipe: Option<PipeReader>,
    buffer: Vec<u8>,
}

impl Output {
    /// Takes over the reading end. It no longer waits, which the writers do not notice: only this end is changed.
    pub fn new(pipe: PipeReader) -> io::Result<Self> {
        rustix::io::ioctl_fionbio(&pipe, true)?;
        Ok(Self {
            pipe: Some(pipe),
            buffer: vec![0; CHUNK],
        })
    }

    /// What to wait for, as long as there may be more.
    pub fn watched(&self) -> Option<BorrowedFd<'_>> {
        self.pipe.as_ref().map(AsFd::as_fd)
    }

    /// Hands on one chunk of what is there; how much it was.
    pub fn pass(&mut self, to: &mut dyn FnMut(&[u8])) -> usize {
        let Some(pipe) = &mut self.pipe else { return 0 };
        match pipe.read(&mut self.buffer) {
            Ok(0) => self.pipe = None,
            Ok(read) => {
                to(&self.buffer[..read]);
                return read;
            }
            Err(error) if is_passing(&error) => {}
            Err(_) => self.pipe = None,
        }
        0
    }

    /// Hands on what is there now and closes the pipe: who still holds the other end was given enough time. Somebody who
    /// floods it meanwhile is cut off.
    pub fn drain(mut self, to: &mut dyn FnMut(&[u8])) {
        let mut rest: usize = 1024 * 1024;
        while rest > 0 {
            match self.pass(to) {
                0 => break,
                read => rest = rest.saturating_sub(read),
            }
        }
    }
}

/// Waits until one of `watched` is readable or the moment has come; which ones are readable.
pub fn wait(watched: &[BorrowedFd<'_>], until: Option<Instant>) -> Vec<bool> {
    let mut polled: Vec<_> = watched
        .iter()
        .map(|it| PollFd::new(it, PollFlags::IN))
        .collect();
    let timeout = until.map(|it| it.saturating_duration_since(now()));
    let timeout = timeout.and_then(|it| Timespec::try_from(it).ok());
    // A signal that comes in between looks like nothing happened: the caller looks at the clock and comes back.
    let _ = rustix::event::poll(&mut polled, timeout.as_ref());
    polled.iter().map(|it| !it.revents().is_empty()).collect()
}

/// The clock that deadlines are measured by.
#[expect(
    clippy::disallowed_methods,
    reason = "timeouts and grace periods are kept here"
)]
fn now() -> Instant {
    Instant::now()
}

/// The moment that is `duration` from now. Some patience has no end that the clock could show.
pub fn after(duration: Duration) -> Instant {
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    now() + duration.min(year)
}

/// Whether the moment, if there is one, has come.
pub fn has_come(until: Option<Instant>) -> bool {
    until.is_some_and(|it| it <= now())
}

fn is_passing(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::WouldBlock | io::ErrorKind::Interrupted
    )
}
