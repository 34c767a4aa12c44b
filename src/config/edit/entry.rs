//! One service as `services.toml` has it: the shortest form that says it.

use std::collections::BTreeMap;

use crate::config::edit::words::{WIDTH, assigned_list, comment, key, list, string};
use crate::config::task::OWN_KEYS;
use crate::model::draft::{Concluded, DraftDeploy, DraftServe, DraftTask, DraftUses, Evidence};

/// A service that is about to be written.
#[derive(Clone, Debug, Default)]
pub struct Entry {
    pub name: String,
    /// As `services.toml` has it: `.` at the root.
    pub path: String,
    pub uses: Option<DraftUses>,
    pub tags: Vec<String>,
    pub depends_on: Vec<Item>,
    /// Dependencies that are not taken, for people.
    pub left_out: Vec<Item>,
    /// What all of its tasks read beside its own files.
    pub inputs: Vec<Item>,
    /// How it runs on this machine, and by what it is deployed: whole lines.
    pub ways: Vec<String>,
    /// By name.
    pub tasks: BTreeMap<String, DraftTask>,
}

/// One element of a list, with what speaks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Item {
    pub text: String,
    /// A comment without its `#`; empty if there is nothing to say.
    pub why: String,
}

impl Item {
    /// `text` with its strongest evidence.
    pub fn new(text: &str, evidence: &[Evidence]) -> Self {
        let why = evidence
            .first()
            .map(|it| shown(it, text))
            .unwrap_or_default();
        Self {
            text: text.to_owned(),
            why,
        }
    }

    /// The line that says why, for a list whose elements share a line.
    pub fn line(&self) -> Option<String> {
        let text = comment(&self.text);
        (!self.why.is_empty()).then(|| format!("# {text}: {}", self.why))
    }
}

/// Where something is written, and what, unless it is just `text`.
fn shown(evidence: &Evidence, text: &str) -> String {
    let file = evidence.file.display();
    let place = match evidence.line {
        Some(line) => format!("{file}:{line}"),
        None => file,
    };
    let is_same = text.contains('/') && evidence.words.trim_matches('/') == text.trim_matches('/');
    match is_same && evidence.line.is_some() {
        true => comment(&place),
        false => comment(&format!("{place} {}", evidence.words)),
    }
}

/// `serve = { … }`, under what speaks for it.
pub fn serve(serve: &Concluded<DraftServe>) -> Vec<String> {
    let DraftServe { run, port, health } = &serve.what;
    let health = health.as_deref().map(string);
    let health = health.map_or(String::new(), |it| format!(", health = {it}"));
    let written = format!("serve = {{ run = {}, port = {port}{health} }}", string(run));
    let why = Item::new("serve", &serve.evidence).line();
    why.into_iter().chain([written]).collect()
}

/// `deploy = { … }`, under what speaks for it.
pub fn deploy(deploy: &Concluded<DraftDeploy>) -> Vec<String> {
    let DraftDeploy { target, files } = &deploy.what;
    let (target, path) = (string(target), string(&files.1));
    let written = format!("deploy = {{ target = {target}, {} = {path} }}", files.0);
    let why = Item::new("deploy", &deploy.evidence).line();
    why.into_iter().chain([written]).collect()
}

/// Why an edge is not taken.
pub fn refused(item: &Item) -> String {
    match item.why.as_str() {
        "" => format!("# not: {} (closes a circle)", item.text),
        why => format!("# not: {} (closes a circle): {why}", item.text),
    }
}

/// `key = […]`, each element with what speaks for it: above a short list, else behind each element.
pub fn reasoned_list(key: &str, items: &[Item]) -> String {
    let texts: Vec<&str> = items.iter().map(|it| it.text.as_str()).collect();
    let short = format!("{key} = {}", list(&texts));
    if short.chars().count() <= WIDTH {
        let whys = items.iter().filter_map(Item::line);
        return whys.chain([short]).collect::<Vec<_>>().join("\n");
    }
    let line = |item: &Item| match item.why.as_str() {
        "" => format!("    {},\n", string(&item.text)),
        why => format!("    {}, # {why}\n", string(&item.text)),
    };
    format!("{key} = [\n{}]", items.iter().map(line).collect::<String>())
}

/// The entry, each line with its end.
pub fn render(entry: &Entry) -> String {
    let mut lines = vec![
        format!("[services.{}]", entry.name),
        format!("path = {}", string(&entry.path)),
    ];
    lines.extend(entry.uses.as_ref().map(uses));
    if !entry.tags.is_empty() {
        lines.push(assigned_list("tags", &entry.tags));
    }
    if !entry.depends_on.is_empty() {
        lines.push(reasoned_list("depends-on", &entry.depends_on));
    }
    lines.extend(entry.left_out.iter().map(refused));
    if !entry.inputs.is_empty() {
        lines.push(reasoned_list("inputs", &entry.inputs));
    }
    lines.extend(entry.ways.iter().cloned());
    let mut tables = Vec::new();
    let rank = |name: &str| {
        OWN_KEYS
            .iter()
            .position(|it| *it == name)
            .unwrap_or(OWN_KEYS.len())
    };
    let mut tasks: Vec<(&String, &DraftTask)> = entry.tasks.iter().collect();
    tasks.sort_by_key(|(name, _)| rank(name));
    for (name, task) in tasks {
        match short_task(&task_key(name), task) {
            Some(short) => lines.push(short),
            None => tables.push(task_table(&entry.name, name, task)),
        }
    }
    lines.extend(tables);
    lines.retain(|line| !line.is_empty());
    lines.join("\n") + "\n"
}

/// What services share of a task, as a table.
pub fn defaults(name: &str, task: &DraftTask) -> String {
    let fields = fields(task);
    let lines = fields
        .iter()
        .map(|(field, value)| value.assigned(field) + "\n");
    format!("[tasks.{name}]\n{}", lines.collect::<String>())
}

fn uses(uses: &DraftUses) -> String {
    let preset = string(&uses.preset);
    if uses.parameters.is_empty() {
        return format!("uses = {preset}");
    }
    let parameters = uses.parameters.iter();
    let parameters = parameters.map(|(name, value)| format!(", {} = {}", key(name), string(value)));
    format!(
        "uses = {{ preset = {preset}{} }}",
        parameters.collect::<String>()
    )
}

fn task_key(name: &str) -> String {
    match OWN_KEYS.contains(&name) {
        true => name.to_owned(),
        false => format!("tasks.{name}"),
    }
}

/// What one field of a task holds.
enum Field<'t> {
    One(String),
    Many(&'t [String]),
}

impl Field<'_> {
    fn short(&self) -> String {
        match self {
            Field::One(text) => text.clone(),
            Field::Many(texts) => list(texts),
        }
    }

    fn assigned(&self, key: &str) -> String {
        match self {
            Field::One(text) => format!("{key} = {text}"),
            Field::Many(texts) => assigned_list(key, texts),
        }
    }
}

fn fields(task: &DraftTask) -> Vec<(&'static str, Field<'_>)> {
    let run = match task.run.as_deref() {
        None | Some([]) => None,
        Some([one]) => Some(Field::One(string(one))),
        Some(many) => Some(Field::Many(many)),
    };
    let lists = [
        ("inputs", &task.inputs),
        ("outputs", &task.outputs),
        ("needs", &task.needs),
        ("env", &task.env),
        ("pass-env", &task.pass_env),
    ];
    let lists = lists.into_iter();
    let lists = lists.filter_map(|(key, list)| Some((key, Field::Many(list.as_deref()?))));
    let cache = task
        .cache
        .map(|cache| ("cache", Field::One(cache.to_string())));
    run.map(|run| ("run", run))
        .into_iter()
        .chain(lists)
        .chain(cache)
        .collect()
}

/// The task within the service's own table, where that is short. Nothing where there is nothing to say.
fn short_task(key: &str, task: &DraftTask) -> Option<String> {
    let fields = fields(task);
    let line = match fields.as_slice() {
        [] => return Some(String::new()),
        [("run", run)] => return Some(run.assigned(key)),
        [(field, value)] => return Some(value.assigned(&format!("{key}.{field}"))),
        several => {
            let parts = several
                .iter()
                .map(|(field, value)| format!("{field} = {}", value.short()));
            format!("{key} = {{ {} }}", parts.collect::<Vec<_>>().join(", "))
        }
    };
    (line.chars().count() <= WIDTH).then_some(line)
}

fn task_table(service: &str, name: &str, task: &DraftTask) -> String {
    let mut lines = vec![format!("\n[services.{service}.{}]", task_key(name))];
    lines.extend(
        fields(task)
            .iter()
            .map(|(field, value)| value.assigned(field)),
    );
    lines.join("\n")
}
