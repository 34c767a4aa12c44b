//! Carrying out what was prepared, and writing it down.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock};

use crate::engine::{self, Job, Nothing, with_cause};
use crate::model::event::Event;
use crate::model::graph::TaskGraph;
use crate::model::mask::Mask;
use crate::model::name::TaskId;
use crate::model::plan::Plan;
use crate::model::run::Summary;
use crate::model::workspace::Workspace;
use crate::ops::compare::Comparison;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::tasks::Request;
use crate::ops::tasks::asking::GitLater;
use crate::ops::tasks::prepare::Prepared;
use crate::ops::tasks::reading::Room;
use crate::ops::tasks::results::RunResults;
use crate::process::jobserver::Jobserver;
use crate::process::{Control, leftovers};
use crate::record::{self, Header};

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
        mut reuse,
        values,
        variables,
    } = prepared;
    if let Some(early) = reuse.as_mut().and_then(|it| it.early.take()) {
        early.end()?;
    }
    let workspace = &comparison.workspace;
    let control = Control::new().map_err(|cause| refused("make a pipe", cause))?;
    let scratch = tempfile::Builder::new().prefix("svc-").tempdir();
    let scratch = scratch.map_err(|cause| refused("make a temporary directory", cause))?;
    let jobs = request.jobs.unwrap_or(place.env.processors);
    let record = begin_record(place, &request, &comparison, &plan, emit);
    let jobserver = jobserver(&variables, request.jobs, jobs);
    let secrets = secrets(workspace, &variables);
    let asked = || control.is_asked();
    let states = reuse.as_mut().map(|it| std::mem::take(&mut it.states));
    let results = reuse.as_ref().map(|reuse| RunResults {
        root: &place.root,
        git: GitLater {
            env: &place.env,
            root: &place.root,
        },
        workspace,
        plan: plan.clone(),
        keys: &reuse.keys,
        cache: &reuse.cache,
        outputs: &reuse.outputs,
        tracked: &reuse.tracked,
        ran: Mutex::default(),
        has_logs: record.is_some(),
        // Where no record can be made, nothing can be remembered beside it, and that was said.
        is_forgetting: AtomicBool::new(record.is_none()),
        is_asked: &asked,
        above: above(place, workspace),
        room: Room::default(),
        needless: OnceLock::new(),
        state: states.into_iter().flatten().map(Mutex::new).collect(),
    });
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
        results: match &results {
            Some(results) => results,
            None => &Nothing,
        },
        steps: None,
    };
    let summary = engine::run(&job, emit);
    if let Some(Err(error)) = record.map(|record| record.finish(&summary)) {
        let message = format!("this run is not recorded: {}", with_cause(&error));
        emit(&Event::Warned { message });
    }
    Ok(summary)
}

/// The task that this `svc` is a part of, and those that it reads of: whoever runs it holds them.
fn above(place: &Place, workspace: &Workspace) -> BTreeSet<TaskId> {
    let text = |name: &str| place.env.text(name);
    let found = || {
        let root = Path::new(text("SVC_WORKSPACE")?).canonicalize().ok()?;
        let is_here = place.root.canonicalize().is_ok_and(|it| it == root);
        let id = format!("{}:{}", text("SVC_SERVICE")?, text("SVC_TASK")?);
        let id = TaskId::parse(&id).filter(|_| is_here)?;
        let service = workspace.find(id.service.as_str())?;
        let graph = TaskGraph::from_roots(workspace, [(service, id.task.clone())]);
        let is_it = |at: &usize| graph.id(workspace, *at) == id;
        let node = (0..graph.nodes().len()).find(is_it)?;
        let needed = graph.needed_tasks(node).into_iter();
        let needed = needed.map(|it| graph.id(workspace, it));
        Some(needed.chain([id.clone()]).collect())
    };
    found().unwrap_or_default()
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

fn refused(attempt: &str, cause: std::io::Error) -> Failure {
    Failure::File {
        attempt: attempt.to_owned(),
        cause,
    }
}
