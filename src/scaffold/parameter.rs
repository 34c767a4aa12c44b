//! The parameters of a template, and what they are set to.

use std::collections::BTreeMap;

use minijinja::Value;

use crate::model::suggest::nearest;
use crate::scaffold::error::Error;

/// What a template may be told besides the name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parameter {
    pub name: String,
    pub about: String,
    pub kind: Kind,
    /// Without it, one has to be given. A template itself, which sees the parameters before it.
    pub default: Option<String>,
    /// Where they are not empty, nothing else fits.
    pub choices: Vec<String>,
    /// The line of `template.toml` that it begins on.
    pub line: Option<usize>,
}

/// What a parameter holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Flag,
    /// A port of this machine. Unless one is given, it is one that no service uses.
    Port,
}

impl Kind {
    pub(crate) const ALL: [(&'static str, Self); 4] = [
        ("text", Self::Text),
        ("number", Self::Number),
        ("flag", Self::Flag),
        ("port", Self::Port),
    ];

    /// What it takes, for people.
    fn rule(self) -> &'static str {
        match self {
            Self::Text => "text on one line",
            Self::Number => "a whole number",
            Self::Flag => "true or false",
            Self::Port => "a port, from 1 to 65535",
        }
    }
}

impl Parameter {
    /// What `text` means to the parameter.
    ///
    /// # Errors
    /// What it takes instead, for people.
    pub(crate) fn value(&self, text: &str) -> Result<Value, String> {
        if !self.choices.is_empty() && !self.choices.iter().any(|it| it == text) {
            return Err(format!("one of {}", self.choices.join(", ")));
        }
        let value = match self.kind {
            Kind::Text => (!text.chars().any(char::is_control)).then(|| Value::from(text)),
            Kind::Number => text.parse::<i64>().ok().map(Value::from),
            Kind::Flag => text.parse::<bool>().ok().map(Value::from),
            Kind::Port => {
                let port = text.parse::<u16>().ok().filter(|it| *it > 0);
                port.map(Value::from)
            }
        };
        value.ok_or_else(|| self.kind.rule().to_owned())
    }
}

/// What was given, each once and known.
///
/// # Errors
/// A parameter that the template does not have, or that was given twice.
pub(crate) fn known<'g>(
    template: &str,
    parameters: &[Parameter],
    given: &'g [(String, String)],
) -> Result<BTreeMap<&'g str, &'g str>, Error> {
    let mut known = BTreeMap::new();
    for (name, value) in given {
        let all = || parameters.iter().map(|it| it.name.as_str());
        if !all().any(|it| it == name) {
            let hint = match (nearest(name, all()), all().count()) {
                (Some(near), _) => format!("did you mean `{near}`?"),
                (None, 0) => "it has no parameters".to_owned(),
                (None, _) => format!("it has {}", all().collect::<Vec<_>>().join(", ")),
            };
            let words = format!(
                "the template `{template}` has no parameter `{}`",
                name.escape_debug()
            );
            return Err(Error::Parameter { words, hint });
        }
        if known.insert(name.as_str(), value.as_str()).is_some() {
            return Err(Error::Parameter {
                words: format!("`{name}` is set twice"),
                hint: "leave one of them out".to_owned(),
            });
        }
    }
    Ok(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_fit_their_kind() {
        let check = |kind, text: &str, expected: Result<Value, &str>| {
            let parameter = Parameter {
                name: "x".into(),
                about: String::new(),
                kind,
                default: None,
                choices: vec![],
                line: None,
            };
            let found = parameter.value(text);
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check(Kind::Text, "a b", Ok(Value::from("a b")));
        check(Kind::Text, "a\nb", Err("text on one line"));
        check(Kind::Number, "-3", Ok(Value::from(-3)));
        check(Kind::Number, "3.5", Err("a whole number"));
        check(Kind::Flag, "true", Ok(Value::from(true)));
        check(Kind::Flag, "yes", Err("true or false"));
        check(Kind::Port, "8080", Ok(Value::from(8080)));
        check(Kind::Port, "0", Err("a port, from 1 to 65535"));
        check(Kind::Port, "65536", Err("a port, from 1 to 65535"));
    }
}
