//! Placeholders in the texts of `services.toml`: `${env}` and its like; `$$` stands for `$`.

use crate::model::name::is_valid;
use crate::model::suggest::nearest;

/// What may stand between `${` and `}`, besides values.
pub const NAMES: [&str; 7] = [
    "env",
    "service",
    "version",
    "commit",
    "deploy-id",
    "workspace",
    "url",
];

/// A stretch of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Part<'t> {
    Text(&'t str),
    Name(&'t str),
    /// A value of the service itself, or of another one.
    Value(Option<&'t str>, &'t str),
}

/// Why a placeholder cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unknown {
    pub message: String,
    pub hint: String,
}

/// The parts of `text`.
///
/// # Errors
/// The first placeholder that means nothing.
pub fn parse(text: &str) -> Result<Vec<Part<'_>>, Unknown> {
    let mut parts = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, after) = rest.split_at(at);
        if !before.is_empty() {
            parts.push(Part::Text(before));
        }
        rest = match after.as_bytes().get(1) {
            Some(b'$') => {
                parts.push(Part::Text("$"));
                &after[2..]
            }
            Some(b'{') => {
                let Some(end) = after.find('}') else {
                    return Err(unclosed(after));
                };
                parts.push(one(&after[2..end])?);
                &after[end + 1..]
            }
            _ => {
                parts.push(Part::Text("$"));
                &after[1..]
            }
        };
    }
    if !rest.is_empty() {
        parts.push(Part::Text(rest));
    }
    Ok(parts)
}

fn one(name: &str) -> Result<Part<'_>, Unknown> {
    if let Some(known) = NAMES.into_iter().find(|known| *known == name) {
        return Ok(Part::Name(known));
    }
    let value = name.strip_prefix("value.").filter(|it| !it.is_empty());
    let value = value.map(|rest| match rest.split_once('.') {
        Some((service, value)) => (Some(service), value),
        None => (None, rest),
    });
    match value {
        Some((service, value)) if service.is_none_or(is_valid) && is_valid(value) => {
            Ok(Part::Value(service, value))
        }
        _ => Err(unknown(name)),
    }
}

fn unknown(name: &str) -> Unknown {
    let shown = name.escape_debug();
    let rest = name.strip_prefix("values.");
    let near = nearest(name, NAMES).map(str::to_owned);
    let near = rest.map(|rest| format!("value.{rest}")).or(near);
    let hint = match near {
        Some(near) => format!("did you mean `${{{near}}}`?"),
        None => format!(
            "there are {}, `value.NAME` and `value.SERVICE.NAME`; write `$${{{shown}}}` for the text itself",
            NAMES.join(", ")
        ),
    };
    Unknown {
        message: format!("`${{{shown}}}` stands for nothing"),
        hint,
    }
}

fn unclosed(text: &str) -> Unknown {
    let start: String = text.chars().take(20).collect();
    Unknown {
        message: format!("`{}` has no `}}`", start.escape_debug()),
        hint: "close it, or write `$${` for the text itself".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_taken_apart() {
        let check = |text, expected: &[Part]| assert_eq!(parse(text).unwrap(), expected, "{text}");
        check("", &[]);
        check("a b", &[Part::Text("a b")]);
        check(
            "$HOME/$",
            &[Part::Text("$"), Part::Text("HOME/"), Part::Text("$")],
        );
        check(
            "k/${env}/x",
            &[Part::Text("k/"), Part::Name("env"), Part::Text("/x")],
        );
        check("$${env}", &[Part::Text("$"), Part::Text("{env}")]);
        check(
            "$$$${",
            &[Part::Text("$"), Part::Text("$"), Part::Text("{")],
        );
        check("${value.image}", &[Part::Value(None, "image")]);
        check("${value.api.image}", &[Part::Value(Some("api"), "image")]);
        check(
            "ä${env}ö",
            &[Part::Text("ä"), Part::Name("env"), Part::Text("ö")],
        );
    }

    #[test]
    fn what_means_nothing_is_told() {
        let check = |text, message: &str, hint: &str| {
            let unknown = parse(text).unwrap_err();
            assert_eq!(unknown.message, message);
            assert!(unknown.hint.contains(hint), "{}", unknown.hint);
        };
        check("${enf}", "`${enf}` stands for nothing", "`${env}`");
        check("${HOME}", "`${HOME}` stands for nothing", "`$${HOME}`");
        check("${}", "`${}` stands for nothing", "there are env");
        check("x${env", "`${env` has no `}`", "close it");
        check(
            "${values.image}",
            "`${values.image}` stands for nothing",
            "`${value.image}`",
        );
        check("${value.A}", "`${value.A}` stands for nothing", "");
        check("${value.a.b.c}", "`${value.a.b.c}` stands for nothing", "");
    }
}
