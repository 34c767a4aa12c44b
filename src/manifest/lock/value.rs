//! TOML and YAML as the values that JSON has too. Plain words of YAML stay text: `1.10` is a version there.

use saphyr_parser::{Event, Parser};
use serde_json::{Map, Value};
use toml_edit::{Document, Item};

/// Deeper than this lies nothing in a lock file.
const DEEPEST: usize = 64;

/// The value of a JSON text.
pub fn json(text: &str) -> Result<Value, String> {
    serde_json::from_str(text).map_err(|error| format!("it is not JSON: {error}"))
}

/// The value of a TOML text.
pub fn toml(text: &str) -> Result<Value, String> {
    let document = Document::parse(text);
    let document = document.map_err(|error| format!("it is not TOML: {}", error.message()))?;
    Ok(of_item(document.as_item()))
}

fn of_item(item: &Item) -> Value {
    match item {
        Item::None => Value::Null,
        Item::Value(value) => of_value(value),
        Item::Table(table) => {
            let pairs = table.iter();
            Value::Object(
                pairs
                    .map(|(key, item)| (key.to_owned(), of_item(item)))
                    .collect(),
            )
        }
        Item::ArrayOfTables(tables) => tables
            .iter()
            .map(|table| {
                let pairs = table.iter();
                pairs
                    .map(|(key, item)| (key.to_owned(), of_item(item)))
                    .collect::<Map<_, _>>()
            })
            .map(Value::Object)
            .collect(),
    }
}

fn of_value(value: &toml_edit::Value) -> Value {
    match value {
        toml_edit::Value::String(text) => Value::String(text.value().clone()),
        toml_edit::Value::Integer(number) => Value::from(*number.value()),
        toml_edit::Value::Float(number) => Value::from(*number.value()),
        toml_edit::Value::Boolean(flag) => Value::Bool(*flag.value()),
        toml_edit::Value::Datetime(time) => Value::String(time.value().to_string()),
        toml_edit::Value::Array(list) => list.iter().map(of_value).collect(),
        toml_edit::Value::InlineTable(table) => {
            let pairs = table.iter();
            Value::Object(
                pairs
                    .map(|(key, value)| (key.to_owned(), of_value(value)))
                    .collect(),
            )
        }
    }
}

/// A list or a mapping that is not at its end yet.
enum Open {
    List(Vec<Value>),
    Mapping(Map<String, Value>, Option<String>),
}

/// The value of a YAML text of one document, without anchors.
pub fn yaml(text: &str) -> Result<Value, String> {
    let (mut open, mut done): (Vec<Open>, Option<Value>) = (Vec::new(), None);
    for event in Parser::new_from_str(text) {
        let (event, _) = event.map_err(|error| format!("it is not YAML: {}", error.info()))?;
        let value = match event {
            Event::Alias(_) => return Err("it holds aliases".to_owned()),
            Event::DocumentStart(_) if done.is_some() => {
                return Err("it holds several documents".to_owned());
            }
            Event::MappingStart(..) => {
                open.push(Open::Mapping(Map::new(), None));
                None
            }
            Event::SequenceStart(..) => {
                open.push(Open::List(Vec::new()));
                None
            }
            Event::Scalar(text, ..) => Some(Value::String(text.into_owned())),
            Event::MappingEnd | Event::SequenceEnd => open.pop().map(|it| match it {
                Open::List(list) => Value::Array(list),
                Open::Mapping(pairs, _) => Value::Object(pairs),
            }),
            _ => None,
        };
        if open.len() > DEEPEST {
            return Err("it is nested too deeply".to_owned());
        }
        let Some(value) = value else { continue };
        match open.last_mut() {
            None => done = Some(value),
            Some(Open::List(list)) => list.push(value),
            Some(Open::Mapping(pairs, key)) => match (key.take(), value) {
                (None, Value::String(text)) => *key = Some(text),
                (None, _) => return Err("a key is no text".to_owned()),
                (Some(key), value) => _ = pairs.insert(key, value),
            },
        }
    }
    done.ok_or_else(|| "it is empty".to_owned())
}

/// The texts of a mapping of texts under `key`.
pub fn texts<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = (&'v str, &'v str)> {
    let pairs = value
        .get(key)
        .and_then(Value::as_object)
        .into_iter()
        .flatten();
    pairs.filter_map(|(key, value)| Some((key.as_str(), value.as_str()?)))
}

/// The keys of a mapping under `key`.
pub fn keys<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v str> {
    let pairs = value.get(key).and_then(Value::as_object).into_iter();
    pairs.flat_map(|it| it.keys()).map(String::as_str)
}

/// The values of a list under `key`.
pub fn list<'v>(value: &'v Value, key: &str) -> impl Iterator<Item = &'v Value> {
    let list = value.get(key).and_then(Value::as_array);
    list.into_iter().flatten()
}

/// The text under `key`.
pub fn text<'v>(value: &'v Value, key: &str) -> Option<&'v str> {
    value.get(key)?.as_str()
}
