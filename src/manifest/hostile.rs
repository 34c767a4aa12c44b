//! Tests of all readers at once: whatever a file holds, nothing panics, and it is quick.

use proptest::prelude::*;

use crate::manifest::{
    TOOLS, cmake, compose, docker, dotnet, elixir, gradle, helm, is_known, kubernetes, kustomize,
    make, maven, php, proto, read, ruby, scripts, skaffold, terraform, tilt,
};
use crate::model::manifest::{Manifest, What};
use crate::model::path::FilePath;

/// A file for each reader and syntax, rich in what the readers look for.
const SAMPLES: &[(&str, &str)] = &[
    (
        "a/Cargo.toml",
        "[package]\nname = \"x\"\nbuild = '../b.rs'\n[[bin]]\nname = 'y'\n[lib]\npath = '../l'\n[dependencies]\na = { path = '../a' }\nb.workspace = true\n[target.'cfg(x)'.dependencies]\nc = '1'\n[workspace]\nmembers = ['x/*']\n[workspace.dependencies]\nd = { path = 'd' }\n[patch.crates-io]\ne = { path = 'e' }\n[replace]\n'f:1' = { path = 'f' }\n",
    ),
    (
        "a/go.mod",
        "module x\nrequire (\n a v1 // indirect\n b v2\n)\nreplace a => ../a\n",
    ),
    ("go.work", "use (\n ./a\n)\nuse b\nreplace x => ./y\n"),
    (
        "a/package.json",
        "{\"name\": \"x\", \"workspaces\": {\"packages\": [\"a/*\", \"!b\"]}, \"scripts\": {\"build\": \"tsc\"}, \"dependencies\": {\"a\": \"file:../a\", \"b\": \"npm:@x/y@1\"}, \"pnpm\": {\"overrides\": {\"c\": \"link:../c\"}}, \"nx\": {\"targets\": {\"x\": {\"command\": \"a\"}}}}",
    ),
    (
        "pnpm-workspace.yaml",
        "packages:\n  - &a 'x/*'\n  - *a\n  - '!y'\noverrides:\n  x: link:./x\n",
    ),
    ("lerna.json", "{\"packages\": [\"a/*\"]}"),
    (
        "rush.json",
        "{\"projects\": [{\"packageName\": \"a\", \"projectFolder\": \"b\"}]}",
    ),
    (
        "a/tsconfig.json",
        "{\"extends\": [\"../x\", \"@a/b/c\"], \"references\": [{\"path\": \"../y\"}], \"include\": [\"../z/**/*\"], \"compilerOptions\": {\"baseUrl\": \"..\", \"paths\": {\"a/*\": [\"../a/*\"]}}}",
    ),
    (
        "a/pyproject.toml",
        "[project]\nname = 'x'\ndependencies = ['a>1', 'b @ file:../b']\n[tool.uv.sources]\na = [{ path = '../a' }]\n[tool.uv.workspace]\nmembers = ['x']\n[tool.poetry.group.dev.dependencies]\nc = { path = '../c' }\n[tool.hatch.envs.x]\ndependencies = ['{root:uri}/../d']\n",
    ),
    ("a/Pipfile", "[packages]\na = { path = '../a' }\n"),
    (
        "a/requirements.txt",
        "a==1 \\\n --x\n-e ../b[x]\n-r ../c.txt\n./d # e\n",
    ),
    (
        "a/setup.py",
        "setup(name='x', install_requires=['a', \"b @ ../c\", # ]\n], entry_points={})\n",
    ),
    (
        "a/setup.cfg",
        "[metadata]\nname = x\n[options]\ninstall_requires =\n  a\n  b\n",
    ),
    (
        "turbo.json",
        "{\"globalDependencies\": [\"a\"], \"globalEnv\": [\"B\"], \"tasks\": {\"a#b\": {\"dependsOn\": [\"^b\", \"$C\"], \"inputs\": [\"$TURBO_DEFAULT$\", \"!$TURBO_ROOT$/x\"], \"outputs\": [\"d/**\"], \"env\": [\"E*\"], \"persistent\": true}}}",
    ),
    (
        "nx.json",
        "{\"namedInputs\": {\"x\": [\"{projectRoot}/**/*\", \"{workspaceRoot}/a\"]}, \"targetDefaults\": {\"b\": {\"dependsOn\": [{\"target\": \"c\", \"projects\": [\"d\"]}], \"inputs\": [\"x\", {\"env\": \"E\"}], \"outputs\": [\"{projectRoot}/x\"]}}, \"plugins\": [\"p\"]}",
    ),
    (
        "a/b/project.json",
        "{\"$schema\": \"../../node_modules/nx/x.json\", \"name\": \"b\", \"implicitDependencies\": [\"c\"], \"targets\": {\"b\": {\"executor\": \"nx:run-commands\", \"outputs\": [\"{options.o}/x\", \"{workspaceRoot}/{projectRoot}/y\"], \"options\": {\"o\": \"a\", \"commands\": [\"c {projectName}\"], \"cwd\": \"{projectRoot}\", \"args\": [\"d\"]}}}}",
    ),
    (
        "a/.moon/workspace.yml",
        "projects:\n  globs: ['a/*', '!b']\n  sources:\n    c: d\n",
    ),
    (
        ".moon/tasks.yml",
        "implicitInputs: ['/x']\nfileGroups:\n  s: ['src/**/*']\ntasks:\n  a:\n    command: [a, 'b c']\n    args: 1\n    deps: ['^:b', '~:c', 'd:e']\n    inputs: ['@group(s)', '$X', '/y', '!z']\n    outputs: [d]\n    env: {A: b}\n    options: {runFromWorkspaceRoot: true}\n",
    ),
    (
        "a/moon.yml",
        "layer: library\nid: x\ntags: [t]\ndependsOn: [a, {id: b, scope: development}]\ntasks:\n  b: &x\n    command: c\n  c:\n    <<: *x\n",
    ),
    ("a/vite.config.ts", "import x from 'x'\n"),
    (".tool-versions", "node 20\n"),
    (
        "a/.gitattributes",
        "*.x linguist-vendored\n\"a \\\" b\" linguist-generated=true\n",
    ),
    ("a/CMakeLists.txt", cmake::tests::SAMPLE),
    ("a/compose.yaml", compose::tests::SAMPLE),
    ("a/Dockerfile", docker::tests::SAMPLE),
    ("a/A.csproj", dotnet::tests::SAMPLE),
    ("a/A.sln", dotnet::tests::SOLUTION),
    ("a/mix.exs", elixir::tests::SAMPLE),
    ("a/build.gradle", gradle::tests::SAMPLE),
    ("a/build.gradle.kts", gradle::tests::SAMPLE),
    ("a/settings.gradle", gradle::tests::SETTINGS),
    ("a/Chart.yaml", helm::tests::CHART),
    ("a/values.yaml", helm::tests::VALUES),
    ("k8s/a.yaml", kubernetes::tests::SAMPLE),
    ("a/kustomization.yaml", kustomize::tests::SAMPLE),
    ("a/Makefile", make::tests::SAMPLE),
    ("a/pom.xml", maven::tests::SAMPLE),
    ("a/composer.json", php::tests::SAMPLE),
    ("a/a.proto", proto::tests::SAMPLE),
    ("a/buf.gen.yaml", proto::tests::GENERATION),
    ("a/Gemfile", ruby::tests::SAMPLE),
    ("a/a.gemspec", ruby::tests::SPEC),
    ("a/build.sh", scripts::tests::SAMPLE),
    ("a/skaffold.yaml", skaffold::tests::SAMPLE),
    ("a/main.tf", terraform::tests::SAMPLE),
    ("a/Tiltfile", tilt::tests::SAMPLE),
];

/// What hostile files are made of.
const PIECES: &[&str] = &[
    "\0",
    "\u{1b}[31m",
    "\r",
    "\n",
    "\u{feff}",
    "\"",
    "'",
    "\\",
    "[",
    "]",
    "{",
    "}",
    ":",
    ",",
    "#",
    "*",
    "&a",
    "*a",
    "<<: ",
    "!",
    "@",
    "../",
    "/",
    "1e999999",
    "99999999999999999999999",
    "null",
    "true",
    "ä",
    "\u{202e}",
    "\t",
    "- ",
    "=",
    "$",
    "${",
    "{projectRoot}",
    "{workspaceRoot}/",
    "{options.",
    "\"name\"",
    "\"\\ud800\"",
    "//",
    "/*",
    "(",
    ")",
    "=>",
    "^",
    "~:",
    "[[",
    "'''",
    "\"\"\"",
    "|\n",
    "---\n",
    "?",
    "*/",
    "#[[",
    "\r\n",
    "<",
    ">",
    "$(",
    "&a ",
    "*a ",
    "<<",
    "<<EOF\n",
    ": ",
    "/..",
    "\u{fffd}",
    "ü",
    "<!--",
    "]]>",
    "&lt;",
    "project(':",
    "include \"",
    "docker_build(",
    "COPY ",
    "FROM ",
    "ARG A=$A$A\n",
    "subprojects {",
    "<a>",
    "a ? ",
    "-",
    "{:a, ",
];

/// What could make a reader go deep or long.
const DEEP: &[&str] = &[
    "[",
    "{",
    "{\"a\":",
    "a: {",
    "- ",
    "\"",
    "x",
    "\n",
    "*a ",
    "[[a]]\n",
    "(",
    "\\\n",
    "install_requires=[",
    "name='x',\n",
];

fn sound(path: &str, content: &[u8], manifest: &Manifest) {
    let lines = content.iter().filter(|it| **it == b'\n').count() as u32 + 2;
    for fact in &manifest.facts {
        assert!((1..=lines).contains(&fact.line), "{path}: {fact:?}");
        if let What::Reads { path, .. } | What::Offers { path, .. } = &fact.what {
            let parts = path.as_bytes().split(|it| *it == b'/');
            let is_sound = |part: &[u8]| !matches!(part, b"" | b"." | b"..");
            assert!(
                path.is_root() || parts.into_iter().all(is_sound),
                "{fact:?}"
            );
        }
        if let What::Unsupported(words) = &fact.what {
            assert!(!words.contains(char::is_control), "{words:?}");
        }
    }
}

fn reads_without_harm(path: &str, content: &[u8]) {
    match read(&path.into(), content) {
        Ok(manifest) => sound(path, content, &manifest),
        Err(error) => {
            let told = error.to_string();
            assert!(
                !told.contains(char::is_control) && told.len() < 1000,
                "{told:?}"
            );
        }
    }
}

#[test]
fn every_reader_has_a_sample_that_it_reads() {
    for (path, text) in SAMPLES {
        assert!(is_known(path.as_bytes()), "{path}");
        let manifest = read(&(*path).into(), text.as_bytes()).expect("samples are good");
        assert!(!manifest.facts.is_empty(), "{path}");
    }
    for (index, tool) in TOOLS.iter().enumerate() {
        let mut names = SAMPLES.iter().map(|it| it.0.rsplit('/').next().unwrap());
        let is_there = names.any(|it| (tool.knows)(it));
        assert!(is_there, "tool {index} has no sample");
    }
    for path in ["", "/", "a/", "a/main.rs", "a/\u{fffd}", "README.md"] {
        assert!(!is_known(path.as_bytes()), "{path}");
    }
    assert!(!is_known(b"a/\xff.proto"));
}

#[test]
fn what_repeats_without_end_is_read_in_time() {
    for (path, sample) in SAMPLES {
        for piece in PIECES {
            let many = piece.repeat(100);
            reads_without_harm(path, format!("{sample}{many}").as_bytes());
        }
        for piece in DEEP {
            reads_without_harm(path, piece.repeat(4_000).as_bytes());
        }
    }
}

/// One change to a file: some bytes are taken out, and a piece, or a part of the file itself, is put in their place.
#[derive(Clone, Debug)]
struct Change {
    at: prop::sample::Index,
    gone: usize,
    put: Put,
}

#[derive(Clone, Debug)]
enum Put {
    Piece(&'static str, usize),
    Part(prop::sample::Index, usize),
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    let put = prop_oneof![
        (prop::sample::select(PIECES), 0..4_usize)
            .prop_map(|(what, times)| Put::Piece(what, times)),
        (index(), 1..60_usize).prop_map(|(from, length)| Put::Part(from, length)),
    ];
    (index(), 0..20_usize, put).prop_map(|(at, gone, put)| Change { at, gone, put })
}

fn changed(text: &str, changes: &[Change]) -> Vec<u8> {
    let mut bytes = text.as_bytes().to_vec();
    for change in changes {
        let range = |start: usize, length: usize| start..(start + length).min(bytes.len());
        let put = match &change.put {
            Put::Piece(what, times) => what.repeat(*times).into_bytes(),
            Put::Part(from, length) => bytes[range(from.index(bytes.len() + 1), *length)].to_vec(),
        };
        let gone = range(change.at.index(bytes.len() + 1), change.gone);
        bytes.splice(gone, put);
    }
    bytes
}

proptest! {
    #[test]
    fn nothing_panics(
        sample in prop::sample::select(SAMPLES),
        changes in prop::collection::vec(change(), 1..12),
    ) {
        let (path, text) = sample;
        let bytes = changed(text, &changes);
        reads_without_harm(path, &bytes);
        // What was cut within a letter.
        let text = String::from_utf8_lossy(&bytes);
        reads_without_harm(path, text.as_bytes());
    }

    #[test]
    fn any_text_may_be_anything(
        sample in prop::sample::select(SAMPLES),
        pieces in prop::collection::vec(prop::sample::select(PIECES), 0..60),
    ) {
        reads_without_harm(sample.0, pieces.concat().as_bytes());
    }
}

/// Prints what reading costs: `cargo test --release --lib manifest::hostile::speed -- --ignored --nocapture`.
#[test]
#[ignore = "a measurement"]
#[expect(
    clippy::disallowed_methods,
    clippy::print_stderr,
    reason = "a measurement looks at the clock and tells"
)]
fn speed() {
    let paths: Vec<(FilePath, &str)> = SAMPLES.iter().map(|it| (it.0.into(), it.1)).collect();
    let start = std::time::Instant::now();
    let mut facts = 0;
    for index in 0..3000 {
        let (path, text) = &paths[index % paths.len()];
        facts += read(path, text.as_bytes())
            .expect("samples are good")
            .facts
            .len();
    }
    eprintln!("3000 manifests, {facts} facts: {:?}", start.elapsed());
    let long: String = (0..60)
        .map(|it| format!("\"dependency-{it}\": \"^1.{it}.0\",\n"))
        .collect();
    let long = format!("{{\"name\": \"x\", \"dependencies\": {{{long}\"z\": \"1\"}}}}");
    let start = std::time::Instant::now();
    for _ in 0..3000 {
        facts += read(&"a/package.json".into(), long.as_bytes())
            .expect("good")
            .facts
            .len();
    }
    eprintln!(
        "3000 long package.json, {facts} facts: {:?}",
        start.elapsed()
    );
}
