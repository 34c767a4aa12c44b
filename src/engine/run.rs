//! One run: starts what may start, listens to what runs, and keeps count.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::Scope;
use std::time::Instant;

use crate::engine::attempt;
use crate::engine::critical::critical_path;
use crate::engine::job::{Failing, Job};
use crate::engine::schedule::Schedule;
use crate::model::event::Event;
use crate::model::plan::Verdict;
use crate::model::run::{Outcome, Summary, TaskResult};
use crate::process;
use crate::process::signals::{Signals, Stop};

/// How many messages of running tasks may wait to be heard: enough to smooth bursts, few enough to hold a flood back.
const WAITING_MESSAGES: usize = 64;

/// What a running task, or a signal, tells the run.
pub enum Message {
    Event(Event),
    Ended { task: usize, result: TaskResult },
    Stop { reason: String },
}

/// Runs the plan to its end. Everything that happens goes through `emit`, in order, from this thread.
pub fn run(job: &Job<'_>, emit: &mut dyn FnMut(&Event)) -> Summary {
    let (sender, receiver) = sync_channel(WAITING_MESSAGES);
    let started = now();
    emit(&Event::RunStarted {
        plan: job.plan.clone(),
        id: job.record.map(|_| job.id.clone()),
        jobs: job.jobs,
    });
    let mut state = State::new(job, emit);
    let signals = listen(job, sender.clone());
    std::thread::scope(|scope| {
        while !state.schedule.is_done() {
            state.start_all(scope, &sender);
            if state.schedule.is_done() {
                break;
            }
            state.hear(&receiver);
        }
    });
    drop(signals);
    state.end(started)
}

/// The state of a run, in the thread that runs it.
struct State<'a, 'e> {
    job: &'a Job<'a>,
    emit: &'e mut dyn FnMut(&Event),
    schedule: Schedule,
    results: Vec<Option<TaskResult>>,
    is_stopping: bool,
}

impl<'a> State<'a, '_> {
    /// Starts everything that may start now.
    fn start_all<'s>(&mut self, scope: &'s Scope<'s, '_>, sender: &SyncSender<Message>)
    where
        'a: 's,
    {
        while let Some(task) = self.schedule.start_next() {
            let planned = &self.job.plan.tasks[task];
            if planned.verdict != Verdict::Run {
                let mut result = TaskResult::not_started(Outcome::Skipped, planned.reason.clone());
                result.values = self.job.values[task].clone();
                self.ended(task, result);
                continue;
            }
            let values = self.needed_values(task);
            let (job, sender) = (self.job, sender.clone());
            scope.spawn(move || {
                let tell = |event| drop(sender.send(Message::Event(event)));
                let result = attempt::run_task(job, task, &values, &tell);
                let _ = sender.send(Message::Ended { task, result });
            });
        }
    }

    /// Waits for one message and acts on it.
    fn hear(&mut self, receiver: &Receiver<Message>) {
        match receiver.recv().expect("a run that is not done has something that runs") {
            Message::Event(event) => (self.emit)(&event),
            Message::Ended { task, result } => self.ended(task, result),
            Message::Stop { reason } => self.stop(&reason),
        }
    }

    fn ended(&mut self, task: usize, result: TaskResult) {
        let is_bad = result.outcome.is_bad();
        let reason = format!("needs {}, which did not pass", self.job.plan.tasks[task].id);
        let has_failed = matches!(result.outcome, Outcome::Failed | Outcome::TimedOut);
        self.finished(task, result);
        if !is_bad {
            return self.schedule.passed(task);
        }
        for lost in self.schedule.failed(task) {
            self.finished(lost, TaskResult::not_started(Outcome::Skipped, reason.clone()));
        }
        if has_failed && self.job.failing == Failing::StopsAll && !self.is_stopping {
            self.job.control.ask();
            self.stop(&format!("{} failed", self.job.plan.tasks[task].id));
        }
    }

    /// Gives up what was not started. The record says so before anything is waited for.
    fn stop(&mut self, reason: &str) {
        if std::mem::replace(&mut self.is_stopping, true) {
            return;
        }
        if let Some(record) = self.job.record {
            self.warn_if_failed(record.interrupted());
        }
        (self.emit)(&Event::Stopping { reason: reason.to_owned() });
        for lost in self.schedule.give_up() {
            let result = TaskResult::not_started(Outcome::Skipped, format!("not started: {reason}"));
            self.finished(lost, result);
        }
    }

    fn finished(&mut self, task: usize, result: TaskResult) {
        (self.emit)(&Event::TaskFinished { task, result: result.clone() });
        self.results[task] = Some(result);
    }
}
