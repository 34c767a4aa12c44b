//! Before services are deployed: everything that their deploys need is built and tested, or taken from the cache.

use std::collections::BTreeMap;

use crate::engine::Failing;
use crate::model::affected::Changed;
use crate::model::change::{Base, Head};
use crate::model::graph::TaskGraph;
use crate::model::run::Summary;
use crate::model::workspace::ServiceIndex;
use crate::ops::compare::Comparison;
use crate::ops::deploy::acts::Told;
use crate::ops::deploy::environment::deploy;
use crate::ops::deploy::plan::Prepared;
use crate::ops::failure::Failure;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::ops::tasks;
use crate::ops::tasks::tools::Asking;

/// The values of what was built: for each service by `SERVICE.NAME`.
pub type Values = BTreeMap<ServiceIndex, BTreeMap<String, String>>;

/// What building came to.
pub enum Built {
    Well(Values),
    /// Something did not pass, so nothing is deployed.
    Badly(Box<Summary>),
}

/// Builds and tests what the deploys of `services` need.
///
/// # Errors
/// An unreadable repository, or a machine that refuses what every run needs.
pub fn build(
    prepared: &Prepared<'_>,
    services: &[ServiceIndex],
    tell: &mut dyn FnMut(Told<'_>),
) -> Result<Built, Failure> {
    let place = prepared.place;
    let workspace = prepared.staged.workspace.clone();
    let head = Head::WorkTree(prepared.plan.commit);
    let comparison = Comparison {
        changed: Changed::nothing(&workspace),
        workspace,
        base: Base::default(),
        head,
        is_for_everything: false,
        snapshot: place.repo.as_ref().map(|repo| repo.snapshot(head)),
        warnings: Vec::new(),
        notes: Vec::new(),
        details: Vec::new(),
    };
    let request = tasks::Request {
        task: format!("deploy --env {}", prepared.staged.environment),
        also: Vec::new(),
        with_failed: true,
        hook: None,
        compare: CompareRequest::default(),
        select: SelectRequest::default(),
        arguments: Vec::new(),
        jobs: prepared.request.jobs,
        failing: Failing::KeepsGoing,
        cache: prepared.request.cache,
        asking: Asking::Run,
    };
    for line in tasks::recover(place) {
        tell(Told::Line(line));
    }
    let needed = tasks::prepare_needed(place, request, comparison, services)?;
    if needed.plan.tasks.is_empty() {
        return Ok(Built::Well(Values::new()));
    }
    let plan = needed.plan.clone();
    tell(Told::Phase("building and testing"));
    let summary = tasks::run(needed, &mut |event| tell(Told::Event(event)))?;
    if summary.interrupted || summary.results.iter().any(|it| it.outcome.is_bad()) {
        return Ok(Built::Badly(Box::new(summary)));
    }
    let results = plan.tasks.iter().zip(&summary.results);
    let given: BTreeMap<_, _> = results
        .map(|(task, it)| (task.id.clone(), &it.values))
        .collect();
    let workspace = &prepared.staged.workspace;
    let roots = services.iter().map(|it| (*it, deploy()));
    let graph = TaskGraph::from_roots(workspace, roots);
    let mut values = Values::new();
    for (at, node) in graph.nodes().iter().enumerate() {
        if !node.is(&deploy()) || !services.contains(&node.service) {
            continue;
        }
        let of = values.entry(node.service).or_default();
        for need in graph.needed_tasks(at) {
            let Some(id) = graph.id(workspace, need) else {
                continue;
            };
            for (name, value) in given.get(&id).copied().into_iter().flatten() {
                of.insert(format!("{}.{name}", id.service), value.clone());
            }
        }
    }
    Ok(Built::Well(values))
}
