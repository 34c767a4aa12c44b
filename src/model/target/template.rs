//! Templates of a target's commands: what they may name.

use minijinja::Value;

use crate::model::target::definition::{ParameterKind, Target};
use crate::model::template::{self, is_word, structured, variable};

/// The names that a template may use besides the target's parameters.
pub const FACTS: [&str; 12] = [
    "env",
    "service",
    "version",
    "previous_version",
    "restores",
    "commit",
    "deploy_id",
    "replicas",
    "url",
    "values",
    "all_values",
    "workspace",
];

/// Whether no parameter may have that name, since it means something else to templates.
pub fn is_reserved(name: &str) -> bool {
    FACTS.contains(&variable(name).as_str()) || is_word(name)
}

/// What is wrong with a template of `target`, and a name that may be meant, if anything is. Every template begins with
/// the target's `prelude`, which lines are not counted from.
pub fn wrong(target: &Target, prelude: &str, template: &str) -> Option<(String, Option<String>)> {
    let parameters = target.parameters.keys().map(|name| variable(name));
    let known: Vec<String> = FACTS
        .map(str::to_owned)
        .into_iter()
        .chain(parameters)
        .collect();
    let samples = [true, false].into_iter().map(|all| sample(target, all));
    template::wrong(&known, prelude, template, samples)
}

/// Made-up values: of all parameters, or of the required ones.
fn sample(target: &Target, all: bool) -> Value {
    let facts = FACTS.map(|name| {
        let value = match name {
            "values" | "all_values" => structured(serde_json::json!({})),
            "replicas" => Value::from(all.then_some(1)),
            _ => Value::from("x"),
        };
        (name.to_owned(), value)
    });
    let parameters = target.parameters.iter().map(|(name, parameter)| {
        let value = match all || parameter.is_required {
            true => example(parameter.kind),
            false => Value::from(()),
        };
        (variable(name), value)
    });
    Value::from_pairs(facts.into_iter().chain(parameters))
}

/// A made-up value.
pub fn example(kind: ParameterKind) -> Value {
    match kind {
        ParameterKind::Text | ParameterKind::Path => Value::from("x"),
        ParameterKind::Number => Value::from(1),
        ParameterKind::Flag => Value::from(true),
        ParameterKind::List => Value::from(vec!["x"]),
        ParameterKind::Table => structured(serde_json::json!({ "x": "x" })),
    }
}
