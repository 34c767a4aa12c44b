//! Long work before a run: a spinner with a message, on a terminal and only when it takes noticeably long.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::report::clean::one_line;
use crate::report::paint::Paint;
use crate::report::settings::Settings;

/// Shows what is being done until it is dropped.
#[derive(Debug, Default)]
pub struct Progress {
    live: Option<(Sender<String>, JoinHandle<()>)>,
}

/// Work that is done sooner shows nothing.
const PATIENCE: Duration = Duration::from_millis(300);
const FRAME: Duration = Duration::from_millis(100);

impl Progress {
    /// Begins to show `message`: `reading the working tree`. Shows nothing where nobody watches.
    pub fn start(settings: &Settings, message: &str) -> Self {
        if !settings.live {
            return Self::default();
        }
        let (sender, receiver) = channel();
        let (paint, message) = (settings.stderr, one_line(message));
        let show = move || show(paint, message, &receiver);
        let thread = std::thread::Builder::new().name("progress".to_owned());
        let live = thread.spawn(show).ok().map(|thread| (sender, thread));
        Self { live }
    }

    /// Shows another message from now on.
    pub fn say(&self, message: &str) {
        if let Some((sender, _)) = &self.live {
            // Nobody listens when the thread has ended: then there is nothing to show it on.
            let _ = sender.send(one_line(message));
        }
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some((sender, thread)) = self.live.take() {
            drop(sender);
            let _ = thread.join();
        }
    }
}

fn show(paint: Paint, mut message: String, messages: &Receiver<String>) {
    loop {
        match messages.recv_timeout(PATIENCE) {
            Ok(next) => message = next,
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => return,
        }
    }
    let frames = paint.either("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏ ", "|/-\\ ");
    let bar = ProgressBar::new_spinner();
    let style = ProgressStyle::with_template("{spinner} {wide_msg}");
    bar.set_style(
        style
            .expect("the template is well-formed")
            .tick_chars(frames),
    );
    bar.set_message(message);
    bar.enable_steady_tick(FRAME);
    while let Ok(next) = messages.recv() {
        bar.set_message(next);
    }
    bar.finish_and_clear();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn work_that_is_done_at_once_is_not_held_up() {
        let live = Settings {
            live: true,
            ..Settings::default()
        };
        for settings in [live, Settings::default()] {
            for _ in 0..50 {
                let progress = Progress::start(&settings, "reading the working tree");
                progress.say("fetching main from origin");
            }
        }
    }
}
