//! Tests in Python: for which module they are written. `tox.ini` too, which may name one.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::facts::Facts;
use crate::model::manifest::{Manifest, What};
use crate::model::path::FilePath;

const UNITTEST: &str = "unittest";
const PYTEST: &str = "pytest";

static CASE: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*class\s+\w+\s*\(.*\b(TestCase|IsolatedAsyncioTestCase)\b.*\)\s*:")
        .expect("the pattern is a good one")
});
/// What other modules than unittest collect.
static OTHERS: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^(async\s+def\s+test|def\s+test|class\s+Test\w*\s*(\(\s*(object)?\s*\))?\s*:)")
        .expect("the pattern is a good one")
});
/// Modules that tests are written for, or that bring cases of their own.
static IMPORTED: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"^\s*(?:import|from)\s+(pytest|django|rest_framework|nose2?|twisted|testtools|tornado|absl|behave)\b")
        .expect("the pattern is a good one")
});

/// For which module the tests of a file are written. Says nothing where nothing in it is a test.
pub fn read(file: &FilePath, text: &str) -> Manifest {
    let mut facts = Facts::of(file);
    let is_script = file.as_bytes().ends_with(b".py");
    let found = match is_script {
        true => of_script(text),
        false => line_with(text, PYTEST).map(|line| (line, PYTEST)),
    };
    if let Some((line, module)) = found {
        facts.say(line, What::TestedBy(module.to_owned()));
    }
    facts.finish()
}

fn of_script(text: &str) -> Option<(u32, &str)> {
    let mut case = None;
    let mut imports = false;
    for (line, number) in text.lines().zip(1..) {
        if let Some(imported) = IMPORTED.captures(line) {
            return Some((number, imported.get(1).map_or(PYTEST, |it| it.as_str())));
        }
        if OTHERS.is_match(line) {
            return Some((number, PYTEST));
        }
        let line = line.trim_start();
        imports |= ["import unittest", "from unittest"]
            .iter()
            .any(|it| line.starts_with(it));
        if case.is_none() && CASE.is_match(line) {
            case = Some(number);
        }
    }
    // Cases of a module of one's own may be of any kind.
    case.filter(|_| imports).map(|line| (line, UNITTEST))
}

fn line_with(text: &str, word: &str) -> Option<u32> {
    let mut lines = text.lines().zip(1..);
    lines.find(|it| it.0.contains(word)).map(|it| it.1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tests_tell_for_which_module_they_are_written() {
        let check = |text: &str, expected: Option<(u32, &str)>| {
            assert_eq!(of_script(text), expected, "{text}");
        };
        let case = "class Test(unittest.TestCase):\n    def test_one(self):\n        pass\n";
        let with = |head: &str| format!("{head}\n{case}");
        check(&with("import unittest"), Some((2, "unittest")));
        check(
            "from unittest import TestCase, mock\nclass A(TestCase): pass\n",
            Some((2, "unittest")),
        );
        check(
            "import unittest\nclass A(Base, unittest.IsolatedAsyncioTestCase):\n",
            Some((2, "unittest")),
        );
        check(&with("import pytest, unittest"), Some((1, "pytest")));
        check(
            &with("import unittest\ndef test_two(): pass"),
            Some((2, "pytest")),
        );
        check(
            "from unittest import mock\ndef test_a(): pass\n",
            Some((2, "pytest")),
        );
        check("class TestA:\n    pass\n", Some((1, "pytest")));
        check(
            "from django.test import TestCase\nclass A(TestCase):\n",
            Some((1, "django")),
        );
        check("from base import TestCase\nclass A(TestCase):\n", None);
        check("import unittest\nclass Helper: pass\n", None);
        check("", None);
    }
}
