//! `svc schema`.

use clap::Args;

use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::config;

/// Print the JSON schema of services.toml
#[derive(Debug, Args)]
#[command(
    long_about = "Prints the JSON schema of services.toml, for completion and checks in editors.",
    after_help = "Examples:\n  \
                  svc schema > .svc/schema.json\n\n\
                  Then begin services.toml with the line\n  \
                  #:schema .svc/schema.json"
)]
pub struct SchemaArgs {}

/// Runs the command.
pub fn run(session: &Session, _args: &SchemaArgs) -> Exit {
    session.document(&config::schema());
    Exit::Fine
}
