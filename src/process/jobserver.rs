//! Sharing the machine with make, cargo and their like, by the protocol of GNU make: a pipe holds a byte for each job that
//! may still start, and whoever starts one takes a byte out and puts it back later.
//!
//! The crate `jobserver` speaks it too, but waits in a way that cannot be given up, and makes descriptors inheritable in a
//! hook in each child, which forces a fork where `posix_spawn` would do.

use std::ffi::OsString;
use std::io::{self, PipeReader, PipeWriter, Write};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustix::fs::{FileType, Mode, OFlags};

use crate::process::control::Control;
use crate::process::output::wait;

/// The variables that may name a jobserver above us, the most telling first.
const VARIABLES: [&str; 3] = ["CARGO_MAKEFLAGS", "MAKEFLAGS", "MFLAGS"];

/// The options that name it, in new and old tools.
const OPTIONS: [&str; 2] = ["--jobserver-auth=", "--jobserver-fds="];

/// The jobs of this machine, as far as `svc` and what it starts may use them. Clones are the same one.
#[derive(Clone, Debug)]
pub struct Jobserver(Arc<Shared>);

/// Leave to run one task, given back when dropped.
#[derive(Debug)]
pub struct Slot(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    /// The job that everybody who may run at all has without asking: a byte lies here while nothing runs.
    own: (PipeReader, PipeWriter),
    /// The pipe that all share. The descriptions are ours alone, so that not waiting for it disturbs nobody.
    tokens: (OwnedFd, OwnedFd),
    /// The bytes that were taken out, one for each task that runs beyond the first.
    taken: Mutex<Vec<u8>>,
    /// Whether nobody is left who could put bytes into the pipe.
    is_gone: AtomicBool,
    /// As children are told: `R,W` or `fifo:PATH`.
    name: String,
    made: Option<Made>,
}

/// A jobserver of our own.
#[derive(Debug)]
struct Made {
    tokens: usize,
    /// The descriptors that children inherit.
    _inherited: (OwnedFd, OwnedFd),
}

impl Jobserver {
    /// A jobserver for `jobs` jobs at once.
    pub fn new(jobs: usize) -> io::Result<Self> {
        let (reader, writer) = io::pipe()?;
        // Copies without the mark that closes them in children.
        let inherited = (rustix::io::dup(&reader)?, rustix::io::dup(&writer)?);
        let name = format!("{},{}", inherited.0.as_raw_fd(), inherited.1.as_raw_fd());
        // A pipe holds 4,096 at least; nobody has more processors than that to share.
        let tokens = jobs.saturating_sub(1).min(4096);
        let made = Made {
            tokens,
            _inherited: inherited,
        };
        let server = Self::open(name, Some(made))?;
        server.0.fill_up();
        Ok(server)
    }

    /// The jobserver of a make above, if `variable` names one and it can be used. A make tells of it also where it does not
    /// hand it on; then there are no such pipes.
    pub fn inherited<'a>(variable: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let words = VARIABLES
            .iter()
            .filter_map(|it| variable(it))
            .flat_map(str::split_whitespace);
        let names = words.filter_map(|word| OPTIONS.iter().find_map(|it| word.strip_prefix(it)));
        names
            .last()
            .and_then(|name| Self::open(name.to_owned(), None).ok())
    }

    fn open(name: String, made: Option<Made>) -> io::Result<Self> {
        let own = io::pipe()?;
        rustix::io::ioctl_fionbio(&own.0, true)?;
        (&own.1).write_all(b"+")?;
        let tokens = open_tokens(&name)?;
        let taken = Mutex::default();
        Ok(Self(Arc::new(Shared {
            own,
            tokens,
            taken,
            is_gone: AtomicBool::new(false),
            name,
            made,
        })))
    }

    /// The variables by which children find it. A make takes jobs only where its user asked for it: with a make above that
    /// was told `-j`, or by `MAKEFLAGS="$CARGO_MAKEFLAGS" make` in a command. Many a makefile is right only in order, and
    /// cargo treats those below it the same way.
    pub fn variables(&self) -> Vec<(OsString, OsString)> {
        let name = &self.0.name;
        let flags = format!("-j --jobserver-fds={name} --jobserver-auth={name}");
        let names: &[&str] = match self.0.made {
            Some(_) => &["CARGO_MAKEFLAGS"],
            None => &["CARGO_MAKEFLAGS", "MAKEFLAGS"],
        };
        let variable = |it: &&str| (it.into(), flags.clone().into());
        names.iter().map(variable).collect()
    }

    /// Waits until one more task may run; nothing if the end is requested first. When a make above is gone, tasks run one
    /// after the other.
    pub fn acquire(&self, control: &Control) -> Option<Slot> {
        loop {
            if control.is_asked() {
                return None;
            }
            if let Some(slot) = self.try_acquire() {
                return Some(slot);
            }
            let mut watched = vec![self.0.own.0.as_fd(), control.asked()];
            if !self.0.is_gone.load(Ordering::Relaxed) {
                watched.push(self.0.tokens.0.as_fd());
            }
            wait(&watched, None);
        }
    }

    /// A slot, if one is free now.
    pub fn try_acquire(&self) -> Option<Slot> {
        let shared = &self.0;
        let mut taken = shared.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if take_byte(shared.own.0.as_fd()).ok().flatten().is_none() {
            match take_byte(shared.tokens.0.as_fd()) {
                Ok(byte) => taken.push(byte?),
                Err(_) => {
                    shared.is_gone.store(true, Ordering::Relaxed);
                    return None;
                }
            }
        }
        Some(Slot(shared.clone()))
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.0.taken.lock().unwrap_or_else(PoisonError::into_inner);
        // Any task may give back any byte: what counts is how many are out. If a pipe does not take it, the slot is lost
        // until nothing runs, and then made up for.
        match taken.pop() {
            Some(byte) => drop(rustix::io::write(&self.0.tokens.1, &[byte])),
            None => {
                self.0.fill_up();
                let _ = (&self.0.own.1).write_all(b"+");
            }
        }
    }
}

impl Shared {
    /// Makes up for what was lost with killed children. Only while nothing runs: otherwise children may hold some.
    fn fill_up(&self) {
        let Some(made) = &self.made else { return };
        let there = rustix::io::ioctl_fionread(&self.tokens.0).unwrap_or(u64::MAX);
        let missing = made
            .tokens
            .saturating_sub(there.try_into().unwrap_or(usize::MAX));
        let _ = rustix::io::write(&self.tokens.1, &vec![b'+'; missing]);
    }
}

/// Opens the pipe that `name` names anew. On Linux that gives descriptions of our own, so that not waiting concerns only us;
/// elsewhere a wait may last until a byte is there, if somebody else was faster.
fn open_tokens(name: &str) -> io::Result<(OwnedFd, OwnedFd)> {
    let (reader, writer) = match name.strip_prefix("fifo:") {
        Some(path) => (path.to_owned(), path.to_owned()),
        None => {
            let numbers = name.split_once(',').ok_or(io::ErrorKind::InvalidInput)?;
            let path = |text: &str| text.parse::<u16>().map(|it| format!("/dev/fd/{it}"));
            let invalid = |_| io::Error::from(io::ErrorKind::InvalidInput);
            (
                path(numbers.0).map_err(invalid)?,
                path(numbers.1).map_err(invalid)?,
            )
        }
    };
    let open = |path: &str, access| -> io::Result<OwnedFd> {
        let flags = access | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(Path::new(path), flags, Mode::empty())?;
        let kind = FileType::from_raw_mode(rustix::fs::fstat(&file)?.st_mode);
        match kind {
            FileType::Fifo => Ok(file),
            _ => Err(io::ErrorKind::InvalidInput.into()),
        }
    };
    // The reading end first: a named pipe without readers does not open for writing.
    let reader = open(&reader, OFlags::RDONLY)?;
    Ok((reader, open(&writer, OFlags::WRONLY)?))
}

/// A byte from the pipe, if there is one now.
fn take_byte(pipe: BorrowedFd<'_>) -> io::Result<Option<u8>> {
    let mut byte = [0];
    loop {
        return match rustix::io::read(pipe, &mut byte) {
            Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(Some(byte[0])),
            Err(rustix::io::Errno::AGAIN) => Ok(None),
            Err(rustix::io::Errno::INTR) => continue,
            Err(error) => Err(error.into()),
        };
    }
}

#[cfg(test)]
mod tests {
    use std::thread;
    use std::time::Duration;

    use super::*;

    fn free(server: &Jobserver) -> usize {
        let slots: Vec<_> = std::iter::from_fn(|| server.try_acquire()).collect();
        slots.len()
    }

    #[test]
    fn there_are_as_many_slots_as_jobs() {
        for jobs in [1, 2, 5] {
            let server = Jobserver::new(jobs).unwrap();
            assert_eq!(free(&server), jobs);
            assert_eq!(free(&server), jobs);
        }
        assert_eq!(free(&Jobserver::new(0).unwrap()), 1);
    }

    #[test]
    fn slots_are_shared_with_who_inherits_them() {
        let above = Jobserver::new(3).unwrap();
        let (_, flags) = above.variables().remove(0);
        let flags = flags.into_string().unwrap();
        let below =
            Jobserver::inherited(|name| (name == "MAKEFLAGS").then_some(flags.as_str())).unwrap();
        // Only a make that was told so itself makes others below it take jobs.
        let names = |it: &Jobserver| {
            it.variables()
                .into_iter()
                .map(|it| it.0)
                .collect::<Vec<_>>()
        };
        assert_eq!(names(&above), ["CARGO_MAKEFLAGS"]);
        assert_eq!(names(&below), ["CARGO_MAKEFLAGS", "MAKEFLAGS"]);
        assert_eq!(below.variables()[0], above.variables()[0]);
        // Each has one of its own, and two are there for both.
        assert_eq!((free(&above), free(&below)), (3, 3));
        let slots: Vec<_> = (0..3).map(|_| below.try_acquire().unwrap()).collect();
        assert_eq!(free(&above), 1);
        drop(slots);
    }

    #[test]
    fn a_fifo_is_shared_too() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("fifo");
        rustix::fs::mknodat(rustix::fs::CWD, &path, FileType::Fifo, 0o600.into(), 0).unwrap();
        let flags = format!(" -j2 --jobserver-auth=fifo:{}", path.display());
        let server = Jobserver::inherited(|_| Some(&flags)).unwrap();
        assert_eq!(free(&server), 1);
        rustix::io::write(&server.0.tokens.1, b"ab").unwrap();
        assert_eq!(free(&server), 3);
    }

    #[test]
    fn what_is_no_jobserver_is_not_used() {
        for flags in [
            "",
            "w",
            "-j4",
            "--jobserver-auth=",
            "--jobserver-auth=-2,-2",
            "--jobserver-auth=900,901",
            "--jobserver-auth=0",
            "--jobserver-auth=fifo:/no/such/fifo",
            "--jobserver-auth=fifo:/dev/null",
        ] {
            assert!(Jobserver::inherited(|_| Some(flags)).is_none(), "{flags}");
        }
    }

    #[test]
    fn a_wait_ends_with_a_free_slot_or_the_request_to_end() {
        let server = Jobserver::new(1).unwrap();
        let control = Control::new().unwrap();
        let slot = server.acquire(&control).unwrap();
        thread::scope(|scope| {
            let waiter = scope.spawn(|| server.acquire(&control).is_some());
            thread::sleep(Duration::from_millis(20));
            drop(slot);
            assert!(waiter.join().unwrap());
            let slot = server.acquire(&control);
            let waiter = scope.spawn(|| server.acquire(&control).is_none());
            control.ask();
            assert!(waiter.join().unwrap());
            drop(slot);
        });
    }

    #[test]
    fn what_killed_children_took_is_made_up_for() {
        let server = Jobserver::new(4).unwrap();
        let slot = server.try_acquire().unwrap();
        for _ in 0..3 {
            take_byte(server.0.tokens.0.as_fd()).unwrap().unwrap();
        }
        assert_eq!(free(&server), 0);
        drop(slot);
        assert_eq!(free(&server), 4);
    }
}
