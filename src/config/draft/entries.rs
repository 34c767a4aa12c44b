//! One service of a draft as an entry of the file.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::config::draft::write::{concluded, is_pattern};
use crate::config::edit::{Entry, Group, Item, deploy, serve, written};
use crate::config::merge::INHERITED;
use crate::config::offer::preset_tasks;
use crate::config::source::Source;
use crate::model::draft::{Draft, DraftEdge, DraftService, DraftTask, DraftUses};
use crate::model::manifest::Makes;
use crate::model::name::ServiceName;

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
        let names_a_program = |uses: &DraftUses| uses.parameters.contains_key("bin");
        match service.makes {
            Makes::Either if service.uses.as_ref().is_some_and(names_a_program) => Group::Services,
            Makes::Program => Group::Services,
            Makes::Library => Group::Libraries,
            Makes::Either | Makes::Nothing if self.0.contains(&service.name) => Group::Libraries,
            Makes::Either | Makes::Nothing => Group::Services,
        }
    }
}

/// Whether presets give services any task: asked once for all that use one alike.
#[derive(Debug)]
pub struct Given<'d>(BTreeMap<Alike<'d>, bool>);

/// A preset with its parameters.
type Alike<'d> = (&'d str, &'d BTreeMap<String, String>);

impl<'d> Given<'d> {
    /// What has to be known to write `draft`.
    pub fn of(draft: &'d Draft, source: &dyn Source) -> Self {
        let mut given = BTreeMap::new();
        for service in draft.services.iter().filter(|it| !it.inputs.is_empty()) {
            if let Some(uses) = &service.uses {
                let alike = (uses.preset.as_str(), &uses.parameters);
                given
                    .entry(alike)
                    .or_insert_with(|| gives_tasks(service, uses, source));
            }
        }
        Self(given)
    }

    fn has_tasks(&self, service: &DraftService) -> bool {
        let uses = service.uses.as_ref();
        let alike = uses.map(|it| (it.preset.as_str(), &it.parameters));
        alike.is_some_and(|it| self.0.get(&it).copied().unwrap_or_default())
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
    let (tasks, inputs) = tasks(service, names, given);
    Some(Entry {
        name: names.of(&service.name)?.to_string(),
        path: written(&service.path)?,
        uses: service.uses.clone(),
        tags: service.tags.clone(),
        depends_on: edges(false),
        left_out: edges(true),
        inputs,
        ways: service
            .serve
            .iter()
            .flat_map(serve)
            .chain(service.deploy.iter().flat_map(deploy))
            .collect(),
        tasks,
    })
}

/// The tasks that say something, and what all of them read that lies elsewhere.
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
    // Without a task that reads them they mean nothing.
    if sound.is_empty() || tasks.is_empty() && !given.has_tasks(service) {
        return (tasks, Vec::new());
    }
    let inherits = |it: &&mut Vec<String>| !it.iter().any(|it| it == INHERITED);
    let lists = tasks.values_mut().filter_map(|it| it.inputs.as_mut());
    for inputs in lists.filter(inherits) {
        let missing = sound.iter().filter(|it| !inputs.contains(&it.what));
        let missing: Vec<String> = missing.map(|it| it.what.clone()).collect();
        inputs.extend(missing);
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

/// Whether the preset gives the service any task. What is wrong with its file is told when the workspace is read.
fn gives_tasks(service: &DraftService, uses: &DraftUses, source: &dyn Source) -> bool {
    let parameters = uses.parameters.iter();
    let parameters: BTreeMap<String, Value> = parameters
        .map(|(name, value)| (name.clone(), Value::from(value.as_str())))
        .collect();
    let at = (&service.name, &service.path);
    preset_tasks(source, &uses.preset, at, &parameters).is_ok_and(|it| !it.is_empty())
}
