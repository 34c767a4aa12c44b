//! `svc man`.

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::model::suggest::nearest;
use crate::ops::failure::Failure;

/// Print the manual page
#[derive(Debug, Args)]
#[command(
    long_about = "Prints the manual page, for `man`.",
    after_help = "Examples:\n  \
                        svc man | man -l -             read it\n  \
                        svc man affected | man -l -    the page of one command\n  \
                        svc man > /usr/local/share/man/man1/svc.1"
)]
pub struct ManArgs {
    /// The page of this command [default: the page of svc itself]
    pub command: Option<String>,
}

/// Runs the command.
///
/// # Errors
/// There is no such command.
pub fn run(session: &Session, args: &ManArgs) -> Result<Exit, Failure> {
    let mut all = Cli::command();
    all.build();
    let command = match &args.command {
        None => &all,
        Some(name) => all
            .find_subcommand(name)
            .filter(|it| !it.is_hide_set())
            .ok_or_else(|| unknown(&all, name))?,
    };
    let mut page = Vec::new();
    Ok(match Man::new(command.clone()).render(&mut page) {
        Ok(()) => {
            session.stdout.write_bytes(&page);
            Exit::Fine
        }
        Err(_) => Exit::Bug,
    })
}

fn unknown(all: &clap::Command, name: &str) -> Failure {
    let known = all.get_subcommands().filter(|it| !it.is_hide_set());
    let known = known.map(clap::Command::get_name);
    Failure::Unknown {
        kind: "command",
        name: name.to_owned(),
        nearest: nearest(name, known).map(str::to_owned),
    }
}
