//! `package.json`.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::foreign::nx_project::project;
use crate::manifest::npm::build;
use crate::manifest::npm::workspace::gathers;
use crate::manifest::syntax::json;
use crate::manifest::syntax::node::{Entry, Node};
use crate::model::manifest::{Ecosystem, Makes, Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| name == "package.json",
    read,
};

/// Tables of dependencies.
const DEPENDENCIES: &[(&str, Tie)] = &[
    ("dependencies", Tie::Declares),
    ("peerDependencies", Tie::Declares),
    ("optionalDependencies", Tie::Declares),
    ("devDependencies", Tie::Mentions),
];

/// Ways to say of a name, for all packages of a workspace, where it is taken from.
const OVERRIDES: &[&[&str]] = &[&["overrides"], &["resolutions"], &["pnpm", "overrides"]];

/// What comes before a path.
const PATHS: &[&str] = &["file:", "link:", "portal:", "workspace:"];

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let root = json::strict(file, text)?;
    if !root.is_table() {
        return Err(Error::at(file, root.line, "it is no object"));
    }
    let mut facts = Facts::of(file);
    let name = root.find("name");
    let line = name.map_or(root.line, |it| it.line);
    facts.package(
        line,
        Ecosystem::Npm,
        name.and_then(Node::text),
        makes(&root),
    );
    if let Some(workspaces) = root.find("workspaces") {
        let list = workspaces.find("packages").unwrap_or(workspaces);
        facts.say(list.line, gathers(list));
    }
    for script in root.find("scripts").map_or(&[][..], Node::entries) {
        let Some(command) = script.node.text() else {
            continue;
        };
        let (name, command) = (script.name.clone(), command.to_owned());
        facts.say(script.line, What::Script { name, command });
    }
    build::left(&mut facts, &root);
    for (key, tie) in DEPENDENCIES {
        let all = root.find(key).map_or(&[][..], Node::entries);
        for dependency in all {
            depend(&mut facts, dependency, *tie);
        }
    }
    if let Some(nx) = root.entry("nx").filter(|it| it.node.is_table()) {
        project(&mut facts, &nx.node, nx.line);
    }
    for way in OVERRIDES {
        let all = root.at(way).map_or(&[][..], Node::entries);
        for over in all {
            if let Some(path) = over.node.text().and_then(path) {
                facts.offers_at(over.line, Ecosystem::Npm, &over.name, path);
            }
        }
    }
    Ok(facts.finish())
}

/// What others import is a library, even if it can be started to be looked at.
fn makes(root: &Node) -> Makes {
    let has = |key: &str| root.find(key).is_some();
    let runs = |name: &str| root.at(&["scripts", name]).is_some();
    if has("workspaces") {
        Makes::Nothing
    } else if has("bin") {
        Makes::Program
    } else if ["exports", "module", "types", "typings"]
        .iter()
        .any(|it| has(it))
    {
        Makes::Library
    } else if ["start", "serve", "preview"].iter().any(|it| runs(it)) {
        Makes::Program
    } else if has("main") {
        Makes::Library
    } else if runs("dev") {
        Makes::Program
    } else {
        Makes::Either
    }
}

fn depend(facts: &mut Facts, dependency: &Entry, tie: Tie) {
    let Some(wanted) = dependency.node.text() else {
        return;
    };
    match path(wanted) {
        Some(path) => facts.reads(dependency.line, path, tie),
        None if is_elsewhere(wanted) => {}
        None => {
            let name = alias(wanted).unwrap_or(&dependency.name);
            facts.needs(dependency.line, Ecosystem::Npm, name, tie);
        }
    }
}

/// The path that a dependency lies at, where it is one.
fn path(wanted: &str) -> Option<&str> {
    let rest = PATHS.iter().find_map(|it| wanted.strip_prefix(it));
    let is_said = rest.is_some() && !wanted.starts_with("workspace:");
    let path = rest.unwrap_or(wanted);
    let is_relative =
        matches!(path, "." | "..") || path.starts_with("./") || path.starts_with("../");
    (is_said || is_relative).then_some(path)
}

/// The package that is meant, where it goes by another name: `npm:real@1`, `workspace:real@*`.
fn alias(wanted: &str) -> Option<&str> {
    let rest = ["npm:", "workspace:"]
        .iter()
        .find_map(|it| wanted.strip_prefix(it))?;
    let at = rest.char_indices().skip(1).find(|it| it.1 == '@')?.0;
    Some(&rest[..at])
}

/// Whether it comes from an address.
fn is_elsewhere(wanted: &str) -> bool {
    wanted.contains("://")
        || ["git", "github:", "gitlab:"]
            .iter()
            .any(|it| wanted.starts_with(it))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{fault, needs, offers, package, reads, script};
    use Ecosystem::Npm;

    fn check(text: &str, expected: &[(u32, What)]) {
        crate::manifest::testing::check("apps/web/package.json", text, expected);
    }

    #[test]
    fn packages_say_what_they_make() {
        let check = |rest: &str, makes: Makes| {
            let text = format!("{{\n\"name\": \"@shop/web\",\n{rest}}}");
            let manifest = read(&"package.json".into(), &text).unwrap();
            let found = &manifest.facts[0];
            let expected = package(Npm, Some("@shop/web"), makes);
            assert_eq!((found.line, &found.what), (2, &expected), "{rest}");
        };
        check("\"private\": true", Makes::Either);
        check("\"bin\": \"x.js\", \"exports\": {}", Makes::Program);
        check("\"main\": \"x.js\"", Makes::Library);
        check(
            "\"main\": \"x.js\", \"scripts\": {\"start\": \"node x.js\"}",
            Makes::Program,
        );
        check(
            "\"types\": \"x.d.ts\", \"scripts\": {\"start\": \"storybook\"}",
            Makes::Library,
        );
        check("\"scripts\": {\"dev\": \"vite\"}", Makes::Program);
        check(
            "\"workspaces\": [], \"scripts\": {\"start\": \"turbo start\"}",
            Makes::Nothing,
        );
    }

    #[test]
    fn workspaces_gather() {
        let text = "{\"workspaces\":\n [\"packages/*\", \"!packages/x\", 1]}";
        let gathered = crate::manifest::testing::gathers(Npm, &["packages/*"], &["packages/x"]);
        let root = package(Npm, None, Makes::Nothing);
        check(text, &[(1, root.clone()), (2, gathered.clone())]);
        let text = "{\"workspaces\": {\n\"packages\": [\"packages/*\", \"!packages/x\"],\n \"nohoist\": []}}";
        check(text, &[(1, root), (2, gathered)]);
    }

    #[test]
    fn dependencies_are_names_or_paths() {
        let text = r#"{
"scripts": {"build": "tsc", "bad": 1},
"dependencies": {
  "@shop/ui": "workspace:*",
  "a": "file:../a",
  "b": "link:../../libs/b/",
  "c": "workspace:../c",
  "d": "npm:@real/d@^1",
  "e": "workspace:real-e@*",
  "f": "github:x/f",
  "g": "https://example.test/g.tgz",
  "h": "../h",
  "out": "file:../../../out",
  "i": "^1.0.0"
},
"devDependencies": {"j": "portal:../j", "k": "*"},
"pnpm": {"overrides": {"l": "link:./l", "m": "1.0.0"}}
}"#;
        check(
            text,
            &[
                (1, package(Npm, None, Makes::Either)),
                (2, script("build", "tsc")),
                (4, needs(Npm, "@shop/ui", Tie::Declares)),
                (5, reads("apps/a", Tie::Declares)),
                (6, reads("libs/b", Tie::Declares)),
                (7, reads("apps/c", Tie::Declares)),
                (8, needs(Npm, "@real/d", Tie::Declares)),
                (9, needs(Npm, "real-e", Tie::Declares)),
                (12, reads("apps/h", Tie::Declares)),
                (14, needs(Npm, "i", Tie::Declares)),
                (16, reads("apps/j", Tie::Mentions)),
                (16, needs(Npm, "k", Tie::Mentions)),
                (17, offers(Npm, "l", "apps/web/l")),
            ],
        );
    }

    #[test]
    fn what_npm_refuses_is_refused() {
        assert!(fault("package.json", "{\"a\": 1,}").contains("trailing comma"));
        assert!(fault("package.json", "// x\n{}").starts_with("package.json:1: "));
        assert!(fault("package.json", "[]").contains("no object"));
    }
}
