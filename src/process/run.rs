//! Running one command to its end and past it: nothing that it started in its group stays.

use std::collections::HashSet;
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;
use std::time::{Duration, Instant};

use crate::model::children;
use crate::process::command::{Command, Ended, NotStarted, Obstacle, ProcessId};
use crate::process::control::Control;
use crate::process::ending::{Force, Held, Remains};
use crate::process::leaders;
use crate::process::output::{after, has_come, wait};
use crate::process::start::{Child, start};

/// How long the rest of a group may take to end by itself after its leader did: a filter at the end of a pipe has to write
/// out what it read.
const LINGER: Duration = Duration::from_millis(250);

/// The longest grace of what a command left behind.
const GRACE_OF_THE_REST: Duration = Duration::from_secs(2);

/// How long a killed process may take to be gone. One that hangs in the kernel may never go.
const PATIENCE: Duration = Duration::from_secs(5);

/// How long a start is tried again while files or processes are short.
const SHORTAGE: Duration = Duration::from_secs(30);

/// How often those are looked for who cannot be waited for.
const TICK: Duration = Duration::from_millis(20);

/// Runs `command` and waits for its end. All that it writes goes through `output`, in order and unchanged.
pub fn run(command: &Command, control: &Control, output: &mut dyn FnMut(&[u8])) -> Ended {
    run_watched(command, control, &mut |_| {}, output)
}

/// As [`run`]; tells `started` which process it is, before anything is waited for.
pub fn run_watched(
    command: &Command,
    control: &Control,
    started: &mut dyn FnMut(ProcessId),
    output: &mut dyn FnMut(&[u8]),
) -> Ended {
    if control.is_asked() {
        return Ended::Interrupted;
    }
    let child = match start_when_possible(command, control) {
        Ok(child) => child,
        Err(reason) => return Ended::NotStarted(reason),
    };
    started(ProcessId(child.pid as u32));
    let Some(remains) = Remains::of(child.pid) else {
        return Ended::Interrupted;
    };
    let mut attendance = Attendance {
        command,
        control,
        child,
        remains,
        output,
        stage: Stage::Running,
        cause: None,
    };
    attendance.stay_until_the_leader_is_over();
    attendance.finish()
}

/// Starts `command`. Where the system has no more to give, other commands may be over soon and leave some.
fn start_when_possible(command: &Command, control: &Control) -> Result<Child, NotStarted> {
    let until = Some(after(SHORTAGE));
    loop {
        match start(command) {
            Err(reason)
                if reason.obstacle == Obstacle::Shortage
                    && !control.is_asked()
                    && !has_come(until) =>
            {
                wait(&[control.asked()], Some(after(TICK)));
            }
            other => return other,
        }
    }
}

/// Everything about one command that runs.
struct Attendance<'a> {
    command: &'a Command,
    control: &'a Control,
    child: Child,
    remains: Remains,
    output: &'a mut dyn FnMut(&[u8]),
    stage: Stage,
    /// Why it was told to end.
    cause: Option<Ended>,
}

/// How far it has come.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    Running,
    /// It was told to end and has until then.
    Asked(Instant),
    /// It was killed and is waited for until then.
    Killed(Instant),
}

impl Attendance<'_> {
    /// Passes on output and keeps the deadlines until the leader is over, or cannot be helped.
    fn stay_until_the_leader_is_over(&mut self) {
        let timeout = self.command.timeout.map(after);
        loop {
            let until = match self.stage {
                Stage::Running => timeout,
                Stage::Asked(until) | Stage::Killed(until) => Some(until),
            };
            match self.stage {
                Stage::Running if self.control.is_asked() => self.ask(Ended::Interrupted),
                Stage::Asked(_) if self.control.is_killed() => self.kill(),
                Stage::Running if has_come(until) => self.ask(Ended::TimedOut),
                Stage::Asked(_) if has_come(until) => self.kill(),
                Stage::Killed(_) if has_come(until) => return,
                _ => {
                    if self.wait(None, until).contains(&true) {
                        return;
                    }
                }
            }
        }
    }

    fn ask(&mut self, cause: Ended) {
        self.cause = Some(cause);
        self.remains.look();
        self.remains.signal_group(Force::Ask);
        self.stage = Stage::Asked(after(self.command.grace));
    }

    fn kill(&mut self) {
        self.remains.look();
        self.remains.signal_group(Force::Kill);
        self.stage = Stage::Killed(after(PATIENCE));
    }

    /// Waits once: until one of `these` is over (without them: the leader), there is output, which is handed on, somebody
    /// requests the end, or the moment has come. Tells which of them are over.
    fn wait(&mut self, these: Option<&[BorrowedFd<'_>]>, until: Option<Instant>) -> Vec<bool> {
        let mut watched = match these {
            Some(these) => these.to_vec(),
            None => vec![self.child.exit.as_fd()],
        };
        let count = watched.len();
        let pipe = self.child.output.watched();
        let has_pipe = pipe.is_some();
        watched.extend(pipe);
        match self.stage {
            Stage::Running => watched.push(self.control.asked()),
            Stage::Asked(_) => watched.push(self.control.killed()),
            Stage::Killed(_) => {}
        }
        let mut ready = wait(&watched, until);
        if has_pipe && ready[count] {
            self.child.output.pass(self.output);
        }
        ready.truncate(count);
        ready
    }

    /// Ends what is left, hands on the last output, and says how it went.
    fn finish(mut self) -> Ended {
        let status = self.reap();
        if self.cause.is_some() || self.remains.is_group_alive() {
            self.end_the_rest();
        }
        leaders::reap_strays_now_and_then();
        self.child.output.drain(self.output);
        self.cause.unwrap_or_else(|| ended(status))
    }

    /// The leader's status, if it is over.
    fn reap(&self) -> Option<ExitStatus> {
        let status = self.child.handle.try_wait().ok().flatten()?.status;
        children::disown(self.child.pid);
        Some(status)
    }

    /// Sees to it that nothing of the group stays and, if it was told to end, nothing that left the group. First they may
    /// end by themselves, then they are asked, then killed.
    fn end_the_rest(&mut self) {
        let marks = self.cause.as_ref().map(|_| &self.command.marks);
        let mut told = match self.stage {
            Stage::Asked(_) => self.remains.known_in_group(),
            _ => HashSet::new(),
        };
        // What left the group was not asked together with it.
        let mut until = match self.stage {
            Stage::Running => after(LINGER),
            Stage::Asked(until) | Stage::Killed(until) => until.max(after(LINGER)),
        };
        loop {
            let living = self.remains.living(marks);
            if living.is_empty() && !self.remains.may_be_unseen() {
                return;
            }
            self.tell(&living, &mut told);
            if !self.outlast(&living, until) {
                until = match self.stage {
                    Stage::Running => after(self.command.grace.min(GRACE_OF_THE_REST)),
                    Stage::Asked(_) => after(PATIENCE),
                    Stage::Killed(_) => return,
                };
                self.stage = match self.stage {
                    Stage::Running => Stage::Asked(until),
                    _ => Stage::Killed(until),
                };
            }
        }
    }

    /// Sends what the stage asks for: a request only once to each, as many programs take a second one as "at once".
    fn tell(&self, living: &[Held], told: &mut HashSet<(i32, u64)>) {
        match self.stage {
            Stage::Running => {}
            Stage::Asked(_) => {
                let new = living
                    .iter()
                    .filter(|it| told.insert(it.process.identity()));
                new.for_each(|it| it.signal(Force::Ask));
                if told.insert(self.remains.whole()) {
                    self.remains.signal_unseen(Force::Ask);
                }
            }
            Stage::Killed(_) => {
                living.iter().for_each(|it| it.signal(Force::Kill));
                self.remains.signal_unseen(Force::Kill);
            }
        }
    }

    /// Waits until all of `living` are over, in vain if the moment comes or more force is requested.
    fn outlast(&mut self, living: &[Held], until: Instant) -> bool {
        let mut pending: Vec<_> = living.iter().filter_map(Held::watched).collect();
        if pending.is_empty() {
            // Nobody to watch: they are over already, or cannot be watched on this system.
            self.wait(Some(&[]), Some(after(TICK).min(until)));
        }
        loop {
            let more_force = match self.stage {
                Stage::Running => self.control.is_asked(),
                Stage::Asked(_) => self.control.is_killed(),
                Stage::Killed(_) => false,
            };
            if more_force || has_come(Some(until)) {
                return false;
            }
            if pending.is_empty() {
                return true;
            }
            let over = self.wait(Some(&pending), Some(until));
            let mut over = over.into_iter();
            pending.retain(|_| !over.next().unwrap_or(false));
        }
    }
}

fn ended(status: Option<ExitStatus>) -> Ended {
    let status = status.unwrap_or_default();
    match (status.code(), status.signal()) {
        (Some(code), _) => Ended::Exited(code),
        (None, signal) => Ended::Signalled(signal.unwrap_or_default()),
    }
}
