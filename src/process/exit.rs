//! Noticing that a child is over, in a way that can be waited for together with pipes.

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::thread;

use rustix::process::{Pid, WaitId, WaitIdOptions};

/// Readable as soon as the child is over. It does not reap.
#[derive(Debug)]
pub struct ExitWatch(OwnedFd);

impl ExitWatch {
    /// Watches the child `pid`, which must not have been reaped.
    pub fn new(pid: i32) -> io::Result<Self> {
        let pid = Pid::from_raw(pid).ok_or(io::ErrorKind::InvalidInput)?;
        match handle(pid) {
            Some(handle) => Ok(Self(handle)),
            None => Self::by_thread(pid),
        }
    }

    /// A thread that waits, for systems without process handles: its end of a pipe closes when the child is over.
    fn by_thread(pid: Pid) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        thread::Builder::new().name("wait".into()).spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while let Err(rustix::io::Errno::INTR) =
                rustix::process::waitid(WaitId::Pid(pid), options)
            {}
            drop(writer);
        })?;
        Ok(Self(reader.into()))
    }
}

impl AsFd for ExitWatch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(target_os = "linux")]
fn handle(pid: Pid) -> Option<OwnedFd> {
    rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()).ok()
}

#[cfg(not(target_os = "linux"))]
fn handle(_: Pid) -> Option<OwnedFd> {
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::output::wait;

    #[test]
    #[expect(clippy::disallowed_methods, reason = "a child to watch")]
    fn a_thread_notices_the_end_and_does_not_reap() {
        let handle = duct::cmd!("sh", "-c", "read line; exit 3")
            .stdin_bytes("x\n")
            .unchecked()
            .start()
            .unwrap();
        let pid = handle.pids()[0] as i32;
        let watch = ExitWatch::by_thread(Pid::from_raw(pid).unwrap()).unwrap();
        assert_eq!(wait(&[watch.as_fd()], None), [true]);
        assert_eq!(handle.wait().unwrap().status.code(), Some(3));
    }
}
