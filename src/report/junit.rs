//! `--junit FILE`: a run as CI systems read test results. A service is a suite, a task is a case.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, FixedOffset};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use crate::model::annotation::{Annotation, Severity};
use crate::model::event::Event;
use crate::model::name::TaskId;
use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, TaskResult};
use crate::report::clean::one_line;
use crate::report::clock::Clock;
use crate::report::lines::{Keep, clean_lines};
use crate::report::remarks::last_words;
use crate::report::replace::replace;

/// Writes the file when the run begins, is asked to stop and ends, each time whole: whoever kills `svc` leaves one that says
/// what is known.
pub struct Junit {
    path: PathBuf,
    clock: Clock,
    /// When the first run began.
    began: Option<Duration>,
    /// Of the runs before this one: a deploy is several.
    before: Vec<Run>,
    now: Run,
    warning: Option<String>,
    has_failed: bool,
}

/// What is known of a run.
#[derive(Clone, Default)]
struct Run {
    plan: Arc<Plan>,
    results: Vec<Option<TaskResult>>,
    /// When each task began, or its earlier result was taken.
    began: HashMap<usize, Duration>,
}

/// So much of the end of a log goes into the file, and so much of all together.
const OF_ONE_LOG: u64 = 64 << 10;
const OF_ALL_LOGS: usize = 4 << 20;

impl Junit {
    /// Begins the file anew, with nothing in it.
    pub fn create(path: PathBuf) -> Self {
        Self::with_clock(path, Clock::start())
    }

    fn with_clock(path: PathBuf, clock: Clock) -> Self {
        let mut it = Self {
            path,
            clock,
            began: None,
            before: Vec::new(),
            now: Run::default(),
            warning: None,
            has_failed: false,
        };
        it.write(&[]);
        it
    }

    /// What went wrong, once.
    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    /// Takes note of `event`, with what tools said so far of places in files.
    pub fn event(&mut self, event: &Event, remarks: &[Annotation]) {
        let time = self.clock.now();
        match event {
            Event::RunStarted { plan, .. } => {
                self.began.get_or_insert(time);
                let now = Run {
                    plan: plan.clone(),
                    results: vec![None; plan.tasks.len()],
                    began: HashMap::new(),
                };
                self.before.push(std::mem::replace(&mut self.now, now));
                self.write(remarks);
            }
            // The first try counts, as for the time that it takes.
            Event::TaskStarted { task, .. } => {
                self.now.began.entry(*task).or_insert(time);
            }
            Event::TaskFinished { task, result } => {
                self.now.began.entry(*task).or_insert(time);
                if let Some(place) = self.now.results.get_mut(*task) {
                    *place = Some(result.clone());
                }
            }
            Event::Stopping { .. } => self.write(remarks),
            Event::RunFinished { summary } => {
                self.now.results = summary.results.iter().cloned().map(Some).collect();
                self.write(remarks);
            }
            Event::TaskWrote { .. }
            | Event::TaskRetried { .. }
            | Event::Warned { .. }
            | Event::Noted { .. }
            | Event::Advised { .. } => {}
        }
    }

    fn write(&mut self, remarks: &[Annotation]) {
        if self.has_failed {
            return;
        }
        let mut text = Vec::new();
        let written = match self.report(remarks).serialize(&mut text) {
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

    fn report(&self, remarks: &[Annotation]) -> Report {
        let mut suites: BTreeMap<String, TestSuite> = BTreeMap::new();
        let mut order = Vec::new();
        let mut room = OF_ALL_LOGS;
        for run in self.before.iter().chain([&self.now]) {
            let rows = run.plan.tasks.iter().zip(&run.results).enumerate();
            for (task, (planned, result)) in rows {
                let service = planned.id.service.to_string();
                let suite = suites.entry(service.clone()).or_insert_with(|| {
                    order.push(service.clone());
                    TestSuite::new(&service)
                });
                let remark = first_error(remarks, &planned.id);
                let status = match result {
                    Some(result) => status(result, planned.verdict, remark),
                    None => interrupted("it was not over when this was written"),
                };
                let mut case = TestCase::new(planned.id.task.to_string(), status);
                let time = result.as_ref().map(|it| it.duration).unwrap_or_default();
                case.set_classname(service).set_time(time);
                if let Some(began) = run.began.get(&task).and_then(|it| moment(*it)) {
                    case.set_timestamp(began);
                    suite.timestamp = Some(suite.timestamp.map_or(began, |it| it.min(began)));
                }
                if let Some(result) = result.as_ref().filter(|it| is_failure(it)) {
                    add_place(&mut case, remark);
                    add_log(&mut case, result, &mut room);
                }
                suite.time = Some(suite.time.unwrap_or_default() + time);
                suite.add_test_case(case);
            }
        }
        let mut report = Report::new("svc");
        let suites: Vec<_> = order.iter().filter_map(|it| suites.remove(it)).collect();
        let time = suites.iter().filter_map(|it| it.time).sum();
        report.set_time(time);
        report.timestamp = self.began.and_then(moment);
        report.add_test_suites(suites);
        report
    }
}

/// A time since 1970 as the format has it.
fn moment(time: Duration) -> Option<DateTime<FixedOffset>> {
    let millis = i64::try_from(time.as_millis()).ok()?;
    Some(DateTime::from_timestamp_millis(millis)?.fixed_offset())
}

fn is_failure(result: &TaskResult) -> bool {
    matches!(result.outcome, Outcome::Failed | Outcome::TimedOut)
}

/// The first place that a tool called wrong in a task.
fn first_error<'r>(remarks: &'r [Annotation], task: &TaskId) -> Option<&'r Annotation> {
    let task = task.to_string();
    let is_it = |it: &&Annotation| it.severity == Severity::Error && it.task == task;
    remarks.iter().find(is_it)
}

/// The file of a failure, which some systems lead to.
fn add_place(case: &mut TestCase, remark: Option<&Annotation>) {
    let Some(path) = remark.and_then(|it| it.path.as_ref()) else {
        return;
    };
    let mut add = |name: &str, value: String| case.extra.insert(name.into(), value.into());
    add("file", text(&path.display()));
    if let Some(line) = remark.and_then(|it| it.line) {
        add("line", line.to_string());
    }
}

/// The end of the log of a failure, longer than what stands in the failure itself.
fn add_log(case: &mut TestCase, result: &TaskResult, room: &mut usize) {
    let log = result.log.as_deref().and_then(|it| end_of(it).ok());
    let Some(log) = log.filter(|it| it.len() <= *room) else {
        return;
    };
    *room -= log.len();
    if !log.is_empty() {
        case.set_system_out(lines(&log));
    }
}

/// The last whole lines of a file.
fn end_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut file = File::open(path)?;
    let start = file.metadata()?.len().saturating_sub(OF_ONE_LOG);
    file.seek(SeekFrom::Start(start))?;
    let mut bytes = Vec::new();
    file.take(OF_ONE_LOG).read_to_end(&mut bytes)?;
    if start > 0 {
        let line = bytes.iter().position(|it| *it == b'\n');
        bytes.drain(..line.map_or(0, |it| it + 1));
    }
    Ok(bytes)
}

/// What went wrong, in a line: what a tool says of a place, or else the last words of the task, and how it ended.
fn telling(result: &TaskResult, remark: Option<&Annotation>) -> String {
    let said = match remark {
        Some(remark) if remark.path.is_some() => {
            format!("{}: {}", remark.place(), remark.text())
        }
        _ => last_words(result),
    };
    match said.is_empty() {
        true => text(&result.reason),
        false => text(&format!("{said} ({})", result.reason)),
    }
}

fn status(result: &TaskResult, verdict: Verdict, remark: Option<&Annotation>) -> TestCaseStatus {
    let bad = |kind: NonSuccessKind, word: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(telling(result, remark)).set_type(word);
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
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::*;
    use crate::report::sessions::{a_run_that_fails, begun, ended};
    use crate::report::view::samples::{failed, plan, planned, summary};

    fn written(events: &[Event]) -> String {
        written_with(events, &[])
    }

    fn written_with(events: &[Event], remarks: &[Annotation]) -> String {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("junit.xml");
        let now = Arc::new(AtomicU64::new(1_700_000_000_000));
        let mut junit = Junit::with_clock(path.clone(), Clock::Fixed(now.clone()));
        for event in events {
            junit.event(event, remarks);
            now.fetch_add(1500, Ordering::Relaxed);
        }
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
    fn a_failure_says_what_and_where_and_how_it_came_to_it() {
        let directory = tempfile::tempdir().unwrap();
        let log = directory.path().join("log");
        let long = "begin\n".to_owned() + &"x\u{1}]]>\x1b[31m\n".repeat(20_000) + "end\n";
        std::fs::write(&log, &long).unwrap();
        let mut failure = failed(1, "more\nlast <words>\n\n");
        failure.log = Some(log);
        let events = [
            begun(plan(vec![planned("api:test", &[])])),
            ended(summary(vec![failure], 1)),
        ];
        let remark = Annotation {
            path: Some("api/test_\"x\".py".into()),
            line: Some(5),
            test: Some("test_rate".to_owned()),
            ..Annotation::new("api:test", "1 & 2")
        };
        let of_other = Annotation {
            task: "web:test".to_owned(),
            ..remark.clone()
        };
        let attribute = |remarks: &[Annotation], tag: &str, name: &str| {
            let text = written_with(&events, remarks);
            let document = roxmltree::Document::parse(&text).unwrap();
            let node = document
                .descendants()
                .find(|it| it.has_tag_name(tag))
                .unwrap();
            node.attribute(name).map(str::to_owned)
        };
        let message = |remarks: &[Annotation]| attribute(remarks, "failure", "message").unwrap();
        assert_eq!(message(&[]), "last <words> (exit code 1)");
        assert_eq!(message(&[of_other]), "last <words> (exit code 1)");
        let remarks = [remark];
        assert_eq!(
            message(&remarks),
            "api/test_\"x\".py:5: test_rate: 1 & 2 (exit code 1)"
        );
        assert_eq!(
            attribute(&remarks, "testcase", "file").unwrap(),
            "api/test_\"x\".py"
        );
        assert_eq!(attribute(&remarks, "testcase", "line").unwrap(), "5");
        let text = written(&events);
        let document = roxmltree::Document::parse(&text).unwrap();
        let out = document
            .descendants()
            .find(|it| it.has_tag_name("system-out"));
        let out = out.unwrap().text().unwrap();
        assert!(
            out.starts_with("x]]>\nx]]>\n") && out.ends_with("x]]>\nend"),
            "{}",
            &out[..40]
        );
        assert!(out.len() < 64 << 10);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_warned_of_once() {
        for path in ["/dev/full", "/nowhere/junit.xml"] {
            let mut junit = Junit::create(path.into());
            let first = junit.take_warning().unwrap();
            assert!(first.starts_with("JUnit results are not written to `/"));
            a_run_that_fails()
                .iter()
                .for_each(|it| junit.event(it, &[]));
            assert_eq!(junit.take_warning(), None);
        }
    }
}
