//! `svc build`, `svc test` and `svc run`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::cli::affected::tell_base;
use crate::cli::args::{CompareArgs, SelectArgs};
use crate::cli::around::{about, announce_secrets, run_errands};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::engine::Failing;
use crate::model::event::Event;
use crate::model::run::Summary;
use crate::ops::failure::Failure;
use crate::ops::isolation::{Isolation, directories};
use crate::ops::place::Place;
use crate::ops::request::{HeadRequest, SelectRequest};
use crate::ops::tasks::cache::CacheUse;
use crate::ops::tasks::tools::Asking;
use crate::ops::tasks::{self, Prepared, Request};
use crate::report::affected::nothing_changed;
use crate::report::plan::{plan_json, plan_text};
use crate::report::reporter::{Reporter, Reporters};
use crate::report::settings::{Files, LogMode, Settings};

/// Build the services that changed, and what depends on them
#[derive(Debug, Args)]
#[command(
    long_about = "Builds the services that changed and what depends on them, after everything that their builds need.",
    after_help = "Examples:\n  \
                  svc build                   what my branch and working tree change\n  \
                  svc build --all             everything\n  \
                  svc build web               this service, changed or not\n  \
                  svc build web --force       also if its result is in the cache\n  \
                  svc build --dry-run         say what would be done, and why"
)]
pub struct BuildArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// Test the services that changed, and what depends on them
#[derive(Debug, Args)]
#[command(
    long_about = "Tests the services that changed and what depends on them, after building what the tests need.",
    after_help = "Examples:\n  \
                  svc test                    what my branch and working tree change\n  \
                  svc test --staged           what this commit would change\n  \
                  svc test --staged --isolated   and only what it would hold: `git add -p` is no lie\n  \
                  svc test web -- -k login    this service, with arguments for its last command\n  \
                  svc test --log failed       show only the logs of failures"
)]
pub struct TestArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// Run any task of the services that changed, and of what depends on them
#[derive(Debug, Args)]
#[command(
    long_about = "Runs a task of the services that changed and what depends on them, after everything that it needs.",
    after_help = "Examples:\n  \
                  svc run lint                in every service that changed and has this task\n  \
                  svc run lint web api        in these services\n  \
                  svc run web:lint            in one service, by the full name\n  \
                  svc run lint --all --fail-fast   everywhere, until one fails"
)]
pub struct RunArgs {
    /// The task, or its full name SERVICE:TASK
    #[arg(value_name = "TASK")]
    pub task: String,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub shared: SharedArgs,
}

/// What all three share.
#[derive(Debug, Args)]
pub struct SharedArgs {
    #[command(flatten)]
    pub compare: CompareArgs,
    #[command(flatten)]
    pub engine: EngineArgs,
    #[command(flatten)]
    pub output: OutputArgs,
    /// Arguments for the last command of each selected task
    #[arg(last = true, value_name = "ARGS", help_heading = None::<&str>)]
    pub arguments: Vec<String>,
}

impl SharedArgs {
    /// The flags that say which state tasks run on.
    pub fn flags_of_head(&self) -> Vec<String> {
        let isolated = "--isolated".to_owned();
        match (&self.compare.head, self.compare.staged) {
            (Some(revision), _) => vec!["--head".to_owned(), revision.clone(), isolated],
            (None, true) => vec!["--staged".to_owned(), isolated],
            (None, false) => Vec::new(),
        }
    }
}

/// How tasks run.
#[derive(Debug, Args)]
#[command(next_help_heading = "How to run")]
pub struct EngineArgs {
    /// Stop everything at the first failure [default: finish what does not depend on it]
    #[arg(long)]
    pub fail_fast: bool,
    /// Run tasks in a checkout of exactly what --staged or --head names, where the working tree is something else for them
    #[arg(long)]
    pub isolated: bool,
    /// Print the plan and run nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Run everything, whatever is in the cache, and keep the results
    #[arg(long, conflicts_with = "no_cache")]
    pub force: bool,
    /// Neither take results from the cache nor keep any, as SVC_CACHE=off does; with SVC_CACHE=read they are only taken
    #[arg(long)]
    pub no_cache: bool,
}

/// How a run is told.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputArgs {
    /// Which output of tasks to show [default: on a terminal that of a single task and of failures, else all]
    #[arg(long, value_name = "WHICH")]
    pub log: Option<Log>,
    /// Write every event of the run to FILE, one JSON document a line
    #[arg(long, value_name = "FILE")]
    pub events: Option<PathBuf>,
    /// Write the results as JUnit XML to FILE: a suite for each service, a case for each task
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Write what tools said of places in files to FILE, as a Code Quality report of GitLab
    #[arg(long, value_name = "FILE")]
    pub code_quality: Option<PathBuf>,
}

impl OutputArgs {
    /// The files that are asked for.
    pub fn files(&self) -> Files {
        Files {
            events: self.events.clone(),
            junit: self.junit.clone(),
            code_quality: self.code_quality.clone(),
        }
    }
}

/// `--log`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Log {
    /// Each line as it comes, with its task before it
    Stream,
    /// All lines of a task together, when it ends
    Grouped,
    /// Only those of tasks that failed
    Failed,
    /// None, save the last lines of failures
    None,
}

impl From<Log> for LogMode {
    fn from(log: Log) -> Self {
        match log {
            Log::Stream => Self::Stream,
            Log::Grouped => Self::Grouped,
            Log::Failed => Self::Failed,
            Log::None => Self::None,
        }
    }
}

/// Runs `svc build`.
pub fn build(session: &Session, args: &BuildArgs) -> Result<Exit, Failure> {
    perform(session, "build", args.select.request(), &args.shared)
}

/// Runs `svc test`.
pub fn test(session: &Session, args: &TestArgs) -> Result<Exit, Failure> {
    perform(session, "test", args.select.request(), &args.shared)
}

/// Runs `svc run`.
pub fn run(session: &Session, args: &RunArgs) -> Result<Exit, Failure> {
    let mut select = args.select.request();
    let task = match args.task.split_once(':') {
        Some((_, task)) => {
            select.names.insert(0, args.task.clone());
            task
        }
        None => &args.task,
    };
    perform(session, task, select, &args.shared)
}

fn perform(
    session: &Session,
    task: &str,
    select: SelectRequest,
    args: &SharedArgs,
) -> Result<Exit, Failure> {
    let request = Request {
        task: task.to_owned(),
        also: Vec::new(),
        with_failed: true,
        hook: None,
        compare: args.compare.request(),
        select,
        arguments: args.arguments.clone(),
        jobs: session.jobs,
        failing: match args.engine.fail_fast {
            true => Failing::StopsAll,
            false => Failing::KeepsGoing,
        },
        cache: cache_use(session, args.engine.no_cache, args.engine.force)?,
        asking: Asking::Run,
    };
    let place = Place::find(&session.env, args.compare.fetch())?;
    if !args.engine.dry_run {
        for line in tasks::recover(&place) {
            session.note(&format!("{line}\n"));
        }
    }
    let isolation = Isolation::default();
    let prepared = match args.engine.isolated {
        false => session.look(|tell| tasks::prepare(&place, request, tell))?,
        true => prepare_isolated(session, &place, &isolation, request)?,
    };
    announce_secrets(session, &place, &prepared.comparison.workspace);
    tell_base(session, &prepared.comparison);
    match args.engine.dry_run {
        _ if is_idle(&prepared) && is_for_people(session, args) => {
            let said = nothing_changed(&prepared.comparison.base, in_words(task));
            session.note(&said);
            if !args.engine.dry_run {
                let mut reporters = reporters(session, &session.settings, task, &prepared);
                reporters.nothing_to_do(&said);
                run_errands(session, &reporters.close(None));
            }
            Ok(Exit::Fine)
        }
        true => Ok(show(session, &prepared)),
        false => {
            let directories = directories(&prepared.comparison.workspace, &prepared.plan);
            let explain = |event: &Event| isolation.explain(&place, &directories, event);
            let mut reporters = reporters(session, &session.settings, task, &prepared);
            let (exit, _) = carry_out(prepared, &mut reporters, &explain)?;
            run_errands(session, &reporters.close(None));
            Ok(exit)
        }
    }
}

/// Finds what is to be done, and where.
fn prepare_isolated<'p>(
    session: &Session,
    place: &'p Place,
    isolation: &'p Isolation,
    request: Request,
) -> Result<Prepared<'p>, Failure> {
    if request.compare.head == HeadRequest::Derived {
        return Err(Failure::Usage {
            message: "--isolated does not say what to check out".to_owned(),
            hint: "add --staged for what would be committed, or --head REV for a commit".to_owned(),
        });
    }
    if place.repo.is_none() {
        return Err(Failure::Usage {
            message: "--isolated needs a git repository".to_owned(),
            hint: "leave it out, or begin one with `git init`".to_owned(),
        });
    }
    let prepared = session.look(|tell| tasks::prepare_isolated(place, isolation, request, tell))?;
    session.detail(&match isolation.root() {
        Some(root) => format!("tasks run in {}\n", root.display()),
        None => "tasks run in the working tree, which is the same for them\n".to_owned(),
    });
    Ok(prepared)
}

/// How the flags and `SVC_CACHE` let this run use the cache.
pub fn cache_use(session: &Session, no_cache: bool, force: bool) -> Result<CacheUse, Failure> {
    let by_variable = CacheUse::of_variable(&session.env)?;
    Ok(match (no_cache, force, by_variable) {
        (true, ..) => CacheUse::Off,
        (_, true, CacheUse::ReadWrite) => CacheUse::Force,
        (_, true, _) => CacheUse::ForceUnkept,
        (_, false, by_variable) => by_variable,
    })
}

/// Whether only people are told, no machine.
fn is_for_people(session: &Session, args: &SharedArgs) -> bool {
    !session.is_for_machines() && !args.output.files().are_wanted()
}

/// Whether there is nothing to do because nothing changed, not because of flags that narrow what is asked for.
fn is_idle(prepared: &Prepared<'_>) -> bool {
    let request = &prepared.request;
    let select = &request.select;
    prepared.plan.tasks.is_empty()
        && select.asks_for_changes(&request.compare)
        && select.names.is_empty()
        && select.tags.is_empty()
        && select.exclude.is_empty()
        && prepared.comparison.changed.everything.is_none()
}

/// What `svc` does with a task: `builds` all, `tests` all.
fn in_words(task: &str) -> &'static str {
    match task {
        "build" => "builds",
        "test" => "tests",
        _ => "runs",
    }
}

fn show(session: &Session, prepared: &Prepared<'_>) -> Exit {
    match session.is_for_machines() {
        true => session.document(&plan_json(&prepared.plan)),
        false => session.say(&plan_text(&prepared.plan, session.settings.stdout_look())),
    }
    Exit::Fine
}

/// Who is told of a run of `task`.
pub fn reporters(
    session: &Session,
    settings: &Settings,
    task: &str,
    prepared: &Prepared<'_>,
) -> Reporters {
    let command = match task {
        "build" | "test" => format!("svc {task}"),
        _ => format!("svc run {task}"),
    };
    let about = about(&command, prepared.place, &prepared.comparison.workspace);
    Reporters::new(settings, &session.stdout, &session.stderr, about)
}

/// Does what was prepared. `explain` may give another event to tell in place of one.
pub fn carry_out(
    prepared: Prepared<'_>,
    reporters: &mut Reporters,
    explain: &dyn Fn(&Event) -> Option<Event>,
) -> Result<(Exit, Summary), Failure> {
    let summary = tasks::run(prepared, &mut |event| match explain(event) {
        Some(event) => reporters.event(&event),
        None => reporters.event(event),
    })?;
    let exit = if summary.interrupted {
        Exit::Interrupted
    } else if summary.results.iter().any(|it| it.outcome.is_bad()) {
        Exit::Failed
    } else {
        Exit::Fine
    };
    Ok((exit, summary))
}
