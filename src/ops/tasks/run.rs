//! Carrying out what was prepared, and writing it down.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Mutex, OnceLock};

use crate::engine::{self, Job, Nothing};
use crate::model::event::Event;
use crate::model::graph::TaskGraph;
use crate::model::mask::Mask;
use crate::model::name::TaskId;
use crate::model::run::Summary;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::machinery::{Machinery, begin_record, finish_record, jobserver, secrets};
use crate::ops::place::Place;
use crate::ops::tasks::Request;
use crate::ops::tasks::asking::GitLater;
use crate::ops::tasks::prepare::Prepared;
use crate::ops::tasks::reading::Room;
use crate::ops::tasks::results::RunResults;
use crate::record::Header;

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
    let machinery = Machinery::new()?;
    let control = &machinery.control;
    let jobs = request.jobs.unwrap_or(place.env.processors);
    let header = Header {
        command: command(&request),
        base: Some(comparison.base.rule.clone()).filter(|it| !it.is_empty()),
        hook: request.hook.map(|it| it.as_str().to_owned()),
        commit: comparison.head.commit().map(|it| it.to_string()),
        tasks: plan.tasks.len(),
        ..Header::default()
    };
    let record = begin_record(place, header, emit);
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
        id: machinery.run_id(record.as_ref()),
        scratch: machinery.scratch(),
        record: record.as_ref(),
        control,
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
    finish_record(record, &summary, emit);
    Ok(summary)
}

/// As a person types it.
fn command(request: &Request) -> String {
    match request.task.as_str() {
        task @ ("build" | "test") => format!("svc {task}"),
        task => format!("svc run {task}"),
    }
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
        let is_it = |at: &usize| graph.id(workspace, *at).as_ref() == Some(&id);
        let node = (0..graph.nodes().len()).find(is_it)?;
        let needed = graph.needed_tasks(node).into_iter();
        let needed = needed.filter_map(|it| graph.id(workspace, it));
        Some(needed.chain([id.clone()]).collect())
    };
    found().unwrap_or_default()
}
