//! `svc log`.

use std::io::Read;
use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::git::Fetch;
use crate::model::run::Outcome;
use crate::ops::failure::Failure;
use crate::ops::log::{self, Answer, Request};
use crate::ops::place::Place;
use crate::record::{Past, Standing, TaskRecord};
use crate::report::log::{logged_run_json, run_text, write_log};
use crate::report::view::{LoggedTask, RunView};
use crate::report::words;

/// Show the log of a task's last run, or list the runs
#[derive(Debug, Args)]
#[command(
    long_about = "Shows what the tasks of the last runs wrote. Runs are kept for each worktree: the last 20, and beside \
                  them the last 20 that hooks of git asked for.",
    after_help = "Examples:\n  \
                  svc log                 the tasks of the last run\n  \
                  svc log web:test        what this task wrote when it last ran\n  \
                  svc log --list          the runs that are kept\n  \
                  svc log --run 20261123-141502-1m9k\n                          the tasks of this run"
)]
pub struct LogArgs {
    /// The task whose log to print
    #[arg(value_name = "SERVICE:TASK")]
    pub task: Option<String>,
    /// In this run [default: the newest in which the task ran]
    #[arg(long, value_name = "ID")]
    pub run: Option<String>,
    /// List the runs that are kept
    #[arg(long, conflicts_with_all = ["task", "run"])]
    pub list: bool,
}

/// Runs the command.
pub fn run(session: &Session, args: &LogArgs) -> Result<Exit, Failure> {
    let request = Request {
        task: args.task.clone(),
        run: args.run.clone(),
        list: args.list,
    };
    let place = Place::find(&session.env, Fetch::Forbidden)?;
    match log::log(&place, &request)? {
        Answer::Runs(runs) => list(session, &runs),
        Answer::Run(past, logs) => show(session, &past, logs),
        Answer::Log(log) => print(session, log),
    }
    Ok(Exit::Fine)
}

fn list(session: &Session, runs: &[Past]) {
    if runs.is_empty() && !session.is_for_machines() {
        session.note("nothing ran here yet\n");
    }
    let views = runs
        .iter()
        .map(|run| view(run, vec![None; run.tasks.len()]));
    match session.is_for_machines() {
        true => {
            let runs: Vec<_> = views.map(|view| logged_run_json(&view)).collect();
            session.document(&json!({ "version": 1, "runs": runs }));
        }
        false => {
            let lines = views.map(|view| format!("{}  {}\n", view.id, view.about));
            session.say(&lines.collect::<String>());
        }
    }
}

fn show(session: &Session, past: &Past, logs: Vec<Option<PathBuf>>) {
    let view = view(past, logs);
    match session.is_for_machines() {
        true => session.document(&logged_run_json(&view)),
        false => session.say(&run_text(&view, session.settings.stdout_look())),
    }
}

fn print(session: &Session, log: Option<Box<dyn Read>>) {
    let Some(log) = log else {
        return session.note("it wrote nothing\n");
    };
    let settings = &session.settings;
    write_log(
        log,
        settings.stdout_look(),
        settings.columns.is_some(),
        &session.stdout,
    );
}

fn view(past: &Past, logs: Vec<Option<PathBuf>>) -> RunView {
    RunView {
        id: past.id.clone(),
        about: about(past),
        tasks: past
            .tasks
            .iter()
            .zip(logs)
            .map(|(record, log)| task(record, log))
            .collect(),
    }
}

/// `svc test: 3 passed, 1 failed in 1.2s`.
fn about(past: &Past) -> String {
    let standing = match &past.standing {
        Standing::Running => "still running".to_owned(),
        Standing::Lost => "killed".to_owned(),
        Standing::Ended(end) => {
            let counts = end
                .outcomes
                .iter()
                .map(|(outcome, count)| format!("{count} {}", outcome.word()));
            let counts = counts.collect::<Vec<_>>().join(", ");
            let interrupted = if end.interrupted { ", interrupted" } else { "" };
            match counts.is_empty() {
                true => "nothing to do".to_owned(),
                false => format!("{counts} in {}{interrupted}", words::duration(end.duration)),
            }
        }
    };
    let command = &past.header.command;
    match &past.header.hook {
        Some(hook) => format!("{command}, {hook} hook: {standing}"),
        None => format!("{command}: {standing}"),
    }
}

fn task(record: &TaskRecord, log: Option<PathBuf>) -> LoggedTask {
    LoggedTask {
        id: record.id.clone(),
        outcome: record.outcome,
        duration: record.duration,
        log,
        reason: match (record.outcome, record.exit_code) {
            (Outcome::Failed, Some(code)) => format!("exit code {code}"),
            _ => String::new(),
        },
    }
}
