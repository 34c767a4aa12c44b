//! The command line as clap reads it: the commands, and the flags that many of them share.

use std::path::PathBuf;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{ArgAction, Args, Parser, Subcommand, ValueEnum};

use crate::cli;
use crate::git::Fetch;
use crate::ops::request::{BaseRequest, CompareRequest, HeadRequest, SelectRequest};

/// Build, test and deploy only the services that changed.
#[derive(Debug, Parser)]
#[command(
    name = "svc",
    version,
    about = "Build, test and deploy only the services that changed",
    long_about = "svc reads one services.toml, works out through git which services changed and what depends on them, \
                  and builds, tests and deploys only those.",
    after_help = "Examples:\n  \
                  svc init            write services.toml for a repository\n  \
                  svc list            the services\n  \
                  svc affected        those that my branch and working tree change\n  \
                  svc test            test them\n  \
                  svc deploy -e local run them on this machine\n  \
                  svc help affected   more about a command",
    max_term_width = 100,
    disable_help_subcommand = false,
    propagate_version = false,
    subcommand_required = true,
    arg_required_else_help = true
)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "Global options")]
pub struct Global {
    /// Work in DIR instead of the current directory
    #[arg(short = 'C', long = "directory", value_name = "DIR", global = true)]
    pub directory: Option<PathBuf>,
    /// Say more
    #[arg(short, long, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// Say only what was asked for, and errors
    #[arg(short, long, global = true, conflicts_with = "verbose")]
    pub quiet: bool,
    /// How to print answers and results [default: text]
    #[arg(long, value_name = "FORMAT", global = true)]
    pub format: Option<Format>,
    /// How many tasks may run at once [default: one per processor]
    #[arg(short, long, value_name = "N", global = true, env = "SVC_JOBS", hide_env_values = true, value_parser = clap::value_parser!(u16).range(1..))]
    pub jobs: Option<u16>,
    /// When to use colours [default: auto, which heeds NO_COLOR and CLICOLOR_FORCE]
    #[arg(long, value_name = "WHEN", global = true)]
    pub color: Option<Color>,
}

/// `--color`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Color {
    Auto,
    Always,
    Never,
}

/// The commands, as help lists them. What each does stands at its arguments: a comment here would hide the longer one.
#[derive(Debug, Subcommand)]
pub enum Command {
    Init(cli::init::InitArgs),
    List(cli::list::ListArgs),
    Affected(cli::affected::AffectedArgs),
    Why(cli::why::WhyArgs),
    Graph(cli::graph::GraphArgs),
    Build(cli::run::BuildArgs),
    Test(cli::run::TestArgs),
    Run(cli::run::RunArgs),
    Deploy(Box<cli::deploy::DeployArgs>),
    Status(cli::status::StatusArgs),
    History(cli::history::HistoryArgs),
    Changes(cli::changes::ChangesArgs),
    Rollback(cli::rollback::RollbackArgs),
    Promote(cli::promote::PromoteArgs),
    Lock(cli::lock::LockArgs),
    Down(cli::down::DownArgs),
    Hook(cli::hook::HookArgs),
    Log(cli::log::LogArgs),
    Cache(cli::cache::CacheArgs),
    Ci(Box<cli::ci::CiArgs>),
    New(cli::new::NewArgs),
    Check(cli::check::CheckArgs),
    Doctor(cli::doctor::DoctorArgs),
    Schema(cli::schema::SchemaArgs),
    Completions(cli::completions::CompletionsArgs),
    Man(cli::man::ManArgs),
    #[command(hide = true)]
    Supervise(cli::supervise::SuperviseArgs),
}

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    #[value(alias = "tree")]
    Text,
    /// For machines: one document on standard output
    Json,
    /// For Graphviz, only of `svc graph`: the help of other commands does not show it, nor those below
    #[value(hide = true)]
    Dot,
    /// For Mermaid, only of `svc graph`
    #[value(hide = true)]
    Mermaid,
    /// For a CI system, as are the ones below; only of `svc ci matrix`
    #[value(name = "github", hide = true)]
    GitHub,
    #[value(name = "gitlab", hide = true)]
    GitLab,
    #[value(hide = true)]
    Buildkite,
    #[value(name = "circleci", hide = true)]
    CircleCi,
    #[value(hide = true)]
    Azure,
}

/// `--format` of the command that draws. It stands for the one of [`Global`], which gets what is said here.
#[derive(Clone, Debug, Default, Args)]
pub struct GraphFormat {
    /// How to print the graph: as a tree, for machines, for Graphviz or for Mermaid [default: text]
    #[arg(id = "format", long, value_name = "FORMAT", help_heading = "Global options", value_parser = one_of(&[
        Format::Text, Format::Json, Format::Dot, Format::Mermaid,
    ]))]
    pub graph_format: Option<Format>,
}

/// `--format` of the command that prints jobs, as above.
#[derive(Clone, Debug, Default, Args)]
pub struct JobsFormat {
    /// How to print the jobs [default: for the CI system that this runs in, else text]
    #[arg(id = "format", long, value_name = "FORMAT", help_heading = "Jobs", value_parser = one_of(&[
        Format::Text, Format::Json, Format::GitHub, Format::GitLab, Format::Buildkite, Format::CircleCi, Format::Azure,
    ]))]
    pub jobs_format: Option<Format>,
}

/// Reads one of these formats. The help shows their names alone.
fn one_of(formats: &'static [Format]) -> impl TypedValueParser<Value = Format> {
    let names = formats.iter().filter_map(ValueEnum::to_possible_value);
    let names = names.map(|it| PossibleValue::new(it.get_name().to_owned()));
    PossibleValuesParser::new(names).map(|it| {
        <Format as ValueEnum>::from_str(&it, false).expect("the names are those of formats")
    })
}

/// What is compared.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "What to compare")]
pub struct CompareArgs {
    /// Compare with the merge-base of REV and the head [default: SVC_BASE, else what the CI system says, else the default branch]
    #[arg(long, value_name = "REV")]
    pub base: Option<String>,
    /// Compare with exactly REV
    #[arg(long, value_name = "REV", conflicts_with = "base")]
    pub base_exact: Option<String>,
    /// Take the commit REV as the newer side [default: the working tree, in CI its commit]
    #[arg(long, value_name = "REV", conflicts_with = "staged")]
    pub head: Option<String>,
    /// Take the index as the newer side: what `git commit` would commit
    #[arg(long)]
    pub staged: bool,
    /// Fetch nothing, even if the base is missing
    #[arg(long)]
    pub no_fetch: bool,
    /// Fail when the base cannot be found, instead of taking everything as affected
    #[arg(long)]
    pub strict_base: bool,
}

/// Which services.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which services")]
pub struct SelectArgs {
    /// These services, changed or not; with --base, --head or --staged only if affected
    #[arg(value_name = "SERVICE", help_heading = None::<&str>)]
    pub services: Vec<String>,
    #[command(flatten)]
    pub flags: SelectFlags,
}

/// The selection flags without names.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Which services")]
pub struct SelectFlags {
    /// All services, changed or not
    #[arg(short, long)]
    pub all: bool,
    /// Only services with this tag; repeat for any of several
    #[arg(long, value_name = "TAG")]
    pub tag: Vec<String>,
    /// Leave this service out; repeat for several
    #[arg(long, value_name = "SERVICE")]
    pub exclude: Vec<String>,
    /// Leave out services that only depend on something changed
    #[arg(long)]
    pub no_dependents: bool,
    /// Add everything that the selected services depend on
    #[arg(long)]
    pub with_dependencies: bool,
}

impl CompareArgs {
    /// Whether missing history may be fetched.
    pub fn fetch(&self) -> Fetch {
        match self.no_fetch {
            true => Fetch::Forbidden,
            false => Fetch::Allowed,
        }
    }

    /// The request that these flags make.
    pub fn request(&self) -> CompareRequest {
        CompareRequest {
            base: match (&self.base, &self.base_exact) {
                (Some(revision), _) => BaseRequest::MergeBase(revision.clone()),
                (None, Some(revision)) => BaseRequest::Exact(revision.clone()),
                (None, None) => BaseRequest::Derived,
            },
            head: match (&self.head, self.staged) {
                (Some(revision), _) => HeadRequest::Commit(revision.clone()),
                (None, true) => HeadRequest::Index,
                (None, false) => HeadRequest::Derived,
            },
            strict_base: self.strict_base,
        }
    }
}

impl SelectArgs {
    /// The request that these flags make.
    pub fn request(&self) -> SelectRequest {
        SelectRequest {
            names: self.services.clone(),
            all: self.flags.all,
            tags: self.flags.tag.clone(),
            exclude: self.flags.exclude.clone(),
            no_dependents: self.flags.no_dependents,
            with_dependencies: self.flags.with_dependencies,
        }
    }
}
