//! Presets: tasks that services share by name. Some come with the program; a workspace adds or replaces its own.
//!
//! `read` reads a preset's file, `uses` what a service says of it, `values` the parameters that come of both, `look_up` what
//! lies in the directories around a service, `templates` reads the texts once for all of them, and `render` makes the tasks
//! of one service.

mod look_up;
mod read;
mod render;
mod templates;
mod uses;
mod values;

use std::collections::{BTreeMap, BTreeSet};

use include_dir::{Dir, include_dir};
use serde_json::Value;

use crate::config::consumers::Consumers;
use crate::config::task::TaskTables;
use crate::config::tree::{Document, TableNode};
use crate::model::path::FilePath;
use crate::model::preset::{Detect, Filled, Source};
use crate::model::target::ParameterKind;
use crate::model::template::variable;

pub use look_up::{LookedUp, Wanted};
pub use read::read;
pub use render::{Known, Rendered, render, tasks};
pub use templates::{Templates, templates};
pub use uses::{Uses, uses};
pub use values::{Values, values};

static EMBEDDED: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/presets");

/// What templates of presets see besides the parameters: the service's name and path, the way from its directory to the
/// workspace's, and for patterns the directories above, as in `/{{ above }}pom.xml`.
pub const FACTS: [&str; 4] = ["name", "path", "up", "above"];

/// A preset's file.
#[derive(Clone, Debug)]
pub struct Preset<'d> {
    pub name: String,
    pub about: String,
    pub detect: Option<Detect>,
    pub parameters: BTreeMap<String, Parameter>,
    /// Files of a service that the tasks of its dependents read.
    pub consumers: Option<Consumers>,
    /// The file, with templates in its tasks.
    pub document: &'d Document<'d>,
    /// Whether one of them is no template.
    pub is_broken: bool,
}

/// What a service may say of a preset that it uses.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub about: String,
    pub kind: ParameterKind,
    pub is_required: bool,
    pub default: Option<Value>,
    /// How its value is found where the service does not say it.
    pub look_up: Option<LookUp>,
    /// What a draft fills it with.
    pub from: Option<Source>,
}

/// How a value is found: by the files in the directory of the service and in those around it, up to the workspace's.
#[derive(Clone, Debug, PartialEq)]
pub enum LookUp {
    /// The nearest of these files decides; of several in one directory, the first of them.
    Nearest(Vec<(String, Value)>),
    /// The nearest directory that has one of these files.
    DirectoryOf(Vec<String>),
}

/// What a preset gives to services that are alike to its templates.
#[derive(Clone, Debug)]
pub struct Given<'d> {
    /// The file that the tasks were read from.
    pub root: TableNode<'d>,
    pub tasks: TaskTables<'d>,
    /// Those of them whose command came to nothing: they are there only for services that speak of them.
    pub left_out: Vec<&'d str>,
}

impl<'d> Given<'d> {
    /// Whether it gives the task to a service that does not speak of it.
    pub fn has(&self, task: &str) -> bool {
        self.tasks.iter().any(|(name, _)| *name == task) && !self.left_out.contains(&task)
    }

    /// The names of the tasks that it gives to every such service.
    pub fn names(&self) -> impl Iterator<Item = &'d str> {
        let names = self.tasks.iter().map(|(name, _)| *name);
        names.filter(|name| !self.left_out.contains(name))
    }
}

/// Whose a preset's file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// It comes with the program, whose tests see to it that its templates are sound.
    Ours,
    Workspace,
}

impl Preset<'_> {
    /// The names of the values that templates know as `variables`.
    pub fn named(&self, variables: &BTreeSet<String>) -> Vec<String> {
        let names = self.parameters.keys().map(String::as_str);
        let names = names.chain(FACTS);
        // Whoever prints everything asks for everything.
        let prints = variables.contains("debug");
        let asked = names.filter(|name| prints || variables.contains(&variable(name)));
        asked.map(str::to_owned).collect()
    }

    /// The names of the files that its parameters are found by.
    pub fn looked_for(&self) -> impl Iterator<Item = String> {
        let look_ups = self.parameters.values();
        let look_ups = look_ups.filter_map(|it| it.look_up.as_ref());
        let name = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
        look_ups.flat_map(LookUp::files).map(name)
    }

    /// The parameters that a draft fills.
    pub fn filled(&self) -> Vec<Filled> {
        let filled = |(name, parameter): (&String, &Parameter)| {
            Some(Filled {
                parameter: name.clone(),
                from: parameter.from?,
                default: parameter
                    .default
                    .as_ref()
                    .and_then(|it| it.as_str().map(str::to_owned)),
            })
        };
        self.parameters.iter().filter_map(filled).collect()
    }
}

impl LookUp {
    /// The names of the files, relative to each directory.
    pub fn files(&self) -> impl Iterator<Item = &str> {
        let (nearest, directories) = match self {
            Self::Nearest(files) => (Some(files), None),
            Self::DirectoryOf(files) => (None, Some(files)),
        };
        let nearest = nearest.into_iter().flatten().map(|(file, _)| file);
        let all = nearest.chain(directories.into_iter().flatten());
        all.map(String::as_str)
    }
}

/// The text of the preset `name` that comes with the program.
pub fn embedded(name: &str) -> Option<&'static str> {
    EMBEDDED.get_file(format!("{name}.toml"))?.contents_utf8()
}

/// The names of the presets that come with the program.
pub fn embedded_names() -> impl Iterator<Item = &'static str> {
    EMBEDDED
        .files()
        .filter_map(|file| file.path().file_stem()?.to_str())
}

/// Where a workspace keeps its own presets.
pub const OWN: &str = ".svc/presets";

/// Where a workspace keeps its own preset `name`.
pub fn own_path(name: &str) -> FilePath {
    FilePath::from(format!("{OWN}/{name}.toml").as_str())
}
