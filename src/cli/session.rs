//! One call of the program: its surroundings, read once, and where its words go.

#![expect(
    clippy::disallowed_methods,
    reason = "the one place that reads variables and the working directory"
)]

use std::path::Path;

use crate::cli::args::{Color, Command, Format, Global};
use crate::cli::ci;
use crate::cli::exit::Exit;
use crate::model::env::Env;
use crate::ops::failure::Failure;
use crate::report::message;
use crate::report::output::{Condition, Output};
use crate::report::progress::Progress;
use crate::report::settings::{self, Choices, ColourChoice, Settings, Terminal, Verbosity};

/// One call of the program.
pub struct Session {
    pub env: Env,
    pub settings: Settings,
    pub format: Format,
    /// Whether somebody asked for that format.
    pub format_given: bool,
    /// `--jobs`.
    pub jobs: Option<usize>,
    pub stdout: Output,
    pub stderr: Output,
}

impl Session {
    /// Reads everything that is to be known about the surroundings.
    pub fn begin(global: &Global, command: &Command) -> Self {
        let env = env(global.directory.as_deref());
        let terminal = Terminal::detect(&env);
        let guard = || terminal.ci.guard();
        Self {
            stdout: Output::stdout().guarded(guard()),
            stderr: Output::stderr().guarded(guard()),
            settings: Settings::new(&terminal, choices(global, command)),
            format: global.format.unwrap_or_default(),
            format_given: global.format.is_some(),
            jobs: global.jobs.map(usize::from),
            env,
        }
    }

    /// Whether the directory of `-C` is one.
    ///
    /// # Errors
    /// It is not.
    pub fn check_directory(&self) -> Result<(), Failure> {
        match self.env.directory_given && !self.env.directory.is_dir() {
            true => Err(Failure::Usage {
                message: format!("there is no directory `{}`", self.env.directory.display()),
                hint: "-C names the directory to work in".to_owned(),
            }),
            false => Ok(()),
        }
    }

    /// Whether one document for machines is asked for.
    pub fn is_for_machines(&self) -> bool {
        self.format == Format::Json
    }

    /// Whether `--format` is one that the command can give.
    ///
    /// # Errors
    /// It is not.
    pub fn check_format(&self, command: &Command) -> Result<(), Failure> {
        match (self.format, command) {
            (Format::Text | Format::Json, _)
            | (Format::Dot | Format::Mermaid, Command::Graph(_)) => Ok(()),
            (Format::Dot | Format::Mermaid, _) => Err(Failure::Usage {
                message: "only `svc graph` is printed as dot or mermaid".to_owned(),
                hint: "`--format text` is for people, `--format json` for machines".to_owned(),
            }),
            (_, Command::Ci(args)) if matches!(args.what, ci::What::Matrix(_)) => Ok(()),
            _ => Err(Failure::Usage {
                message: "only `svc ci matrix` is printed for a CI system".to_owned(),
                hint: "`--format text` is for people, `--format json` for machines".to_owned(),
            }),
        }
    }

    /// Writes to standard output.
    pub fn say(&self, text: &str) {
        self.stdout.write(text);
    }

    /// Writes to standard error, unless `-q` was given.
    pub fn note(&self, text: &str) {
        if self.settings.verbosity > Verbosity::Quiet {
            self.stderr.write(text);
        }
    }

    /// Writes to standard error with `-v` only.
    pub fn detail(&self, text: &str) {
        if self.settings.verbosity > Verbosity::Normal {
            self.stderr.write(text);
        }
    }

    /// Warns on standard error.
    pub fn warn(&self, text: &str) {
        self.stderr
            .write(&message::warning(text, self.settings.stderr));
    }

    /// Writes a document for machines to standard output.
    pub fn document(&self, document: &serde_json::Value) {
        self.stdout
            .write(&crate::report::document::document(document));
    }

    /// Shows that something takes long, on a terminal.
    pub fn progress(&self, doing: &str) -> Progress {
        Progress::start(&self.settings, doing)
    }

    /// Does what looks at the repository, which may take long.
    ///
    /// # Errors
    /// Those of `looking`.
    pub fn look<T>(
        &self,
        looking: impl FnOnce(&mut dyn FnMut(&str)) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let progress = self.progress("looking at what changed");
        looking(&mut |step| progress.say(step))
    }

    /// The exit code, given whether the words arrived: nobody reading them is fine, a full disk is not.
    pub fn end(&self, exit: Exit) -> Exit {
        match (self.stdout.condition(), exit) {
            (Condition::Failed(_), Exit::Fine) => Exit::Environment,
            _ => exit,
        }
    }
}

/// Tells of arguments that make no sense, or of help that was asked for. They may hold anything, as a branch's name may.
pub fn tell_usage(error: &clap::Error) -> Exit {
    let guard = Terminal::detect(&env(None)).ci.guard();
    match (guard.is_idle(), error.use_stderr()) {
        // With colours where there are any; a reader who left is no error.
        (true, _) => drop(error.print()),
        (false, true) => Output::stderr()
            .guarded(guard)
            .write(&error.render().to_string()),
        (false, false) => Output::stdout()
            .guarded(guard)
            .write(&error.render().to_string()),
    }
    match error.exit_code() {
        0 => Exit::Fine,
        _ => Exit::Usage,
    }
}

fn env(given: Option<&Path>) -> Env {
    let here = std::env::current_dir().unwrap_or_else(|_| Path::new("/").to_owned());
    let directory = match given {
        Some(directory) => here.join(directory),
        None => here,
    };
    Env {
        directory: directory.canonicalize().unwrap_or(directory),
        directory_given: given.is_some(),
        variables: std::env::vars_os().collect(),
        processors: std::thread::available_parallelism().map_or(1, usize::from),
    }
}

fn choices(global: &Global, command: &Command) -> Choices {
    // Who commits wants to hear of failures.
    let is_hook = matches!(command, Command::Hook(args) if args.is_run());
    let mut choices = Choices {
        colour: match global.color {
            None | Some(Color::Auto) => ColourChoice::Auto,
            Some(Color::Always) => ColourChoice::Always,
            Some(Color::Never) => ColourChoice::Never,
        },
        verbosity: match (global.quiet, global.verbose) {
            (true, _) => Verbosity::Quiet,
            (false, 0) if is_hook => Verbosity::Quiet,
            (false, 0) => Verbosity::Normal,
            (false, _) => Verbosity::Verbose,
        },
        format: match global.format {
            Some(Format::Json) => settings::Format::Json,
            _ => settings::Format::Text,
        },
        directory: global.directory.as_ref().map(|it| it.display().to_string()),
        ..Choices::default()
    };
    let output = match command {
        Command::Build(args) => Some(&args.shared.output),
        Command::Test(args) => Some(&args.shared.output),
        Command::Run(args) => Some(&args.shared.output),
        Command::Deploy(args) => Some(&args.output),
        Command::Rollback(args) => Some(&args.moves.output),
        Command::Promote(args) => Some(&args.moves.output),
        Command::Down(args) => Some(&args.moves.output),
        _ => None,
    };
    let shared = match command {
        Command::Build(args) => Some(&args.shared),
        Command::Test(args) => Some(&args.shared),
        Command::Run(args) => Some(&args.shared),
        _ => None,
    };
    if let Some(shared) = shared.filter(|it| it.engine.isolated) {
        choices.flags = shared.flags_of_head();
    }
    if let Some(output) = output {
        choices.log = output.log.map(Into::into);
        choices.files = output.files();
    }
    choices
}
