//! Says where in the files a deploy is wrong, and what to do about it.

use std::collections::BTreeSet;

use crate::config::problem::{FileId, Findings, Place};
use crate::config::service::{Context, Head};
use crate::config::tree::TableNode;
use crate::model::suggest::nearest;
use crate::model::target::{Fault, Layer, What, faults};
use crate::model::workspace::Workspace;

/// Notes everything that is wrong with the deploys of `workspace`. `known` are the names of all targets.
pub fn check(context: &Context, workspace: &Workspace, known: &BTreeSet<String>) -> Findings {
    let mut findings = Findings::default();
    for fault in faults(workspace) {
        let place = place(context, &fault);
        say(&mut findings, context, place, fault.what, known);
    }
    findings
}

fn say(
    findings: &mut Findings,
    context: &Context,
    place: Place,
    what: What,
    known: &BTreeSet<String>,
) {
    match what {
        What::UnknownTarget(name) => {
            let near = nearest(&name, known.iter().map(String::as_str));
            let names: Vec<&str> = known.iter().map(String::as_str).collect();
            let otherwise = format!(
                "there are {}; a workspace adds its own as `.svc/targets/NAME.toml`",
                names.join(", ")
            );
            findings
                .add(
                    place,
                    format!("there is no target `{}`", name.escape_debug()),
                )
                .did_you_mean(near, &otherwise)
                .absence();
        }
        What::UnknownParameter {
            name,
            targets,
            known,
        } => {
            let shown = name.escape_debug();
            let of: Vec<String> = targets.iter().map(|it| format!("`{it}`")).collect();
            let near = nearest(&name, known.iter().map(String::as_str));
            let otherwise = format!("its parameters are {}", known.join(", "));
            findings
                .add(
                    place,
                    format!(
                        "`{shown}` is not a parameter of the target {}",
                        of.join(" or ")
                    ),
                )
                .did_you_mean(near, &otherwise);
        }
        What::NoTarget { name } => {
            findings.add(place, format!("`{}` is not a key here", name.escape_debug())).hint(
                "parameters belong to a target, and this deploy runs commands of its own; name a `target`, or remove the key",
            );
        }
        What::Unfit { name, target, kind } => {
            findings.add(
                place,
                format!(
                    "`{}` of the target `{target}` must be {}",
                    name.escape_debug(),
                    kind.wanted()
                ),
            );
        }
        What::Missing {
            name,
            about,
            target,
            environment,
        } => {
            let places = match environment.filter(|it| context.environments.contains_key(it)) {
                Some(environment) => format!("here or in `[environments.{environment}]`"),
                None => "here".into(),
            };
            let about = if about.is_empty() {
                about
            } else {
                format!(" ({about})")
            };
            findings
                .add(
                    place,
                    format!("the target `{target}` needs `{name}`{about}"),
                )
                .hint(format!("set `{name}` {places}"))
                .absence();
        }
        What::CannotScale { target } => {
            findings
                .add(
                    place,
                    format!(
                        "the target `{target}` cannot scale, so `replicas` means nothing to it"
                    ),
                )
                .hint("remove `replicas`");
        }
        What::Both { target } => {
            findings.add(place, format!("the deploy has commands and the target `{target}`"))
                .hint("one of them brings the service there: remove `run` or `target`; commands beside a target are `before` and `after`");
        }
        What::Placeholder(unknown) => {
            findings.add(place, unknown.message).hint(unknown.hint);
        }
    }
}

/// Where the key of a fault stands, or else the nearest thing around it.
fn place(context: &Context, fault: &Fault) -> Place {
    let key = fault.key.as_deref();
    match &fault.layer {
        Layer::Environment(name) => {
            let tables = context.environment_tables;
            let table = tables.and_then(|tables| tables.find(name.as_str()));
            table.map_or(Place::new(FileId(0), 0, 0), |(header, node)| {
                node.table()
                    .and_then(|table| within(table, key))
                    .unwrap_or(header.place)
            })
        }
        Layer::Deploy(service) => {
            let Some(head) = context.find(service.as_str()) else {
                return Place::new(FileId(0), 0, 0);
            };
            let inherited = || {
                let defaults = context.defaults.iter().find(|(name, _)| *name == "deploy");
                defaults.map(|(_, task)| task.place)
            };
            deploy_key(head, key)
                .or_else(inherited)
                .unwrap_or(head.key.place)
        }
        Layer::Override(service, environment) => {
            let Some(head) = context.find(service.as_str()) else {
                return Place::new(FileId(0), 0, 0);
            };
            let table = head.table.find("deploy").and_then(|(_, it)| it.table());
            let over = table
                .and_then(|it| it.find("env"))
                .and_then(|(_, it)| it.table());
            let over = over.and_then(|it| it.find(environment.as_str()));
            let found = over.map(|(header, node)| {
                node.table()
                    .and_then(|table| within(table, key))
                    .unwrap_or(header.place)
            });
            found.unwrap_or(head.key.place)
        }
    }
}

/// The key of a service's own deploy, or its header for what is missing.
fn deploy_key(head: &Head, key: Option<&str>) -> Option<Place> {
    let (header, node) = head.table.find("deploy")?;
    match (key, node.table()) {
        (Some(_), Some(table)) => within(table, key),
        _ => Some(header.place),
    }
}

/// The value of a key, or for keys that hold no single value the key.
fn within(table: TableNode, key: Option<&str>) -> Option<Place> {
    let (found, node) = table.find(key?)?;
    Some(match node.text() {
        Some(_) => node.place(),
        None => found.place,
    })
}
