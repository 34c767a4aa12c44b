//! `setup.cfg` and `setup.py`, the latter as far as it is literal: nothing is run.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::place::line as line_of;
use crate::manifest::python::requirement::{normal, require};
use crate::manifest::syntax::lines::Lines;
use crate::model::manifest::{Ecosystem, Makes, Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| matches!(name, "setup.cfg" | "setup.py"),
    read,
};

/// Longer scripts are not looked through beyond this.
const MOST_OF_A_SCRIPT: usize = 1 << 20;

static NAME: LazyLock<Regex> = LazyLock::new(|| good(r#"\bname\s*=\s*["']([A-Za-z0-9._-]+)["']"#));
static LIST: LazyLock<Regex> =
    LazyLock::new(|| good(r"\b(install_requires|setup_requires|tests_require)\s*=\s*\["));
static TEXT: LazyLock<Regex> = LazyLock::new(|| good(r#"#[^\n]*|\]|"([^"\n]*)"|'([^'\n]*)'"#));

fn good(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is a good one")
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    match file.as_bytes().ends_with(b".py") {
        true => script(&mut facts, text),
        false => config(&mut facts, text),
    }
    Ok(facts.finish())
}

fn script(facts: &mut Facts, text: &str) {
    let end = (0..=text.len().min(MOST_OF_A_SCRIPT))
        .rev()
        .find(|it| text.is_char_boundary(*it));
    let text = &text[..end.unwrap_or_default()];
    let Some(call) = text.find("setup(") else {
        return;
    };
    let name = NAME.captures_at(text, call).and_then(|it| it.get(1));
    let line = line_of(text, name.map_or(call, |it| it.start()));
    let name = name.map(|it| normal(it.as_str()));
    let makes = makes(text);
    facts.package(line, Ecosystem::Python, name.as_deref(), makes);
    let lines = Lines::of(text);
    // Where the last list ended. One that never ends takes the whole rest.
    let mut end = 0;
    for list in LIST.captures_iter(text) {
        let start = list.get_match().end();
        if start < end {
            continue;
        }
        let tie = match &list[1] {
            "install_requires" => Tie::Declares,
            _ => Tie::Mentions,
        };
        end = text.len();
        for part in TEXT.captures_iter(&text[start..]) {
            let whole = part.get_match();
            if whole.as_str() == "]" {
                end = start + whole.end();
                break;
            }
            if let Some(text) = part.get(1).or(part.get(2)) {
                let line = lines.at(start + whole.start());
                require(facts, line, text.as_str(), tie);
            }
        }
    }
}

fn makes(text: &str) -> Makes {
    match text.contains("console_scripts") {
        true => Makes::Program,
        false => Makes::Either,
    }
}

fn config(facts: &mut Facts, text: &str) {
    let mut section = "";
    let mut key = "";
    let mut said = Vec::new();
    for (written, line) in text.lines().zip(1..) {
        let code = written.trim();
        if code.is_empty() || code.starts_with(['#', ';']) {
            continue;
        }
        if let Some(name) = code.strip_prefix('[').filter(|_| !written.starts_with(' ')) {
            (section, key) = (name.trim_end_matches(']'), "");
        } else if written.starts_with([' ', '\t']) {
            said.push((section, key, line, code));
        } else if let Some((name, value)) = code.split_once(['=', ':']) {
            key = name.trim();
            said.push((section, key, line, value.trim()));
        }
    }
    let is = |wanted: &str| said.iter().any(|it| it.0 == wanted);
    if let Some(tests) = said.iter().find(|it| it.0 == "tool:pytest") {
        facts.say(tests.2, What::TestedBy("pytest".to_owned()));
    }
    let name = said.iter().find(|it| (it.0, it.1) == ("metadata", "name"));
    // Without either it only configures tools.
    if name.is_some() || is("options") {
        let line = name.or(said.first()).map_or(1, |it| it.2);
        let name = name.map(|it| normal(it.3));
        facts.package(line, Ecosystem::Python, name.as_deref(), makes(text));
    }
    for (section, key, line, value) in said {
        let tie = match (section, key) {
            ("options", "install_requires") | ("options.extras_require", _) => Tie::Declares,
            ("options", "setup_requires" | "tests_require") => Tie::Mentions,
            _ => continue,
        };
        for requirement in value.split(';').take(1).filter(|it| !it.is_empty()) {
            require(facts, line, requirement, tie);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, needs, package, reads};
    use Ecosystem::Python;

    #[test]
    fn scripts_are_read_where_they_are_literal() {
        let text = "from setuptools import setup\nversion = 'x'\nsetup(\n    name=\"Shop_API\",\n    install_requires=[\n        'a[x]>=1',  # it's ]\n        \"b @ file:../b\", f'{c}',\n    ],\n    tests_require=['t'],\n    entry_points={'console_scripts': ['x=y']},\n)\n";
        check(
            "api/setup.py",
            text,
            &[
                (4, package(Python, Some("shop-api"), Makes::Program)),
                (6, needs(Python, "a", Tie::Declares)),
                (7, reads("b", Tie::Declares)),
                (9, needs(Python, "t", Tie::Mentions)),
            ],
        );
        check(
            "api/setup.py",
            "setup(name=NAME)\n",
            &[(1, package(Python, None, Makes::Either))],
        );
        check("api/setup.py", "print('ä'", &[]);
    }

    #[test]
    fn configurations_have_sections() {
        let text = "[metadata]\r\nname = shop-lib\r\n\r\n[options]\r\ninstall_requires =\r\n    requests>=2; python_version > '3'\r\n    # no\r\n    common\r\npackages = find:\r\n[options.extras_require]\r\ndev = pytest\r\n[flake8]\r\ninstall_requires = no\r\n";
        check(
            "lib/setup.cfg",
            text,
            &[
                (2, package(Python, Some("shop-lib"), Makes::Either)),
                (6, needs(Python, "requests", Tie::Declares)),
                (8, needs(Python, "common", Tie::Declares)),
                (11, needs(Python, "pytest", Tie::Declares)),
            ],
        );
        check("lib/setup.cfg", "[flake8]\nmax-line-length = 100\n", &[]);
    }
}
