//! `svc log`: what earlier runs of this worktree were, and what their tasks wrote.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::cache::Access;
use crate::model::digest::Digest;
use crate::model::name::TaskId;
use crate::model::run::Outcome;
use crate::model::suggest::nearest;
use crate::ops::cache;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::record::{Past, Records, TaskRecord};

/// What `svc log` is asked.
#[derive(Clone, Debug, Default)]
pub struct Request {
    /// A task's full name; without it, the tasks of the run are listed.
    pub task: Option<String>,
    /// A run; without it, the newest, or the newest in which the task ran.
    pub run: Option<String>,
    /// List all runs.
    pub list: bool,
}

/// What there is to show.
pub enum Answer {
    /// All runs that are kept, newest first.
    Runs(Vec<Past>),
    /// One run, with where the log of each task is, if it wrote anything.
    Run(Box<Past>, Vec<Option<PathBuf>>),
    /// The log of one task. None: it wrote nothing, or its log is gone.
    Log(Option<Box<dyn Read>>),
}

/// Answers the request.
///
/// # Errors
/// No such run or task is recorded.
pub fn log(place: &Place, request: &Request) -> Result<Answer, Failure> {
    let records = place
        .records()
        .ok_or_else(|| nothing("outside of a git repository no runs are kept"))?;
    if request.list {
        return Ok(Answer::Runs(records.runs().collect()));
    }
    if let Some(task) = &request.task {
        return task_log(place, &records, task, request.run.as_deref());
    }
    let run = match &request.run {
        Some(id) => records.run(id).ok_or_else(|| no_run(&records, id))?,
        None => records
            .runs()
            .next()
            .ok_or_else(|| nothing("nothing ran here yet"))?,
    };
    let log = |it: &TaskRecord| records.log(&run.id, &it.id);
    let logs = run.tasks.iter().map(log).collect();
    Ok(Answer::Run(Box::new(run), logs))
}

fn task_log(
    place: &Place,
    records: &Records,
    name: &str,
    run: Option<&str>,
) -> Result<Answer, Failure> {
    let Some(id) = TaskId::parse(name) else {
        return Err(Failure::Usage {
            message: format!("`{name}` is not the full name of a task"),
            hint: "write SERVICE:TASK, as `svc log` lists them".into(),
        });
    };
    let runs: Vec<Past> = match run {
        Some(run) => vec![records.run(run).ok_or_else(|| no_run(records, run))?],
        None => records.runs().collect(),
    };
    let found = runs
        .iter()
        .find_map(|run| Some((run, run.tasks.iter().find(|it| it.id == id)?)));
    match found {
        Some((run, record)) => match records.log(&run.id, &id) {
            Some(path) => Ok(Answer::Log(Some(open(&path)?))),
            None => Ok(Answer::Log(kept_log(place, record))),
        },
        None => {
            let known: Vec<String> = runs
                .iter()
                .flat_map(|run| &run.tasks)
                .map(|it| it.id.to_string())
                .collect();
            Err(Failure::Unknown {
                kind: "recorded task",
                name: name.to_owned(),
                nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
            })
        }
    }
}

fn open(path: &Path) -> Result<Box<dyn Read>, Failure> {
    let file = File::open(path).map_err(|cause| Failure::File {
        attempt: format!("read `{}`", path.display()),
        cause,
    })?;
    Ok(Box::new(file))
}

/// The log of a result that was taken from the cache, which still has it.
fn kept_log(place: &Place, record: &TaskRecord) -> Option<Box<dyn Read>> {
    let is_cached = record.outcome == Outcome::Cached;
    let key = Digest::parse(record.inputs.as_deref().filter(|_| is_cached)?)?;
    let store = cache::open(&place.env, Access::ReadOnly).ok()?;
    let log = store.log(&store.find(&key)?)?;
    Some(Box::new(log))
}

fn no_run(records: &Records, id: &str) -> Failure {
    let known: Vec<_> = records.runs().map(|run| run.id).collect();
    Failure::Unknown {
        kind: "recorded run",
        name: id.to_owned(),
        nearest: nearest(id, known.iter().map(String::as_str)).map(str::to_owned),
    }
}

fn nothing(message: &str) -> Failure {
    Failure::Usage {
        message: message.to_owned(),
        hint: "`svc build`, `svc test` and `svc run` make records".into(),
    }
}
