//! What runs after something changed, and what does not.

use serde_json::Value;

use crate::support::TestRepo;
use crate::world::{document, noted, outcomes, row, verdicts, workspace};

/// A library, two services in a row on it, and one beside them. Builds leave an output behind.
fn chain() -> TestRepo {
    let service = |name: &str, needs: &str| {
        format!(
            "[services.{name}]\npath = \"{name}\"\ndepends-on = [{needs}]\n\
             test = \"echo {name}:test >>../log\"\n[services.{name}.build]\n\
             run = \"echo {name}:build >>../log; mkdir -p out; cp input out/\"\noutputs = [\"out\"]\n"
        )
    };
    workspace(
        &[
            service("lib", ""),
            service("api", "\"lib\""),
            service("web", "\"api\""),
            service("other", "\"lib\""),
        ]
        .concat(),
    )
}

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn what_was_built_is_not_built_again() {
    let repo = chain();
    repo.svc(&["build", "api"]).stdout();
    assert_eq!(noted(&repo), ["lib:build", "api:build"]);
    let (_, said) = document(&repo, &["build", "api"]);
    assert_eq!(outcomes(&said), ["lib:build cached", "api:build cached"]);
    assert_eq!(row(&said, "lib:build")["causes"][0]["kind"], "needed-by");
    assert_eq!(row(&said, "lib:build")["causes"][0]["task"], "api:build");
    assert_eq!(noted(&repo), Vec::<String>::new());
}

#[test]
fn without_the_cache_what_is_only_needed_runs_the_first_time_only() {
    let repo = chain();
    let arguments = ["build", "api", "--no-cache"];
    repo.svc(&arguments).stdout();
    assert_eq!(noted(&repo), ["lib:build", "api:build"]);
    let (_, said) = document(&repo, &arguments);
    assert_eq!(outcomes(&said), ["lib:build skipped", "api:build passed"]);
    assert_eq!(
        row(&said, "lib:build")["reason"],
        "passed before with the same inputs"
    );
    assert_eq!(noted(&repo), ["api:build"]);
}

/// A name, an edit, and whether it changes what `lib` leaves behind, or what it is made from.
type Edit = (&'static str, fn(&TestRepo), Changes);

#[derive(Clone, Copy, PartialEq)]
enum Changes {
    Inputs,
    InputsAndOutputs,
    OnlyOnDisk,
}

const EDITS: [Edit; 6] = [
    (
        "input",
        |repo| repo.append("lib/input", "2\n"),
        Changes::InputsAndOutputs,
    ),
    (
        "new input",
        |repo| repo.write("lib/more", "2\n"),
        Changes::Inputs,
    ),
    (
        "output",
        |repo| repo.append("lib/out/input", "by hand\n"),
        Changes::OnlyOnDisk,
    ),
    (
        "lost output",
        |repo| std::fs::remove_dir_all(repo.root().join("lib/out")).unwrap(),
        Changes::OnlyOnDisk,
    ),
    (
        "definition",
        |repo| {
            let text = repo.read("services.toml");
            repo.write("services.toml", text.replacen("cp input", "cp -f input", 1));
        },
        Changes::Inputs,
    ),
    (
        "mode",
        // `cp` leaves the mode of a file that is there.
        |repo| repo.make_executable("lib/input"),
        Changes::Inputs,
    ),
];

#[test]
fn a_needed_task_runs_again_after_its_input_or_definition_changed() {
    let repo = chain();
    repo.svc(&["build", "api"]).stdout();
    for (name, edit, changes) in EDITS {
        noted(&repo);
        edit(&repo);
        let (_, said) = document(&repo, &["build", "api"]);
        let expected = match changes {
            Changes::OnlyOnDisk => ["lib:build cached", "api:build cached"],
            Changes::Inputs => ["lib:build passed", "api:build cached"],
            Changes::InputsAndOutputs => ["lib:build passed", "api:build passed"],
        };
        assert_eq!(outcomes(&said), expected, "{name}");
        assert_eq!(repo.read("lib/out/input"), repo.read("lib/input"), "{name}");
        let (_, said) = document(&repo, &["build", "api"]);
        assert_eq!(
            outcomes(&said),
            ["lib:build cached", "api:build cached"],
            "{name}"
        );
    }
}

#[test]
fn without_the_cache_a_needed_task_runs_again_after_its_output_changed_too() {
    let repo = chain();
    let arguments = ["build", "api", "--no-cache"];
    repo.svc(&arguments).stdout();
    for (name, edit, _) in EDITS {
        edit(&repo);
        let (_, said) = document(&repo, &arguments);
        assert_eq!(
            verdicts(&said),
            ["lib:build run", "api:build run"],
            "{name}"
        );
        let (_, said) = document(&repo, &arguments);
        assert_eq!(
            verdicts(&said),
            ["lib:build skip", "api:build run"],
            "{name}"
        );
    }
}

#[test]
fn an_edit_runs_exactly_the_service_and_its_dependents() {
    let repo = chain();
    let said = repo.svc(&["test", "--all"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(noted(&repo).len(), 8);
    repo.append("api/input", "2\n");
    repo.svc(&["test"]).stdout();
    // The build of web leaves what it left before, so its test still stands.
    assert_eq!(sorted(noted(&repo)), ["api:build", "api:test", "web:build"]);
    let why = repo.svc(&["why", "web"]).stdout();
    assert!(
        why.contains("depends on api") && why.contains("api/input changed"),
        "{why}"
    );
    let why = repo.svc(&["why", "api"]).stdout();
    assert!(why.contains("api/input changed"), "{why}");
    let why = repo.svc(&["why", "lib"]).stdout();
    assert!(why.contains("lib is not affected"), "{why}");
    repo.commit("edit");
    repo.git(&["switch", "--quiet", "--create", "work"]);
    repo.svc(&["test"]).stdout();
    assert_eq!(noted(&repo), Vec::<String>::new());
}

#[test]
fn nothing_to_do_says_since_when_and_how_to_do_all() {
    let repo = chain();
    for (arguments, doing) in [
        (&["build"][..], "builds"),
        (&["test"], "tests"),
        (&["run", "test"], "tests"),
        (&["build", "--dry-run"], "builds"),
    ] {
        let said = repo.svc(arguments).run();
        let expected = format!("nothing changed since main; --all {doing} all\n");
        assert!(said.stderr().ends_with(&expected), "{}", said.all());
        assert_eq!(
            (said.code(), said.stdout().as_str()),
            (0, ""),
            "{arguments:?}"
        );
    }
    assert_eq!(repo.svc(&["build", "-q"]).run().all(), "exit 0\n");
    let (code, said) = document(&repo, &["build"]);
    assert_eq!((code, said["tasks"].as_array().unwrap().len()), (0, 0));
    assert!(repo.svc(&["log", "--list"]).stdout().lines().count() < 2);
    repo.append("other/input", "2\n");
    let said = repo.svc(&["build", "--exclude", "other"]).run();
    assert!(said.stderr().ends_with("nothing to do\n"), "{}", said.all());
}

#[test]
fn a_failed_task_stays_in_plans_until_it_passes() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = \"[ -e ../fixed.flag ]\"\n[services.b]\npath = \"b\"\ntest = \"true\"\n",
    );
    repo.append("a/input", "2\n");
    let (code, said) = document(&repo, &["test"]);
    assert_eq!(
        (code, outcomes(&said)),
        (1, vec!["a:test failed".to_owned()])
    );
    repo.commit("broken");
    for _ in 0..2 {
        let (code, said) = document(&repo, &["test"]);
        assert_eq!(
            (code, outcomes(&said)),
            (1, vec!["a:test failed".to_owned()])
        );
        assert_eq!(kinds(&row(&said, "a:test")["causes"]), ["failed-before"]);
    }
    assert_eq!(repo.svc(&["affected"]).stdout(), "");
    assert_eq!(repo.svc(&["affected", "--failed"]).stdout(), "a\n");
    assert!(
        repo.svc(&["why", "a:test"])
            .stdout()
            .contains("failed before")
    );
    repo.write("fixed.flag", "");
    let (code, said) = document(&repo, &["test"]);
    assert_eq!(
        (code, outcomes(&said)),
        (0, vec!["a:test passed".to_owned()])
    );
    let (code, said) = document(&repo, &["test"]);
    assert_eq!((code, outcomes(&said).len()), (0, 0));
    assert_eq!(repo.svc(&["affected", "--failed"]).stdout(), "");
}

fn kinds(causes: &Value) -> Vec<&str> {
    let causes = causes.as_array().expect("a list of causes");
    causes
        .iter()
        .map(|it| it["kind"].as_str().unwrap())
        .collect()
}

#[test]
fn a_failed_dependency_is_not_forgotten_by_later_runs() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"cp input out; [ -e ../fixed.flag ]\"\noutputs = [\"out\"]\n\
         [services.b]\npath = \"b\"\ndepends-on = [\"a\"]\nbuild = \"true\"\n",
    );
    repo.write("fixed.flag", "");
    repo.svc(&["build", "--all"]).stdout();
    repo.remove("fixed.flag");
    repo.append("a/input", "2\n");
    let (code, _) = document(&repo, &["build"]);
    assert_eq!(code, 1);
    repo.write("a/input", "1\n");
    let (code, said) = document(&repo, &["build", "b", "--no-cache"]);
    assert_eq!(code, 1, "{said:#}");
    assert_eq!(outcomes(&said), ["a:build failed", "b:build skipped"]);
    // What the first build left is in the cache, and is what `b` needs.
    let (code, said) = document(&repo, &["build", "b"]);
    assert_eq!(code, 0, "{said:#}");
    assert_eq!(outcomes(&said), ["a:build cached", "b:build passed"]);
    assert_eq!(repo.read("a/out"), "1\n");
}

#[test]
fn an_input_that_changes_while_its_task_runs_is_named() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"echo more >>input; cp input out\"\noutputs = [\"out\"]\n[services.b]\npath = \"b\"\ndepends-on = [\"a\"]\nbuild = \"true\"\n",
    );
    let said = repo.svc(&["build", "a"]).run();
    assert_eq!(said.code(), 0);
    assert!(
        said.stderr()
            .contains("a:build: not cached: its input a/input changed while it ran"),
        "{}",
        said.all()
    );
    let (_, said) = document(&repo, &["build", "--dry-run", "b"]);
    assert_eq!(verdicts(&said), ["a:build run", "b:build run"]);
}

#[test]
fn what_cannot_be_recorded_still_runs_with_one_warning() {
    let repo = chain();
    repo.write(".git/svc", "a file where the directory should be\n");
    let said = repo.svc(&["test", "--all", "--log", "none"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(noted(&repo).len(), 8);
    assert_eq!(
        said.stderr().matches("warning:").count(),
        1,
        "{}",
        said.all()
    );
    assert!(said.stderr().contains("not kept"), "{}", said.all());
}

#[test]
fn outside_of_a_repository_everything_runs_with_one_warning() {
    let repo = TestRepo::bare_directory();
    crate::world::fill(
        &repo,
        "[services.a]\npath = \"a\"\nbuild = \"echo a:build\"\n",
    );
    let said = repo.svc(&["build"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        said.stderr().contains("a:build | a:build"),
        "{}",
        said.all()
    );
    assert_eq!(
        said.stderr().matches("warning:").count(),
        1,
        "{}",
        said.all()
    );
    assert!(
        said.stderr().contains("this is not a git repository"),
        "{}",
        said.all()
    );
    assert_eq!(repo.svc(&["affected"]).stdout(), "a\n");
    assert_eq!(repo.svc(&["affected", "--strict-base"]).run().code(), 3);
    assert_eq!(repo.svc(&["why", "a"]).run().code(), 0);
    assert_eq!(repo.svc(&["log"]).run().code(), 2);
}

#[test]
fn with_a_repository_that_cannot_be_read_nothing_runs() {
    let repo = chain();
    repo.write(".git/index", "DIRC\0\0\0\u{2}nonsense");
    for arguments in [&["build"][..], &["build", "--all"], &["test", "api"]] {
        let said = repo.svc(arguments).run();
        assert_eq!(said.code(), 3, "{}", said.all());
        assert!(said.stderr().contains("index"), "{}", said.all());
        assert_eq!(noted(&repo), Vec::<String>::new());
    }
}

#[test]
fn two_runs_at_once_do_not_disturb_each_other() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\ntest = \"touch ../$HERE.flag; until [ -e ../x.flag ] && [ -e ../y.flag ]; do sleep 0.02; done\"\n\
         [workspace]\npass-env = [\"HERE\"]\n",
    );
    let start =
        |here: &str| crate::world::Running::start(repo.svc(&["test", "a"]).env("HERE", here));
    for running in [start("x"), start("y")] {
        let (status, said) = running.end();
        assert_eq!(status.code(), Some(0), "{said}");
        assert!(!said.contains("left over"), "{said}");
    }
    assert_eq!(
        repo.svc(&["log", "--list"])
            .stdout()
            .matches("1 passed")
            .count(),
        2
    );
}

#[test]
fn odd_names_of_files_and_directories_work() {
    let repo = crate::support::TestRepo::new();
    repo.write("services.toml", "version = 1\n[services.odd]\npath = \"odd dir/ünïcode 'quoted' $x\"\nbuild = { run = \"cp 'a \\\"b' out\", outputs = [\"out\"] }\n[services.on]\npath = \"on\"\ndepends-on = [\"odd\"]\nbuild = \"true\"\n");
    repo.write("odd dir/ünïcode 'quoted' $x/a \"b", "1\n");
    repo.write("on/new\nline", "1\n");
    repo.write(".gitignore", "out\n");
    repo.commit("first");
    repo.append("odd dir/ünïcode 'quoted' $x/a \"b", "2\n");
    let (code, said) = document(&repo, &["build"]);
    assert_eq!((code, outcomes(&said).len()), (0, 2), "{said:#}");
    let (_, said) = document(&repo, &["build", "on"]);
    assert_eq!(verdicts(&said), ["odd:build cached", "on:build run"]);
    let why = repo.svc(&["why", "on"]).stdout();
    assert!(why.contains("ünïcode"), "{why}");
}
