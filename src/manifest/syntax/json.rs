//! JSON, strict as npm wants it, or with comments and commas at ends as people write it for other tools.

use jsonc_parser::ast;
use jsonc_parser::common::Ranged;
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use crate::manifest::error::Error;
use crate::manifest::syntax::lines::Lines;
use crate::manifest::syntax::node::{Entry, Node, Value};
use crate::model::path::FilePath;

/// Reads JSON as the standard has it.
pub fn strict(file: &FilePath, text: &str) -> Result<Node, Error> {
    parse(file, text, false)
}

/// Reads JSON that may hold comments and commas at ends.
pub fn with_comments(file: &FilePath, text: &str) -> Result<Node, Error> {
    parse(file, text, true)
}

fn parse(file: &FilePath, text: &str, is_lenient: bool) -> Result<Node, Error> {
    let options = ParseOptions {
        allow_comments: is_lenient,
        allow_trailing_commas: is_lenient,
        allow_loose_object_property_names: false,
        allow_missing_commas: false,
        allow_single_quoted_strings: false,
        allow_hexadecimal_numbers: false,
        allow_unary_plus_numbers: false,
        allow_bare_decimal_point_numbers: false,
        allow_non_finite_numbers: false,
        allow_extended_string_escapes: false,
    };
    let parsed = parse_to_ast(text, &CollectOptions::default(), &options);
    let parsed = parsed.map_err(|error| {
        let reason = error.kind().to_string();
        Error::at(file, error.line_display() as u32, lower_first(&reason))
    })?;
    let value = parsed.value;
    let value = value.ok_or_else(|| Error::at(file, 1, "it is empty"))?;
    Ok(node(value, &Lines::of(text)))
}

fn lower_first(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|it| it.to_ascii_lowercase());
    first.into_iter().chain(letters).collect()
}

/// How deep it goes is limited by the parser.
fn node(value: ast::Value<'_>, lines: &Lines) -> Node {
    let line = lines.at(value.range().start);
    let value = match value {
        ast::Value::StringLit(text) => Value::Text(text.value.into_owned()),
        ast::Value::NumberLit(number) => Value::Word(number.value.to_owned()),
        ast::Value::BooleanLit(it) => Value::Word(it.value.to_string()),
        ast::Value::NullKeyword(_) => Value::Word("null".to_owned()),
        ast::Value::Array(array) => {
            let items = array.elements.into_iter();
            Value::List(items.map(|it| node(it, lines)).collect())
        }
        ast::Value::Object(object) => {
            let entries = object.properties.into_iter();
            Value::Table(entries.map(|it| entry(it, lines)).collect())
        }
    };
    Node { line, value }
}

fn entry(property: ast::ObjectProp<'_>, lines: &Lines) -> Entry {
    Entry {
        line: lines.at(property.range.start),
        name: property.name.into_string(),
        node: node(property.value, lines),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(text: &str) -> String {
        let error = strict(&"x.json".into(), text).expect_err("bad JSON");
        error.to_string()
    }

    #[test]
    fn values_know_their_lines() {
        let text = "{\r\n  \"a\": {\r\n    \"b\": [1,\r\n \"x\", true]\r\n  }\r\n}";
        let node = strict(&"x.json".into(), text).unwrap();
        let list = node.at(&["a", "b"]).unwrap();
        assert_eq!((list.line, list.items()[1].line), (3, 4));
        assert_eq!(list.items()[2].truth(), Some(true));
        assert_eq!(node.find("a").unwrap().entry("b").unwrap().line, 3);
    }

    #[test]
    fn comments_are_for_the_lenient() {
        let text = "// c\n{\"a\": 1, /* x */ }";
        assert!(with_comments(&"x.json".into(), text).is_ok());
        assert!(reason(text).starts_with("x.json:1: "));
        assert!(reason("{\"a\": 1,\n}").starts_with("x.json:1: trailing"));
    }

    #[test]
    fn nonsense_is_refused_quickly() {
        for text in [
            "",
            "{",
            "[1",
            "{\"a\"}",
            "{'a': 1}",
            "{\"a\": 1} 2",
            "\u{1b}",
        ] {
            assert!(reason(text).starts_with("x.json:1: "), "{text}");
        }
        for bracket in ["[", "{\"a\":", "[{\"a\":["] {
            assert!(reason(&bracket.repeat(100_000)).contains("depth"));
        }
    }
}
