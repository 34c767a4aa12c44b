//! Starting a supervisor so that it depends on nothing of the one who starts it: not on its life, its terminal, or its open
//! files.
//!
//! It takes two steps. What we start is a child of ours only for a moment: it closes what it was not meant to have, starts
//! the supervisor, and is over; so the supervisor is nobody's child, and nobody has to wait for it.
#![expect(clippy::disallowed_methods, reason = "this room starts processes")]

use std::fs;
use std::io::{self, PipeReader, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::Duration;

use rustix::io::FdFlags;

use crate::model::children;
use crate::process::command::Marks;
use crate::process::control::Control;
use crate::process::leaders;
use crate::process::local::log::append_to;
use crate::process::local::place::Place;
use crate::process::local::spec::{Answer, Order};
use crate::process::output::{Output, after, has_come, wait};

/// How long a supervisor may take to answer: it starts in milliseconds, on a machine that has any left.
const PATIENCE: Duration = Duration::from_secs(60);

/// No answer is longer.
const LONGEST_ANSWER: usize = 64 * 1024;

/// Starts the supervisor of `place` and gives what it says of the service's start.
pub fn start(
    program: &Path,
    place: &Place,
    order: &Order,
    control: &Control,
) -> io::Result<Answer> {
    let (stdin, mut writer) = io::pipe()?;
    let (reader, stdout) = io::pipe()?;
    let mut command = command(program, place);
    command.arg("--detach").process_group(0);
    command.stdin(stdin).stdout(stdout);
    command.stderr(append_to(&place.log())?);
    let mut child = leaders::start_owned(|| {
        let child = command.spawn()?;
        let pid = child.id() as i32;
        Ok((child, pid))
    })?;
    // It holds our copies of the other ends.
    drop(command);
    let bytes = serde_json::to_vec(order)?;
    // One that does not read must not make us wait.
    thread::Builder::new().name("order".into()).spawn(move || {
        let _ = writer.write_all(&bytes);
    })?;
    let status = child.wait();
    children::disown(child.id() as i32);
    if !status?.success() {
        return Ok(Answer::NoSupervisor("it did not start".to_owned()));
    }
    answer(reader, control)
}

/// The second step, in the process that is there for it: starts the supervisor with nothing but what it is to have.
pub fn pass_on(program: &Path, place: &Place) -> io::Result<()> {
    close_in_children()?;
    let mut command = command(program, place);
    command.stdin(Stdio::inherit()).stdout(Stdio::inherit());
    command.stderr(Stdio::inherit()).spawn()?;
    Ok(())
}

fn command(program: &Path, place: &Place) -> Command {
    let mut command = Command::new(program);
    command.arg("supervise").arg(&place.directory);
    command.env_clear().env(Marks::SUPERVISOR, &place.directory);
    command.current_dir("/");
    command
}

/// Marks all that was inherited beyond the three usual ones, such as a jobserver or a lock of somebody above.
#[expect(
    unsafe_code,
    reason = "descriptors that nobody here knows have no safe form"
)]
fn close_in_children() -> io::Result<()> {
    let numbers: Vec<i32> = fs::read_dir("/dev/fd")?
        .flatten()
        .filter_map(|it| it.file_name().to_str()?.parse().ok())
        .filter(|it| *it > 2)
        .collect();
    for number in numbers {
        // SAFETY: it is only marked; one that is closed by now, as the directory just read, is an error that is ignored.
        let descriptor = unsafe { BorrowedFd::borrow_raw(number) };
        let _ = rustix::io::fcntl_setfd(descriptor, FdFlags::CLOEXEC);
    }
    Ok(())
}

fn answer(reader: PipeReader, control: &Control) -> io::Result<Answer> {
    let until = Some(after(PATIENCE));
    let mut output = Output::new(reader)?;
    let mut bytes = Vec::new();
    while let Some(pipe) = output.watched() {
        if has_come(until) || control.is_killed() || bytes.len() > LONGEST_ANSWER {
            return Ok(Answer::NoSupervisor("it does not answer".to_owned()));
        }
        wait(&[pipe, control.killed()], until);
        output.pass(&mut |it| bytes.extend_from_slice(it));
    }
    let ended = || Answer::NoSupervisor("it ended before it could answer".to_owned());
    Ok(serde_json::from_slice(&bytes).unwrap_or_else(|_| ended()))
}

/// The order, from standard input, which is given up: from now on there is nothing to read.
pub fn take_order() -> Result<Order, String> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(1 << 26).read_to_end(&mut bytes);
    read.map_err(|error| format!("read the order: {error}"))?;
    let nothing =
        fs::File::open("/dev/null").map_err(|error| format!("open /dev/null: {error}"))?;
    rustix::stdio::dup2_stdin(nothing).map_err(|error| format!("give up input: {error}"))?;
    serde_json::from_slice(&bytes).map_err(|error| format!("the order is not whole: {error}"))
}

/// Answers, once, and gives up standard output: the one who waits sees its end, and what is written there later is in the log.
pub fn give_answer(answer: &Answer) {
    // Nobody may be there any more, which the service does not mind.
    if let Ok(bytes) = serde_json::to_vec(answer) {
        let mut stdout = io::stdout().lock();
        let _ = stdout.write_all(&bytes).and_then(|()| stdout.flush());
    }
    let _ = rustix::stdio::dup2_stdout(io::stderr().as_fd());
}
