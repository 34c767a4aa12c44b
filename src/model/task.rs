//! A task, as its definition resolves after all merging.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use crate::model::deploy::Deploy;
use crate::model::input::Inputs;
use crate::model::name::{ServiceName, TaskName};
use crate::model::pattern::Pattern;

/// A task's resolved definition.
#[derive(Clone, Debug, PartialEq)]
pub struct Task {
    /// The commands, in order. Only a deploy that its target defines has none.
    pub run: Vec<String>,
    /// The program and arguments that a command is handed to as last argument, `sh -eu -c` unless given.
    pub shell: Arc<[String]>,
    pub inputs: Inputs,
    /// The files it leaves behind. `None`: the key is missing, so nothing is known about them.
    pub outputs: Option<Vec<Pattern>>,
    pub needs: Vec<Need>,
    /// Variables that are handed on and can change the result.
    pub env: Vec<String>,
    /// Variables that are handed on and cannot change the result.
    pub pass_env: Vec<String>,
    /// Variables that are handed on, cannot change the result and are masked wherever they would show.
    pub secrets: Vec<String>,
    /// Commands whose output can change the result, such as `rustc --version`.
    pub tools: Vec<String>,
    pub timeout: Option<Duration>,
    /// How many more times a failed task is tried.
    pub retry: u32,
    pub slot: Slot,
    /// Between the request to end and the kill, where it was said.
    pub grace: Option<Duration>,
    /// The `cache` key, where it was given.
    pub cache: Option<bool>,
    /// Whether the environment is cleaned (true unless `strict-env = false`).
    pub strict_env: bool,
    /// Only on the task named `deploy`.
    pub deploy: Option<Box<Deploy>>,
}

/// What a running task holds besides one of the jobs.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Slot {
    /// Nothing.
    Free,
    /// A slot of the named pool.
    Pool(String),
    /// The whole machine: nothing else runs meanwhile.
    Exclusive,
}

/// A task that has to be done first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Need {
    /// `"build"`: a task of the same service.
    Own(TaskName),
    /// `"^build"`: that task of each dependency.
    OfDependencies(TaskName),
    /// `"other:build"`: a task of another service.
    Of(ServiceName, TaskName),
}

/// The shell that nearly all tasks have, kept once.
static SHELL: LazyLock<Arc<[String]>> =
    LazyLock::new(|| Arc::new(["sh", "-eu", "-c"].map(String::from)));

impl Task {
    /// A task that runs `run`, everything else as built in.
    pub fn new(run: Vec<String>) -> Self {
        Self {
            run,
            shell: SHELL.clone(),
            inputs: Inputs::default(),
            outputs: None,
            needs: Vec::new(),
            env: Vec::new(),
            pass_env: Vec::new(),
            secrets: Vec::new(),
            tools: Vec::new(),
            timeout: None,
            retry: 0,
            slot: Slot::Free,
            grace: None,
            cache: None,
            strict_env: true,
            deploy: None,
        }
    }

    /// Between the request to end and the kill.
    pub fn grace(&self) -> Duration {
        self.grace.unwrap_or(Duration::from_secs(10))
    }

    /// Whether a passed result of the task `name` with this definition may stand for the next one with the same inputs.
    pub fn is_reusable(&self, name: &TaskName) -> bool {
        match (self.cache, name.as_str()) {
            (Some(cache), _) => cache,
            (None, "build") => self.outputs.is_some(),
            (None, "test" | "lint") => true,
            (None, _) => false,
        }
    }
}
