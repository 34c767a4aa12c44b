//! The moves that put a prepared result in place: each can be done again and undone, wherever a kill interrupted.

use std::io;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::cache::outputs::place::Place;
use crate::cache::outputs::stamp::Identity;
use crate::model::path::FilePath;

/// One move. `slot` names what is prepared in the staging directory, and what is kept there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Step {
    /// What lies at the path goes away: a file, or a directory with all it holds.
    Take {
        path: FilePath,
        slot: u32,
        was: Identity,
    },
    /// Something new comes where nothing lies.
    Put { path: FilePath, slot: u32 },
    /// Something new takes the place of a file or link, which never is missing meanwhile.
    Swap {
        path: FilePath,
        slot: u32,
        was: Identity,
    },
    /// Permission bits of a directory: of this one, or of the one that lies there by then.
    Mode {
        path: FilePath,
        was: Option<Identity>,
        from: u32,
        to: u32,
    },
}

/// How far a step got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    Pending,
    Done,
    /// Somebody else has been there.
    Strange,
}

/// Moves between a staging directory and the outputs.
#[derive(Debug)]
pub(crate) struct Moves<'a> {
    pub place: &'a Place,
    pub staging: &'a FilePath,
    /// For each slot, what is prepared in it.
    pub prepared: &'a [Option<Identity>],
}

impl Step {
    pub fn path(&self) -> &FilePath {
        match self {
            Self::Take { path, .. }
            | Self::Put { path, .. }
            | Self::Swap { path, .. }
            | Self::Mode { path, .. } => path,
        }
    }
}

impl Moves<'_> {
    pub fn perform(&self, step: &Step) -> io::Result<()> {
        match step {
            Step::Take { path, slot, was } => {
                self.expect(path, *was)?;
                self.place.move_to_free(path, &self.old_at(*slot))
            }
            Step::Put { path, slot } => self.place.move_to_free(&self.new_at(*slot), path),
            Step::Swap { path, slot, was } => {
                self.expect(path, *was)?;
                self.place.keep(path, &self.old_at(*slot))?;
                self.place.move_over(&self.new_at(*slot), path)
            }
            Step::Mode { path, was, to, .. } => {
                if let Some(was) = was {
                    self.expect(path, *was)?;
                }
                self.place.set_mode(path, *to)
            }
        }
    }

    /// Goes on with a step after a kill.
    pub fn resume(&self, step: &Step) -> io::Result<()> {
        match (self.progress(step)?, step) {
            (Progress::Done, _) => Ok(()),
            // The old one may be kept already, and then may be missing or not.
            (Progress::Pending, Step::Swap { path, slot, .. }) if self.has_old(*slot)? => {
                self.place.move_over(&self.new_at(*slot), path)
            }
            (Progress::Pending, _) => self.perform(step),
            (Progress::Strange, _) => Err(Errno::BUSY.into()),
        }
    }

    /// How far a step got before a kill. A step that waits for an earlier one to make room is pending, too.
    pub fn progress(&self, step: &Step) -> io::Result<Progress> {
        let here = self.identity(step.path())?;
        let is_new = |slot: u32| here.is_some() && here == self.prepared_in(slot);
        let progress = match step {
            Step::Take { slot, .. } if self.has_old(*slot)? => Progress::Done,
            Step::Take { was, .. } if here == Some(*was) => Progress::Pending,
            Step::Put { slot, .. } if self.has_new(*slot)? => Progress::Pending,
            Step::Put { slot, .. } | Step::Swap { slot, .. } if is_new(*slot) => Progress::Done,
            Step::Swap { slot, was, .. } if self.has_new(*slot)? => match here {
                Some(it) if it == *was => Progress::Pending,
                None if self.has_old(*slot)? => Progress::Pending,
                _ => Progress::Strange,
            },
            // It went away, or somebody made another one: nothing is left to do.
            Step::Mode { was, .. } if here.is_none() || was.is_some_and(|it| here != Some(it)) => {
                Progress::Done
            }
            Step::Mode { .. } => Progress::Pending,
            _ => Progress::Strange,
        };
        Ok(progress)
    }

    /// Undoes a step, however far it got. What somebody else put there meanwhile stays.
    pub fn undo(&self, step: &Step) -> io::Result<()> {
        match step {
            Step::Take { path, slot, .. } => match self.has_old(*slot)? {
                true => self.place.move_to_free(&self.old_at(*slot), path),
                false => Ok(()),
            },
            Step::Put { path, slot } => match self.has_new(*slot)? || !self.is_ours(path, *slot)? {
                true => Ok(()),
                false => self.place.move_to_free(path, &self.new_at(*slot)),
            },
            Step::Swap { path, slot, .. } => self.undo_swap(path, *slot),
            Step::Mode {
                path,
                was,
                from,
                to,
            } => match self.place.stat(path)? {
                Some(stamp) if was.is_some_and(|it| it != stamp.identity()) => Ok(()),
                Some(stamp) if stamp.permissions() == *to => self.place.set_mode(path, *from),
                _ => Ok(()),
            },
        }
    }

    fn undo_swap(&self, path: &FilePath, slot: u32) -> io::Result<()> {
        if !self.has_old(slot)? {
            return Ok(());
        }
        let here = self.identity(path)?;
        let is_swapped = !self.has_new(slot)?;
        match here {
            None => self.place.move_over(&self.old_at(slot), path),
            Some(_) if is_swapped && here == self.prepared_in(slot) => {
                self.place.move_over(&self.old_at(slot), path)
            }
            // It never went away, or somebody made another one: either stays.
            Some(_) => self.place.unlink(&self.old_at(slot)),
        }
    }

    fn is_ours(&self, path: &FilePath, slot: u32) -> io::Result<bool> {
        let here = self.identity(path)?;
        Ok(here.is_some() && here == self.prepared_in(slot))
    }

    fn expect(&self, path: &FilePath, was: Identity) -> io::Result<()> {
        match self.identity(path)? {
            Some(now) if now == was => Ok(()),
            _ => Err(Errno::BUSY.into()),
        }
    }

    fn identity(&self, path: &FilePath) -> io::Result<Option<Identity>> {
        Ok(self.place.stat(path)?.map(|it| it.identity()))
    }

    fn prepared_in(&self, slot: u32) -> Option<Identity> {
        self.prepared.get(slot as usize).copied().flatten()
    }

    fn has_old(&self, slot: u32) -> io::Result<bool> {
        Ok(self.place.stat(&self.old_at(slot))?.is_some())
    }

    fn has_new(&self, slot: u32) -> io::Result<bool> {
        Ok(self.place.stat(&self.new_at(slot))?.is_some())
    }

    /// Where what is prepared for `slot` lies.
    fn new_at(&self, slot: u32) -> FilePath {
        self.staging.join(format!("new/{slot}").as_bytes())
    }

    /// Where what `slot` took is kept.
    pub fn old_at(&self, slot: u32) -> FilePath {
        self.staging.join(format!("old/{slot}").as_bytes())
    }
}
