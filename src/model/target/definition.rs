//! What a target is: its parameters and its steps.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::model::deploy::Health;

/// The parameter that every deploy has: where the service answers.
pub const URL: &str = "url";

/// The target that `svc` does itself.
pub const PROCESS: &str = "process";

/// How services get into an environment.
#[derive(Clone, Debug, PartialEq)]
pub struct Target {
    pub name: String,
    pub about: String,
    /// `svc` does it itself; there are no commands.
    pub is_embedded: bool,
    /// Whether `replicas` is passed on.
    pub can_scale: bool,
    /// Where a service answers, unless its `url` says otherwise.
    pub url: Option<String>,
    /// How to find out that a service is well, unless its `health` says otherwise.
    pub health: Option<Health>,
    pub parameters: BTreeMap<String, Parameter>,
    /// Templates of commands.
    pub steps: BTreeMap<Step, Vec<String>>,
    /// The text of its file, where that is the workspace's own.
    pub own: Option<String>,
}

/// Something that a target can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Step {
    /// Brings a release.
    Deploy,
    /// Goes back to what ran before. Without it, that is deployed again.
    Rollback,
    /// Goes back where it is not known well enough what ran before to deploy it again.
    Undo,
    /// Takes the service away.
    Remove,
    /// Shows what runs, for people.
    Status,
    /// Fails if something that a deploy needs is gone. Changes nothing.
    Check,
}

impl Step {
    /// Every step.
    pub const ALL: [Self; 6] = [
        Self::Deploy,
        Self::Rollback,
        Self::Undo,
        Self::Remove,
        Self::Status,
        Self::Check,
    ];

    /// The key of the step.
    pub fn name(self) -> &'static str {
        match self {
            Self::Deploy => "deploy",
            Self::Rollback => "rollback",
            Self::Undo => "undo",
            Self::Remove => "remove",
            Self::Status => "status",
            Self::Check => "check",
        }
    }
}

/// Something that a target has to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Parameter {
    pub kind: ParameterKind,
    pub is_required: bool,
    pub default: Option<Value>,
    pub about: String,
    /// Whether it names files that are a part of the deploy.
    pub inputs: Option<InputKind>,
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterKind {
    Text,
    /// A whole number.
    Number,
    Flag,
    /// Strings; one alone may stand without brackets.
    List,
    /// A file or directory, relative to the service; with a leading `/`, to the workspace.
    Path,
    /// Strings by name.
    Table,
}

/// How the files that a parameter names are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InputKind {
    /// The file itself, or all files below a directory.
    Files,
    /// And what kustomizations among them refer to.
    Kustomization,
    /// And what compose files among them refer to.
    Compose,
    /// And the charts beside it that a chart depends on.
    Chart,
}

impl Target {
    /// The templates of a step; none if the target has no such step.
    pub fn commands(&self, step: Step) -> &[String] {
        self.steps.get(&step).map_or(&[], Vec::as_slice)
    }

    /// The names of all parameters, with the one that every target has.
    pub fn parameter_names(&self) -> impl Iterator<Item = &str> {
        let own = self.parameters.keys().map(String::as_str);
        own.chain([URL])
    }

    /// The parameter `name`.
    pub fn parameter(&self, name: &str) -> Option<&Parameter> {
        static EVERY: Parameter = Parameter {
            kind: ParameterKind::Text,
            is_required: false,
            default: None,
            about: String::new(),
            inputs: None,
        };
        let of_every = (name == URL).then_some(&EVERY);
        self.parameters.get(name).or(of_every)
    }
}

impl Parameter {
    /// Whether what it holds are paths.
    pub fn holds_paths(&self) -> bool {
        self.kind == ParameterKind::Path || self.inputs.is_some()
    }
}

impl ParameterKind {
    /// What a value has to be, for people.
    pub fn wanted(self) -> &'static str {
        match self {
            Self::Text => "a string",
            Self::Number => "a whole number",
            Self::Flag => "`true` or `false`",
            Self::List => "a string or a list of strings",
            Self::Path => "a path",
            Self::Table => "a table of strings",
        }
    }
}

/// Whether `value` can be given for a parameter of that kind. No text may hold a zero byte: no command could be given it.
pub fn fits(kind: ParameterKind, value: &Value) -> bool {
    let is_text = |value: &Value| value.as_str().is_some_and(|text| !text.contains('\0'));
    match (kind, value) {
        (ParameterKind::Text, value) => is_text(value),
        (ParameterKind::Path, value) => is_text(value) && value.as_str() != Some(""),
        (ParameterKind::Number, value) => value.is_i64() || value.is_u64(),
        (ParameterKind::Flag, value) => value.is_boolean(),
        (ParameterKind::List, Value::Array(items)) => items.iter().all(is_text),
        (ParameterKind::List, value) => is_text(value),
        (ParameterKind::Table, Value::Object(pairs)) => {
            let scalar = |it: &Value| is_text(it) || it.is_number() || it.is_boolean();
            pairs.values().all(scalar) && pairs.keys().all(|name| !name.contains('\0'))
        }
        (ParameterKind::Table, _) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_their_kinds() {
        let check = |kind, value: Value, expected| {
            assert_eq!(fits(kind, &value), expected, "{kind:?} {value}");
        };
        check(ParameterKind::Text, json!("x"), true);
        check(ParameterKind::Text, json!(1), false);
        check(ParameterKind::Text, json!("a\0b"), false);
        check(ParameterKind::Path, json!(""), false);
        check(ParameterKind::Number, json!(-1), true);
        check(ParameterKind::Number, json!(1.5), false);
        check(ParameterKind::Flag, json!("true"), false);
        check(ParameterKind::List, json!("x"), true);
        check(ParameterKind::List, json!(["x", 1]), false);
        check(ParameterKind::Table, json!({ "a": 1, "b": "x" }), true);
        check(ParameterKind::Table, json!({ "a": [] }), false);
        check(ParameterKind::Table, json!([]), false);
    }
}
