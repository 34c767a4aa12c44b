//! What can be wrong with a file of the store, and what is remembered of it for those who ask.

use std::io;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use crate::cache::store::place::{Identity, Place};
use crate::model::path::display;

/// What is wrong with some bytes: "it is cut short".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Damage(pub &'static str);

/// Why a file of the store gives nothing.
#[derive(Debug)]
pub enum Flaw {
    /// It is not there, which is nothing to speak of.
    Missing,
    /// It cannot be read.
    Unreadable(io::Error),
    /// This file is not what it should be.
    Damaged(Damage, Option<Identity>),
}

impl From<io::Error> for Flaw {
    fn from(error: io::Error) -> Self {
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing,
            // A link or a pipe that somebody put there.
            _ if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) => {
                Self::Damaged(Damage("it is a link"), None)
            }
            _ => Self::Unreadable(error),
        }
    }
}

/// So many lines are enough to see what happens.
const MOST: usize = 100;

/// One line for each damaged thing that was met.
#[derive(Default)]
pub struct Troubles(Mutex<Vec<String>>);

impl Troubles {
    /// The lines so far.
    pub fn lines(&self) -> Vec<String> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    fn add(&self, line: String) {
        let mut lines = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if lines.len() < MOST && !lines.contains(&line) {
            lines.push(line);
        }
    }

    /// Remembers the flaw of the file at `path`, and drops the file if it is damaged.
    pub fn met(&self, place: &Place, path: &Path, flaw: &Flaw) {
        let shown = display(path.as_os_str().as_encoded_bytes());
        match flaw {
            Flaw::Missing => {}
            Flaw::Unreadable(error) => self.add(format!("`{shown}` cannot be read: {error}")),
            Flaw::Damaged(Damage(why), file) => {
                let judged = file.or_else(|| {
                    let file = std::fs::symlink_metadata(path).ok()?;
                    file.is_symlink().then(|| Identity::of(&file))
                });
                let dropped = judged.is_some_and(|file| place.take_away(path, file));
                let then = if dropped { ", dropped" } else { "" };
                self.add(format!("`{shown}` is damaged: {why}{then}"));
            }
        }
    }
}
