//! `needs`: which tasks come before a task.

use crate::config::merge::{INHERITED, Layers};
use crate::config::problem::Findings;
use crate::config::read::At;
use crate::config::service::{Context, Head};
use crate::model::name::{NAME_RULE, ServiceName, TaskName};
use crate::model::suggest::nearest;
use crate::model::task::Need;

/// Whether a service says it itself, or a preset or default says it of many.
#[derive(Clone, Copy, PartialEq)]
enum Voice {
    Own,
    Inherited,
}

/// The needs of the task `name` of `head`.
pub fn resolve(
    findings: &mut Findings,
    context: &Context,
    head: &Head,
    name: &TaskName,
    layers: &Layers,
) -> Vec<Need> {
    let mut needs = context.built_in_needs(name.as_str()).to_vec();
    for (at, layer) in layers.iter().enumerate() {
        let Some(list) = layer.and_then(|layer| layer.needs) else {
            continue;
        };
        let voice = if at == 2 {
            Voice::Own
        } else {
            Voice::Inherited
        };
        let inherited = std::mem::take(&mut needs);
        for text in list.iter() {
            if text.value == INHERITED {
                needs.extend(inherited.iter().cloned());
                continue;
            }
            let Some(need) = parse(findings, head, text) else {
                continue;
            };
            if check(findings, context, head, name, voice, &need, text) {
                needs.push(need);
            }
        }
    }
    let mut seen: Vec<Need> = Vec::with_capacity(needs.len());
    for need in needs {
        if !seen.contains(&need) {
            seen.push(need);
        }
    }
    seen
}

fn parse(findings: &mut Findings, head: &Head, text: At<&str>) -> Option<Need> {
    let task = |findings: &mut Findings, name: &str| {
        let task = TaskName::new(name);
        if task.is_none() {
            findings
                .add(
                    text.place,
                    format!("`{}` does not name a task", text.value.escape_debug()),
                )
                .label(NAME_RULE)
                .hint("write `build` for the same service, `^build` for each dependency, `other:build` for another service");
        }
        task
    };
    if let Some(name) = text.value.strip_prefix('^') {
        return task(findings, name).map(Need::OfDependencies);
    }
    let Some((service, name)) = text.value.split_once(':') else {
        return task(findings, text.value).map(Need::Own);
    };
    let name = task(findings, name)?;
    if service == head.name {
        return Some(Need::Own(name));
    }
    match ServiceName::new(service) {
        Some(service) => Some(Need::Of(service, name)),
        None => {
            findings
                .add(
                    text.place,
                    format!("`{}` is not a name of a service", service.escape_debug()),
                )
                .hint(NAME_RULE);
            None
        }
    }
}

fn check(
    findings: &mut Findings,
    context: &Context,
    head: &Head,
    name: &TaskName,
    voice: Voice,
    need: &Need,
    text: At<&str>,
) -> bool {
    match need {
        Need::Own(task) if task == name => {
            if voice == Voice::Own {
                findings
                    .add(text.place, format!("`{}:{name}` needs itself", head.name))
                    .hint(format!(
                        "remove it, or write `^{name}` for that task of each dependency"
                    ));
            }
            false
        }
        Need::Own(task) => {
            let missing = voice == Voice::Own && !context.has_task(head, task.as_str());
            if missing {
                unknown_own_task(findings, context, head, task, text);
            }
            !missing
        }
        Need::OfDependencies(task) => {
            let missing = voice == Voice::Own && !context.is_known_task(task.as_str());
            if missing {
                let near = nearest(task.as_str(), context.task_names());
                let near = near.map(|near| format!("^{near}"));
                findings
                    .add(text.place, format!("no service has a task `{task}`"))
                    .did_you_mean(near.as_deref(), "")
                    .absence();
            }
            !missing
        }
        Need::Of(service, task) => check_other(findings, context, service, task, text),
    }
}

fn unknown_own_task(
    findings: &mut Findings,
    context: &Context,
    head: &Head,
    task: &TaskName,
    text: At<&str>,
) {
    let known = context.tasks_of(head);
    let problem = findings.add(text.place, format!("`{}` has no task `{task}`", head.name));
    match nearest(task.as_str(), known.iter().copied()) {
        Some(near) => problem.hint(format!("did you mean `{near}`?")),
        None if context.find(task.as_str()).is_some() => problem.hint(format!(
            "`{task}` is a service; write `{task}:build` for its task `build`"
        )),
        None => problem.hint(format!(
            "its tasks are {}; write `other:{task}` for a task of another service",
            known.join(", ")
        )),
    };
    problem.absence();
}

fn check_other(
    findings: &mut Findings,
    context: &Context,
    service: &ServiceName,
    task: &TaskName,
    text: At<&str>,
) -> bool {
    let Some(other) = context.find(service.as_str()) else {
        context
            .unknown_service(findings, service.as_str(), text.place)
            .absence();
        return false;
    };
    let known = context.has_task(other, task.as_str());
    if !known {
        let tasks = context.tasks_of(other);
        let near = nearest(task.as_str(), tasks.iter().copied());
        let near = near.map(|near| format!("{service}:{near}"));
        let otherwise = match tasks.is_empty() {
            true => format!("`{service}` has no tasks"),
            false => format!("its tasks are {}", tasks.join(", ")),
        };
        findings
            .add(text.place, format!("`{service}` has no task `{task}`"))
            .related(other.key.place, "the service")
            .did_you_mean(near.as_deref(), &otherwise)
            .absence();
    }
    known
}
