//! Live lines on a terminal: how far the run is, and one line for each running task.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};

use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, TaskResult};
use crate::report::clean::show;
use crate::report::clock::Clock;
use crate::report::lines::{Keep, Lines};
use crate::report::output::Output;
use crate::report::paint::Paint;
use crate::report::table::{fit, width_of};
use crate::report::words;

/// The live lines. They are gone when this is dropped.
pub struct Board {
    bar: ProgressBar,
    state: Arc<Mutex<State>>,
}

/// Columns and rows of the terminal.
pub type Size = (usize, usize);

struct State {
    paint: Paint,
    clock: Clock,
    size: fn() -> Size,
    plan: Arc<Plan>,
    to_run: usize,
    done: usize,
    failed: usize,
    /// What to say of it, once the run was asked to stop.
    stopping: Option<&'static str>,
    /// In the order in which they were started.
    running: Vec<Running>,
}

struct Running {
    task: usize,
    name: String,
    since: Duration,
    lines: Lines,
    /// The last line with something on it.
    last: String,
}

const FRAMES: [&str; 10] = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];
const ASCII_FRAMES: [&str; 4] = ["|", "/", "-", "\\"];
const FRAME: Duration = Duration::from_millis(100);
/// Of a chunk of output only its end can become the last line.
const LOOKED_AT: usize = 2048;
const LINE_LIMIT: usize = 1024;
/// Rows that live lines leave free: the header, "and more", and the last line of what finished.
const FREE_ROWS: usize = 3;

impl Board {
    /// On standard error, if that can show live lines.
    pub fn on_stderr(paint: Paint, clock: Clock) -> Option<Self> {
        let target = ProgressDrawTarget::stderr_with_hz(15);
        if target.is_hidden() {
            return None;
        }
        let board = Self::new(target, paint, clock, stderr_size);
        board.bar.enable_steady_tick(FRAME);
        Some(board)
    }

    /// On any terminal. It is drawn anew only by [`Self::redraw`] and [`Self::print`].
    pub fn new(target: ProgressDrawTarget, paint: Paint, clock: Clock, size: fn() -> Size) -> Self {
        let state = Arc::new(Mutex::new(State {
            paint,
            clock,
            size,
            plan: Arc::default(),
            to_run: 0,
            done: 0,
            failed: 0,
            stopping: None,
            running: Vec::new(),
        }));
        let drawn = state.clone();
        let draw = move |_: &ProgressState, text: &mut dyn std::fmt::Write| {
            // A write into memory: there is nothing that could fail.
            let _ = text.write_str(&lock(&drawn).render());
        };
        let style = ProgressStyle::with_template("{board}").expect("the template is well-formed");
        let bar = ProgressBar::with_draw_target(None, target);
        bar.set_style(style.with_key("board", draw));
        Self { bar, state }
    }

    /// The run begins.
    pub fn begin(&self, plan: Arc<Plan>) {
        let mut state = lock(&self.state);
        state.to_run = plan.count(Verdict::Run);
        if let Clock::Running(_) = state.clock {
            state.clock = Clock::start();
        }
        state.plan = plan;
    }

    /// A task was started.
    pub fn started(&self, task: usize) {
        let mut state = lock(&self.state);
        state.running.retain(|it| it.task != task);
        let name = state.plan.tasks.get(task).map(|it| it.id.to_string());
        let running = Running {
            task,
            name: name.unwrap_or_default(),
            since: state.clock.elapsed(),
            lines: Lines::new(Keep::Text, LINE_LIMIT),
            last: String::new(),
        };
        state.running.push(running);
    }

    /// A task wrote.
    pub fn wrote(&self, task: usize, bytes: &[u8]) {
        let mut state = lock(&self.state);
        let Some(running) = state.running.iter_mut().find(|it| it.task == task) else {
            return;
        };
        let bytes = &bytes[bytes.len().saturating_sub(LOOKED_AT)..];
        let last = &mut running.last;
        let mut note = |line: &[u8]| {
            let text = show(line);
            if !text.trim().is_empty() {
                *last = text.trim().to_owned();
            }
        };
        running.lines.feed(bytes, &mut note);
        note(running.lines.partial());
    }

    /// A task ended.
    pub fn finished(&self, task: usize, result: &TaskResult) {
        let mut state = lock(&self.state);
        state.running.retain(|it| it.task != task);
        let to_run = |it: &crate::model::plan::PlannedTask| it.verdict == Verdict::Run;
        if state.plan.tasks.get(task).is_some_and(to_run) {
            state.done += 1;
        }
        if matches!(result.outcome, Outcome::Failed | Outcome::TimedOut) {
            state.failed += 1;
        }
    }

    /// The run was asked to stop, because of `reason`.
    pub fn stopping(&self, reason: &str) {
        lock(&self.state).stopping = Some(match reason.contains("SIGINT") {
            true => "stopping, Ctrl-C again to kill at once",
            false => "stopping",
        });
    }

    /// Writes text, whole lines, that stays above the live lines. It is written as it is: the bar's own `println` would
    /// fill each line with blanks, which are in the way when a window is resized or text is copied.
    pub fn print(&self, text: &[u8], output: &Output) {
        if !text.is_empty() {
            self.bar.suspend(|| output.write_bytes(text));
        }
    }

    /// Draws the live lines anew.
    pub fn redraw(&self) {
        self.bar.tick();
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

impl State {
    fn render(&self) -> String {
        // Earlier results are there at once: `0 of 0` would only flicker.
        if self.to_run == 0 && self.running.is_empty() {
            return String::new();
        }
        let (columns, rows) = (self.size)();
        let columns = columns.saturating_sub(1);
        let fits = rows.saturating_sub(FREE_ROWS).max(1);
        let mut lines = vec![self.header()];
        let names = self.running.iter().map(|it| it.name.len());
        let names = names.max().unwrap_or(0).min(columns / 3);
        let shown = self.running.iter().take(fits);
        lines.extend(shown.map(|it| self.running_line(it, names, columns)));
        if self.running.len() > fits {
            let more = format!("  and {} more", self.running.len() - fits);
            lines.push(self.paint.faint(more));
        }
        let unicode = self.paint.unicode;
        let lines: Vec<String> = lines
            .iter()
            .map(|line| fit(line, columns, unicode))
            .collect();
        lines.join("\n")
    }

    fn header(&self) -> String {
        let mut parts = vec![format!("{} running", self.running.len())];
        if self.failed > 0 {
            parts.push(self.paint.bad(format!("{} failed", self.failed)));
        }
        parts.push(words::duration(whole_tenths(self.clock.elapsed())));
        if let Some(stopping) = self.stopping {
            parts.push(self.paint.notable(stopping));
        }
        let progress = format!("[{}/{}]", self.done, self.to_run);
        format!("{} {}", self.paint.strong(progress), parts.join(", "))
    }

    fn running_line(&self, it: &Running, names: usize, columns: usize) -> String {
        let elapsed = self.clock.elapsed().saturating_sub(it.since);
        let frames: &[&str] = match self.paint.unicode {
            true => &FRAMES,
            false => &ASCII_FRAMES,
        };
        let frame = (elapsed.as_millis() / FRAME.as_millis()) as usize % frames.len();
        let frame = self.paint.advice(frames[frame]);
        let name = fit(&it.name, names, self.paint.unicode);
        let time = words::duration(whole_tenths(elapsed));
        let begin = format!("  {frame} {name:names$}  {time:>6}");
        let room = columns.saturating_sub(width_of(&begin) + 2);
        let last = fit(&it.last, room, self.paint.unicode);
        match last.is_empty() {
            true => begin,
            false => format!("{begin}  {}", self.paint.faint(last)),
        }
    }
}

/// Times that change under the reader's eyes have no milliseconds.
fn whole_tenths(time: Duration) -> Duration {
    match time < Duration::from_secs(1) {
        true => Duration::from_millis(time.as_millis() as u64 / 100 * 100),
        false => time,
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Asked at each drawing, because windows change.
fn stderr_size() -> Size {
    match rustix::termios::tcgetwinsize(rustix::stdio::stderr()) {
        Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
        _ => (80, 24),
    }
}
