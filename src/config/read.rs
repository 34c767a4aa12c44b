//! Small readers of single values. Each takes a value of the tree and gives what it means, or notes a problem.

use std::time::Duration;

use crate::config::keys::{Shape, TableKind};
use crate::config::problem::{Findings, Place};
use crate::config::tree::{Key, Kind, Node, TableNode};
use crate::model::name::{NAME_RULE, is_valid};
use crate::model::suggest::nearest;

/// A value with the place that it came from.
#[derive(Clone, Copy, Debug)]
pub struct At<T> {
    pub value: T,
    pub place: Place,
}

/// Checked strings of the tree: one, or a list.
#[derive(Clone, Copy, Debug)]
pub struct Texts<'d>(Node<'d>);

impl<'d> Texts<'d> {
    /// The strings with their places.
    pub fn iter(&self) -> impl Iterator<Item = At<&'d str>> + use<'d> {
        let node = self.0;
        let one = node.text().map(|value| At {
            value,
            place: node.place(),
        });
        let many = node.items().into_iter().flatten().filter_map(|item| {
            let place = item.place();
            item.text().map(|value| At { value, place })
        });
        one.into_iter().chain(many)
    }

    /// Where the whole stands.
    pub fn place(&self) -> Place {
        self.0.place()
    }
}

/// Notes that a value has the wrong type.
pub fn wrong_type(findings: &mut Findings, key: &str, node: Node, expected: &str) {
    if !node.is_damaged() {
        findings
            .add(node.place(), format!("`{key}` must be {expected}"))
            .label(format!("this is {}", node.describe()));
    }
}

/// A string that is not empty.
pub fn text<'d>(findings: &mut Findings, key: &str, node: Node<'d>) -> Option<&'d str> {
    match node.text() {
        Some(text) if text.trim().is_empty() => {
            findings.add(node.place(), format!("`{key}` is empty"));
            None
        }
        Some(text) if text.contains('\0') => {
            findings.add(
                node.place(),
                format!("`{key}` holds a zero byte, which nothing can use"),
            );
            None
        }
        Some(text) => Some(text),
        None => {
            wrong_type(findings, key, node, "a string");
            None
        }
    }
}

/// A string that is not empty, with its place.
pub fn text_at<'d>(findings: &mut Findings, key: &str, node: Node<'d>) -> Option<At<&'d str>> {
    let place = node.place();
    text(findings, key, node).map(|value| At { value, place })
}

/// `true` or `false`.
pub fn boolean(findings: &mut Findings, key: &str, node: Node) -> Option<bool> {
    match node.kind() {
        Kind::Boolean(value) => Some(*value),
        Kind::String(text) if matches!(&**text, "true" | "false") => {
            findings
                .add(node.place(), format!("`{key}` must be `true` or `false`"))
                .hint(format!("write `{key} = {text}`, without quotes"));
            None
        }
        _ => {
            wrong_type(findings, key, node, "`true` or `false`");
            None
        }
    }
}

/// A whole number within the bounds that the table of keys gives it.
pub fn number(findings: &mut Findings, table: TableKind, key: &str, node: Node) -> Option<u32> {
    let shape = table.keys().find(|it| it.name == key).map(|it| it.shape);
    let Some(Shape::Number(least, most)) = shape else {
        unreachable!("`{key}` is a number in the table of keys");
    };
    bounded(findings, key, node, least, most)
}

/// A whole number from `least` to `most`.
pub fn bounded(
    findings: &mut Findings,
    key: &str,
    node: Node,
    least: u64,
    most: u64,
) -> Option<u32> {
    let Kind::Integer(number) = node.kind() else {
        wrong_type(findings, key, node, "a whole number");
        return None;
    };
    let fits = u64::try_from(*number).is_ok_and(|number| (least..=most).contains(&number));
    if !fits {
        let message = format!("`{key}` must be a number from {least} to {most}");
        findings.add(node.place(), message);
        return None;
    }
    u32::try_from(*number).ok()
}

/// A length of time that is more than nothing.
pub fn duration(findings: &mut Findings, key: &str, node: Node) -> Option<Duration> {
    let text = match node.kind() {
        Kind::String(text) => text,
        Kind::Integer(number) => {
            findings
                .add(
                    node.place(),
                    format!("`{key}` must be a string with a unit"),
                )
                .label("this number has none")
                .hint(format!("write `{key} = \"{number}s\"` for seconds"));
            return None;
        }
        _ => {
            wrong_type(findings, key, node, "a duration such as `\"10m\"`");
            return None;
        }
    };
    let forms = "write a duration such as `500ms`, `30s`, `10m` or `1h30m`";
    match humantime::parse_duration(text) {
        Ok(Duration::ZERO) => {
            findings
                .add(node.place(), format!("`{key}` must be more than nothing"))
                .hint(forms);
            None
        }
        Ok(duration) => Some(duration),
        Err(error) => {
            let problem = findings.add(
                node.place(),
                format!("`{key}` is not a duration that can be read"),
            );
            match (error, text.trim().parse::<u64>()) {
                (_, Ok(number)) => {
                    problem
                        .label("a unit is missing")
                        .hint(format!("write `{key} = \"{number}s\"` for seconds"));
                }
                (humantime::DurationError::UnknownUnit { unit, .. }, _) => {
                    problem
                        .label(format!("the unit `{unit}` is not known"))
                        .hint(forms);
                }
                _ => {
                    problem.hint(forms);
                }
            }
            None
        }
    }
}

/// A list of strings.
pub fn texts<'d>(findings: &mut Findings, key: &str, node: Node<'d>) -> Option<Texts<'d>> {
    if let Some(text) = node.text() {
        findings
            .add(node.place(), format!("`{key}` must be a list of strings"))
            .label("this is a string")
            .hint(format!("write `{key} = [{}]`", quoted(text)));
        return None;
    }
    let Some(items) = node.items() else {
        wrong_type(findings, key, node, "a list of strings");
        return None;
    };
    let mut sound = true;
    for item in items {
        sound &= text(findings, key, item).is_some();
    }
    sound.then_some(Texts(node))
}

/// A string, or a list of strings; none of them empty.
pub fn commands<'d>(findings: &mut Findings, key: &str, node: Node<'d>) -> Option<Texts<'d>> {
    let place = node.place();
    let empty = |findings: &mut Findings, place| {
        findings
            .add(place, format!("`{key}` is an empty command"))
            .hint("write the command that runs, or remove the key");
    };
    if let Some(command) = node.text() {
        if command.trim().is_empty() {
            empty(findings, place);
            return None;
        }
        return text(findings, key, node).map(|_| Texts(node));
    }
    let Some(items) = node.items() else {
        wrong_type(findings, key, node, "a command or a list of commands");
        return None;
    };
    let mut sound = true;
    for item in items {
        match item.text() {
            Some(command) if command.trim().is_empty() => {
                empty(findings, item.place());
                sound = false;
            }
            _ => sound &= text(findings, key, item).is_some(),
        }
    }
    sound.then_some(Texts(node))
}

/// A list of names of variables; `PREFIX_*` stands for all that begin so.
pub fn variables<'d>(findings: &mut Findings, key: &str, node: Node<'d>) -> Option<Texts<'d>> {
    if node.text().is_some() {
        // The string may hold a value, so it is not repeated.
        wrong_type(findings, key, node, "a list of names of variables");
        return None;
    }
    let list = texts(findings, key, node)?;
    let mut sound = true;
    for name in list.iter().filter(|name| name.value != "...") {
        sound &= variable(findings, key, name);
    }
    sound.then_some(list)
}

fn variable(findings: &mut Findings, key: &str, name: At<&str>) -> bool {
    // A secret is named in full, since everything that is masked has to be known.
    let prefix = name.value.strip_suffix('*').filter(|_| key != "secrets");
    if is_variable(prefix.unwrap_or(name.value)) {
        return true;
    }
    // What stands behind `=` may be a secret, so it is not repeated.
    let (shown, has_value) = match name.value.split_once('=') {
        Some((shown, _)) => (shown, true),
        None => (name.value, false),
    };
    let problem = findings.add(
        name.place,
        format!("`{}` in `{key}` is not a name of a variable", shown.trim()),
    );
    match has_value {
        true => problem.hint(format!(
            "`{key}` holds names only; set the value where `svc` is started, or within the command"
        )),
        false => {
            problem.hint("a name has letters, digits and `_`, and does not begin with a digit")
        }
    };
    false
}

/// Whether `name` can be the name of a variable.
pub fn is_variable(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == b'_')
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
}

/// A table.
pub fn table<'d>(findings: &mut Findings, key: &str, node: Node<'d>) -> Option<TableNode<'d>> {
    let table = node.table();
    if table.is_none() {
        wrong_type(findings, key, node, "a table");
    }
    table
}

/// Whether a key may stand as a name; `what` says of what.
pub fn name(findings: &mut Findings, what: &str, key: Key) -> bool {
    let valid = is_valid(key.text);
    if !valid {
        let nearest = near_name(key.text);
        let problem = findings.add(
            key.place,
            format!(
                "`{}` is not a valid name of {what}",
                key.text.escape_debug()
            ),
        );
        match nearest {
            Some(nearest) => problem
                .label(NAME_RULE)
                .hint(format!("call it `{nearest}`")),
            None => problem.hint(NAME_RULE),
        };
    }
    valid
}

/// A valid name that is like `text`.
fn near_name(text: &str) -> Option<String> {
    let name: String = text
        .chars()
        .map(|letter| match letter {
            '_' | ' ' | '.' | '/' | ':' => '-',
            letter => letter.to_ascii_lowercase(),
        })
        .collect();
    is_valid(&name).then_some(name)
}

/// Notes a key that a kind of table does not have.
pub fn unknown_key(findings: &mut Findings, kind: TableKind, key: Key) {
    let rule = kind.rule();
    let near = nearest_key(key.text, kind);
    let elsewhere = crate::config::keys::TABLES
        .iter()
        // Files of their own, whose keys are names that tasks may well have.
        .filter(|other| !other.kind.is_of_templates())
        .find(|other| other.kind.names().any(|name| name == key.text));
    let message = match rule.kind {
        TableKind::Included => format!("`{}` cannot stand in an included file", key.text),
        _ => format!("`{}` is not a key here", key.text.escape_debug()),
    };
    let problem = findings.add(key.place, message);
    match (near, elsewhere) {
        (Some(near), _) => {
            problem.hint(format!("did you mean `{near}`?"));
        }
        (None, _) if kind == TableKind::Included => {
            problem.hint("an included file holds only `[services]`; the rest belongs in the `services.toml` of the workspace");
        }
        (None, Some(elsewhere)) => {
            let headers: Vec<_> = elsewhere.header.split(", ").collect();
            let headers = headers.join("` or `");
            problem.hint(format!("`{}` belongs in `{headers}`", key.text));
        }
        (None, None) if kind == TableKind::Service && is_valid(key.text) => {
            problem.hint(format!("if it is a task, write it as `tasks.{}`", key.text));
        }
        (None, None) => {
            let names: Vec<_> = kind.names().collect();
            problem.hint(format!("the keys are {}", names.join(", ")));
        }
    }
}

/// The key of `kind` that `word` may be meant as.
pub fn nearest_key(word: &str, kind: TableKind) -> Option<&'static str> {
    let plain = word.to_ascii_lowercase().replace('_', "-");
    kind.names()
        .find(|name| *name == plain)
        .or_else(|| nearest(&plain, kind.names()))
}

/// The known key that a parameter of a target is so near to that it is meant.
pub fn mistyped_key(word: &str, kind: TableKind) -> Option<&'static str> {
    let plain = word.to_ascii_lowercase().replace('_', "-");
    let near = nearest_key(word, kind)?;
    let distance = strsim::damerau_levenshtein(&plain, near);
    let enough = if near.len() < 6 { 1 } else { 2 };
    (distance <= enough).then_some(near)
}

fn quoted(text: &str) -> String {
    toml_string(text)
}

/// `text` as TOML writes it.
pub fn toml_string(text: &str) -> String {
    format!("\"{}\"", text.escape_debug())
}
