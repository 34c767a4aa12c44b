//! `svc log`: what earlier runs of this worktree were, and what their tasks wrote.

use std::path::PathBuf;

use crate::model::name::{ServiceName, TaskId, TaskName};
use crate::model::suggest::nearest;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::record::{Past, Records};

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
    /// The log of one task. None: it wrote nothing.
    Log(Option<PathBuf>),
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
        return task_log(&records, task, request.run.as_deref());
    }
    let run = match &request.run {
        Some(id) => records.run(id).ok_or_else(|| no_run(&records, id))?,
        None => records
            .runs()
            .next()
            .ok_or_else(|| nothing("nothing ran here yet"))?,
    };
    let log = |it: &crate::record::TaskRecord| records.log(&run.id, &it.id);
    let logs = run.tasks.iter().map(log).collect();
    Ok(Answer::Run(Box::new(run), logs))
}

fn task_log(records: &Records, name: &str, run: Option<&str>) -> Result<Answer, Failure> {
    let id = name
        .split_once(':')
        .and_then(|(service, task)| Some((ServiceName::new(service)?, TaskName::new(task)?)));
    let Some((service, task)) = id else {
        return Err(Failure::Usage {
            message: format!("`{name}` is not the full name of a task"),
            hint: "write SERVICE:TASK, as `svc log` lists them".into(),
        });
    };
    let id = TaskId { service, task };
    let runs: Vec<Past> = match run {
        Some(run) => vec![records.run(run).ok_or_else(|| no_run(records, run))?],
        None => records.runs().collect(),
    };
    match runs
        .iter()
        .find(|run| run.tasks.iter().any(|it| it.id == id))
    {
        Some(run) => Ok(Answer::Log(records.log(&run.id, &id))),
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
