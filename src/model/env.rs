//! What the program was started with. Read once, in `cli`, and passed down; nobody asks the system again.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::model::ci::{System, is_no};

/// The variable of all that `svc` starts for itself, by its own number: what such a program leaves behind, such as git when
/// it tidies up, belongs to nobody's task.
pub const STARTED_BY: &str = "SVC_STARTED_BY";

/// The surroundings of one run.
#[derive(Clone, Debug)]
pub struct Env {
    /// The working directory, absolute, after `-C`.
    pub directory: PathBuf,
    /// Whether `-C` was given, so that a hook's `GIT_DIR` does not speak of this directory.
    pub directory_given: bool,
    /// All variables.
    pub variables: BTreeMap<OsString, OsString>,
    /// How many processors may be used at once, at least 1.
    pub processors: usize,
}

impl Env {
    /// The variable `name`, where it is set, not empty and text.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.variables
            .get(OsStr::new(name))
            .and_then(|value| value.to_str())
            .filter(|value| !value.is_empty())
    }

    /// The variable `name` as a path, where it is set and not empty.
    pub fn path(&self, name: &str) -> Option<&Path> {
        let value = self.variables.get(OsStr::new(name))?;
        (!value.is_empty()).then(|| Path::new(value))
    }

    /// Whether this run is to be taken for one in a CI system: one that is known, or one that says so by `CI`. With
    /// `CI=false` it compares and shows progress as on a laptop, wherever it is.
    pub fn is_ci(&self) -> bool {
        match self.text("CI") {
            Some(value) => !is_no(value),
            None => System::of(self).is_some(),
        }
    }
}
