//! `svc graph`.

use clap::Args;

use crate::cli::affected::tell_base;
use crate::cli::args::{CompareArgs, Format, GraphFormat, SelectArgs};
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
    #[command(flatten)]
    pub format: GraphFormat,
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
    match session.format {
        Format::Text
        | Format::GitHub
        | Format::GitLab
        | Format::Buildkite
        | Format::CircleCi
        | Format::Azure => session.say(&tree(&graph, session.settings.stdout)),
        Format::Dot => session.say(&dot(&graph)),
        Format::Mermaid => session.say(&mermaid(&graph)),
        Format::Json => session.document(&graph_json(&graph)),
    }
    Ok(Exit::Fine)
}
