//! The folds of a run's logs in a CI system: one after the other, never one in another.

use crate::model::run::{Outcome, Summary, TaskResult};
use crate::report::ci::{Dialect, Fold};
use crate::report::clock::Clock;
use crate::report::lines::{Keep, clean_lines};
use crate::report::settings::Settings;
use crate::report::story::{Piece, Write};

/// Opens and closes folds.
pub struct Folding {
    dialect: &'static dyn Dialect,
    is_on: bool,
    clock: Clock,
    /// Tells the folds of this run from those of others in the same job.
    run: String,
    /// The open one, and the task whose log it holds.
    open: Option<(Fold, String)>,
    /// Tasks that ended while a fold was open.
    waiting: Vec<(usize, TaskResult)>,
    had_any: bool,
}

impl Folding {
    /// As the CI system has it; without one, there are no folds.
    pub fn new(settings: &Settings) -> Self {
        Self {
            dialect: settings.ci.dialect(),
            is_on: settings.folds(),
            clock: Clock::start(),
            run: String::new(),
            open: None,
            waiting: Vec::new(),
            had_any: false,
        }
    }

    /// Whether there are folds.
    pub fn is_on(&self) -> bool {
        self.is_on
    }

    /// Whether who reads the log sees what stands in a fold that was opened for that.
    pub fn keeps_open(&self) -> bool {
        self.dialect.keeps_open()
    }

    /// Whether one is open.
    pub fn is_open(&self) -> bool {
        self.open.is_some()
    }

    /// Whether the one of the task `name` is open.
    pub fn is_of(&self, name: &str) -> bool {
        self.open.as_ref().is_some_and(|(_, owner)| owner == name)
    }

    /// A run begins.
    pub fn begin(&mut self, run: Option<&str>) {
        self.run = run.unwrap_or("run").to_owned();
    }

    /// Opens a fold for the log of the task `name`.
    pub fn open(&mut self, name: &str, title: &str, is_open: bool, write: Write) {
        let (owner, name) = (name, format!("svc_{}_{name}", self.run));
        let is_plain = |it: char| it.is_ascii_alphanumeric() || matches!(it, '_' | '.' | '-');
        let fold = Fold {
            name: name.replace(|it| !is_plain(it), "-"),
            title: plain(title),
            time: self.clock.now().as_secs(),
            is_open,
        };
        if let Some(command) = self.dialect.open(&fold) {
            write(Piece::Command(command));
            self.had_any = true;
            self.open = Some((fold, owner.to_owned()));
        }
    }

    /// Closes the open fold, if there is one.
    pub fn close(&mut self, write: Write) {
        if let Some((mut fold, _)) = self.open.take() {
            fold.time = self.clock.now().as_secs();
            if let Some(command) = self.dialect.close(&fold) {
                write(Piece::Command(command));
            }
        }
    }

    /// What is to be told of a task once the open fold is closed.
    pub fn wait(&mut self, task: usize, result: &TaskResult) {
        self.waiting.push((task, result.clone()));
    }

    /// What waits, unless a fold is open.
    pub fn waiting(&mut self) -> Vec<(usize, TaskResult)> {
        match self.is_open() {
            true => Vec::new(),
            false => std::mem::take(&mut self.waiting),
        }
    }

    /// The run is over: what is said now belongs to no task.
    pub fn end(&self, summary: &Summary, write: Write) {
        let failed = summary.count(Outcome::Failed) + summary.count(Outcome::TimedOut);
        let text = match (summary.interrupted, failed) {
            (true, _) => "interrupted".to_owned(),
            (false, 0) => "all passed".to_owned(),
            (false, failed) => format!("{failed} failed"),
        };
        if self.had_any
            && let Some(command) = self.dialect.after_folds(&text)
        {
            write(Piece::Command(command));
        }
    }
}

/// A title without colours. What a system would take for a command is broken up, as titles go out beside the guard.
fn plain(title: &str) -> String {
    let mut text = String::new();
    clean_lines(title.as_bytes(), Keep::Text, |line| {
        text.push_str(&String::from_utf8_lossy(line));
    });
    harmless(text.trim())
}

/// `text` with everything broken up that any system takes for a command in the middle of a line.
pub fn harmless(text: &str) -> String {
    text.replace("##", "# #")
        .replace("section_start:", "section_start :")
        .replace("section_end:", "section_end :")
}
