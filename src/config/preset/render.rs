//! The tasks of a preset for one service: the tree of the file once more, its templates rendered.

use std::borrow::Cow;
use std::cell::OnceCell;
use std::collections::{BTreeMap, HashMap};

use minijinja::Value as Given;
use serde_json::Value as Json;

use crate::config::preset::{self, LookUp, Preset, Templates, Values};
use crate::config::problem::{Findings, Place};
use crate::config::read;
use crate::config::task::{self, OWN_KEYS, TaskTable};
use crate::config::tree::{Document, Key, Kind, List, Name, Node, TableNode, Value};
use crate::model::target::ParameterKind;
use crate::model::template::{BETWEEN, Quoting, is_template, structured, variable};

/// What stands at a place of the file, which decides how values are written there.
#[derive(Clone, Copy, PartialEq)]
pub enum Way {
    /// `tasks`, or the `env` of a deploy: tables of tasks by name.
    Tasks,
    Task,
    Health,
    Command,
    Pattern,
    Plain,
}

/// The file with its templates rendered.
pub struct Rendered<'d> {
    document: Document<'d>,
    /// The tasks whose command came to nothing.
    left_out: Vec<&'d str>,
    /// Whether a template failed.
    is_broken: bool,
}

impl Way {
    /// What stands below it at `key`.
    fn below(self, key: &str) -> Self {
        match (self, key) {
            (Self::Tasks, _) => Self::Task,
            (Self::Task, "run" | "tools" | "before" | "after") => Self::Command,
            (Self::Task, "inputs" | "outputs") => Self::Pattern,
            (Self::Task, "health") => Self::Health,
            (Self::Task, "env") => Self::Tasks,
            (Self::Health, "command") => Self::Command,
            (Self::Task | Self::Health, _) => Self::Plain,
            (way, _) => way,
        }
    }

    /// How values are written there.
    pub fn quoting(self) -> Quoting {
        match self {
            Self::Task | Self::Command => Quoting::Shell,
            _ => Quoting::Plain,
        }
    }
}

/// What stands at a key of the file, if those are tasks.
pub fn way_to_tasks(key: &str) -> Option<Way> {
    match key {
        "tasks" => Some(Way::Tasks),
        _ => OWN_KEYS.contains(&key).then_some(Way::Task),
    }
}

/// A text of a file's tasks.
pub struct Text<'d> {
    pub text: &'d str,
    pub place: Place,
    pub way: Way,
}

/// Every text of the file's tasks.
pub fn texts<'d>(document: &'d Document<'d>) -> impl Iterator<Item = Text<'d>> {
    let mut found = Vec::new();
    for (key, node) in document.root().iter() {
        if let Some(way) = way_to_tasks(key.text) {
            collect(node, way, &mut found);
        }
    }
    found.into_iter()
}

fn collect<'d>(node: Node<'d>, way: Way, into: &mut Vec<Text<'d>>) {
    let place = node.place();
    into.extend(node.text().map(|text| Text { text, place, way }));
    for item in node.items().into_iter().flatten() {
        collect(item, way, into);
    }
    for (key, node) in node.table().iter().flat_map(TableNode::iter) {
        collect(node, way.below(key.text), into);
    }
}

/// What the templates of a preset came to before. Most services that use it differ in what few of its texts ask for.
pub struct Known<'t, 'd> {
    templates: &'t Templates<'d>,
    /// By the place of the name among those that are asked for.
    numbers: Vec<Numbers>,
    /// By the place of the text, and by the numbers of the values that it asks for.
    made: Vec<HashMap<Box<[u32]>, Vec<String>>>,
}

/// Equal values have equal numbers, which are quicker to compare.
#[derive(Default)]
struct Numbers {
    texts: HashMap<String, u32>,
    others: HashMap<String, u32>,
}

impl<'t, 'd> Known<'t, 'd> {
    /// Nothing yet, of these templates.
    pub fn new(templates: &'t Templates<'d>) -> Self {
        Self {
            templates,
            numbers: templates.asked.iter().map(|_| Numbers::default()).collect(),
            made: templates.texts.iter().map(|_| HashMap::new()).collect(),
        }
    }

    /// The numbers of the values that the templates ask for. Where they are the same, so is all that they come to.
    pub fn numbers(&mut self, values: &Values) -> Box<[u32]> {
        let asked = self.templates.asked.iter().zip(&mut self.numbers);
        let numbers = asked.map(|(name, numbers)| numbers.of(values.get(name.as_str())));
        numbers.collect()
    }
}

impl Numbers {
    fn of(&mut self, value: Option<&Cow<Json>>) -> u32 {
        let next = 1 + (self.texts.len() + self.others.len()) as u32;
        let written;
        let (known, text) = match value.map(AsRef::as_ref) {
            None => return 0,
            Some(Json::String(text)) => (&mut self.texts, text),
            Some(other) => {
                written = other.to_string();
                (&mut self.others, &written)
            }
        };
        match known.get(text) {
            Some(number) => *number,
            None => *known.entry(text.clone()).or_insert(next),
        }
    }
}

/// Renders the templates of `preset` with values, whose numbers `known` gave. `used_at` is where a service uses it.
pub fn render<'d>(
    findings: &mut Findings,
    known: &mut Known<'_, 'd>,
    preset: &Preset<'d>,
    (values, numbers): (&Values, &[u32]),
    used_at: Place,
) -> Rendered<'d> {
    let before = findings.0.len();
    let mut rendering = Rendering {
        findings,
        known,
        preset,
        values,
        numbers,
        plain: OnceCell::new(),
        in_patterns: OnceCell::new(),
        used_at,
        is_broken: preset.is_broken,
        made: Document {
            file: preset.document.file,
            entries: Vec::new(),
            items: Vec::new(),
            tables: Vec::new(),
            arrays: Vec::new(),
        },
        left_out: Vec::new(),
    };
    let root = preset.document.root();
    let top = rendering.made.new_table(root.origin());
    for (key, node) in root.iter() {
        if let Some(way) = way_to_tasks(key.text) {
            rendering.entry(top, key, node, way);
        }
    }
    Rendered {
        is_broken: preset.is_broken || rendering.findings.0.len() > before,
        document: rendering.made,
        left_out: rendering.left_out,
    }
}

/// Reads the tasks of a file whose templates are rendered.
pub fn tasks<'d>(findings: &mut Findings, rendered: &'d Rendered<'d>) -> preset::Given<'d> {
    let mut tasks = Vec::new();
    // Of what could not be rendered nothing more is said.
    let mut unheard = Findings::default();
    let heard = match rendered.is_broken {
        true => &mut unheard,
        false => findings,
    };
    for (key, node) in rendered.document.root().iter() {
        if key.text == "tasks" {
            if let Some(table) = read::table(heard, key.text, node) {
                task::read_all(heard, table, "", &mut tasks);
            }
        } else if let Some(task) = task::read(heard, key, node) {
            tasks.push((key.text, task));
        }
    }
    if rendered.is_broken {
        tasks
            .iter_mut()
            .for_each(|(_, task)| *task = TaskTable::broken(task.place));
    }
    preset::Given {
        root: rendered.document.root(),
        tasks,
        left_out: rendered.left_out.clone(),
    }
}

/// The values by the names that templates know them by; `path` makes a path of what is one.
fn given(preset: &Preset, values: &Values, path: impl Fn(&str) -> String) -> Given {
    let parameters = preset.parameters.keys().map(String::as_str);
    let names = parameters.chain(preset::FACTS);
    let pairs: BTreeMap<String, Given> = names
        .map(|name| {
            let parameter = preset.parameters.get(name);
            // What is above is a pattern already.
            let is_path = name != "above"
                && parameter.is_none_or(|it| {
                    it.kind == ParameterKind::Path
                        || matches!(it.look_up, Some(LookUp::DirectoryOf(_)))
                });
            let value = match values.get(name).map(AsRef::as_ref) {
                Some(Json::String(text)) if is_path => Given::from(path(text)),
                Some(value) => structured(Json::clone(value)),
                None => Given::from(()),
            };
            (variable(name), value)
        })
        .collect();
    Given::from_pairs(pairs)
}

struct Rendering<'f, 't, 'd> {
    findings: &'f mut Findings,
    known: &'f mut Known<'t, 'd>,
    preset: &'f Preset<'d>,
    values: &'f Values<'f>,
    numbers: &'f [u32],
    /// The values as templates see them, once one is asked for.
    plain: OnceCell<Given>,
    /// The same, where a path is one for patterns too.
    in_patterns: OnceCell<Given>,
    used_at: Place,
    /// Whether its templates are known to be none.
    is_broken: bool,
    made: Document<'d>,
    left_out: Vec<&'d str>,
}

impl<'d> Rendering<'_, '_, 'd> {
    fn entry(&mut self, table: u32, key: Key<'d>, node: Node<'d>, way: Way) {
        let Some(kind) = self.kind(node, way) else {
            return;
        };
        if way == Way::Task && self.lost_its_command(node, &kind) {
            self.left_out.push(key.text);
        }
        let name = Name {
            text: Cow::Borrowed(key.text),
            start: key.place.start,
            end: key.place.end,
        };
        self.made.insert(table, name, at(node, kind));
    }

    /// Whether a task had a command before.
    fn lost_its_command(&self, before: Node, after: &Kind) -> bool {
        let (Some(before), Kind::Table(after)) = (before.table(), after) else {
            return false;
        };
        let has = |key| self.made.find(*after, key).is_some();
        before.find("run").is_some() && !has("run") && !has("target")
    }

    /// What a value comes to; none if that is nothing.
    fn kind(&mut self, node: Node<'d>, way: Way) -> Option<Kind<'d>> {
        match node.kind() {
            Kind::String(text) if is_template(text) => {
                let texts = self.text(text, node, way);
                let Some(mut texts) = texts else {
                    return Some(Kind::Damaged);
                };
                match texts.len() {
                    0 => None,
                    1 => texts.pop().map(|text| Kind::String(Cow::Owned(text))),
                    _ => Some(self.list(node, texts)),
                }
            }
            Kind::Array(_) => {
                let array = self.made.new_array();
                let mut had_any = false;
                for item in node.items().into_iter().flatten() {
                    had_any = true;
                    self.item(array, item, way);
                }
                let List { length, .. } = self.made.arrays[array as usize];
                (length > 0 || !had_any).then_some(Kind::Array(array))
            }
            Kind::Table(_) => {
                let from = node.table()?;
                let table = self.made.new_table(from.origin());
                for (key, node) in from.iter() {
                    self.entry(table, key, node, way.below(key.text));
                }
                Some(Kind::Table(table))
            }
            kind => Some(kind.clone()),
        }
    }

    /// One element of a list: it may come to several, or to none.
    fn item(&mut self, array: u32, item: Node<'d>, way: Way) {
        match item.kind() {
            Kind::String(text) if is_template(text) => match self.text(text, item, way) {
                Some(texts) => {
                    for text in texts {
                        let text = Kind::String(Cow::Owned(text));
                        self.made.push(array, at(item, text));
                    }
                }
                None => self.made.push(array, at(item, Kind::Damaged)),
            },
            _ => {
                if let Some(kind) = self.kind(item, way) {
                    self.made.push(array, at(item, kind));
                }
            }
        }
    }

    fn list(&mut self, node: Node<'d>, texts: Vec<String>) -> Kind<'d> {
        let array = self.made.new_array();
        for text in texts {
            self.made
                .push(array, at(node, Kind::String(Cow::Owned(text))));
        }
        Kind::Array(array)
    }

    /// What a template comes to: nothing, a text, or several where it is a list. None, with a problem noted, if it fails.
    fn text(&mut self, text: &'d str, node: Node, way: Way) -> Option<Vec<String>> {
        if self.is_broken {
            return None;
        }
        let templates = self.known.templates;
        let at = templates.find(node.place().start)?;
        let template = &templates.texts[at];
        let seen: Box<[u32]> = template.asked.iter().map(|it| self.numbers[*it]).collect();
        if let Some(made) = self.known.made[at].get(&seen) {
            return Some(made.clone());
        }
        let (preset, values) = (self.preset, self.values);
        let facts = match way {
            Way::Pattern => self
                .in_patterns
                .get_or_init(|| given(preset, values, globset::escape)),
            _ => self
                .plain
                .get_or_init(|| given(preset, values, |text| text.to_owned())),
        };
        let rendered = match &template.template {
            Ok(template) => template.render(facts.clone()),
            Err(words) => Err(words.clone()),
        };
        let words = match rendered {
            Ok(rendered) if rendered.contains(BETWEEN) && !stands_alone(text) => {
                "a list has to be the whole of an element, or be joined with `|join(\" \")`".into()
            }
            Ok(rendered) => {
                let texts = rendered.split(BETWEEN);
                let texts = texts.filter(|text| !text.trim().is_empty());
                let made: Vec<String> = texts.map(|text| tidy(text, way)).collect();
                self.known.made[at].insert(seen, made.clone());
                return Some(made);
            }
            Err(words) => words,
        };
        self.findings
            .add(
                node.place(),
                format!("the template cannot be used: {words}"),
            )
            .related(self.used_at, "as it is used here");
        None
    }
}

/// Whether a template is one value and nothing around it.
fn stands_alone(text: &str) -> bool {
    let text = text.trim();
    text.starts_with("{{") && text.ends_with("}}") && text.matches("{{").count() == 1
}

/// Where a directory came to nothing, no slash is left of it.
fn tidy(text: &str, way: Way) -> String {
    if way != Way::Pattern {
        return text.to_owned();
    }
    let mut tidy = text.trim().to_owned();
    while tidy.contains("//") {
        tidy = tidy.replace("//", "/");
    }
    match tidy.strip_suffix('/') {
        Some(rest) if !matches!(rest, "" | "!") => rest.to_owned(),
        _ => tidy,
    }
}

fn at<'d>(node: Node, kind: Kind<'d>) -> Value<'d> {
    let place = node.place();
    Value {
        start: place.start,
        end: place.end,
        kind,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slashes_around_an_empty_directory_are_tidied() {
        let check = |text: &str, expected: &str| assert_eq!(tidy(text, Way::Pattern), expected);
        check("//Cargo.lock", "/Cargo.lock");
        check("/a/Cargo.lock", "/a/Cargo.lock");
        check("!//x///y/", "!/x/y");
        check("dist/", "dist");
        check("/", "/");
    }
}
