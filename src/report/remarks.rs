//! What tools said of places in files during a run: gathered while they say it, told at the end of the run in the dialect of
//! the CI system.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::annotation::{Annotation, Severity};
use crate::model::event::Event;
use crate::model::plan::Plan;
use crate::model::run::{Outcome, TaskResult};
use crate::report::ci::Dialect;
use crate::report::folding::harmless;
use crate::report::grounds::{Files, Grounds};
use crate::report::lines::{Keep, clean_lines};
use crate::report::matchers::{Found, Scanner};
use crate::report::output::Output;
use crate::report::words;

/// Gathers remarks, through all runs of one call.
pub struct Remarks {
    dialect: &'static dyn Dialect,
    output: Output,
    files: Files,
    plan: Arc<Plan>,
    scanners: HashMap<usize, Scanner>,
    /// Of this run.
    new: Vec<Annotation>,
    /// Of the runs before, and how many of each severity were shown.
    said: Vec<Annotation>,
    shown: HashMap<Severity, usize>,
    /// Whatever any task said, also what it said when its result was made: for reports that tell how things stand.
    all: Vec<Annotation>,
}

/// So many errors of one failed task are told.
const OF_ONE_TASK: usize = 10;
/// So many remarks are kept for reports.
const KEPT: usize = 5000;

impl Remarks {
    /// None yet.
    pub fn new(dialect: &'static dyn Dialect, output: Output, grounds: Grounds) -> Self {
        Self {
            dialect,
            output,
            files: Files::of(grounds),
            plan: Arc::default(),
            scanners: HashMap::new(),
            new: Vec::new(),
            said: Vec::new(),
            shown: HashMap::new(),
            all: Vec::new(),
        }
    }

    /// All remarks so far.
    pub fn all(&self) -> &[Annotation] {
        &self.all
    }

    /// Takes note of `event`.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { plan, .. } => {
                self.plan = plan.clone();
                self.scanners.clear();
            }
            // An earlier try that failed is not what the task came to.
            Event::TaskStarted { task, .. } => drop(self.scanners.remove(task)),
            Event::TaskWrote { task, bytes } => self.wrote(*task, bytes),
            Event::TaskFinished { task, result } => self.finished(*task, result),
            Event::RunFinished { .. } => self.tell(),
            Event::TaskRetried { .. }
            | Event::Warned { .. }
            | Event::Noted { .. }
            | Event::Advised { .. }
            | Event::Stopping { .. } => {}
        }
    }

    fn wrote(&mut self, task: usize, bytes: &[u8]) {
        let Some(planned) = self.plan.tasks.get(task) else {
            return;
        };
        let (service, files) = (&planned.id.service, &mut self.files);
        let scanner = self.scanners.entry(task).or_default();
        scanner.feed(bytes, &mut |name, search| files.find(service, name, search));
    }

    fn finished(&mut self, task: usize, result: &TaskResult) {
        let Some(planned) = self.plan.tasks.get(task) else {
            return;
        };
        let (service, files) = (&planned.id.service, &mut self.files);
        let scanner = self.scanners.remove(&task).unwrap_or_default();
        let (found, _) = scanner.finish(&mut |name, search| files.find(service, name, search));
        let id = planned.id.to_string();
        let mut found: Vec<_> = found.into_iter().map(|it| annotation(&id, it)).collect();
        let room = KEPT.saturating_sub(self.all.len());
        if result.outcome != Outcome::Interrupted {
            // A task that passed has no errors, whatever its tools called so.
            let has_failed = matches!(result.outcome, Outcome::Failed | Outcome::TimedOut);
            let counts = |it: &&Annotation| has_failed || it.severity != Severity::Error;
            let counting = found.iter().filter(counts);
            self.all.extend(counting.take(room).cloned());
        }
        match result.outcome {
            Outcome::Failed | Outcome::TimedOut => {
                found.retain(|it| it.severity == Severity::Error);
                found.truncate(OF_ONE_TASK);
                if found.is_empty() {
                    found.push(of_failure(&id, result));
                }
            }
            // What it complains of did not keep it from passing.
            Outcome::Passed => found.retain(|it| it.severity == Severity::Warning),
            Outcome::Cached | Outcome::Skipped | Outcome::Interrupted => found.clear(),
        }
        self.new.extend(found);
    }

    /// Tells what is new, errors first, as much of it as the system shows.
    fn tell(&mut self) {
        let mut new = std::mem::take(&mut self.new);
        new.sort_by_key(|it| it.severity);
        let mut hidden = 0;
        for it in new {
            if self.said.iter().any(|other| it.is_same(other)) {
                continue;
            }
            let Some(command) = self.dialect.annotation(&guarded(&it)) else {
                return;
            };
            let shown = self.shown.entry(it.severity).or_default();
            match *shown < self.dialect.most_annotations() {
                true => self.output.command(&command),
                false => hidden += 1,
            }
            *shown += 1;
            self.said.push(it);
        }
        if hidden > 0 {
            let more = words::count(hidden, "more remark");
            self.output
                .write(&format!("{more} of this kind in the logs above\n"));
        }
    }
}

fn annotation(task: &str, it: Found) -> Annotation {
    Annotation {
        severity: it.severity,
        path: Some(it.path),
        line: it.line,
        column: it.column,
        end_line: it.end_line,
        end_column: it.end_column,
        code: it.code,
        test: it.test,
        ..Annotation::new(task, it.message)
    }
}

/// The last line that a task wrote.
pub fn last_words(result: &TaskResult) -> String {
    let mut last = String::new();
    clean_lines(&result.tail, Keep::Text, |line| {
        let line = String::from_utf8_lossy(line);
        if !line.trim().is_empty() {
            last = line.trim().chars().take(500).collect();
        }
    });
    last
}

/// Of a task that failed and named no place: why, with its last words.
fn of_failure(task: &str, result: &TaskResult) -> Annotation {
    let last = last_words(result);
    let reason = match result.reason.is_empty() {
        true => result.outcome.word(),
        false => &result.reason,
    };
    let message = match last.is_empty() {
        true => reason.to_owned(),
        false => format!("{reason}: {last}"),
    };
    Annotation::new(task, crate::report::clean::one_line(&message))
}

/// Annotations go out beside the guard.
fn guarded(it: &Annotation) -> Annotation {
    Annotation {
        message: harmless(&it.message),
        code: it.code.as_deref().map(harmless),
        test: it.test.as_deref().map(harmless),
        path: it
            .path
            .as_ref()
            .map(|it| FilePathText(it.display()).harmless()),
        ..it.clone()
    }
}

/// A path whose name may hold anything.
struct FilePathText(String);

impl FilePathText {
    fn harmless(self) -> crate::model::path::FilePath {
        crate::model::path::FilePath::from(harmless(&self.0).as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ci::System;
    use crate::report::ci::dialect;
    use crate::report::sessions::{begun, ended, finished, started, wrote};
    use crate::report::view::samples::{failed, plan, planned, result, summary};

    fn told(events: &[Event]) -> String {
        let output = Output::memory();
        let mut remarks = Remarks::new(dialect(System::GitHub), output.clone(), Grounds::default());
        events.iter().for_each(|it| remarks.event(it));
        output.contents()
    }

    #[test]
    fn a_failure_without_a_place_is_told_by_its_last_words() {
        let failure = failed(300, "one\n\x1b[31m##[error]two, 50%\x1b[0m\n\n");
        let events = [
            begun(plan(vec![planned("api:test", &[]), planned("b:test", &[])])),
            started(0),
            wrote(0, "warning: nothing\n"),
            finished(0, &failure),
            finished(1, &result(Outcome::Passed, 1)),
            ended(summary(vec![failure.clone()], 300)),
        ];
        assert_eq!(
            told(&events),
            "::error title=api%3Atest::exit code 1: # #[error]two, 50%25\n"
        );
    }

    #[test]
    fn no_more_is_told_than_is_shown() {
        let ids: Vec<String> = (0..15).map(|at| format!("s{at}:test")).collect();
        let tasks = ids.iter().map(|it| planned(it, &[])).collect();
        let failure = failed(300, "no\n");
        let mut events = vec![begun(plan(tasks))];
        events.extend((0..15).map(|at| finished(at, &failure)));
        events.push(ended(summary(vec![failure; 15], 300)));
        let said = told(&events);
        assert_eq!(said.matches("::error ").count(), 10);
        assert!(said.ends_with("5 more remarks of this kind in the logs above\n"));
    }
}
