//! The answer of `svc log`: what a recorded run did, and the log of one of its tasks.

use std::io::Read;

use serde_json::{Map, Value, json};

use crate::model::path::encoded;
use crate::model::run::Outcome;
use crate::report::clean::one_line;
use crate::report::lines::{Keep, LINE_LIMIT, Lines};
use crate::report::output::{Condition, Output};
use crate::report::table::Table;
use crate::report::task_log::show_file;
use crate::report::view::{LoggedTask, Look, RunView};
use crate::report::words;

/// The tasks of a run that have something to show, as a table; all of them with `-v`.
pub fn run_text(run: &RunView, look: Look) -> String {
    let about = match run.about.is_empty() {
        true => String::new(),
        false => format!(": {}", one_line(&run.about)),
    };
    let mut text = format!("run {}{about}\n", one_line(&run.id));
    let mut table = Table::new(&["task", "outcome", "time", "reason"]);
    let is_shown = |it: &&LoggedTask| look.is_verbose() || it.outcome != Outcome::Skipped;
    let shown: Vec<_> = run.tasks.iter().filter(is_shown).collect();
    for task in &shown {
        let word = task.outcome.word();
        let outcome = match task.outcome {
            Outcome::Passed | Outcome::Cached => look.paint.good(word),
            Outcome::Failed | Outcome::TimedOut => look.paint.bad(word),
            Outcome::Interrupted => look.paint.notable(word),
            Outcome::Skipped => look.paint.faint(word),
        };
        let time = match task.outcome {
            // Nothing ran that could take time.
            Outcome::Cached | Outcome::Skipped => String::new(),
            _ => words::duration(task.duration),
        };
        table.row([task.id.to_string(), outcome, time, one_line(&task.reason)]);
    }
    if !shown.is_empty() {
        text.push_str(&table.render(look));
    }
    match run.tasks.len() - shown.len() {
        0 => {}
        hidden => {
            let skipped = words::count(hidden, "skipped task");
            let hint = look.paint.faint(format!("{skipped}; -v shows all"));
            text.push_str(&(hint + "\n"));
        }
    }
    text
}

/// A run for machines.
pub fn logged_run_json(run: &RunView) -> Value {
    let tasks = run.tasks.iter().map(|task| {
        let log = task.log.as_ref();
        let log = log.map(|path| encoded(path.as_os_str().as_encoded_bytes()));
        let mut fields = Map::from_iter([
            ("id".to_owned(), json!(task.id)),
            ("outcome".to_owned(), json!(task.outcome)),
            ("outcome_reason".to_owned(), json!(task.reason)),
            (
                "duration_ms".to_owned(),
                json!(task.duration.as_millis() as u64),
            ),
            ("log".to_owned(), json!(log.as_ref().map(|(path, _)| path))),
        ]);
        if log.is_some_and(|(_, is_encoded)| is_encoded) {
            fields.insert("path_encoded".to_owned(), json!(true));
        }
        fields
    });
    let tasks: Vec<_> = tasks.collect();
    json!({"version": 1, "run": run.id, "about": run.about, "tasks": tasks})
}

/// Writes a task's log to `output`, cleaned, in bounded memory. On no terminal, bytes that are not text pass through.
pub fn write_log(log: impl Read, look: Look, is_terminal: bool, output: &Output) {
    let keep = match (look.paint.colour, is_terminal) {
        (true, _) => Keep::Colours,
        (false, true) => Keep::Text,
        (false, false) => Keep::Bytes,
    };
    let mut lines = Lines::new(keep, LINE_LIMIT);
    let mut batch = Vec::new();
    let mut each = |line: &[u8]| {
        batch.extend_from_slice(line);
        batch.push(b'\n');
        if batch.len() > 64 * 1024 {
            output.write_bytes(&batch);
            batch.clear();
        }
    };
    let log = WhileOpen { log, output };
    show_file(log, &mut lines, &mut each);
    lines.finish(&mut each);
    output.write_bytes(&batch);
}

/// Ends where the reader of the output has left.
struct WhileOpen<'a, R> {
    log: R,
    output: &'a Output,
}

impl<R: Read> Read for WhileOpen<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self.output.condition() {
            Condition::Open => self.log.read(buffer),
            Condition::Closed | Condition::Failed(_) => Ok(0),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::report::schema::tests::validate;
    use crate::report::view::samples::task;

    fn sample() -> RunView {
        let logged = |id: &str, outcome, millis, reason: &str| LoggedTask {
            id: task(id),
            outcome,
            duration: Duration::from_millis(millis),
            log: Some(format!("/w/{id}.log").into()),
            reason: reason.to_owned(),
        };
        RunView {
            id: "7".to_owned(),
            about: "svc test, 5 minutes ago".to_owned(),
            tasks: vec![
                logged("api:build", Outcome::Passed, 3200, ""),
                logged("api:test", Outcome::Failed, 400, "exit code 1"),
                logged("web:test", Outcome::Skipped, 0, "up to date"),
            ],
        }
    }

    #[test]
    fn a_run_is_a_table_of_its_tasks() {
        insta::assert_snapshot!(run_text(&sample(), Look::default()), @r"
        run 7: svc test, 5 minutes ago
        TASK       OUTCOME  TIME   REASON
        api:build  passed   3.2s
        api:test   failed   400ms  exit code 1
        1 skipped task; -v shows all
        ");
        validate("log", &logged_run_json(&sample()));
        insta::assert_snapshot!(logged_run_json(&sample()), @r#"{"version":1,"run":"7","about":"svc test, 5 minutes ago","tasks":[{"id":"api:build","outcome":"passed","outcome_reason":"","duration_ms":3200,"log":"/w/api:build.log"},{"id":"api:test","outcome":"failed","outcome_reason":"exit code 1","duration_ms":400,"log":"/w/api:test.log"},{"id":"web:test","outcome":"skipped","outcome_reason":"up to date","duration_ms":0,"log":"/w/web:test.log"}]}"#);
    }

    #[test]
    fn a_log_is_shown_clean() {
        let output = Output::memory();
        let log = b"\x1b[31mred\x1b[0m\n50%\r100%\n\x1b[2Jend";
        write_log(&log[..], Look::default(), true, &output);
        assert_eq!(output.contents(), "red\n100%\nend\n");
    }
}
