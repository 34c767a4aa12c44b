//! `svc man`.

use std::io;

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::session::Session;

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
pub fn run(session: &Session, args: &ManArgs) -> Exit {
    let mut all = Cli::command();
    all.build();
    let command = match &args.command {
        None => Some(&all),
        Some(name) => all.find_subcommand(name),
    };
    let Some(command) = command else {
        session
            .stderr
            .write("error: there is no such command\nhint: `svc help` names all commands\n");
        return Exit::Usage;
    };
    let mut page = Vec::new();
    match render(command, &mut page) {
        Ok(()) => {
            session.stdout.write_bytes(&page);
            Exit::Fine
        }
        Err(_) => Exit::Bug,
    }
}

fn render(command: &clap::Command, page: &mut Vec<u8>) -> io::Result<()> {
    Man::new(command.clone()).render(page)
}
