//! A run as people read it: what happened, line by line, in the log mode that suits them.

use std::collections::HashSet;
use std::sync::Arc;

use crate::model::event::Event;
use crate::model::plan::{Plan, PlannedTask, Verdict};
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::report::clean::one_line;
use crate::report::ending::{Ending, ending};
use crate::report::folding::Folding;
use crate::report::lines::Keep;
use crate::report::message;
use crate::report::paint::Paint;
use crate::report::plan::plan_counts;
use crate::report::settings::{LogMode, Settings, Verbosity};
use crate::report::table::width_of;
use crate::report::task_log::{Kept, MEMORY_LIMIT, Streams};
use crate::report::words;

/// Takes what is to be written now.
pub type Write<'a> = &'a mut dyn FnMut(Piece<'_>);

/// Something that is written.
pub enum Piece<'a> {
    Text(&'a [u8]),
    /// For the CI system, in its dialect.
    Command(String),
}

/// Turns events into text.
pub struct Story {
    settings: Settings,
    paint: Paint,
    mode: LogMode,
    /// Whether logs of earlier results are left out.
    hides_cached: bool,
    plan: Arc<Plan>,
    /// Columns for the names of tasks.
    names: usize,
    streams: Streams,
    kept: Kept,
    /// Lines written so far, and for each failure whose log was shown, how many there were then.
    written: usize,
    shown: Vec<(usize, usize)>,
    running: HashSet<usize>,
    /// Tasks whose log came from an earlier result.
    replayed: HashSet<usize>,
    folding: Folding,
}

/// Names longer than this do not widen the column of names.
const WIDEST_NAME: usize = 40;

/// Where logs are folded, one of an earlier result that is longer is left out: it was read when it was new.
const LONGEST_REPLAY: u64 = 32 * 1024;

/// A log is still in sight when no more than this many lines were written after it.
const IN_SIGHT: usize = 20;

impl Story {
    /// A story that has not begun.
    pub fn new(settings: &Settings) -> Self {
        let keep = match (settings.stderr.colour, settings.stderr_is_terminal) {
            (true, _) => Keep::Colours,
            (false, true) => Keep::Text,
            (false, false) => Keep::Bytes,
        };
        Self {
            settings: settings.clone(),
            paint: settings.stderr,
            mode: LogMode::None,
            hides_cached: false,
            plan: Arc::default(),
            names: 0,
            streams: Streams::new(keep),
            kept: Kept::new(keep, MEMORY_LIMIT),
            written: 0,
            shown: Vec::new(),
            running: HashSet::new(),
            replayed: HashSet::new(),
            folding: Folding::new(settings),
        }
    }

    /// Tells of `event`.
    pub fn tell(&mut self, event: &Event, write: Write) {
        match event {
            Event::RunStarted { plan, id, jobs } => {
                self.folding.begin(id.as_deref());
                self.begin(plan, *jobs, write);
            }
            Event::TaskStarted { task, attempt } => self.started(*task, *attempt, write),
            Event::TaskWrote { task, bytes } => self.wrote(*task, bytes, write),
            Event::TaskRetried { task, reason } => self.retried(*task, reason, write),
            Event::TaskFinished { task, result } => self.finished(*task, result, write),
            Event::Warned { message } => {
                self.text(&message::warning(message, self.paint), write);
            }
            Event::Noted { message } => {
                if self.is_verbose() {
                    self.line(&one_line(message), write);
                }
            }
            Event::Advised { message } => {
                if !self.is_quiet() {
                    self.text(&message::hint(message, self.paint), write);
                }
            }
            Event::Stopping { reason } => self.stopping(reason, write),
            Event::RunFinished { summary } => self.end(summary, write),
        }
    }

    fn begin(&mut self, plan: &Arc<Plan>, jobs: usize, write: Write) {
        self.plan = plan.clone();
        let (to_run, cached) = (plan.count(Verdict::Run), plan.count(Verdict::Cached));
        self.mode = self.settings.log_mode(to_run, cached);
        self.hides_cached = self.settings.hides_cached(to_run);
        let has_line = |it: &&PlannedTask| match it.verdict {
            Verdict::Run => true,
            Verdict::Cached => self.is_verbose() || self.folds(),
            Verdict::Skip => self.is_verbose(),
        };
        let to_do = plan.tasks.iter().filter(has_line);
        let names = to_do.map(|it| width_of(&it.id.to_string()));
        self.names = names.max().unwrap_or(0).min(WIDEST_NAME);
        let is_news = plan.tasks.len() > 1 && plan.count(Verdict::Skip) < plan.tasks.len();
        if is_news && !self.settings.live && !self.is_quiet() {
            let jobs = words::count(jobs, "job");
            self.line(&format!("{}; {jobs}", plan_counts(plan)), write);
        }
    }

    fn started(&mut self, task: usize, attempt: u32, write: Write) {
        self.running.insert(task);
        if self.is_verbose() && attempt <= 1 {
            let causes = match self.planned(task) {
                Some(it) => words::causes(&it.causes, 3),
                None => String::new(),
            };
            let line = self.task_line(&self.paint.started(), task, "", &causes);
            self.line(&line, write);
        }
        // One task at a time can be shown while it runs; logs of others wait until it is over.
        let is_only = self.plan.count(Verdict::Run) == 1 && self.is_to_run(task);
        if self.folds() && self.mode == LogMode::Stream && attempt <= 1 && is_only {
            let title = self.name(task);
            self.folding.open(&title, &title, true, write);
        }
    }

    fn wrote(&mut self, task: usize, bytes: &[u8], write: Write) {
        // What a task writes that was not started is the log of an earlier result.
        let is_cached = !self.running.contains(&task);
        if is_cached {
            if self.hides_cached {
                return;
            }
            self.replayed.insert(task);
        }
        match self.mode {
            // What does not belong to the open fold gets one of its own, later.
            LogMode::Stream if is_cached && self.folds() => self.kept.feed(task, bytes),
            LogMode::Stream => self.stream(task, Some(bytes), write),
            LogMode::Grouped | LogMode::Failed => self.kept.feed(task, bytes),
            LogMode::None => {}
        }
    }

    fn retried(&mut self, task: usize, reason: &str, write: Write) {
        self.stream(task, None, write);
        if !self.is_quiet() {
            let note = format!("tried again: {}", one_line(reason));
            let line = self.task_line(&self.paint.retried(), task, "", &note);
            self.line(&line, write);
        }
    }

    fn finished(&mut self, task: usize, result: &TaskResult, write: Write) {
        self.running.remove(&task);
        let is_in_fold = self.folding.is_of(&self.name(task));
        if self.folding.is_open() && !is_in_fold {
            // Folds do not nest.
            self.folding.wait(task, result);
            return;
        }
        let shows_all = matches!(self.mode, LogMode::Stream | LogMode::Grouped);
        let is_shown = self.replayed.remove(&task) && shows_all;
        self.stream(task, None, write);
        if is_in_fold {
            self.folding.close(write);
        }
        let line = self.end_line(task, result, is_shown);
        let is_folded = self.show_kept(task, result, line.as_deref(), write);
        let is_seen = !is_in_fold || self.folding.keeps_open();
        if self.mode == LogMode::Stream && result.outcome.is_bad() && is_seen {
            self.shown.push((task, self.written));
        }
        if let Some(line) = line.filter(|_| !is_folded) {
            self.line(&line, write);
        }
        for (task, result) in self.folding.waiting() {
            self.finished(task, &result, write);
        }
    }

    /// What is said of the end of a task, if anything.
    fn end_line(&self, task: usize, result: &TaskResult, is_shown: bool) -> Option<String> {
        Some(match result.outcome {
            _ if self.is_quiet() => return None,
            Outcome::Passed => {
                let tries = match result.attempts {
                    0 | 1 => String::new(),
                    some => format!("passed at try {some}"),
                };
                let note = self.with_missed(tries, result);
                self.outcome_line(&self.paint.passed(), task, result, &note)
            }
            Outcome::Failed | Outcome::TimedOut => {
                let note = self.with_missed(self.paint.bad(one_line(&result.reason)), result);
                self.outcome_line(&self.paint.failed(), task, result, &note)
            }
            Outcome::Interrupted if result.attempts == 0 => return None,
            Outcome::Interrupted => {
                self.outcome_line(&self.paint.stopped(), task, result, "interrupted")
            }
            // Whose log it was that was just shown, and that it is an old one, has to be told.
            Outcome::Cached if is_shown => self.cached_line(task),
            // There may be thousands of these, and nothing was done.
            Outcome::Cached | Outcome::Skipped if !self.is_verbose() => return None,
            Outcome::Cached => self.cached_line(task),
            Outcome::Skipped => {
                let reason = match (self.planned(task), result.reason.is_empty()) {
                    (Some(it), true) => &it.reason,
                    _ => &result.reason,
                };
                self.task_line(&self.paint.skipped(), task, "", &one_line(reason))
            }
        })
    }

    /// That an earlier result was taken; where its log is too long to be folded away, also where to find that.
    fn cached_line(&self, task: usize) -> String {
        let written = self.kept.written(task);
        let note = match self.folds() && written > LONGEST_REPLAY {
            true => format!(
                "cached; its log of {} is left out, `svc log {}` shows it",
                words::bytes(written),
                self.name(task)
            ),
            false => "cached".to_owned(),
        };
        self.task_line(&self.paint.passed(), task, "", &note)
    }

    fn stopping(&mut self, reason: &str, write: Write) {
        let running = match self.running.len() {
            0 => String::new(),
            some => format!(", waiting for {}", words::count(some, "task")),
        };
        let mark = self.paint.stopped();
        let line = format!("{mark} stopping: {}{running}", one_line(reason));
        self.line(&line, write);
    }

    fn end(&mut self, summary: &Summary, write: Write) {
        self.folding.close(write);
        let written = self.written;
        // What is folded away is not in sight.
        let in_sight = self.shown.iter().filter(|(_, at)| written - at <= IN_SIGHT);
        let in_sight = in_sight.map(|(task, _)| *task).collect();
        let text = ending(&Ending {
            plan: &self.plan,
            summary,
            paint: self.paint,
            verbosity: self.settings.verbosity,
            directory: self.settings.directory.as_deref(),
            flags: &self.settings.flags,
            in_sight,
        });
        self.folding.end(summary, write);
        self.text(&text, write);
    }

    /// Shows the log of a task that ended, if the mode wants it; where there are folds, as one with `line` as its title. Then
    /// it gives true, and the line is said.
    fn show_kept(
        &mut self,
        task: usize,
        result: &TaskResult,
        line: Option<&str>,
        write: Write,
    ) -> bool {
        let is_wanted = match self.mode {
            LogMode::Grouped => true,
            LogMode::Failed => result.outcome.is_bad(),
            LogMode::Stream => self.folds(),
            LogMode::None => false,
        };
        let is_too_long = result.outcome == Outcome::Cached
            && self.folds()
            && self.kept.written(task) > LONGEST_REPLAY;
        if !is_wanted || is_too_long || !self.kept.has(task) {
            self.kept.drop(task);
            return false;
        }
        let name = self.name(task);
        match self.folds() {
            true => {
                // That of a failure stays closed, too: the end shows its last lines, and nobody has to get past the rest.
                let title = line.unwrap_or(&name);
                self.folding.open(&name, title, false, write);
            }
            false => self.line(&format!("{} {name}", self.paint.corner()), write),
        }
        let prefix = format!("{} ", self.paint.bar());
        let mut batch = Batch::new(&prefix, write);
        self.kept
            .finish(task, result.log.as_deref(), &mut |line| batch.add(line));
        self.written += batch.end();
        match self.folds() {
            true => self.folding.close(write),
            false => self.shown.push((task, self.written)),
        }
        self.folds()
    }

    /// Passes on what a task wrote; `None`: it ended.
    fn stream(&mut self, task: usize, bytes: Option<&[u8]>, write: Write) {
        let prefix = match self.folding.is_of(&self.name(task)) {
            true => format!("{} ", self.paint.bar()),
            false => {
                let prefix = format!("{} | ", self.name(task));
                self.paint.of_task(task, prefix)
            }
        };
        let mut batch = Batch::new(&prefix, write);
        match bytes {
            Some(bytes) => self.streams.feed(task, bytes, &mut |line| batch.add(line)),
            None => self.streams.finish(task, &mut |line| batch.add(line)),
        }
        self.written += batch.end();
    }

    /// The note of a task that ran, with the reason why no earlier result was taken.
    fn with_missed(&self, note: String, result: &TaskResult) -> String {
        let Some(missed) = &result.missed else {
            return note;
        };
        let missed = self.paint.faint(one_line(missed));
        match note.is_empty() {
            true => missed,
            false => format!("{note}  {missed}"),
        }
    }

    fn outcome_line(&self, mark: &str, task: usize, result: &TaskResult, note: &str) -> String {
        self.task_line(mark, task, &words::duration(result.duration), note)
    }

    /// `✓ api:test  1.2s  note`, with names and times in columns.
    fn task_line(&self, mark: &str, task: usize, time: &str, note: &str) -> String {
        let names = self.names;
        let name = self.name(task);
        let time = match time.is_empty() {
            true => String::new(),
            false => format!("  {time:>6}"),
        };
        let note = match note.is_empty() {
            true => String::new(),
            false => format!("  {note}"),
        };
        let line = format!("{mark} {name:names$}{time}{note}");
        line.trim_end().to_owned()
    }

    /// What the task is called.
    pub fn name(&self, task: usize) -> String {
        self.planned(task)
            .map_or_else(|| format!("task {task}"), |it| it.id.to_string())
    }

    fn planned(&self, task: usize) -> Option<&PlannedTask> {
        self.plan.tasks.get(task)
    }

    fn is_to_run(&self, task: usize) -> bool {
        let planned = self.planned(task);
        planned.is_some_and(|it| it.verdict == Verdict::Run)
    }

    fn folds(&self) -> bool {
        self.folding.is_on()
    }

    fn is_quiet(&self) -> bool {
        self.settings.verbosity == Verbosity::Quiet
    }

    fn is_verbose(&self) -> bool {
        self.settings.verbosity == Verbosity::Verbose
    }

    fn line(&mut self, line: &str, write: Write) {
        self.text(&format!("{line}\n"), write);
    }

    fn text(&mut self, text: &str, write: Write) {
        self.written += text.lines().count();
        write(Piece::Text(text.as_bytes()));
    }
}

/// Lines with a prefix, written many at once.
struct Batch<'a> {
    prefix: &'a str,
    write: Write<'a>,
    text: Vec<u8>,
    lines: usize,
}

/// So much is gathered before it is written.
const BATCH: usize = 64 * 1024;

impl<'a> Batch<'a> {
    fn new(prefix: &'a str, write: Write<'a>) -> Self {
        Self {
            prefix,
            write,
            text: Vec::new(),
            lines: 0,
        }
    }

    fn add(&mut self, line: &[u8]) {
        let prefix = match line.is_empty() {
            true => self.prefix.trim_end(),
            false => self.prefix,
        };
        self.text.extend_from_slice(prefix.as_bytes());
        self.text.extend_from_slice(line);
        self.text.push(b'\n');
        self.lines += 1;
        if self.text.len() >= BATCH {
            (self.write)(Piece::Text(&self.text));
            self.text.clear();
        }
    }

    /// Writes what is left, and says how many lines there were.
    fn end(self) -> usize {
        if !self.text.is_empty() {
            (self.write)(Piece::Text(&self.text));
        }
        self.lines
    }
}
