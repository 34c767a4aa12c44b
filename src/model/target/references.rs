//! What a YAML file refers to. The file comes from a repository, so it is only walked, never built: aliases stay unexpanded
//! and nothing recurses.

use saphyr_parser::{Event, Parser};

use crate::model::target::definition::InputKind;

/// More values than this are not looked at.
const MOST: usize = 100_000;

/// What kind of thing a reference leads to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A file like the one that refers to it.
    Same,
    /// Any other file, or a directory.
    Other,
}

/// Paths that `text` may refer to, relative to its file.
pub fn references(text: &str, kind: InputKind) -> Vec<(String, Reference)> {
    let mut found = Vec::new();
    for (keys, value) in scalars(text) {
        match kind {
            InputKind::Files => {}
            InputKind::Kustomization => {
                // `name=path`, as generators write it.
                let path = value.split_once('=').map(|(_, path)| path.to_owned());
                found.extend(path.map(|path| (path, Reference::Other)));
                found.push((value, Reference::Other));
            }
            InputKind::Compose => found.extend(of_compose(&keys, value)),
            InputKind::Chart => {
                let path = value.strip_prefix("file://");
                found.extend(path.map(|path| (path.to_owned(), Reference::Other)));
            }
        }
    }
    if kind == InputKind::Compose {
        found.push((".env".into(), Reference::Other));
    }
    found
}

fn of_compose(keys: &[String], value: String) -> Option<(String, Reference)> {
    let has = |name: &str| keys.iter().any(|key| key == name);
    let last = keys.last().map_or("", String::as_str);
    if has("volumes") {
        // `./source:/target`, or the long form.
        let is_source = matches!(last, "volumes" | "source");
        let source = value.split(':').next().unwrap_or_default();
        let is_path = source.starts_with("./") || source.starts_with("../");
        return (is_source && is_path).then(|| (source.to_owned(), Reference::Other));
    }
    if keys.first().is_some_and(|key| key == "include") {
        let is_file = matches!(last, "include" | "path");
        return Some((
            value,
            if is_file {
                Reference::Same
            } else {
                Reference::Other
            },
        ));
    }
    match last {
        "file" if has("extends") => Some((value, Reference::Same)),
        "file" | "env_file" | "label_file" => Some((value, Reference::Other)),
        "path" if has("env_file") => Some((value, Reference::Other)),
        _ => None,
    }
}

/// Every scalar value of a file, with the keys of the tables around it. What cannot be read any more ends it.
fn scalars(text: &str) -> Vec<(Vec<String>, String)> {
    let mut found = Vec::new();
    // For each open table the key whose value comes next; for each open list nothing.
    let mut open: Vec<Option<Option<String>>> = Vec::new();
    for event in Parser::new_from_str(text).take(MOST) {
        let Ok((event, _)) = event else { break };
        match event {
            Event::MappingStart(..) => open.push(Some(None)),
            Event::SequenceStart(..) => open.push(None),
            Event::MappingEnd | Event::SequenceEnd => {
                open.pop();
                end_value(&mut open);
            }
            Event::Scalar(value, ..) => match open.last_mut() {
                Some(Some(key @ None)) => *key = Some(value.into_owned()),
                _ => {
                    let keys = open.iter().flatten().flatten().cloned().collect();
                    found.push((keys, value.into_owned()));
                    end_value(&mut open);
                }
            },
            Event::Alias(_) => match open.last_mut() {
                Some(Some(key @ None)) => *key = Some(String::new()),
                _ => end_value(&mut open),
            },
            _ => {}
        }
    }
    found
}

/// After a value comes a key again; a table or list that stood as a key is one, too.
fn end_value(open: &mut [Option<Option<String>>]) {
    if let Some(Some(key)) = open.last_mut() {
        *key = match key {
            Some(_) => None,
            None => Some(String::new()),
        };
    }
}
