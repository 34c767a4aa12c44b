//! Which directories hold nobody's services: vendored and generated code, fixtures and examples.

use crate::model::draft::files::split;
use crate::model::manifest::{Manifest, What};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

/// Why a directory is left out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Why {
    Vendored,
    Generated,
    Fixture,
    Example,
    /// How an image is built of what lies elsewhere.
    Recipe,
    /// It belongs to a tool: `.github`.
    Hidden,
}

const VENDORED: &[&[u8]] = &[
    b"vendor",
    b"third_party",
    b"third-party",
    b"thirdparty",
    b"node_modules",
    b"bower_components",
    b"Pods",
    b"Carthage",
    b"site-packages",
    b"venv",
];
const GENERATED: &[&[u8]] = &[b"generated", b"__generated__", b"dist"];
const FIXTURES: &[&[u8]] = &[
    b"testdata",
    b"test-data",
    b"test_data",
    b"fixture",
    b"fixtures",
    b"__fixtures__",
    b"test-fixtures",
    b"__tests__",
    b"__mocks__",
];
const EXAMPLES: &[&[u8]] = &[
    b"example",
    b"examples",
    b"sample",
    b"samples",
    b"demo",
    b"demos",
    b"template",
    b"templates",
    b"tutorial",
    b"tutorials",
    b"playground",
    b"playgrounds",
];
/// What tests are kept in: packages there are parts of the service around them.
const TESTS: &[&[u8]] = &[
    b"test",
    b"tests",
    b"e2e",
    b"spec",
    b"specs",
    b"integration",
    b"integration-tests",
    b"integration_tests",
];

/// Whether the file at `path` is surely somebody else's, so that it is not worth reading.
pub fn is_foreign(path: &[u8]) -> bool {
    let (directory, _) = split(path);
    matches!(by_name(directory), Some((Why::Vendored, _)))
}

/// Why the directory at `path` is left out by the names on its way, and how many bytes of it say so.
pub fn by_name(path: &[u8]) -> Option<(Why, usize)> {
    let mut end = 0;
    for part in path.split(|byte| *byte == b'/') {
        end += part.len();
        let is_last = end == path.len();
        let lower = part.to_ascii_lowercase();
        let is_one = |names: &[&[u8]]| names.iter().any(|it| it.eq_ignore_ascii_case(&lower));
        let why = match () {
            // A shop has vendors, too: the directory itself may be a service.
            () if !is_last && is_one(VENDORED) => Some(Why::Vendored),
            () if part.starts_with(b".") && part.len() > 1 => Some(Why::Hidden),
            () if is_one(GENERATED) => Some(Why::Generated),
            () if is_one(FIXTURES) => Some(Why::Fixture),
            () if is_one(EXAMPLES) || part.windows(2).any(|it| it == b"{{") => Some(Why::Example),
            () => None,
        };
        if let Some(why) = why {
            return Some((why, end));
        }
        end += 1;
    }
    None
}

/// Whether a directory, given from the service around it, is one of its tests.
pub fn is_test(path: &[u8]) -> bool {
    path.split(|byte| *byte == b'/').any(|part| {
        let lower = part.to_ascii_lowercase();
        let tail = |end: &[u8]| lower.ends_with(end);
        TESTS.contains(&&*lower) || tail(b".tests") || tail(b".test") || tail(b"-tests")
    })
}

/// What the files themselves say is vendored or generated.
pub struct Said {
    patterns: Vec<(Pattern, Why)>,
}

impl Said {
    /// As the manifests have it.
    pub fn new(manifests: &[Manifest]) -> Self {
        let facts = manifests.iter().flat_map(|it| &it.facts);
        let patterns = facts.filter_map(|fact| {
            let (pattern, why) = match &fact.what {
                What::Vendored(pattern) => (pattern, Why::Vendored),
                What::Generated(pattern) => (pattern, Why::Generated),
                _ => return None,
            };
            Some((Pattern::new(pattern, &FilePath::default()).ok()?, why))
        });
        Self {
            patterns: patterns.collect(),
        }
    }

    /// Why the file that makes a directory a service is left out.
    pub fn why(&self, file: &FilePath) -> Option<Why> {
        let path = file.as_bytes();
        let said = self.patterns.iter().find(|(it, _)| it.matches(path));
        said.map(|(_, why)| *why)
    }
}

impl Why {
    /// For people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Vendored => "somebody else's code",
            Self::Generated => "generated code",
            Self::Fixture => "a fixture of tests",
            Self::Example => "an example",
            Self::Recipe => "only the recipe of an image, which is told what to put in it",
            Self::Hidden => "a tool's own directory",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_left_out_by_their_names() {
        let check = |path: &str, expected: Option<(Why, &str)>| {
            let found = by_name(path.as_bytes());
            let found = found.map(|(why, end)| (why, &path[..end]));
            assert_eq!(found, expected, "{path}");
        };
        check("services/cart", None);
        check("services/vendor", None);
        check("vendor/github.com/x", Some((Why::Vendored, "vendor")));
        check(
            "a/node_modules/b/c",
            Some((Why::Vendored, "a/node_modules")),
        );
        check("a/testdata/b", Some((Why::Fixture, "a/testdata")));
        check("Examples/b", Some((Why::Example, "Examples")));
        check("x/{{name}}/y", Some((Why::Example, "x/{{name}}")));
        check(".github/actions/x", Some((Why::Hidden, ".github")));
        check("", None);
    }

    #[test]
    fn what_is_vendored_is_not_read() {
        assert!(is_foreign(b"node_modules/a/package.json"));
        assert!(!is_foreign(b"vendor/package.json"));
        assert!(!is_foreign(b"package.json"));
    }

    #[test]
    fn tests_are_known_by_their_directories() {
        let check = |path: &str, expected| assert_eq!(is_test(path.as_bytes()), expected, "{path}");
        check("tests/fixture-app", true);
        check("Cart.Tests", true);
        check("src/contest", false);
    }
}
