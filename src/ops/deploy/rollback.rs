//! `svc rollback`: back to what ran before, as it was recorded.

use std::collections::BTreeSet;

use crate::ledger::Wanted;
use crate::model::ledger::{Action, DeployId, Deployed, Entry, Runs, State};
use crate::model::name::ServiceName;
use crate::ops::deploy::moves::{Asked, Ground, Move, Moves};
use crate::ops::deploy::plan::last_deploy;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// Finds what each service goes back to: its recorded predecessor, or what the deploy `to` brought.
///
/// # Errors
/// An environment, service or deploy that does not exist, or a service that nothing ran of before.
pub fn prepare<'p>(place: &'p Place, asked: Asked, to: Option<&str>) -> Result<Moves<'p>, Failure> {
    let ground = Ground::of(place, &asked)?;
    let to = to.map(deploy_id).transpose()?;
    let services = match (&to, asked.services.is_empty()) {
        (_, false) => ground.named(&asked.services)?,
        (Some(to), true) => of_deploy(&ground, to)?,
        (None, true) => of_last_deploy(&ground)?,
    };
    let mut moves = Moves::new(place, asked, Action::Rollback, ground);
    for service in services {
        let from = moves.scene.runs(&service);
        let to = match &to {
            Some(to) => brought_by(&moves.scene, &service, to)?,
            None => predecessor(&moves.scene, &service)?,
        };
        if to.known() != from.known() || from == Runs::Unknown {
            let to = to.known().cloned();
            moves.moves.push(Move { service, from, to });
        }
    }
    moves.order();
    Ok(moves)
}

fn deploy_id(text: &str) -> Result<DeployId, Failure> {
    DeployId::new(text).ok_or_else(|| unknown_deploy(text))
}

fn unknown_deploy(text: &str) -> Failure {
    Failure::Unknown {
        kind: "deploy",
        name: text.to_owned(),
        nearest: None,
    }
}

/// The services that a deploy brought.
fn of_deploy(ground: &Ground, deploy: &DeployId) -> Result<Vec<ServiceName>, Failure> {
    let wanted = Wanted {
        deploy: Some(deploy.clone()),
        ..Wanted::default()
    };
    let entries = ground.store.history(&wanted)?;
    let brought = entries.iter().filter(|it| brought(it));
    let services: BTreeSet<ServiceName> = brought.map(|it| it.service.clone()).collect();
    match services.is_empty() {
        true => Err(unknown_deploy(deploy.as_str())),
        false => Ok(services.into_iter().collect()),
    }
}

/// The services of the newest deploy, less those that it did not change.
fn of_last_deploy(ground: &Ground) -> Result<Vec<ServiceName>, Failure> {
    let newest = || ground.seen.standings.values().map(|it| &it.newest);
    let Some(last) = last_deploy(&*ground.store)? else {
        return Err(Failure::Usage {
            message: format!(
                "nothing was ever deployed to `{}`",
                ground.staged.environment
            ),
            hint: "`svc history` shows what was".into(),
        });
    };
    let changed = newest().filter(|it| it.deploy == last && it.runs != it.before);
    let services: Vec<ServiceName> = changed.map(|it| it.service.clone()).collect();
    match services.is_empty() {
        true => Err(Failure::Usage {
            message: format!(
                "the last deploy of `{}` changed nothing that runs",
                ground.staged.environment
            ),
            hint: "name the services that are to go back, or the deploy with --to".into(),
        }),
        false => Ok(services),
    }
}

/// What ran of a service before what runs now. Who went back already goes back further.
fn predecessor(ground: &Ground, service: &ServiceName) -> Result<Runs, Failure> {
    let standing = &ground.seen.standings[service];
    let before = match standing.runs() {
        Runs::This(runs) => {
            let entries = entries_of(ground, service)?;
            let at = entries.iter().position(|it| {
                it.state == State::Succeeded && it.deploy == runs.deploy && it.brings.is_same(runs)
            });
            at.map(|at| match &entries[at].before {
                // Whatever was left unknown in between, this is the last that was verified to run.
                Runs::Unknown => last_known(&entries[at + 1..], runs),
                before => before.clone(),
            })
        }
        Runs::Unknown => Some(standing.newest.before.clone()),
        Runs::Nothing => None,
    };
    match before {
        Some(Runs::This(before)) => Ok(Runs::This(before)),
        _ => Err(nothing_before(ground, service)),
    }
}

/// The newest release that was verified to run, other than `runs`.
fn last_known(older: &[Entry], runs: &Deployed) -> Runs {
    let known = older.iter().filter(|it| it.state != State::Started);
    let mut known = known.filter_map(|it| it.runs.known());
    let found = known.find(|it| !it.is_same(runs));
    found.map_or(Runs::Nothing, |it| Runs::This(Box::new(it.clone())))
}

fn brought_by(ground: &Ground, service: &ServiceName, deploy: &DeployId) -> Result<Runs, Failure> {
    let entries = entries_of(ground, service)?;
    let brought = entries
        .into_iter()
        .find(|it| it.deploy == *deploy && brought(it));
    match brought.map(|it| it.runs) {
        Some(Runs::This(runs)) => Ok(Runs::This(runs)),
        _ => Err(Failure::Usage {
            message: format!("the deploy {deploy} did not bring `{service}`"),
            hint: format!(
                "`svc history --env {} {service}` shows which did",
                ground.staged.environment
            ),
        }),
    }
}

/// Whether the entry says that something was brought, rather than taken back with others.
fn brought(entry: &Entry) -> bool {
    entry.state == State::Succeeded && entry.action != Action::Undo
}

fn entries_of(ground: &Ground, service: &ServiceName) -> Result<Vec<Entry>, Failure> {
    let wanted = Wanted {
        service: Some(service.clone()),
        ..Wanted::default()
    };
    Ok(ground.store.history(&wanted)?)
}

fn nothing_before(ground: &Ground, service: &ServiceName) -> Failure {
    let environment = &ground.staged.environment;
    Failure::Usage {
        message: format!(
            "there is nothing to go back to: `{environment}` ran nothing of `{service}` before what it runs now"
        ),
        hint: format!(
            "`svc history --env {environment} {service}` shows its deploys; `--to ID` goes to one of them"
        ),
    }
}
