//! The one place that starts the `git` program.
#![expect(
    clippy::disallowed_methods,
    reason = "this is the door to the git program"
)]

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::fs::File;
use std::io::{self, BufRead, BufReader, IsTerminal, Read, Seek};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

use crate::git::error::Error;
use crate::git::finished::Finished;
use crate::model::children;
use crate::model::env::{Env, STARTED_BY};

/// Whether anything may be fetched from the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Fetch {
    #[default]
    Allowed,
    /// By `--no-fetch`.
    Forbidden,
}

/// The `git` program in one directory with its variables.
#[derive(Clone, Debug)]
pub struct Git {
    directory: PathBuf,
    variables: BTreeMap<OsString, OsString>,
    /// How long a conversation with a remote may be silent.
    patience: Duration,
    /// When a conversation with a remote is ended, however lively it is.
    deadline: Option<Instant>,
    /// In which process group a git runs that speaks with a remote.
    group: Group,
}

/// The process group of a git that speaks with a remote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Group {
    /// One of its own, so that it can be ended with everything that it started.
    Own,
    /// Ours.
    Ours,
}

/// Variables that change how git reads its arguments, or where it looks: only what `Repo` found is handed on.
const DROPPED: &[&str] = &[
    "GIT_DIR",
    "GIT_WORK_TREE",
    "GIT_INDEX_FILE",
    "GIT_PREFIX",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_CONFIG",
];

/// As long as no byte arrives for this time, the remote is taken as hanging.
const PATIENCE: Duration = Duration::from_secs(120);

/// How long a git that is asked to end may take for it.
const GRACE: Duration = Duration::from_secs(3);

impl Git {
    /// `git` as it is started from `directory`, without anything that a hook says about repositories.
    pub fn new(env: &Env, directory: &Path) -> Self {
        let interactive = !env.is_ci() && io::stdin().is_terminal();
        let mut git = Self {
            directory: directory.to_owned(),
            variables: env.variables.clone(),
            patience: PATIENCE,
            deadline: None,
            // With a person at the terminal git stays in our group: only there may it ask for a password.
            group: match interactive {
                true => Group::Ours,
                false => Group::Own,
            },
        };
        git.forget_repository();
        git.set(STARTED_BY, std::process::id().to_string());
        // Messages are read by us, so they have to be in one language.
        git.set("LC_ALL", "C");
        // Reading never waits for, or disturbs, somebody who writes.
        git.set("GIT_OPTIONAL_LOCKS", "0");
        git.set("GIT_LITERAL_PATHSPECS", "1");
        if !interactive {
            git.set("GIT_TERMINAL_PROMPT", "0");
        }
        for name in ["GIT_HTTP_LOW_SPEED_LIMIT", "GIT_HTTP_LOW_SPEED_TIME"] {
            let stalled = if name.ends_with("LIMIT") { "1" } else { "120" };
            let value = env.variables.get(OsStr::new(name)).cloned();
            git.set(name, value.unwrap_or_else(|| stalled.into()));
        }
        git
    }

    /// Sets a variable for every later start.
    pub fn set(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.insert(name.into(), value.into());
    }

    /// Takes a variable away for every later start.
    pub fn unset(&mut self, name: &str) {
        self.variables.remove(OsStr::new(name));
    }

    /// The variable `name` as git sees it.
    pub fn variable(&self, name: &str) -> Option<&OsStr> {
        self.variables
            .get(OsStr::new(name))
            .map(OsString::as_os_str)
    }

    /// Starts from `directory` from now on.
    pub fn move_to(&mut self, directory: &Path) {
        directory.clone_into(&mut self.directory);
    }

    /// Goes by the directory alone from now on.
    pub fn forget_repository(&mut self) {
        for name in DROPPED {
            self.variables.remove(OsStr::new(name));
        }
    }

    /// How long a conversation with a remote may be silent before it is ended.
    pub fn set_patience(&mut self, patience: Duration) {
        self.patience = patience;
    }

    /// The same, but nothing it starts can reach a remote.
    #[must_use]
    pub fn offline(&self) -> Self {
        let mut git = self.clone();
        git.set("GIT_NO_LAZY_FETCH", "1");
        // A git that does not know the variable above asks for the transport by name and finds it forbidden.
        git.set("GIT_ALLOW_PROTOCOL", "none");
        git
    }

    /// The same, but it may be silent for longer: it works on much itself before and after it speaks with a remote.
    #[must_use]
    pub fn patient(&self) -> Self {
        let mut git = self.clone();
        git.patience *= 5;
        git
    }

    /// The same, with all its conversations over after `time`, if there is one.
    #[must_use]
    pub fn within(&self, time: Option<Duration>) -> Self {
        let mut git = self.clone();
        git.deadline = time.map(|time| Instant::now() + time).or(self.deadline);
        git
    }

    /// The same, for use while commands run: in a group of its own it would look like something that one of them left behind.
    #[must_use]
    pub fn beside_commands(&self) -> Self {
        let mut git = self.clone();
        git.group = Group::Ours;
        git
    }

    /// What `git ARGUMENTS` prints.
    ///
    /// # Errors
    /// It could not be started or it failed.
    pub fn output<A: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Vec<u8>, Error> {
        self.run(arguments)?.into_output()
    }

    /// What `git ARGUMENTS` prints for `input`.
    ///
    /// # Errors
    /// It could not be started or it failed.
    pub fn output_for<A: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: Vec<u8>,
    ) -> Result<Vec<u8>, Error> {
        self.run_for(arguments, input)?.into_output()
    }

    /// Runs `git ARGUMENTS` with `input` to its end, well or not.
    ///
    /// # Errors
    /// It could not be started.
    pub fn run_for<A: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: Vec<u8>,
    ) -> Result<Finished, Error> {
        self.start(collect(arguments), Some(input))
    }

    /// Runs `git ARGUMENTS` to its end, well or not.
    ///
    /// # Errors
    /// It could not be started.
    pub fn run<A: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Finished, Error> {
        self.start(collect(arguments), None)
    }

    /// Hands what `git ARGUMENTS` prints for `input` to `read` while it is printed. A git that is not read to its end is ended.
    ///
    /// # Errors
    /// It could not be started, it failed, or `read` did.
    pub fn read<T, A: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
        input: Vec<u8>,
        read: impl FnOnce(&mut dyn BufRead) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let arguments = collect(arguments);
        let shown = show(&arguments);
        let fault = |cause: io::Error| not_started(&shown, &cause);
        let command = self.command(arguments).stdin_bytes(input).stderr_capture();
        let handle = command.reader().map_err(fault)?;
        let mut output = BufReader::new(&handle);
        let answer = read(&mut output);
        let is_over = answer.is_ok() && output.fill_buf().is_ok_and(<[u8]>::is_empty);
        if !is_over {
            let _ = handle.kill();
            // At the end of what it said it is waited for.
            let _ = io::copy(&mut &handle, &mut io::sink());
            return answer;
        }
        match handle.try_wait().map_err(fault)? {
            Some(done) if !done.status.success() => Err(Finished {
                status: done.status,
                output: Vec::new(),
                message: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
                arguments: shown,
            }
            .into_error()),
            _ => answer,
        }
    }

    fn start(&self, arguments: Vec<OsString>, input: Option<Vec<u8>>) -> Result<Finished, Error> {
        let shown = show(&arguments);
        let command = self.command(arguments).stdout_capture().stderr_capture();
        let command = match input {
            Some(bytes) => command.stdin_bytes(bytes),
            None => command.stdin_null(),
        };
        let done = command.run().map_err(|cause| not_started(&shown, &cause))?;
        Ok(Finished {
            status: done.status,
            output: done.stdout,
            message: String::from_utf8_lossy(&done.stderr).trim().to_owned(),
            arguments: shown,
        })
    }

    /// Runs a `git ARGUMENTS` that speaks with a remote, and ends it when nothing is heard for too long.
    ///
    /// # Errors
    /// It could not be started, or the remote fell silent.
    pub fn talk<A: Into<OsString>>(
        &self,
        arguments: impl IntoIterator<Item = A>,
    ) -> Result<Finished, Error> {
        let arguments = collect(arguments);
        let shown = show(&arguments);
        let fault = |cause: io::Error| not_started(&shown, &cause);
        // Files rather than pipes: nobody who outlives git and still holds a pipe can make us wait.
        let (mut said, mut told) = (scratch()?, scratch()?);
        let alone = self.group == Group::Own;
        let talk = self
            .command(arguments)
            .stdin_null()
            .stdout_file(said.try_clone().map_err(fault)?)
            .stderr_file(told.try_clone().map_err(fault)?)
            .before_spawn(move |command: &mut Command| {
                if alone {
                    command.process_group(0);
                }
                end_with_us(command);
                Ok(())
            });
        // In a group of its own it could be taken for something that a command left behind.
        let handle = children::start_owned(|| {
            let handle = talk.start()?;
            let pid = handle.pids()[0] as i32;
            Ok((handle, pid))
        });
        let handle = handle.map_err(fault)?;
        let _owned = Owned(handle.pids()[0] as i32);
        let mut heard = 0;
        let status = loop {
            let left = self.time_left();
            let wait = left.map_or(self.patience, |left| left.min(self.patience));
            if let Some(done) = handle.wait_timeout(wait).map_err(fault)? {
                break done.status;
            }
            if left.is_some_and(|left| left <= wait) {
                end(&handle, alone);
                return Err(out_of_time(shown));
            }
            let length = |file: &File| file.metadata().map_or(0, |data| data.len());
            let now = length(&said) + length(&told);
            if now == heard {
                end(&handle, alone);
                return Err(self.fell_silent(shown));
            }
            heard = now;
        };
        Ok(Finished {
            status,
            output: from_start(&mut said).map_err(fault)?,
            message: last_words(&from_start(&mut told).map_err(fault)?),
            arguments: shown,
        })
    }

    fn time_left(&self) -> Option<Duration> {
        let deadline = self.deadline?;
        Some(deadline.saturating_duration_since(Instant::now()))
    }

    fn fell_silent(&self, arguments: String) -> Error {
        let seconds = self.patience.as_secs_f32();
        Error::Program {
            arguments,
            message: format!("the remote did not answer for {seconds} s"),
        }
    }

    fn command(&self, arguments: Vec<OsString>) -> duct::Expression {
        duct::cmd("git", arguments)
            .full_env(&self.variables)
            .dir(&self.directory)
            .unchecked()
    }
}

fn collect<A: Into<OsString>>(arguments: impl IntoIterator<Item = A>) -> Vec<OsString> {
    arguments.into_iter().map(Into::into).collect()
}

/// The arguments for people, without settings; long lists of paths are cut.
fn show(arguments: &[OsString]) -> String {
    let mut words: Vec<_> = arguments.iter().map(|it| it.to_string_lossy()).collect();
    while words.len() > 2 && words[0] == "-c" {
        words.drain(..2);
    }
    let text = words.join(" ");
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

fn not_started(arguments: &str, cause: &io::Error) -> Error {
    let message = match cause.kind() {
        io::ErrorKind::NotFound => "the `git` program was not found; is it installed?".to_owned(),
        _ => cause.to_string(),
    };
    Error::Program {
        arguments: arguments.to_owned(),
        message,
    }
}

fn out_of_time(arguments: String) -> Error {
    Error::Program {
        arguments,
        message: "the remote did not answer in time".to_owned(),
    }
}

fn scratch() -> Result<File, Error> {
    tempfile::tempfile().map_err(|cause| Error::File {
        attempt: "make a temporary file".to_owned(),
        cause,
    })
}

fn from_start(file: &mut File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// What is left of standard error without lines of progress, which are written over each other and count something.
fn last_words(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let is_progress = |line: &str| {
        let count = line.rsplit(": ").next().unwrap_or_default();
        line.contains('\r')
            && count
                .trim_start()
                .starts_with(|it: char| it.is_ascii_digit())
    };
    let lines = text.split('\n').filter(|line| !is_progress(line));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Lets the system end git when we are killed, even in a group of its own. Where the system cannot, git ends by itself.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what runs between fork and exec")]
fn end_with_us(command: &mut Command) {
    let ask = || {
        Ok(rustix::process::set_parent_process_death_signal(Some(
            Signal::TERM,
        ))?)
    };
    // SAFETY: `ask` makes one system call and allocates nothing.
    unsafe { command.pre_exec(ask) };
}

#[cfg(not(target_os = "linux"))]
fn end_with_us(_: &mut Command) {}

/// A git that is listed as owned until it was waited for.
struct Owned(i32);

impl Drop for Owned {
    fn drop(&mut self) {
        children::disown(self.0);
    }
}

/// Ends git and, where it has a group of its own, everything that it started. It is asked first, so that it takes its locks
/// away: with one left behind no later fetch would work.
fn end(handle: &duct::Handle, alone: bool) {
    let send = |signal| {
        let ids = handle.pids().into_iter();
        for pid in ids.filter_map(|pid| Pid::from_raw(i32::try_from(pid).ok()?)) {
            // It may have ended meanwhile, which is what we want.
            let _ = match alone {
                true => kill_process_group(pid, signal),
                false => kill_process(pid, signal),
            };
        }
    };
    send(Signal::TERM);
    let _ = handle.wait_timeout(GRACE);
    if alone {
        send(Signal::KILL);
    }
    let _ = handle.kill();
    let _ = handle.wait();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn progress_is_left_out_of_messages() {
        let check = |said: &str, expected: &str| assert_eq!(last_words(said.as_bytes()), expected);
        check("fatal: no such remote\n", "fatal: no such remote");
        check("Counting: 1%\rCounting: 100%\rdone\nfatal: x\n", "fatal: x");
        check("remote: not 1\r today\n", "remote: not 1\r today");
        check("", "");
    }
}
