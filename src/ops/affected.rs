//! `svc affected`: which services changed, and what depends on them.

use crate::model::affected::AffectedService;
use crate::model::cause::Cause;
use crate::model::graph::service_order;
use crate::ops::choose;
use crate::ops::compare::{Comparison, compare};
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::record::History;

/// What `svc affected` is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub compare: CompareRequest,
    pub select: SelectRequest,
    /// Whether services with a task that failed before count too.
    pub failed: bool,
}

/// The affected services, in dependency order.
pub struct Answer<'p> {
    pub comparison: Comparison<'p>,
    pub services: Vec<AffectedService>,
}

/// Answers the request.
///
/// # Errors
/// See [`compare`]; names that do not exist.
pub fn affected<'p>(
    place: &'p Place,
    request: &Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Answer<'p>, Failure> {
    let mut comparison = compare(place, &request.compare, &request.select, tell)?;
    if request.failed {
        add_failed(&mut comparison, &place.history());
    }
    let selection = choose::selection(&comparison.workspace, &request.select, &request.compare)?;
    let workspace = &comparison.workspace;
    let candidates: Vec<(_, Vec<Cause>)> = match selection.asks_for_changes() {
        true => {
            let affected = comparison.changed.affected_services(workspace);
            affected
                .into_iter()
                .map(|it| (it.service, it.causes))
                .collect()
        }
        false => workspace.indices().map(|it| (it, Vec::new())).collect(),
    };
    let mut chosen = selection.choose(workspace, candidates);
    let services = service_order(workspace)
        .into_iter()
        .filter_map(|service| {
            Some(AffectedService {
                service,
                causes: chosen.remove(&service)?,
            })
        })
        .collect();
    Ok(Answer {
        comparison,
        services,
    })
}

/// Adds every task of this worktree whose last run did not pass.
pub fn add_failed(comparison: &mut Comparison<'_>, history: &History) {
    let workspace = &comparison.workspace;
    for (id, _) in history.outcomes().iter().filter(|(_, it)| it.is_bad()) {
        let service = workspace.find(id.service.as_str());
        let known = service.filter(|it| workspace.service(*it).tasks.contains_key(&id.task));
        if let Some(service) = known {
            comparison
                .changed
                .add(service, &id.task, Cause::FailedBefore);
        }
    }
}
