//! The expressions of GitHub's workflows, as far as ours use them. Anything else is a failure of the test.

use serde_json::Value;

/// How what came before went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Status {
    pub success: bool,
    pub failure: bool,
    pub cancelled: bool,
}

/// What an expression sees.
pub struct Scope<'a> {
    /// By name: `github`, `needs`, `matrix` and their like.
    pub contexts: &'a Value,
    pub status: Status,
}

impl Scope<'_> {
    /// A text with its `${{ … }}` put in. A text that is just one keeps its value.
    pub fn text(&self, text: &str) -> Value {
        let trimmed = text.trim();
        if let Some(inner) = trimmed.strip_prefix("${{")
            && inner.find("}}") == Some(inner.len() - 2)
        {
            return self.value(&inner[..inner.len() - 2]);
        }
        let mut out = String::new();
        let mut rest = text;
        while let Some((before, after)) = rest.split_once("${{") {
            let (inner, tail) = after.split_once("}}").expect("an expression ends");
            out.push_str(before);
            out.push_str(&shown(&self.value(inner)));
            rest = tail;
        }
        out.push_str(rest);
        out.into()
    }

    /// Whether something with this `if` runs: without a word on what came before, only if that went well.
    pub fn runs(&self, condition: Option<&Value>) -> bool {
        let Some(condition) = condition else {
            return self.status.success;
        };
        let condition = condition.as_str().expect("an `if` is a text").trim();
        let inner = condition
            .strip_prefix("${{")
            .and_then(|it| it.strip_suffix("}}"));
        let inner = inner.unwrap_or(condition);
        let asks = ["always()", "cancelled()", "success()", "failure()"];
        let asks = asks.iter().any(|it| inner.contains(it));
        (asks || self.status.success) && is_true(&self.value(inner))
    }

    fn value(&self, text: &str) -> Value {
        let mut reader = Reader {
            scope: self,
            tokens: tokens(text),
            at: 0,
        };
        let value = reader.either();
        assert_eq!(reader.at, reader.tokens.len(), "all of `{text}` is read");
        value
    }
}

#[derive(Clone, Debug, PartialEq)]
enum Token {
    Word(String),
    Text(String),
    Mark(&'static str),
}

const MARKS: [&str; 9] = ["&&", "||", "==", "!=", "!", "(", ")", ",", "."];

fn tokens(text: &str) -> Vec<Token> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        if let Some(mark) = MARKS.iter().find(|it| rest.starts_with(**it)) {
            tokens.push(Token::Mark(mark));
            rest = &rest[mark.len()..];
        } else if let Some(inner) = rest.strip_prefix('\'') {
            // Two quotes stand for one.
            let inner = inner.replace("''", "\0");
            let (text, tail) = inner.split_once('\'').expect("a text ends");
            tokens.push(Token::Text(text.replace('\0', "'")));
            let tail = tail.replace('\0', "''");
            rest = &rest[rest.len() - tail.len()..];
        } else {
            let is_word = |it: char| it.is_alphanumeric() || it == '_' || it == '-';
            let end = rest.find(|it| !is_word(it)).unwrap_or(rest.len());
            assert!(end > 0, "`{rest}` in `{text}` is known");
            tokens.push(Token::Word(rest[..end].to_owned()));
            rest = &rest[end..];
        }
        rest = rest.trim_start();
    }
    tokens
}

struct Reader<'a> {
    scope: &'a Scope<'a>,
    tokens: Vec<Token>,
    at: usize,
}

impl Reader<'_> {
    fn takes(&mut self, mark: &'static str) -> bool {
        let is = self.tokens.get(self.at) == Some(&Token::Mark(mark));
        self.at += usize::from(is);
        is
    }

    fn either(&mut self) -> Value {
        let mut value = self.both();
        while self.takes("||") {
            let other = self.both();
            value = if is_true(&value) { value } else { other };
        }
        value
    }

    fn both(&mut self) -> Value {
        let mut value = self.equal();
        while self.takes("&&") {
            let other = self.equal();
            value = if is_true(&value) { other } else { value };
        }
        value
    }

    fn equal(&mut self) -> Value {
        let value = self.single();
        for (mark, wanted) in [("==", true), ("!=", false)] {
            if self.takes(mark) {
                let other = self.single();
                return (are_equal(&value, &other) == wanted).into();
            }
        }
        value
    }

    fn single(&mut self) -> Value {
        if self.takes("!") {
            return (!is_true(&self.single())).into();
        }
        if self.takes("(") {
            let value = self.either();
            assert!(self.takes(")"), "a bracket is closed");
            return value;
        }
        let token = self.tokens[self.at].clone();
        self.at += 1;
        match token {
            Token::Text(text) => text.into(),
            Token::Word(word) if self.takes("(") => self.call(&word),
            Token::Word(word) => self.named(&word),
            Token::Mark(mark) => panic!("`{mark}` is in the wrong place"),
        }
    }

    fn named(&mut self, word: &str) -> Value {
        match word {
            "true" => return true.into(),
            "false" => return false.into(),
            _ => {}
        }
        let contexts = self.scope.contexts;
        let context = contexts.get(word);
        let mut value = context
            .unwrap_or_else(|| panic!("there is no `{word}`"))
            .clone();
        while self.takes(".") {
            let Some(Token::Word(name)) = self.tokens.get(self.at).cloned() else {
                panic!("a name stands behind a dot");
            };
            self.at += 1;
            value = value.get(&name).cloned().unwrap_or_default();
        }
        value
    }

    fn call(&mut self, name: &str) -> Value {
        let mut given = Vec::new();
        while !self.takes(")") {
            given.push(self.either());
            self.takes(",");
        }
        let status = self.scope.status;
        match (name, given.as_slice()) {
            ("always", []) => true.into(),
            ("cancelled", []) => status.cancelled.into(),
            ("success", []) => status.success.into(),
            ("failure", []) => status.failure.into(),
            ("fromJSON", [text]) => serde_json::from_str(text.as_str().unwrap()).unwrap(),
            ("startsWith", [text, start]) => {
                let lower = |it: &Value| shown(it).to_lowercase();
                lower(text).starts_with(&lower(start)).into()
            }
            ("contains", [Value::Array(items), item]) => {
                items.iter().any(|it| are_equal(it, item)).into()
            }
            ("contains", [text, part]) => shown(text).contains(&shown(part)).into(),
            _ => panic!("there is no `{name}` of {given:?}"),
        }
    }
}

fn is_true(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::Bool(it) => *it,
        Value::Number(it) => it.as_f64() != Some(0.0),
        Value::String(it) => !it.is_empty(),
        Value::Array(_) | Value::Object(_) => true,
    }
}

/// Texts are compared whatever their case.
fn are_equal(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (Value::Null, Value::String(it)) | (Value::String(it), Value::Null) => it.is_empty(),
        _ => a == b,
    }
}

/// A value in a text.
pub fn shown(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(it) => it.clone(),
        Value::Array(_) | Value::Object(_) => panic!("{value} in a text"),
        other => other.to_string(),
    }
}

#[test]
fn expressions_mean_what_github_means_by_them() {
    let contexts = serde_json::json!({
        "github": {"ref": "refs/heads/main", "event_name": "push"},
        "needs": {"a-b": {"result": "success", "outputs": {"list": "[1,\"x\"]"}}},
        "inputs": {},
    });
    let status = Status {
        success: false,
        failure: true,
        cancelled: false,
    };
    let scope = Scope {
        contexts: &contexts,
        status,
    };
    let check = |text: &str, expected: Value| assert_eq!(scope.text(text), expected, "{text}");
    check(
        "a ${{ github.ref }}${{ inputs.none }}.",
        "a refs/heads/main.".into(),
    );
    check("${{ needs.a-b.result == 'SUCCESS' }}", true.into());
    check(
        "${{ contains(fromJSON(needs.a-b.outputs.list), 'x') }}",
        true.into(),
    );
    check("${{ inputs.x && ' --y' || '' }}", "".into());
    check(
        "${{ !cancelled() && (github.event_name != 'push' || failure()) }}",
        true.into(),
    );
    check(
        "${{ startsWith(github.ref, 'refs/heads/') && 'it''s' }}",
        "it's".into(),
    );
    let runs = |condition: &str| scope.runs(Some(&condition.into()));
    assert!(
        !runs("github.event_name == 'push'"),
        "what came before failed"
    );
    assert!(runs("${{ always() }}"));
    assert!(!scope.runs(None));
}
