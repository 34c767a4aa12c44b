//! Tasks that write where they have no business: into files that git tracks and that belong to another service.

use std::path::Path;
use std::time::Duration;

use rayon::prelude::*;

use crate::git::snapshot::{File, Files};
use crate::model::name::{ServiceName, TaskId};
use crate::model::path::FilePath;
use crate::model::workspace::{ServiceIndex, Workspace};
use crate::ops::tasks::inputs::{on_disk, stamp};

/// How far the clock of the files may be from ours.
const TOLERANCE_NS: i128 = 50_000_000;

/// What looking at one file costs at most. All of them may take a tenth of the time that the run took.
const COST: Duration = Duration::from_micros(2);

/// A task that was run.
pub struct Ran {
    pub id: TaskId,
    pub service: ServiceIndex,
    /// When it began and ended, in nanoseconds since 1970.
    pub from_ns: i128,
    pub to_ns: i128,
}

/// A file of one service that was written while tasks of others ran.
pub struct Written {
    pub path: FilePath,
    pub owner: ServiceName,
    /// The tasks that may have done it.
    pub by: Vec<TaskId>,
}

/// The `tracked` files that are not as they were and that tasks of other services may have written. Where looking would take
/// long, measured by `duration`, that of the run, it is left.
pub fn written(
    root: &Path,
    workspace: &Workspace,
    tracked: &Files,
    ran: &[Ran],
    duration: Duration,
) -> Vec<Written> {
    let cost = COST * u32::try_from(tracked.len()).unwrap_or(u32::MAX);
    if ran.is_empty() || cost * 10 > duration.max(Duration::from_millis(20)) {
        return Vec::new();
    }
    let files: Vec<File<'_>> = tracked.iter().collect();
    let changed = files.par_iter().filter_map(|file| {
        let metadata = std::fs::symlink_metadata(on_disk(root, file.path)).ok();
        let now = metadata.map(|it| stamp(&it));
        (now != file.stamp).then_some((file.path, now.map(|it| it.modified_ns)))
    });
    let changed: Vec<_> = changed.collect();
    let mut found = Vec::new();
    for (path, modified_ns) in changed {
        let Some(owner) = workspace.owner(path) else {
            continue;
        };
        let (own, others): (Vec<&Ran>, Vec<&Ran>) = ran
            .iter()
            .filter(|it| modified_ns.is_none_or(|at| covers(it, at)))
            .partition(|it| it.service == owner);
        if own.is_empty() && !others.is_empty() {
            found.push(Written {
                path: FilePath::from_bytes(path),
                owner: workspace.service(owner).name.clone(),
                by: others.into_iter().map(|it| it.id.clone()).collect(),
            });
        }
    }
    found
}

fn covers(ran: &Ran, at: i128) -> bool {
    (ran.from_ns - TOLERANCE_NS..=ran.to_ns + TOLERANCE_NS).contains(&at)
}

/// What is said of them all: the first few by name.
pub fn in_words(written: &[Written]) -> Option<String> {
    let first = written.first()?;
    let by = match &first.by[..] {
        [only] => only.to_string(),
        [one, rest @ ..] => format!("{one} or another of {} tasks", rest.len() + 1),
        [] => return None,
    };
    let more = match written.len() - 1 {
        0 => String::new(),
        more => format!(" and {more} more files of other services"),
    };
    Some(format!(
        "{}, which git tracks and which belongs to {}, was written while {by} ran{more}; a task should only write its own outputs",
        first.path.display(),
        first.owner
    ))
}
