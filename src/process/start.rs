//! Starting a command.
#![expect(clippy::disallowed_methods, reason = "this room starts commands")]

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};

use crate::model::children;
use crate::process::command::{Command, NotStarted, Obstacle, Orphaned};
use crate::process::exit::ExitWatch;
use crate::process::leaders;
use crate::process::output::Output;

/// A command that was started: the leader of its own process group.
pub struct Child {
    pub pid: i32,
    pub handle: duct::Handle,
    pub exit: ExitWatch,
    pub output: Output,
}

/// Starts `command` in its own process group, with nothing to read and one pipe for all it writes.
pub fn start(command: &Command) -> Result<Child, NotStarted> {
    let program = find(command)?;
    spawn(command, &program).map_err(|error| explain(command, &program, &error))
}

/// duct keeps the child and sees to it that it is reaped. What the standard library does below it is chosen with care: a
/// program named by its whole path and a group that is set without a hook in the child let it use `posix_spawn`, which
/// costs a fraction of a fork; with a name to be looked up in a changed `PATH` it would have to fork.
fn spawn(command: &Command, program: &Path) -> io::Result<Child> {
    let (reader, writer) = io::pipe()?;
    let name = command.argv[0].clone();
    let marks = command.marks.variables();
    let marks = marks.map(|(name, value)| (OsString::from(name), OsString::from(value)));
    let orphaned = command.orphaned;
    let expression = duct::cmd(program, &command.argv[1..])
        .stdin_null()
        .stderr_to_stdout()
        .stdout_file(writer)
        .dir(&command.directory)
        .full_env(command.environment.iter().cloned().chain(marks))
        .unchecked()
        .before_spawn(move |it| {
            it.process_group(0).arg0(&name);
            if orphaned == Orphaned::Ends {
                end_with_us(it);
            }
            Ok(())
        });
    let output = Output::new(reader)?;
    let handle = leaders::start_owned(|| {
        let handle = expression.start()?;
        let pid = handle.pids()[0] as i32;
        Ok((handle, pid))
    })?;
    // The expression holds the writing end of the pipe; as long as it lives, the pipe does not close.
    drop(expression);
    let pid = handle.pids()[0] as i32;
    let exit = ExitWatch::new(pid).inspect_err(|_| abandon(&handle, pid))?;
    Ok(Child {
        pid,
        handle,
        exit,
        output,
    })
}

/// Lets the system tell the child to end when the thread that started it is gone.
#[cfg(target_os = "linux")]
#[expect(unsafe_code, reason = "what runs between fork and exec")]
fn end_with_us(command: &mut std::process::Command) {
    let own = rustix::process::getpid();
    let ask = move || {
        use rustix::process::{Signal, getppid, set_parent_process_death_signal};
        set_parent_process_death_signal(Some(Signal::TERM))?;
        match getppid() == Some(own) {
            true => Ok(()),
            false => Err(rustix::io::Errno::SRCH.into()),
        }
    };
    // SAFETY: `ask` makes two system calls and allocates nothing.
    unsafe { command.pre_exec(ask) };
}

#[cfg(not(target_os = "linux"))]
fn end_with_us(_: &mut std::process::Command) {}

/// Ends a child that cannot be watched.
fn abandon(handle: &duct::Handle, pid: i32) {
    let _ = handle.kill();
    children::disown(pid);
}

/// The program's whole path: as given, or the first in the command's own `PATH` that may be run.
fn find(command: &Command) -> Result<PathBuf, NotStarted> {
    let not_found = |message| NotStarted {
        obstacle: Obstacle::NotFound,
        message,
    };
    let Some(name) = command.argv.first().filter(|it| !it.is_empty()) else {
        return Err(not_found("the command is empty".into()));
    };
    if name.as_bytes().contains(&b'/') {
        return Ok(command.directory.join(name));
    }
    let mut path = command
        .environment
        .iter()
        .rev()
        .filter(|(name, _)| name == "PATH");
    let path = path.next().map(|(_, value)| value.as_os_str());
    let candidates = std::env::split_paths(path.unwrap_or(OsStr::new("/usr/bin:/bin")));
    let candidates: Vec<PathBuf> = candidates
        .map(|it| command.directory.join(it).join(name))
        .collect();
    let found = candidates.iter().find(|it| is_executable(it));
    // One that is there and may not be run explains itself when it is started.
    let found = found.or_else(|| candidates.iter().find(|it| it.is_file()));
    found.cloned().ok_or_else(|| {
        let path = path.map_or("PATH is not set".into(), |it| {
            format!("PATH is {}", it.display())
        });
        not_found(format!(
            "cannot find `{}` to run in {}: {path}",
            name.display(),
            command.directory.display()
        ))
    })
}

fn is_executable(path: &Path) -> bool {
    path.metadata()
        .is_ok_and(|it| it.is_file() && it.permissions().mode() & 0o111 != 0)
}

fn is_shortage(error: &io::Error) -> bool {
    use rustix::io::Errno;
    let short = [Errno::MFILE, Errno::NFILE, Errno::AGAIN];
    Errno::from_io_error(error).is_some_and(|it| short.contains(&it))
}

/// What stood in the way, told from what the system says and what can be seen: its answers alone do not say whether the
/// program or the directory is meant.
fn explain(command: &Command, program: &Path, error: &io::Error) -> NotStarted {
    let directory = command.directory.display();
    let (obstacle, message) = if !command.directory.is_dir() {
        (
            Obstacle::DirectoryMissing,
            format!("there is no directory {directory} to run in"),
        )
    } else {
        let name = program.display();
        match error.kind() {
            io::ErrorKind::NotFound if !program.exists() => (
                Obstacle::NotFound,
                format!("cannot find `{name}` to run in {directory}"),
            ),
            io::ErrorKind::NotFound => (
                Obstacle::NotFound,
                format!("cannot find the interpreter that `{name}` names in its first line"),
            ),
            io::ErrorKind::PermissionDenied => (
                Obstacle::NotExecutable,
                format!("may not run `{name}` in {directory}: {error}"),
            ),
            io::ErrorKind::ArgumentListTooLong => (
                Obstacle::Other,
                format!("the command and its variables are too long to run `{name}`: {error}"),
            ),
            _ if is_shortage(error) => (
                Obstacle::Shortage,
                format!("run `{name}` in {directory}: {error}; fewer `--jobs` need fewer"),
            ),
            _ if error.raw_os_error() == Some(rustix::io::Errno::NOEXEC.raw_os_error()) => (
                Obstacle::NotExecutable,
                format!("`{name}` is no program, nor a script with `#!` in its first line"),
            ),
            _ => (
                Obstacle::Other,
                format!("run `{name}` in {directory}: {error}"),
            ),
        }
    };
    NotStarted { obstacle, message }
}
