//! Templates of texts. Within commands `{{ value }}` becomes one word of the shell, whatever it holds, and a list becomes
//! several; elsewhere it stands as it is.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, ValueKind};
use minijinja::{
    AutoEscape, Environment, Error, ErrorKind, Output, Template, UndefinedBehavior, Value,
};

use crate::model::suggest::nearest;

/// What a value becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Quoting {
    /// A word of a command.
    Shell,
    /// What it is. The elements of a list stand apart by [`BETWEEN`].
    Plain,
}

/// Stands between the elements of a list that became a text. No value holds it.
pub const BETWEEN: char = '\0';

/// About how many steps a template may take: far more than any command needs.
const FUEL: u64 = 200_000;

static SHELL: LazyLock<Environment<'static>> = LazyLock::new(|| engine(write_word));
static PLAIN: LazyLock<Environment<'static>> = LazyLock::new(|| engine(write_plain));

/// Names that every template knows.
const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];

fn engine(
    write: impl Fn(&mut Output, &Value) -> Result<(), Error> + Sync + Send + 'static,
) -> Environment<'static> {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    engine.set_formatter(move |out, _, value| write(out, value));
    // `{#` would begin a comment in `${#name}`, which is plain shell.
    let syntax = SyntaxConfig::builder()
        .comment_delimiters("<%#", "#%>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    engine.set_syntax(syntax.expect("the marks differ from each other"));
    engine.add_filter("raw", raw);
    // A template comes from a repository, and must not hold up whoever reads it.
    engine.set_fuel(Some(FUEL));
    engine
}

fn engine_for(quoting: Quoting) -> &'static Environment<'static> {
    match quoting {
        Quoting::Shell => &SHELL,
        Quoting::Plain => &PLAIN,
    }
}

/// Whether anything in `text` is more than plain text.
pub fn is_template(text: &str) -> bool {
    ["{{", "{%", "<%#"].iter().any(|mark| text.contains(mark))
}

/// The name by which templates know the parameter `name`.
pub fn variable(name: &str) -> String {
    name.replace('-', "_")
}

/// Whether the name means something to every template.
pub fn is_word(name: &str) -> bool {
    matches!(name, "true" | "false" | "none" | "loop")
}

/// JSON as templates see it.
pub fn structured(value: serde_json::Value) -> Value {
    Value::from(Serde(value))
}

/// The text that `template` makes of `facts`.
///
/// # Errors
/// What is wrong, in words.
pub fn render(quoting: Quoting, template: &str, facts: Value) -> Result<String, String> {
    let rendered = engine_for(quoting).render_str(template, facts);
    rendered.map_err(|error| words(&error))
}

/// A template that is rendered many times.
pub struct Compiled<'t>(Template<'t, 't>);

/// Reads a template once for many times.
///
/// # Errors
/// What is wrong, in words.
pub fn compile(quoting: Quoting, template: &str) -> Result<Compiled<'_>, String> {
    let compiled = engine_for(quoting).template_from_str(template);
    compiled.map(Compiled).map_err(|error| words(&error))
}

impl Compiled<'_> {
    /// The text that it makes of `facts`.
    ///
    /// # Errors
    /// What is wrong, in words.
    pub fn render(&self, facts: Value) -> Result<String, String> {
        self.0.render(facts).map_err(|error| words(&error))
    }

    /// The names that it asks for.
    pub fn used(&self) -> BTreeSet<String> {
        self.0.undeclared_variables(false).into_iter().collect()
    }
}

/// The names that a template asks for; none where it is no sound template.
pub fn used(template: &str) -> BTreeSet<String> {
    let compiled = PLAIN.template_from_str(template);
    let used = compiled.map(|it| it.undeclared_variables(false));
    used.unwrap_or_default().into_iter().collect()
}

/// What is wrong with a template that sees the names `known`, tried on `samples`, and a name that may be meant, if anything
/// is. It begins with `prelude`, which lines are not counted from.
pub fn wrong(
    known: &[String],
    prelude: &str,
    template: &str,
    samples: impl IntoIterator<Item = Value>,
) -> Option<(String, Option<String>)> {
    let whole = format!("{prelude}{template}");
    let before = prelude.matches('\n').count();
    let compiled = match SHELL.template_from_str(&whole) {
        Ok(compiled) => compiled,
        Err(error) => return Some((words_from(&error, before), None)),
    };
    let mut used: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
    used.sort_unstable();
    let mut unknown = used
        .iter()
        .filter(|name| !known.contains(name) && !FUNCTIONS.contains(&name.as_str()));
    if let Some(name) = unknown.next() {
        let near = nearest(name, known.iter().map(String::as_str));
        let message = format!("there is no `{}`", name.escape_debug());
        return Some((message, near.map(str::to_owned)));
    }
    samples.into_iter().find_map(|sample| {
        let error = compiled.render(sample).err()?;
        is_certain(&error).then(|| (words_from(&error, before), None))
    })
}

/// Whether a template that failed so on made-up values fails on all of them.
fn is_certain(error: &Error) -> bool {
    matches!(
        error.kind(),
        ErrorKind::UnknownFilter
            | ErrorKind::UnknownTest
            | ErrorKind::UnknownFunction
            | ErrorKind::UnknownMethod
            | ErrorKind::MissingArgument
            | ErrorKind::TooManyArguments
            | ErrorKind::BadEscape
            | ErrorKind::OutOfFuel
    )
}

fn words(error: &Error) -> String {
    words_from(error, 0)
}

/// What is wrong, lines counted from behind the first ones.
fn words_from(error: &Error, before: usize) -> String {
    let detail = error
        .detail()
        .map(|it| format!(": {it}"))
        .unwrap_or_default();
    match error.line().map(|line| line.saturating_sub(before)) {
        Some(line) if line > 1 => format!("{}{detail} (line {line})", error.kind()),
        _ => format!("{}{detail}", error.kind()),
    }
}

/// A value as it is. For what is known to be safe within a script, such as a number.
fn raw(value: &Value) -> Value {
    Value::from_safe_string(value.to_string())
}

fn write_word(out: &mut Output, value: &Value) -> Result<(), Error> {
    if value.is_safe() {
        return out
            .write_str(value.as_str().unwrap_or_default())
            .map_err(Error::from);
    }
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            for (at, item) in value.try_iter()?.enumerate() {
                if at > 0 {
                    out.write_str(" ")?;
                }
                write_word(out, &item)?;
            }
            Ok(())
        }
        ValueKind::Bool => {
            let word = if value.is_true() { "true" } else { "false" };
            out.write_str(word).map_err(Error::from)
        }
        ValueKind::Number => out.write_str(&value.to_string()).map_err(Error::from),
        ValueKind::String => {
            let text = value.as_str().unwrap_or_default();
            let quoted =
                shlex::try_quote(text).map_err(|_| wrong_value("a text holds a zero byte"))?;
            out.write_str(&quoted).map_err(Error::from)
        }
        ValueKind::None | ValueKind::Undefined => Err(no_value()),
        _ => Err(wrong_value("a table is no word of a command")),
    }
}

fn write_plain(out: &mut Output, value: &Value) -> Result<(), Error> {
    match value.kind() {
        ValueKind::Seq | ValueKind::Iterable => {
            for (at, item) in value.try_iter()?.enumerate() {
                if at > 0 {
                    out.write_str(BETWEEN.encode_utf8(&mut [0; 4]))?;
                }
                write_plain(out, &item)?;
            }
            Ok(())
        }
        ValueKind::Bool | ValueKind::Number | ValueKind::String => {
            out.write_str(&value.to_string()).map_err(Error::from)
        }
        ValueKind::None | ValueKind::Undefined => Err(no_value()),
        _ => Err(wrong_value("a table is no text")),
    }
}

fn no_value() -> Error {
    wrong_value("it has no value; ask for it with `{% if %}` first")
}

fn wrong_value(words: &'static str) -> Error {
    Error::new(ErrorKind::InvalidOperation, words)
}

#[cfg(test)]
mod tests {
    use minijinja::context;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn values_become_words() {
        let facts = || {
            context! {
                text => "a b", quote => "it's", empty => "", list => vec!["x", "y z"], number => 5, none => (),
                flag => false, nothing => Vec::<String>::new(),
            }
        };
        let check = |template, expected: &str| {
            let rendered = render(Quoting::Shell, template, facts()).unwrap_or_else(|error| error);
            assert_eq!(rendered, expected, "{template}");
        };
        check("x {{ text }} {{ number }}", "x 'a b' 5");
        check("{{ quote }}", "\"it's\"");
        check("{{ empty }}", "''");
        check("a {{ list }} b", "a x 'y z' b");
        check("a{{ nothing }}b", "ab");
        check("{{ number|raw }}{{ text|raw }}", "5a b");
        check("{{ '--x=' ~ text }}", "'--x=a b'");
        check("{% if none %}x{% endif %}{{ flag }}", "false");
        check(
            "{% set it %}echo {{ text }}{% endset %}ssh {{ it }}",
            "ssh \"echo 'a b'\"",
        );
        check(
            "{{ none }}",
            "invalid operation: it has no value; ask for it with `{% if %}` first",
        );
        check("{{ undefined }}", "undefined value");
        check("{{ text|nope }}", "unknown filter: filter nope is unknown");
        check(
            "\n{% if %}",
            "syntax error: unexpected end of block (line 2)",
        );
    }

    #[test]
    fn outside_of_commands_values_stand_as_they_are() {
        let check = |template, expected: &str| {
            let facts = context! { text => "a b", list => vec!["x", "y"], none => (), number => 5 };
            let rendered = render(Quoting::Plain, template, facts).unwrap_or_else(|error| error);
            assert_eq!(rendered, expected, "{template}");
        };
        check("x/{{ text }}/{{ number }}", "x/a b/5");
        check("{{ list }}", "x\0y");
        check(
            "{{ none }}",
            "invalid operation: it has no value; ask for it with `{% if %}` first",
        );
    }

    #[test]
    fn a_template_that_takes_forever_is_ended() {
        let nested = "{% for a in range(9999) %}".repeat(5) + &"{% endfor %}".repeat(5);
        let error = render(Quoting::Shell, &nested, context! {}).unwrap_err();
        assert!(error.contains("fuel"), "{error}");
        let deep = format!("{{{{ {}1{} }}}}", "(".repeat(100_000), ")".repeat(100_000));
        assert!(render(Quoting::Shell, &deep, context! {}).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        #[expect(clippy::disallowed_methods, reason = "a real shell has to take the words apart")]
        fn any_text_goes_through_a_shell_unchanged(texts in prop::collection::vec("[^\0]{0,20}", 1..5)) {
            let command = render(Quoting::Shell, "printf '%s\\0' {{ texts }}", context! { texts => texts.clone() }).unwrap();
            let nested = render(Quoting::Shell, "{% set it %}printf '%s\\0' {{ texts }}{% endset %}sh -c {{ it }}", context! { texts => texts.clone() }).unwrap();
            for script in [command, nested] {
                let output = std::process::Command::new("sh").args(["-eu", "-c", &script]).output().unwrap();
                let expected: String = texts.iter().map(|text| format!("{text}\0")).collect();
                prop_assert_eq!(String::from_utf8_lossy(&output.stdout), expected);
            }
        }
    }
}
