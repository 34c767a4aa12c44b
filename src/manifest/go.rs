//! Go: `go.mod` and `go.work`, and whether a program begins in a `main.go`.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::place;
use crate::model::manifest::{Ecosystem, Makes, Manifest, Product, Said, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| matches!(name, "go.mod" | "go.work" | "main.go"),
    read,
};

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    match place::name(file) {
        "go.work" => work(&mut facts, text),
        "main.go" => {
            if let Some(line) = begins(text) {
                facts.say(line, What::Begins);
            }
        }
        _ => module(&mut facts, text),
    }
    Ok(facts.finish())
}

fn module(facts: &mut Facts, text: &str) {
    for directive in directives(text) {
        let line = directive.line;
        match (directive.verb, &directive.words[..]) {
            ("module", [name, ..]) => {
                facts.package(line, Ecosystem::Go, Some(name), Makes::Either);
                programs(facts, line, name);
            }
            // What it needs only through others, those name themselves.
            ("require", [name, ..]) if !directive.is_indirect => {
                facts.needs(line, Ecosystem::Go, *name, Tie::Declares);
            }
            ("replace", words) => {
                if let Some((name, path)) = replaced(words) {
                    facts.offers_at(line, Ecosystem::Go, name, path);
                    facts.reads(line, path, Tie::Declares);
                }
            }
            _ => {}
        }
    }
}

/// A program is called like the directory of its sources, or like the module.
fn programs(facts: &mut Facts, line: u32, module: &str) {
    let is_version = |it: &&str| {
        let digits = it.strip_prefix('v');
        digits.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
    };
    let product = Product::Program;
    let mut leaves = |said| facts.say(line, What::Leaves { product, said });
    if let Some(name) = module.rsplit('/').find(|it| !is_version(it)) {
        let (file, name) = ("main.go".to_owned(), name.to_owned());
        leaves(Said::IfThere { file, name });
    }
    let (below, ending) = ("cmd/".to_owned(), "/main.go".to_owned());
    leaves(Said::Each { below, ending });
}

/// The line by which the file belongs to a program. None where that depends on the machine.
fn begins(text: &str) -> Option<u32> {
    let mut is_comment = false;
    for (line, number) in text.lines().zip(1..) {
        let line = line.trim();
        let words: Vec<&str> = line.split_whitespace().collect();
        match words.as_slice() {
            _ if is_comment => is_comment = !line.contains("*/"),
            [] => {}
            ["//go:build" | "//+build", ..] | ["//", "+build", ..] => return None,
            ["package", "main", rest @ ..] => {
                let is_all = rest.first().is_none_or(|it| it.starts_with('/'));
                return is_all.then_some(number);
            }
            [first, ..] if first.starts_with("//") => {}
            [first, ..] if first.starts_with("/*") => is_comment = !line.contains("*/"),
            _ => return None,
        }
    }
    None
}

fn work(facts: &mut Facts, text: &str) {
    let mut first = None;
    let mut members = Vec::new();
    for directive in directives(text) {
        match (directive.verb, &directive.words[..]) {
            ("use", [path, ..]) => {
                first.get_or_insert(directive.line);
                let path = path.strip_prefix("./").unwrap_or(path);
                members.push(path.trim_end_matches('/').to_owned());
            }
            ("replace", words) => {
                if let Some((name, path)) = replaced(words) {
                    facts.offers_at(directive.line, Ecosystem::Go, name, path);
                }
            }
            _ => {}
        }
    }
    let gathers = What::Gathers {
        ecosystem: Ecosystem::Go,
        members,
        excluded: Vec::new(),
    };
    facts.say(first.unwrap_or(1), gathers);
}

/// `name [version] => path`, where what it is replaced by is a path.
fn replaced<'t>(words: &[&'t str]) -> Option<(&'t str, &'t str)> {
    let arrow = words.iter().position(|it| *it == "=>")?;
    let path = words.get(arrow + 1)?;
    let is_path = matches!(*path, "." | "..") || path.starts_with("./") || path.starts_with("../");
    is_path.then_some((words.first()?, path))
}

/// One thing that the file says, whether on a line of its own or within a block.
struct Directive<'t> {
    line: u32,
    verb: &'t str,
    words: Vec<&'t str>,
    is_indirect: bool,
}

fn directives(text: &str) -> impl Iterator<Item = Directive<'_>> {
    let mut block = None;
    text.lines().zip(1..).filter_map(move |(written, line)| {
        let (code, comment) = match written.find("//") {
            Some(at) => written.split_at(at),
            None => (written, ""),
        };
        let mut words: Vec<_> = code.split_whitespace().map(unquoted).collect();
        let verb = match (block, words.as_slice()) {
            (_, []) => return None,
            (Some(_), [")", ..]) => {
                block = None;
                return None;
            }
            (Some(verb), _) => verb,
            (None, [verb, "(", ..]) => {
                block = Some(*verb);
                return None;
            }
            (None, [verb, ..]) => match verb.strip_suffix('(') {
                Some(verb) => {
                    block = Some(verb);
                    return None;
                }
                None => words.remove(0),
            },
        };
        Some(Directive {
            line,
            verb,
            words,
            is_indirect: comment
                .trim_start_matches('/')
                .trim()
                .starts_with("indirect"),
        })
    })
}

fn unquoted(word: &str) -> &str {
    word.trim_matches(['"', '`'])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{gathers, needs, offers, package, reads};

    fn check(name: &str, text: &str, expected: &[(u32, What)]) {
        crate::manifest::testing::check(&format!("services/cart/{name}"), text, expected);
    }

    #[test]
    fn programs_begin_where_every_machine_takes_them() {
        let check = |text: &str, expected| assert_eq!(begins(text), expected, "{text}");
        check("package main\n", Some(1));
        check(
            "// Copyright\n\n/* a\npackage x\n*/\npackage main // x\n",
            Some(6),
        );
        check("package cart\n", None);
        check("//go:build ignore\n\npackage main\n", None);
        check("// +build linux\n\npackage main\n", None);
        check("", None);
        check("import x\npackage main\n", None);
    }

    #[test]
    fn a_program_is_called_like_its_module() {
        let name = |module: &str| {
            let left = crate::manifest::testing::left("go.mod", &format!("module {module}\n"));
            match &left[0] {
                Said::IfThere { name, .. } => name.clone(),
                other => panic!("{other:?}"),
            }
        };
        assert_eq!(name("example.test/shop/cart"), "cart");
        assert_eq!(name("example.test/shop/cart/v2"), "cart");
        assert_eq!(name("cart"), "cart");
        assert_eq!(name("example.test/vault"), "vault");
    }

    #[test]
    fn modules_require_and_replace() {
        let text = "// a\r\nmodule example.com/shop/cart // c\r\n\r\ngo 1.22\r\ntoolchain go1.22.1\r\nrequire example.com/shop/lib v0.0.0\r\nrequire (\r\n\texample.com/other v1.2.3\r\n\tgolang.org/x/net v0.1.0 // indirect\r\n)\r\nreplace example.com/shop/lib => ../../libs/go\r\nreplace(\r\n\texample.com/a v1.0.0 => ./a\r\n\texample.com/b => example.com/c v1.0.0\r\n\texample.com/d => /somewhere\r\n)\r\nexclude example.com/x v1.0.0\r\n";
        check(
            "go.mod",
            text,
            &[
                (
                    2,
                    package(Ecosystem::Go, Some("example.com/shop/cart"), Makes::Either),
                ),
                (
                    6,
                    needs(Ecosystem::Go, "example.com/shop/lib", Tie::Declares),
                ),
                (8, needs(Ecosystem::Go, "example.com/other", Tie::Declares)),
                (11, offers(Ecosystem::Go, "example.com/shop/lib", "libs/go")),
                (11, reads("libs/go", Tie::Declares)),
                (
                    13,
                    offers(Ecosystem::Go, "example.com/a", "services/cart/a"),
                ),
                (13, reads("services/cart/a", Tie::Declares)),
            ],
        );
        check(
            "go.mod",
            "module \"x\"\n",
            &[(1, package(Ecosystem::Go, Some("x"), Makes::Either))],
        );
        check("go.mod", "module\nrequire (\n", &[]);
    }

    #[test]
    fn workspaces_gather() {
        let text = "go 1.22\nuse ./a\nuse (\n  ./b/c/\n  ../d // e\n  .\n)\nreplace x => ./y\n";
        check(
            "go.work",
            text,
            &[
                (8, offers(Ecosystem::Go, "x", "services/cart/y")),
                (2, gathers(Ecosystem::Go, &["a", "b/c", "../d", "."], &[])),
            ],
        );
    }
}
