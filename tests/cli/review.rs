//! What once went wrong between the rooms: which results stand, what is selected, and what is said of it.

use rustix::process::Signal;

use crate::support::TestRepo;
use crate::world::{Running, document, noted, outcomes, row, verdicts, wait_until, workspace};

/// `app` needs the outputs of `lib`, which needs those of `base`.
fn chain() -> TestRepo {
    workspace(
        r#"
[services.base]
path = "base"
tags = ["low"]
[services.base.build]
run = "echo base >>../log; mkdir -p out; cat input >out/x"
outputs = ["out"]
[services.lib]
path = "lib"
depends-on = ["base"]
[services.lib.build]
run = "echo lib >>../log; mkdir -p out; cat input >out/x"
outputs = ["out"]
[services.app]
path = "app"
depends-on = ["lib"]
tags = ["high"]
build = "echo >>../log app"
test = "true"
"#,
    )
}

fn built() -> TestRepo {
    let repo = chain();
    repo.svc(&["build", "--all"]).stdout();
    noted(&repo);
    repo
}

#[test]
fn a_result_is_of_what_lay_on_disk_and_not_of_what_was_compared() {
    for arguments in [&["--staged"][..], &["--head", "HEAD"]] {
        let repo = chain();
        repo.write("base/input", "of the index\n");
        repo.git(&["add", "."]);
        repo.commit("second");
        // What is built now is not what the commit and the index hold.
        repo.write("base/input", "on disk\n");
        repo.svc(&[&["build", "base", "--base-exact", "HEAD~1"], arguments].concat())
            .stdout();
        assert_eq!(noted(&repo), ["base"]);
        repo.git(&["checkout", "--quiet", "base/input"]);
        repo.svc(&["build", "lib"]).stdout();
        assert_eq!(noted(&repo), ["base", "lib"]);
    }
}

#[test]
fn what_needs_outputs_that_are_made_anew_runs_again() {
    let repo = built();
    std::fs::remove_dir_all(repo.root().join("base/out")).unwrap();
    let (_, plan) = document(&repo, &["build", "app", "--dry-run", "--no-cache"]);
    assert_eq!(
        verdicts(&plan),
        ["base:build run", "lib:build run", "app:build run"]
    );
    // With the cache they come back, and nothing but what has no outputs runs.
    repo.svc(&["build", "app"]).stdout();
    assert_eq!(noted(&repo), ["app"]);
    assert_eq!(repo.read("base/out/x"), "1\n");
}

#[test]
fn arguments_and_causes_are_for_what_is_selected() {
    let repo = built();
    repo.append("base/input", "2\n");
    let (_, plan) = document(&repo, &["build", "--tag", "high", "--dry-run"]);
    assert_eq!(row(&plan, "base:build")["causes"][0]["kind"], "needed-by");
    assert_eq!(row(&plan, "app:build")["causes"][0]["kind"], "dependency");
    repo.svc(&["build", "--tag", "high", "--", "more"]).stdout();
    assert_eq!(noted(&repo), ["base", "lib", "app more"]);
    // Affected, not selected, and built already.
    let (_, plan) = document(&repo, &["build", "--tag", "high", "--dry-run"]);
    assert_eq!(
        verdicts(&plan),
        ["base:build cached", "lib:build cached", "app:build run"]
    );
}

#[test]
fn an_ignored_file_that_is_named_counts() {
    let repo = workspace(
        r#"
[services.lib]
path = "lib"
[services.lib.build]
run = "echo lib >>../log"
inputs = ["...", "secret.flag"]
outputs = []
[services.app]
path = "app"
depends-on = ["lib"]
build = "true"
"#,
    );
    for (content, expected) in [("1", &["lib"][..]), ("1", &[]), ("2", &["lib"])] {
        repo.write("lib/secret.flag", content);
        repo.svc(&["build", "app"]).stdout();
        assert_eq!(noted(&repo), expected);
    }
}

#[test]
fn two_workspaces_of_a_repository_do_not_share_results() {
    let repo = TestRepo::new();
    for (name, build) in [("one", "false"), ("two", "true")] {
        let text = format!("version = 1\n[services.api]\npath = \"api\"\nbuild = \"{build}\"\n");
        repo.write(&format!("{name}/services.toml"), text);
        repo.write(&format!("{name}/api/x"), "x");
    }
    repo.commit("first");
    let at = |name: &str| repo.at(repo.root().join(name));
    assert_eq!(at("one").svc(&["build", "--all"]).run().code(), 1);
    let failed = |name| at(name).svc(&["affected", "--failed"]).stdout();
    assert_eq!(
        (failed("one"), failed("two")),
        ("api\n".to_owned(), String::new())
    );
}

#[test]
fn an_include_that_was_removed_gives_its_files_back() {
    let repo = TestRepo::new();
    repo.write(
        "services.toml",
        "version = 1\nworkspace.include = [\"*/services.toml\"]\n\
         [services.outer]\npath = \"b/in\"\nbuild = \"true\"\n",
    );
    for team in ["a", "b"] {
        let text = format!("[services.{team}]\npath = \"in/{team}\"\nbuild = \"true\"\n");
        repo.write(&format!("{team}/services.toml"), text);
        repo.write(&format!("{team}/in/{team}/x"), "x");
    }
    repo.commit("first");
    repo.remove("b/services.toml");
    let arguments = ["affected", "--strict", "--base-exact", "HEAD"];
    assert_eq!(repo.svc(&arguments).stdout(), "outer\n");
}

#[test]
fn a_list_of_what_changed_says_when_it_does_not_know() {
    let repo = chain();
    for command in ["list", "graph"] {
        let said = repo.svc(&[command, "--base", "nowhere"]).run();
        assert!(
            said.stderr().contains("everything is affected"),
            "{}",
            said.all()
        );
    }
}

#[test]
fn why_says_who_needs_a_task_that_is_not_affected() {
    let repo = chain();
    repo.append("app/input", "2\n");
    let why = |task: &str| repo.svc(&["why", task, "--base-exact", "HEAD"]).stdout();
    assert!(
        why("lib:build").contains("needed by app:build"),
        "{}",
        why("lib:build")
    );
    repo.svc(&["build", "--all"]).stdout();
    assert!(
        why("lib:build").contains("not affected"),
        "{}",
        why("lib:build")
    );
}

#[test]
fn what_never_started_was_not_interrupted() {
    let mut tables = String::new();
    for at in 0..30 {
        tables.push_str(&format!(
            "[services.s{at}]\npath = \"s{at}\"\nbuild = \"touch ../begun.flag; sleep 100\"\n"
        ));
    }
    let repo = workspace(&tables);
    let running = Running::start(repo.svc(&["build", "--all", "--jobs", "1", "--format", "json"]));
    wait_until("a task begins", || repo.root().join("begun.flag").exists());
    running.signal(Signal::INT);
    let _ = running.end();
    let (_, log) = document(&repo, &["log"]);
    let outcomes = outcomes(&log);
    let interrupted = outcomes.iter().filter(|it| it.ends_with("interrupted"));
    assert_eq!(interrupted.count(), 1, "{outcomes:?}");
}
