//! `svc graph`.

use clap::{Args, ValueEnum};

use crate::cli::affected::tell_base;
use crate::cli::args::{CompareArgs, SelectArgs};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::ops::affected::Request;
use crate::ops::failure::Failure;
use crate::ops::list;
use crate::ops::place::Place;
use crate::report::graph::{GraphView, dot, graph_json, mermaid, tree};

/// Show what depends on what
#[derive(Debug, Args)]
#[command(
    long_about = "Shows which service depends on which: all services, or those that the flags select.",
    after_help = "Examples:\n  \
                        svc graph                              all services\n  \
                        svc graph web --with-dependencies      one, with what it depends on\n  \
                        svc graph --base main                  those that differ from main\n  \
                        svc graph --format dot | dot -Tsvg > graph.svg"
)]
pub struct GraphArgs {
    #[command(flatten)]
    pub select: SelectArgs,
    #[command(flatten)]
    pub compare: CompareArgs,
    /// How to print the graph
    #[arg(
        long,
        value_enum,
        default_value_t,
        value_name = "FORMAT",
        help_heading = "Output"
    )]
    pub format: GraphFormat,
}

/// `--format` of `svc graph`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum GraphFormat {
    /// A tree for people
    #[default]
    Tree,
    /// For Graphviz
    Dot,
    /// For Mermaid
    Mermaid,
    /// For machines
    Json,
}

/// Runs the command.
pub fn run(session: &Session, args: &GraphArgs) -> Result<Exit, Failure> {
    let request = Request {
        compare: args.compare.request(),
        select: args.select.request(),
        failed: false,
    };
    let place = Place::find(&session.env, args.compare.fetch())?;
    let answer = session.look(|tell| list::list(&place, &request, tell))?;
    tell_base(session, &answer.comparison);
    let workspace = &answer.comparison.workspace;
    let graph = GraphView::of_services(workspace, &answer.services);
    match args.format {
        GraphFormat::Tree => session.say(&tree(&graph, session.settings.stdout)),
        GraphFormat::Dot => session.say(&dot(&graph)),
        GraphFormat::Mermaid => session.say(&mermaid(&graph)),
        GraphFormat::Json => session.document(&graph_json(&graph)),
    }
    Ok(Exit::Fine)
}
