//! The words of a draft: a workspace as it could be written down, each part with what it was concluded from.

use std::collections::BTreeMap;

use crate::model::manifest::{Makes, Tie};
use crate::model::name::{ServiceName, TaskName};
use crate::model::path::FilePath;

/// A workspace that nobody has agreed to yet.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Draft {
    pub name: Option<String>,
    /// Patterns of files that every service reads.
    pub global_inputs: Vec<Concluded<String>>,
    /// Lock files that several services share, of which each reads only its part.
    pub lock_files: Vec<Concluded<String>>,
    /// Sorted by name; names and paths are unique.
    pub services: Vec<DraftService>,
    /// What was left out or changed, and why.
    pub notes: Vec<Note>,
}

/// One service of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftService {
    pub name: ServiceName,
    pub path: FilePath,
    pub makes: Makes,
    /// The preset, where one fits, and its parameters, as far as they differ from what it finds by itself.
    pub uses: Option<DraftUses>,
    /// Sorted by name, each once.
    pub depends_on: Vec<DraftEdge>,
    /// Files outside the service that its tasks read and no service owns: patterns with a leading `/`.
    pub inputs: Vec<Concluded<String>>,
    pub tags: Vec<String>,
    /// What the preset does not give, or gives otherwise.
    pub tasks: BTreeMap<TaskName, DraftTask>,
    /// How it runs on this machine, where that is sure.
    pub serve: Option<Concluded<DraftServe>>,
    /// By what it is deployed, where files of its own say so.
    pub deploy: Option<Concluded<DraftDeploy>>,
    /// Why it is a service.
    pub evidence: Vec<Evidence>,
}

/// A preset, as a service uses it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftUses {
    pub preset: String,
    pub parameters: BTreeMap<String, String>,
    /// What parameters were concluded from, as far as that is one place.
    pub evidence: BTreeMap<String, Evidence>,
}

/// A dependency of a draft.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftEdge {
    pub to: ServiceName,
    pub tie: Tie,
    /// Never empty, the strongest first.
    pub evidence: Vec<Evidence>,
    /// Whether it is left out, since it would close a circle.
    pub is_left_out: bool,
}

/// A task of a draft: the fields that are written. Lists as `services.toml` has them, `...` included.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DraftTask {
    pub run: Option<Vec<String>>,
    pub inputs: Option<Vec<String>>,
    pub outputs: Option<Vec<String>>,
    pub needs: Option<Vec<String>>,
    pub env: Option<Vec<String>>,
    pub pass_env: Option<Vec<String>>,
    pub cache: Option<bool>,
}

/// How a service runs on this machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftServe {
    pub run: String,
    pub port: u16,
    /// The path that answers when it is well.
    pub health: Option<String>,
}

/// By what a service is deployed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DraftDeploy {
    pub target: String,
    /// The parameter that names its files, and the path.
    pub files: (String, String),
}

/// Something with what it was concluded from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concluded<T> {
    pub what: T,
    pub evidence: Vec<Evidence>,
}

/// Where something is written.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Evidence {
    pub file: FilePath,
    /// From 1; none where the file as a whole says it by being there.
    pub line: Option<u32>,
    /// What is written there, in short: `COPY libs/common`.
    pub words: String,
}

/// Something that a person should know about a draft.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Note {
    pub path: FilePath,
    /// One line, for people.
    pub words: String,
    pub kind: NoteKind,
}

/// What a note is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NoteKind {
    /// A file that could not be read or understood.
    Skipped,
    /// A directory that looks like a service and was left out: a fixture, vendored, generated, an example.
    LeftOut,
    /// A service got another name than what it is called.
    Renamed,
    /// A dependency was left out, since it would close a circle.
    Circle,
    /// Something of another tool that has no counterpart here.
    NotTaken,
}
