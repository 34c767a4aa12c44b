//! Where what a service does comes from, field by field: what `svc list -v` shows.

use crate::model::name::{ServiceName, TaskName};
use crate::model::path::FilePath;

/// What a service does, and where each part of it is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceOrigins {
    pub service: ServiceName,
    pub uses: Option<PresetOrigins>,
    /// Sorted by name.
    pub tasks: Vec<(TaskName, Vec<Field>)>,
}

/// The preset that a service uses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PresetOrigins {
    pub preset: String,
    pub about: String,
    pub parameters: Vec<Field>,
}

/// One key of a task, or one parameter of a preset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    pub key: String,
    /// Of a list each element, of an empty list an empty text. None, where nothing is said.
    pub values: Vec<(String, Origin)>,
    /// What it was before something stronger took its place.
    pub instead_of: Vec<Origin>,
}

/// Where a value comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Origin {
    /// It is so unless a file says otherwise.
    BuiltIn,
    /// A preset that comes with the program.
    Preset(String),
    /// A file of the workspace, and the line.
    File(FilePath, usize),
    /// The default of a parameter.
    Default,
    /// A file that a preset looked for and found.
    Found(FilePath),
}
