//! Damaged and hostile bytes: a clear error, never a panic.

use proptest::prelude::*;

use crate::config::parse::parse;
use crate::config::problem::FileId;
use crate::config::tests::{Memory, problems};
use crate::config::tree::{Kind, Node};
use crate::config::{Colour, Severity, load, render};

const WHOLE: &str = include_str!("whole.toml");

/// The same as `toml` makes of it, where values were read.
fn same(node: Node, value: &toml::Value) -> bool {
    match (node.kind(), value) {
        (Kind::String(a), toml::Value::String(b)) => **a == **b,
        (Kind::Integer(a), toml::Value::Integer(b)) => a == b,
        (Kind::Float(a), toml::Value::Float(b)) => a.to_bits() == b.to_bits() || a.is_nan(),
        (Kind::Boolean(a), toml::Value::Boolean(b)) => a == b,
        (Kind::Datetime(_), toml::Value::Datetime(_)) => true,
        (Kind::Array(_), toml::Value::Array(b)) => {
            let items: Vec<_> = node.items().unwrap().collect();
            items.len() == b.len() && items.iter().zip(b).all(|(a, b)| same(*a, b))
        }
        (Kind::Table(_), toml::Value::Table(b)) => {
            let table = node.table().unwrap();
            table.len() == b.len()
                && table
                    .iter()
                    .all(|(key, node)| b.get(key.text).is_some_and(|b| same(node, b)))
        }
        _ => false,
    }
}

/// Our tree and that of the `toml` crate agree: on what is valid, and on its values.
fn agrees_with_toml(text: &str) {
    let (document, errors) = parse(FileId(0), text);
    match text.parse::<toml::Table>() {
        Ok(table) => {
            assert!(errors.is_empty(), "{errors:?}\n{text}");
            let root = document.root();
            assert_eq!(root.len(), table.len(), "{text}");
            for (key, node) in root.iter() {
                assert!(same(node, &table[key.text]), "{}\n{text}", key.text);
            }
        }
        Err(error) => {
            // The date itself is looked at by `toml` alone.
            let is_date = error.message().contains("date") || error.message().contains("time");
            assert!(!errors.is_empty() || is_date, "{error}\n{text}");
        }
    }
}

#[test]
fn the_tree_is_that_of_toml() {
    for text in [
        WHOLE,
        "a.b.c = 1\na.b.d = 2\n[x.y]\nz = { q.r = 1, q.s = [1, {t = 2}] }\n[x]\nw = 1",
        "[[a]]\nb = 1\n[[a]]\nb = 2\n[a.c]\nd = 3\n[[a.e]]\n[[a.e]]",
        "a = [\n1,\n2, # c\n]\nb = '''x\ny'''\nc = \"\\u00e4\\n\"\n\"d e\" = 0x1F\nf = 1e3\ng = inf\nh = 1979-05-27T07:32:00Z",
        "[a]\n[a.b]\n[a]\n",
        "a.b = 1\n[a]\n",
        "[a]\nb.c = 1\n[a.b]\n",
        "[a.b]\n[a]\nb.c = 1",
        "a = {b = 1}\na.c = 2",
        "a = []\n[[a]]",
        "[a]\n[[a]]",
        "[[a]]\n[a]",
        "a = 1\na = 2",
        "a = {b = 1, b = 2}",
        "a = {b.c = 1, b = 2}",
        "a = 1 2",
        "a = ",
        "= 1",
        "[",
        "[a",
        "[a]]",
        "[[a]",
        "a = [",
        "a = {",
        "a = \"x",
        "a",
        "a.",
        ".a = 1",
        "a = {\n}",
        "a = {b = 1,}",
        "\u{feff}a = 1",
        "a\u{1} = 1",
        "# \u{1}",
        "a = 99999999999999999999",
        "a = {b = {c = 1}}\n[a.b]",
        "a.b.c = 1\na.b = 2",
        "[a.b.c]\n[a.b]\n[a]",
        "[a.b]\nc = 1\n[a]\nb = 2",
        "[[a.b]]\n[a]\nc = 1",
        "a = [{b = 1}]\n[[a]]",
        "a = [{b = 1}]\n[a.c]",
        "a = {b.c = 1, b.d = 2}",
        "a = { b = { c = 1 }, b.d = 2 }",
    ] {
        agrees_with_toml(text);
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 400, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_mutation_of_a_valid_file_makes_a_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), 0u8..4, any::<u8>()), 1..6)
    ) {
        let mut bytes = WHOLE.as_bytes().to_vec();
        for (at, how, byte) in edits {
            let at = at.index(bytes.len().max(1));
            bytes.resize(bytes.len().max(1), b'\n');
            match how {
                0 => bytes[at] = byte,
                1 => { bytes.remove(at); }
                2 => bytes.insert(at, b"\"'[]{}=,.#\n\\ \xc3"[byte as usize % 14]),
                _ => bytes.truncate(at + 1),
            }
        }
        let memory = Memory::default().with("services.toml", &bytes)
            .with("teams/a/services.toml", "[services.db]\npath = \"db\"\ndeploy = \"x\"");
        if let Err(invalid) = load(&memory) {
            prop_assert!(!invalid.0.problems.is_empty());
            prop_assert!(render(&invalid.0, Severity::Error, Colour::On).contains("error"));
            prop_assert_eq!(invalid.0.plain().lines().count() >= invalid.0.problems.len(), true);
        }
        if let Ok(text) = std::str::from_utf8(&bytes) {
            agrees_with_toml(text);
        }
    }

    #[test]
    fn no_mutation_of_a_target_makes_a_panic(
        edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)
    ) {
        let mut bytes = crate::config::target::embedded("ssh").unwrap().as_bytes().to_vec();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = b"\"'[]{}=,.#\n\\ %|~x\xc3"[byte as usize % 18];
        }
        let memory = Memory::new("version = 1\n[environments.x]\ntarget = \"own\"\n[services.a]\npath = \"a\"\ndeploy = {}\n")
            .with(".svc/targets/own.toml", &bytes);
        if let Err(invalid) = load(&memory) {
            prop_assert!(render(&invalid.0, Severity::Error, Colour::On).contains("error"));
        }
    }

    #[test]
    fn no_line_shuffle_makes_a_panic(lines in prop::collection::vec(any::<prop::sample::Index>(), 0..60)) {
        let all: Vec<&str> = WHOLE.lines().collect();
        let mut text = String::from("version = 1\n");
        for line in lines {
            text.push_str(all[line.index(all.len())]);
            text.push('\n');
        }
        let memory = Memory::new(&text);
        if let Err(invalid) = load(&memory) {
            render(&invalid.0, Severity::Error, Colour::Off);
        }
        agrees_with_toml(&text);
    }
}

#[test]
fn deep_nesting_is_refused() {
    for text in [
        format!("a = {}{}", "[".repeat(100_000), "]".repeat(100_000)),
        format!("a = {}", "[".repeat(100_000)),
        format!("a = {}", "{a=".repeat(100_000)),
        format!("{} = 1", vec!["a"; 100_000].join(".")),
        format!("[{}]", vec!["a"; 100_000].join(".")),
        format!("a = {{ {} = 1 }}", vec!["a"; 100_000].join(".")),
    ] {
        let found = problems(&Memory::new(&format!("version = 1\n{text}\n")));
        assert!(
            found.contains("too deeply"),
            "{}",
            &found[..found.len().min(500)]
        );
    }
}

#[test]
fn a_line_of_a_megabyte_is_named_and_not_shown() {
    let text = format!("version = 1\nx{} = 1\n", "y".repeat(1 << 20));
    let found = problems(&Memory::new(&text));
    assert!(found.len() < (3 << 20));
}

#[test]
fn escape_codes_in_a_file_do_not_reach_the_terminal() {
    let text =
        "version = 1\n\"\\u001b[31m\" = 1\n[services.\"\\u001b[2J\"]\npath = \"\\u001b]0;x\"\n";
    let found = problems(&Memory::new(text));
    assert!(!found.contains('\u{1b}'), "{found:?}");
}
