//! `tsconfig*.json` and `jsconfig.json`: files and projects outside the directory.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::place;
use crate::manifest::syntax::json;
use crate::manifest::syntax::node::Node;
use crate::model::manifest::{Compiling, Ecosystem, Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| {
        let is_config = name.starts_with("tsconfig") || name == "jsconfig.json";
        is_config && name.ends_with(".json")
    },
    read,
};

/// Well-known files of packages that say nothing of what is left behind.
const PLAIN: &[&str] = &[
    "@tsconfig/node",
    "@tsconfig/strictest",
    "@tsconfig/recommended",
    "@tsconfig/esm",
];

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    if text.trim().is_empty() {
        return Ok(facts.finish());
    }
    let root = json::with_comments(file, text)?;
    if let Some(bases) = root.find("extends") {
        for (line, base) in bases.texts() {
            extends(&mut facts, line, base);
        }
    }
    for reference in root.find("references").map_or(&[][..], Node::items) {
        if let Some(path) = reference.find("path") {
            let written = path.text().unwrap_or_default();
            facts.reads_outside(path.line, written, Tie::Declares);
        }
    }
    for key in ["files", "include"] {
        let Some(list) = root.find(key) else { continue };
        for (line, written) in list.texts() {
            if let Some(path) = before_star(written) {
                facts.reads_outside(line, path, Tie::Takes);
            }
        }
    }
    names(&mut facts, &root);
    let compiling = Box::new(compiling(&facts.directory, &root));
    facts.say(root.line, What::Compiles(compiling));
    Ok(facts.finish())
}

/// What it leaves behind.
fn compiling(directory: &FilePath, root: &Node) -> Compiling {
    let option = |name| root.at(&["compilerOptions", name]);
    let flag = |name| option(name).and_then(Node::truth);
    let at = |written: &str| place::resolve(directory, written);
    let into = option("outDir").and_then(Node::text);
    let mut compiling = Compiling {
        into: into.and_then(at),
        emits: match root.find("files") {
            Some(files) if files.items().is_empty() && root.find("include").is_none() => {
                Some(false)
            }
            _ => flag("noEmit").map(|it| !it),
        },
        remembers: match (flag("incremental"), flag("composite")) {
            (Some(true), _) | (_, Some(true)) => Some(true),
            (incremental, _) => incremental,
        },
        is_obscure: into.is_some_and(|it| at(it).is_none())
            || ["declarationDir", "outFile", "out"]
                .iter()
                .any(|it| option(it).is_some()),
        ..Compiling::default()
    };
    for (_, base) in root.find("extends").into_iter().flat_map(Node::texts) {
        let written = match base.ends_with(".json") {
            true => base.to_owned(),
            false => format!("{base}.json"),
        };
        match base.starts_with('.').then(|| at(&written)).flatten() {
            Some(path) => compiling.extends.push(path),
            None => compiling.is_obscure |= !PLAIN.iter().any(|it| base.starts_with(it)),
        }
    }
    let references = root.find("references").map_or(&[][..], Node::items);
    let references = references.iter().filter_map(|it| it.find("path")?.text());
    compiling.references = references.filter_map(at).collect();
    compiling
}

/// A path, or a file of a package.
fn extends(facts: &mut Facts, line: u32, base: &str) {
    if base.starts_with('.') {
        let ending = match base.ends_with(".json") {
            true => "",
            false => ".json",
        };
        facts.reads_outside(line, &format!("{base}{ending}"), Tie::Takes);
    } else if !base.starts_with('/') {
        let parts = match base.starts_with('@') {
            true => 2,
            false => 1,
        };
        let name: Vec<_> = base.split('/').take(parts).collect();
        facts.needs(line, Ecosystem::Npm, name.join("/"), Tie::Mentions);
    }
}

/// Names that stand for files.
fn names(facts: &mut Facts, root: &Node) {
    let options = root.find("compilerOptions");
    let base = options.and_then(|it| it.find("baseUrl"));
    let base = base.and_then(Node::text).unwrap_or(".");
    let paths = options.and_then(|it| it.find("paths"));
    for name in paths.map_or(&[][..], Node::entries) {
        for (line, written) in name.node.texts() {
            if let Some(path) = before_star(written) {
                facts.reads_outside(line, &format!("{base}/{path}"), Tie::Mentions);
            }
        }
    }
}

/// What is named for sure: a pattern up to its last part or parts, if only those choose.
fn before_star(pattern: &str) -> Option<&str> {
    let Some(star) = pattern.find(['*', '?', '{']) else {
        return Some(pattern);
    };
    let (path, rest) = pattern.split_at(star);
    let is_end = rest.split('/').all(|it| it == "**" || it.starts_with('*'));
    let path = &path[..path.rfind('/').map_or(0, |it| it + 1)];
    // `../*` names everybody's directories, not one.
    let is_one = path.split('/').any(|it| !matches!(it, "" | "." | ".."));
    (is_end && is_one).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, fault, needs, reads};

    #[test]
    fn what_a_compiler_leaves_is_told() {
        let check = |text: &str, expected: Compiling| {
            let manifest = read(&"apps/web/tsconfig.json".into(), text).unwrap();
            let mut found = manifest.facts.into_iter().filter_map(|it| match it.what {
                What::Compiles(it) => Some(*it),
                _ => None,
            });
            assert_eq!(found.next(), Some(expected), "{text}");
        };
        let nothing = Compiling::default;
        check("{}", nothing());
        check(
            "{\"compilerOptions\": {\"outDir\": \"./dist/\", \"incremental\": true}}",
            Compiling {
                into: Some("apps/web/dist".into()),
                remembers: Some(true),
                ..nothing()
            },
        );
        check(
            "{\"extends\": [\"@tsconfig/node20/tsconfig.json\", \"../base\"], \"compilerOptions\": {\"noEmit\": true}}",
            Compiling {
                emits: Some(false),
                extends: vec!["apps/base.json".into()],
                ..nothing()
            },
        );
        check(
            "{\"files\": [], \"references\": [{\"path\": \"./tsconfig.app.json\"}]}",
            Compiling {
                emits: Some(false),
                references: vec!["apps/web/tsconfig.app.json".into()],
                ..nothing()
            },
        );
        let obscure = Compiling {
            is_obscure: true,
            ..nothing()
        };
        check("{\"extends\": \"@shop/base\"}", obscure.clone());
        check(
            "{\"compilerOptions\": {\"declarationDir\": \"types\"}}",
            obscure,
        );
    }

    #[test]
    fn files_outside_are_read() {
        let text = r#"{
// comment
"extends": ["../../tsconfig.base", "./tsconfig.json", "@shop/tsconfig/base.json", "strictest/x"],
"compilerOptions": {
  "baseUrl": "src",
  "paths": {
    "@shop/a": ["../../../libs/a/src/index.ts"],
    "@shop/b/*": ["../../../libs/b/src/*"],
    "@shop/*": ["../../../libs/*/src"],
    "~/*": ["./*"], "x/*": ["../../*"],
  },
},
"include": ["src/**/*.ts", "../../types/**/*.d.ts", "../../.."],
"references": [{"path": "../../libs/c"}, {"path": "./tsconfig.app.json"}, {}],
}"#;
        check(
            "apps/web/tsconfig.json",
            text,
            &[
                (3, reads("tsconfig.base.json", Tie::Takes)),
                (3, needs(Ecosystem::Npm, "@shop/tsconfig", Tie::Mentions)),
                (3, needs(Ecosystem::Npm, "strictest", Tie::Mentions)),
                (14, reads("libs/c", Tie::Declares)),
                (13, reads("types", Tie::Takes)),
                (7, reads("libs/a/src/index.ts", Tie::Mentions)),
                (8, reads("libs/b/src", Tie::Mentions)),
            ],
        );
    }

    #[test]
    fn an_empty_one_says_nothing() {
        check("tsconfig.app.json", " \n", &[]);
        assert!(fault("jsconfig.json", "{").starts_with("jsconfig.json:1: "));
    }
}
