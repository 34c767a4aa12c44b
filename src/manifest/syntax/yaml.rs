//! YAML: documents to values, with anchors and merge keys (`<<`) put in. Small files that mean gigabytes are refused.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

use crate::manifest::error::Error;
use crate::manifest::syntax::node::{Entry, Node, Value};
use crate::model::path::FilePath;

/// Nobody nests deeper; recursion stays within the stack.
const MOST_NESTED: usize = 100;
/// About how many bytes the copies that aliases ask for may take in all.
const MOST_COPIED: usize = 32 << 20;

/// All documents of a file. Empty ones are null.
pub fn documents(file: &FilePath, text: &str) -> Result<Vec<Node>, Error> {
    // The tools themselves let a closing bracket stand below the key that it belongs to.
    strict(file, text).or_else(|error| match indented(text) {
        Some(text) => strict(file, &text).map_err(|_| error),
        None => Err(error),
    })
}

/// `text` with lines that begin with a closing bracket moved far in; none where there is no such line.
fn indented(text: &str) -> Option<String> {
    let closes = |line: &&str| line.trim_start().starts_with([']', '}']);
    text.lines().find(closes)?;
    let lines = text.split_inclusive('\n').map(|line| match closes(&line) {
        true => format!("{:64}{line}", ""),
        false => line.to_owned(),
    });
    Some(lines.collect())
}

fn strict(file: &FilePath, text: &str) -> Result<Vec<Node>, Error> {
    let mut parser = Parser::new_from_str(text);
    let mut loader = Loader::default();
    while let Some(event) = parser.next_event() {
        let (event, span) = event.map_err(|error| fault(file, &error))?;
        let line = span.start.line() as u32;
        loader
            .take(event, span)
            .map_err(|reason| Error::at(file, line, reason))?;
    }
    Ok(loader.documents)
}

/// The first document of a file, null where there is none.
pub fn document(file: &FilePath, text: &str) -> Result<Node, Error> {
    let first = documents(file, text)?.into_iter().next();
    Ok(first.unwrap_or(Node {
        line: 1,
        value: Value::Word(String::new()),
    }))
}

fn fault(file: &FilePath, error: &ScanError) -> Error {
    Error::at(file, error.marker().line() as u32, error.info())
}

/// Puts values together from events.
#[derive(Default)]
struct Loader {
    documents: Vec<Node>,
    /// Lists and tables that have begun, the innermost last.
    open: Vec<Open>,
    anchors: HashMap<usize, Node>,
    copied: usize,
}

struct Open {
    line: u32,
    /// 0: none.
    anchor: usize,
    what: Collected,
}

enum Collected {
    List(Vec<Node>),
    Table {
        entries: Vec<Entry>,
        /// Of the entry whose value comes next. The inner one is none where it is no text, such as a list.
        name: Option<Option<(String, u32)>>,
    },
}

impl Loader {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), &'static str> {
        let line = span.start.line() as u32;
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let value = scalar(text, style, tag);
                self.finish(Node { line, value }, anchor)
            }
            Event::SequenceStart(anchor, _) => {
                self.begin(line, anchor, Collected::List(Vec::new()))
            }
            Event::MappingStart(anchor, _) => {
                let (entries, name) = (Vec::new(), None);
                self.begin(line, anchor, Collected::Table { entries, name })
            }
            Event::SequenceEnd | Event::MappingEnd => self.end(),
            Event::Alias(anchor) => {
                let node = self.anchors.get(&anchor);
                let node = node.ok_or("an alias stands within what it means")?;
                let node = copy(node, &mut self.copied)?;
                self.finish(Node { line, ..node }, 0)
            }
            Event::DocumentEnd => {
                self.anchors.clear();
                Ok(())
            }
            _ => Ok(()),
        }
    }

    fn begin(&mut self, line: u32, anchor: usize, what: Collected) -> Result<(), &'static str> {
        if self.open.len() >= MOST_NESTED {
            return Err("it is nested too deeply");
        }
        self.open.push(Open { line, anchor, what });
        Ok(())
    }

    fn end(&mut self) -> Result<(), &'static str> {
        let Some(Open { line, anchor, what }) = self.open.pop() else {
            return Ok(());
        };
        let value = match what {
            Collected::List(items) => Value::List(items),
            Collected::Table { entries, .. } => Value::Table(merged(entries)),
        };
        self.finish(Node { line, value }, anchor)
    }

    /// Puts a whole value where it belongs.
    fn finish(&mut self, node: Node, anchor: usize) -> Result<(), &'static str> {
        if anchor > 0 {
            let kept = copy(&node, &mut self.copied)?;
            self.anchors.insert(anchor, kept);
        }
        match self.open.last_mut().map(|it| &mut it.what) {
            None => self.documents.push(node),
            Some(Collected::List(items)) => items.push(node),
            Some(Collected::Table { entries, name }) => match name.take() {
                None => *name = Some(node.scalar().map(|it| (it.to_owned(), node.line))),
                Some(None) => {}
                Some(Some((name, line))) => entries.push(Entry { name, line, node }),
            },
        }
        Ok(())
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle, tag: Option<Cow<'_, Tag>>) -> Value {
    let is_plain = matches!(style, ScalarStyle::Plain);
    match is_plain && tag.is_none() && is_word(&text) {
        true => Value::Word(text.into_owned()),
        false => Value::Text(text.into_owned()),
    }
}

/// Whether an unquoted text means something else than itself. Dates and the truths of YAML 1.1 (`yes`, `off`) are texts.
fn is_word(text: &str) -> bool {
    match text.as_bytes() {
        [] | b"~" | b"null" | b"Null" | b"NULL" => true,
        b"true" | b"True" | b"TRUE" | b"false" | b"False" | b"FALSE" => true,
        [b'0'..=b'9' | b'-' | b'+' | b'.', ..] => {
            text.parse::<f64>().is_ok()
                || text.strip_prefix("0x").is_some_and(is_hexadecimal)
                || text.strip_prefix("0o").is_some_and(is_hexadecimal)
        }
        _ => false,
    }
}

fn is_hexadecimal(digits: &str) -> bool {
    !digits.is_empty() && digits.bytes().all(|it| it.is_ascii_hexdigit())
}

/// A copy, if that many may still be made.
fn copy(node: &Node, copied: &mut usize) -> Result<Node, &'static str> {
    *copied += weight(node);
    match *copied > MOST_COPIED {
        true => Err("its aliases stand for more than fits"),
        false => Ok(node.clone()),
    }
}

/// About how many bytes a value takes.
fn weight(node: &Node) -> usize {
    let inner = match &node.value {
        Value::Text(text) | Value::Word(text) => text.len(),
        Value::List(items) => items.iter().map(weight).sum(),
        Value::Table(entries) => {
            let weights = entries
                .iter()
                .map(|it| 32 + it.name.len() + weight(&it.node));
            weights.sum()
        }
    };
    48 + inner
}

/// The entries with those of merge keys put in, which never win over the table's own. Of several the first wins.
fn merged(entries: Vec<Entry>) -> Vec<Entry> {
    if !entries.iter().any(|it| it.name == "<<") {
        return entries;
    }
    let (merge, mut entries): (Vec<_>, Vec<_>) =
        entries.into_iter().partition(|it| it.name == "<<");
    let mut names: HashSet<String> = entries.iter().map(|it| it.name.clone()).collect();
    for entry in merge {
        let tables = match entry.node.value {
            Value::List(items) => items,
            _ => vec![entry.node],
        };
        for table in tables {
            let Value::Table(more) = table.value else {
                continue;
            };
            entries.extend(more.into_iter().filter(|it| names.insert(it.name.clone())));
        }
    }
    entries
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Node, Error> {
        document(&"x.yaml".into(), text)
    }

    fn good(text: &str) -> Node {
        read(text).expect("good YAML")
    }

    fn reason(text: &str) -> String {
        read(text).expect_err("bad YAML").to_string()
    }

    #[test]
    fn values_know_their_lines() {
        let node = good("a:\r\n  b: x\r\n  c:\r\n  - 1\r\n  - 'two'\r\n");
        let entry = node.find("a").unwrap().entry("b").unwrap();
        assert_eq!(
            (entry.line, entry.node.line, entry.node.text()),
            (2, 2, Some("x"))
        );
        let list = node.at(&["a", "c"]).unwrap();
        assert_eq!(list.texts().collect::<Vec<_>>(), [(5, "two")]);
        assert_eq!(list.items()[0].scalar(), Some("1"));
    }

    #[test]
    fn only_unquoted_words_are_words() {
        let check = |text: &str, expected: bool| {
            let node = good(text);
            assert_eq!(matches!(node.value, Value::Word(_)), expected, "{text}");
        };
        check("true", true);
        check("~", true);
        check("", true);
        check("-1.5e3", true);
        check("0x1f", true);
        check("'true'", false);
        check("1.2.3", false);
        check("-", false);
        check("yes", false);
        check("!!str 12", false);
        assert_eq!(good("True").truth(), Some(true));
        assert_eq!(good("'true'").truth(), None);
    }

    #[test]
    fn each_document_counts() {
        let nodes = documents(&"x.yaml".into(), "a: 1\n---\nb: 2\n---\n").unwrap();
        assert_eq!(nodes.len(), 3);
        assert!(nodes[1].find("b").is_some());
    }

    #[test]
    fn aliases_and_merge_keys_are_put_in() {
        let text = "x: &base\n  image: a\n  build: .\nb:\n  <<: *base\n  image: c\nd:\n  <<: [*base, {e: 1, image: no}]\nf: *base\n";
        let node = good(text);
        assert_eq!(node.at(&["b", "image"]).unwrap().text(), Some("c"));
        assert_eq!(node.at(&["b", "build"]).unwrap().text(), Some("."));
        assert_eq!(node.at(&["d", "image"]).unwrap().text(), Some("a"));
        assert_eq!(node.at(&["d", "e"]).unwrap().scalar(), Some("1"));
        assert_eq!(node.at(&["f"]).unwrap().line, 9);
        assert_eq!(node.at(&["f", "image"]).unwrap().line, 2);
    }

    #[test]
    fn the_last_of_equal_names_counts_and_others_are_left_out() {
        let node = good("a: 1\na: 2\n[x]: 3\n? {b: c}\n: 4\n");
        assert_eq!(node.find("a").unwrap().scalar(), Some("2"));
        assert_eq!(node.entries().len(), 2);
    }

    #[test]
    fn bombs_are_refused() {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..60 {
            let before = format!("*a{}, ", level - 1).repeat(9);
            text += &format!("a{level}: &a{level} [{before}]\n");
        }
        assert!(
            reason(&text).contains("more than fits"),
            "{}",
            reason(&text)
        );
        let long = "x".repeat(100_000);
        let text = format!("a: &a {long}\nb: [{}]\n", "*a, ".repeat(100_000));
        assert!(reason(&text).contains("more than fits"));
        for bracket in ["[", "{", "- ", "? ", "[{a: ", "{a: ["] {
            assert!(
                reason(&bracket.repeat(100_000)).starts_with("x.yaml:1: "),
                "{bracket}"
            );
        }
        assert!(reason("a: &a [*a]\n").contains("alias"));
    }

    #[test]
    fn faults_name_the_line_and_obey_nobody() {
        assert!(reason("a: b\nc: [\n").starts_with("x.yaml:"));
        let told = reason("a: *\u{1b}[31m\n");
        assert!(!told.contains('\u{1b}'), "{told}");
    }
}
