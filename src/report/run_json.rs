//! A run as one document for machines, at its end.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value, json};

use crate::model::event::Event;
use crate::model::path::encoded;
use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::report::document::document as text;
use crate::report::output::Output;
use crate::report::plan::plan_row;
use crate::report::reporter::Reporter;

/// Waits for the end and writes the document.
pub struct RunJson {
    output: Output,
    plan: Arc<Plan>,
    id: Option<String>,
}

impl RunJson {
    /// Will write to `output`.
    pub fn new(output: Output) -> Self {
        Self {
            output,
            plan: Arc::default(),
            id: None,
        }
    }
}

impl Reporter for RunJson {
    fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { plan, id, jobs: _ } => {
                self.plan = plan.clone();
                self.id = id.clone();
            }
            Event::TaskStarted { .. }
            | Event::TaskWrote { .. }
            | Event::TaskRetried { .. }
            | Event::TaskFinished { .. }
            | Event::Warned { .. }
            | Event::Noted { .. }
            | Event::Advised { .. }
            | Event::Stopping { .. } => {}
            Event::RunFinished { summary } => {
                let document = run_json(&self.plan, summary, self.id.as_deref());
                self.output.write(&text(&document));
            }
        }
    }
}

/// The rows of the plan with what came of each, and the summary.
pub fn run_json(plan: &Plan, summary: &Summary, id: Option<&str>) -> Value {
    let tasks = plan.tasks.iter().zip(&summary.results);
    let rows: Vec<Map<String, Value>> = tasks
        .map(|(task, result)| {
            let mut row = plan_row(plan, task);
            row.extend(result_fields(result));
            if result.key.is_some() {
                row.insert("key".to_owned(), json!(result.key));
            }
            row
        })
        .collect();
    json!({"version": 1, "run": id, "tasks": rows, "summary": summary_json(plan, summary)})
}

/// What came of a task.
pub fn result_fields(result: &TaskResult) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut add = |name: &str, value: Value| {
        fields.insert(name.to_owned(), value);
    };
    add("outcome", json!(result.outcome));
    add("outcome_reason", json!(result.reason));
    add("exit_code", json!(result.exit_code));
    add("duration_ms", json!(millis(result.duration)));
    add("attempts", json!(result.attempts));
    let log = result.log.as_ref();
    let log = log.map(|path| encoded(path.as_os_str().as_encoded_bytes()));
    add("log", json!(log.as_ref().map(|(path, _)| path)));
    if log.is_some_and(|(_, is_encoded)| is_encoded) {
        add("path_encoded", json!(true));
    }
    add("hints", json!(result.hints));
    add("values", json!(result.values));
    add("missed", json!(result.missed));
    add("saved_ms", json!(millis(result.saved)));
    fields
}

/// The summary of a run.
pub fn summary_json(plan: &Plan, summary: &Summary) -> Value {
    let path = summary.critical_path.iter();
    let path: Vec<_> = path
        .filter_map(|task| plan.tasks.get(*task))
        .map(|it| &it.id)
        .collect();
    json!({
        "tasks": summary.results.len(),
        "passed": summary.count(Outcome::Passed),
        "failed": summary.count(Outcome::Failed),
        "timed_out": summary.count(Outcome::TimedOut),
        "cached": summary.count(Outcome::Cached),
        "skipped": summary.count(Outcome::Skipped),
        "up_to_date": plan.count(Verdict::Skip),
        "interrupted": summary.count(Outcome::Interrupted),
        "was_interrupted": summary.interrupted,
        "duration_ms": millis(summary.duration),
        "saved_ms": millis(saved(summary)),
        "critical_path": path,
    })
}

/// The time that the runs took whose results were taken.
pub fn saved(summary: &Summary) -> Duration {
    summary.results.iter().map(|it| it.saved).sum()
}

fn millis(time: Duration) -> u64 {
    time.as_millis() as u64
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::report::schema::tests::validate;
    use crate::report::view::samples::{failed, plan, planned, result, summary};

    #[test]
    fn a_run_for_machines_has_the_documented_fields() {
        let mut tasks = vec![planned("api:build", &[]), planned("api:test", &[0])];
        tasks[0].verdict = Verdict::Cached;
        tasks[0].key = Some("ab12".to_owned());
        let mut results = vec![result(Outcome::Cached, 10), failed(300, "no")];
        results[0].saved = Duration::from_secs(9);
        results[1].missed = Some("services/api/a.py changed".into());
        results[1].log = Some("/w/.git/svc/api-test.log".into());
        let document = run_json(&plan(tasks), &summary(results, 1500), Some("7"));
        validate("run", &document);
        insta::assert_snapshot!(serde_json::to_string_pretty(&document).unwrap(), @r#"
        {
          "version": 1,
          "run": "7",
          "tasks": [
            {
              "id": "api:build",
              "service": "api",
              "task": "build",
              "needs": [],
              "verdict": "cached",
              "reason": "",
              "key": "ab12",
              "causes": [
                {
                  "kind": "requested"
                }
              ],
              "outcome": "cached",
              "outcome_reason": "",
              "exit_code": null,
              "duration_ms": 10,
              "attempts": 1,
              "log": null,
              "hints": [],
              "values": {},
              "missed": null,
              "saved_ms": 9000
            },
            {
              "id": "api:test",
              "service": "api",
              "task": "test",
              "needs": [
                "api:build"
              ],
              "verdict": "run",
              "reason": "",
              "key": null,
              "causes": [
                {
                  "kind": "requested"
                }
              ],
              "outcome": "failed",
              "outcome_reason": "exit code 1",
              "exit_code": 1,
              "duration_ms": 300,
              "attempts": 1,
              "log": "/w/.git/svc/api-test.log",
              "hints": [],
              "values": {},
              "missed": "services/api/a.py changed",
              "saved_ms": 0
            }
          ],
          "summary": {
            "tasks": 2,
            "passed": 0,
            "failed": 1,
            "timed_out": 0,
            "cached": 1,
            "skipped": 0,
            "up_to_date": 0,
            "interrupted": 0,
            "was_interrupted": false,
            "duration_ms": 1500,
            "saved_ms": 9000,
            "critical_path": []
          }
        }
        "#);
    }

    #[test]
    fn a_path_that_is_no_text_is_encoded() {
        let mut it = result(Outcome::Passed, 1);
        it.log = Some(std::ffi::OsStr::from_bytes(b"/tmp/\xff").into());
        let fields = result_fields(&it);
        assert_eq!(fields["log"], "/tmp/%FF");
        assert_eq!(fields["path_encoded"], true);
    }
}
