//! Without live lines, a word now and then while tasks run and say nothing, so that nobody takes the run for dead.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::report::clock::Clock;
use crate::report::output::Output;
use crate::report::words;

/// Speaks up after a silence, until it is dropped.
pub struct Pulse {
    state: Arc<Mutex<State>>,
    clock: Clock,
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

struct State {
    /// Names of running tasks, with the time of their start.
    running: Vec<(usize, String, Duration)>,
    /// When something was last said.
    spoken: Duration,
}

/// So long a silence is borne. CI systems end jobs that are silent for ten minutes.
pub const SILENCE: Duration = Duration::from_secs(60);
/// So many running tasks are named.
const NAMED: usize = 4;

impl Pulse {
    /// Speaks to `output` after each `silence`.
    pub fn start(output: Output, clock: Clock, silence: Duration) -> Self {
        let state = Arc::new(Mutex::new(State {
            running: Vec::new(),
            spoken: clock.elapsed(),
        }));
        let (stop, stopped) = channel::<()>();
        let (watched, watch) = (state.clone(), clock.clone());
        let beat = move || {
            let mut wait = silence;
            while stopped.recv_timeout(wait) == Err(RecvTimeoutError::Timeout) {
                let mut state = lock(&watched);
                let now = watch.elapsed();
                let silent = now.saturating_sub(state.spoken);
                if silent >= silence {
                    state.spoken = now;
                    output.write(&state.line(now));
                }
                wait = silence.saturating_sub(now.saturating_sub(state.spoken));
            }
        };
        let thread = std::thread::Builder::new().name("pulse".to_owned());
        Self {
            state,
            clock,
            stop: Some(stop),
            thread: thread.spawn(beat).ok(),
        }
    }

    /// A task was started.
    pub fn started(&self, task: usize, name: String) {
        let now = self.clock.elapsed();
        let mut state = lock(&self.state);
        state.running.retain(|it| it.0 != task);
        state.running.push((task, name, now));
    }

    /// A task ended.
    pub fn finished(&self, task: usize) {
        lock(&self.state).running.retain(|it| it.0 != task);
    }

    /// Something was said.
    pub fn spoke(&self) {
        lock(&self.state).spoken = self.clock.elapsed();
    }
}

impl Drop for Pulse {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // Its end is all that is waited for.
            let _ = thread.join();
        }
    }
}

impl State {
    /// `still running: api:test 2m 00s, web:build 1m 10s`, longest first.
    fn line(&self, now: Duration) -> String {
        if self.running.is_empty() {
            return String::new();
        }
        let named = self.running.iter().take(NAMED);
        let mut parts: Vec<String> = named
            .map(|(_, name, since)| {
                let time = words::duration(now.saturating_sub(*since));
                format!("{name} {time}")
            })
            .collect();
        if self.running.len() > NAMED {
            parts.push(format!("and {} more", self.running.len() - NAMED));
        }
        format!("still running: {}\n", parts.join(", "))
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn silence_is_broken_by_what_still_runs() {
        let output = Output::memory();
        let pulse = Pulse::start(output.clone(), Clock::start(), Duration::from_millis(5));
        pulse.started(0, "api:test".to_owned());
        for _ in 0..2000 {
            if output.contents().lines().count() > 1 {
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(pulse);
        assert!(output.contents().starts_with("still running: api:test "));
    }

    #[test]
    fn nothing_is_said_where_something_was_said_or_nothing_runs() {
        let output = Output::memory();
        let hand = Arc::new(AtomicU64::new(0));
        let pulse = Pulse::start(output.clone(), Clock::Fixed(hand), Duration::from_secs(60));
        pulse.started(0, "api:test".to_owned());
        pulse.spoke();
        pulse.finished(0);
        assert_eq!(lock(&pulse.state).line(Duration::from_secs(70)), "");
        drop(pulse);
        assert_eq!(output.contents(), "");
    }

    #[test]
    fn many_running_tasks_are_counted() {
        let running = (0..6).map(|at| (at, format!("s{at}:build"), Duration::ZERO));
        let state = State {
            running: running.collect(),
            spoken: Duration::ZERO,
        };
        assert_eq!(
            state.line(Duration::from_secs(60)),
            "still running: s0:build 1m 00s, s1:build 1m 00s, s2:build 1m 00s, s3:build 1m 00s, and 2 more\n"
        );
    }
}
