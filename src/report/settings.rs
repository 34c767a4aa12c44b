//! What the terminal can do and what the user asked for, and what follows from both.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use crate::model::ci::System;
use crate::model::env::Env;
use crate::report::ci::{CiSettings, Fold};
use crate::report::paint::Paint;

/// What is known about standard output and error, read once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    /// Columns of the terminal, where there is one.
    pub columns: Option<usize>,
    pub is_dumb: bool,
    /// Whether this is a CI system: some give a terminal that nobody watches.
    pub is_ci: bool,
    /// Whether the locale is one of UTF-8.
    pub is_utf8: bool,
    /// `NO_COLOR` is set.
    pub no_colour: bool,
    /// `CLICOLOR_FORCE` is set.
    pub force_colour: bool,
    /// What is known of the CI system.
    pub ci: CiSettings,
}

/// What the user asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Choices {
    pub colour: ColourChoice,
    pub verbosity: Verbosity,
    pub log: Option<LogMode>,
    pub format: Format,
    /// Where `--events` and its like go.
    pub files: Files,
    /// `-C`, as it was written.
    pub directory: Option<String>,
    /// The flags without which a command to repeat a task would look at something else.
    pub flags: Vec<String>,
}

/// Files that are written beside what is shown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Files {
    /// `--events`.
    pub events: Option<PathBuf>,
    /// `--junit`.
    pub junit: Option<PathBuf>,
    /// `--code-quality`.
    pub code_quality: Option<PathBuf>,
}

impl Files {
    /// Whether there is any.
    pub fn are_wanted(&self) -> bool {
        self != &Self::default()
    }
}

/// `--color`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ColourChoice {
    #[default]
    Auto,
    Always,
    Never,
}

/// `-q`, nothing, `-v`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verbosity {
    Quiet,
    #[default]
    Normal,
    Verbose,
}

/// `--log`: what is shown of the output of tasks while they run. The end lists the last lines of failures in any case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogMode {
    /// Each line as it comes, with the task before it.
    Stream,
    /// All lines of a task together, when it ends.
    Grouped,
    /// All lines of a task that failed, when it ends.
    Failed,
    /// Nothing.
    None,
}

/// `--format`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Text,
    Json,
}

/// How this command shows things. Nobody asks the terminal or the variables again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Settings {
    pub stdout: Paint,
    pub stderr: Paint,
    /// Columns for what goes to standard output, if that is a terminal.
    pub columns: Option<usize>,
    pub verbosity: Verbosity,
    pub log: Option<LogMode>,
    pub format: Format,
    pub files: Files,
    /// `-C`, as it was written.
    pub directory: Option<String>,
    /// The flags without which a command to repeat a task would look at something else.
    pub flags: Vec<String>,
    /// Whether standard error is a terminal whose cursor can be moved and progress is wanted.
    pub live: bool,
    pub stdout_is_terminal: bool,
    pub stderr_is_terminal: bool,
    pub ci: CiSettings,
}

impl Terminal {
    /// Asks the terminal and the variables.
    pub fn detect(env: &Env) -> Self {
        let variable = |name: &str| env.text(name).map(str::to_owned);
        let is_set = |name| variable(name).is_some_and(|value| !value.is_empty());
        let stderr = std::io::stderr();
        let stdout = std::io::stdout();
        let size = rustix::termios::tcgetwinsize(&stdout)
            .or_else(|_| rustix::termios::tcgetwinsize(&stderr));
        Self {
            stdout_is_terminal: stdout.is_terminal(),
            stderr_is_terminal: stderr.is_terminal(),
            columns: size.ok().map(|it| it.ws_col.into()).filter(|it| *it > 0),
            is_dumb: variable("TERM").is_some_and(|term| term == "dumb"),
            is_ci: env.is_ci(),
            is_utf8: is_utf8(variable),
            no_colour: is_set("NO_COLOR"),
            force_colour: variable("CLICOLOR_FORCE").is_some_and(|it| !it.is_empty() && it != "0"),
            ci: CiSettings::new(System::all_of(env).collect(), |name| {
                env.path(name).map(Path::to_owned)
            }),
        }
    }
}

impl Settings {
    /// Brings both together.
    pub fn new(terminal: &Terminal, choices: Choices) -> Self {
        let paint = |is_terminal| Paint {
            colour: colour(choices.colour, terminal, is_terminal),
            unicode: terminal.is_utf8,
        };
        Self {
            stdout: paint(terminal.stdout_is_terminal),
            stderr: paint(terminal.stderr_is_terminal),
            columns: terminal.columns.filter(|_| terminal.stdout_is_terminal),
            verbosity: choices.verbosity,
            log: choices.log,
            format: choices.format,
            files: choices.files,
            directory: choices.directory,
            flags: choices.flags,
            live: terminal.stderr_is_terminal
                && !terminal.is_dumb
                && !terminal.is_ci
                && choices.verbosity > Verbosity::Quiet,
            stdout_is_terminal: terminal.stdout_is_terminal,
            stderr_is_terminal: terminal.stderr_is_terminal,
            ci: terminal.ci.clone(),
        }
    }

    /// Whether logs are folded: by a CI system that has folds.
    pub fn folds(&self) -> bool {
        let fold = Fold {
            name: String::new(),
            title: String::new(),
            time: 0,
            is_open: false,
        };
        self.ci.dialect().open(&fold).is_some()
    }

    /// The log mode for a run of `to_run` tasks, with `cached` earlier results: what was asked for; else each line as it comes
    /// where one task speaks, or with `-v`; else on a terminal only the live lines, and elsewhere all lines of a task together.
    /// Where logs are folded, several tasks never mix their lines unless that was asked for.
    pub fn log_mode(&self, to_run: usize, cached: usize) -> LogMode {
        match (self.log, self.verbosity) {
            (Some(mode), _) => mode,
            (None, Verbosity::Quiet) => LogMode::None,
            (None, Verbosity::Verbose) if !self.folds() => LogMode::Stream,
            _ if to_run == 1 || to_run + cached <= 1 => LogMode::Stream,
            (None, Verbosity::Normal) if self.live => LogMode::None,
            _ => LogMode::Grouped,
        }
    }

    /// Whether logs of earlier results are left out, though those of the run's own tasks are shown: who watches the one task
    /// that runs knows the others.
    pub fn hides_cached(&self, to_run: usize) -> bool {
        self.log.is_none() && self.verbosity == Verbosity::Normal && self.live && to_run > 0
    }
}

/// Whether a stream gets colours: `--color` decides, then `NO_COLOR`, then `CLICOLOR_FORCE`, then whether it is a terminal
/// that knows colours.
pub fn colour(choice: ColourChoice, terminal: &Terminal, is_terminal: bool) -> bool {
    match choice {
        ColourChoice::Always => true,
        ColourChoice::Never => false,
        ColourChoice::Auto if terminal.no_colour => false,
        ColourChoice::Auto if terminal.force_colour => true,
        ColourChoice::Auto => is_terminal && !terminal.is_dumb,
    }
}

fn is_utf8(variable: impl Fn(&str) -> Option<String>) -> bool {
    let mut names = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter();
    let locale = names.find_map(|name| variable(name).filter(|value| !value.is_empty()));
    locale.is_some_and(|locale| {
        let locale = locale.to_lowercase();
        locale.contains("utf-8") || locale.contains("utf8")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn colour_follows_the_flag_then_the_variables_then_the_terminal() {
        use ColourChoice::{Always, Auto, Never};
        let check = |choice, variables: &str, is_terminal, expected| {
            let terminal = Terminal {
                is_dumb: variables.contains("dumb"),
                no_colour: variables.contains("no"),
                force_colour: variables.contains("force"),
                ..Terminal::default()
            };
            let actual = colour(choice, &terminal, is_terminal);
            assert_eq!(actual, expected, "{choice:?} {variables} {is_terminal}");
        };
        check(Auto, "", true, true);
        check(Auto, "", false, false);
        check(Auto, "dumb", true, false);
        check(Auto, "no", true, false);
        check(Auto, "force", false, true);
        check(Auto, "force dumb", false, true);
        check(Auto, "no force", true, false);
        check(Always, "no dumb", false, true);
        check(Never, "force", true, false);
    }

    #[test]
    fn the_locale_says_whether_unicode_shows() {
        let check = |all: &str, ctype: &str, lang: &str, expected| {
            let actual = is_utf8(|name: &str| {
                let value = match name {
                    "LC_ALL" => all,
                    "LC_CTYPE" => ctype,
                    _ => lang,
                };
                Some(value.to_owned())
            });
            assert_eq!(actual, expected, "{all} {ctype} {lang}");
        };
        check("", "", "", false);
        check("", "", "de_DE.UTF-8", true);
        check("", "C.utf8", "C", true);
        check("C", "C.UTF-8", "C.UTF-8", false);
        check("", "", "POSIX", false);
    }

    #[test]
    fn the_log_mode_suits_who_is_looking() {
        use LogMode::{Failed, Grouped, None, Stream};
        let check = |log, verbosity, live, (to_run, cached), expected| {
            let settings = Settings {
                log,
                verbosity,
                live,
                ..Settings::default()
            };
            assert_eq!(settings.log_mode(to_run, cached), expected);
        };
        let no = Option::None;
        check(no, Verbosity::Normal, true, (5, 0), None);
        check(no, Verbosity::Normal, true, (1, 0), Stream);
        check(no, Verbosity::Normal, false, (1, 0), Stream);
        check(no, Verbosity::Normal, true, (1, 5), Stream);
        check(no, Verbosity::Normal, true, (0, 1), Stream);
        check(no, Verbosity::Normal, true, (0, 5), None);
        check(no, Verbosity::Normal, false, (0, 5), Grouped);
        check(no, Verbosity::Normal, false, (5, 0), Grouped);
        check(no, Verbosity::Verbose, true, (5, 0), Stream);
        check(no, Verbosity::Quiet, false, (5, 0), None);
        check(Some(Failed), Verbosity::Quiet, true, (5, 0), Failed);
    }

    #[test]
    fn a_terminal_that_is_dumb_or_unwatched_gets_plain_lines() {
        let mut terminal = Terminal {
            stderr_is_terminal: true,
            ..Terminal::default()
        };
        assert!(Settings::new(&terminal, Choices::default()).live);
        terminal.is_ci = true;
        assert!(!Settings::new(&terminal, Choices::default()).live);
        terminal.is_ci = false;
        terminal.is_dumb = true;
        assert!(!Settings::new(&terminal, Choices::default()).live);
    }
}
