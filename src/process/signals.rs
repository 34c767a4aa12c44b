//! Ctrl-C and its relatives.

#![expect(
    clippy::disallowed_methods,
    reason = "a signal that comes late means something else than one that comes together with another"
)]

use std::io::{self, Write};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};

use crate::process::control::Control;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first signal: everything may clean up. Holds its name.
    End(&'static str),
    /// A SIGTERM some time after a SIGINT: whoever sent it loses patience, as GitHub does 7.5 seconds after it cancels a
    /// job; 2.5 seconds later it kills. What does not end very soon is killed now, while there is time to write that down.
    Hurry,
    /// A second Ctrl-C: at once.
    Kill,
}

/// A SIGTERM that comes sooner after a SIGINT is the same wish, said twice.
const SAME_WISH: Duration = Duration::from_secs(2);

/// How long commands have when there is a hurry.
const LAST_GRACE: Duration = Duration::from_millis(300);

/// Listens until it is dropped; after that, signals are caught and nothing comes of them.
#[derive(Debug)]
pub struct Listener {
    handle: Handle,
    thread: Option<JoinHandle<()>>,
}

/// From now on, signals turn `control`, and then tell `requested`. To be called once. A signal that was ignored when `svc`
/// was started, as by `nohup`, stays ignored.
pub fn listen(
    control: Control,
    mut requested: impl FnMut(Request) + Send + 'static,
) -> io::Result<Listener> {
    let ignored = ignored_signals();
    let heard = [SIGINT, SIGTERM, SIGHUP].into_iter();
    let mut signals = Signals::new(heard.filter(|it| ignored & (1 << (it - 1)) == 0))?;
    let handle = signals.handle();
    let thread = thread::Builder::new()
        .name("signals".into())
        .spawn(move || {
            let mut heard = Heard::default();
            for signal in signals.forever() {
                let Some(request) = heard.hear(signal, Instant::now()) else {
                    continue;
                };
                match request {
                    Request::End(_) => control.ask(),
                    Request::Hurry => kill_soon(&control),
                    Request::Kill => control.kill(),
                }
                requested(request);
            }
        })?;
    Ok(Listener {
        handle,
        thread: Some(thread),
    })
}

fn kill_soon(control: &Control) {
    let other = control.clone();
    let soon = thread::Builder::new().spawn(move || {
        thread::sleep(LAST_GRACE);
        other.kill();
    });
    if soon.is_err() {
        control.kill();
    }
}

/// From now on, a file that would grow over the limit of `ulimit -f` is an error of the one who writes it, as a full disk
/// is, and not the end of `svc`. Commands are not concerned: what is caught here is theirs again when they start.
pub fn outlive_file_limits() {
    // Where it cannot be caught, all is as it was.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
}

/// Ends the process at once, when everything is told and written: the system takes its memory back sooner than whoever
/// takes apart first what lies in it.
pub fn leave(code: u8) -> ! {
    let _ = io::stdout().flush();
    let _ = io::stderr().flush();
    signal_hook::low_level::exit(code.into())
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.handle.close();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// The signals of a run so far.
#[derive(Debug, Default)]
struct Heard {
    first: Option<Instant>,
    interrupts: u32,
    is_hurried: bool,
}

impl Heard {
    /// What one more signal asks for. A terminal and a supervisor often send different signals for the same wish, so only
    /// a second Ctrl-C is one.
    fn hear(&mut self, signal: i32, now: Instant) -> Option<Request> {
        let is_first = self.first.is_none();
        let first = *self.first.get_or_insert(now);
        if signal == SIGINT {
            self.interrupts += 1;
        }
        let is_late = self.interrupts > 0 && now.duration_since(first) >= SAME_WISH;
        if signal == SIGTERM && is_late && !std::mem::replace(&mut self.is_hurried, true) {
            return Some(Request::Hurry);
        }
        match (is_first, signal, self.interrupts) {
            (true, _, _) => Some(Request::End(name(signal))),
            (false, SIGINT, 2) => Some(Request::Kill),
            _ => None,
        }
    }
}

fn name(signal: i32) -> &'static str {
    match signal {
        SIGINT => "SIGINT",
        SIGTERM => "SIGTERM",
        _ => "SIGHUP",
    }
}

/// The signals that this process ignores, as bits. Nobody ignores them where that cannot be told.
fn ignored_signals() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    line.and_then(|it| u64::from_str_radix(it.trim(), 16).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_second_interrupt_kills() {
        let check = |signals: &[i32], expected: &[Option<Request>]| {
            let mut heard = Heard::default();
            let now = Instant::now();
            let got: Vec<_> = signals.iter().map(|it| heard.hear(*it, now)).collect();
            assert_eq!(got, expected, "{signals:?}");
        };
        let end = |name| Some(Request::End(name));
        check(
            &[SIGINT, SIGINT, SIGINT],
            &[end("SIGINT"), Some(Request::Kill), None],
        );
        check(&[SIGINT, SIGTERM, SIGTERM], &[end("SIGINT"), None, None]);
        check(
            &[SIGINT, SIGTERM, SIGINT],
            &[end("SIGINT"), None, Some(Request::Kill)],
        );
        check(&[SIGTERM, SIGTERM], &[end("SIGTERM"), None]);
        check(
            &[SIGTERM, SIGINT, SIGINT],
            &[end("SIGTERM"), None, Some(Request::Kill)],
        );
        check(&[SIGHUP, SIGTERM], &[end("SIGHUP"), None]);
    }

    #[test]
    fn a_late_end_is_a_hurry_once() {
        let check = |signals: &[(i32, u64)], expected: &[Option<Request>]| {
            let (mut heard, start) = (Heard::default(), Instant::now());
            let at = |millis: u64| start + Duration::from_millis(millis);
            let got = signals
                .iter()
                .map(|(it, millis)| heard.hear(*it, at(*millis)));
            assert_eq!(got.collect::<Vec<_>>(), expected, "{signals:?}");
        };
        let end = |name| Some(Request::End(name));
        check(
            &[(SIGINT, 0), (SIGTERM, 7500), (SIGTERM, 7600)],
            &[end("SIGINT"), Some(Request::Hurry), None],
        );
        check(
            &[(SIGINT, 0), (SIGTERM, 100), (SIGINT, 9000)],
            &[end("SIGINT"), None, Some(Request::Kill)],
        );
        check(&[(SIGTERM, 0), (SIGTERM, 9000)], &[end("SIGTERM"), None]);
    }
}
