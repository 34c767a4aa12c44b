//! One requirement, as all files of Python write it: `name[extra] >= 1; marker`, or `name @ address`.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::facts::Facts;
use crate::model::manifest::{Ecosystem, Tie};

static NAMED: LazyLock<Regex> = LazyLock::new(|| {
    let pattern = r"^\s*([A-Za-z0-9][A-Za-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:@\s*(\S+))?";
    Regex::new(pattern).expect("the pattern is a good one")
});

/// Words for the directory of the file, in addresses.
const HERE: &[&str] = &[
    "{root:uri}",
    "{root:parent:uri}/..",
    "${PROJECT_ROOT}",
    "$PROJECT_ROOT",
];

/// Says what a requirement needs or reads.
pub fn require(facts: &mut Facts, line: u32, written: &str, tie: Tie) {
    let written = written.trim();
    if is_path(written) {
        reads(facts, line, written, tie);
        return;
    }
    let Some(parts) = NAMED.captures(written) else {
        return;
    };
    match parts.get(2).map(|it| it.as_str()) {
        Some(address) => reads(facts, line, address, tie),
        // `git+https://…`
        None if written.contains("://") => {}
        None => facts.needs(line, Ecosystem::Python, normal(&parts[1]), tie),
    }
}

/// Reads what lies at an address, if it is a path.
pub fn reads(facts: &mut Facts, line: u32, address: &str, tie: Tie) {
    let path = match address.strip_prefix("file:") {
        Some(rest) => rest
            .strip_prefix("///")
            .or(rest.strip_prefix("//"))
            .unwrap_or(rest),
        None => address,
    };
    let path = HERE
        .iter()
        .find_map(|it| path.strip_prefix(it))
        .map_or(path, |rest| rest.trim_start_matches('/'));
    let path = path
        .split(['#', '[', ';'])
        .next()
        .unwrap_or_default()
        .trim();
    // A file that was built elsewhere.
    if !path.is_empty() {
        facts.reads(line, path, tie);
    }
}

/// Names that mean the same package become the same.
pub fn normal(name: &str) -> String {
    let parts = name.split(['-', '_', '.']).filter(|it| !it.is_empty());
    parts.collect::<Vec<_>>().join("-").to_lowercase()
}

fn is_path(written: &str) -> bool {
    let starts = ["./", "../", ".\\", "..\\", "file:", "{root"];
    matches!(written, "." | "..") || starts.iter().any(|it| written.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing;
    use crate::model::manifest::What;

    #[test]
    fn requirements_are_names_or_paths() {
        let check = |written: &str, expected: Option<What>| {
            let mut facts = Facts::of(&"a/b/pyproject.toml".into());
            require(&mut facts, 1, written, Tie::Declares);
            let found = facts.finish().facts.pop().map(|it| it.what);
            assert_eq!(found, expected, "{written}");
        };
        let needs = |name| Some(testing::needs(Ecosystem::Python, name, Tie::Declares));
        let reads = |path| Some(testing::reads(path, Tie::Declares));
        check(
            "Shop_Common.x>=1,<2; python_version < '3'",
            needs("shop-common-x"),
        );
        check("x[a, b]==1", needs("x"));
        check("x @ file:../lib", reads("a/lib"));
        check(
            "x[a] @ file:///${PROJECT_ROOT}/../lib#egg=x",
            reads("a/lib"),
        );
        check("x @ {root:uri}/../lib", reads("a/lib"));
        check("x@../lib ; extra", reads("a/lib"));
        check("../../lib[dev]", reads("lib"));
        check("x @ https://example.test/x.zip", None);
        check("x @ file:///abs/lib", reads("a/b/abs/lib"));
        check(".", None);
        check("--flag", None);
        check("", None);
    }
}
