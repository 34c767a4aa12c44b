//! `svc completions`.

use clap::{Args, Command, CommandFactory};
use clap_complete::Shell;

use crate::cli::args::Cli;
use crate::cli::exit::Exit;
use crate::cli::session::Session;

/// Print a completion script for a shell
#[derive(Debug, Args)]
#[command(
    long_about = "Prints a script that lets a shell complete the commands and flags of svc.",
    after_help = "Examples:\n  \
                        svc completions bash > ~/.local/share/bash-completion/completions/svc\n  \
                        svc completions zsh > ~/.zfunc/_svc\n  \
                        svc completions fish > ~/.config/fish/completions/svc.fish"
)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Runs the command.
pub fn run(session: &Session, args: &CompletionsArgs) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut for_people(), "svc", &mut script);
    session.stdout.write_bytes(&script);
    Exit::Fine
}

/// The program without the commands that it calls itself, which scripts would offer.
fn for_people() -> Command {
    let all = Cli::command();
    let shown = all.get_subcommands().filter(|it| !it.is_hide_set());
    Command::new("svc")
        .version(env!("CARGO_PKG_VERSION"))
        .args(all.get_arguments().cloned())
        .subcommands(shown.cloned())
}
