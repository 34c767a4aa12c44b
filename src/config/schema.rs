//! The JSON schema of `services.toml`, for editors: made from the table of keys.

use serde_json::{Map, Value, json};

use crate::config::keys::{Key, Shape, TABLES, TableKind, TableRule};

/// A schema (draft 2020-12) of the whole file.
pub fn schema() -> Value {
    let mut definitions = Map::new();
    for rule in TABLES.iter().filter(|rule| rule.kind != TableKind::Root) {
        definitions.insert(title(rule.kind).into(), table(rule));
    }
    let mut schema = table(TableKind::Root.rule());
    let head = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "services.toml",
        "$defs": definitions,
    });
    if let (Some(schema), Value::Object(head)) = (schema.as_object_mut(), head) {
        schema.extend(head);
    }
    schema
}

fn table(rule: &TableRule) -> Value {
    let mut properties = Map::new();
    for key in rule.kind.keys() {
        properties.insert(key.name.into(), property(key));
    }
    let mut table = json!({
        "type": "object",
        "description": rule.meaning,
        "properties": properties,
        "additionalProperties": rule.has_parameters,
    });
    let required: &[&str] = match rule.kind {
        TableKind::Root => &["version"],
        TableKind::Service => &["path"],
        TableKind::Serve => &["run"],
        TableKind::Uses => &["preset"],
        TableKind::Target => &["deploy"],
        TableKind::TargetParameter => &["kind"],
        _ => &[],
    };
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    if rule.kind == TableKind::Health {
        let probe = |name: &str| json!({ "required": [name] });
        table["oneOf"] = json!([probe("http"), probe("tcp"), probe("command")]);
    }
    if rule.kind == TableKind::Deploy {
        table["properties"]["outputs"] = json!(false);
        table["properties"]["cache"] = json!(false);
    }
    table
}

fn property(key: &Key) -> Value {
    let mut property = shape(key.shape);
    if let Some(property) = property.as_object_mut() {
        let meaning = match key.default {
            "" => key.meaning.to_owned(),
            default => format!("{} (default: {default})", key.meaning),
        };
        property.insert("description".into(), meaning.into());
    }
    property
}

fn shape(of: Shape) -> Value {
    let text = || json!({ "type": "string", "minLength": 1, "pattern": "\\S" });
    let texts = || json!({ "type": "array", "items": text() });
    match of {
        Shape::Version => json!({ "const": 1 }),
        Shape::Text | Shape::Requirement | Shape::Path => text(),
        Shape::Word(words) => json!({ "enum": words }),
        Shape::Boolean => json!({ "type": "boolean" }),
        Shape::Number(least, most) => {
            json!({ "type": "integer", "minimum": least, "maximum": most })
        }
        Shape::Duration => {
            json!({ "type": "string", "pattern": "^\\s*([0-9]+(\\.[0-9]+)?\\s*[a-zµ]+\\s*)+$" })
        }
        Shape::Name => json!({ "type": "string", "pattern": NAME }),
        Shape::Names => json!({
            "type": "array",
            "items": { "type": "string", "pattern": NAME },
            "uniqueItems": true,
        }),
        Shape::Texts | Shape::Patterns | Shape::Needs => texts(),
        Shape::Commands => json!({ "anyOf": [text(), texts()] }),
        Shape::Variables => json!({
            "type": "array",
            "items": { "type": "string", "pattern": "^([A-Za-z_][A-Za-z0-9_]*\\*?|\\.\\.\\.)$" },
        }),
        Shape::Values => json!({
            "type": "object",
            "propertyNames": { "pattern": "^[A-Za-z_][A-Za-z0-9_]*$" },
            "additionalProperties": { "type": "string" },
        }),
        Shape::Slots => json!({
            "type": "object",
            "propertyNames": { "pattern": NAME },
            "additionalProperties": { "type": "integer", "minimum": 1, "maximum": 10_000 },
        }),
        Shape::Table(kind) => reference(kind),
        Shape::Any => json!({}),
        Shape::Files => json!({ "type": "object" }),
        Shape::TextOrTable(kind) => json!({ "anyOf": [text(), reference(kind)] }),
        Shape::Tables(kind) => by_name(reference(kind)),
        Shape::Task(kind) => task(kind),
        Shape::Tasks(kind) => tasks(kind),
        Shape::VariablesOrTables(kind) => json!({
            "anyOf": [shape(Shape::Variables), shape(Shape::Tables(kind))],
        }),
    }
}

const NAME: &str = "^[a-z0-9][a-z0-9-]{0,62}$";

fn task(kind: TableKind) -> Value {
    json!({ "anyOf": [shape(Shape::Commands), reference(kind)] })
}

/// Tasks by name. In defaults and presets, `deploy` has the keys of a deploy.
fn tasks(kind: TableKind) -> Value {
    let mut tasks = by_name(task(kind));
    tasks["properties"] = json!({ "deploy": task(TableKind::Deploy) });
    tasks
}

fn by_name(value: Value) -> Value {
    json!({
        "type": "object",
        "propertyNames": { "pattern": NAME },
        "additionalProperties": value,
    })
}

fn reference(kind: TableKind) -> Value {
    json!({ "$ref": format!("#/$defs/{}", title(kind)) })
}

fn title(kind: TableKind) -> &'static str {
    match kind {
        TableKind::Root => "file",
        TableKind::Workspace => "workspace",
        TableKind::Service => "service",
        TableKind::Task => "task",
        TableKind::Deploy => "deploy",
        TableKind::DeployEnvironment => "deploy-environment",
        TableKind::Health => "health",
        TableKind::Serve => "serve",
        TableKind::Environment => "environment",
        TableKind::Ledger => "ledger",
        TableKind::Included => "included",
        TableKind::Uses => "uses",
        TableKind::Preset => "preset",
        TableKind::Detect => "detect",
        TableKind::PresetParameter => "preset-parameter",
        TableKind::Target => "target",
        TableKind::TargetParameter => "target-parameter",
    }
}
