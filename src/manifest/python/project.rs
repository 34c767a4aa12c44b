//! `pyproject.toml` and `Pipfile`: what the standard says, and what uv, poetry, pdm, hatch and rye add.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::python::requirement::{normal, require};
use crate::manifest::syntax::node::{Entry, Node};
use crate::manifest::syntax::toml;
use crate::model::manifest::{Ecosystem, Makes, Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| matches!(name, "Pipfile" | "pyproject.toml"),
    read,
};

/// Lists of requirements, and tables of such lists.
const LISTS: &[(&[&str], Tie)] = &[
    (&["project", "dependencies"], Tie::Declares),
    (&["project", "optional-dependencies"], Tie::Declares),
    (&["dependency-groups"], Tie::Mentions),
    (&["build-system", "requires"], Tie::Mentions),
    (&["tool", "uv", "dev-dependencies"], Tie::Mentions),
    (&["tool", "pdm", "dev-dependencies"], Tie::Mentions),
    (&["tool", "rye", "dev-dependencies"], Tie::Mentions),
];

/// Tables from names to what is wanted of them.
const TABLES: &[(&[&str], Tie)] = &[
    (&["tool", "poetry", "dependencies"], Tie::Declares),
    (&["tool", "poetry", "dev-dependencies"], Tie::Mentions),
    (&["packages"], Tie::Declares),
    (&["dev-packages"], Tie::Mentions),
];

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let root = toml::document(file, text)?;
    let mut facts = Facts::of(file);
    match file.as_bytes().ends_with(b"Pipfile") {
        true => facts.package(1, Ecosystem::Python, None, Makes::Either),
        false => project(&mut facts, &root),
    }
    for (way, tie) in LISTS {
        let node = root.at(way);
        let groups = node.into_iter().flat_map(Node::entries).map(|it| &it.node);
        for list in node.into_iter().chain(groups) {
            requirements(&mut facts, list, *tie);
        }
    }
    for (way, tie) in TABLES {
        for wanted in root.at(way).map_or(&[][..], Node::entries) {
            depend(&mut facts, wanted, *tie);
        }
    }
    for group in entries(&root, &["tool", "poetry", "group"]) {
        for wanted in entries(&group.node, &["dependencies"]) {
            depend(&mut facts, wanted, Tie::Mentions);
        }
    }
    for environment in entries(&root, &["tool", "hatch", "envs"]) {
        for key in ["dependencies", "extra-dependencies"] {
            if let Some(list) = environment.node.find(key) {
                requirements(&mut facts, list, Tie::Mentions);
            }
        }
    }
    sources(&mut facts, &root);
    if let Some(tests) = root.at(&["tool", "pytest"]) {
        facts.say(tests.line, What::TestedBy("pytest".to_owned()));
    }
    Ok(facts.finish())
}

fn entries<'n>(node: &'n Node, way: &[&str]) -> &'n [Entry] {
    node.at(way).map_or(&[], Node::entries)
}

fn project(facts: &mut Facts, root: &Node) {
    let poetry = root.at(&["tool", "poetry"]);
    let project = root.find("project").filter(|it| it.is_table()).or(poetry);
    let gathered = ["uv", "rye"]
        .iter()
        .find_map(|it| root.at(&["tool", it, "workspace"]));
    if let Some(project) = project {
        let own = project.find("name");
        let name = own.or_else(|| poetry?.find("name"));
        let text = name.and_then(Node::text).map(normal);
        let line = name.map_or(project.line, |it| it.line);
        let makes = match gathered.is_some() && is_no_package(root) {
            true => Makes::Nothing,
            false => makes(root),
        };
        facts.package(line, Ecosystem::Python, text.as_deref(), makes);
    } else if let Some(workspace) = gathered {
        facts.package(workspace.line, Ecosystem::Python, None, Makes::Nothing);
    }
    let Some(workspace) = gathered else { return };
    let list = |key| match workspace.find(key) {
        Some(list) => list.texts().map(|it| it.1.to_owned()).collect(),
        None => Vec::new(),
    };
    let gathers = What::Gathers {
        ecosystem: Ecosystem::Python,
        members: list("members"),
        excluded: list("exclude"),
    };
    let line = workspace
        .find("members")
        .map_or(workspace.line, |it| it.line);
    facts.say(line, gathers);
}

fn is_no_package(root: &Node) -> bool {
    let ways = [
        ["tool", "uv", "package"],
        ["tool", "poetry", "package-mode"],
        ["tool", "rye", "virtual"],
    ];
    let said = ways.map(|way| root.at(&way).and_then(Node::truth));
    said[0] == Some(false) || said[1] == Some(false) || said[2] == Some(true)
}

fn makes(root: &Node) -> Makes {
    let ways: [&[&str]; 3] = [
        &["project", "scripts"],
        &["project", "gui-scripts"],
        &["tool", "poetry", "scripts"],
    ];
    match ways.iter().any(|way| root.at(way).is_some()) || is_no_package(root) {
        true => Makes::Program,
        false => Makes::Either,
    }
}

/// A list of requirements, as text. Tables in it include other groups of the same file.
fn requirements(facts: &mut Facts, list: &Node, tie: Tie) {
    for item in list.items() {
        let Some(text) = item.text() else { continue };
        let text = ["-e ", "--editable "]
            .iter()
            .find_map(|it| text.strip_prefix(it))
            .unwrap_or(text);
        require(facts, item.line, text, tie);
    }
}

/// A name with a version, with a table, or with several tables.
fn depend(facts: &mut Facts, wanted: &Entry, tie: Tie) {
    if wanted.name == "python" {
        return;
    }
    let one = std::iter::once(&wanted.node);
    let paths = one
        .chain(wanted.node.items())
        .filter_map(|it| it.find("path"));
    let paths: Vec<_> = paths.filter(|it| it.text().is_some()).collect();
    for path in &paths {
        facts.reads(path.line, path.text().unwrap_or_default(), tie);
    }
    if paths.is_empty() {
        facts.needs(wanted.line, Ecosystem::Python, normal(&wanted.name), tie);
    }
}

/// Where uv takes packages from. Those of a workspace's root hold for all its members, who say that they need them.
fn sources(facts: &mut Facts, root: &Node) {
    let is_root = root.at(&["tool", "uv", "workspace"]).is_some();
    for source in entries(root, &["tool", "uv", "sources"]) {
        let name = normal(&source.name);
        for node in std::iter::once(&source.node).chain(source.node.items()) {
            if let Some(path) = node.find("path") {
                let written = path.text().unwrap_or_default();
                facts.offers_at(path.line, Ecosystem::Python, &name, written);
                if !is_root {
                    facts.reads(path.line, written, Tie::Declares);
                }
            } else if node.find("workspace").and_then(Node::truth) == Some(true) && !is_root {
                facts.needs(source.line, Ecosystem::Python, &name, Tie::Declares);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{fault, gathers, needs, offers, package, reads};
    use Ecosystem::Python;

    fn check(text: &str, expected: &[(u32, What)]) {
        crate::manifest::testing::check("services/api/pyproject.toml", text, expected);
    }

    #[test]
    fn projects_of_the_standard() {
        let text = "[project]\r\nname = \"Shop.API\"\r\ndependencies = [\r\n  \"shop-common>=1\",\r\n  \"lib @ file:../lib\",\r\n]\r\n[project.optional-dependencies]\r\nextra = ['x']\r\n[project.scripts]\r\napi = 'api:main'\r\n[dependency-groups]\r\ndev = ['pytest', {include-group = 'x'}]\r\n";
        check(
            text,
            &[
                (2, package(Python, Some("shop-api"), Makes::Program)),
                (4, needs(Python, "shop-common", Tie::Declares)),
                (5, reads("services/lib", Tie::Declares)),
                (8, needs(Python, "x", Tie::Declares)),
                (12, needs(Python, "pytest", Tie::Mentions)),
            ],
        );
        check("[tool.ruff]\nline-length = 9\n", &[]);
        assert!(fault("pyproject.toml", "[project\n").starts_with("pyproject.toml:1: "));
    }

    #[test]
    fn uv_says_where_packages_come_from() {
        let text = "[project]\nname = 'api'\n[tool.uv.sources]\ncommon = { workspace = true }\nLib_A = { path = '../lib', editable = true }\nb = [{ path = '../b' }, { index = 'x' }]\ngit = { git = 'https://x' }\n";
        check(
            text,
            &[
                (2, package(Python, Some("api"), Makes::Either)),
                (4, needs(Python, "common", Tie::Declares)),
                (5, offers(Python, "lib-a", "services/lib")),
                (5, reads("services/lib", Tie::Declares)),
                (6, offers(Python, "b", "services/b")),
                (6, reads("services/b", Tie::Declares)),
            ],
        );
        let text = "[tool.uv]\npackage = false\n[tool.uv.workspace]\nmembers = ['libs/*']\nexclude = ['libs/x']\n[tool.uv.sources]\na = { path = 'a' }\nb = { workspace = true }\n[project]\nname = 'root'\n";
        check(
            text,
            &[
                (10, package(Python, Some("root"), Makes::Nothing)),
                (4, gathers(Python, &["libs/*"], &["libs/x"])),
                (7, offers(Python, "a", "services/api/a")),
            ],
        );
    }

    #[test]
    fn poetry_and_others_have_tables() {
        let text = "[tool.poetry]\nname = 'api'\npackage-mode = false\n[tool.poetry.dependencies]\npython = '^3.12'\nlib = { path = '../lib', develop = true }\nrequests = '^2'\nmany = [{ path = '../m', platform = 'linux' }, { version = '1' }]\n[tool.poetry.group.dev.dependencies]\ntesting = { path = '../testing' }\n[tool.pdm.dev-dependencies]\ndev = ['-e file:///${PROJECT_ROOT}/../sub#egg=sub']\n[tool.hatch.envs.default]\ndependencies = ['h @ {root:uri}/../h']\n";
        check(
            text,
            &[
                (2, package(Python, Some("api"), Makes::Program)),
                (12, reads("services/sub", Tie::Mentions)),
                (6, reads("services/lib", Tie::Declares)),
                (7, needs(Python, "requests", Tie::Declares)),
                (8, reads("services/m", Tie::Declares)),
                (10, reads("services/testing", Tie::Mentions)),
                (14, reads("services/h", Tie::Mentions)),
            ],
        );
    }

    #[test]
    fn a_pipfile_is_one_too() {
        let text = "[packages]\nlib = {path = '../lib', editable = true}\nflask = '*'\n[dev-packages]\npytest = '*'\n";
        crate::manifest::testing::check(
            "api/Pipfile",
            text,
            &[
                (1, package(Python, None, Makes::Either)),
                (2, reads("lib", Tie::Declares)),
                (3, needs(Python, "flask", Tie::Declares)),
                (5, needs(Python, "pytest", Tie::Mentions)),
            ],
        );
    }
}
