//! What is taken from the cache, what is kept in it, and what is said when it cannot be.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{Said, TestRepo};
use crate::world::{Running, document, noted, outcomes, row, verdicts, wait_until, workspace};

/// A library with outputs of every kind, a log and a value; and an application made from them.
const LIB_AND_APP: &str = r#"
[services.lib]
path = "lib"
[services.lib.build]
run = "echo lib >>../log; echo building lib; mkdir -p out/empty out/sub; cp input out/sub/copy; echo x >out/tool; chmod 755 out/tool; ln -sf sub/copy out/link; echo name=lib-1 >>$SVC_VALUES"
outputs = ["out"]
[services.app]
path = "app"
depends-on = ["lib"]
[services.app.build]
run = "echo app >>../log; echo $SVC_VALUE_LIB_NAME >out; cat ../lib/out/link >>out"
outputs = ["out"]
"#;

fn store(repo: &TestRepo) -> PathBuf {
    repo.beside("home").join(".cache/svc")
}

/// All files below a directory.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = walkdir::WalkDir::new(directory).into_iter();
    let files = entries.map(|it| it.expect("a readable directory"));
    let files = files.filter(|it| it.file_type().is_file());
    files.map(|it| it.path().to_owned()).collect()
}

/// Everything that the store holds, also what is compressed in it.
fn everything(directory: &Path) -> Vec<u8> {
    const FRAME: [u8; 4] = [0x28, 0xb5, 0x2f, 0xfd];
    let mut all = Vec::new();
    for file in files(directory) {
        let bytes = fs::read(file).unwrap();
        for start in 0..bytes.len().saturating_sub(FRAME.len()) {
            if bytes[start..].starts_with(&FRAME) {
                let mut frame = zstd::Decoder::new(&bytes[start..]).unwrap().single_frame();
                let _ = std::io::copy(&mut frame, &mut all);
            }
        }
        all.extend(bytes);
    }
    all
}

fn holds(bytes: &[u8], text: &str) -> bool {
    bytes.windows(text.len()).any(|it| it == text.as_bytes())
}

/// Makes the call, which must succeed.
fn fine(repo: &TestRepo, arguments: &[&str]) -> Said {
    let said = repo.svc(arguments).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    said
}

fn outcomes_of(repo: &TestRepo, arguments: &[&str]) -> Vec<String> {
    outcomes(&document(repo, arguments).1)
}

fn is_as_built(root: &Path) {
    let out = root.join("lib/out");
    assert!(out.join("empty").is_dir());
    let mode = |name: &str| out.join(name).metadata().unwrap().permissions().mode() & 0o111;
    assert_eq!((mode("tool"), mode("sub/copy")), (0o111, 0));
    assert_eq!(
        fs::read_link(out.join("link")).unwrap(),
        Path::new("sub/copy")
    );
    assert_eq!(
        fs::read_to_string(root.join("app/out")).unwrap(),
        "lib-1\n1\n"
    );
}

#[test]
fn a_hit_brings_back_outputs_log_and_values() {
    let repo = workspace(LIB_AND_APP);
    fine(&repo, &["build", "app"]);
    assert_eq!(noted(&repo), ["lib", "app"]);
    fs::remove_dir_all(repo.root().join("lib/out")).unwrap();
    repo.remove("app/out");
    let said = fine(&repo, &["build", "app"]);
    assert!(
        said.stderr().contains("building lib") && said.stderr().contains("2 cached"),
        "{}",
        said.all()
    );
    is_as_built(repo.root());
    assert_eq!(repo.svc(&["log", "lib:build"]).stdout(), "building lib\n");
    // A dependent that does run sees the values of one that does not.
    repo.append("app/input", "2\n");
    let (_, said) = document(&repo, &["build", "app"]);
    assert_eq!(outcomes(&said), ["lib:build cached", "app:build passed"]);
    assert_eq!(row(&said, "lib:build")["values"]["name"], "lib-1");
    assert_eq!(noted(&repo), ["app"]);
    is_as_built(repo.root());
}

#[test]
fn clones_and_worktrees_share_results() {
    let repo = workspace(LIB_AND_APP);
    fine(&repo, &["build", "app"]);
    let (clone, tree) = (repo.beside("clone"), repo.beside("tree"));
    let path = |it: &Path| it.to_str().unwrap().to_owned();
    repo.git(&["clone", "--quiet", ".", &path(&clone)]);
    repo.git(&["worktree", "add", "--quiet", &path(&tree)]);
    for root in [clone, tree] {
        let said = repo.at(&root).svc(&["build", "app"]).run();
        assert_eq!(said.code(), 0, "{}", said.all());
        assert!(said.stderr().contains("2 cached"), "{}", said.all());
        assert!(!root.join("log").exists());
        is_as_built(&root);
    }
}

/// `lib` leaves the same whatever its input is; `app` needs it.
fn steady(outputs: &str) -> TestRepo {
    workspace(&format!(
        "[services.lib]\npath = \"lib\"\nbuild = {{ run = \"echo lib >>../log; echo same >out\"{outputs} }}\n\
         [services.app]\npath = \"app\"\ndepends-on = [\"lib\"]\n\
         build = {{ run = \"echo app >>../log; cp ../lib/out out\", outputs = [\"out\"] }}\n"
    ))
}

#[test]
fn a_dependency_that_is_rebuilt_to_the_same_stops_there() {
    let repo = steady(", outputs = [\"out\"]");
    fine(&repo, &["build", "app"]);
    repo.append("lib/input", "2\n");
    let plan = document(&repo, &["build", "app", "--dry-run"]).1;
    assert_eq!(verdicts(&plan), ["lib:build run", "app:build run"]);
    let reason = &row(&plan, "app:build")["reason"];
    assert_eq!(reason, "may be cached after lib:build");
    noted(&repo);
    assert_eq!(
        outcomes_of(&repo, &["build", "app"]),
        ["lib:build passed", "app:build cached"]
    );
    assert_eq!(noted(&repo), ["lib"]);
}

#[test]
fn a_dependency_without_outputs_counts_by_what_it_is_made_from() {
    for outputs in ["", ", outputs = []"] {
        let repo = steady(outputs);
        fine(&repo, &["build", "app"]);
        noted(&repo);
        repo.append("lib/input", "2\n");
        fine(&repo, &["build", "app"]);
        assert_eq!(noted(&repo), ["lib", "app"], "{outputs}");
        fine(&repo, &["build", "app"]);
        let again: &[&str] = if outputs.is_empty() { &["lib"] } else { &[] };
        assert_eq!(noted(&repo), again, "{outputs}");
    }
}

#[test]
fn builds_without_outputs_run_every_time_with_one_hint() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\nbuild = \"echo a >>../log\"\n\
         [services.b]\npath = \"b\"\nbuild = \"echo b >>../log\"\n",
    );
    let arguments = ["build", "--all", "--jobs", "1"];
    let first = fine(&repo, &arguments).stderr();
    assert!(!first.contains("hint:"), "{first}");
    let second = fine(&repo, &arguments).stderr();
    assert_eq!(second.matches("hint:").count(), 1, "{second}");
    assert!(
        second.contains("runs every time, as it has no `outputs`"),
        "{second}"
    );
    let mut ran = noted(&repo);
    ran.sort();
    assert_eq!(ran, ["a", "a", "b", "b"]);
}

#[test]
fn what_is_cached_is_decided_by_its_name_outputs_and_cache() {
    let repo = workspace(
        r#"
[services.a]
path = "a"
test = "echo test >>../log"
build = { run = "echo build >>../log", outputs = [] }
tasks.lint = "echo lint >>../log"
tasks.plain = "echo plain >>../log"
tasks.kept = { run = "echo kept >>../log", cache = true }
[services.b]
path = "b"
test = { run = "echo b:test >>../log", cache = false }
build = { run = "echo b:build >>../log; echo x >out", outputs = ["out"], cache = false }
"#,
    );
    let twice = |task: &str, service: &str| {
        fine(&repo, &["run", task, service]);
        noted(&repo);
        fine(&repo, &["run", task, service]);
        noted(&repo)
    };
    for task in ["test", "build", "lint", "kept"] {
        assert_eq!(twice(task, "a"), Vec::<String>::new(), "{task}");
    }
    assert_eq!(twice("plain", "a"), ["plain"]);
    assert_eq!(twice("build", "b"), ["b:build"]);
    assert_eq!(twice("test", "b"), ["b:build", "b:test"]);
}

/// One task that is cached, and one that needs it.
const TWO: &str = r#"
[services.a]
path = "a"
build = { run = "echo build >>../log; cp input out", outputs = ["out"] }
test = "echo test >>../log"
"#;

fn results(repo: &TestRepo) -> u64 {
    repo.svc(&["cache"]).json()["results"].as_u64().unwrap()
}

#[test]
fn without_the_cache_nothing_is_taken_or_kept() {
    for (flag, variable) in [("--no-cache", "on"), ("--jobs=1", "off")] {
        let repo = workspace(TWO);
        let test = || {
            let said = repo.svc(&["test", "a", flag]).env("SVC_CACHE", variable);
            let said = said.run();
            assert_eq!(said.code(), 0, "{}", said.all());
            noted(&repo)
        };
        assert_eq!(test(), ["build", "test"]);
        assert!(!store(&repo).exists(), "{flag} {variable}");
        fine(&repo, &["test", "a"]);
        noted(&repo);
        assert_eq!(results(&repo), 2);
        // What is only needed may yet stand, by the record of the last run.
        assert_eq!(test(), ["test"]);
        repo.remove("a/out");
        assert_eq!(test(), ["build", "test"]);
    }
}

#[test]
fn a_forced_run_does_everything_and_keeps_it() {
    let repo = workspace(TWO);
    for _ in 0..2 {
        fine(&repo, &["test", "a", "--force"]);
        assert_eq!(noted(&repo), ["build", "test"]);
    }
    fine(&repo, &["test", "a"]);
    assert_eq!(noted(&repo), Vec::<String>::new());
    let refused = repo.svc(&["test", "a", "--force", "--no-cache"]).run();
    assert_eq!(refused.code(), 2, "{}", refused.all());
}

#[test]
fn a_store_that_is_only_read_gives_and_does_not_take() {
    let repo = workspace(TWO);
    let test = || {
        let said = repo.svc(&["test", "a"]).env("SVC_CACHE", "read").run();
        assert_eq!(said.code(), 0, "{}", said.all());
        assert!(!said.stderr().contains("warning"), "{}", said.all());
        noted(&repo)
    };
    for _ in 0..2 {
        assert_eq!(test(), ["build", "test"]);
        assert!(!store(&repo).exists());
    }
    fine(&repo, &["test", "a"]);
    noted(&repo);
    let before = everything(&store(&repo));
    assert_eq!(test(), Vec::<String>::new());
    repo.append("a/input", "2\n");
    assert_eq!(test(), ["build", "test"]);
    assert!(before == everything(&store(&repo)), "nothing was written");
}

#[test]
fn nonsense_in_the_variables_of_the_cache_is_refused() {
    let repo = workspace(TWO);
    for (name, value) in [
        ("SVC_CACHE", "yes please"),
        ("SVC_CACHE_LIMIT", "a lot"),
        ("SVC_CACHE_LIMIT", "-1"),
    ] {
        let said = repo.svc(&["test", "a"]).env(name, value).run();
        assert_eq!(said.code(), 2, "{name}={value}: {}", said.all());
        let text = said.stderr();
        assert!(
            text.contains(&format!("{name} is `{value}`")) && text.contains("hint:"),
            "{text}"
        );
        assert_eq!(noted(&repo), Vec::<String>::new());
    }
}

/// Runs the build of one service twice and gives what was said the first time; it must run both times.
fn never_cached(run: &str, outputs: &str) -> String {
    let repo = workspace(&format!(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"echo a >>../log; {run}\"\noutputs = {outputs}\n"
    ));
    let said = fine(&repo, &["build", "a"]);
    fine(&repo, &["build", "a"]);
    assert_eq!(noted(&repo), ["a", "a"], "{}", said.all());
    said.stderr()
}

#[test]
fn what_happens_to_inputs_during_a_run_is_named_and_not_cached() {
    let changed = never_cached("echo more >>input; cp input out", "[\"out\"]");
    let expected = "a:build: not cached: its input a/input changed while it ran";
    assert!(changed.contains(expected), "{changed}");
    let added = never_cached("date +%N >new-$(date +%s%N); cp input out", "[\"out\"]");
    let expected = "a:build: not cached: its input a/new-";
    assert!(added.contains(expected), "{added}");
    assert!(added.contains("was added while it ran"), "{added}");
    let below = never_cached("mkdir -p d$$/e; echo >d$$/e/f; cp input out", "[\"out\"]");
    assert!(below.contains("/e/f was added while it ran"), "{below}");
    let removed = never_cached(
        "if [ -e extra ]; then rm extra; else echo >extra; fi; cp input out",
        "[\"out\"]",
    );
    assert!(
        removed.contains("its input a/extra was added while it ran"),
        "{removed}"
    );
}

#[test]
fn outputs_that_are_missing_are_told() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"cp input out\"\noutputs = [\"out\", \"more/*.flag\"]\n",
    );
    let said = fine(&repo, &["build", "a"]).stderr();
    assert!(
        said.contains("a:build: its output `a/more/*.flag` matches nothing"),
        "{said}"
    );
    assert_eq!(outcomes_of(&repo, &["build", "a"]), ["a:build cached"]);
    let said = never_cached("true", "[\"out\"]");
    assert!(
        said.contains("its output `a/out` matches nothing")
            && said.contains("not cached: none of its outputs are there"),
        "{said}"
    );
}

#[test]
fn outputs_that_are_no_files_are_named_and_not_cached() {
    let pipe = never_cached(
        "mkdir -p out; [ -p out/pipe ] || mkfifo out/pipe",
        "[\"out\"]",
    );
    assert!(
        pipe.contains("not cached: its output a/out/pipe is a fifo"),
        "{pipe}"
    );
    let socket = never_cached(
        "mkdir -p out; rm -f out/s; python3 -c 'import socket; socket.socket(socket.AF_UNIX).bind(\\\"out/s\\\")'",
        "[\"out\"]",
    );
    assert!(
        socket.contains("not cached: its output a/out/s is a socket"),
        "{socket}"
    );
}

#[test]
fn a_task_that_writes_into_another_service_is_reported() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = \"echo more >>../b/input\"\n[services.b]\npath = \"b\"\ntest = \"true\"\n",
    );
    let said = fine(&repo, &["test", "a"]).stderr();
    assert!(
        said.contains(
            "b/input, which git tracks and which belongs to b, was written while a:test ran"
        ),
        "{said}"
    );
    repo.git(&["checkout", "--quiet", "b"]);
    let said = fine(&repo, &["test", "b"]).stderr();
    assert!(!said.contains("was written"), "{said}");
}

#[test]
fn without_a_place_for_the_store_everything_runs_with_one_warning() {
    let repo = workspace(TWO);
    repo.write("no-directory.flag", "");
    let file = repo.root().join("no-directory.flag");
    let in_a_file = |command: &mut Command| {
        command.env("SVC_CACHE_DIR", &file);
    };
    let homeless = |command: &mut Command| {
        command.env_remove("HOME").env_remove("XDG_CACHE_HOME");
    };
    let places: [&dyn Fn(&mut Command); 2] = [&in_a_file, &homeless];
    for place in places {
        for expected in [&["build", "test"][..], &["test"]] {
            let mut command = repo.svc(&["test", "a"]).command();
            place(&mut command);
            let output = command.output().unwrap();
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{said}");
            assert_eq!(said.matches("warning:").count(), 1, "{said}");
            assert!(said.contains("there is no cache in this run"), "{said}");
            assert_eq!(noted(&repo), expected);
        }
        repo.append("a/input", "2\n");
    }
}

#[test]
fn a_damaged_store_is_a_miss_and_gives_no_wrong_file() {
    type Harm = fn(Vec<u8>) -> Vec<u8>;
    let harms: [(&str, Harm); 4] = [
        ("cut short", |mut it| {
            it.truncate(it.len() / 2);
            it
        }),
        ("one bit", |mut it| {
            let at = it.len() / 2;
            it[at] ^= 1;
            it
        }),
        ("foreign", |_| b"#!/bin/sh\necho not a result\n".to_vec()),
        ("empty", |_| Vec::new()),
    ];
    for shelf in ["results", "packs", "files"] {
        for (name, harm) in harms {
            let repo = workspace(
                "[services.a]\npath = \"a\"\n[services.a.build]\n\
                 run = \"echo a >>../log; mkdir -p out; cp input out/small; yes $(cat input) | head -c 3000000 >out/large\"\noutputs = [\"out\"]\n",
            );
            fine(&repo, &["build", "a"]);
            let large = repo.read("a/out/large");
            let damaged = files(&store(&repo).join("v1").join(shelf));
            assert!(!damaged.is_empty(), "{shelf}");
            for file in damaged {
                fs::write(&file, harm(fs::read(&file).unwrap())).unwrap();
            }
            fs::remove_dir_all(repo.root().join("a/out")).unwrap();
            noted(&repo);
            let said = fine(&repo, &["build", "a", "-v"]);
            let text = said.stderr();
            assert_eq!(noted(&repo), ["a"], "{shelf}, {name}: {text}");
            assert_eq!(repo.read("a/out/small"), "1\n");
            assert!(repo.read("a/out/large") == large);
            assert_eq!(text.matches(", dropped\n").count(), 1, "{name}: {text}");
            assert!(!text.contains("warning"), "{name}: {text}");
            // What was dropped is there again, and whole.
            fs::remove_dir_all(repo.root().join("a/out")).unwrap();
            assert_eq!(outcomes_of(&repo, &["build", "a"]), ["a:build cached"]);
            assert!(repo.read("a/out/large") == large);
        }
    }
}

#[test]
fn a_restored_result_takes_the_place_of_a_later_one() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"rm -rf out; mkdir out; cp input out/$(cat input)\"\noutputs = [\"out\"]\n",
    );
    let left = || {
        let files = files(&repo.root().join("a/out"));
        let names = files.iter().map(|it| it.file_name().unwrap().to_owned());
        names
            .map(|it| it.into_string().unwrap())
            .collect::<Vec<_>>()
    };
    for (content, outcome) in [("1", "passed"), ("2", "passed"), ("1", "cached")] {
        repo.write("a/input", content);
        let expected = [format!("a:build {outcome}")];
        assert_eq!(outcomes_of(&repo, &["build", "a"]), expected);
        assert_eq!(left(), [content]);
    }
}

#[test]
fn what_a_person_made_among_the_outputs_is_kept() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"echo a >>../log; mkdir -p made; cp input made/copy\"\noutputs = [\"made\"]\n",
    );
    fine(&repo, &["build", "a"]);
    repo.remove("a/made/copy");
    repo.write("a/made/notes", "mine\n");
    noted(&repo);
    let said = fine(&repo, &["build", "a"]).stderr();
    assert!(
        said.contains(
            "warning: a:build: the cached result is not used, as a/made/notes is in its way"
        ),
        "{said}"
    );
    assert_eq!(noted(&repo), ["a"]);
    assert_eq!(repo.read("a/made/notes"), "mine\n");
    assert_eq!(repo.read("a/made/copy"), "1\n");
    // The result is still the one without it.
    std::fs::remove_dir_all(repo.root().join("a/made")).unwrap();
    fine(&repo, &["build", "a"]);
    assert_eq!(noted(&repo), Vec::<String>::new());
    assert!(!repo.root().join("a/made/notes").exists());
    assert_eq!(repo.read("a/made/copy"), "1\n");
}

#[test]
fn a_key_is_of_the_arguments_too() {
    let repo = workspace("[services.a]\npath = \"a\"\ntest = \"echo >>../log got\"\n");
    for (arguments, expected) in [
        (&["test", "a"][..], &["got"][..]),
        (&["test", "a", "--", "x"], &["got x"]),
        (&["test", "a", "--", "x"], &[]),
        (&["test", "a", "--", "y"], &["got y"]),
        (&["test", "a"], &[]),
    ] {
        fine(&repo, arguments);
        assert_eq!(noted(&repo), expected, "{arguments:?}");
    }
}

#[test]
fn a_key_is_of_what_tools_print() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.test]\nrun = \"echo a >>../log\"\ntools = [\"cat ../version.flag\"]\n\
         [services.b]\npath = \"b\"\ndepends-on = [\"a\"]\ntest = { run = \"echo b >>../log\", needs = [\"a:test\"] }\n",
    );
    repo.write("version.flag", "1.0");
    fine(&repo, &["test", "b"]);
    assert_eq!(noted(&repo), ["a", "b"]);
    fine(&repo, &["test", "b"]);
    assert_eq!(noted(&repo), Vec::<String>::new());
    repo.write("version.flag", "2.0");
    let (_, said) = document(&repo, &["test", "b"]);
    assert_eq!(noted(&repo), ["a", "b"]);
    assert_eq!(
        row(&said, "a:test")["missed"],
        "`cat ../version.flag` prints something else"
    );
    repo.remove("version.flag");
    for _ in 0..2 {
        let (code, said) = document(&repo, &["test", "a"]);
        assert_eq!((code, noted(&repo)), (0, vec!["a".to_owned()]));
        let missed = row(&said, "a:test")["missed"].as_str().unwrap();
        assert!(
            missed.starts_with("its tool `cat ../version.flag` "),
            "{missed}"
        );
    }
}

#[test]
fn each_variable_of_a_prefix_counts() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = { run = \"echo a >>../log\", env = [\"MY_*\"] }\n",
    );
    let missed = |variables: &[(&str, &str)]| {
        let svc = repo.svc(&["test", "a"]);
        let set = |svc: crate::support::Svc, (name, value): &(&str, &str)| svc.env(name, value);
        let said = variables.iter().fold(svc, set).json();
        let row = row(&said, "a:test");
        match row["outcome"].as_str() {
            Some("cached") => "cached".to_owned(),
            _ => row["missed"].as_str().unwrap_or_default().to_owned(),
        }
    };
    assert_eq!(missed(&[]), "");
    assert_eq!(missed(&[("OTHER", "1")]), "cached");
    assert_eq!(missed(&[("MY_A", "1")]), "variable MY_A is set");
    assert_eq!(missed(&[("MY_A", "1")]), "cached");
    assert_eq!(missed(&[("MY_A", "2")]), "variable MY_A changed");
    assert!(missed(&[("MY_A", "2"), ("MY_B", "")]).contains("variable MY_B is set"));
    assert_eq!(missed(&[("MY_A", "2")]), "cached");
}

/// A task with something of every kind in its key.
const RICH: &str = r#"
[workspace]
global-inputs = ["shared.txt"]
[services.lib]
path = "lib"
build = { run = "cp input out", outputs = ["out"] }
[services.proto]
path = "proto"
[services.app]
path = "app"
depends-on = ["lib", "proto"]
[services.app.build]
run = "cp input out"
outputs = ["out"]
env = ["LEVEL"]
"#;

#[test]
fn why_names_everything_that_differs_and_no_value() {
    let repo = workspace(RICH);
    repo.write("shared.txt", "1\n");
    repo.write("app/gone", "1\n");
    repo.write("app/mode", "1\n");
    fine(&repo, &["build", "app"]);
    let why = |more: &[&str]| {
        let arguments = [&["why", "app:build"], more].concat();
        let said = repo.svc(&arguments).env("LEVEL", "hidden-value").run();
        assert_eq!(said.code(), 0, "{}", said.all());
        said.all()
    };
    repo.append("app/input", "2\n");
    repo.write("app/new", "1\n");
    repo.remove("app/gone");
    repo.make_executable("app/mode");
    repo.append("shared.txt", "2\n");
    repo.append("proto/input", "2\n");
    let text = repo.read("services.toml");
    let text = text.replace(
        "[services.app.build]\nrun = \"cp input out\"",
        "[services.app.build]\nrun = \"cp ./input out\"\nshell = [\"sh\", \"-c\"]",
    );
    repo.write("services.toml", text);
    let said = why(&[]);
    for expected in [
        "  app/input changed\n",
        "  app/new added\n",
        "  app/gone removed\n",
        "  app/mode changed its mode\n",
        "  global input shared.txt changed\n",
        "  proto/input changed\n",
        "  the command changed\n",
        "  the shell changed\n",
        "  variable LEVEL is set\n",
    ] {
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
    let document = why(&["--format", "json"]);
    assert!(document.contains("\"variable\""), "{document}");
    let build = ["build", "app", "-v"];
    let ran = repo.svc(&build).env("LEVEL", "hidden-value").run().all();
    for text in [said, document, ran] {
        assert!(!text.contains("hidden-value"), "{text}");
    }
    assert!(!holds(&everything(&store(&repo)), "hidden-value"));
    assert!(!holds(
        &everything(&repo.root().join(".git/svc")),
        "hidden-value"
    ));
}

#[test]
fn why_names_a_dependency_that_left_something_else() {
    let repo = workspace(RICH);
    repo.write("shared.txt", "1\n");
    fine(&repo, &["build", "app"]);
    assert!(
        fine(&repo, &["why", "app:build"])
            .stdout()
            .ends_with("its result is in the cache\n")
    );
    repo.append("lib/input", "2\n");
    let said = fine(&repo, &["why", "app:build"]).stdout();
    assert!(
        said.contains("lib:build has to run first; what it leaves is not known yet"),
        "{said}"
    );
    fine(&repo, &["build", "lib"]);
    let said = fine(&repo, &["why", "app:build"]).stdout();
    assert!(
        said.ends_with("differs from the nearest earlier result\n  lib:build left other outputs\n"),
        "{said}"
    );
    let (_, said) = document(&repo, &["build", "app"]);
    assert_eq!(
        row(&said, "app:build")["missed"],
        "lib:build left other outputs"
    );
}

#[test]
fn why_runs_no_tool() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.test]\nrun = \"true\"\ntools = [\"echo asked >>../log; echo 1\"]\n",
    );
    fine(&repo, &["test", "a"]);
    noted(&repo);
    let said = fine(&repo, &["why", "a:test"]).stdout();
    assert!(said.contains("svc why runs nothing"), "{said}");
    assert_eq!(noted(&repo), Vec::<String>::new());
}

#[test]
fn why_names_the_tool_behind_what_a_task_needs() {
    let tool = "[services.a.build]\nrun = \"true\"\noutputs = []\ntools = [\"echo 1; true\"]\n";
    let repo = workspace(&format!(
        "[services.a]\npath = \"a\"\ntest = \"true\"\n{tool}"
    ));
    fine(&repo, &["test", "a"]);
    let said = fine(&repo, &["why", "a:test"]).stdout();
    let expected =
        "what `echo 1; true` prints is not known: svc why runs nothing, --dry-run asks\n";
    assert!(said.ends_with(expected), "{said}");
    assert!(!said.contains("has to run first"), "{said}");
}

#[test]
fn why_names_tools_by_what_is_remembered_of_them() {
    let tables = |tool: &str| {
        format!("[services.a]\npath = \"a\"\ntest = {{ run = \"true\", tools = [\"{tool}\"] }}\n")
    };
    let repo = workspace(&tables("cat --version"));
    fine(&repo, &["test", "a"]);
    let said = fine(&repo, &["why", "a:test"]).stdout();
    assert!(said.ends_with("its result is in the cache\n"), "{said}");
    let other = tables("head --version");
    repo.write("services.toml", format!("version = 1\n{other}"));
    // A plan asks, and what was asked is remembered.
    fine(&repo, &["test", "a", "--dry-run"]);
    let said = fine(&repo, &["why", "a:test"]).stdout();
    for expected in [
        "  tool `cat --version` removed\n",
        "  tool `head --version` added\n",
    ] {
        assert!(said.contains(expected), "no {expected:?} in\n{said}");
    }
}

#[test]
fn a_plan_beside_tasks_with_tools_and_without_works() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\nbuild = { run = \"cp input out\", outputs = [\"out\"], env = [\"X\"], tools = [\"echo 1\"] }\n\
         [services.b]\npath = \"b\"\ndepends-on = [\"a\"]\nbuild = { run = \"cp input out\", outputs = [\"out\"] }\n",
    );
    assert_eq!(
        outcomes_of(&repo, &["build", "b"]),
        ["a:build passed", "b:build passed"]
    );
    assert_eq!(
        outcomes_of(&repo, &["build", "b"]),
        ["a:build cached", "b:build cached"]
    );
}

#[test]
fn the_store_can_be_counted_pruned_and_cleared() {
    let repo = workspace(TWO);
    let path = format!("{}\n", store(&repo).display());
    let world = repo.root().parent().unwrap().display().to_string();
    assert_eq!(
        repo.svc(&["cache", "path"]).stdout(),
        path.replace(&world, "[WORLD]")
    );
    let place = repo.svc(&["cache", "path"]).json();
    assert_eq!(place["path"], path.trim_end().replace(&world, "[WORLD]"));
    let empty = repo.svc(&["cache"]).stdout();
    assert!(
        empty.contains("0 results, 0 bytes of at most 20.0 GiB"),
        "{empty}"
    );
    assert!(!store(&repo).exists(), "asking makes nothing");
    fine(&repo, &["test", "a"]);
    let text = repo.svc(&["cache", "stats"]).stdout();
    assert!(
        text.contains("2 results") && text.contains("1 output, 2 bytes when unpacked"),
        "{text}"
    );
    let limited = repo.svc(&["cache"]).env("SVC_CACHE_LIMIT", "5GiB").json();
    assert_eq!(limited["limit"], 5_u64 << 30);
    assert_eq!(
        (&limited["results"], &limited["conflicts"]),
        (&2.into(), &0.into())
    );
    let kept = repo.svc(&["cache", "prune"]).json();
    assert_eq!(
        (&kept["results"], &kept["busy"]),
        (&0.into(), &false.into())
    );
    let pruned = repo.svc(&["cache", "prune", "--limit", "0"]).json();
    assert_eq!(pruned["results"], 2, "{pruned}");
    assert_eq!(results(&repo), 0);
    fine(&repo, &["test", "a"]);
    let cleared = repo.svc(&["cache", "clear"]).stdout();
    assert!(cleared.starts_with("removed 2 results"), "{cleared}");
    assert_eq!(results(&repo), 0);
    noted(&repo);
    fine(&repo, &["test", "a"]);
    assert_eq!(noted(&repo), ["build", "test"]);
    let wrong = repo.svc(&["cache", "prune", "--limit", "much"]).run();
    assert_eq!(wrong.code(), 2, "{}", wrong.all());
}

#[test]
fn a_task_that_is_not_deterministic_counts_as_a_conflict() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\nbuild = { run = \"date +%s%N >out\", outputs = [\"out\"] }\n",
    );
    fine(&repo, &["build", "a"]);
    fine(&repo, &["build", "a", "--force"]);
    let last = repo.read("a/out");
    let said = repo.svc(&["cache"]).json();
    assert_eq!(said["conflicts"], 1, "{said}");
    assert_eq!(said["last_conflicts"][0]["task"], "a:build");
    let text = repo.svc(&["cache"]).stdout();
    assert!(
        text.contains("1 conflict: for the same key, a task gave other outputs or values"),
        "{text}"
    );
    // The last one stands, whole.
    repo.remove("a/out");
    assert_eq!(outcomes_of(&repo, &["build", "a"]), ["a:build cached"]);
    assert_eq!(repo.read("a/out"), last);
}

#[test]
fn no_secret_is_ever_in_the_store() {
    let repo = workspace(
        r#"
[services.a]
path = "a"
[services.a.test]
run = "echo the token is $NPM_TOKEN, and $NPM_TOKEN again; seq 1000"
secrets = ["NPM_TOKEN"]
"#,
    );
    let token = "hunter2-and-more";
    for _ in 0..2 {
        let said = repo.svc(&["test", "a"]).env("NPM_TOKEN", token).run();
        assert_eq!(said.code(), 0, "{}", said.all());
        assert!(!said.all().contains(token), "{}", said.all());
    }
    let all = everything(&store(&repo));
    assert!(holds(&all, "the token is "), "the log is looked at");
    assert!(!holds(&all, token));
    // Another secret is no other key: the result stands, and shows neither.
    let said = repo
        .svc(&["test", "a"])
        .env("NPM_TOKEN", "other-token")
        .run();
    assert!(said.stderr().contains("1 cached"), "{}", said.all());
    assert!(!said.all().contains("-token"), "{}", said.all());
}

#[test]
fn outputs_that_a_task_needs_and_that_change_while_it_runs_make_no_result() {
    let repo = workspace(
        r#"
[services.lib]
path = "lib"
build = { run = "cp input out", outputs = ["out"] }
[services.app]
path = "app"
depends-on = ["lib"]
[services.app.build]
run = "if [ -e ../hold.flag ]; then touch ../begun.flag; until [ -e ../go.flag ]; do sleep 0.02; done; fi; cp ../lib/out out"
outputs = ["out"]
"#,
    );
    repo.write("hold.flag", "");
    let running = Running::start(repo.svc(&["build", "app"]));
    wait_until("the task begins", || {
        repo.root().join("begun.flag").exists()
    });
    // By hand, or by another svc that builds it with other variables.
    repo.write("lib/out", "something else\n");
    repo.write("go.flag", "");
    let (status, said) = running.end();
    assert!(status.success(), "{said}");
    assert_eq!(repo.read("app/out"), "something else\n");
    repo.remove("hold.flag");
    fine(&repo, &["build", "app"]);
    assert_eq!(repo.read("lib/out"), "1\n");
    assert_eq!(repo.read("app/out"), "1\n", "a wrong result was kept");
}
