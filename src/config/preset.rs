//! Presets: tasks that services share by name. Some come with the program; a workspace adds or replaces its own.

use include_dir::{Dir, include_dir};

use crate::config::consumers::{self, Consumers};
use crate::config::keys::TableKind;
use crate::config::problem::Findings;
use crate::config::read;
use crate::config::task::{self, TaskTables};
use crate::config::tree::Document;
use crate::model::path::FilePath;

static EMBEDDED: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/presets");

/// What a preset gives.
#[derive(Clone, Debug)]
pub struct Preset<'d> {
    pub tasks: TaskTables<'d>,
    /// Files of a service that the tasks of its dependents read.
    pub consumers: Option<Consumers>,
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

/// Reads a preset's file.
pub fn read<'d>(findings: &mut Findings, document: &'d Document<'d>) -> Preset<'d> {
    let mut preset = Preset {
        tasks: Vec::new(),
        consumers: None,
    };
    for (key, node) in document.root().iter() {
        match key.text {
            "build" | "test" | "deploy" => {
                if let Some(task) = task::read(findings, key, node) {
                    preset.tasks.push((key.text, task));
                }
            }
            "tasks" => {
                if let Some(table) = read::table(findings, key.text, node) {
                    task::read_all(findings, table, "", &mut preset.tasks);
                }
            }
            "consumers" => preset.consumers = consumers::read(findings, key.text, node),
            _ => read::unknown_key(findings, TableKind::Preset, key),
        }
    }
    preset
}
