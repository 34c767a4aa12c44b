//! Traces what a service does back to where it is written: in its own table, in `[tasks]`, in a preset or nowhere.

use crate::config::check::task_table;
use crate::config::deploy;
use crate::config::keys::TableKind;
use crate::config::merge::INHERITED;
use crate::config::preset;
use crate::config::problem::{Findings, Place, Sources};
use crate::config::service::{Context, Head};
use crate::config::task::OWN_KEYS;
use crate::config::tree::{Node, TableNode};
use crate::model::name::TaskName;
use crate::model::origin::{Field, Origin, PresetOrigins, ServiceOrigins};
use crate::model::path::FilePath;
use crate::model::task::Need;
use crate::model::workspace::Service;

/// What a service does, with places that are not yet lines.
pub type Trace = (ServiceOrigins, Whence);

/// The places that stand behind the origins of a trace, by the numbers in them.
#[derive(Default)]
pub struct Whence(Vec<Place>);

impl Whence {
    /// An origin that stands for `place` until its line is known.
    fn at(&mut self, place: Place) -> Origin {
        self.0.push(place);
        Origin::File(FilePath::default(), self.0.len() - 1)
    }
}

/// Traces one service.
pub fn trace(context: &Context, service: &Service) -> Option<Trace> {
    let head = context.find(service.name.as_str())?;
    let mut whence = Whence::default();
    let uses = uses(context, head, service, &mut whence);
    let tasks = service.tasks.keys();
    let tasks = tasks.map(|name| (name.clone(), task(context, head, name, &mut whence)));
    let origins = ServiceOrigins {
        service: service.name.clone(),
        uses,
        tasks: tasks.collect(),
    };
    Some((origins, whence))
}

/// Puts lines in the places of places.
pub fn origins(traces: Vec<Trace>, sources: &Sources) -> Vec<ServiceOrigins> {
    let resolve = |origin: &mut Origin, whence: &Whence| {
        let Origin::File(_, at) = origin else { return };
        let place = whence.0[*at];
        let path = sources.path(place.file);
        *origin = match path.display().strip_prefix("preset ") {
            Some(preset) => Origin::Preset(preset.to_owned()),
            None => Origin::File(path.clone(), sources.position(place).0),
        };
    };
    let traces = traces.into_iter();
    traces
        .map(|(mut origins, whence)| {
            let parameters = origins.uses.iter_mut().flat_map(|it| &mut it.parameters);
            let fields = origins.tasks.iter_mut().flat_map(|(_, fields)| fields);
            for field in parameters.chain(fields) {
                let values = field.values.iter_mut().map(|(_, origin)| origin);
                for origin in values.chain(&mut field.instead_of) {
                    resolve(origin, &whence);
                }
                field.instead_of.dedup();
            }
            origins
        })
        .collect()
}

fn uses(
    context: &Context,
    head: &Head,
    service: &Service,
    whence: &mut Whence,
) -> Option<PresetOrigins> {
    let (_, node) = head.table.find("uses")?;
    let uses = preset::uses(&mut Findings::default(), node)?;
    let preset = context.presets.get(uses.preset.value)?;
    let parameters = preset.parameters.iter().map(|(name, parameter)| {
        let said = uses.parameters.iter().find(|(key, _)| key.text == name);
        let found = || {
            let look_up = parameter.look_up.as_ref()?;
            let value = look_up.value(&service.path, &context.looked_up)?;
            Some((value, look_up.file(&service.path, &context.looked_up)?))
        };
        let values = match said {
            Some((_, node)) => values(*node, whence),
            None => match (found(), &parameter.default) {
                (Some((value, file)), _) => vec![(shown(&value), Origin::Found(file))],
                (None, Some(value)) => vec![(shown(value), Origin::Default)],
                (None, None) => Vec::new(),
            },
        };
        Field {
            key: name.clone(),
            values,
            instead_of: Vec::new(),
        }
    });
    Some(PresetOrigins {
        preset: preset.name.clone(),
        about: preset.about.clone(),
        parameters: parameters.collect(),
    })
}

/// Every key of a task that anything says, in the order of the reference.
fn task(context: &Context, head: &Head, name: &TaskName, whence: &mut Whence) -> Vec<Field> {
    let given = context.preset_of(head).map(|given| given.root);
    let layers = [
        given.and_then(|root| within(root, name.as_str())),
        context
            .default_tables
            .and_then(|it| Some(it.find(name.as_str())?.1)),
        task_table(head, name.as_str()).map(|(_, node)| node),
    ];
    let said = |key: &str| -> Vec<Node> {
        let layers = layers.iter().flatten();
        layers.filter_map(|node| said_by(*node, key)).collect()
    };
    let kind = match name.as_str() {
        "deploy" => TableKind::Deploy,
        _ => TableKind::Task,
    };
    let mut keys: Vec<&str> = kind.names().collect();
    // The others are parameters of the deploy's target.
    let tables = layers.iter().flatten().filter_map(Node::table);
    let more: Vec<&str> = tables
        .flat_map(|it| it.iter())
        .map(|(key, _)| key.text)
        .collect();
    for key in more {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let fields = keys.into_iter().map(|key| {
        let mut built_in = built_in(context, name, key);
        if key == "inputs"
            && name.as_str() != "deploy"
            && let Some((_, besides)) = head.table.find(key)
        {
            let besides = values(besides, whence).into_iter();
            built_in.extend(besides.filter(|(text, _)| !text.is_empty() && text != INHERITED));
        }
        lay(key, built_in, &said(key), whence)
    });
    fields.filter(|field| !field.values.is_empty()).collect()
}

/// What one table, or a command alone, says of a key.
fn said_by<'d>(task: Node<'d>, key: &str) -> Option<Node<'d>> {
    match task.table() {
        Some(table) => Some(table.find(key)?.1),
        None => (key == "run").then_some(task),
    }
}

/// The task `name` of a preset's file.
fn within<'d>(root: TableNode<'d>, name: &str) -> Option<Node<'d>> {
    match OWN_KEYS.contains(&name) {
        true => Some(root.find(name)?.1),
        false => Some(root.find("tasks")?.1.table()?.find(name)?.1),
    }
}

/// What a key is unless a file says otherwise.
fn built_in(context: &Context, task: &TaskName, key: &str) -> Vec<(String, Origin)> {
    let values: Vec<String> = match key {
        "inputs" if task.as_str() != "deploy" => vec!["the files of the service".into()],
        "needs" => context
            .built_in_needs(task.as_str())
            .iter()
            .map(need)
            .collect(),
        _ => Vec::new(),
    };
    values
        .into_iter()
        .map(|value| (value, Origin::BuiltIn))
        .collect()
}

fn need(need: &Need) -> String {
    match need {
        Need::Own(task) => task.to_string(),
        Need::OfDependencies(task) => format!("^{task}"),
        Need::Of(service, task) => format!("{service}:{task}"),
    }
}

/// Lays what tables say of a key over each other, the weakest first, as [`crate::config::merge`] does.
fn lay(key: &str, built_in: Vec<(String, Origin)>, said: &[Node], whence: &mut Whence) -> Field {
    let mut field = Field {
        key: key.to_owned(),
        values: built_in,
        instead_of: Vec::new(),
    };
    for node in said {
        let own = values(*node, whence);
        let before = std::mem::take(&mut field.values);
        let keeps = own.iter().any(|(text, _)| text == INHERITED);
        for (text, origin) in own {
            match text.as_str() {
                INHERITED => {
                    let before = before.iter().filter(|(text, _)| !text.is_empty());
                    field.values.extend(before.cloned());
                }
                _ => field.values.push((text, origin)),
            }
        }
        if !keeps {
            let replaced = before.into_iter().map(|(_, origin)| origin);
            field.instead_of = replaced.filter(|it| *it != Origin::BuiltIn).collect();
        }
    }
    field
}

/// What a value is, as lines; of an empty list an empty one.
fn values(node: Node, whence: &mut Whence) -> Vec<(String, Origin)> {
    let text = |node: Node| {
        let value = deploy::json(&mut Findings::default(), "", node);
        value.as_ref().map(shown).unwrap_or_default()
    };
    let items: Option<Vec<Node>> = node.items().map(Iterator::collect);
    match items {
        Some(items) if items.is_empty() => vec![(String::new(), whence.at(node.place()))],
        Some(items) => {
            let items = items.into_iter();
            items
                .map(|item| (text(item), whence.at(item.place())))
                .collect()
        }
        None => vec![(text(node), whence.at(node.place()))],
    }
}

fn shown(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
