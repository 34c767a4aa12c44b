//! The values of a preset's parameters for one service: what the service says, else what is found, else the default.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::Value;

use crate::config::parameter;
use crate::config::preset::{LookUp, LookedUp, Preset, Uses};
use crate::config::problem::Findings;
use crate::model::path::FilePath;
use crate::model::suggest::nearest;
use crate::model::target::ParameterKind;

/// What templates of a preset see of one service: parameters by name, and what they know of the service itself.
pub type Values<'p> = BTreeMap<&'p str, Cow<'p, Value>>;

/// The values for the service `name` at `path`. A parameter that has none is left out.
pub fn values<'p>(
    findings: &mut Findings,
    preset: &'p Preset,
    uses: &Uses,
    (name, path): (&str, &FilePath),
    there: &LookedUp,
) -> Values<'p> {
    let mut values = Values::new();
    for (key, parameter) in &preset.parameters {
        let found = parameter
            .look_up
            .as_ref()
            .and_then(|it| it.value(path, there));
        let default = || parameter.default.as_ref().map(Cow::Borrowed);
        let value = found.map(Cow::Owned).or_else(default);
        values.extend(value.map(|value| (key.as_str(), value)));
    }
    for (key, node) in &uses.parameters {
        let Some((known, parameter)) = preset.parameters.get_key_value(key.text) else {
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
            values.insert(known, Cow::Owned(value));
        }
    }
    for (key, parameter) in &preset.parameters {
        let is_said = uses.parameters.iter().any(|(said, _)| said.text == key);
        if parameter.is_required && !is_said && !values.contains_key(key.as_str()) {
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
            values.insert(key, Cow::Owned("x".into()));
        }
        if let Some(value) = values.get_mut(key.as_str()) {
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
    let shown = if path.is_empty() { "." } else { &path };
    let facts = [
        ("above", above(&path)),
        ("name", name.to_owned()),
        ("path", shown.to_owned()),
        ("up", up),
    ];
    values.extend(facts.map(|(key, fact)| (key, Cow::Owned(fact.into()))));
    values
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
fn tidy(value: &mut Cow<Value>, kind: ParameterKind, is_directory: bool) {
    match &**value {
        Value::String(text) if kind == ParameterKind::List => {
            *value = Cow::Owned(Value::Array(vec![text.as_str().into()]));
        }
        Value::String(text) if is_directory => {
            let plain = text.trim_matches('/');
            let plain = plain.strip_prefix("./").unwrap_or(plain);
            let plain = if plain == "." { "" } else { plain };
            if plain != text {
                *value = Cow::Owned(plain.into());
            }
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
