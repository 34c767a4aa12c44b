//! From the names and flags that a user wrote to services.

use std::collections::BTreeSet;

use crate::model::handed::Handed;
use crate::model::name::TaskName;
use crate::model::select::{Dependents, Selection};
use crate::model::suggest::nearest;
use crate::model::workspace::{Service, ServiceIndex, Workspace};
use crate::ops::failure::Failure;
use crate::ops::request::{CompareRequest, SelectRequest};

/// Resolves every name of a request.
///
/// # Errors
/// A name or tag that does not exist, with the nearest one.
pub fn selection(
    workspace: &Workspace,
    select: &SelectRequest,
    compare: &CompareRequest,
) -> Result<Selection, Failure> {
    let named = select.names.iter().map(|name| named(workspace, name));
    let exclude = select.exclude.iter().map(|name| service(workspace, name));
    Ok(Selection {
        named: named.collect::<Result<_, _>>()?,
        all: select.all,
        compares: compare.is_explicit(),
        tags: tags(workspace, &select.tags)?,
        exclude: exclude.collect::<Result<_, _>>()?,
        dependents: match select.no_dependents {
            true => Dependents::Leave,
            false => Dependents::Include,
        },
        with_dependencies: select.with_dependencies,
        handed: Handed::default(),
    })
}

/// The service named `name`.
///
/// # Errors
/// There is none; names the nearest.
pub fn service(workspace: &Workspace, name: &str) -> Result<ServiceIndex, Failure> {
    workspace.find(name).ok_or_else(|| {
        let known = workspace.services().iter().map(|it| it.name.as_str());
        unknown("service", name, known)
    })
}

/// The service, and the task where `name` is a full name.
///
/// # Errors
/// There is no such service, or it has no such task; names the nearest.
pub fn named(
    workspace: &Workspace,
    name: &str,
) -> Result<(ServiceIndex, Option<TaskName>), Failure> {
    let Some((service_name, task)) = name.split_once(':') else {
        return Ok((service(workspace, name)?, None));
    };
    let index = service(workspace, service_name)?;
    let service = workspace.service(index);
    let found = service.tasks.get_key_value(task);
    let (task, _) = found.ok_or_else(|| no_task(service, task))?;
    Ok((index, Some(task.clone())))
}

/// The failure that `service` has no task `name`, with those that it has.
pub fn no_task(service: &Service, name: &str) -> Failure {
    let known = || service.tasks.keys().map(|it| it.as_str());
    let service = &service.name;
    let hint = match nearest(name, known()) {
        Some(nearest) => format!("did you mean `{service}:{nearest}`?"),
        None => match known().map(|it| format!("`{it}`")).collect::<Vec<_>>() {
            none if none.is_empty() => "it has no tasks".to_owned(),
            tasks => format!("it has {}", tasks.join(", ")),
        },
    };
    Failure::Usage {
        message: format!("`{service}` has no task `{name}`"),
        hint,
    }
}

/// The task `name`, if any service has it.
///
/// # Errors
/// None has; names the nearest.
pub fn task(workspace: &Workspace, name: &str) -> Result<TaskName, Failure> {
    let tasks = || workspace.services().iter().flat_map(|it| it.tasks.keys());
    let found = tasks().find(|it| it.as_str() == name).cloned();
    found.ok_or_else(|| match name.split_once(':').unwrap_or((name, "test")) {
        (service, task) if workspace.find(service).is_some() => Failure::Usage {
            message: format!("`{name}` stands where a task is named first"),
            hint: format!("`{service}` is a service: write `{task} {service}`"),
        },
        _ => unknown("task", name, tasks().map(|it| it.as_str())),
    })
}

fn tags(workspace: &Workspace, tags: &[String]) -> Result<BTreeSet<String>, Failure> {
    let known: BTreeSet<&String> = workspace
        .services()
        .iter()
        .flat_map(|it| &it.tags)
        .collect();
    let check = |tag: &String| match known.contains(tag) {
        true => Ok(tag.clone()),
        false => Err(unknown("tag", tag, known.iter().map(|it| it.as_str()))),
    };
    tags.iter().map(check).collect()
}

fn unknown<'a>(kind: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Failure {
    Failure::Unknown {
        kind,
        name: name.to_owned(),
        nearest: nearest(name, known).map(str::to_owned),
    }
}
