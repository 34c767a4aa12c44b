//! What the tools of a plan's tasks print.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;

use crate::model::digest::Digest;
use crate::model::plan::Plan;
use crate::model::task::Task;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::failure::Failure;
use crate::ops::machinery::listening;
use crate::ops::place::Place;
use crate::process::Control;
use crate::process::environment::{Environment, environment};
use crate::process::signals::Listener;
use crate::process::tools::{Answer, Ask, Probe, ask};

/// Whether tools may be run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asking {
    Run,
    /// Only what is known from earlier runs is used.
    OnlyRemembered,
}

/// What one tool said.
#[derive(Clone, Debug, PartialEq)]
pub enum Tool {
    Printed(Digest),
    /// In words that go on after its name.
    Failed(String),
    /// Nothing may be run to find out.
    NotAsked,
}

/// The answers for all tasks of a plan, by place.
#[derive(Default)]
pub struct Tools(Vec<BTreeMap<String, Tool>>);

/// The answers, and who hears of signals since they were asked for.
pub struct Asked {
    pub tools: Tools,
    pub early: Option<Early>,
}

/// Hears of signals before a run does.
pub struct Early {
    control: Control,
    _listener: Listener,
}

impl Early {
    /// From now on others listen.
    ///
    /// # Errors
    /// There was a signal.
    pub fn end(self) -> Result<(), Failure> {
        match self.control.is_asked() {
            true => Err(Failure::Interrupted),
            false => Ok(()),
        }
    }
}

/// What decides about the variables of a task.
type Lists<'w> = (&'w [String], &'w [String], &'w [String], bool);

/// The variables that tasks see, by what decides about them.
pub type Environments<'w> = HashMap<Lists<'w>, Environment>;

impl Tools {
    /// Asks the tools of all tasks of a plan, each once.
    ///
    /// # Errors
    /// The machine refuses a pipe, or somebody asks `svc` to end.
    pub fn ask(
        place: &Place,
        workspace: &Workspace,
        plan: &Plan,
        variables: &BTreeMap<OsString, OsString>,
        asking: Asking,
    ) -> Result<Asked, Failure> {
        let tasks: Vec<&Task> = plan
            .tasks
            .iter()
            .map(|it| &*workspace.service(it.service).tasks[&it.id.task])
            .collect();
        let mut tools = Self(vec![BTreeMap::new(); tasks.len()]);
        if tasks.iter().all(|it| it.tools.is_empty()) {
            return Ok(Asked { tools, early: None });
        }
        let environments = environments(workspace, &tasks, variables);
        let services = plan.tasks.iter().map(|it| it.service);
        let asked: Vec<_> = services.zip(tasks).collect();
        let (places, probes) = probes(place, workspace, &asked, &environments);
        let memory = place.memory("tools");
        let early = match asking {
            Asking::Run => Some(listen_early()?),
            Asking::OnlyRemembered => None,
        };
        let mode = match &early {
            Some(early) => Ask::Run {
                control: &early.control,
                at_once: place.env.processors,
            },
            None => Ask::OnlyRemembered,
        };
        let answers = ask(&probes, memory.as_deref(), mode);
        if early.as_ref().is_some_and(|it| it.control.is_asked()) {
            return Err(Failure::Interrupted);
        }
        for ((at, probe), answer) in places.into_iter().zip(&probes).zip(answers) {
            let tool = match answer {
                Some(Answer::Printed(digest)) => Tool::Printed(digest),
                Some(Answer::Failed(how)) => Tool::Failed(how),
                None => Tool::NotAsked,
            };
            tools.0[at].insert(probe.command.to_owned(), tool);
        }
        Ok(Asked { tools, early })
    }

    /// The tools of a task, by their commands.
    pub fn of(&self, task: usize) -> &BTreeMap<String, Tool> {
        &self.0[task]
    }
}

/// Every tool of `tasks` as the task itself would ask it, each with the place of that task.
pub fn probes<'w>(
    place: &Place,
    workspace: &Workspace,
    tasks: &[(ServiceIndex, &'w Task)],
    environments: &'w Environments<'w>,
) -> (Vec<usize>, Vec<Probe<'w>>) {
    let asked = tasks.iter().enumerate();
    let asked = asked.filter(|(_, (_, task))| !task.tools.is_empty());
    let asked = asked.flat_map(|(at, (service, task))| {
        let directory = place.root.join(workspace.service(*service).path.as_path());
        let environment = &environments[&lists(task)];
        task.tools.iter().map(move |command| {
            let probe = Probe {
                command,
                shell: &task.shell,
                directory: directory.clone(),
                environment,
            };
            (at, probe)
        })
    });
    asked.unzip()
}

fn lists(task: &Task) -> Lists<'_> {
    (&task.env, &task.pass_env, &task.secrets, task.strict_env)
}

/// The variables that tasks see, once for all that see the same.
pub fn environments<'w>(
    workspace: &Workspace,
    tasks: &[&'w Task],
    variables: &BTreeMap<OsString, OsString>,
) -> Environments<'w> {
    let mut environments = HashMap::new();
    for task in tasks.iter().filter(|it| !it.tools.is_empty()) {
        environments
            .entry(lists(task))
            .or_insert_with(|| environment(variables, task, &workspace.settings().pass_env, []));
    }
    environments
}

fn listen_early() -> Result<Early, Failure> {
    let (control, listener) = listening()?;
    Ok(Early {
        control,
        _listener: listener,
    })
}
