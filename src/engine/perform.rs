//! One task in its thread: it is run, and what came of it is looked at for the record.

use crate::engine::attempt;
use crate::engine::job::Job;
use crate::engine::run::Message;
use crate::model::event::Event;
use crate::model::run::{Outcome, TaskResult};
use crate::record::{self, TaskRecord};

/// Runs a task and looks at what came of it.
pub fn perform(
    job: &Job<'_>,
    task: usize,
    values: &[(String, String)],
    tell: &dyn Fn(Message),
) -> Message {
    let result = attempt::run_task(job, task, values, tell);
    let record = Box::new(look_after(job, task, &result, tell));
    Message::Ended {
        task,
        result,
        record,
    }
}

/// What is written down of a task that ended: if it passed, with what it was made from.
fn look_after(
    job: &Job<'_>,
    task: usize,
    result: &TaskResult,
    tell: &dyn Fn(Message),
) -> TaskRecord {
    let id = job.plan.tasks[task].id.clone();
    let mut record = TaskRecord::new(id, result.outcome, result.duration, record::now());
    record.exit_code = result.exit_code;
    record.attempts = result.attempts;
    record.has_log = result.log.is_some();
    record.values.clone_from(&result.values);
    if result.outcome == Outcome::Passed {
        let aftermath = (job.look_after)(task);
        record.inputs = aftermath.inputs.map(|it| it.to_string());
        record.outputs = aftermath.outputs.map(|it| it.to_string());
        if let Some(path) = aftermath.changed_input {
            let id = &job.plan.tasks[task].id;
            let message = format!("{id}: its input {} changed while it ran", path.display());
            tell(Message::Event(Event::Warned { message }));
        }
    }
    record
}
