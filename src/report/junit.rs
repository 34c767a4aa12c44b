//! `--junit FILE`: a run as CI systems read test results. A service is a suite, a task is a case.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::model::event::Event;
use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, TaskResult};
use crate::report::clean::one_line;
use crate::report::lines::{Keep, clean_lines};
use crate::report::replace::replace;

/// Writes the file when the run begins, is asked to stop and ends, each time whole: whoever kills `svc` leaves one that says
/// what is known.
pub struct Junit {
    path: PathBuf,
    /// Of the runs before this one: a deploy is several.
    before: Vec<(Arc<Plan>, Vec<Option<TaskResult>>)>,
    plan: Arc<Plan>,
    results: Vec<Option<TaskResult>>,
    warning: Option<String>,
    has_failed: bool,
}

impl Junit {
    /// Begins the file anew, with nothing in it.
    pub fn create(path: PathBuf) -> Self {
        let mut it = Self {
            path,
            before: Vec::new(),
            plan: Arc::default(),
            results: Vec::new(),
            warning: None,
            has_failed: false,
        };
        it.write();
        it
    }

    /// What went wrong, once.
    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    /// Takes note of `event`.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { plan, .. } => {
                let results = std::mem::take(&mut self.results);
                self.before.push((self.plan.clone(), results));
                self.results = vec![None; plan.tasks.len()];
                self.plan = plan.clone();
                self.write();
            }
            Event::TaskFinished { task, result } => {
                if let Some(place) = self.results.get_mut(*task) {
                    *place = Some(result.clone());
                }
            }
            Event::Stopping { .. } => self.write(),
            Event::RunFinished { summary } => {
                self.results = summary.results.iter().cloned().map(Some).collect();
                self.write();
            }
            Event::TaskStarted { .. }
            | Event::TaskWrote { .. }
            | Event::TaskRetried { .. }
            | Event::Warned { .. }
            | Event::Noted { .. }
            | Event::Advised { .. } => {}
        }
    }

    fn write(&mut self) {
        if self.has_failed {
            return;
        }
        let mut text = Vec::new();
        let written = match self.report().serialize(&mut text) {
            Ok(()) => replace(&self.path, &text).map_err(|it| it.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = written {
            self.has_failed = true;
            let name = self.path.display();
            self.warning = Some(format!(
                "JUnit results are not written to `{name}`: {error}"
            ));
        }
    }

    fn report(&self) -> Report {
        let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
        let mut order = Vec::new();
        let now = (self.plan.clone(), self.results.clone());
        for (plan, results) in self.before.iter().chain([&now]) {
            for (planned, result) in plan.tasks.iter().zip(results) {
                let service = planned.id.service.to_string();
                let suite = suites.entry(service.clone()).or_insert_with(|| {
                    order.push(service.clone());
                    TestSuite::new(&service)
                });
                let status = match result {
                    Some(result) => status(result, planned.verdict),
                    None => interrupted("it was not over when this was written"),
                };
                let mut case = TestCase::new(planned.id.task.to_string(), status);
                let time = result.as_ref().map(|it| it.duration).unwrap_or_default();
                case.set_classname(service).set_time(time);
                suite.time = Some(suite.time.unwrap_or_default() + time);
                suite.add_test_case(case);
            }
        }
        let mut report = Report::new("svc");
        let suites: Vec<_> = order.iter().filter_map(|it| suites.remove(it)).collect();
        let time = suites.iter().filter_map(|it| it.time).sum();
        report.set_time(time);
        report.add_test_suites(suites);
        report
    }
}

fn status(result: &TaskResult, verdict: Verdict) -> TestCaseStatus {
    let bad = |kind: NonSuccessKind, word: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(text(&result.reason)).set_type(word);
        status.set_description(lines(&result.tail));
        status
    };
    let skipped = |message: &str| {
        let mut status = TestCaseStatus::skipped();
        status.set_message(text(message));
        status
    };
    match result.outcome {
        Outcome::Passed => TestCaseStatus::success(),
        Outcome::Cached => skipped("cached"),
        Outcome::Skipped if verdict == Verdict::Skip => skipped("up to date"),
        Outcome::Skipped => skipped(&result.reason),
        Outcome::Interrupted if result.attempts == 0 => skipped("not started: interrupted"),
        Outcome::Interrupted => interrupted("interrupted"),
        // It ran and said no; a signal is its own doing as well.
        Outcome::Failed if result.exit_code.is_some() => bad(NonSuccessKind::Failure, "exit"),
        Outcome::Failed if result.reason.starts_with("ended by ") => {
            bad(NonSuccessKind::Failure, "signal")
        }
        Outcome::Failed => bad(NonSuccessKind::Error, "error"),
        Outcome::TimedOut => bad(NonSuccessKind::Error, "timeout"),
    }
}

/// Text on one line that XML may hold.
fn text(text: &str) -> String {
    lines(one_line(text).as_bytes())
}

/// Lines that XML may hold.
fn lines(bytes: &[u8]) -> String {
    let mut text = String::new();
    clean_lines(bytes, Keep::Text, |line| {
        let line = String::from_utf8_lossy(line);
        text.extend(
            line.chars()
                .filter(|it| !matches!(it, '\u{fffe}' | '\u{ffff}')),
        );
        text.push('\n');
    });
    text.trim_end().to_owned()
}

fn interrupted(message: &str) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(message).set_type("interrupted");
    status
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sessions::{a_run_that_fails, begun, ended};
    use crate::report::view::samples::{failed, plan, planned, summary};

    fn written(events: &[Event]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("junit.xml");
        let mut junit = Junit::create(path.clone());
        events.iter().for_each(|it| junit.event(it));
        assert_eq!(junit.take_warning(), None);
        std::fs::read_to_string(path).unwrap()
    }

    #[test]
    fn a_suite_is_a_service_and_a_case_is_a_task() {
        insta::assert_snapshot!(written(&a_run_that_fails()));
    }

    #[test]
    fn nothing_to_do_is_a_report_too() {
        let text = written(&[begun(Plan::default()), ended(summary(vec![], 0))]);
        let document = roxmltree::Document::parse(&text).unwrap();
        assert_eq!(document.root_element().attribute("tests"), Some("0"));
    }

    #[test]
    fn an_unfinished_run_says_what_is_known() {
        let events = a_run_that_fails();
        let mut begun: Vec<Event> = events[..8].to_vec();
        begun.push(Event::Stopping {
            reason: "SIGINT".into(),
        });
        let text = written(&begun);
        let document = roxmltree::Document::parse(&text).unwrap();
        let suites = document.root_element();
        assert_eq!(suites.attribute("tests"), Some("7"));
        assert_eq!(suites.attribute("errors"), Some("5"));
    }

    #[test]
    fn output_that_is_no_xml_is_made_one() {
        let tail = "a\x00b\x1b[31mred\x1b[0m ]]> <&> \u{fffe}\u{1}\x0c end";
        let failure = failed(1, tail);
        let tasks = plan(vec![planned("api:test", &[])]);
        let text = written(&[begun(tasks), ended(summary(vec![failure], 1))]);
        let document = roxmltree::Document::parse(&text).unwrap();
        let failure = document.descendants().find(|it| it.has_tag_name("failure"));
        let shown = failure.unwrap().text().unwrap();
        assert_eq!(shown, "abred ]]> <&>  end");
        // As a carriage return takes back what stood before it, so it does here.
        assert!(!text.contains("\r"));
        assert!(!text.contains('\u{1b}'));
    }

    #[test]
    fn a_file_that_cannot_be_written_is_warned_of_once() {
        for path in ["/dev/full", "/nowhere/junit.xml"] {
            let mut junit = Junit::create(path.into());
            let first = junit.take_warning().unwrap();
            assert!(first.starts_with("JUnit results are not written to `/"));
            a_run_that_fails().iter().for_each(|it| junit.event(it));
            assert_eq!(junit.take_warning(), None);
        }
    }
}
