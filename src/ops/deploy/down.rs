//! `svc down`: takes services away from an environment.

use crate::model::ledger::{Action, Runs};
use crate::model::name::ServiceName;
use crate::ops::deploy::moves::{Asked, Ground, Move, Moves};
use crate::ops::deploy::serve::Machine;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// Why this machine does not take something down.
const OWN: &str = "its deploy is commands of its own, which know no way back";

/// What was found.
pub struct Found<'p> {
    pub moves: Moves<'p>,
    /// Services that are left out, each with why.
    pub left_out: Vec<(String, String)>,
}

/// Finds what is to be taken away: the services named, or everything that the ledger, or this machine, knows.
///
/// # Errors
/// An environment or service that does not exist.
pub fn prepare<'p>(place: &'p Place, asked: Asked) -> Result<Found<'p>, Failure> {
    let ground = Ground::of(place, &asked)?;
    let mut services: Vec<ServiceName> = match asked.services.is_empty() {
        false => ground.named(&asked.services)?,
        true => ground.seen.standings.keys().cloned().collect(),
    };
    let mut running = Vec::new();
    let mut left_out = Vec::new();
    if ground.staged.is_local() {
        let machine = Machine::open(place, &ground.staged)?;
        running = machine.running();
        if asked.services.is_empty() {
            services.extend(running.iter().cloned());
        }
        let is_elsewhere = |it: &ServiceName| !asked.forget && !machine.has(it);
        let elsewhere: Vec<ServiceName> = services
            .iter()
            .filter(|it| ground.runs(it) != Runs::Nothing && is_elsewhere(it))
            .cloned()
            .collect();
        if let Some(first) = elsewhere.first().filter(|_| !asked.services.is_empty()) {
            return Err(Failure::Usage {
                message: format!("it is not known how to take `{first}` down: {OWN}"),
                hint: format!(
                    "take it away by hand, then `svc down --forget --env {} {first}` writes that down",
                    ground.staged.environment
                ),
            });
        }
        services.retain(|it| !elsewhere.contains(it));
        left_out.extend(elsewhere.iter().map(|it| (it.to_string(), OWN.to_owned())));
    }
    services.sort_unstable();
    services.dedup();
    let mut moves = Moves::new(place, asked, Action::Remove, ground);
    for service in services {
        let from = moves.scene.runs(&service);
        if from != Runs::Nothing || running.contains(&service) {
            moves.moves.push(Move {
                service,
                from,
                to: None,
            });
        }
    }
    moves.order();
    Ok(Found { moves, left_out })
}
