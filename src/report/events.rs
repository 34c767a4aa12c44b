//! `--events FILE`: each event as one line of JSON, whole as soon as it happened.

use std::collections::HashMap;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::Arc;

use serde_json::{Value, json};

use crate::model::event::Event;
use crate::model::plan::Plan;
use crate::report::clock::Clock;
use crate::report::document;
use crate::report::plan::plan_rows;
use crate::report::reporter::Reporter;
use crate::report::run_json::{result_fields, summary_json};

/// Writes events to a file until that fails.
pub struct EventsReporter {
    name: String,
    file: Option<File>,
    /// Runs since the first run began: a deploy is several.
    clock: Option<Clock>,
    plan: Arc<Plan>,
    /// The beginning of a letter that the next chunk of a task may complete.
    halves: HashMap<usize, Vec<u8>>,
    warning: Option<String>,
}

impl EventsReporter {
    /// Begins the file anew. Where that is not possible, there is a warning and nothing else.
    pub fn create(path: &Path) -> Self {
        let mut reporter = Self {
            name: path.display().to_string(),
            file: None,
            clock: None,
            plan: Arc::default(),
            halves: HashMap::new(),
            warning: None,
        };
        match File::create(path) {
            Ok(file) => reporter.file = Some(file),
            Err(error) => reporter.give_up(&error),
        }
        reporter
    }

    /// What went wrong, once.
    pub fn take_warning(&mut self) -> Option<String> {
        self.warning.take()
    }

    fn give_up(&mut self, error: &std::io::Error) {
        self.file = None;
        let name = &self.name;
        self.warning = Some(format!("events are not written to `{name}`: {error}"));
    }

    /// One call of the system for each line, so that a kill leaves whole lines.
    fn write(&mut self, event: &str, fields: Value) {
        let Some(file) = &mut self.file else { return };
        let clock = self.clock.get_or_insert_with(Clock::start);
        let time = clock.elapsed().as_millis() as u64;
        let mut line = json!({"version": 1, "event": event, "time_ms": time});
        if let (Some(line), Value::Object(fields)) = (line.as_object_mut(), fields) {
            line.extend(fields);
        }
        if let Err(error) = file.write_all(document::line(&line).as_bytes()) {
            self.give_up(&error);
        }
    }

    fn id(&self, task: usize) -> Value {
        json!(self.plan.tasks.get(task).map(|it| &it.id))
    }

    fn text(&mut self, task: usize, bytes: &[u8]) -> String {
        let half = self.halves.entry(task).or_default();
        half.extend_from_slice(bytes);
        let rest = half.split_off(whole_letters(half));
        let text = String::from_utf8_lossy(half).into_owned();
        *half = rest;
        text
    }
}

impl Reporter for EventsReporter {
    fn event(&mut self, event: &Event) {
        if self.file.is_none() {
            return;
        }
        match event {
            Event::RunStarted { plan, id, jobs } => {
                self.halves.clear();
                self.plan = plan.clone();
                let fields = json!({"run": id, "jobs": jobs, "tasks": plan_rows(plan)});
                self.write("run-started", fields);
            }
            Event::TaskStarted { task, attempt } => {
                let fields = json!({"task": self.id(*task), "attempt": attempt});
                self.write("task-started", fields);
            }
            Event::TaskWrote { task, bytes } => {
                let text = self.text(*task, bytes);
                let fields = json!({"task": self.id(*task), "text": text});
                self.write("task-wrote", fields);
            }
            Event::TaskRetried { task, reason } => {
                let fields = json!({"task": self.id(*task), "reason": reason});
                self.write("task-retried", fields);
            }
            Event::TaskFinished { task, result } => {
                self.halves.remove(task);
                let mut fields = json!({"task": self.id(*task)});
                if let Some(fields) = fields.as_object_mut() {
                    fields.extend(result_fields(result));
                }
                self.write("task-finished", fields);
            }
            Event::Warned { message } => self.write("warned", json!({"message": message})),
            Event::Noted { message } => self.write("noted", json!({"message": message})),
            Event::Advised { message } => self.write("advised", json!({"message": message})),
            Event::Stopping { reason } => self.write("stopping", json!({"reason": reason})),
            Event::RunFinished { summary } => {
                let fields = json!({"summary": summary_json(&self.plan, summary)});
                self.write("run-finished", fields);
            }
        }
    }
}

/// How many of the bytes are whole letters, or cannot become any.
fn whole_letters(bytes: &[u8]) -> usize {
    match std::str::from_utf8(bytes) {
        Ok(_) => bytes.len(),
        Err(_) => {
            let last = bytes.utf8_chunks().last();
            let invalid = last.map_or(&[][..], |chunk| chunk.invalid());
            let could_go_on = std::str::from_utf8(invalid)
                .is_err_and(|error| error.error_len().is_none() && !invalid.is_empty());
            match could_go_on {
                true => bytes.len() - invalid.len(),
                false => bytes.len(),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::run::Outcome;
    use crate::report::schema::tests::validate;
    use crate::report::view::samples::{failed, plan, planned, result, summary};

    fn events() -> Vec<Event> {
        let plan = Arc::new(plan(vec![
            planned("api:build", &[]),
            planned("api:test", &[0]),
        ]));
        let results = vec![result(Outcome::Passed, 1200), failed(300, "no")];
        vec![
            Event::RunStarted {
                plan,
                id: Some("7".into()),
                jobs: 2,
            },
            Event::TaskStarted {
                task: 0,
                attempt: 1,
            },
            Event::TaskWrote {
                task: 0,
                bytes: b"caf\xc3".to_vec(),
            },
            Event::TaskWrote {
                task: 0,
                bytes: b"\xa9\xff\"\n".to_vec(),
            },
            Event::TaskFinished {
                task: 0,
                result: results[0].clone(),
            },
            Event::TaskRetried {
                task: 1,
                reason: "exit code 1".into(),
            },
            Event::Warned {
                message: "disk full".into(),
            },
            Event::Noted {
                message: "a damaged result was dropped".into(),
            },
            Event::Stopping {
                reason: "SIGINT".into(),
            },
            Event::TaskFinished {
                task: 1,
                result: results[1].clone(),
            },
            Event::RunFinished {
                summary: Arc::new(summary(results, 1500)),
            },
        ]
    }

    #[test]
    fn every_event_is_a_line_of_its_own() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("events");
        let mut reporter = EventsReporter::create(&path);
        for event in events() {
            reporter.event(&event);
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<Value> = text
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        lines.iter().for_each(|line| validate("event", line));
        let kinds: Vec<_> = lines
            .iter()
            .map(|it| it["event"].as_str().unwrap())
            .collect();
        assert_eq!(
            kinds,
            [
                "run-started",
                "task-started",
                "task-wrote",
                "task-wrote",
                "task-finished",
                "task-retried",
                "warned",
                "noted",
                "stopping",
                "task-finished",
                "run-finished"
            ]
        );
        assert!(
            lines
                .iter()
                .all(|it| it["version"] == 1 && it["time_ms"].is_u64())
        );
        assert_eq!(lines[2]["text"], "caf");
        assert_eq!(lines[3]["text"], "é\u{fffd}\"\n");
        assert_eq!(lines[4]["outcome"], "passed");
        assert_eq!(lines[9]["exit_code"], 1);
        assert_eq!(lines[10]["summary"]["failed"], 1);
    }

    #[test]
    fn a_file_that_cannot_be_written_is_warned_of_once() {
        let mut reporter = EventsReporter::create(Path::new("/dev/full"));
        let mut warnings = Vec::new();
        for event in events() {
            reporter.event(&event);
            warnings.extend(reporter.take_warning());
        }
        assert_eq!(warnings.len(), 1, "{warnings:?}");
        assert!(warnings[0].starts_with("events are not written to `/dev/full`"));
        let mut reporter = EventsReporter::create(Path::new("/nowhere/events"));
        assert!(reporter.take_warning().is_some());
    }
}
