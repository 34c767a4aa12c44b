//! `svc why`: the causes of one service or task, followed to the files that changed.

use std::collections::BTreeMap;

use crate::engine::Failing;
use crate::model::cause::Cause;
use crate::model::graph::TaskGraph;
use crate::model::name::{ServiceName, TaskId, TaskName};
use crate::model::plan::Verdict;
use crate::model::standing::Standing;
use crate::ops::affected::add_failed;
use crate::ops::choose;
use crate::ops::compare::{Comparison, compare};
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::ops::tasks;
use crate::ops::tasks::cache::CacheUse;
use crate::ops::tasks::tools::Asking;

/// What `svc why` is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    pub compare: CompareRequest,
    /// A service, or the full name of a task.
    pub name: String,
}

/// Why something is affected.
pub struct Answer<'p> {
    pub comparison: Comparison<'p>,
    pub service: ServiceName,
    pub task: Option<TaskName>,
    /// The causes of every affected service, or of the task in it: to follow dependencies by. What is not affected is
    /// missing.
    pub services: BTreeMap<ServiceName, Vec<Cause>>,
    /// What is known of the earlier results of the task, if one was named.
    pub standing: Option<Standing>,
}

/// Answers the request.
///
/// # Errors
/// See [`compare`]; a name that does not exist.
pub fn why<'p>(
    place: &'p Place,
    request: &Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Answer<'p>, Failure> {
    let all = SelectRequest::default();
    let mut comparison = compare(place, &request.compare, &all, tell)?;
    let (service, task) = choose::named(&comparison.workspace, &request.name)?;
    add_failed(&mut comparison, &place.history());
    let mut services = match &task {
        Some(task) => by_task(&comparison, task),
        None => by_service(&comparison),
    };
    if let Some(task) = task.as_ref().filter(|it| it.as_str() != "deploy") {
        for (service, causes) in needed(place, request, task, tell)? {
            services.entry(service).or_insert(causes);
        }
    }
    let service = comparison.workspace.service(service).name.clone();
    let standing = match task.as_ref().filter(|it| it.as_str() != "deploy") {
        Some(task) => {
            let id = TaskId::new(&service, task);
            tasks::explain(place, &request.compare, &id, tell)?
        }
        None => None,
    };
    Ok(Answer {
        comparison,
        service,
        task,
        services,
        standing,
    })
}

fn by_service(comparison: &Comparison<'_>) -> BTreeMap<ServiceName, Vec<Cause>> {
    let workspace = &comparison.workspace;
    let affected = comparison.changed.affected_services(workspace);
    let named = affected
        .into_iter()
        .map(|it| (workspace.service(it.service).name.clone(), it.causes));
    named.collect()
}

/// The causes of this task in each service; of whatever it needs there, where a service does not have the task.
fn by_task(comparison: &Comparison<'_>, task: &TaskName) -> BTreeMap<ServiceName, Vec<Cause>> {
    let workspace = &comparison.workspace;
    let graph = TaskGraph::of_task(workspace, task);
    let causes = comparison.changed.affected_nodes(workspace, &graph);
    let mut services: BTreeMap<ServiceName, Vec<Cause>> = BTreeMap::new();
    for (node, causes) in graph.nodes().iter().zip(causes) {
        if causes.is_empty() {
            continue;
        }
        let known = services
            .entry(workspace.service(node.service).name.clone())
            .or_default();
        if node.is(task) || known.is_empty() {
            *known = causes;
        }
    }
    services
}

/// Those that are not affected and would yet run with this task, as others need them.
fn needed(
    place: &Place,
    request: &Request,
    task: &TaskName,
    tell: &mut dyn FnMut(&str),
) -> Result<Vec<(ServiceName, Vec<Cause>)>, Failure> {
    let request = tasks::Request {
        task: task.to_string(),
        also: Vec::new(),
        with_failed: true,
        hook: None,
        compare: request.compare.clone(),
        select: SelectRequest::default(),
        arguments: Vec::new(),
        jobs: None,
        failing: Failing::KeepsGoing,
        cache: CacheUse::Read,
        asking: Asking::OnlyRemembered,
    };
    let prepared = tasks::prepare(place, request, tell)?;
    let would_run = prepared
        .plan
        .tasks
        .iter()
        .filter(|it| it.verdict == Verdict::Run);
    let needed = would_run.filter(|it| it.id.task == *task);
    Ok(needed
        .map(|it| (it.id.service.clone(), it.causes.clone()))
        .collect())
}
