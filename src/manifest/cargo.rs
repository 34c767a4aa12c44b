//! Cargo: `Cargo.toml`.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::node::{Entry, Node};
use crate::manifest::syntax::toml;
use crate::model::manifest::{Ecosystem, Makes, Manifest, Product, Said, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| name == "Cargo.toml",
    read,
};

/// Tables of dependencies, as of today and as old manifests write them. Cargo allows circles through those of tests.
const DEPENDENCIES: &[(&str, Tie)] = &[
    ("dependencies", Tie::Declares),
    ("build-dependencies", Tie::Declares),
    ("build_dependencies", Tie::Declares),
    ("dev-dependencies", Tie::Mentions),
    ("dev_dependencies", Tie::Mentions),
];

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let root = toml::document(file, text)?;
    let mut facts = Facts::of(file);
    package(&mut facts, &root);
    workspace(&mut facts, &root);
    dependencies(&mut facts, &root);
    let targets = root.find("target").map_or(&[][..], Node::entries);
    for target in targets {
        dependencies(&mut facts, &target.node);
    }
    let registries = root.find("patch").map_or(&[][..], Node::entries);
    let patches = registries.iter().flat_map(|it| it.node.entries());
    for patch in patches {
        offer(&mut facts, patch, package_name(patch));
    }
    for replaced in root.find("replace").map_or(&[][..], Node::entries) {
        // `name:1.2.3`, or with an address before it.
        let name = replaced.name.rsplit(['/', '#']).next().unwrap_or_default();
        offer(
            &mut facts,
            replaced,
            name.split(':').next().unwrap_or_default(),
        );
    }
    Ok(facts.finish())
}

fn package(facts: &mut Facts, root: &Node) {
    let package = root.entry("package").or_else(|| root.entry("project"));
    let Some(package) = package else {
        if let Some(workspace) = root.entry("workspace") {
            facts.package(workspace.line, Ecosystem::Cargo, None, Makes::Nothing);
        }
        return;
    };
    let name = package.node.find("name");
    let line = name.map_or(package.line, |it| it.line);
    facts.package(
        line,
        Ecosystem::Cargo,
        name.and_then(Node::text),
        makes(root),
    );
    programs(facts, root, line, name.and_then(Node::text));
    let build = package.node.find("build").filter(|it| it.text().is_some());
    let targets = ["lib", "bin", "test", "bench", "example"];
    let targets = targets.iter().filter_map(|it| root.find(it));
    let paths = targets
        .flat_map(|it| std::iter::once(it).chain(it.items()))
        .filter_map(|it| it.find("path"));
    for path in build.into_iter().chain(paths) {
        let written = path.text().unwrap_or_default();
        facts.reads_outside(path.line, written, Tie::Takes);
    }
}

/// A `[lib]` alone does not say that there is no `src/main.rs` beside it.
fn makes(root: &Node) -> Makes {
    let has_bins = root.find("bin").is_some_and(|it| !it.items().is_empty());
    let is_off = |key| root.at(&["package", key]).and_then(Node::truth) == Some(false);
    let is_macro = ["proc-macro", "proc_macro"]
        .iter()
        .any(|key| root.at(&["lib", key]).and_then(Node::truth) == Some(true));
    if has_bins || root.at(&["package", "default-run"]).is_some() {
        Makes::Program
    } else if is_macro || is_off("autobins") {
        Makes::Library
    } else {
        Makes::Either
    }
}

/// The programs that are built where no feature is asked for: those that are written, and those that are found by files.
fn programs(facts: &mut Facts, root: &Node, line: u32, package: Option<&str>) {
    let bins = root.find("bin").map_or(&[][..], Node::items);
    let product = Product::Program;
    let mut leaves = |said| facts.say(line, What::Leaves { product, said });
    if bins.iter().any(|it| it.find("required-features").is_some()) {
        leaves(Said::Unknown);
    }
    let named = bins.iter().filter_map(|it| it.find("name")?.text());
    named.for_each(|name| leaves(Said::As(name.to_owned())));
    let is_off = root.at(&["package", "autobins"]).and_then(Node::truth) == Some(false);
    if is_off || root.at(&["package", "metadata", "wasm-pack"]).is_some() {
        return;
    }
    let path = |it: &Node| it.find("path").and_then(Node::text).map(str::to_owned);
    let is_renamed = bins.iter().filter_map(path).any(|it| it == "src/main.rs");
    if let Some(name) = package.filter(|_| !is_renamed) {
        let (file, name) = ("src/main.rs".to_owned(), name.to_owned());
        leaves(Said::IfThere { file, name });
    }
    for ending in [".rs", "/main.rs"] {
        let (below, ending) = ("src/bin/".to_owned(), ending.to_owned());
        leaves(Said::Each { below, ending });
    }
}

fn workspace(facts: &mut Facts, root: &Node) {
    let Some(workspace) = root.entry("workspace") else {
        return;
    };
    let list = |key| match workspace.node.find(key) {
        Some(list) => list.texts().map(|it| it.1.to_owned()).collect(),
        None => Vec::new(),
    };
    let gathers = What::Gathers {
        ecosystem: Ecosystem::Cargo,
        members: list("members"),
        excluded: list("exclude"),
    };
    let members = workspace.node.entry("members");
    // A package may only say that it belongs to no workspace around it.
    let is_alone =
        root.find("package").is_some() && members.is_none_or(|it| it.node.items().is_empty());
    if !is_alone {
        facts.say(members.map_or(workspace.line, |it| it.line), gathers);
    }
    let shared = workspace.node.find("dependencies");
    for dependency in shared.map_or(&[][..], Node::entries) {
        offer(facts, dependency, &dependency.name);
    }
}

fn offer(facts: &mut Facts, dependency: &Entry, name: &str) {
    let Some(path) = dependency.node.find("path") else {
        return;
    };
    let written = path.text().unwrap_or_default();
    facts.offers_at(path.line, Ecosystem::Cargo, name, written);
}

fn package_name(dependency: &Entry) -> &str {
    let renamed = dependency.node.find("package").and_then(Node::text);
    renamed.unwrap_or(&dependency.name)
}

fn dependencies(facts: &mut Facts, table: &Node) {
    for (key, tie) in DEPENDENCIES {
        let all = table.find(key).map_or(&[][..], Node::entries);
        for dependency in all {
            depend(facts, dependency, *tie);
        }
    }
}

fn depend(facts: &mut Facts, dependency: &Entry, tie: Tie) {
    let node = &dependency.node;
    if let Some(path) = node.find("path") {
        facts.reads(path.line, path.text().unwrap_or_default(), tie);
    } else if let Some(inherited) = node.find("workspace") {
        facts.needs(inherited.line, Ecosystem::Cargo, &dependency.name, tie);
    } else {
        // One of a registry: nobody here, unless `[patch]` says so.
        let name = package_name(dependency);
        facts.needs(dependency.line, Ecosystem::Cargo, name, tie);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{gathers, needs, offers, package, reads};

    fn check(text: &str, expected: &[(u32, What)]) {
        crate::manifest::testing::check("a/b/Cargo.toml", text, expected);
    }

    #[test]
    fn programs_are_written_or_found_by_files() {
        let check = |text: &str, expected: &[Said]| {
            assert_eq!(
                crate::manifest::testing::left("Cargo.toml", text),
                expected,
                "{text}"
            );
        };
        let named = |name: &str| Said::As(name.into());
        let main = Said::IfThere {
            file: "src/main.rs".into(),
            name: "x".into(),
        };
        let each = |ending: &str| Said::Each {
            below: "src/bin/".into(),
            ending: ending.into(),
        };
        let (files, directories) = (each(".rs"), each("/main.rs"));
        let start = "[package]\nname = 'x'\n";
        check(start, &[main.clone(), files.clone(), directories.clone()]);
        check(
            &format!("{start}autobins = false\n[[bin]]\nname = 'y'\n"),
            &[named("y")],
        );
        check(
            &format!("{start}[[bin]]\nname = 'y'\npath = 'src/main.rs'\n"),
            &[named("y"), files.clone(), directories.clone()],
        );
        check(
            &format!("{start}[[bin]]\nname = 'y'\nrequired-features = ['z']\n"),
            &[Said::Unknown, named("y"), main, files, directories],
        );
        check("[workspace]\n", &[]);
    }

    #[test]
    fn packages_say_what_they_make() {
        use Ecosystem::Cargo;
        let named = |makes| package(Cargo, Some("x"), makes);
        let start = "[package]\nname = \"x\"\n";
        check(start, &[(2, named(Makes::Either))]);
        check(&format!("{start}[lib]\n"), &[(2, named(Makes::Either))]);
        check(
            &format!("{start}[lib]\nproc-macro = true\n"),
            &[(2, named(Makes::Library))],
        );
        check(
            &format!("{start}autobins = false\n"),
            &[(2, named(Makes::Library))],
        );
        check(
            &format!("{start}[[bin]]\nname = 'y'\n"),
            &[(2, named(Makes::Program))],
        );
        check("[package]\n", &[(1, package(Cargo, None, Makes::Either))]);
        check("[profile.dev]\n", &[]);
    }

    #[test]
    fn workspaces_gather_and_offer() {
        let text = "[workspace]\r\nmembers = [\r\n 'x/*',\r\n 1]\r\nexclude = ['x/y']\r\n\r\n[workspace.dependencies]\r\nserde = '1'\r\nlib = { path = \"../lib\", version = '1' }\r\nout = { path = '../../../out' }\r\n";
        check(
            text,
            &[
                (1, package(Ecosystem::Cargo, None, Makes::Nothing)),
                (2, gathers(Ecosystem::Cargo, &["x/*"], &["x/y"])),
                (9, offers(Ecosystem::Cargo, "lib", "a/lib")),
            ],
        );
    }

    #[test]
    fn dependencies_are_paths_or_names() {
        let text = "[dependencies]\nx = { path = '../x', package = 'real' }\ny.workspace = true\nz = '1'\nself = { path = '.' }\n[dependencies.w]\nversion = '1'\npath = \"../../w/\"\n[dev-dependencies]\nt = { path = '../t' }\n[target.'cfg(unix)'.build-dependencies]\nu = { package = 'v', version = '1' }\n";
        check(
            text,
            &[
                (2, reads("a/x", Tie::Declares)),
                (3, needs(Ecosystem::Cargo, "y", Tie::Declares)),
                (4, needs(Ecosystem::Cargo, "z", Tie::Declares)),
                (8, reads("w", Tie::Declares)),
                (10, reads("a/t", Tie::Mentions)),
                (12, needs(Ecosystem::Cargo, "v", Tie::Declares)),
            ],
        );
    }

    #[test]
    fn patches_offer_and_files_outside_are_read() {
        let text = "[package]\nname = 'x'\nbuild = '../build.rs'\n[[bin]]\npath = 'src/m.rs'\n[lib]\npath = '../c/lib.rs'\n[patch.crates-io]\np = { path = '../p' }\nq = { package = 'r', path = '../q' }\n[replace]\n'o:1.0.0' = { path = '../o' }\n";
        check(
            text,
            &[
                (2, package(Ecosystem::Cargo, Some("x"), Makes::Program)),
                (3, reads("a/build.rs", Tie::Takes)),
                (7, reads("a/c/lib.rs", Tie::Takes)),
                (9, offers(Ecosystem::Cargo, "p", "a/p")),
                (10, offers(Ecosystem::Cargo, "r", "a/q")),
                (12, offers(Ecosystem::Cargo, "o", "a/o")),
            ],
        );
    }
}
