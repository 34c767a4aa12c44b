//! minijinja, as scaffolds use it: files, their names and defaults of parameters are templates.

use std::sync::LazyLock;

use minijinja::syntax::SyntaxConfig;
use minijinja::{AutoEscape, Environment, Error, UndefinedBehavior, Value};

use crate::model::suggest::nearest;
use crate::scaffold::names;

/// About how many steps one template may take: far more than any file needs.
const FUEL: u64 = 500_000;

/// What minijinja itself brings.
const FUNCTIONS: [&str; 4] = ["range", "dict", "namespace", "debug"];

static ENGINE: LazyLock<Environment<'static>> = LazyLock::new(|| {
    let mut engine = Environment::new();
    engine.set_undefined_behavior(UndefinedBehavior::Strict);
    engine.set_auto_escape_callback(|_| AutoEscape::None);
    // `{#` would begin a comment in `${#name}`, which is plain shell.
    let syntax = SyntaxConfig::builder()
        .comment_delimiters("<%#", "#%>")
        .trim_blocks(true)
        .lstrip_blocks(true)
        .keep_trailing_newline(true)
        .build();
    engine.set_syntax(syntax.expect("the marks differ from each other"));
    engine.add_filter("quoted", quoted);
    names::add_to(&mut engine);
    // A template comes from a repository, and must not hold up whoever uses it.
    engine.set_fuel(Some(FUEL));
    engine
});

/// What is wrong with a template.
#[derive(Debug, PartialEq, Eq)]
pub struct Wrong {
    pub line: Option<usize>,
    pub words: String,
    pub nearest: Option<String>,
}

/// What `template` makes of `facts`, which hold `known` names.
///
/// # Errors
/// What is wrong with it.
pub fn render(template: &str, facts: &Value, known: &[String]) -> Result<String, Wrong> {
    let compiled = ENGINE
        .template_from_str(template)
        .map_err(|it| wrong(&it))?;
    let mut used: Vec<String> = compiled.undeclared_variables(false).into_iter().collect();
    used.sort_unstable();
    let is_unknown = |name: &&String| !known.contains(name) && !FUNCTIONS.contains(&name.as_str());
    if let Some(name) = used.iter().find(is_unknown) {
        let line = template
            .lines()
            .position(|line| line.contains(name.as_str()));
        return Err(Wrong {
            line: line.map(|it| it + 1),
            words: format!("there is no `{}`", name.escape_debug()),
            nearest: nearest(name, known.iter().map(String::as_str)).map(str::to_owned),
        });
    }
    compiled.render(facts).map_err(|it| wrong(&it))
}

fn wrong(error: &Error) -> Wrong {
    let detail = error.detail().map(|it| format!(": {it}"));
    Wrong {
        line: error.line(),
        words: format!("{}{}", error.kind(), detail.unwrap_or_default()),
        nearest: None,
    }
}

/// A text in double quotes, as JSON, TOML, YAML and most languages read it.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use minijinja::context;

    use super::*;

    #[test]
    fn templates_become_text() {
        let known = ["name".to_owned(), "is_on".to_owned()];
        let facts = context! { name => "price-list", is_on => false };
        let check = |template: &str, expected: &str| {
            let found = render(template, &facts, &known);
            assert_eq!(found.as_deref(), Ok(expected), "{template}");
        };
        check("a {{ name }}\n", "a price-list\n");
        check(
            "{{ name | snake }} {{ name | pascal }}",
            "price_list PriceList",
        );
        check("{{ 'a\"b' | quoted }}", r#""a\"b""#);
        check("a\n{% if is_on %}\nb\n{% endif %}\nc\n", "a\nc\n");
        check("${#name} <%# nothing #%>", "${#name} ");
    }

    #[test]
    fn what_is_wrong_is_said_with_its_line() {
        let known = ["name".to_owned()];
        let check = |template: &str, line: usize, words: &str, near: Option<&str>| {
            let error = render(template, &context! { name => "x" }, &known).unwrap_err();
            assert_eq!(error.line, Some(line), "{template}");
            assert!(error.words.contains(words), "{}", error.words);
            assert_eq!(error.nearest.as_deref(), near);
        };
        check("a\n{{ nam }}", 2, "there is no `nam`", Some("name"));
        check("a\nb\n{% if %}", 3, "syntax error", None);
        check("\n{{ name | nope }}", 2, "unknown filter", None);
        let forever = "{% for a in range(9999) %}".repeat(4) + &"{% endfor %}".repeat(4);
        check(&forever, 1, "fuel", None);
    }
}
