//! The end of a run: what failed, with the last lines of its log and what to type next; then what came of it all.

use std::collections::{BTreeMap, HashSet};

use crate::model::plan::{Plan, Verdict};
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::report::clean::one_line;
use crate::report::lines::{Keep, clean_lines};
use crate::report::paint::Paint;
use crate::report::run_json::saved;
use crate::report::settings::Verbosity;
use crate::report::words;

/// What the end is made of.
pub struct Ending<'a> {
    pub plan: &'a Plan,
    pub summary: &'a Summary,
    pub paint: Paint,
    pub verbosity: Verbosity,
    /// `-C`, for commands that repeat a task.
    pub directory: Option<&'a str>,
    /// Flags of such commands.
    pub flags: &'a [String],
    /// Failures whose log still stands a few lines above.
    pub in_sight: HashSet<usize>,
}

/// So many failures are shown with their logs; the others only by name.
const DETAILED_FAILURES: usize = 20;
/// So many of the last lines of a log are shown.
const TAIL_LINES: usize = 30;
/// So many skipped dependents are named.
const NAMED_SKIPS: usize = 5;
/// So many tasks of the longest chain are named.
const NAMED_CHAIN: usize = 6;

/// The text, each line with its end.
pub fn ending(it: &Ending) -> String {
    let mut text = String::new();
    let results = it.summary.results.iter().enumerate();
    let failures: Vec<_> = results.filter(|(_, result)| is_failure(result)).collect();
    for (task, result) in failures.iter().take(DETAILED_FAILURES) {
        text.push('\n');
        text.push_str(&failure(it, *task, result));
    }
    if failures.len() > DETAILED_FAILURES {
        text.push('\n');
    }
    for (task, result) in failures.iter().skip(DETAILED_FAILURES) {
        let line = [failure_head(it, *task, result), "\n".to_owned()];
        text.push_str(&line.concat());
    }
    let skips = skips(it);
    if !skips.is_empty() || !failures.is_empty() {
        text.push('\n');
    }
    text.push_str(&skips);
    text.push_str(&last_lines(it, !failures.is_empty()));
    text
}

fn failure(it: &Ending, task: usize, result: &TaskResult) -> String {
    let paint = it.paint;
    let mut lines = vec![failure_head(it, task, result)];
    if !it.in_sight.contains(&task) {
        let bar = paint.bar();
        let tail = tail(&result.tail, paint.colour);
        lines.extend(
            tail.iter()
                .map(|line| format!("  {bar} {line}").trim_end().to_owned()),
        );
    }
    let mut detail = |label: &str, value: String| {
        lines.push(format!("  {} {value}", paint.faint(label)));
    };
    if let Some(log) = &result.log {
        detail("log:", one_line(&log.display().to_string()));
    }
    // The end of a deploy says how to go on with it.
    let planned = it.plan.tasks.get(task);
    if let Some(planned) = planned.filter(|it| it.id.task.as_str() != "deploy") {
        detail(
            "repeat:",
            paint.advice(one_line(&words::repeat(planned, it.directory, it.flags))),
        );
    }
    for hint in &result.hints {
        lines.push(format!("  {} {}", paint.advice("hint:"), one_line(hint)));
    }
    lines.join("\n") + "\n"
}

fn failure_head(it: &Ending, task: usize, result: &TaskResult) -> String {
    let name = it.paint.strong(name(it.plan, task));
    let reason = match (result.reason.is_empty(), result.outcome) {
        (false, _) => one_line(&result.reason),
        (true, outcome) => outcome.word().to_owned(),
    };
    let tries = match result.attempts {
        0 | 1 => String::new(),
        tries => format!(", after {tries} tries"),
    };
    format!("{} {name}: {reason}{tries}", it.paint.failed())
}

/// The last lines of a log, cleaned.
fn tail(bytes: &[u8], colour: bool) -> Vec<String> {
    let keep = if colour { Keep::Colours } else { Keep::Text };
    let mut lines = Vec::new();
    clean_lines(bytes, keep, |line| {
        lines.push(String::from_utf8_lossy(line).into_owned());
    });
    while lines.last().is_some_and(|line| line.trim().is_empty()) {
        lines.pop();
    }
    lines.split_off(lines.len().saturating_sub(TAIL_LINES))
}

/// One line for each cause that kept tasks from being done.
fn skips(it: &Ending) -> String {
    let mut by_cause: BTreeMap<String, Vec<usize>> = BTreeMap::new();
    let roots = roots(it);
    for (task, result) in it.summary.results.iter().enumerate() {
        let was_stopped = it.summary.interrupted && roots[task].is_none();
        if is_undone(it, task, result) && !was_stopped {
            let cause = match roots[task] {
                Some(root) => name(it.plan, root),
                None => one_line(&result.reason),
            };
            by_cause.entry(cause).or_default().push(task);
        }
    }
    let lines = by_cause.iter().map(|(cause, tasks)| {
        let named = tasks.iter().take(NAMED_SKIPS);
        let mut names: Vec<String> = named.map(|task| name(it.plan, *task)).collect();
        if tasks.len() > NAMED_SKIPS {
            names.push(format!("and {} more", tasks.len() - NAMED_SKIPS));
        }
        let count = words::count(tasks.len(), "task");
        let verb = if tasks.len() == 1 { "needs" } else { "need" };
        let why = match roots[tasks[0]] {
            Some(_) => format!("{verb} {cause}"),
            None => cause.clone(),
        };
        let mark = it.paint.skipped();
        let names = it.paint.faint(names.join(", "));
        format!("{mark} {count} skipped, {why}: {names}\n")
    });
    lines.collect()
}

fn is_failure(result: &TaskResult) -> bool {
    matches!(result.outcome, Outcome::Failed | Outcome::TimedOut)
}

/// For each task that was not done, the failed one that kept it from being done.
fn roots(it: &Ending) -> Vec<Option<usize>> {
    let mut roots: Vec<Option<usize>> = Vec::with_capacity(it.plan.tasks.len());
    for (task, planned) in it.plan.tasks.iter().enumerate() {
        let is_bad = |need: &usize| {
            let result = it.summary.results.get(*need);
            result.is_some_and(is_failure)
        };
        let of_need = |need: &usize| match is_bad(need) {
            true => Some(*need),
            false => roots.get(*need).copied().flatten(),
        };
        let result = it.summary.results.get(task);
        let is_undone = result.is_some_and(|result| is_undone(it, task, result));
        roots.push(match is_undone {
            true => planned.needs.iter().find_map(of_need),
            false => None,
        });
    }
    roots
}

/// Whether the task was to be done and was not begun.
fn is_undone(it: &Ending, task: usize, result: &TaskResult) -> bool {
    let is_planned = it
        .plan
        .tasks
        .get(task)
        .is_none_or(|planned| planned.verdict != Verdict::Skip);
    match result.outcome {
        Outcome::Skipped => is_planned,
        Outcome::Interrupted => result.attempts == 0,
        Outcome::Passed | Outcome::Failed | Outcome::Cached | Outcome::TimedOut => false,
    }
}

fn last_lines(it: &Ending, has_failed: bool) -> String {
    let (summary, paint) = (it.summary, it.paint);
    let is_good = !has_failed && !summary.interrupted;
    if it.verbosity == Verbosity::Quiet && is_good {
        return String::new();
    }
    let total = summary.results.len();
    let done_before = it.plan.count(Verdict::Skip);
    if total == 0 {
        return "nothing to do\n".to_owned();
    }
    if done_before == total {
        let are = if total == 1 { "is" } else { "are" };
        return format!(
            "nothing to do: {} {are} up to date\n",
            words::count(total, "task")
        );
    }
    let mark = match (summary.interrupted, has_failed) {
        (true, _) => paint.stopped(),
        (false, true) => paint.failed(),
        (false, false) => paint.passed(),
    };
    let tasks = words::count(total, "task");
    let time = words::duration(summary.duration);
    let begin = match summary.interrupted {
        true => format!("interrupted after {time}, {tasks}"),
        false => format!("{tasks} in {time}"),
    };
    let mut text = format!("{mark} {}: {}", paint.strong(begin), counts(it));
    let saved = saved(summary);
    if saved.as_millis() >= 100 {
        text.push_str(&format!("; the cache saved {}", words::duration(saved)));
    }
    text.push('\n');
    text.push_str(&chain(it));
    text
}

fn counts(it: &Ending) -> String {
    let roots = roots(it);
    let (mut skipped, mut not_started, mut stopped, mut up_to_date) = (0, 0, 0, 0);
    for (task, result) in it.summary.results.iter().enumerate() {
        if is_undone(it, task, result) {
            match it.summary.interrupted && roots[task].is_none() {
                true => not_started += 1,
                false => skipped += 1,
            }
        } else if result.outcome == Outcome::Interrupted {
            stopped += 1;
        } else if result.outcome == Outcome::Skipped {
            up_to_date += 1;
        }
    }
    let (paint, summary) = (it.paint, it.summary);
    let counted = [
        (summary.count(Outcome::Failed), "failed"),
        (summary.count(Outcome::TimedOut), "timed out"),
        (stopped, "interrupted"),
        (skipped, "skipped"),
        (not_started, "not started"),
        (summary.count(Outcome::Passed), "passed"),
        (summary.count(Outcome::Cached), "cached"),
        (up_to_date, "up to date"),
    ];
    let shown = counted.iter().filter(|(count, _)| *count > 0);
    let shown = shown.map(|(count, word)| {
        let text = format!("{count} {word}");
        match *word {
            "failed" | "timed out" => paint.bad(text),
            "interrupted" => paint.notable(text),
            "passed" | "cached" => paint.good(text),
            _ => text,
        }
    });
    shown.collect::<Vec<_>>().join(", ")
}

/// The chain of tasks that the run could not be shorter than, where it tells something: several tasks, most of the time.
fn chain(it: &Ending) -> String {
    let path = &it.summary.critical_path;
    let time_of = |task: &usize| it.summary.results.get(*task).map(|result| result.duration);
    let time: std::time::Duration = path.iter().filter_map(time_of).sum();
    let ran = it
        .summary
        .results
        .iter()
        .filter(|result| result.attempts > 0)
        .count();
    let is_instructive = path.len() > 1
        && ran > path.len()
        && time.as_millis() >= 1000
        && time * 2 > it.summary.duration;
    if !is_instructive && (it.verbosity < Verbosity::Verbose || path.len() < 2) {
        return String::new();
    }
    let step = |task: &usize| {
        let time = words::duration(time_of(task).unwrap_or_default());
        format!("{} {time}", name(it.plan, *task))
    };
    let mut steps: Vec<String> = path.iter().map(step).collect();
    if steps.len() > NAMED_CHAIN {
        let folded = steps.len() - (NAMED_CHAIN - 1);
        let middle = NAMED_CHAIN / 2;
        steps.splice(middle..middle + folded, [format!("{folded} more")]);
    }
    let arrow = it.paint.either(" → ", " > ");
    let text = format!(
        "  longest chain {}: {}",
        words::duration(time),
        steps.join(arrow)
    );
    it.paint.faint(text) + "\n"
}

fn name(plan: &Plan, task: usize) -> String {
    plan.tasks
        .get(task)
        .map_or_else(|| format!("task {task}"), |it| it.id.to_string())
}
