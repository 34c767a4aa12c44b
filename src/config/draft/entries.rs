//! One service of a draft as an entry of the file.

use std::collections::{BTreeMap, BTreeSet};

use toml_edit::DocumentMut;

use crate::config::draft::write::{concluded, is_pattern};
use crate::config::edit::{Entry, Group, Item, written};
use crate::config::merge::INHERITED;
use crate::config::preset;
use crate::config::source::Source;
use crate::config::task::OWN_KEYS;
use crate::model::draft::{Draft, DraftEdge, DraftService, DraftTask};
use crate::model::manifest::Makes;
use crate::model::name::{ServiceName, is_valid};

/// What the services of a draft are called in the file.
#[derive(Debug, Default)]
pub struct Names(pub BTreeMap<ServiceName, ServiceName>);

impl Names {
    /// As the draft calls them, as far as they can be written.
    pub fn as_drafted(draft: &Draft) -> Self {
        let services = draft
            .services
            .iter()
            .filter(|it| written(&it.path).is_some());
        Self(
            services
                .map(|it| (it.name.clone(), it.name.clone()))
                .collect(),
        )
    }

    /// What the file calls the service that the draft calls `name`.
    pub fn of(&self, name: &ServiceName) -> Option<&ServiceName> {
        self.0.get(name)
    }
}

/// The services that others use.
#[derive(Debug)]
pub struct Used<'d>(BTreeSet<&'d ServiceName>);

impl<'d> Used<'d> {
    /// Those of `draft`.
    pub fn of(draft: &'d Draft) -> Self {
        let edges = draft.services.iter().flat_map(|it| &it.depends_on);
        Self(edges.map(|it| &it.to).collect())
    }

    /// The part of the file that a service belongs to. Where nothing says whether it runs, it is a library if it is used.
    pub fn group(&self, service: &DraftService) -> Group {
        match service.makes {
            Makes::Program => Group::Services,
            Makes::Library => Group::Libraries,
            Makes::Either | Makes::Nothing if self.0.contains(&service.name) => Group::Libraries,
            Makes::Either | Makes::Nothing => Group::Services,
        }
    }
}

/// The names of the tasks that the presets of a draft give, by preset.
#[derive(Debug)]
pub struct Given<'d>(BTreeMap<&'d str, Vec<String>>);

impl<'d> Given<'d> {
    /// Those of the presets that are needed to write `draft`, each read once.
    pub fn of(draft: &'d Draft, source: &dyn Source) -> Self {
        let services = draft.services.iter().filter(|it| !it.inputs.is_empty());
        let presets: BTreeSet<&str> = services
            .filter_map(|it| Some(it.uses.as_ref()?.preset.as_str()))
            .collect();
        let presets = presets.into_iter();
        Self(presets.map(|it| (it, preset_tasks(it, source))).collect())
    }
}

/// The entry of `service` with these of its dependencies. None where its path cannot be written.
pub fn entry(
    service: &DraftService,
    names: &Names,
    depends_on: &[DraftEdge],
    given: &Given,
) -> Option<Entry> {
    let named = |edge: &DraftEdge| Some(Item::new(names.of(&edge.to)?.as_str(), &edge.evidence));
    let edges = |is_left_out: bool| {
        let edges = depends_on.iter().filter(|it| it.is_left_out == is_left_out);
        let mut items: Vec<Item> = edges.filter_map(named).collect();
        items.sort_by(|a, b| a.text.cmp(&b.text));
        items.dedup_by(|a, b| a.text == b.text);
        items
    };
    let (tasks, reads) = tasks(service, names, given);
    Some(Entry {
        name: names.of(&service.name)?.to_string(),
        path: written(&service.path)?,
        uses: service.uses.clone(),
        tags: service.tags.clone(),
        depends_on: edges(false),
        left_out: edges(true),
        reads,
        tasks,
    })
}

/// The tasks that say something, and why they read what lies elsewhere.
fn tasks(
    service: &DraftService,
    names: &Names,
    given: &Given,
) -> (BTreeMap<String, DraftTask>, Vec<Item>) {
    let tasks = service.tasks.iter();
    let mut tasks: BTreeMap<String, _> = tasks
        .map(|(name, task)| (name.to_string(), task.clone()))
        .collect();
    for needs in tasks.values_mut().filter_map(|it| it.needs.as_mut()) {
        *needs = needs.iter().filter_map(|it| renamed(it, names)).collect();
    }
    let sound = service.inputs.iter().filter(|it| is_pattern(&it.what));
    let sound: Vec<_> = sound.collect();
    let uses = service.uses.as_ref().filter(|_| !sound.is_empty());
    let given = uses.and_then(|it| given.0.get(it.preset.as_str()));
    let given = given.into_iter().flatten();
    let all: BTreeSet<String> = tasks.keys().chain(given).cloned().collect();
    for name in all.iter().filter(|it| *it != "deploy" && !sound.is_empty()) {
        let task = tasks.entry(name.clone()).or_default();
        let inputs = task
            .inputs
            .get_or_insert_with(|| vec![INHERITED.to_owned()]);
        for input in &sound {
            if !inputs.contains(&input.what) {
                inputs.push(input.what.clone());
            }
        }
    }
    (tasks, sound.into_iter().map(concluded).collect())
}

/// A need by the names of the file. None where it names a service that is not in it.
fn renamed(need: &str, names: &Names) -> Option<String> {
    let Some((service, task)) = need.split_once(':') else {
        return Some(need.to_owned());
    };
    let service = names.of(&ServiceName::new(service)?)?;
    Some(format!("{service}:{task}"))
}

/// The tasks that a preset gives. What is wrong with its file is told when the workspace is read.
fn preset_tasks(name: &str, source: &dyn Source) -> Vec<String> {
    let own = match is_valid(name) {
        true => source.read(&preset::own_path(name)).ok().flatten(),
        false => None,
    };
    let own = own.and_then(|bytes| String::from_utf8(bytes).ok());
    let text = own.or_else(|| preset::embedded(name).map(str::to_owned));
    let Some(document) = text.and_then(|text| text.parse::<DocumentMut>().ok()) else {
        return Vec::new();
    };
    let own = OWN_KEYS.into_iter().filter(|it| document.contains_key(it));
    let more = document.get("tasks").and_then(|it| it.as_table_like());
    let more = more
        .into_iter()
        .flat_map(|it| it.iter())
        .map(|(name, _)| name);
    own.chain(more)
        .filter(|it| is_valid(it))
        .map(str::to_owned)
        .collect()
}
