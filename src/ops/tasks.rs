//! `svc build`, `svc test` and `svc run`: what is to be done, and doing it.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use crate::engine::{self, Aftermath, Failing, Job};
use crate::git::Snapshot;
use crate::model::cause::Cause;
use crate::model::env::Env;
use crate::model::event::Event;
use crate::model::graph::{NodeIndex, TaskGraph};
use crate::model::name::TaskName;
use crate::model::plan::{self, Plan, Verdict};
use crate::model::run::{Outcome, Summary};
use crate::model::select::Selection;
use crate::model::task::Task;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::affected::add_failed;
use crate::ops::choose;
use crate::ops::compare::{Comparison, compare};
use crate::ops::digests::TaskInputs;
use crate::ops::failure::Failure;
use crate::ops::outputs;
use crate::ops::place::Place;
use crate::ops::request::{CompareRequest, SelectRequest};
use crate::process::Control;
use crate::process::jobserver::JobServer;
use crate::record::{self, History};

/// What `svc build`, `svc test` and `svc run` are asked.
#[derive(Clone, Debug)]
pub struct Request {
    pub task: String,
    pub compare: CompareRequest,
    pub select: SelectRequest,
    /// Appended to the last command of each selected task.
    pub arguments: Vec<String>,
    pub jobs: Option<usize>,
    pub failing: Failing,
}

/// A plan with everything that carrying it out takes.
pub struct Prepared {
    pub place: Place,
    pub request: Request,
    pub comparison: Comparison,
    pub plan: Arc<Plan>,
    /// What the tasks are made from, where there is a repository to tell.
    inputs: Option<TaskInputs>,
    /// The values of tasks that are skipped, by place in the plan.
    values: Vec<BTreeMap<String, String>>,
}

/// Finds what is to be done.
///
/// # Errors
/// See [`compare`]; names that do not exist.
pub fn prepare(env: &Env, request: Request, tell: &mut dyn FnMut(&str)) -> Result<Prepared, Failure> {
    let place = Place::find(env)?;
    let mut comparison = compare(&place, &request.compare, &request.select, tell)?;
    let history = place.history();
    if request.select.asks_for_changes(&request.compare) {
        add_failed(&mut comparison, &history);
    }
    let workspace = &comparison.workspace;
    let task = task(workspace, &request)?;
    let selection = choose::selection(workspace, &request.select, &request.compare)?;
    check_named(workspace, &selection, &task)?;
    let graph = TaskGraph::of_task(workspace, &task);
    let mut plan = plan(&comparison, &graph, &selection, &task);
    let mut values = vec![BTreeMap::new(); plan.tasks.len()];
    let mut inputs = None;
    for planned in plan.tasks.iter_mut() {
        if planned.id.task == task && !planned.causes.iter().all(|it| matches!(it, Cause::NeededBy(_))) {
            planned.arguments.clone_from(&request.arguments);
        }
        planned.expected = history.duration(&planned.id);
    }
    if let Some(snapshot) = &comparison.snapshot {
        let read = TaskInputs::read(&place, workspace, &graph, &plan, &**snapshot)?;
        skip_what_stands(&place, workspace, &task, &mut plan, &read, &history, &mut values);
        inputs = Some(read);
    }
    Ok(Prepared {
        plan: Arc::new(plan),
        place,
        request,
        comparison,
        inputs,
        values,
    })
}

/// Carries out what was prepared. Everything that happens goes through `emit`.
///
/// # Errors
/// The machine refuses what every run needs, such as a pipe.
pub fn run(prepared: Prepared, emit: &mut dyn FnMut(&Event)) -> Result<Summary, Failure> {
    let Prepared {
        place,
        request,
        comparison,
        plan,
        inputs,
        values,
    } = prepared;
    let workspace = &comparison.workspace;
    let control = Control::new().map_err(|cause| machine("make a pipe", cause))?;
    let jobs = request.jobs.unwrap_or(place.env.processors);
    let (recorded, warnings) = place.begin_record(&plan, &request.task);
    let look_after = |task: usize| aftermath(&place, workspace, &plan, inputs.as_ref(), task);
    let job_server = JobServer::new(jobs, &place.env).ok();
    let job = Job {
        workspace,
        root: &place.root,
        plan: plan.clone(),
        jobs,
        failing: request.failing,
        variables: &place.env.variables,
        id: recorded.id.clone(),
        record: recorded.run.as_ref(),
        control: &control,
        job_server: job_server.as_ref(),
        values,
        look_after: &look_after,
    };
    for message in warnings {
        emit(&Event::Warned { message });
    }
    Ok(engine::run(&job, emit))
}

/// The task that is asked for.
fn task(workspace: &Workspace, request: &Request) -> Result<TaskName, Failure> {
    let task = choose::task(workspace, &request.task)?;
    match task.as_str() {
        "deploy" => Err(Failure::Usage {
            message: "`deploy` is not a task that `svc run` can run: it needs an environment".into(),
            hint: "run the tasks that it needs instead: `svc build`, `svc test`".into(),
        }),
        _ => Ok(task),
    }
}

/// Services that are named have to have the task.
fn check_named(workspace: &Workspace, selection: &Selection, task: &TaskName) -> Result<(), Failure> {
    for (service, named) in &selection.named {
        let service = workspace.service(*service);
        let other = named.as_ref().filter(|named| *named != task);
        if other.is_none() && service.tasks.contains_key(task) {
            continue;
        }
        let known: Vec<_> = service.tasks.keys().map(|it| format!("`{it}`")).collect();
        let name = &service.name;
        return Err(Failure::Usage {
            message: match other {
                Some(other) => format!("this runs `{task}`, and `{name}:{other}` names another task"),
                None => format!("`{name}` has no task `{task}`"),
            },
            hint: match (other, known.is_empty()) {
                (Some(other), _) => format!("`svc run {name}:{other}` runs it"),
                (None, true) => format!("`{name}` has no tasks"),
                (None, false) => format!("it has {}", known.join(", ")),
            },
        });
    }
    Ok(())
}

/// The selected tasks with all that they need.
fn plan(comparison: &Comparison, graph: &TaskGraph, selection: &Selection, task: &TaskName) -> Plan {
    let workspace = &comparison.workspace;
    let affected = comparison.changed.affected_nodes(workspace, graph);
    let nodes: BTreeMap<ServiceIndex, NodeIndex> = graph
        .nodes()
        .iter()
        .enumerate()
        .filter(|(_, node)| node.exists && node.task == *task)
        .map(|(at, node)| (node.service, at))
        .collect();
    let candidates = nodes.iter().map(|(service, node)| (*service, affected[*node].clone()));
    let chosen = selection.choose(workspace, candidates);
    let wanted = chosen.into_iter().filter_map(|(service, causes)| Some((*nodes.get(&service)?, causes)));
    plan::make(workspace, graph, wanted.collect(), &affected)
}

/// Gives the verdict `skip` to needed tasks whose last result in this worktree still stands.
fn skip_what_stands(
    place: &Place,
    workspace: &Workspace,
    wanted: &TaskName,
    plan: &mut Plan,
    inputs: &TaskInputs,
    history: &History,
    values: &mut [BTreeMap<String, String>],
) {
    for at in 0..plan.tasks.len() {
        let planned = &plan.tasks[at];
        let is_wanted = planned.id.task == *wanted && planned.causes.iter().any(is_own_cause);
        let definition = &workspace.service(planned.service).tasks[&planned.id.task];
        if is_wanted || !definition.is_reusable(&planned.id.task) {
            continue;
        }
        let Some(last) = history.passed(&planned.id, inputs.digest(at)) else {
            continue;
        };
        if outputs_of(place, definition) == last.outputs {
            values[at].clone_from(&last.values);
            plan.tasks[at].verdict = Verdict::Skip;
            plan.tasks[at].reason = "passed before with the same inputs".into();
        }
    }
}
