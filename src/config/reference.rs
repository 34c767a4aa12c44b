//! The reference of `services.toml` as a page: made from the table of keys.

use std::fmt::Write;

use crate::config::keys::{Key, Shape, TABLES, TableKind};

/// A table in Markdown for each kind of table: key, type, default, meaning, example.
pub fn reference_markdown() -> String {
    let mut page = String::new();
    for rule in TABLES {
        let headers: Vec<_> = rule
            .header
            .split(", ")
            .map(|header| match rule.kind {
                TableKind::Included => header.to_owned(),
                _ => format!("`{header}`"),
            })
            .collect();
        let parameters = match rule.has_parameters {
            true => " Further keys are parameters of the target.",
            false => "",
        };
        let _ = write!(
            page,
            "#### {}\n\n{}.{parameters}\n\n",
            headers.join(", "),
            capital(rule.meaning)
        );
        page.push_str("| key | type | default | meaning | example |\n|---|---|---|---|---|\n");
        for key in rule.kind.keys() {
            row(&mut page, key);
        }
        page.push('\n');
    }
    page
}

fn row(page: &mut String, key: &Key) {
    let default = match key.default {
        "" => String::new(),
        words if words.contains(' ') && !words.contains('[') => words.to_owned(),
        value => format!("`{value}`"),
    };
    let _ = writeln!(
        page,
        "| `{}` | {} | {} | {} | `{}` |",
        key.name,
        kind(key.shape),
        cell(&default),
        cell(key.meaning),
        cell(key.example),
    );
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn kind(shape: Shape) -> String {
    match shape {
        Shape::Version => "`1`".into(),
        Shape::Text => "string".into(),
        Shape::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            words.join(" or ")
        }
        Shape::Boolean => "boolean".into(),
        Shape::Number(..) => "number".into(),
        Shape::Duration => "duration".into(),
        Shape::Requirement => "version requirement".into(),
        Shape::Path => "path".into(),
        Shape::Name => "name".into(),
        Shape::Names => "list of names".into(),
        Shape::Texts => "list of strings".into(),
        Shape::Commands => "string or list".into(),
        Shape::Patterns => "list of patterns".into(),
        Shape::Variables => "list of variables".into(),
        Shape::Needs => "list of tasks".into(),
        Shape::Values => "table of strings".into(),
        Shape::Slots => "table of numbers".into(),
        Shape::Table(_) => "table".into(),
        Shape::Tables(_) => "tables by name".into(),
        Shape::Task(_) => "command or table".into(),
        Shape::Tasks(_) => "tasks by name".into(),
        Shape::VariablesOrTables(_) => "tables by environment, or list of variables".into(),
    }
}
