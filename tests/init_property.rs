//! Random repositories: whatever `svc init` writes, `svc check` accepts, and an update adds nothing to it.
//!
//! `SVC_TEST_ROUNDS` says how many are tried.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

mod support;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, RngSeed};

use crate::support::TestRepo;

/// Names of directories: usual ones, those that mean something, and such as nobody should give.
const PARTS: &[&str] = &[
    "a",
    "b",
    "cart",
    "Cart.API",
    "web",
    "api",
    "lib",
    "libs",
    "src",
    "packages",
    "services",
    "tests",
    "Cart.Tests",
    "docker",
    "deploy",
    "k8s",
    "proto",
    "examples",
    "vendor",
    "node_modules",
    "dist",
    "testdata",
    ".github",
    "common",
    "Größe Eins",
    "購物",
    "x y",
    " ",
    "a'b",
    "q\"q",
    "[x]",
    "*",
    "!no",
    "#h",
    "-dash",
    "$HOME",
    "a\\b",
    "n\nl",
    "%20",
    "ünï",
    "...",
    "__x__",
    "0",
    "docs",
    "e\u{301}",
    "{{name}}",
    "{y,z}",
    "null",
    "a-very-long-name-that-goes-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on-and-on",
];

/// Files and what they say; `@` stands for the way to another directory, `%` for its path from the top, `~` for its name.
const KINDS: &[(&str, &str)] = &[
    (
        "Cargo.toml",
        "[package]\nname = \"own\"\n[dependencies]\nx = { path = \"@\" }\n[lib]\n",
    ),
    (
        "Cargo.toml",
        "[workspace]\nmembers = [\"*\", \"%\"]\n[workspace.dependencies]\nx = { path = \"%\" }\n",
    ),
    (
        "Cargo.lock",
        "version = 4\n[[package]]\nname = \"own\"\nversion = \"1.0.0\"\n",
    ),
    (
        "go.mod",
        "module example.test/own\nrequire example.test/~ v1.0.0\nreplace example.test/~ => @\n",
    ),
    ("go.sum", ""),
    (
        "package.json",
        "{\"name\": \"own\", \"scripts\": {\"build\": \"x\", \"test\": \"y\", \"lint\": \"z\"}, \"dependencies\": {\"~\": \"workspace:*\", \"z\": \"file:@\"}}",
    ),
    (
        "package.json",
        "{\"private\": true, \"workspaces\": [\"*\", \"**/src\", \"%\"], \"devDependencies\": {\"x\": \"1\"}}",
    ),
    (
        "package.json",
        "{\"name\": \"~\", \"main\": \"x.js\", \"scripts\": {\"start\": \"node x\", \"a b\": \"y\"}}",
    ),
    (
        "tsconfig.json",
        "{\"extends\": \"@/tsconfig.json\", \"references\": [{\"path\": \"@\"}], \"include\": [\"@/**/*.ts\"]}",
    ),
    (
        "package-lock.json",
        "{\"lockfileVersion\": 3, \"packages\": {}}",
    ),
    ("pnpm-workspace.yaml", "packages: ['*', '%', '!**/x']\n"),
    ("pnpm-lock.yaml", "lockfileVersion: '9.0'\n"),
    ("yarn.lock", ""),
    (
        "turbo.json",
        "{\"tasks\": {\"build\": {\"outputs\": [\"dist/**\"], \"dependsOn\": [\"^build\"]}, \"test\": {\"inputs\": [\"$TURBO_DEFAULT$\", \"../x\"]}, \"a b\": {}, \"~#build\": {\"dependsOn\": [\"own#test\"]}}}",
    ),
    (
        "project.json",
        "{\"name\": \"~\", \"targets\": {\"build\": {\"command\": \"make\", \"dependsOn\": [\"^build\", \"nope\"], \"outputs\": [\"{projectRoot}/dist\", \"{workspaceRoot}/out\"]}}, \"implicitDependencies\": [\"own\", \"~\"], \"tags\": [\"a b\"]}",
    ),
    (
        "nx.json",
        "{\"targetDefaults\": {\"build\": {\"cache\": true, \"inputs\": [\"default\", \"^production\", \"{workspaceRoot}/x\"]}}, \"namedInputs\": {\"default\": [\"{projectRoot}/**/*\"]}}",
    ),
    (
        "moon.yml",
        "language: rust\ndependsOn: ['~', 'own']\ntasks:\n  build:\n    command: make\n    outputs: ['dist', '/x']\n    inputs: ['/%/**', '$X', '!y']\n    deps: ['^:build', '~:build']\n",
    ),
    (
        "requirements.txt",
        "-e @\n-r @/requirements.txt\nflask\n~\n",
    ),
    (
        "pyproject.toml",
        "[project]\nname = \"own\"\ndependencies = [\"~\"]\n[tool.uv.sources]\n~ = { path = \"@\" }\n[build-system]\nrequires = []\n",
    ),
    (
        "pyproject.toml",
        "[tool.uv.workspace]\nmembers = [\"*\", \"%\"]\n[project.scripts]\nx = \"y:z\"\n",
    ),
    ("uv.lock", "version = 1\n"),
    ("setup.py", "setup(name='own', install_requires=['~'])\n"),
    (
        "pom.xml",
        "<project><groupId>g</groupId><artifactId>own</artifactId><parent><groupId>g</groupId><artifactId>~</artifactId><relativePath>@</relativePath></parent><dependencies><dependency><groupId>g</groupId><artifactId>~</artifactId></dependency></dependencies></project>",
    ),
    (
        "pom.xml",
        "<project><groupId>g</groupId><artifactId>~</artifactId><packaging>pom</packaging><modules><module>%</module></modules></project>",
    ),
    (
        "build.gradle",
        "plugins { id 'application' }\ndependencies { implementation project(':~') }\napply from: '@/x.gradle'\n",
    ),
    (
        "settings.gradle.kts",
        "include(\":~\", \"own\")\nproject(\":~\").projectDir = file(\"%\")\n",
    ),
    (
        "own.csproj",
        "<Project Sdk=\"Microsoft.NET.Sdk.Web\"><ItemGroup><ProjectReference Include=\"@\\own.csproj\" /><Compile Include=\"@\\**\\*.cs\" /></ItemGroup></Project>",
    ),
    (
        "own.sln",
        "Project(\"{F}\") = \"A\", \"%\\own.csproj\", \"{2}\"\nEndProject\n",
    ),
    (
        "Directory.Build.props",
        "<Project><Import Project=\"@/x.props\" /></Project>",
    ),
    (
        "composer.json",
        "{\"name\": \"x/own\", \"repositories\": [{\"type\": \"path\", \"url\": \"@\"}], \"require\": {\"x/own\": \"*\"}}",
    ),
    ("Gemfile", "gem '~', path: '@'\n"),
    (
        "mix.exs",
        "defmodule X do\n  def project, do: [app: :own, deps: [{:x, path: \"@\"}]]\nend\n",
    ),
    (
        "CMakeLists.txt",
        "project(own)\nadd_subdirectory(% out)\nadd_executable(x @/x.c)\n",
    ),
    (
        "Makefile",
        "build:\n\tcp @/x .\ntest: build\ninclude @/Makefile\n",
    ),
    (
        "Dockerfile",
        "FROM debian:12 AS one\nCOPY . .\nCOPY % /x\nCOPY --from=one /a /b\nCOPY @ *.toml /y/\n",
    ),
    ("Dockerfile.dev", "FROM scratch\nADD %/x ${Y}/z ./\n"),
    (
        "compose.yaml",
        "services:\n  ~:\n    build: { context: ., dockerfile: %/Dockerfile }\n    depends_on: [own]\n  own:\n    build: ./%\n    image: own\n    depends_on: { ~: {} }\n    ports: [\"80\"]\n",
    ),
    (
        "compose.override.yaml",
        "services: { ~: { depends_on: [own] }, own: { build: { context: '${D}', additional_contexts: ['x=@'] } } }\n",
    ),
    (".env", "D=%\nX=$D/x\n"),
    (
        "skaffold.yaml",
        "requires: [{path: '@'}]\nbuild: {artifacts: [{image: own, context: '%', requires: [{image: ~}]}, {image: ~, context: '@', docker: {dockerfile: x/Dockerfile}}]}\n",
    ),
    (
        "kustomization.yaml",
        "resources: ['@', x.yaml]\nimages: [{name: own}]\n",
    ),
    (
        "Chart.yaml",
        "name: ~\ndependencies: [{name: x, repository: 'file://@'}]\n",
    ),
    ("values.yaml", "image: {repository: own, tag: 1}\n"),
    (
        "Tiltfile",
        "docker_build('own', '%')\nk8s_yaml('@/x.yaml')\nlocal_resource('x', 'y', deps=['@'])\n",
    ),
    (
        "main.tf",
        "module \"x\" {\n  source = \"@\"\n}\nlocals { y = file(\"${path.module}/@\") }\n",
    ),
    (
        "x.proto",
        "syntax = \"proto3\";\npackage own;\nimport \"%/x.proto\";\nimport \"x.proto\";\n",
    ),
    ("buf.yaml", "version: v2\nmodules: [{path: '%'}]\n"),
    ("genproto.sh", "protoc -I@ -I ../../proto x.proto\n"),
    (
        ".gitattributes",
        "vendor/** linguist-vendored\n%/** linguist-generated\n* linguist-vendored=false\n",
    ),
    (".tool-versions", "nodejs 20\n"),
    (
        "Dockerfile",
        "FROM node:20\nARG A\nENV PORT=8080 NODE_ENV=production\nCOPY ${A}.jar x\nEXPOSE 8080\nHEALTHCHECK CMD curl -f http://localhost:8080/%\nCMD [\"npm\", \"start\"]\n",
    ),
    (
        "Dockerfile",
        "FROM golang:1.22\nCOPY . .\nEXPOSE 9090\nENTRYPOINT [\"/own\"]\n",
    ),
    (
        "k8s/x.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  image: own:1\n",
    ),
    (
        "base/kustomization.yaml",
        "resources: [x.yaml]\nimages: [{name: ~}]\n",
    ),
    (
        "base/x.yaml",
        "apiVersion: apps/v1\nkind: Deployment\nspec:\n  image: ~:1\n",
    ),
    (
        "overlays/staging/kustomization.yaml",
        "resources: [../../base, x.yaml]\n",
    ),
    (
        "overlays/staging/kustomization.yaml",
        "resources: [../../base]\n",
    ),
    (
        "overlays/prod/kustomization.yaml",
        "resources: [../../base]\n",
    ),
    (
        "chart/Chart.yaml",
        "apiVersion: v2\nname: own\nversion: 1.0.0\n",
    ),
    (
        "tests/test_own.py",
        "import unittest\nclass T(unittest.TestCase):\n    def test_one(self): pass\n",
    ),
    ("tests/__init__.py", ""),
    ("main.go", "package main\nfunc main() {}\n"),
    ("main.js", ""),
    ("index.html", "<p>"),
    ("build.rs", ""),
    ("Jenkinsfile", "x"),
    ("gradlew", "x"),
    ("dist", "a file where a build would leave something"),
    ("dist/x.js", "x"),
    ("target/debug/own", "x"),
    ("src/main/kotlin/x.kt", "x"),
    (
        ".svc/presets/own.toml",
        "about = \"x\"\ndetect = { any = [\"index.html\"], rank = 90 }\n[build]\nrun = \"make\"\n",
    ),
];

/// How a file differs from what it should say.
#[derive(Clone, Debug)]
enum Spoilt {
    Not,
    Empty,
    Cut(Index),
    With(Index, &'static str),
    Bytes,
}

#[derive(Clone, Debug)]
enum Thing {
    File {
        at: Index,
        kind: usize,
        to: Index,
        spoilt: Spoilt,
    },
    Known {
        at: Index,
        which: Index,
    },
    Link {
        at: Index,
        to: Index,
    },
}

fn directories() -> impl Strategy<Value = Vec<String>> {
    let path = prop::collection::vec(select(PARTS), 0..4);
    prop::collection::vec(path.prop_map(|it| it.join("/")), 1..9)
}

fn spoilt() -> impl Strategy<Value = Spoilt> {
    const PIECES: &[&str] = &[
        "\"", "'", "\n", "{", "}", "[", "\\", "\0", "${", "..", "/", "購", "*", "!", ": ", "#",
        "<", "&", "\u{202e}", "@",
    ];
    prop_oneof![
        12 => Just(Spoilt::Not),
        1 => Just(Spoilt::Empty),
        1 => any::<Index>().prop_map(Spoilt::Cut),
        4 => (any::<Index>(), select(PIECES)).prop_map(|(at, piece)| Spoilt::With(at, piece)),
        1 => Just(Spoilt::Bytes),
    ]
}

fn things() -> impl Strategy<Value = Vec<Thing>> {
    let (at, to) = (any::<Index>(), any::<Index>());
    let file = (at, 0..KINDS.len(), to, spoilt());
    let file = file.prop_map(|(at, kind, to, spoilt)| Thing::File {
        at,
        kind,
        to,
        spoilt,
    });
    let known = (at_any(), at_any()).prop_map(|(at, which)| Thing::Known { at, which });
    let link = (at_any(), at_any()).prop_map(|(at, to)| Thing::Link { at, to });
    prop::collection::vec(prop_oneof![16 => file, 3 => known, 1 => link], 0..16)
}

fn at_any() -> impl Strategy<Value = Index> {
    any::<Index>()
}

/// Files of the repositories that the corpus rebuilds.
fn known() -> Vec<(String, String)> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let mut texts: Vec<_> = fs::read_dir(directory)
        .unwrap()
        .map(|it| it.unwrap().path())
        .collect();
    texts.sort();
    let mut known = Vec::new();
    for text in texts.iter().map(|it| fs::read_to_string(it).unwrap()) {
        let files = text.split("\n=== ").skip(1);
        let files = files.filter_map(|it| it.split_once('\n'));
        known.extend(files.map(|(path, text)| {
            let name = path.rsplit('/').next().unwrap();
            (name.to_owned(), text.to_owned())
        }));
    }
    known
}

fn text(kind: &str, from: &str, to: &str, spoilt: &Spoilt) -> Vec<u8> {
    let depth = from.split('/').filter(|it| !it.is_empty()).count();
    let way = format!("{}{to}", "../".repeat(depth));
    let name = to.rsplit('/').next().unwrap_or_default();
    let text = kind.replace('@', &way).replace('%', to).replace('~', name);
    let place = |at: &Index| {
        let places: Vec<usize> = text
            .char_indices()
            .map(|it| it.0)
            .chain([text.len()])
            .collect();
        places[at.index(places.len())]
    };
    match spoilt {
        Spoilt::Not => text.into(),
        Spoilt::Empty => Vec::new(),
        Spoilt::Cut(at) => text[..place(at)].into(),
        Spoilt::With(at, piece) => {
            let (before, after) = text.split_at(place(at));
            [before, piece, after].concat().into()
        }
        Spoilt::Bytes => b"\xff\xfe\0{".into(),
    }
}

/// Whatever cannot be made, such as a file where a directory is, is left out.
fn make(repo: &TestRepo, directories: &[String], things: &[Thing], known: &[(String, String)]) {
    let write = |directory: &str, name: &str, text: &[u8]| {
        let file = repo.root().join(directory).join(name);
        let made = fs::create_dir_all(file.parent().unwrap());
        if made.is_ok() && !file.exists() {
            let _ = fs::write(file, text);
        }
    };
    for thing in things {
        match thing {
            Thing::File {
                at,
                kind,
                to,
                spoilt,
            } => {
                let (at, to) = (at.get(directories), to.get(directories));
                let (name, kind) = KINDS[*kind];
                write(at, name, &text(kind, at, to, spoilt));
            }
            Thing::Known { at, which } => {
                let (name, text) = which.get(known);
                let at: &String = at.get(directories);
                write(at, name, text.as_bytes());
            }
            Thing::Link { at, to } => {
                let at = repo.root().join(at.get(directories));
                let way = Path::new("..").join(to.get(directories));
                let _ = fs::create_dir_all(&at);
                let _ = symlink(way, at.join("link"));
            }
        }
    }
}

/// Always the same few, or as many others as are asked for.
fn config() -> Config {
    let asked = std::env::var("SVC_TEST_ROUNDS");
    let (cases, rng_seed) = match asked {
        Ok(asked) => (asked.parse().unwrap(), RngSeed::Random),
        Err(_) => (30, RngSeed::Fixed(1)),
    };
    Config {
        cases,
        rng_seed,
        failure_persistence: None,
        ..Config::default()
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn whatever_init_writes_check_accepts(directories in directories(), things in things(), has_git in any::<bool>()) {
        let repo = match has_git {
            true => TestRepo::new(),
            false => TestRepo::bare_directory(),
        };
        make(&repo, &directories, &things, &known());
        let said = repo.svc(&["init"]).run();
        prop_assert_eq!(said.code(), 0, "{}", said.all());
        let written = repo.read("services.toml");
        let said = repo.svc(&["check"]).run();
        prop_assert_eq!(said.code(), 0, "{}\n{}", said.all(), written);
        let said = repo.svc(&["init", "--update"]).run();
        prop_assert_eq!(said.code(), 0, "{}\n{}", said.all(), written);
        prop_assert_eq!(repo.read("services.toml"), written, "{}", said.all());
    }
}
