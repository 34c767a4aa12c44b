//! Ctrl-C and its relatives.

use std::io;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGXFSZ};
use signal_hook::iterator::{Handle, Signals};

use crate::process::control::Control;

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Request {
    /// The first signal: everything may clean up. Holds its name.
    End(&'static str),
    /// A second Ctrl-C: at once.
    Kill,
}

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
                let Some(request) = heard.hear(signal) else {
                    continue;
                };
                match request {
                    Request::End(_) => control.ask(),
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

/// From now on, a file that would grow over the limit of `ulimit -f` is an error of the one who writes it, as a full disk
/// is, and not the end of `svc`. Commands are not concerned: what is caught here is theirs again when they start.
pub fn outlive_file_limits() {
    // Where it cannot be caught, all is as it was.
    let _ = signal_hook::flag::register(SIGXFSZ, Arc::default());
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
    is_asked: bool,
    interrupts: u32,
}

impl Heard {
    /// What one more signal asks for. A terminal and a supervisor often send different signals for the same wish, so only
    /// a second Ctrl-C is one.
    fn hear(&mut self, signal: i32) -> Option<Request> {
        let is_first = !std::mem::replace(&mut self.is_asked, true);
        if signal == SIGINT {
            self.interrupts += 1;
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
            let got: Vec<_> = signals.iter().map(|it| heard.hear(*it)).collect();
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
}
