//! One task of a run: its commands, its tries, its log, its values.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::engine::job::{Hands, Job, Step};
use crate::engine::run::Message;
use crate::engine::tail::Tail;
use crate::engine::wording::{exited, failed_hints, not_started_hints, signalled};
use crate::model::event::Event;
use crate::model::plan::PlannedTask;
use crate::model::run::{Outcome, TaskResult};
use crate::model::task::Task;
use crate::process::environment::{Environment, environment};
use crate::process::values;
use crate::process::{Command, Control, Ended, Marks, ProcessId, run_watched};
use crate::record::LogWriter;

/// Variables that tell a command where it is.
const WORKSPACE: &str = "SVC_WORKSPACE";
const VALUES: &str = "SVC_VALUES";
/// The commit, for tasks that name it in `env`.
pub const COMMIT: &str = "SVC_COMMIT";

/// Runs a task, again and again as far as its definition allows. `values` are those of the tasks that it needs, as
/// variables.
pub fn run_task(
    job: &Job<'_>,
    task: usize,
    values: &[(String, String)],
    tell: &dyn Fn(Message),
) -> TaskResult {
    let planned = &job.plan.tasks[task];
    let service = job.workspace.service(planned.service);
    let _slot = job.jobserver.and_then(|it| it.acquire(job.control));
    if job.control.is_asked() {
        // It was not interrupted: what its last run came to still holds.
        return TaskResult::not_started(Outcome::Skipped, "not started");
    }
    let one = OneTask {
        job,
        task,
        planned,
        definition: &service.tasks[&planned.id.task],
        directory: job.root.join(service.path.as_path()),
        values_file: job.scratch.join(format!("values-{task}")),
        tell,
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
    values_file: PathBuf,
    tell: &'a dyn Fn(Message),
}

impl OneTask<'_> {
    fn run(&self, values: &[(String, String)]) -> TaskResult {
        let started = now();
        let environment = self.environment(values);
        let mut log = self.job.record.map(|it| it.log(&self.planned.id));
        if let Some(Err(error)) = self.job.record.map(|it| it.task_begun(&self.planned.id)) {
            (self.tell)(Message::RecordLost(error));
        }
        let mut attempt = 1;
        let mut result = loop {
            self.event(Event::TaskStarted {
                task: self.task,
                attempt,
            });
            let result = self.attempt(&environment, &mut log);
            let failed = matches!(result.outcome, Outcome::Failed | Outcome::TimedOut);
            if !failed || attempt > self.definition.retry || self.job.control.is_asked() {
                break result;
            }
            self.event(Event::TaskRetried {
                task: self.task,
                reason: result.reason,
            });
            attempt += 1;
        };
        result.attempts = attempt;
        result.duration = started.elapsed();
        match log.map(LogWriter::finish).transpose() {
            Ok(path) => result.log = path.flatten(),
            Err(error) => (self.tell)(Message::RecordLost(error)),
        }
        result
    }

    /// One try: all commands, one after the other, until one does not pass.
    fn attempt(&self, environment: &Environment, log: &mut Option<LogWriter>) -> TaskResult {
        let started = now();
        let mut tail = Tail::default();
        // A file that an earlier try left would give its values to this one.
        let _ = std::fs::remove_file(&self.values_file);
        if let Some(steps) = self.job.steps {
            let mut hands = OneHands {
                one: self,
                environment,
                log,
                tail,
            };
            return steps.perform(self.task, &mut hands);
        }
        for (at, script) in self.scripts().iter().enumerate() {
            let left = self
                .definition
                .timeout
                .map(|it| it.saturating_sub(started.elapsed()));
            let command = self.command(script, environment, left);
            let ended = self.watch(&command, &mut |bytes| self.take(bytes, log, &mut tail));
            if ended != Ended::Exited(0) {
                let script = &self.definition.run[at];
                let timeout = self.definition.timeout;
                return self.ended_badly(&ended, (script, timeout), environment, &tail);
            }
        }
        match values::read(&self.values_file, &self.job.secrets) {
            Ok(values) => TaskResult {
                exit_code: Some(0),
                values,
                ..TaskResult::not_started(Outcome::Passed, "")
            },
            Err(error) => TaskResult {
                tail: tail.lines(),
                ..TaskResult::not_started(Outcome::Failed, error.to_string())
            },
        }
    }

    /// The commands, the arguments of the command line appended to the last one.
    fn scripts(&self) -> Vec<String> {
        let mut scripts = self.definition.run.clone();
        if let Some(last) = scripts.last_mut() {
            for argument in &self.planned.arguments {
                // Quoting fails only for NUL, which no argument can hold.
                let quoted = shlex::try_quote(argument).unwrap_or_default();
                last.push(' ');
                last.push_str(&quoted);
            }
        }
        scripts
    }

    fn command(
        &self,
        script: &str,
        environment: &Environment,
        timeout: Option<Duration>,
    ) -> Command {
        let mut command = Command::in_shell(
            &self.definition.shell,
            script,
            self.directory.clone(),
            self.marks(),
        );
        command.environment = environment.variables.clone().into_iter().collect();
        command.timeout = timeout;
        command.grace = self.definition.grace();
        command
    }

    /// Runs one command; what it writes is masked and handed to `take`.
    fn watch(&self, command: &Command, take: &mut dyn FnMut(&[u8])) -> Ended {
        let mut masked = self.job.mask.stream();
        let mut started = |process: ProcessId| {
            if let Some(record) = self.job.record {
                // A start that cannot be written down only means that a killed run cannot name its processes.
                let _ = record.task_started(&self.planned.id, process.0, process.start_time());
            }
        };
        let ended = run_watched(command, self.job.control, &mut started, &mut |bytes| {
            take(&masked.hide(bytes));
        });
        take(&masked.flush());
        ended
    }

    fn ended_badly(
        &self,
        ended: &Ended,
        (script, timeout): (&str, Option<Duration>),
        environment: &Environment,
        tail: &Tail,
    ) -> TaskResult {
        let tail = tail.lines();
        let missing = || failed_hints(ended, script, &self.directory, environment, &tail);
        let (outcome, exit_code, reason, hints) = match ended {
            Ended::Exited(code) => (Outcome::Failed, Some(*code), exited(*code), missing()),
            Ended::Signalled(signal) => (Outcome::Failed, None, signalled(*signal), missing()),
            Ended::TimedOut => {
                let timeout = humantime::format_duration(timeout.unwrap_or_default());
                let reason = format!("timed out after {timeout}");
                (Outcome::TimedOut, None, reason, vec![])
            }
            Ended::Interrupted => (Outcome::Interrupted, None, "interrupted".to_owned(), vec![]),
            Ended::NotStarted(why) => {
                let hints = not_started_hints(why, environment);
                (Outcome::Failed, None, why.message.clone(), hints)
            }
        };
        TaskResult {
            exit_code,
            tail,
            hints,
            ..TaskResult::not_started(outcome, reason)
        }
    }

    fn environment(&self, values: &[(String, String)]) -> Environment {
        let marks = self.marks();
        let own = marks
            .variables()
            .map(|(name, value)| (OsString::from(name), OsString::from(value)));
        let commit = self
            .job
            .variables
            .get_key_value(&OsString::from(COMMIT))
            .filter(|_| self.definition.env.iter().any(|it| it == COMMIT))
            .map(|(name, value)| (name.clone(), value.clone()));
        let places = [
            (WORKSPACE.into(), self.job.root.as_os_str().to_owned()),
            (VALUES.into(), self.values_file.clone().into_os_string()),
        ];
        let values = values
            .iter()
            .map(|(name, value)| (name.into(), value.into()));
        let slots = self.job.jobserver.into_iter().flat_map(|it| it.variables());
        environment(
            self.job.variables,
            self.definition,
            &self.job.workspace.settings().pass_env,
            own.into_iter()
                .chain(commit)
                .chain(places)
                .chain(values)
                .chain(slots),
        )
    }

    fn event(&self, event: Event) {
        (self.tell)(Message::Event(event));
    }

    /// Takes what a task wrote into its log and tells of it.
    fn take(&self, bytes: &[u8], log: &mut Option<LogWriter>, tail: &mut Tail) {
        if bytes.is_empty() {
            return;
        }
        tail.push(bytes);
        if let Some(log) = log {
            log.write(bytes);
        }
        self.event(Event::TaskWrote {
            task: self.task,
            bytes: bytes.to_vec(),
        });
    }

    fn marks(&self) -> Marks {
        Marks {
            run: self.job.id.clone(),
            service: self.planned.id.service.to_string(),
            task: self.planned.id.task.to_string(),
        }
    }
}

/// The hands of one task.
struct OneHands<'a, 't> {
    one: &'a OneTask<'t>,
    environment: &'a Environment,
    log: &'a mut Option<LogWriter>,
    tail: Tail,
}

impl Hands for OneHands<'_, '_> {
    fn run(&mut self, step: &Step) -> Result<(), Box<TaskResult>> {
        let directory = step.directory.clone();
        let mut command = Command::in_shell(&step.shell, &step.script, directory, self.one.marks());
        let variables = self.environment.variables.clone().into_iter();
        // The last of two of one name would not win everywhere.
        let set: BTreeMap<_, _> = variables.chain(step.variables.iter().cloned()).collect();
        command.environment = set.into_iter().collect();
        command.timeout = step.timeout;
        command.grace = step.grace;
        let Self { one, log, tail, .. } = self;
        let ended = one.watch(&command, &mut |bytes| match step.is_quiet {
            true => tail.push(bytes),
            false => one.take(bytes, log, tail),
        });
        match ended {
            Ended::Exited(0) => Ok(()),
            ended => Err(Box::new(self.one.ended_badly(
                &ended,
                (&step.script, step.timeout),
                self.environment,
                &self.tail,
            ))),
        }
    }

    fn say(&mut self, line: &str) {
        let line = format!("{line}\n");
        let hidden = self.one.job.mask.hide(line.as_bytes());
        self.one.take(&hidden, self.log, &mut self.tail);
    }

    fn control(&self) -> &Control {
        self.one.job.control
    }

    fn values(&self) -> Result<BTreeMap<String, String>, String> {
        let read = values::read(&self.one.values_file, &self.one.job.secrets);
        read.map_err(|error| error.to_string())
    }
}

/// An error with what led to it, in one line.
pub fn with_cause(error: &dyn std::error::Error) -> String {
    let chain = std::iter::successors(Some(error), |error| error.source());
    chain
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(": ")
}

#[expect(
    clippy::disallowed_methods,
    reason = "durations of tasks are measured here"
)]
fn now() -> Instant {
    Instant::now()
}
