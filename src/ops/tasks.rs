//! `svc build`, `svc test` and `svc run`: what is to be done, and doing it.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::Arc;

use crate::engine::{self, Aftermath, Failing, Job, with_cause};
use crate::git::Snapshot;
use crate::model::cause::Cause;
use crate::model::change::Head;
use crate::model::digest::Digest;
use crate::model::event::Event;
use crate::model::graph::{NodeIndex, TaskGraph};
use crate::model::mask::Mask;
use crate::model::name::TaskName;
use crate::model::plan::{self, Plan, PlannedTask, Verdict};
use crate::model::run::Summary;
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
use crate::process::jobserver::Jobserver;
use crate::process::{Control, leftovers};
use crate::record::{self, Header, History, TaskRecord};

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
pub struct Prepared<'p> {
    pub place: &'p Place,
    pub request: Request,
    pub comparison: Comparison<'p>,
    pub plan: Arc<Plan>,
    /// What the tasks are made from, where there is a repository to tell.
    inputs: Option<TaskInputs>,
    /// The values of tasks that are skipped, by place in the plan.
    values: Vec<BTreeMap<String, String>>,
    variables: BTreeMap<OsString, OsString>,
}

/// Finds what is to be done.
///
/// # Errors
/// See [`compare`]; names that do not exist.
pub fn prepare<'p>(
    place: &'p Place,
    request: Request,
    tell: &mut dyn FnMut(&str),
) -> Result<Prepared<'p>, Failure> {
    let mut comparison = compare(place, &request.compare, &request.select, tell)?;
    let on_disk = on_disk(place, &mut comparison);
    let variables = variables(place, comparison.head);
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
    for planned in &mut plan.tasks {
        planned.expected = history.duration(&planned.id);
        if is_selected(planned, &task) {
            planned.arguments.clone_from(&request.arguments);
        }
    }
    let mut values = vec![BTreeMap::new(); plan.tasks.len()];
    let mut inputs = None;
    if let Some(snapshot) = on_disk {
        let read = TaskInputs::read(&variables, workspace, &graph, &plan, &*snapshot)?;
        for (at, planned) in plan.tasks.iter_mut().enumerate() {
            if is_selected(planned, &task) {
                continue;
            }
            if let Some(last) = standing(place, workspace, planned, read.digest(at), &history) {
                values[at].clone_from(&last.values);
                planned.verdict = Verdict::Skip;
                planned.reason = "passed before with the same inputs".into();
            }
        }
        inputs = Some(read);
    }
    Ok(Prepared {
        plan: Arc::new(plan),
        place,
        request,
        comparison,
        inputs,
        values,
        variables,
    })
}

/// Carries out what was prepared. Everything that happens goes through `emit`.
///
/// # Errors
/// The machine refuses what every run needs, such as a pipe or a temporary directory.
pub fn run(prepared: Prepared<'_>, emit: &mut dyn FnMut(&Event)) -> Result<Summary, Failure> {
    let Prepared {
        place,
        request,
        comparison,
        plan,
        inputs,
        values,
        variables,
    } = prepared;
    let workspace = &comparison.workspace;
    let root = place.root.as_path();
    let control = Control::new().map_err(|cause| refused("make a pipe", cause))?;
    let scratch = tempfile::Builder::new().prefix("svc-").tempdir();
    let scratch = scratch.map_err(|cause| refused("make a temporary directory", cause))?;
    let jobs = request.jobs.unwrap_or(place.env.processors);
    let record = begin_record(place, &request, &comparison, &plan, emit);
    let jobserver = jobserver(&variables, request.jobs, jobs);
    let secrets = secrets(workspace, &variables);
    let job = Job {
        workspace,
        root: &place.root,
        plan: plan.clone(),
        jobs,
        failing: request.failing,
        variables: &variables,
        id: match &record {
            Some(record) => record.id().to_owned(),
            None => scratch
                .path()
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into(),
        },
        scratch: scratch.path(),
        record: record.as_ref(),
        control: &control,
        jobserver: jobserver.as_ref(),
        mask: Mask::new(secrets.values().map(Vec::as_slice)),
        secrets,
        values,
        look_after: &|task| aftermath(root, workspace, &plan, inputs.as_ref(), task),
    };
    let summary = engine::run(&job, emit);
    if let Some(Err(error)) = record.map(|record| record.finish(&summary)) {
        let message = format!("this run is not recorded: {}", with_cause(&error));
        emit(&Event::Warned { message });
    }
    Ok(summary)
}

/// The jobserver of a make above, unless the number of jobs was chosen; else one of our own. Without any, what tasks start
/// does not know of each other.
fn jobserver(
    variables: &BTreeMap<OsString, OsString>,
    chosen: Option<usize>,
    jobs: usize,
) -> Option<Jobserver> {
    let variable = |name: &str| variables.get(OsStr::new(name))?.to_str();
    let above = match chosen {
        Some(_) => None,
        None => Jobserver::inherited(variable),
    };
    above.or_else(|| Jobserver::new(jobs).ok())
}

/// The values of all secrets that are declared and set, by the names of their variables.
fn secrets(
    workspace: &Workspace,
    variables: &BTreeMap<OsString, OsString>,
) -> BTreeMap<String, Vec<u8>> {
    let tasks = workspace.services().iter().flat_map(|it| it.tasks.values());
    let names = tasks.flat_map(|task| &task.secrets);
    let value = |name: &String| Some(variables.get(OsStr::new(name))?.as_bytes().to_vec());
    names
        .filter_map(|name| Some((name.clone(), value(name)?)))
        .collect()
}

/// Begins the record of the run, after telling of processes that an earlier, killed `svc` left behind.
fn begin_record(
    place: &Place,
    request: &Request,
    comparison: &Comparison<'_>,
    plan: &Plan,
    emit: &mut dyn FnMut(&Event),
) -> Option<record::Run> {
    let mut warn = |message: String| emit(&Event::Warned { message });
    let records = place.records()?;
    let orphans = records.orphans();
    let processes: Vec<_> = orphans.iter().flat_map(|it| it.processes.clone()).collect();
    let runs: Vec<_> = orphans.into_iter().map(|it| it.run).collect();
    for left in leftovers(&processes, &runs) {
        let task = left
            .task
            .map(|task| format!(" of {task}"))
            .unwrap_or_default();
        warn(format!(
            "process {} (`{}`){task} is left over from a run that was killed; `kill {}` ends it",
            left.pid, left.name, left.pid
        ));
    }
    let header = Header {
        command: format!("svc {}", request.task),
        base: Some(comparison.base.rule.clone()).filter(|it| !it.is_empty()),
        commit: comparison.head.commit().map(|it| it.to_string()),
        tasks: plan.tasks.len(),
        svc: env!("CARGO_PKG_VERSION").to_owned(),
        ..Header::default()
    };
    match records.begin(header) {
        Ok(run) => Some(run),
        Err(error) => {
            warn(format!(
                "this run and its logs are not kept: {}",
                with_cause(&error)
            ));
            None
        }
    }
}

/// The last result of a needed task, if it stands for the next one.
fn standing<'h>(
    place: &Place,
    workspace: &Workspace,
    planned: &PlannedTask,
    digest: &Digest,
    history: &'h History,
) -> Option<&'h TaskRecord> {
    let definition = &workspace.service(planned.service).tasks[&planned.id.task];
    let last = history.passed(&planned.id)?;
    let is_same = definition.is_reusable(&planned.id.task)
        && history
            .last(&planned.id)
            .is_some_and(|it| !it.outcome.is_bad())
        && last.inputs.as_deref() == Some(digest.as_str())
        && last.outputs == outputs_of(&place.root, definition).map(|it| it.to_string())
        && (last.outputs.is_some() || definition.outputs.iter().flatten().next().is_none());
    is_same.then_some(last)
}

/// What the result of a task that passed was made from.
fn aftermath(
    root: &Path,
    workspace: &Workspace,
    plan: &Plan,
    inputs: Option<&TaskInputs>,
    task: usize,
) -> Aftermath {
    let planned = &plan.tasks[task];
    let definition = &workspace.service(planned.service).tasks[&planned.id.task];
    let Some(inputs) = inputs else {
        return Aftermath::default();
    };
    let changed_input = inputs.first_changed(root, workspace, planned.service, definition);
    Aftermath {
        inputs: changed_input.is_none().then(|| inputs.digest(task).clone()),
        outputs: outputs_of(root, definition),
        changed_input,
    }
}

fn outputs_of(root: &Path, definition: &Task) -> Option<Digest> {
    outputs::stamp(root, definition.outputs.as_ref()?)
}

/// Whether the task is in the plan for its own sake, not only because others need it.
fn is_selected(planned: &PlannedTask, task: &TaskName) -> bool {
    planned.id.task == *task && !matches!(planned.causes[0], Cause::NeededBy(_))
}

/// The variables that `svc` was started with, and the commit for tasks that name it.
fn variables(place: &Place, head: Head) -> BTreeMap<OsString, OsString> {
    let mut variables = place.env.variables.clone();
    let name = OsString::from(engine::COMMIT);
    match head.commit() {
        Some(commit) => variables.insert(name, commit.to_string().into()),
        None => variables.remove(&name),
    };
    variables
}

fn refused(attempt: &str, cause: std::io::Error) -> Failure {
    Failure::File {
        attempt: attempt.to_owned(),
        cause,
    }
}

/// The state that tasks read, which is the working tree, whatever is compared.
fn on_disk<'p>(
    place: &'p Place,
    comparison: &mut Comparison<'p>,
) -> Option<Box<dyn Snapshot + 'p>> {
    match comparison.head {
        Head::WorkTree(_) => comparison.snapshot.take(),
        head => {
            let repo = place.repo.as_ref().filter(|it| it.work_tree().is_some())?;
            Some(repo.snapshot(Head::WorkTree(head.commit())))
        }
    }
}

/// The task that is asked for.
fn task(workspace: &Workspace, request: &Request) -> Result<TaskName, Failure> {
    let task = choose::task(workspace, &request.task)?;
    match task.as_str() {
        "deploy" => Err(Failure::Usage {
            message: "`deploy` is not a task that `svc run` can run: it needs an environment"
                .into(),
            hint: "run the tasks that it needs instead: `svc build`, `svc test`".into(),
        }),
        _ => Ok(task),
    }
}

/// Services that are named have to have the task.
fn check_named(
    workspace: &Workspace,
    selection: &Selection,
    task: &TaskName,
) -> Result<(), Failure> {
    for (service, named) in &selection.named {
        let service = workspace.service(*service);
        let other = named.as_ref().filter(|named| *named != task);
        if other.is_none() && service.tasks.contains_key(task) {
            continue;
        }
        let name = &service.name;
        return Err(match other {
            None => choose::no_task(service, task.as_str()),
            Some(other) => Failure::Usage {
                message: format!("this runs `{task}`, and `{name}:{other}` names another task"),
                hint: format!("`svc run {name}:{other}` runs it"),
            },
        });
    }
    Ok(())
}

/// The selected tasks with all that they need.
fn plan(
    comparison: &Comparison<'_>,
    graph: &TaskGraph,
    selection: &Selection,
    task: &TaskName,
) -> Plan {
    let workspace = &comparison.workspace;
    let affected = comparison.changed.affected_nodes(workspace, graph);
    let nodes: BTreeMap<ServiceIndex, NodeIndex> = graph
        .nodes()
        .iter()
        .enumerate()
        .filter(|(_, node)| node.exists && node.task == *task)
        .map(|(at, node)| (node.service, at))
        .collect();
    let candidates = nodes
        .iter()
        .map(|(service, node)| (*service, affected[*node].clone()));
    let chosen = selection.choose(workspace, candidates);
    let wanted = chosen
        .into_iter()
        .filter_map(|(service, causes)| Some((*nodes.get(&service)?, causes)));
    plan::make(workspace, graph, wanted.collect(), &affected)
}
