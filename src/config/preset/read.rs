//! Reads a preset's file, all but its tasks: those are templates, and read once they are rendered.

use std::collections::BTreeMap;

use minijinja::Value as Sample;

use crate::config::consumers;
use crate::config::deploy;
use crate::config::keys::TableKind;
use crate::config::parameter;
use crate::config::preset::render::{Text, texts, way_to_tasks};
use crate::config::preset::{FACTS, LookUp, Parameter, Preset, Whose};
use crate::config::problem::Findings;
use crate::config::read::{self, At, Texts};
use crate::config::tree::{Document, Key, Node, TableNode};
use crate::model::preset::{Detect, Source};
use crate::model::target::{ParameterKind, example};
use crate::model::template::{self, is_template, is_word, variable};

/// Reads the preset `name`. What is wrong with it is noted; the rest of it is there all the same.
pub fn read<'d>(
    findings: &mut Findings,
    name: &str,
    whose: Whose,
    document: &'d Document<'d>,
) -> Preset<'d> {
    let mut preset = Preset {
        name: name.to_owned(),
        about: String::new(),
        detect: None,
        parameters: BTreeMap::new(),
        consumers: None,
        document,
        is_broken: false,
    };
    for (key, node) in document.root().iter() {
        let f = &mut *findings;
        match key.text {
            "about" => preset.about = line(f, key, node),
            "detect" => preset.detect = detect(f, node),
            "parameters" => {
                if let Some(table) = read::table(f, key.text, node) {
                    preset.parameters = parameters(f, table);
                }
            }
            "consumers" => preset.consumers = consumers::read(f, key.text, node),
            _ if way_to_tasks(key.text).is_some() => {}
            _ => read::unknown_key(f, TableKind::Preset, key),
        }
    }
    if whose == Whose::Workspace {
        check_templates(findings, &mut preset);
    }
    preset
}

/// Whether its templates mean something.
fn check_templates(findings: &mut Findings, preset: &mut Preset) {
    let parameters = preset.parameters.keys().map(|name| variable(name));
    let known: Vec<String> = FACTS
        .map(str::to_owned)
        .into_iter()
        .chain(parameters)
        .collect();
    for Text { text, place, .. } in texts(preset.document).filter(|it| is_template(it.text)) {
        let samples = [true, false].into_iter().map(|all| sample(preset, all));
        let Some((words, near)) = template::wrong(&known, "", text, samples) else {
            continue;
        };
        preset.is_broken = true;
        findings
            .add(place, format!("the template cannot be used: {words}"))
            .did_you_mean(
                near.as_deref(),
                "`{{ name }}` is a parameter, its `-` as `_`, or one of name, path, up and above; `{% raw %}…{% endraw %}` keeps what stands within",
            );
    }
}

/// Made-up values: of all parameters, or of those that always have one.
fn sample(preset: &Preset, all: bool) -> Sample {
    let facts = FACTS.map(|name| (name.to_owned(), Sample::from("x")));
    let parameters = preset.parameters.iter().map(|(name, parameter)| {
        let value = match all || parameter.is_required || parameter.default.is_some() {
            true => example(parameter.kind),
            false => Sample::from(()),
        };
        (variable(name), value)
    });
    Sample::from_pairs(facts.into_iter().chain(parameters))
}

fn detect(findings: &mut Findings, node: Node) -> Option<Detect> {
    let table = read::table(findings, "detect", node)?;
    let mut detect = Detect::default();
    let before = findings.0.len();
    for (key, node) in table.iter() {
        match key.text {
            "any" => detect.any = names(findings, key, node),
            "all" => detect.all = names(findings, key, node),
            "rank" => {
                let rank = read::number(findings, TableKind::Detect, key.text, node);
                detect.rank = rank.unwrap_or_default().into();
            }
            _ => read::unknown_key(findings, TableKind::Detect, key),
        }
    }
    if findings.0.len() == before && detect.any.is_empty() && detect.all.is_empty() {
        findings
            .add(table.place, "`detect` names no file")
            .hint("write `any = [\"…\"]` or `all = [\"…\"]`, the files of a directory that the preset fits")
            .absence();
    }
    Some(detect)
}

/// Names of files in the directory itself, or paths of what lies below it.
fn names(findings: &mut Findings, key: Key, node: Node) -> Vec<String> {
    let list = read::texts(findings, key.text, node);
    let list: Vec<_> = list.iter().flat_map(Texts::iter).collect();
    for name in list.iter().filter(|name| leads_out(name.value)) {
        findings
            .add(
                name.place,
                format!(
                    "`{}` in `{}` leads out of the directory",
                    name.value.escape_debug(),
                    key.text
                ),
            )
            .hint("name what lies in the directory, or below it: `src/main/kotlin`; `*` stands for any letters");
    }
    list.iter().map(|name| name.value.to_owned()).collect()
}

/// Whether a path means something that does not lie below the directory.
fn leads_out(path: &str) -> bool {
    path.split('/').any(|part| matches!(part, "" | "." | ".."))
}

fn parameters(findings: &mut Findings, table: TableNode) -> BTreeMap<String, Parameter> {
    let tables = parameter::tables(findings, table, taken).into_iter();
    tables
        .map(|(key, table)| (key.text.to_owned(), one(findings, key, table)))
        .collect()
}

/// Why a name means something else already.
fn taken(name: &str) -> Option<&'static str> {
    match name {
        "preset" => Some("`uses` names the preset by that key; choose another name"),
        _ if FACTS.contains(&variable(name).as_str()) || is_word(name) => {
            Some("templates know something else by that name; choose another one")
        }
        _ => None,
    }
}

fn one(findings: &mut Findings, name: Key, table: TableNode) -> Parameter {
    let kind = TableKind::PresetParameter;
    let mut made = Parameter {
        about: String::new(),
        kind: ParameterKind::Text,
        is_required: false,
        default: None,
        look_up: None,
        from: None,
    };
    // What it may be decides what the others may hold.
    if let Some((key, node)) = table.find("kind")
        && let Some(word) = deploy::word(findings, kind, key, node)
    {
        made.kind = parameter::kind(word);
    }
    let mut first: Option<Key> = None;
    for (key, node) in table.iter() {
        let f = &mut *findings;
        match key.text {
            "about" => made.about = line(f, key, node),
            "kind" => {}
            "required" => {
                made.is_required = read::boolean(f, key.text, node).unwrap_or_default();
            }
            "default" => {
                let what = format!("the default of `{}`", name.text);
                made.default = parameter::value(f, &what, node, made.kind);
            }
            "nearest" => made.look_up = nearest(f, node, made.kind),
            "directory-of" => made.look_up = directory_of(f, key, node, &made),
            "from" => made.from = from(f, key, node, made.kind),
            _ => read::unknown_key(f, kind, key),
        }
        if matches!(key.text, "nearest" | "directory-of")
            && let Some(first) = first.replace(key)
        {
            f.add(key.place, "a parameter is found in one way only")
                .related(first.place, "the first one")
                .hint("keep one of `nearest` and `directory-of`");
        }
    }
    made
}

fn from(findings: &mut Findings, key: Key, node: Node, kind: ParameterKind) -> Option<Source> {
    if matches!(kind, ParameterKind::Number | ParameterKind::Flag) {
        findings
            .add(key.place, "`from` gives a text")
            .hint("remove `kind`, or make it `text`, `list` or `path`");
    }
    let word = deploy::word(findings, TableKind::PresetParameter, key, node)?;
    let mut all = Source::ALL.into_iter();
    all.find(|(name, _)| *name == word).map(|(_, it)| it)
}

fn nearest(findings: &mut Findings, node: Node, kind: ParameterKind) -> Option<LookUp> {
    let table = read::table(findings, "nearest", node)?;
    let mut files = Vec::new();
    for (key, node) in table.iter() {
        let is_sound = file_name(
            findings,
            "nearest",
            At {
                value: key.text,
                place: key.place,
            },
        );
        let what = format!("what `{}` stands for", key.text.escape_debug());
        if let Some(value) = parameter::value(findings, &what, node, kind)
            && is_sound
        {
            files.push((key.text.to_owned(), value));
        }
    }
    Some(LookUp::Nearest(files))
}

fn directory_of(findings: &mut Findings, key: Key, node: Node, made: &Parameter) -> Option<LookUp> {
    if made.kind != ParameterKind::Text {
        findings
            .add(key.place, "`directory-of` gives a text")
            .hint("remove `kind`");
    }
    let list = read::texts(findings, key.text, node)?;
    let mut files = Vec::new();
    for file in list.iter() {
        if file_name(findings, key.text, file) {
            files.push(file.value.to_owned());
        }
    }
    Some(LookUp::DirectoryOf(files))
}

/// Whether a file is named relative to a directory.
fn file_name(findings: &mut Findings, key: &str, file: At<&str>) -> bool {
    let At { value: name, place } = file;
    let plain = |part: &str| !matches!(part, "" | "." | "..");
    let is_sound = name.split('/').all(plain) && !name.contains(['*', '?', '\\', '\0']);
    if !is_sound {
        findings
            .add(
                place,
                format!("`{}` in `{key}` does not name a file", name.escape_debug()),
            )
            .hint("write its path from the directory that it is looked for in, such as `Cargo.lock`; no patterns");
    }
    is_sound
}

/// One line for people.
fn line(findings: &mut Findings, key: Key, node: Node) -> String {
    let text = read::text(findings, key.text, node);
    let words: Vec<&str> = text.unwrap_or_default().split_whitespace().collect();
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::parse;
    use crate::config::preset::{embedded, embedded_names};
    use crate::config::problem::FileId;

    #[test]
    fn templates_that_come_with_the_program_are_sound() {
        for name in embedded_names() {
            let (document, errors) = parse::parse(FileId(0), embedded(name).unwrap());
            assert!(errors.is_empty(), "{name}");
            let mut findings = Findings::default();
            let preset = read(&mut findings, name, Whose::Workspace, &document);
            let messages: Vec<_> = findings.0.iter().map(|it| &it.message).collect();
            assert!(
                messages.is_empty() && !preset.is_broken,
                "{name}: {messages:?}"
            );
        }
    }
}
