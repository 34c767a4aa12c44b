//! Why a service is affected or a task is in a plan.

use serde::ser::SerializeMap;
use serde::{Serialize, Serializer};

use crate::model::name::{ServiceName, TaskId};
use crate::model::path::{FilePath, encoded};

/// Why a service is affected or a task is in a plan.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// This input differs.
    Changed(FilePath),
    /// The part of this lock file that counts for the service differs, in these entries.
    ChangedPart(FilePath, Vec<String>),
    /// This global input differs.
    Global(FilePath),
    /// The definition differs.
    Definition,
    /// This dependency is affected.
    Dependency(ServiceName),
    /// What is read of the sources of this dependency differs.
    SourcesOf(ServiceName),
    /// Nothing is known about what changed, so all are.
    Everything,
    /// It was named on the command line, or `--all` was.
    Requested,
    /// This task needs it.
    NeededBy(TaskId),
    /// This service depends on it, and dependencies were asked for.
    DependencyOf(ServiceName),
    /// Its last run in this worktree failed or was interrupted.
    FailedBefore,
}

impl Cause {
    /// The kind as machines read it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Changed(_) | Self::ChangedPart(..) => "changed",
            Self::Global(_) => "global",
            Self::Definition => "definition",
            Self::Dependency(_) | Self::SourcesOf(_) => "dependency",
            Self::Everything => "everything",
            Self::Requested => "requested",
            Self::NeededBy(_) | Self::DependencyOf(_) => "needed-by",
            Self::FailedBefore => "failed-before",
        }
    }
}

impl Serialize for Cause {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("kind", self.kind())?;
        match self {
            Self::Changed(path) | Self::Global(path) => serialize_path(&mut map, path)?,
            Self::ChangedPart(path, entries) => {
                serialize_path(&mut map, path)?;
                map.serialize_entry("part", entries)?;
            }
            Self::SourcesOf(service) => {
                map.serialize_entry("service", service)?;
                map.serialize_entry("reads", "sources")?;
            }
            Self::Dependency(service) | Self::DependencyOf(service) => {
                map.serialize_entry("service", service)?
            }
            Self::NeededBy(task) => map.serialize_entry("task", task)?,
            Self::Definition | Self::Everything | Self::Requested | Self::FailedBefore => {}
        }
        map.end()
    }
}

fn serialize_path<M: SerializeMap>(map: &mut M, path: &FilePath) -> Result<(), M::Error> {
    let (text, is_encoded) = encoded(path.as_bytes());
    map.serialize_entry("path", &text)?;
    match is_encoded {
        true => map.serialize_entry("path_encoded", &true),
        false => Ok(()),
    }
}
