//! `svc down`: takes services away from an environment.

use crate::ledger::Refresh;
use crate::model::ledger::{Action, Runs};
use crate::model::name::ServiceName;
use crate::ops::deploy::moves::{Asked, Ground, Move, Moves};
use crate::ops::deploy::serve::Machine;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// Finds what is to be taken away: the services named, or everything that the ledger, or this machine, knows.
///
/// # Errors
/// An environment or service that does not exist.
pub fn prepare<'p>(place: &'p Place, asked: Asked) -> Result<Moves<'p>, Failure> {
    let ground = Ground::look(place, &asked.environment, Refresh::Now)?;
    let mut services: Vec<ServiceName> = match asked.services.is_empty() {
        false => ground.named(&asked.services)?,
        true => ground.seen.standings.keys().cloned().collect(),
    };
    let mut running = Vec::new();
    if ground.staged.is_local() {
        running = Machine::open(place, &ground.staged)?.running();
        if asked.services.is_empty() {
            services.extend(running.iter().cloned());
        }
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
    Ok(moves)
}
