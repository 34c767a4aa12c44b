//! `svc schema`.

use clap::Args;
use clap::builder::PossibleValuesParser;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config;
use crate::report::schema::{DOCUMENTS, FOREIGN, output_schema};

/// Print the JSON schema of services.toml, or of what svc prints
#[derive(Debug, Args)]
#[command(
    long_about = "Prints the JSON schema of services.toml, for completion and checks in editors; or that of a document \
                  that svc writes for machines: by `--format json` of the command with that name, `plan` by \
                  `--dry-run --format json`, `run` by `svc build`, `svc test` and `svc run`, `deploy-plan` by `svc deploy --dry-run`, `moves` by the same \
                  of `svc rollback`, `svc promote` and `svc down`, `deploy-end` by all four, `event` for each line of \
                  `--events`, `code-quality` for the file of `--code-quality`.",
    after_help = "Examples:\n  \
                  svc schema > schema.json    for services.toml, which then begins with the line\n                              \
                  #:schema ./schema.json\n  \
                  svc schema affected         for `svc affected --format json`\n  \
                  svc schema event            for a line of `svc test --events FILE`"
)]
pub struct SchemaArgs {
    /// What the schema is of
    #[arg(value_name = "DOCUMENT", default_value = FILE, value_parser = documents())]
    pub document: String,
}

/// What stands for `services.toml` among the documents.
const FILE: &str = "services.toml";

fn documents() -> PossibleValuesParser {
    PossibleValuesParser::new([FILE].into_iter().chain(DOCUMENTS).chain(FOREIGN))
}

/// Runs the command.
pub fn run(session: &Session, args: &SchemaArgs) -> Exit {
    session.document(&output_schema(&args.document).unwrap_or_else(config::schema));
    Exit::Fine
}
