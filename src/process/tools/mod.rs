//! What the commands in a task's `tools` print, as digests: asked once for all tasks that see the same, and remembered where
//! the file of a program says enough.

mod binary;
mod choice;
mod memory;
mod path;
mod probe;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use crate::model::digest::{Digest, Digester};
use crate::process::control::Control;
use crate::process::environment::Environment;
use crate::process::tools::binary::Binary;
use crate::process::tools::choice::Choices;
use crate::process::tools::memory::{Memory, Remembered};

pub use crate::process::tools::path::is_program;

/// A command in the surroundings of a task.
#[derive(Clone, Debug)]
pub struct Probe<'a> {
    pub command: &'a str,
    /// The program and the arguments that the command is handed to.
    pub shell: &'a [String],
    pub directory: PathBuf,
    /// As a command of the task sees it, less what differs between tasks and runs.
    pub environment: &'a Environment,
}

/// What became of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// All that it printed, on both streams, before it ended well.
    Printed(Digest),
    /// Why it says nothing that can be relied on.
    Failed(String),
}

/// What a probe said, for people.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Heard {
    /// The first line that is not empty, of both streams.
    Said(String),
    /// Why it says nothing that can be relied on, and what it said all the same.
    Failed { how: String, line: Option<String> },
}

/// Whether anything may be started for an answer.
#[derive(Clone, Copy, Debug)]
pub enum Ask<'a> {
    /// As many as `at_once` commands at a time. They are killed as soon as `control` is asked to end.
    Run {
        control: &'a Control,
        at_once: usize,
    },
    OnlyRemembered,
}

/// What `probes` say now, in order; none for those that `control` kept from it. Each is asked once for all that come to the
/// same: the same program, in directories where the same files choose its version. Nothing is remembered.
pub fn hear(probes: &[Probe<'_>], control: &Control, at_once: usize) -> Vec<Option<Heard>> {
    let mut questions = Questions {
        choices: Some(Choices::default()),
        ..Questions::default()
    };
    let places: Vec<usize> = probes.iter().map(|it| questions.place(it)).collect();
    let asked: Vec<&Probe<'_>> = questions.asked.iter().map(|it| it.probe).collect();
    let told = probe::run_all(&asked, control, at_once).into_iter();
    let heard = told.map(|told| {
        let told = told?;
        Some(match told.answer {
            Answer::Printed(_) => Heard::Said(told.first_line.unwrap_or_default()),
            Answer::Failed(how) => Heard::Failed {
                how,
                line: told.first_line,
            },
        })
    });
    let heard: Vec<Option<Heard>> = heard.collect();
    places.into_iter().map(|at| heard[at].clone()).collect()
}

/// The answers to `probes`, in order; none where nothing is remembered and nothing could be run. `memory` is the file that
/// keeps answers from run to run: it may be missing, and whatever is wrong with it only means that more is run.
pub fn ask(probes: &[Probe<'_>], memory: Option<&Path>, mode: Ask<'_>) -> Vec<Option<Answer>> {
    let mut questions = Questions::default();
    let places: Vec<usize> = probes.iter().map(|it| questions.place(it)).collect();
    let asked = questions.asked;
    let mut memory = Memory::read(memory.filter(|_| asked.iter().any(|it| it.binary.is_some())));
    let mut answers: Vec<Option<Answer>> = asked
        .iter()
        .map(|it| {
            let known = memory.find(&it.identity, it.binary.as_ref()?)?;
            Some(Answer::Printed(known))
        })
        .collect();
    if let Ask::Run { control, at_once } = mode {
        let open: Vec<usize> = (0..asked.len())
            .filter(|at| answers[*at].is_none())
            .collect();
        let may_last = open.iter().any(|at| asked[*at].binary.is_some());
        let moment = may_last.then(|| memory.moment()).flatten();
        let run: Vec<&Probe<'_>> = open.iter().map(|at| asked[*at].probe).collect();
        let told = probe::run_all(&run, control, at_once).into_iter();
        let told = told.map(|told| Some(told?.answer));
        for (at, answer) in open.into_iter().zip(told) {
            if let (Some(Answer::Printed(printed)), Some(binary)) = (&answer, &asked[at].binary) {
                // A program that is replaced meanwhile may have answered as either.
                let is_same = Binary::of(asked[at].probe).as_ref() == Some(binary);
                if is_same && moment.is_some_and(|moment| binary.is_older_than(moment)) {
                    memory.add(Remembered {
                        identity: asked[at].identity.clone(),
                        binary: binary.digest.clone(),
                        printed: printed.clone(),
                    });
                }
            }
            answers[at] = answer;
        }
        memory.write();
    }
    places.into_iter().map(|at| answers[at].clone()).collect()
}

/// The probes without those that must come to the same.
#[derive(Default)]
struct Questions<'p> {
    asked: Vec<Question<'p>>,
    places: HashMap<Digest, usize>,
    /// Digests of environments, which many probes share, by where they lie.
    environments: HashMap<*const Environment, (Digest, Digest)>,
    binaries: HashMap<Digest, Option<Binary>>,
    /// What stands for a directory where it only chooses a version. None where the directory itself counts.
    choices: Option<Choices>,
}

/// A probe that is asked.
struct Question<'p> {
    probe: &'p Probe<'p>,
    /// The command, the shell and the variables that matter, for an answer that holds in every directory.
    identity: Digest,
    /// What an answer can be bound to.
    binary: Option<Binary>,
}

impl<'p> Questions<'p> {
    fn place(&mut self, probe: &'p Probe<'p>) -> usize {
        let (whole, lasting) = self
            .environments
            .entry(std::ptr::from_ref(probe.environment))
            .or_insert_with(|| {
                let all = |_: &std::ffi::OsStr| true;
                let digest = |of: &dyn Fn(&std::ffi::OsStr) -> bool| probe.environment.digest(of);
                (digest(&all), digest(&|it| !binary::is_of_session(it)))
            });
        let mut digester = Digester::new("tool");
        digester.part("command", probe.command.as_bytes());
        digester.list("shell", probe.shell.iter().map(String::as_str));
        let (mut here, mut anywhere) = (digester.clone(), digester);
        anywhere.digest("environment", lasting);
        here.digest("whole environment", whole);
        // Two environments that differ in the session alone look the same to what may be remembered.
        let binary = self.binaries.entry(anywhere.finish());
        let binary = binary.or_insert_with(|| Binary::of(probe)).clone();
        if binary.is_none() {
            let choices = self.choices.as_mut();
            match choices.and_then(|it| it.of(probe)) {
                Some(choice) => _ = here.digest("choice", &choice),
                None => _ = here.part("directory", probe.directory.as_os_str().as_encoded_bytes()),
            }
        }
        let identity = anywhere.finish();
        let place = match binary {
            Some(_) => identity.clone(),
            None => here.finish(),
        };
        let next = self.asked.len();
        let place = *self.places.entry(place).or_insert(next);
        if place == next {
            self.asked.push(Question {
                probe,
                identity,
                binary,
            });
        }
        place
    }
}
