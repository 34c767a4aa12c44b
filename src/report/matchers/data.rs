//! The matchers, read once from `templates/matchers`.
//!
//! ```toml
//! [[matcher]]
//! words = ["--> "]       # a line without any of them is not looked at
//! line = '…'             # names a place: groups file or class, line, column, end_line, end_column; also severity, code,
//!                        # message, test
//! heading = '…'          # an earlier line, however far above, that names the test that is spoken of: group test
//! in-test = true         # only below such a line
//! above = '…'            # what is missing stands in an earlier line
//! reach = 3              # at most so many lines up, empty ones and those that name places not counted; 1 if left out
//! whole-block = true     # of several such lines in a row, the first
//! once = true            # of several places below the same line, the first that is a file of the workspace
//! below = '…'            # the message, or the test, stands in the next line
//! below-that = '…'       # and the message in the one after it
//! message = "…"          # unless anything else gives one
//! search = true          # the file is named without its directory
//! ```

use std::collections::BTreeMap;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use include_dir::{Dir, include_dir};
use regex::{Regex, RegexSet};
use toml_edit::{Document, Item, Table};

static FILES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/templates/matchers");

/// In this order, they are tried on a line. What is not listed comes last: it takes what is like many others.
const FIRST: [&str; 5] = [
    "rust.toml",
    "python.toml",
    "node.toml",
    "go.toml",
    "java.toml",
];

/// All of them.
pub static MATCHERS: LazyLock<Matchers> = LazyLock::new(Matchers::read);

/// All matchers, prepared for looking for all at once.
pub struct Matchers {
    pub all: Vec<Matcher>,
    /// The words of all.
    pub words: AhoCorasick,
    /// The `line` of each.
    pub lines: RegexSet,
    /// Every `heading`, and which matchers it is of.
    pub headings: RegexSet,
    pub headed: Vec<Vec<usize>>,
}

/// How one kind of remark looks.
#[derive(Debug)]
pub struct Matcher {
    pub line: Regex,
    pub above: Option<Regex>,
    pub reach: usize,
    pub whole_block: bool,
    pub once: bool,
    pub below: Option<Regex>,
    pub below_that: Option<Regex>,
    pub heading: Option<Regex>,
    pub in_test: bool,
    pub message: Option<String>,
    pub search: bool,
    words: Vec<String>,
}

impl Matchers {
    fn read() -> Self {
        let text = |name: &str| FILES.get_file(name).and_then(|it| it.contents_utf8());
        let rank = |name: &str| FIRST.iter().position(|it| *it == name);
        let mut names: BTreeMap<_, _> = BTreeMap::new();
        for file in FILES.files() {
            if let Some(name) = file.path().to_str() {
                names.insert((rank(name).unwrap_or(FIRST.len()), name), name);
            }
        }
        let mut all = Vec::new();
        for name in names.values() {
            let document = Document::parse(text(name).expect("matchers are text"));
            let document = document.expect("matchers are well-formed");
            let tables = document["matcher"].as_array_of_tables();
            all.extend(tables.into_iter().flatten().map(matcher));
        }
        let words: Vec<&String> = all.iter().flat_map(|it: &Matcher| &it.words).collect();
        let lines = all.iter().map(|it| it.line.as_str());
        let mut headed: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (at, it) in all.iter().enumerate() {
            if let Some(heading) = &it.heading {
                headed.entry(heading.as_str()).or_default().push(at);
            }
        }
        Self {
            headings: RegexSet::new(headed.keys()).expect("headings are valid together"),
            headed: headed.values().cloned().collect(),
            words: AhoCorasick::new(words).expect("there are few words"),
            lines: RegexSet::new(lines).expect("matchers are valid together"),
            all,
        }
    }
}

fn matcher(table: &Table) -> Matcher {
    let text = |key: &str| table.get(key).and_then(Item::as_str);
    let regex = |key: &str| text(key).map(|it| Regex::new(it).expect("matchers are valid"));
    let is_set = |key: &str| table.get(key).and_then(Item::as_bool).unwrap_or(false);
    let words = table["words"].as_array().into_iter().flatten();
    let reach = table.get("reach").and_then(Item::as_integer).unwrap_or(1);
    Matcher {
        line: regex("line").expect("each matcher has a line"),
        above: regex("above"),
        reach: usize::try_from(reach).unwrap_or(1),
        whole_block: is_set("whole-block"),
        once: is_set("once"),
        below: regex("below"),
        below_that: regex("below-that"),
        heading: regex("heading"),
        in_test: is_set("in-test"),
        message: text("message").map(str::to_owned),
        search: is_set("search"),
        words: words
            .filter_map(|it| it.as_str().map(str::to_owned))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_matcher_is_well_formed() {
        assert!(MATCHERS.all.len() > 20);
        for matcher in &MATCHERS.all {
            let line = matcher.line.as_str();
            assert!(!matcher.words.is_empty(), "{line}");
            let of = |regex: &Option<Regex>| -> Vec<String> {
                let names = regex.iter().flat_map(Regex::capture_names);
                names.flatten().map(str::to_owned).collect()
            };
            let groups = [
                of(&Some(matcher.line.clone())),
                of(&matcher.above),
                of(&matcher.below),
            ]
            .concat();
            let has = |name: &str| groups.iter().any(|it| it == name);
            assert!((has("file") || has("class")) && has("line"), "{line}");
            let headings = of(&matcher.heading);
            assert!(headings.is_empty() || headings == ["test"], "{line}");
            assert!(!matcher.in_test || !headings.is_empty(), "{line}");
            assert!(has("message") || has("code") || matcher.message.is_some());
        }
    }
}
