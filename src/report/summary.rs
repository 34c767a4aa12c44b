//! The summary of a run as Markdown, for CI systems that show one beside the log.

use std::sync::Arc;
use std::time::Duration;

use crate::model::event::Event;
use crate::model::plan::{Plan, PlannedTask, Verdict};
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::report::clean::one_line;
use crate::report::deployed;
use crate::report::lines::{Keep, clean_lines};
use crate::report::view::DeployEndView;
use crate::report::words;

/// Gathers what a summary tells of, through all runs of one call.
#[derive(Default)]
pub struct JobSummary {
    title: String,
    plan: Arc<Plan>,
    runs: Vec<(Arc<Plan>, Arc<Summary>)>,
    /// What was said where nothing was to do.
    idle: Option<String>,
}

/// So many rows a table has at most.
const ROWS: usize = 300;
/// So many failures are shown with their last lines.
const FAILURES: usize = 20;
/// So many causes are named of a task.
const CAUSES: usize = 2;
/// A longer cell is cut.
const CELL: usize = 200;

impl JobSummary {
    /// A summary under `title`: `svc test`.
    pub fn new(title: &str) -> Self {
        Self {
            title: title.to_owned(),
            ..Self::default()
        }
    }

    /// Takes note of `event`.
    pub fn event(&mut self, event: &Event) {
        match event {
            Event::RunStarted { plan, .. } => self.plan = plan.clone(),
            Event::RunFinished { summary } => {
                self.runs.push((self.plan.clone(), summary.clone()));
            }
            Event::TaskStarted { .. }
            | Event::TaskWrote { .. }
            | Event::TaskRetried { .. }
            | Event::TaskFinished { .. }
            | Event::Warned { .. }
            | Event::Noted { .. }
            | Event::Advised { .. }
            | Event::Stopping { .. } => {}
        }
    }

    /// There was nothing to do, and this was said of it.
    pub fn nothing_to_do(&mut self, said: &str) {
        self.idle = Some(said.to_owned());
    }

    /// The text, of at most `limit` bytes; empty if nothing happened.
    pub fn text(&self, end: Option<&DeployEndView>, limit: usize) -> String {
        let title = cell(&self.title);
        let has_rows = self.runs.iter().any(|(plan, _)| is_news(plan));
        if !has_rows && end.is_none() {
            let said = match (&self.idle, self.runs.is_empty()) {
                (Some(said), _) => cell(said),
                (None, false) => "nothing to do".to_owned(),
                (None, true) => return String::new(),
            };
            return format!("**{title}**: {said}\n\n");
        }
        let mut parts = vec![format!("### {title}\n\n")];
        for (plan, summary) in self.runs.iter().filter(|(plan, _)| is_news(plan)) {
            parts.extend([headline(summary), table(plan, summary)]);
        }
        parts.extend(end.map(deploy_end));
        for (plan, summary) in &self.runs {
            parts.extend(failures(plan, summary));
        }
        fit(parts, limit)
    }

    /// Whether something failed.
    pub fn has_failed(&self) -> bool {
        let results = self.runs.iter().flat_map(|(_, it)| &it.results);
        results.into_iter().any(|it| it.outcome.is_bad())
    }
}

/// As many parts as there is room for.
fn fit(parts: Vec<String>, limit: usize) -> String {
    const LEFT_OUT: &str = "\n*The rest is left out: it is in the log.*\n";
    let mut text = String::new();
    for part in parts {
        if text.len() + part.len() + LEFT_OUT.len() > limit {
            if text.len() + LEFT_OUT.len() <= limit {
                text.push_str(LEFT_OUT);
            }
            break;
        }
        text.push_str(&part);
    }
    text
}

fn is_news(plan: &Plan) -> bool {
    plan.count(Verdict::Skip) < plan.tasks.len()
}

/// `12 tasks in 12.3s: 1 failed, 6 passed`.
fn headline(summary: &Summary) -> String {
    let counted = [
        (Outcome::Failed, "failed"),
        (Outcome::TimedOut, "timed out"),
        (Outcome::Interrupted, "interrupted"),
        (Outcome::Passed, "passed"),
        (Outcome::Cached, "cached"),
        (Outcome::Skipped, "skipped"),
    ];
    let counted = counted.map(|(outcome, word)| (summary.count(outcome), word));
    let counts = counted.iter().filter(|(count, _)| *count > 0);
    let counts: Vec<String> = counts
        .map(|(count, word)| format!("{count} {word}"))
        .collect();
    let tasks = words::count(summary.results.len(), "task");
    let time = words::duration(summary.duration);
    let saved: Duration = summary.results.iter().map(|it| it.saved).sum();
    let saved = match saved.as_millis() >= 100 {
        true => format!("; the cache saved {}", words::duration(saved)),
        false => String::new(),
    };
    let begin = match summary.interrupted {
        true => format!("interrupted after {time}, {tasks}"),
        false => format!("{tasks} in {time}"),
    };
    format!("{begin}: {}{saved}\n\n", counts.join(", "))
}

fn table(plan: &Plan, summary: &Summary) -> String {
    let rank = |it: &TaskResult| match it.outcome {
        Outcome::Failed | Outcome::TimedOut => 0,
        Outcome::Interrupted => 1,
        Outcome::Passed => 2,
        Outcome::Cached => 3,
        Outcome::Skipped => 4,
    };
    let rows = plan.tasks.iter().zip(&summary.results);
    // What was up to date before is counted, and no more.
    let mut rows: Vec<_> = rows
        .filter(|(planned, _)| planned.verdict != Verdict::Skip)
        .collect();
    rows.sort_by_key(|(_, result)| rank(result));
    let mut text =
        "| task | why | result | time | cache |\n| --- | --- | --- | ---: | --- |\n".to_owned();
    for (planned, result) in rows.iter().take(ROWS) {
        text.push_str(&row(planned, result));
    }
    if rows.len() > ROWS {
        let more = words::count(rows.len() - ROWS, "more task");
        text.push_str(&format!("| … and {more} | | | | |\n"));
    }
    text + "\n"
}

fn row(planned: &PlannedTask, result: &TaskResult) -> String {
    let mark = match result.outcome {
        Outcome::Passed => "✅ passed",
        Outcome::Failed => "❌ failed",
        Outcome::TimedOut => "❌ timed out",
        Outcome::Interrupted => "⚠️ interrupted",
        Outcome::Cached => "✅ cached",
        Outcome::Skipped => "⏭️ skipped",
    };
    let has_run = result.attempts > 0;
    let time = match has_run {
        true => words::duration(result.duration),
        false => String::new(),
    };
    let cache = match (result.outcome, &result.missed) {
        (Outcome::Cached, _) => format!("hit, saved {}", words::duration(result.saved)),
        (_, Some(missed)) => format!("miss: {}", cell(missed)),
        (_, None) => String::new(),
    };
    let reason = match (result.outcome, result.reason.is_empty()) {
        (Outcome::Passed | Outcome::Cached, _) | (_, true) => String::new(),
        _ => format!(": {}", cell(&result.reason)),
    };
    let why = cell(&words::causes(&planned.causes, CAUSES));
    format!(
        "| {} | {why} | {mark}{reason} | {time} | {cache} |\n",
        cell(&planned.id.to_string())
    )
}

/// Each failure with the last lines of its log.
fn failures(plan: &Plan, summary: &Summary) -> Vec<String> {
    let results = plan.tasks.iter().zip(&summary.results);
    let is_failure = |it: &TaskResult| matches!(it.outcome, Outcome::Failed | Outcome::TimedOut);
    let failed: Vec<_> = results.filter(|(_, it)| is_failure(it)).collect();
    let shown = failed.iter().take(FAILURES);
    let mut parts: Vec<String> = shown
        .map(|(planned, result)| {
            let mut text = format!(
                "#### ❌ {}: {}\n\n",
                cell(&planned.id.to_string()),
                cell(&result.reason)
            );
            text.push_str(&fenced(&result.tail));
            if planned.id.task.as_str() != "deploy" {
                let repeat = one_line(&words::repeat(planned, None, &[]));
                text.push_str(&format!("Repeat:\n\n{}", fenced(repeat.as_bytes())));
            }
            text
        })
        .collect();
    if failed.len() > FAILURES {
        let more = words::count(failed.len() - FAILURES, "more failure");
        parts.push(format!("*{more} in the log.*\n"));
    }
    parts
}

/// What an environment runs after a deploy.
fn deploy_end(end: &DeployEndView) -> String {
    let mut text = format!(
        "**{}** ({}, deploy {})\n\n",
        cell(end.environment.as_str()),
        end.outcome,
        cell(&end.deploy.to_string())
    );
    if let Some(why) = &end.unrecorded {
        text.push_str(&format!(
            "❌ the ledger could not be written to the end: {}\n\n",
            cell(why)
        ));
    }
    if end.services.is_empty() {
        return text + "Nothing was deployed.\n\n";
    }
    text.push_str("| service | runs now | this deploy | address |\n| --- | --- | --- | --- |\n");
    for it in end.services.iter().take(ROWS) {
        let state = match it.state {
            Some(state) => deployed::state(state),
            None => "not begun",
        };
        let error = match &it.error {
            Some(error) => format!(": {}", cell(error)),
            None => String::new(),
        };
        let address = it.address.as_deref().map(cell).unwrap_or_default();
        text.push_str(&format!(
            "| {} | {} | {state}{error} | {address} |\n",
            cell(it.name.as_str()),
            cell(deployed::runs(&it.runs))
        ));
    }
    text + "\n"
}

/// Text from outside on one line, with nothing in it that Markdown or HTML means.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for letter in one_line(text).chars().take(CELL) {
        match letter {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            // A name of somebody, or a number of something, would call for them.
            '@' => out.push_str("&#64;"),
            '#' => out.push_str("&#35;"),
            '|' => out.push_str("&#124;"),
            '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '~' | '$' => out.extend(['\\', letter]),
            letter => out.push(letter),
        }
    }
    out.replace("://", ":&#47;/")
}

/// Text from outside in a block of its own, whose fence is longer than any in it.
fn fenced(bytes: &[u8]) -> String {
    let mut text = String::new();
    clean_lines(bytes, Keep::Text, |line| {
        text.push_str(&String::from_utf8_lossy(line));
        text.push('\n');
    });
    let text = text.trim_end();
    if text.is_empty() {
        return String::new();
    }
    let longest = text
        .split(|it| it != '`')
        .map(str::len)
        .max()
        .unwrap_or_default();
    let fence = "`".repeat(3.max(longest + 1));
    format!("{fence}text\n{text}\n{fence}\n\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sessions::{a_run_that_fails, begun, ended};
    use crate::report::view::samples::{failed, plan, planned, summary};

    const ENOUGH: usize = 1 << 20;

    fn told(events: &[Event], limit: usize) -> String {
        let mut summary = JobSummary::new("svc test");
        events.iter().for_each(|it| summary.event(it));
        summary.text(None, limit)
    }

    #[test]
    fn a_run_is_a_table_and_its_failures() {
        insta::assert_snapshot!(told(&a_run_that_fails(), ENOUGH));
    }

    #[test]
    fn nothing_to_do_is_one_line() {
        let events = [begun(Plan::default()), ended(summary(vec![], 0))];
        assert_eq!(told(&events, ENOUGH), "**svc test**: nothing to do\n\n");
        let mut summary = JobSummary::new("svc test");
        summary.nothing_to_do("nothing changed since origin/main\n");
        assert_eq!(
            summary.text(None, ENOUGH),
            "**svc test**: nothing changed since origin/main\n\n"
        );
        assert_eq!(JobSummary::new("svc test").text(None, ENOUGH), "");
    }

    #[test]
    fn nothing_from_outside_is_markup() {
        let hostile = "a|b <img src=x> [x](http://e) ````\n```\n<b>@you #1 `c`";
        let mut failure = failed(1, hostile);
        failure.reason = hostile.to_owned();
        failure.missed = Some(hostile.to_owned());
        let tasks = plan(vec![planned("api:test", &[])]);
        let text = told(&[begun(tasks), ended(summary(vec![failure], 1))], ENOUGH);
        insta::assert_snapshot!(text);
        let row = text
            .lines()
            .find(|it| it.starts_with("| api:test"))
            .unwrap();
        assert_eq!(row.matches('|').count(), 6, "{row}");
    }

    #[test]
    fn a_summary_fits_whatever_happened() {
        let failure = failed(1, &"x".repeat(16 << 10));
        let tasks: Vec<_> = (0..100)
            .map(|at| planned(&format!("s{at}:test"), &[]))
            .collect();
        let events = [begun(plan(tasks)), ended(summary(vec![failure; 100], 1))];
        for limit in [0, 10, 100, 1000, 100_000, ENOUGH] {
            let text = told(&events, limit);
            assert!(text.len() <= limit, "{limit}");
        }
        assert!(told(&events, 100_000).ends_with("it is in the log.*\n"));
    }
}
