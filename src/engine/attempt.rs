//! One task of a run: its commands, its tries, its log, its values.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::engine::job::Job;
use crate::engine::tail::Tail;
use crate::model::event::Event;
use crate::model::mask::Masker;
use crate::model::plan::PlannedTask;
use crate::model::run::{Outcome, TaskResult};
use crate::model::task::Task;
use crate::process::environment::{Environment, environment, missed};
use crate::process::values::{self, Values};
use crate::process::{Command, Ended, Marks, run_watched};

/// Runs a task, again and again as far as its definition allows. `values` are those of the tasks that it needs, as
/// variables.
pub fn run_task(
    job: &Job<'_>,
    task: usize,
    values: &[(String, String)],
    tell: &dyn Fn(Event),
) -> TaskResult {
    let planned = &job.plan.tasks[task];
    let service = job.workspace.service(planned.service);
    let mut one = OneTask {
        job,
        task,
        planned,
        definition: &service.tasks[&planned.id.task],
        directory: job.root.join(service.path.as_path()),
        tell,
        started: Instant::now(),
    };
    one.run(values)
}

/// A task that runs.
struct OneTask<'a> {
    job: &'a Job<'a>,
    task: usize,
    planned: &'a PlannedTask,
    definition: &'a Task,
    directory: PathBuf,
    tell: &'a dyn Fn(Event),
    started: Instant,
}

impl OneTask<'_> {
    fn run(&mut self, values: &[(String, String)]) -> TaskResult {
        let token = self.job.job_server.map(|it| it.acquire(self.job.control));
        let mut log = self.log();
        let mut attempt = 1;
        loop {
            (self.tell)(Event::TaskStarted { task: self.task, attempt });
            let mut result = self.attempt(values, &mut log);
            result.attempts = attempt;
            result.duration = self.started.elapsed();
            let may_retry = matches!(result.outcome, Outcome::Failed | Outcome::TimedOut)
                && attempt <= self.definition.retry
                && !self.job.control.is_asked();
            if !may_retry {
                drop(token);
                return self.conclude(result, log);
            }
            (self.tell)(Event::TaskRetried { task: self.task, reason: result.reason });
            attempt += 1;
        }
    }
}
