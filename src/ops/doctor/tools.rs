//! Whether the tools that tasks need are there, and which versions they have.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;

use crate::model::commands::programs;
use crate::model::finding::{Area, Finding, Weight};
use crate::model::name::TaskId;
use crate::model::task::Task;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::machinery::listening;
use crate::ops::place::Place;
use crate::process::environment::environment;
use crate::process::tools::{Heard, Probe, hear, is_program};

/// So many tasks are named of those that need a tool.
const NAMED: usize = 3;

/// Asks every tool that a task declares, and looks for the programs that commands call.
///
/// # Errors
/// Somebody asks `svc` to end.
pub fn look(place: &Place, workspace: &Workspace) -> Result<Vec<Finding>, Failure> {
    let mut declared: BTreeMap<&str, Vec<(TaskId, &Task)>> = BTreeMap::new();
    let mut called: BTreeMap<String, BTreeSet<TaskId>> = BTreeMap::new();
    for service in workspace.services() {
        for (name, task) in &service.tasks {
            let id = TaskId::new(&service.name, name);
            for tool in &task.tools {
                declared.entry(tool).or_default().push((id.clone(), task));
            }
            for program in task.run.iter().flat_map(|it| programs(it)) {
                called.entry(program).or_default().insert(id.clone());
            }
        }
    }
    let mut findings = Vec::new();
    // The programs of declared tools tell more by their answer.
    for program in declared.keys().flat_map(|tool| programs(tool)) {
        called.remove(&program);
    }
    findings.extend(answers(place, workspace, &declared)?);
    findings.extend(missing(place, &called));
    findings.sort_by(|a, b| (b.weight, &a.about).cmp(&(a.weight, &b.about)));
    Ok(findings)
}

fn answers(
    place: &Place,
    workspace: &Workspace,
    declared: &BTreeMap<&str, Vec<(TaskId, &Task)>>,
) -> Result<Vec<Finding>, Failure> {
    let settings = workspace.settings();
    let variables = &place.env.variables;
    // The first task that needs a tool asks it, as it would see it.
    let first = declared.values().map(|users| &users[0]);
    let environments: Vec<_> = first
        .clone()
        .map(|(_, task)| environment(variables, task, &settings.pass_env, []))
        .collect();
    let probes = declared.keys().zip(first).zip(&environments);
    let probes: Vec<Probe<'_>> = probes
        .map(|((command, (id, task)), environment)| {
            let service = workspace.find(id.service.as_str());
            let path = service.map(|it| &workspace.service(it).path);
            Probe {
                command,
                shell: &task.shell,
                directory: path.map_or(place.root.clone(), |it| place.root.join(it.as_path())),
                environment,
            }
        })
        .collect();
    let (control, _listener) = listening()?;
    let heard = hear(&probes, &control, place.env.processors);
    if control.is_asked() {
        return Err(Failure::Interrupted);
    }
    let pairs = declared.iter().zip(heard);
    Ok(pairs
        .filter_map(|((command, users), heard)| {
            let users = users.iter().map(|(id, _)| id);
            Some(answer(command, users, heard?))
        })
        .collect())
}

fn answer<'a>(
    command: &str,
    users: impl Iterator<Item = &'a TaskId> + Clone,
    heard: Heard,
) -> Finding {
    match heard {
        Heard::Said(line) => Finding::fine(Area::Tools, command, line),
        Heard::Failed { how, line } => {
            let line = line.map(|line| format!(" ({line})")).unwrap_or_default();
            let words = format!("{how}{line}; {} it", needed_by(users));
            let program = programs(command).into_iter().next();
            let program = program.unwrap_or_else(|| command.to_owned());
            Finding::new(Area::Tools, Weight::Failure, command, words)
                .fix(format!("install {program}, or change `tools` of the task"))
        }
    }
}

fn missing(place: &Place, called: &BTreeMap<String, BTreeSet<TaskId>>) -> Vec<Finding> {
    let path = place.env.variables.get(OsStr::new("PATH"));
    let missing = called
        .iter()
        .filter(|(program, _)| !path.is_some_and(|path| is_program(program, path)));
    missing
        .map(|(program, users)| {
            let words = format!("it is not in PATH; {} it", needed_by(users.iter()));
            Finding::new(Area::Tools, Weight::Warning, program, words)
                .fix(format!("install {program}"))
        })
        .collect()
}

/// `api:build, web:build and 3 more need`.
fn needed_by<'a>(users: impl Iterator<Item = &'a TaskId> + Clone) -> String {
    let count = users.clone().count();
    let named: Vec<String> = users.take(NAMED).map(ToString::to_string).collect();
    let rest = match count.saturating_sub(NAMED) {
        0 => String::new(),
        rest => format!(" and {rest} more"),
    };
    let verb = if count == 1 { "needs" } else { "need" };
    format!("{}{rest} {verb}", named.join(", "))
}
