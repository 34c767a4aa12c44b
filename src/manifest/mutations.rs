//! What nobody would write: every reader refuses it or makes something of it, and soon.

use proptest::prelude::*;

use crate::manifest::{
    TOOLS, cmake, compose, docker, dotnet, elixir, gradle, helm, is_known, kubernetes, kustomize,
    make, maven, php, proto, read, ruby, scripts, skaffold, terraform, tilt,
};

/// A good file for each.
const SAMPLES: &[(&str, &str)] = &[
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

/// What grammars stumble over.
const NASTY: &[&str] = &[
    "\"",
    "'",
    "\"\"\"",
    "/*",
    "*/",
    "//",
    "#",
    "#[[",
    "\\",
    "\n",
    "\r\n",
    "\t",
    "{",
    "}",
    "[",
    "]",
    "(",
    ")",
    "<",
    ">",
    "${",
    "$",
    "$(",
    "&a ",
    "*a ",
    "<<",
    "<<EOF\n",
    ": ",
    "- ",
    "../",
    "/..",
    "\0",
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
    "!",
    "{:a, ",
];

#[derive(Clone, Debug)]
enum Change {
    Cut {
        at: prop::sample::Index,
        length: usize,
    },
    Put {
        at: prop::sample::Index,
        what: &'static str,
        times: usize,
    },
    Copy {
        from: prop::sample::Index,
        at: prop::sample::Index,
        length: usize,
    },
}

fn change() -> impl Strategy<Value = Change> {
    let index = any::<prop::sample::Index>;
    prop_oneof![
        (index(), 1..40_usize).prop_map(|(at, length)| Change::Cut { at, length }),
        (index(), prop::sample::select(NASTY), 1..4_usize)
            .prop_map(|(at, what, times)| Change::Put { at, what, times }),
        (index(), index(), 1..60_usize).prop_map(|(from, at, length)| Change::Copy {
            from,
            at,
            length
        }),
    ]
}

fn changed(text: &str, changes: &[Change]) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    for change in changes {
        let length = letters.len();
        let behind = |at: usize, many: usize| (at + many).min(length);
        match change {
            Change::Cut { at, length } => {
                let at = at.index(letters.len() + 1);
                letters.drain(at..behind(at, *length));
            }
            Change::Put { at, what, times } => {
                let at = at.index(length + 1);
                letters.splice(at..at, what.repeat(*times).chars());
            }
            Change::Copy { from, at, length } => {
                let from = from.index(letters.len() + 1);
                let part = letters[from..behind(from, *length)].to_vec();
                let at = at.index(letters.len() + 1);
                letters.splice(at..at, part);
            }
        }
    }
    letters.into_iter().collect()
}

proptest! {
    #[test]
    fn no_reader_panics(
        sample in prop::sample::select(SAMPLES),
        changes in prop::collection::vec(change(), 1..8),
    ) {
        let (file, text) = sample;
        let text = changed(text, &changes);
        let lines = text.matches('\n').count() as u32 + 1;
        match read(&file.into(), text.as_bytes()) {
            Ok(manifest) => prop_assert!(manifest.facts.iter().all(|it| (1..=lines + 1).contains(&it.line))),
            Err(error) => prop_assert!(!error.reason.contains(char::is_control)),
        }
    }
}

#[test]
fn what_repeats_without_end_is_read_in_time() {
    for (file, sample) in SAMPLES {
        for nasty in NASTY {
            for text in [
                nasty.repeat(5_000),
                format!("{sample}{}", nasty.repeat(5_000)),
            ] {
                _ = read(&(*file).into(), text.as_bytes());
            }
        }
    }
}

#[test]
fn every_sample_is_known_and_says_something() {
    for (file, text) in SAMPLES {
        assert!(is_known(file.as_bytes()), "{file}");
        let manifest = read(&(*file).into(), text.as_bytes()).unwrap();
        assert!(!manifest.facts.is_empty(), "{file}");
    }
    for path in ["", "/", "a/", "src/main.rs", "a/\u{fffd}", "README.md"] {
        assert!(!is_known(path.as_bytes()), "{path}");
    }
    assert!(!is_known(b"a/\xff.proto"));
    assert!(!TOOLS.is_empty());
}
