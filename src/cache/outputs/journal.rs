//! What is written down of a restore while it is under way, so that a kill at any moment leaves one result or the other.
//!
//! First it says where the staging directory is; once all is prepared, that the moves have begun; when one of them fails,
//! by another name of the same file, that they are being undone. Whoever holds the task's lock next goes on from there.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::cache::outputs::place::Place;
use crate::cache::outputs::sealed;
use crate::cache::outputs::sight::{is_missing, is_staging};
use crate::cache::outputs::stage;
use crate::cache::outputs::stamp::Identity;
use crate::cache::outputs::steps::{Moves, Progress, Step};
use crate::model::outputs::OutputTree;
use crate::model::path::FilePath;

/// Everything that is needed to go on.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Moving {
    pub staging: FilePath,
    pub steps: Vec<Step>,
    pub prepared: Vec<Option<Identity>>,
    /// What the moves bring: from then on these paths were left by a result.
    pub tree: OutputTree,
}

/// The files of one task.
#[derive(Debug)]
pub(crate) struct Journal {
    staging: PathBuf,
    moving: PathBuf,
    undoing: PathBuf,
}

/// What was found and done after a kill.
#[derive(Debug, PartialEq)]
pub(crate) enum Recovery {
    Nothing,
    /// The moves came to their end.
    Finished,
    /// Everything is as it was before.
    Undone,
    /// Somebody changed what lies there since; it is left as it is.
    Left(FilePath),
}

impl Journal {
    /// The journal of the task whose files begin with `stem`.
    pub fn new(directory: &Path, stem: &str) -> Self {
        let file = |ending| directory.join(format!("{stem}.{ending}"));
        Self {
            staging: file("staging"),
            moving: file("moving"),
            undoing: file("undoing"),
        }
    }

    /// The stems of all journals in `directory`.
    pub fn stems(directory: &Path) -> Vec<String> {
        let entries = fs::read_dir(directory).into_iter().flatten().flatten();
        let names = entries.filter_map(|it| it.file_name().into_string().ok());
        // Names of services and tasks hold no `.`.
        let stem = |name: String| {
            let mut parts = name.splitn(3, '.');
            let (service, task) = (parts.next()?, parts.next()?);
            Some(format!("{service}.{task}"))
        };
        let mut stems: Vec<String> = names.filter_map(stem).collect();
        stems.sort_unstable();
        stems.dedup();
        stems
    }

    /// Says where the staging directory will be.
    pub fn begin(&self, staging: &FilePath) -> io::Result<()> {
        if self.moving.exists() || self.undoing.exists() {
            return Err(io::Error::other("an earlier restore could not be ended"));
        }
        sealed::write(&self.staging, staging)
    }

    /// Says that all is prepared and the moves begin.
    pub fn commit(&self, moving: &Moving) -> io::Result<()> {
        sealed::write(&self.moving, moving)
    }

    /// Does the moves. If one fails, all are undone.
    pub fn carry_out(
        &self,
        moves: &Moves<'_>,
        steps: &[Step],
    ) -> Result<(), (FilePath, io::Error)> {
        for (at, step) in steps.iter().enumerate() {
            if let Err(error) = moves.perform(step) {
                self.undo(moves, &steps[..=at])?;
                return Err((step.path().clone(), error));
            }
        }
        Ok(())
    }

    /// Undoes the moves. Where that fails, the next `svc` tries again.
    pub fn undo(&self, moves: &Moves<'_>, steps: &[Step]) -> Result<(), (FilePath, io::Error)> {
        // By renaming: it works on a full disk.
        let at_staging = |error| (moves.staging.clone(), error);
        fs::rename(&self.moving, &self.undoing).map_err(at_staging)?;
        undo_all(moves, steps)?;
        remove(&self.undoing).map_err(at_staging)
    }

    /// The moves are done, and what they brought is remembered.
    pub fn finish(&self) -> io::Result<()> {
        remove(&self.moving)
    }

    /// Removes the staging directory and all that is written of it, unless there is something in it that is still needed.
    pub fn clear(&self, root: &Path, staging: &FilePath) {
        let is_needed = self.undoing.exists() || self.moving.exists();
        if !is_needed && stage::remove(&root.join(staging.as_path())).is_ok() {
            let _ = remove(&self.staging);
        }
    }

    /// Removes what a kill left of a file that was being written.
    pub fn sweep(&self) {
        for path in [&self.staging, &self.moving] {
            let _ = remove(&sealed::unfinished(path));
        }
    }

    /// Goes on from wherever a killed `svc` stopped. `remember` is told what lies there before the journal goes.
    pub fn recover(&self, root: &Path, remember: &dyn Fn(&OutputTree)) -> io::Result<Recovery> {
        // It is written first and goes last.
        if !self.staging.exists() {
            return Ok(Recovery::Nothing);
        }
        let place = Place::open(root)?;
        let undoing: Option<Moving> = sealed::read(&self.undoing).filter(Moving::is_ours);
        let moving: Option<Moving> = sealed::read(&self.moving).filter(Moving::is_ours);
        let recovery = match (undoing, moving) {
            (Some(moving), _) => {
                undo_all(&moving.moves(&place), &moving.steps).map_err(|it| it.1)?;
                Recovery::Undone
            }
            (None, Some(moving)) => {
                let strange = moving.resume(&place)?;
                remember(&moving.tree);
                match strange {
                    None => Recovery::Finished,
                    Some(path) => Recovery::Left(path),
                }
            }
            (None, None) => Recovery::Undone,
        };
        remove(&self.undoing)?;
        remove(&self.moving)?;
        let staging: Option<FilePath> = sealed::read(&self.staging);
        if let Some(staging) = staging.filter(is_ours) {
            // Not through a link.
            let seen = place.stat(&staging)?;
            if seen.is_some_and(|it| it.is_directory()) {
                stage::remove(&root.join(staging.as_path()))?;
            }
        }
        remove(&self.staging)?;
        Ok(recovery)
    }
}

impl Moving {
    pub fn moves<'a>(&'a self, place: &'a Place) -> Moves<'a> {
        Moves {
            place,
            staging: &self.staging,
            prepared: &self.prepared,
        }
    }

    fn is_ours(&self) -> bool {
        is_ours(&self.staging)
    }

    /// Does the moves that are missing, unless somebody has been at one of the paths since: then none.
    fn resume(&self, place: &Place) -> io::Result<Option<FilePath>> {
        let moves = self.moves(place);
        let mut makes_room = BTreeSet::new();
        for step in &self.steps {
            let path = step.path();
            let progress = moves.progress(step)?;
            let is_taken = match (step, progress) {
                (Step::Take { .. }, Progress::Pending) => !makes_room.insert(path),
                (Step::Put { .. }, Progress::Pending) => {
                    !makes_room.contains(path) && place.stat(path)?.is_some()
                }
                _ => progress == Progress::Strange,
            };
            if is_taken {
                return Ok(Some(path.clone()));
            }
        }
        for step in &self.steps {
            moves.resume(step)?;
        }
        Ok(None)
    }
}

fn undo_all(moves: &Moves<'_>, steps: &[Step]) -> Result<(), (FilePath, io::Error)> {
    for step in steps.iter().rev() {
        match moves.undo(step) {
            // Somebody made something in its place, or took away the directory that held it: so it stays.
            Err(error) if is_missing(&error) || error.kind() == io::ErrorKind::AlreadyExists => {}
            other => other.map_err(|error| (step.path().clone(), error))?,
        }
    }
    Ok(())
}

/// Whether a path is one that only svc makes.
fn is_ours(staging: &FilePath) -> bool {
    let parts = || staging.as_bytes().split(|byte| *byte == b'/');
    parts().next_back().is_some_and(is_staging)
        && !parts().any(|it| matches!(it, b"" | b"." | b".."))
}

fn remove(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if !is_missing(&error) => Err(error),
        _ => Ok(()),
    }
}
