//! One run: starts what may start, listens to what runs, and keeps count.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::engine::attempt::with_cause;
use crate::engine::critical::critical_path;
use crate::engine::job::{Failing, Job, Reused};
use crate::engine::perform::{perform, reuse};
use crate::engine::schedule::Schedule;
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::plan::{PlannedTask, Verdict};
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::model::task::Slot;
use crate::process::Control;
use crate::process::signals::{Listener, Request, listen};
use crate::process::sweep;
use crate::record::{self, TaskRecord};

/// How many messages of running tasks may wait to be heard: enough to smooth bursts, few enough to hold a flood back.
const WAITING_MESSAGES: usize = 64;

/// How long descendants that left their task's group may take to end.
const GRACE_OF_STRAYS: Duration = Duration::from_secs(2);

/// What a running task, or a signal, tells the run.
pub enum Message {
    Event(Event),
    /// A log or a result cannot be kept.
    RecordLost(record::Error),
    Ended {
        task: usize,
        result: TaskResult,
        record: Box<TaskRecord>,
    },
    Stop {
        reason: String,
    },
    /// The thread of a task panicked: a fault of `svc` itself.
    Panicked(Box<dyn Any + Send>),
}

/// Runs the plan to its end. Everything that happens goes through `emit`, in order, from this thread.
pub fn run(job: &Job<'_>, emit: &mut dyn FnMut(&Event)) -> Summary {
    let started = now();
    emit(&Event::RunStarted {
        plan: job.plan.clone(),
        id: job.record.map(|_| job.id.clone()),
        jobs: job.jobs,
    });
    let mut state = State::new(job, emit);
    let (sender, receiver) = sync_channel(WAITING_MESSAGES);
    // Signals are heard to the very end: ending what was left behind may take long, too.
    let _signals = state.listen(sender.clone());
    let (work, waiting) = channel();
    let waiting = Mutex::new(waiting);
    let mut workers = 0;
    std::thread::scope(|scope| {
        // Dropped with this closure, which ends the workers. Should this thread come to grief, they may not wait for it to
        // listen, nor it for what they run.
        let (work, receiver) = (work, receiver);
        let _guard = KillOnPanic(job.control);
        loop {
            state.start_all(&work);
            // A thread serves many tasks: making one for each takes as long as starting its command.
            while workers < state.running {
                workers += 1;
                let sender = sender.clone();
                scope.spawn(|| serve(job, &waiting, sender));
            }
            if state.schedule.is_done() {
                break;
            }
            state.hear(&receiver);
        }
    });
    state.end(started)
}

/// Kills everything that runs if `svc` itself is at fault.
struct KillOnPanic<'a>(&'a Control);

impl Drop for KillOnPanic<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.kill();
        }
    }
}

/// A task that is to be run, with the values that it is given.
struct Work {
    task: usize,
    values: Vec<(String, String)>,
}

/// Runs what is waiting until nothing more can come.
fn serve(job: &Job<'_>, waiting: &Mutex<Receiver<Work>>, sender: SyncSender<Message>) {
    let tell = |message| drop(sender.send(message));
    loop {
        let next = waiting
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .recv();
        let Ok(Work { task, values }) = next else {
            return;
        };
        let ended = catch_unwind(AssertUnwindSafe(|| perform(job, task, &values, &tell)));
        // Whatever happens, the run hears of this task's end: it waits for nothing else.
        tell(ended.unwrap_or_else(Message::Panicked));
    }
}

/// The state of a run, in the thread that runs it.
struct State<'j, 'e> {
    job: &'j Job<'j>,
    emit: &'e mut dyn FnMut(&Event),
    schedule: Schedule,
    results: Vec<Option<TaskResult>>,
    /// How many tasks are running.
    running: usize,
    is_stopping: bool,
    is_interrupted: bool,
    has_warned_of_record: bool,
}

impl<'j, 'e> State<'j, 'e> {
    fn new(job: &'j Job<'j>, emit: &'e mut dyn FnMut(&Event)) -> Self {
        let slot = |task: &PlannedTask| match task.verdict {
            // A result that turns out to be damaged is made again, in the same slot.
            Verdict::Run | Verdict::Cached => job.workspace.service(task.service).tasks
                [&task.id.task]
                .slot
                .clone(),
            Verdict::Skip => Slot::Free,
        };
        let slots = job.plan.tasks.iter().map(slot).collect();
        let pools = &job.workspace.settings().pools;
        Self {
            job,
            emit,
            schedule: Schedule::new(&job.plan, slots, job.jobs, pools),
            results: vec![None; job.plan.tasks.len()],
            running: 0,
            is_stopping: false,
            is_interrupted: false,
            has_warned_of_record: false,
        }
    }

    /// Turns signals into messages. Where that cannot be done, the system's own way of ending is all there is.
    fn listen(&mut self, sender: SyncSender<Message>) -> Option<Listener> {
        let requested = move |request| {
            if let Request::End(name) = request {
                let _ = sender.send(Message::Stop {
                    reason: name.to_owned(),
                });
            }
        };
        match listen(self.job.control.clone(), requested) {
            Ok(listener) => Some(listener),
            Err(error) => {
                let message = format!("signals cannot be heard: {error}");
                (self.emit)(&Event::Warned { message });
                None
            }
        }
    }

    /// Starts everything that may start now.
    fn start_all(&mut self, work: &Sender<Work>) {
        // From the signal to the message that tells of it, nothing new begins either.
        while !self.job.control.is_asked()
            && let Some(task) = self.schedule.start_next()
        {
            let planned = &self.job.plan.tasks[task];
            if planned.verdict == Verdict::Skip {
                let mut result = TaskResult::not_started(Outcome::Skipped, planned.reason.clone());
                result.values.clone_from(&self.job.values[task]);
                self.finished(task, result);
                self.schedule.passed(task);
                continue;
            }
            self.running += 1;
            // Waking a thread and hearing from it takes longer than taking a result that is at hand.
            if let Some((key, reused)) = self.job.results.at_hand(task) {
                self.take(task, key, reused);
                continue;
            }
            let values = self.needed_values(task);
            let given = work.send(Work { task, values });
            given.expect("the run keeps the other end to its end");
        }
    }

    /// Takes an earlier result in this thread.
    fn take(&mut self, task: usize, key: Digest, reused: Reused) {
        let told = RefCell::new(Vec::new());
        let tell = |message| told.borrow_mut().push(message);
        let ended = reuse(self.job, task, Some(key), reused, &tell);
        for message in told.into_inner().into_iter().chain([ended]) {
            self.act(message);
        }
    }

    /// The values of the tasks that this one needs, as variables.
    fn needed_values(&self, task: usize) -> Vec<(String, String)> {
        let mut variables = Vec::new();
        for need in &self.job.plan.tasks[task].needs {
            let service = self.job.plan.tasks[*need].id.service.in_variable();
            let values = self.results[*need].iter().flat_map(|it| &it.values);
            variables.extend(values.map(|(name, value)| {
                let name = name.to_uppercase().replace('-', "_");
                (format!("SVC_VALUE_{service}_{name}"), value.clone())
            }));
        }
        variables
    }

    /// Waits for one message and acts on it.
    fn hear(&mut self, receiver: &Receiver<Message>) {
        let message = receiver.recv().expect("this thread holds a sender");
        self.act(message);
    }

    fn act(&mut self, message: Message) {
        match message {
            Message::Event(event) => (self.emit)(&event),
            Message::RecordLost(error) => self.warn_of_record(&error),
            Message::Ended {
                task,
                result,
                record,
            } => {
                self.running -= 1;
                if let Some(run) = self.job.record {
                    self.warn_if_failed(run.task_finished(*record));
                }
                self.ended(task, result);
            }
            Message::Stop { reason } => {
                self.is_interrupted = true;
                self.stop(&reason);
            }
            Message::Panicked(fault) => resume_unwind(fault),
        }
    }

    fn ended(&mut self, task: usize, result: TaskResult) {
        let outcome = result.outcome;
        self.finished(task, result);
        if !outcome.is_bad() {
            return self.schedule.passed(task);
        }
        let id = &self.job.plan.tasks[task].id;
        for lost in self.schedule.failed(task) {
            let result = TaskResult::not_started(Outcome::Skipped, format!("needs {id}"));
            self.finished(lost, result);
        }
        if outcome == Outcome::Interrupted {
            return;
        }
        match self.job.failing {
            Failing::KeepsGoing => {}
            Failing::StartsNoMore => self.give_up(&format!("{id} failed")),
            Failing::StopsAll => {
                self.job.control.ask();
                self.stop(&format!("{id} failed"));
            }
        }
    }

    /// Gives up what was not started and waits for the rest to end. The record says so before.
    fn stop(&mut self, reason: &str) {
        if std::mem::replace(&mut self.is_stopping, true) {
            return;
        }
        if let Some(run) = self.job.record {
            self.warn_if_failed(run.interrupted());
        }
        (self.emit)(&Event::Stopping {
            reason: reason.to_owned(),
        });
        self.give_up(reason);
    }

    /// Gives up what was not started.
    fn give_up(&mut self, reason: &str) {
        for lost in self.schedule.give_up() {
            let result =
                TaskResult::not_started(Outcome::Skipped, format!("not started: {reason}"));
            self.finished(lost, result);
        }
    }

    fn finished(&mut self, task: usize, result: TaskResult) {
        (self.emit)(&Event::TaskFinished {
            task,
            result: result.clone(),
        });
        self.results[task] = Some(result);
    }

    /// A record that cannot be written stops nothing, and is told of once.
    fn warn_if_failed(&mut self, written: Result<(), record::Error>) {
        if let Err(error) = written {
            self.warn_of_record(&error);
        }
    }

    fn warn_of_record(&mut self, error: &record::Error) {
        if !std::mem::replace(&mut self.has_warned_of_record, true) {
            let error = with_cause(error);
            let message = format!("logs and results of this run are not kept: {error}");
            (self.emit)(&Event::Warned { message });
        }
    }

    /// Ends what is left over, and sums up.
    fn end(self, started: Instant) -> Summary {
        for left in sweep(self.job.control, GRACE_OF_STRAYS) {
            let of = left
                .task
                .map(|task| format!(" of {task}"))
                .unwrap_or_default();
            let message = match left.is_ended {
                true => format!(
                    "process {} (`{}`){of} was still running and was ended",
                    left.pid, left.name
                ),
                false => format!("process {} (`{}`){of} does not end", left.pid, left.name),
            };
            (self.emit)(&Event::Warned { message });
        }
        self.job.results.over(started.elapsed(), self.emit);
        let missing = || TaskResult::not_started(Outcome::Skipped, "not started");
        let results: Vec<_> = self
            .results
            .into_iter()
            .map(|it| it.unwrap_or_else(missing))
            .collect();
        let summary = Summary {
            duration: started.elapsed(),
            critical_path: critical_path(&self.job.plan, &results),
            interrupted: self.is_interrupted,
            results,
        };
        (self.emit)(&Event::RunFinished {
            summary: Arc::new(summary.clone()),
        });
        summary
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the duration of the run is measured here"
)]
fn now() -> Instant {
    Instant::now()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::engine::job::{After, Before, Nothing, Results};
    use crate::model::graph::TaskGraph;
    use crate::model::mask::Mask;
    use crate::model::plan::{self, Plan};
    use crate::model::workspace::Workspace;
    use crate::model::workspace::sample::{named, workspace};

    struct Faulty;

    impl Results for Faulty {
        fn before(&self, _: usize, _: &dyn Fn(Event)) -> Before {
            Before::default()
        }

        fn after(&self, _: usize, _: &TaskResult, _: &dyn Fn(Event)) -> After {
            panic!("a fault")
        }

        fn over(&self, _: Duration, _: &mut dyn FnMut(&Event)) {}
    }

    fn planned(workspace: &Workspace) -> Arc<Plan> {
        let graph = TaskGraph::of_task(workspace, &named("build"));
        let all = (0..graph.nodes().len()).map(|at| (at, vec![]));
        let none = vec![vec![]; graph.nodes().len()];
        Arc::new(plan::make(workspace, &graph, all.collect(), &none))
    }

    /// Runs the builds of a workspace whose services all lie in a temporary directory.
    fn run_in(
        lines: &[&str],
        control: &Control,
        results: &dyn Results,
        emit: &mut dyn FnMut(&Event),
    ) -> Summary {
        let root = tempfile::tempdir().unwrap();
        let workspace = workspace(lines);
        for service in workspace.services() {
            std::fs::create_dir(root.path().join(service.path.as_path())).unwrap();
        }
        let variables = [("PATH".into(), "/usr/bin:/bin".into())].into();
        let job = Job {
            workspace: &workspace,
            root: root.path(),
            plan: planned(&workspace),
            jobs: 4,
            failing: Failing::KeepsGoing,
            variables: &variables,
            id: "test".to_owned(),
            scratch: root.path(),
            record: None,
            control,
            jobserver: None,
            secrets: BTreeMap::new(),
            mask: Mask::new([]),
            values: vec![BTreeMap::new(); lines.len()],
            results,
            steps: None,
        };
        run(&job, emit)
    }

    #[test]
    fn a_fault_in_the_thread_of_a_task_ends_the_run() {
        let lines: Vec<String> = (0..40).map(|at| format!("s{at}:build")).collect();
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        let control = Control::new().unwrap();
        let fault = catch_unwind(AssertUnwindSafe(|| {
            run_in(&lines, &control, &Faulty, &mut |_| {})
        }));
        assert_eq!(fault.unwrap_err().downcast_ref::<&str>(), Some(&"a fault"));
    }

    #[test]
    fn a_fault_of_who_listens_ends_the_run() {
        let control = Control::new().unwrap();
        let fault = catch_unwind(AssertUnwindSafe(|| {
            let mut emit = |event: &Event| {
                if matches!(event, Event::TaskFinished { .. }) {
                    panic!("cannot tell");
                }
            };
            let lines = ["a:build", "b:build", "c:build", "d:build"];
            run_in(&lines, &control, &Nothing, &mut emit)
        }));
        assert!(fault.is_err() && control.is_killed());
    }
}
