//! Running probes: side by side, each with an end to its time and to what it may print.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use crate::model::digest::Digester;
use crate::process::command::{Command, Ended, Marks};
use crate::process::control::Control;
use crate::process::output::wait;
use crate::process::run::run;
use crate::process::tools::{Answer, Probe};

/// How long a tool may take to say its version.
const TIMEOUT: Duration = Duration::from_secs(30);

/// Between the request to end and the kill.
const GRACE: Duration = Duration::from_secs(1);

/// What a version may take to be told, in bytes.
const MOST: usize = 1024 * 1024;

/// So much of what a tool says is kept for people, in bytes.
const SHOWN: usize = 400;

/// What became of a probe, and the beginning of what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    pub answer: Answer,
    /// The first line that is not empty.
    pub first_line: Option<String>,
}

/// Runs `probes`, as many as `at_once` at a time. None for those that `control` ended or kept from starting.
pub fn run_all(probes: &[&Probe<'_>], control: &Control, at_once: usize) -> Vec<Option<Told>> {
    run_all_within(probes, control, at_once, TIMEOUT)
}

fn run_all_within(
    probes: &[&Probe<'_>],
    control: &Control,
    at_once: usize,
    timeout: Duration,
) -> Vec<Option<Told>> {
    let answers: Vec<OnceLock<Told>> = probes.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let switches = Switches::default();
    let work = || {
        while let at = next.fetch_add(1, Ordering::Relaxed)
            && let Some(probe) = probes.get(at)
            && !control.is_asked()
        {
            let answer = run_one(probe, at, control, &switches, timeout);
            switches.all().remove(&at);
            if let Some(answer) = answer {
                // Nobody else has this place.
                let _ = answers[at].set(answer);
            }
        }
    };
    let count = at_once.clamp(1, probes.len().max(1));
    match Control::new() {
        // Without a switch of its own nothing can be ended early, and nothing more be opened either.
        Err(error) => {
            let reason = format!("it could not be started: {error}");
            return vec![Some(Told::failed(reason)); probes.len()];
        }
        Ok(done) => std::thread::scope(|scope| {
            let workers: Vec<_> = (0..count).map(|_| scope.spawn(work)).collect();
            scope.spawn(|| {
                wait(&[control.asked(), done.asked()], None);
                while !control.is_asked() && !done.is_asked() {
                    wait(&[control.asked(), done.asked()], None);
                }
                switches.kill_all();
            });
            let ended: Vec<_> = workers.into_iter().map(|it| it.join()).collect();
            done.ask();
            if let Some(panic) = ended.into_iter().find_map(Result::err) {
                std::panic::resume_unwind(panic);
            }
        }),
    }
    answers.into_iter().map(OnceLock::into_inner).collect()
}

/// The switches of those that run: each can be ended by itself, and all together.
#[derive(Default)]
struct Switches(Mutex<HashMap<usize, Control>>);

impl Switches {
    fn all(&self) -> MutexGuard<'_, HashMap<usize, Control>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn kill_all(&self) {
        self.all().values().for_each(Control::kill);
    }
}

fn run_one(
    probe: &Probe<'_>,
    at: usize,
    control: &Control,
    switches: &Switches,
    timeout: Duration,
) -> Option<Told> {
    let own = match Control::new() {
        Ok(own) => own,
        Err(error) => return Some(Told::failed(format!("it could not be started: {error}"))),
    };
    switches.all().insert(at, own.clone());
    // From here on whoever asks for the end finds it in the list.
    if control.is_asked() {
        return None;
    }
    let (mut bytes, mut all) = (0, blake3::Hasher::new());
    let mut beginning = Vec::new();
    let ended = run(&command(probe, at, timeout), &own, &mut |chunk| {
        bytes += chunk.len();
        all.update(chunk);
        let room = SHOWN - beginning.len();
        beginning.extend_from_slice(&chunk[..room.min(chunk.len())]);
        if bytes > MOST {
            own.kill();
        }
    });
    if control.is_asked() {
        return None;
    }
    let answer = match ended {
        _ if bytes > MOST => Answer::Failed("it prints more than 1 MiB".to_owned()),
        Ended::Exited(0) => {
            let mut printed = Digester::new("what a tool printed");
            Answer::Printed(printed.part("all", all.finalize().as_bytes()).finish())
        }
        Ended::Exited(code) => Answer::Failed(format!("exit code {code}")),
        Ended::Signalled(signal) => Answer::Failed(format!("ended by signal {signal}")),
        Ended::TimedOut => {
            let timeout = humantime::format_duration(timeout);
            Answer::Failed(format!("timed out after {timeout}"))
        }
        Ended::Interrupted => return None,
        Ended::NotStarted(why) => Answer::Failed(why.message),
    };
    Some(Told {
        answer,
        first_line: first_line(&beginning),
    })
}

fn first_line(beginning: &[u8]) -> Option<String> {
    let text = String::from_utf8_lossy(beginning);
    let line = text.lines().map(str::trim).find(|line| !line.is_empty());
    line.map(str::to_owned)
}

impl Told {
    fn failed(how: String) -> Self {
        Self {
            answer: Answer::Failed(how),
            first_line: None,
        }
    }
}

fn command(probe: &Probe<'_>, at: usize, timeout: Duration) -> Command {
    static CALLS: AtomicUsize = AtomicUsize::new(0);
    let call = CALLS.fetch_add(1, Ordering::Relaxed);
    let marks = Marks {
        run: format!("tools-{}-{call}-{at}", std::process::id()),
        service: String::new(),
        task: String::new(),
    };
    let directory = probe.directory.clone();
    let mut command = Command::in_shell(probe.shell, probe.command, directory, marks);
    command.environment = probe.environment.variables.clone().into_iter().collect();
    command.timeout = Some(timeout);
    command.grace = GRACE;
    command
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::process::environment::Environment;

    fn environment() -> Environment {
        let path = ("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into());
        Environment {
            variables: [path].into(),
            ..Environment::default()
        }
    }

    /// The answers to some scripts that have 200 ms.
    fn answers(scripts: &[&str], control: &Control) -> Vec<Option<Answer>> {
        let environment = environment();
        let shell = ["sh", "-eu", "-c"].map(String::from);
        let probe = |command| Probe {
            command,
            shell: &shell,
            directory: PathBuf::from("/"),
            environment: &environment,
        };
        let probes: Vec<_> = scripts.iter().map(|it| probe(*it)).collect();
        let probes: Vec<_> = probes.iter().collect();
        let told = run_all_within(&probes, control, 2, Duration::from_millis(200));
        told.into_iter().map(|it| Some(it?.answer)).collect()
    }

    #[test]
    fn a_tool_that_takes_too_long_is_ended_with_its_children() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("pid");
        let script = format!("sleep 300 & echo $! > '{}'; wait", file.display());
        let control = Control::new().unwrap();
        let answers = answers(
            &[&script, "trap '' TERM; while :; do sleep 1; done"],
            &control,
        );
        let late = Answer::Failed("timed out after 200ms".into());
        assert_eq!(answers, [Some(late.clone()), Some(late)]);
        let pid: i32 = std::fs::read_to_string(file)
            .unwrap()
            .trim()
            .parse()
            .unwrap();
        let left = crate::process::tree::look_at(pid);
        assert!(left.is_none_or(|it| it.is_over || it.name != "sleep"));
    }

    #[test]
    fn nothing_is_started_after_the_request_to_end() {
        let control = Control::new().unwrap();
        control.ask();
        assert_eq!(
            answers(&["true", "true", "true"], &control),
            [None, None, None]
        );
    }
}
