//! Tests of all readers at once: whatever a file holds, nothing panics, and it is quick.

use proptest::prelude::*;

use crate::manifest::{TOOLS, is_known, mutations, read};
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
];

fn sound(path: &str, manifest: &Manifest) {
    for fact in &manifest.facts {
        assert!(fact.line >= 1, "{path}: {fact:?}");
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
        Ok(manifest) => sound(path, &manifest),
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
        let manifest = read(&(*path).into(), text.as_bytes()).expect("samples are good");
        assert!(!manifest.facts.is_empty(), "{path}");
    }
    for (index, tool) in TOOLS.iter().enumerate() {
        let samples = SAMPLES.iter().chain(mutations::SAMPLES);
        let mut names = samples.map(|it| it.0.rsplit('/').next().unwrap());
        assert!(
            names.any(|it| (tool.knows)(it)),
            "tool {index} has no sample"
        );
    }
    assert!(!is_known(b"a/main.rs"));
}

#[test]
fn deep_and_long_files_are_quick() {
    for (path, sample) in SAMPLES {
        for piece in [
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
        ] {
            let text = format!("{sample}{}", piece.repeat(20_000));
            reads_without_harm(path, text.as_bytes());
            reads_without_harm(path, piece.repeat(20_000).as_bytes());
        }
    }
}

proptest! {
    #[test]
    fn nothing_panics(
        sample in 0..SAMPLES.len(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0usize..20, 0..PIECES.len()), 1..12),
    ) {
        let (path, text) = SAMPLES[sample];
        let mut bytes = text.as_bytes().to_vec();
        for (at, gone, piece) in changes {
            let start = at.index(bytes.len() + 1);
            let end = (start + gone).min(bytes.len());
            bytes.splice(start..end, PIECES[piece].bytes());
        }
        reads_without_harm(path, &bytes);
        let text = String::from_utf8_lossy(&bytes);
        reads_without_harm(path, text.as_bytes());
    }

    #[test]
    fn any_text_may_be_anything(sample in 0..SAMPLES.len(), pieces in prop::collection::vec(0..PIECES.len(), 0..60)) {
        let text: String = pieces.into_iter().map(|it| PIECES[it]).collect();
        reads_without_harm(SAMPLES[sample].0, text.as_bytes());
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
