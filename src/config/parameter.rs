//! `[parameters]` of targets and presets: what both have in common.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::deploy;
use crate::config::problem::Findings;
use crate::config::read;
use crate::config::tree::{Key, Node, TableNode};
use crate::model::target::{ParameterKind, fits};
use crate::model::template::variable;

/// The tables of all parameters that have a usable name; `taken` says why a name means something else already.
pub fn tables<'d>(
    findings: &mut Findings,
    table: TableNode<'d>,
    taken: fn(&str) -> Option<&'static str>,
) -> Vec<(Key<'d>, TableNode<'d>)> {
    let mut tables = Vec::new();
    let mut variables: BTreeMap<String, Key> = BTreeMap::new();
    for (key, node) in table.iter() {
        if !read::name(findings, "a parameter", key) {
            continue;
        }
        if let Some(message) = taken(key.text) {
            let words = format!("a parameter cannot be named `{}`", key.text);
            findings.add(key.place, words).hint(message);
            continue;
        }
        if let Some(first) = variables.insert(variable(key.text), key) {
            let (one, other) = (first.text, key.text);
            findings
                .add(
                    key.place,
                    format!("`{one}` and `{other}` are the same to templates"),
                )
                .related(first.place, "the first one")
                .hint("give one of them another name");
        }
        tables.extend(read::table(findings, key.text, node).map(|table| (key, table)));
    }
    tables
}

/// A value that has to fit the kind of the parameter `name`; `what` says which one it is, such as ``the default of `x` ``.
pub fn value(
    findings: &mut Findings,
    what: &str,
    node: Node,
    kind: ParameterKind,
) -> Option<Value> {
    let value = deploy::json(findings, "value", node)?;
    if fits(kind, &value) || node.is_damaged() {
        return Some(value);
    }
    findings
        .add(node.place(), format!("{what} must be {}", kind.wanted()))
        .label(format!("this is {}", node.describe()));
    None
}

/// The kind that a word means.
pub fn kind(word: &str) -> ParameterKind {
    match word {
        "number" => ParameterKind::Number,
        "flag" => ParameterKind::Flag,
        "list" => ParameterKind::List,
        "path" => ParameterKind::Path,
        "table" => ParameterKind::Table,
        _ => ParameterKind::Text,
    }
}
