//! The values of a preset's parameters for one service: what the service says, else what is found, else the default.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::parameter;
use crate::config::preset::{LookUp, LookedUp, Preset, Uses};
use crate::config::problem::Findings;
use crate::model::path::FilePath;
use crate::model::suggest::nearest;
use crate::model::target::ParameterKind;

/// What templates of a preset see of one service: parameters by name, and what they know of the service itself.
pub type Values = BTreeMap<String, Value>;

/// The values for the service `name` at `path`. A parameter that has none is left out.
pub fn values(
    findings: &mut Findings,
    preset: &Preset,
    uses: &Uses,
    (name, path): (&str, &FilePath),
    there: &LookedUp,
) -> Values {
    let mut values = Values::new();
    for (key, parameter) in &preset.parameters {
        let found = parameter
            .look_up
            .as_ref()
            .and_then(|it| it.find(path, there));
        let value = found.map(|it| it.0).or_else(|| parameter.default.clone());
        values.extend(value.map(|value| (key.clone(), value)));
    }
    for (key, node) in &uses.parameters {
        let Some(parameter) = preset.parameters.get(key.text) else {
            let known = || preset.parameters.keys().map(String::as_str);
            let names: Vec<&str> = known().collect();
            let otherwise = match names.as_slice() {
                [] => "it has none".to_owned(),
                names => format!("its parameters are {}", names.join(", ")),
            };
            let message = format!(
                "`{}` is not a parameter of the preset `{}`",
                key.text.escape_debug(),
                preset.name
            );
            findings
                .add(key.place, message)
                .did_you_mean(nearest(key.text, known()), &otherwise);
            continue;
        };
        let what = format!("`{}`", key.text);
        if let Some(value) = parameter::value(findings, &what, *node, parameter.kind) {
            values.insert(key.text.to_owned(), value);
        }
    }
    for (key, parameter) in &preset.parameters {
        let is_said = uses.parameters.iter().any(|(said, _)| said.text == key);
        if parameter.is_required && !is_said && !values.contains_key(key) {
            let about = match parameter.about.as_str() {
                "" => String::new(),
                about => format!(": {about}"),
            };
            findings
                .add(
                    uses.preset.place,
                    format!("the preset `{}` needs `{key}`{about}", preset.name),
                )
                .hint(format!(
                    "write `uses = {{ preset = \"{}\", {key} = … }}`",
                    preset.name
                ))
                .absence();
            // So that nothing more is said of its templates.
            values.insert(key.clone(), "x".into());
        }
        if let Some(value) = values.get_mut(key) {
            tidy(
                value,
                parameter.kind,
                matches!(parameter.look_up, Some(LookUp::DirectoryOf(_))),
            );
        }
    }
    let path = path.display();
    let up = match path.is_empty() {
        true => ".".to_owned(),
        false => vec![".."; path.split('/').count()].join("/"),
    };
    values.insert("above".into(), above(&path).into());
    let shown = if path.is_empty() { "." } else { &path };
    values.insert("name".into(), name.into());
    values.insert("path".into(), shown.into());
    values.insert("up".into(), up.into());
    values
}

/// A text that is the same for the same values of `names`, and for no others.
pub fn fingerprint(values: &Values, names: &[String]) -> String {
    let mut text = String::new();
    for name in names {
        match values.get(name) {
            None => text.push('-'),
            Some(Value::String(value)) => {
                text.push_str(&format!("={}:", value.len()));
                text.push_str(value);
            }
            Some(value) => {
                let value = value.to_string();
                text.push_str(&format!("#{}:{value}", value.len()));
            }
        }
    }
    text
}

/// Every directory above `path` as the beginning of a pattern, with a slash behind each: `{a/b/,a/,}`.
fn above(path: &str) -> String {
    let ends = path.match_indices('/').map(|(at, _)| at);
    let directories = ends.map(|end| globset::escape(&path[..end]).replace(',', "[,]") + "/");
    let mut directories: Vec<String> = directories.collect();
    if directories.is_empty() {
        return String::new();
    }
    directories.reverse();
    format!("{{{},}}", directories.join(","))
}

/// One text stands for a list of it, and a directory has no slashes at its ends.
fn tidy(value: &mut Value, kind: ParameterKind, is_directory: bool) {
    match value {
        Value::String(_) if kind == ParameterKind::List => {
            *value = Value::Array(vec![value.take()]);
        }
        Value::String(text) if is_directory => {
            let plain = text.trim_matches('/');
            let plain = plain.strip_prefix("./").unwrap_or(plain);
            *text = if plain == "." { "" } else { plain }.to_owned();
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directories_above_are_the_beginning_of_a_pattern() {
        let check = |path: &str, expected: &str| assert_eq!(above(path), expected, "{path}");
        check("", "");
        check("api", "");
        check("services/api", "{services/,}");
        check("a/b/c", "{a/b/,a/,}");
        check("a,{b/c", "{a[,][{]b/,}");
    }
}
