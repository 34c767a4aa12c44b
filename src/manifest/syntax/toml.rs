//! TOML: a document to values with their lines.

use toml_edit::{Document, Item, Key, Table};

use crate::manifest::error::Error;
use crate::manifest::syntax::lines::Lines;
use crate::manifest::syntax::node::{Entry, Node, Value};
use crate::model::path::FilePath;

/// Reads a document.
pub fn document(file: &FilePath, text: &str) -> Result<Node, Error> {
    let lines = Lines::of(text);
    let document = Document::parse(text).map_err(|error| {
        let line = error.span().map_or(1, |span| lines.at(span.start));
        Error::at(file, line, error.message())
    })?;
    Ok(table(document.as_table(), 1, &lines))
}

/// How deep it goes is limited by the parser. `line` is for what has no place of its own: tables that are only implied.
fn item(item: &Item, line: u32, lines: &Lines) -> Option<Node> {
    match item {
        Item::None => None,
        Item::Value(value) => Some(of_value(value, line, lines)),
        Item::Table(it) => Some(table(it, line, lines)),
        Item::ArrayOfTables(tables) => Some(Node {
            line,
            value: Value::List(tables.iter().map(|it| table(it, line, lines)).collect()),
        }),
    }
}

fn table(table: &Table, line: u32, lines: &Lines) -> Node {
    let line = table.span().map_or(line, |it| lines.at(it.start));
    let entries = table.iter().filter_map(|(name, it)| {
        let line = key_line(table.key(name), line, lines);
        let node = item(it, line, lines)?;
        Some(entry(name, line, node))
    });
    Node {
        line,
        value: Value::Table(entries.collect()),
    }
}

fn entry(name: &str, line: u32, node: Node) -> Entry {
    let name = name.to_owned();
    Entry { name, line, node }
}

fn key_line(key: Option<&Key>, line: u32, lines: &Lines) -> u32 {
    let span = key.and_then(Key::span);
    span.map_or(line, |it| lines.at(it.start))
}

fn of_value(value: &toml_edit::Value, line: u32, lines: &Lines) -> Node {
    let line = value.span().map_or(line, |it| lines.at(it.start));
    let value = match value {
        toml_edit::Value::String(text) => Value::Text(text.value().clone()),
        toml_edit::Value::Integer(it) => Value::Word(it.value().to_string()),
        toml_edit::Value::Float(it) => Value::Word(it.value().to_string()),
        toml_edit::Value::Boolean(it) => Value::Word(it.value().to_string()),
        toml_edit::Value::Datetime(it) => Value::Word(it.value().to_string()),
        toml_edit::Value::Array(array) => {
            Value::List(array.iter().map(|it| of_value(it, line, lines)).collect())
        }
        toml_edit::Value::InlineTable(table) => Value::Table(
            table
                .iter()
                .map(|(name, it)| {
                    let line = key_line(table.key(name), line, lines);
                    entry(name, line, of_value(it, line, lines))
                })
                .collect(),
        ),
    };
    Node { line, value }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_know_their_lines() {
        let text =
            "a = 1\r\n[b.c]\r\nd = [\r\n  'x',\r\n  {e = true}]\r\n[[f]]\r\n[[f]]\r\ng.h = 'z'\r\n";
        let node = document(&"x.toml".into(), text).unwrap();
        let list = node.at(&["b", "c", "d"]).unwrap();
        assert_eq!((list.line, list.items()[0].line), (3, 4));
        assert_eq!(list.items()[1].entry("e").unwrap().line, 5);
        assert_eq!(node.find("b").unwrap().entry("c").unwrap().line, 2);
        let last = &node.find("f").unwrap().items()[1];
        assert_eq!(last.line, 7);
        assert_eq!(last.at(&["g", "h"]).unwrap().text(), Some("z"));
        assert_eq!(last.find("g").unwrap().entry("h").unwrap().line, 8);
    }

    #[test]
    fn nonsense_is_refused_quickly() {
        let reason = |text: &str| {
            let error = document(&"x.toml".into(), text).expect_err("bad TOML");
            error.to_string()
        };
        assert!(reason("a = 1\na = 2\n").starts_with("x.toml:2: "));
        assert!(reason("a = \u{1b}").starts_with("x.toml:1: "));
        for deep in [
            format!("a = {}", "[".repeat(100_000)),
            format!("a = {}", "{a = ".repeat(100_000)),
            format!("a{} = 1", ".a".repeat(100_000)),
            format!("[a{}]", ".a".repeat(100_000)),
        ] {
            assert!(reason(&deep).starts_with("x.toml:1: "));
        }
    }
}
