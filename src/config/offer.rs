//! The presets that there are to choose from, and what one of them would give a service that is not declared yet.

use std::collections::BTreeMap;
use std::io;

use serde_json::Value;

use crate::config::load::load;
use crate::config::parse;
use crate::config::preset::{self, Whose};
use crate::config::problem::{FileId, Findings, Invalid, Report, Sources};
use crate::config::source::{FILE, Source};
use crate::model::name::{ServiceName, TaskName, is_valid};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::preset::Preset;
use crate::model::task::Task;

/// The presets of a workspace.
#[derive(Debug, Default)]
pub struct Offer {
    /// Sorted by name. A broken one is not among them, nor what it stands in for.
    pub presets: Vec<Preset>,
    /// What is wrong with the workspace's own.
    pub warnings: Report,
}

/// The presets that come with the program, and in the place of those or beside them the workspace's own.
///
/// # Errors
/// Why the workspace's own cannot be listed.
pub fn presets(source: &dyn Source) -> io::Result<Offer> {
    let mut texts: BTreeMap<String, Option<Vec<u8>>> = preset::embedded_names()
        .map(|name| (name.to_owned(), None))
        .collect();
    let own = format!("{}/*.toml", preset::OWN);
    if let Ok(own) = Pattern::new(&own, &FilePath::default()) {
        for path in source.glob(&own)? {
            let name = path.as_path().file_stem().and_then(|it| it.to_str());
            if let Some(name) = name.filter(|name| is_valid(name)) {
                // What cannot be read is broken.
                let bytes = source.read(&path).ok().flatten().unwrap_or(vec![0xff]);
                texts.insert(name.to_owned(), Some(bytes));
            }
        }
    }
    let mut findings = Findings::default();
    let mut sources = Sources::default();
    let mut presets = Vec::new();
    for (name, own) in texts {
        let is_own = own.is_some();
        let text = match &own {
            Some(bytes) => String::from_utf8_lossy(bytes).into_owned(),
            None => preset::embedded(&name).unwrap_or_default().to_owned(),
        };
        let id = sources.add(preset::own_path(&name), text.clone());
        presets.extend(offered(&mut findings, id, &name, &text, is_own));
    }
    let problems = findings.0;
    Ok(Offer {
        presets,
        warnings: Report { problems, sources },
    })
}

/// A preset that can be used.
fn offered(
    findings: &mut Findings,
    id: FileId,
    name: &str,
    text: &str,
    is_own: bool,
) -> Option<Preset> {
    let before = findings.0.len();
    let (document, errors) = parse::parse(id, text);
    for error in errors {
        findings.add(error.place, error.message);
    }
    let whose = match is_own {
        true => Whose::Workspace,
        false => Whose::Ours,
    };
    let read = preset::read(findings, name, whose, &document);
    (findings.0.len() == before).then_some(Preset {
        filled: read.filled(),
        name: read.name,
        about: read.about,
        detect: read.detect,
        is_own,
    })
}

/// The tasks that the preset `name` would give to the service at `path`, as they would resolve if the workspace held no
/// other service and no defaults. What `parameters` do not say is looked for in `source`.
///
/// # Errors
/// What would be wrong with it. Places in `services.toml` are those of a made-up file.
pub fn preset_tasks(
    source: &dyn Source,
    name: &str,
    (service, path): (&ServiceName, &FilePath),
    parameters: &BTreeMap<String, Value>,
) -> Result<BTreeMap<TaskName, Box<Task>>, Invalid> {
    let directory = match path.is_root() {
        true => ".".to_owned(),
        false => path.display(),
    };
    let said = parameters.iter();
    let said = said.map(|(name, value)| format!(", {name} = {}", toml(value)));
    let text = format!(
        "version = 1\n[services.{service}]\npath = {}\nuses = {{ preset = {}{} }}\n",
        quoted(&directory),
        quoted(name),
        said.collect::<String>(),
    );
    let made_up = MadeUp { text, source };
    let workspace = load(&made_up)?.workspace;
    let mut services = workspace.services().iter();
    Ok(services
        .next()
        .map(|it| it.tasks.clone())
        .unwrap_or_default())
}

/// A value as TOML writes it.
fn toml(value: &Value) -> String {
    match value {
        Value::String(text) => quoted(text),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(toml).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(pairs) => {
            let pairs = pairs.iter();
            let pairs = pairs.map(|(name, value)| format!("{} = {}", quoted(name), toml(value)));
            format!("{{ {} }}", pairs.collect::<Vec<_>>().join(", "))
        }
        scalar => scalar.to_string(),
    }
}

/// What JSON escapes TOML escapes alike, save one letter.
fn quoted(text: &str) -> String {
    Value::from(text).to_string().replace('\u{7f}', "\\u007F")
}

/// A workspace with another `services.toml`.
struct MadeUp<'s> {
    text: String,
    source: &'s dyn Source,
}

impl Source for MadeUp<'_> {
    fn read(&self, path: &FilePath) -> io::Result<Option<Vec<u8>>> {
        match path.as_bytes() == FILE.as_bytes() {
            true => Ok(Some(self.text.clone().into_bytes())),
            false => self.source.read(path),
        }
    }

    fn glob(&self, pattern: &Pattern) -> io::Result<Vec<FilePath>> {
        self.source.glob(pattern)
    }

    fn present(&self, paths: &[FilePath]) -> io::Result<Vec<bool>> {
        self.source.present(paths)
    }
}
