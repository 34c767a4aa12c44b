//! One task in its thread: an earlier result is taken or the task is run, and what came of it is looked at for the record.

use crate::engine::attempt;
use crate::engine::job::{Before, Job, Reused};
use crate::engine::run::Message;
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::run::{Outcome, TaskResult};
use crate::record::{self, TaskRecord};

/// How much of a log is told at once.
const CHUNK: usize = 64 << 10;

/// Takes an earlier result of a task or runs it, and looks at what came of it.
pub fn perform(
    job: &Job<'_>,
    task: usize,
    values: &[(String, String)],
    tell: &dyn Fn(Message),
) -> Message {
    if job.control.is_asked() {
        // It was not interrupted: what its last run came to still holds.
        let result = TaskResult::not_started(Outcome::Skipped, "not started");
        return ended(job, task, result, None);
    }
    let event = |event| tell(Message::Event(event));
    let Before {
        key,
        reused,
        missed,
    } = job.results.before(task, &event);
    if let Some(reused) = reused {
        return reuse(job, task, key, reused, tell);
    }
    let mut result = attempt::run_task(job, task, values, tell);
    let after = job.results.after(task, &result, &event);
    result.missed = missed;
    result.key = match result.outcome {
        // Unless its inputs changed meanwhile, it was made from what the key says.
        Outcome::Passed => after.key,
        _ => key,
    };
    let outputs = after.outputs.map(|it| it.to_string());
    ended(job, task, result, outputs)
}

/// Takes an earlier result, whose outputs are in place.
pub fn reuse(
    job: &Job<'_>,
    task: usize,
    key: Option<Digest>,
    reused: Reused,
    tell: &dyn Fn(Message),
) -> Message {
    let outputs = reused.outputs.to_string();
    let mut result = replay(task, reused, tell);
    result.key = key;
    ended(job, task, result, Some(outputs))
}

/// Tells of an earlier result as if the task had run. Its log is not copied: the store has it.
fn replay(task: usize, reused: Reused, tell: &dyn Fn(Message)) -> TaskResult {
    let mut result = TaskResult::not_started(Outcome::Cached, "");
    result.values = reused.values;
    result.saved = reused.took;
    let Some(mut from) = reused.log else {
        return result;
    };
    let mut chunk = vec![0; CHUNK];
    // A log that breaks off here was whole a moment ago; what was told of it stands.
    while let Ok(length) = from.read(&mut chunk)
        && length > 0
    {
        let bytes = chunk[..length].to_vec();
        tell(Message::Event(Event::TaskWrote { task, bytes }));
    }
    result
}

/// What is written down of a task that ended: if it passed, with what it was made from.
fn ended(job: &Job<'_>, task: usize, result: TaskResult, outputs: Option<String>) -> Message {
    let id = job.plan.tasks[task].id.clone();
    let mut record = TaskRecord::new(id, result.outcome, result.duration, record::now());
    record.exit_code = result.exit_code;
    record.attempts = result.attempts;
    record.has_log = result.log.is_some();
    record.values.clone_from(&result.values);
    record.inputs = result.key.as_ref().map(ToString::to_string);
    record.outputs = outputs;
    Message::Ended {
        task,
        result,
        record: Box::new(record),
    }
}
