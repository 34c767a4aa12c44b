//! What carrying out any plan takes from the machine: a control, a scratch directory, a record, a jobserver, the secrets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tempfile::TempDir;

use crate::engine::with_cause;
use crate::model::event::Event;
use crate::model::run::Summary;
use crate::model::workspace::Workspace;
use crate::ops::failure::Failure;
use crate::ops::place::Place;
use crate::process::jobserver::Jobserver;
use crate::process::signals::{Listener, listen};
use crate::process::{Control, leftovers};
use crate::record::{self, Header};

/// What every run needs.
pub struct Machinery {
    pub control: Control,
    scratch: TempDir,
}

impl Machinery {
    /// Sets it up.
    ///
    /// # Errors
    /// The machine refuses a pipe or a temporary directory.
    pub fn new() -> Result<Self, Failure> {
        let control = Control::new().map_err(|cause| refused("make a pipe", cause))?;
        let scratch = tempfile::Builder::new().prefix("svc-").tempdir();
        let scratch = scratch.map_err(|cause| refused("make a temporary directory", cause))?;
        Ok(Self { control, scratch })
    }

    /// A directory of this run alone.
    pub fn scratch(&self) -> &Path {
        self.scratch.path()
    }

    /// Names the run; no second `svc` uses it.
    pub fn run_id(&self, record: Option<&record::Run>) -> String {
        match record {
            Some(record) => record.id().to_owned(),
            None => {
                let name = self.scratch().file_name().unwrap_or_default();
                name.to_string_lossy().into()
            }
        }
    }
}

/// Hears signals, beside and between runs, as long as the listener is kept.
///
/// # Errors
/// The machine refuses it.
pub fn listening() -> Result<(Control, Listener), Failure> {
    let attempt = "listen for signals";
    let control = Control::new().map_err(|cause| refused(attempt, cause))?;
    let listener = listen(control.clone(), |_| {}).map_err(|cause| refused(attempt, cause))?;
    Ok((control, listener))
}

/// The jobserver of a make above, unless the number of jobs was chosen; else one of our own. Without any, what tasks start
/// does not know of each other.
pub fn jobserver(
    variables: &BTreeMap<OsString, OsString>,
    chosen: Option<usize>,
    jobs: usize,
) -> Option<Jobserver> {
    let variable = |name: &str| variables.get(OsStr::new(name))?.to_str();
    let above = match chosen {
        Some(_) => None,
        None => Jobserver::inherited(variable),
    };
    above.or_else(|| Jobserver::new(jobs).ok())
}

/// The values of all secrets that are declared and set, by the names of their variables.
pub fn secrets(
    workspace: &Workspace,
    variables: &BTreeMap<OsString, OsString>,
) -> BTreeMap<String, Vec<u8>> {
    let tasks = workspace.services().iter().flat_map(|it| it.tasks.values());
    let names = tasks.flat_map(|task| &task.secrets);
    let value = |name: &String| Some(variables.get(OsStr::new(name))?.as_bytes().to_vec());
    names
        .filter_map(|name| Some((name.clone(), value(name)?)))
        .collect()
}

/// Begins the record of the run, after telling of processes that an earlier, killed `svc` left behind.
pub fn begin_record(
    place: &Place,
    header: Header,
    emit: &mut dyn FnMut(&Event),
) -> Option<record::Run> {
    let mut warn = |message: String| emit(&Event::Warned { message });
    let records = place.records()?;
    let orphans = records.orphans();
    let processes: Vec<_> = orphans.iter().flat_map(|it| it.processes.clone()).collect();
    let runs: Vec<_> = orphans.into_iter().map(|it| it.run).collect();
    for left in leftovers(&processes, &runs) {
        let task = left
            .task
            .map(|task| format!(" of {task}"))
            .unwrap_or_default();
        warn(format!(
            "process {} (`{}`){task} is left over from a run that was killed; `kill {}` ends it",
            left.pid, left.name, left.pid
        ));
    }
    let header = Header {
        svc: env!("CARGO_PKG_VERSION").to_owned(),
        ..header
    };
    match records.begin(header) {
        Ok(run) => Some(run),
        Err(error) => {
            warn(format!(
                "this run and its logs are not kept: {}",
                with_cause(&error)
            ));
            None
        }
    }
}

/// Ends the record of a run.
pub fn finish_record(record: Option<record::Run>, summary: &Summary, emit: &mut dyn FnMut(&Event)) {
    if let Some(Err(error)) = record.map(|record| record.finish(summary)) {
        let message = format!("this run is not recorded: {}", with_cause(&error));
        emit(&Event::Warned { message });
    }
}

fn refused(attempt: &str, cause: std::io::Error) -> Failure {
    Failure::File {
        attempt: attempt.to_owned(),
        cause,
    }
}
