//! Calling the programs of a CI system's agent. What cannot be done is worth a warning, and no more.

use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::time::Duration;

use crate::model::env::Env;
use crate::model::mask::Mask;
use crate::process::tools::is_program;
use crate::process::{Command, Control, Ended, Marks, Orphaned, run};

/// No call of an agent's program may hold the job up for longer.
const PATIENCE: Duration = Duration::from_secs(20);

/// Runs the program `words` with `input`, unless there is none of that name. `mask` hides secrets in what is given back.
///
/// # Errors
/// What went wrong, in words.
pub fn call(env: &Env, words: &[String], input: &str, mask: &Mask) -> Result<(), String> {
    let path = env.variables.get(OsStr::new("PATH"));
    let (Some(program), Some(path)) = (words.first(), path) else {
        return Ok(());
    };
    if !is_program(program, path) {
        return Ok(());
    }
    // Nothing is given to a command on its standard input: a file is, by a shell.
    let mut file = tempfile::Builder::new()
        .prefix("svc-")
        .tempfile()
        .map_err(|it| it.to_string())?;
    file.write_all(input.as_bytes())
        .map_err(|it| it.to_string())?;
    let script = [OsStr::new("exec \"$@\" <\"$0\""), file.path().as_os_str()];
    let shell = ["sh", "-c"].map(OsString::from).into_iter();
    let argv = shell.chain(script.map(OsString::from));
    let argv = argv.chain(words.iter().map(OsString::from)).collect();
    let command = Command {
        argv,
        directory: env.directory.clone(),
        environment: env.variables.clone().into_iter().collect(),
        timeout: Some(PATIENCE),
        grace: Duration::from_secs(1),
        marks: Marks {
            run: format!("errand-{}", std::process::id()),
            service: program.clone(),
            task: "errand".to_owned(),
        },
        orphaned: Orphaned::Ends,
    };
    let control = Control::new().map_err(|it| it.to_string())?;
    let mut said = Vec::new();
    let ended = run(&command, &control, &mut |bytes| {
        let room = 4096_usize.saturating_sub(said.len());
        said.extend_from_slice(&bytes[..bytes.len().min(room)]);
    });
    let said = String::from_utf8_lossy(&mask.hide(&said)).into_owned();
    let said = said.lines().next_back().unwrap_or_default().to_owned();
    match ended {
        Ended::Exited(0) => Ok(()),
        Ended::Exited(code) => Err(format!("exit code {code}: {said}")),
        Ended::Signalled(signal) => Err(format!("ended by signal {signal}")),
        Ended::TimedOut => Err(format!("no answer within {} seconds", PATIENCE.as_secs())),
        Ended::Interrupted => Err("interrupted".to_owned()),
        Ended::NotStarted(why) => Err(why.message),
    }
}
