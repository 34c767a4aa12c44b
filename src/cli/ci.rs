//! `svc ci`.

use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};

use crate::cli::affected::tell_base;
use crate::cli::args::{CompareArgs, Format, JobsFormat, SelectArgs};
use crate::cli::exit::Exit;
use crate::cli::run::cache_use;
use crate::cli::session::Session;
use crate::engine::Failing;
use crate::model::ci::System;
use crate::ops::ci::init::{self, Note, Page, Writing};
use crate::ops::ci::matrix;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::ops::tasks;
use crate::ops::tasks::tools::Asking;
use crate::report::ci_init::{
    PageView, differences, init_json, next_steps, pages_text, written_text,
};
use crate::report::ci_matrix::{
    MARK, matrix_azure, matrix_buildkite, matrix_circleci, matrix_github, matrix_gitlab,
    matrix_json, matrix_text, svc_at,
};
use crate::report::words::count;
use crate::scaffold::systems;

/// Write a CI pipeline, and spread what is affected over its jobs
#[derive(Debug, Args)]
#[command(
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Examples:\n  \
                  svc ci init github           a pipeline for GitHub Actions\n  \
                  svc ci matrix --shards 4     what is affected, in at most four jobs"
)]
pub struct CiArgs {
    #[command(subcommand)]
    pub what: What,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum What {
    Init(InitArgs),
    Matrix(MatrixArgs),
}

/// Write a pipeline for a CI system
#[derive(Debug, Args)]
#[command(
    long_about = "Writes a pipeline to where the CI system looks for it, at the top of the repository: it tests what a \
                  change affects, spread over jobs where the system can do that, and then deploys to each environment \
                  from its branches.\n\n\
                  A file that is there and differs is only replaced with --force; what differs is shown.",
    after_help = "Examples:\n  \
                  svc ci init github                          all environments of services.toml\n  \
                  svc ci init gitlab --env staging            only this one\n  \
                  svc ci init buildkite --shards 16           tests in up to 16 jobs\n  \
                  svc ci init github --dry-run                print it\n  \
                  svc ci init github --force                  replace what is there\n  \
                  svc ci init jenkins --install 'make svc'    install svc in another way"
)]
pub struct InitArgs {
    /// The CI system
    #[arg(value_name = "SYSTEM", value_parser = names())]
    pub system: String,
    /// Deploy to this environment; repeat for several [default: all that are declared]
    #[arg(short, long, value_name = "ENV")]
    pub env: Vec<String>,
    /// Test in at most N jobs, where the system can have several
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u16).range(1..))]
    pub shards: u16,
    /// The shell command that installs svc [default: cargo install, from the repository of svc]
    #[arg(long, value_name = "COMMAND")]
    pub install: Option<String>,
    /// Replace files that differ
    #[arg(long)]
    pub force: bool,
    /// Print what would be written
    #[arg(long, conflicts_with = "force")]
    pub dry_run: bool,
}

/// Print what is affected as jobs of a CI system
#[derive(Debug, Args)]
#[command(
    long_about = "Prints what is affected as jobs that run at once, in the words of a CI system. Which services that are is \
                  decided as for svc test, so that each of them is in exactly one job. With --shards they are spread so that \
                  jobs take about the same time and services that need the same builds are together, as far as that is \
                  quicker.\n\n\
                  How long tasks take is known from earlier runs of this worktree, else from the store of results. Where more \
                  jobs come out than the system takes, they are put together. Where nothing is affected, each format \
                  is still one that its system takes.",
    after_help = "Examples:\n  \
                  svc ci matrix                                   a table of the jobs\n  \
                  svc ci matrix test --shards 4 --format github >> \"$GITHUB_OUTPUT\"\n  \
                  svc ci matrix --format gitlab > jobs.yml        a child pipeline\n  \
                  svc ci matrix --format buildkite | buildkite-agent pipeline upload\n  \
                  svc ci matrix lint --all --format json          another task, of all services"
)]
pub struct MatrixArgs {
    /// The task that the jobs run
    #[arg(value_name = "TASK", default_value = "test")]
    pub task: String,
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub compare: CompareArgs,
    /// At most N jobs, of about the same length [default: one for each service]
    #[arg(long, value_name = "N", help_heading = "Jobs", value_parser = clap::value_parser!(u16).range(1..))]
    pub shards: Option<u16>,
    /// Run COMMAND first in each job; repeat for several; for gitlab, buildkite and circleci
    #[arg(long, value_name = "COMMAND", help_heading = "Jobs")]
    pub before: Vec<String>,
    /// Put the jobs into this configuration, in the line that ends with `# svc ci matrix`; for circleci
    #[arg(long, value_name = "FILE", help_heading = "Jobs")]
    pub into: Option<PathBuf>,
    #[command(flatten)]
    pub format: JobsFormat,
}

fn names() -> PossibleValuesParser {
    PossibleValuesParser::new(systems().into_iter().map(|it| it.0))
}

/// Runs the command.
pub fn run(session: &Session, args: &CiArgs) -> Result<Exit, Failure> {
    match &args.what {
        What::Init(args) => init(session, args),
        What::Matrix(args) => matrix(session, args),
    }
}

fn matrix(session: &Session, args: &MatrixArgs) -> Result<Exit, Failure> {
    let format = match session.format_given {
        true => session.format,
        false => System::of(&session.env).map_or(Format::Text, format_of),
    };
    let into = configuration(session, args, format)?;
    let request = matrix::Request {
        run: tasks::Request {
            task: args.task.clone(),
            also: Vec::new(),
            with_failed: false,
            hook: None,
            compare: args.compare.request(),
            select: args.select.request(),
            arguments: Vec::new(),
            jobs: None,
            failing: Failing::KeepsGoing,
            cache: cache_use(session, false, false)?,
            asking: Asking::OnlyRemembered,
        },
        shards: args.shards.map(usize::from),
        system: system_of(format),
    };
    let place = Place::find(&session.env, args.compare.fetch())?;
    let answer = session.look(|tell| matrix::matrix(&place, &request, tell))?;
    tell_base(session, &answer.comparison);
    let fanout = &answer.fanout;
    if let (Some(wanted), Some(system)) = (answer.too_many, system_of(format)) {
        session.warn(&format!(
            "{system} takes at most {}: {} put together",
            count(fanout.legs.len(), "job"),
            count(wanted, "job")
        ));
    }
    let text = match format {
        Format::Json => {
            let everything = answer.comparison.changed.everything.as_deref();
            let (base, head) = (&answer.comparison.base, answer.comparison.head);
            session.document(&matrix_json(fanout, base, head, everything));
            return Ok(Exit::Fine);
        }
        Format::GitHub => matrix_github(fanout),
        Format::Azure => {
            // What is only written to standard output there is kept from being a command.
            let commands = matrix_azure(fanout);
            commands.lines().for_each(|it| session.stdout.command(it));
            return Ok(Exit::Fine);
        }
        Format::GitLab => matrix_gitlab(fanout, &args.before),
        Format::Buildkite => matrix_buildkite(fanout, &args.before),
        Format::CircleCi => matrix_circleci(fanout, &args.before, into.as_deref())
            .ok_or_else(|| no_mark(args.into.as_ref()))?,
        Format::Text | Format::Dot | Format::Mermaid => {
            matrix_text(fanout, session.settings.stdout_look())
        }
    };
    session.say(&text);
    Ok(Exit::Fine)
}

/// The configuration that the jobs are put into.
fn configuration(
    session: &Session,
    args: &MatrixArgs,
    format: Format,
) -> Result<Option<String>, Failure> {
    let unused = |flag: &str, formats: &str| Failure::Usage {
        message: format!("{flag} says nothing in this format"),
        hint: format!("it is for --format {formats}"),
    };
    let makes_jobs = matches!(
        format,
        Format::GitLab | Format::Buildkite | Format::CircleCi
    );
    if let Some(system) = system_of(format)
        && let Some((what, hint)) = args.before.iter().find_map(|it| system.cannot_hold(it))
    {
        return Err(Failure::Usage {
            message: format!("--before holds `{what}`, which {system} changes"),
            hint: hint.to_owned(),
        });
    }
    match &args.into {
        _ if !args.before.is_empty() && (!makes_jobs || args.into.is_some()) => Err(unused(
            "--before",
            "gitlab, buildkite or circleci, without --into",
        )),
        Some(_) if format != Format::CircleCi => Err(unused("--into", "circleci")),
        Some(path) => {
            let path = session.env.directory.join(path);
            let read = std::fs::read_to_string(&path);
            read.map(Some).map_err(|cause| Failure::File {
                attempt: format!("read `{}`", path.display()),
                cause,
            })
        }
        None => Ok(None),
    }
}

fn no_mark(into: Option<&PathBuf>) -> Failure {
    let path = into.map(|it| it.display().to_string()).unwrap_or_default();
    Failure::Usage {
        message: format!("`{path}` has to have one line that ends with `{MARK}`"),
        hint: format!(
            "`services: [\"\"] {MARK}`, or `leg:` to have the numbers of the jobs, too, below `matrix: parameters:` of a job; \
             `svc ci init circleci` writes one"
        ),
    }
}

/// The system whose words a format is in.
fn system_of(format: Format) -> Option<System> {
    match format {
        Format::GitHub => Some(System::GitHub),
        Format::GitLab => Some(System::GitLab),
        Format::Buildkite => Some(System::Buildkite),
        Format::CircleCi => Some(System::CircleCi),
        Format::Azure => Some(System::Azure),
        Format::Text | Format::Json | Format::Dot | Format::Mermaid => None,
    }
}

/// The format for a system; others run one job, and read the table.
fn format_of(system: System) -> Format {
    match system {
        System::GitHub => Format::GitHub,
        System::GitLab => Format::GitLab,
        System::Buildkite => Format::Buildkite,
        System::CircleCi => Format::CircleCi,
        System::Azure => Format::Azure,
        System::Woodpecker
        | System::Drone
        | System::Bitbucket
        | System::TeamCity
        | System::Jenkins => Format::Text,
    }
}

fn init(session: &Session, args: &InitArgs) -> Result<Exit, Failure> {
    let system = systems().into_iter().find(|it| it.0 == args.system);
    let (_, system) = system.expect("clap takes no other name");
    let request = init::Request {
        system,
        environments: args.env.clone(),
        shards: usize::from(args.shards),
        install: args.install.clone(),
        svc: svc_at,
        writing: match (args.dry_run, args.force) {
            (true, _) => Writing::Told,
            (_, true) => Writing::Replaced,
            (_, false) => Writing::New,
        },
    };
    let place = init::place(&session.env)?;
    let answer = init::init(&place, &request)?;
    let pages: Vec<PageView> = answer.pages.iter().map(view).collect();
    let notes: Vec<String> = answer.notes.iter().map(in_words).collect();
    let environments = answer.environments.iter();
    let environments: Vec<_> = environments
        .map(|it| (it.name.clone(), it.protected))
        .collect();
    let next = next_steps(system, &environments);
    let refused = request.writing == Writing::New && answer.pages.iter().any(Page::differs);
    if session.is_for_machines() {
        session.document(&init_json(system, &pages, answer.is_written, &notes, &next));
    } else if args.dry_run {
        session.say(&pages_text(&pages));
    } else {
        session.say(&differences(&pages));
        session.note(&written_text(&pages, answer.is_written));
    }
    notes.iter().for_each(|note| session.warn(note));
    if refused {
        return Err(differs(&answer.pages));
    }
    if !session.is_for_machines() {
        let next: String = next.iter().map(|it| format!("next: {it}\n")).collect();
        session.note(&next);
    }
    Ok(Exit::Fine)
}

fn differs(pages: &[Page]) -> Failure {
    let differing = pages.iter().filter(|it| it.differs());
    let names: Vec<String> = differing
        .map(|it| format!("`{}`", it.path.display()))
        .collect();
    let (are, them) = match names.len() {
        1 => ("differs", "it"),
        _ => ("differ", "them"),
    };
    Failure::Usage {
        message: format!("{} {are} from what would be written", names.join(", ")),
        hint: format!("--force replaces {them}; nothing was written"),
    }
}

fn view(page: &Page) -> PageView {
    PageView {
        path: page.path.clone(),
        text: page.text.clone(),
        before: page.before.clone(),
    }
}

fn in_words(note: &Note) -> String {
    match note {
        Note::NoAddress => "this svc does not know the address that it comes from: put it where the pipeline says \
                            ADDRESS, or say --install COMMAND"
            .to_owned(),
        Note::LedgerInFile(names) => format!(
            "the ledger of {} is a file of each clone, so a job of CI would not know what runs there: take \
             `store = \"file\"` out of `[ledger]` in services.toml",
            names.join(", ")
        ),
        Note::NoRemote => {
            "this repository has no remote: the ledger of deploys is pushed there, so that all jobs know it".to_owned()
        }
        Note::Guessed { branch } => {
            format!("nothing says which branch is the default one, so `{branch}` is taken; `default-branch` in services.toml says it")
        }
    }
}
