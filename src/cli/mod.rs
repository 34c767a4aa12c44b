//! Floor 4: the command line. Turns arguments into requests, and results into words and exit codes.
//!
//! One file for each command; [`args`] holds what they share, [`failure`] decides on wording, hint and exit code of what
//! went wrong, [`session`] is one call of the program.

pub mod affected;
pub mod args;
pub mod around;
pub mod cache;
pub mod changes;
pub mod check;
pub mod ci;
pub mod completions;
pub mod deploy;
pub mod doctor;
pub mod down;
pub mod exit;
pub mod failure;
pub mod graph;
pub mod history;
pub mod hook;
pub mod init;
pub mod list;
pub mod lock;
pub mod log;
pub mod man;
pub mod moves;
pub mod new;
pub mod promote;
pub mod rollback;
pub mod run;
pub mod schema;
pub mod session;
pub mod status;
pub mod supervise;
pub mod why;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::args::{Cli, Command};
use crate::cli::exit::Exit;
use crate::cli::session::Session;
use crate::process::signals::{leave, outlive_file_limits};

/// Runs the program and gives its exit code.
pub fn main() -> ExitCode {
    let arguments = match Cli::try_parse() {
        Ok(arguments) => arguments,
        Err(error) => return session::tell_usage(&error).into(),
    };
    outlive_file_limits();
    // What went wrong was told when it happened; scripts are to know whose fault it was.
    let exit = std::panic::catch_unwind(|| {
        let session = Session::begin(&arguments.global, &arguments.command);
        let exit = dispatch(&session, &arguments.command);
        session.end(exit)
    });
    leave(exit.unwrap_or(Exit::Bug) as u8)
}

fn dispatch(session: &Session, command: &Command) -> Exit {
    if let Err(failure) = session.check_directory() {
        return failure::tell(session, &failure);
    }
    if let Err(failure) = session.check_format(command) {
        return failure::tell(session, &failure);
    }
    let result = match command {
        Command::Build(args) => run::build(session, args),
        Command::Test(args) => run::test(session, args),
        Command::Run(args) => run::run(session, args),
        Command::Deploy(args) => deploy::run(session, args),
        Command::Status(args) => status::run(session, args),
        Command::History(args) => history::run(session, args),
        Command::Changes(args) => changes::run(session, args),
        Command::Rollback(args) => rollback::run(session, args),
        Command::Promote(args) => promote::run(session, args),
        Command::Lock(args) => lock::run(session, args),
        Command::Down(args) => down::run(session, args),
        Command::Affected(args) => affected::run(session, args),
        Command::Why(args) => why::run(session, args),
        Command::Init(args) => init::run(session, args),
        Command::List(args) => list::run(session, args),
        Command::Graph(args) => graph::run(session, args),
        Command::Ci(args) => ci::run(session, args),
        Command::New(args) => new::run(session, args),
        Command::Check(args) => check::run(session, args),
        Command::Doctor(args) => doctor::run(session, args),
        Command::Schema(args) => Ok(schema::run(session, args)),
        Command::Cache(args) => cache::run(session, args),
        Command::Hook(args) => hook::run(session, args),
        Command::Log(args) => log::run(session, args),
        Command::Completions(args) => Ok(completions::run(session, args)),
        Command::Man(args) => man::run(session, args),
        Command::Supervise(args) => supervise::run(session, args),
    };
    result.unwrap_or_else(|failure| failure::tell(session, &failure))
}
