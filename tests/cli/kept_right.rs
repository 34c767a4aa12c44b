//! What must never be reused: results of inputs that nobody saw.

use crate::support::TestRepo;
use crate::world::{document, noted, outcomes, row, workspace};

fn build(repo: &TestRepo) -> (String, String) {
    let (code, said) = document(repo, &["build", "a"]);
    assert_eq!(code, 0, "{said:#}");
    let missed = row(&said, "a:build")["missed"].as_str().map(str::to_owned);
    (outcomes(&said).join(", "), missed.unwrap_or_default())
}

/// A build that makes the file `made` at its first run, beside its own directory; without that file it runs again.
fn made_while_it_ran(tables: &str, before: &[(&str, &str)], made: &str) {
    let run = format!("echo a >>../log; [ -e ../once.flag ] || echo new >../{made}; cp input out");
    let repo = workspace(&format!(
        "{tables}[services.a.build]\nrun = \"{run}\"\noutputs = [\"out\"]\n"
    ));
    before
        .iter()
        .for_each(|(path, text)| repo.write(path, text));
    repo.git(&["add", "--all"]);
    repo.git(&["commit", "--quiet", "--allow-empty", "-m", "more"]);
    let said = repo.svc(&["build", "a"]).run();
    let expected = format!("not cached: its input {made} was added while it ran");
    assert!(said.stderr().contains(&expected), "{}", said.all());
    repo.write("once.flag", "");
    repo.remove(made);
    build(&repo);
    assert_eq!(noted(&repo), ["a", "a"], "{made}");
    assert_eq!(build(&repo).0, "a:build cached", "{made}");
}

#[test]
fn inputs_that_come_while_a_task_runs_are_seen_wherever_they_are() {
    let proto = "[services.a]\npath = \"a\"\n[tasks.build]\ninputs = [\"...\", \"/proto/**\"]\n";
    made_while_it_ran(proto, &[("proto/x", "1")], "proto/y");
    made_while_it_ran(
        proto,
        &[("proto/x", "1"), ("proto/deep/x", "1")],
        "proto/deep/y",
    );
    let one = "[services.a]\npath = \"a\"\n[tasks.build]\ninputs = [\"...\", \"/one\"]\n";
    made_while_it_ran(one, &[], "one");
    let lib =
        "[services.lib]\npath = \"lib\"\n[services.a]\npath = \"a\"\ndepends-on = [\"lib\"]\n";
    made_while_it_ran(lib, &[], "lib/y");
    let docs = "[workspace]\nignore = [\"**/*.md\"]\n[services.a]\npath = \"a\"\n";
    made_while_it_ran(docs, &[("a/docs/x.md", "1")], "a/docs/y");
    let ignored = "[services.a]\npath = \"a\"\n[tasks.build]\ninputs = [\"...\", \"env.flag\"]\n";
    made_while_it_ran(ignored, &[], "a/env.flag");
    let global = "[workspace]\nglobal-inputs = [\"tools.txt\"]\n[services.a]\npath = \"a\"\n";
    made_while_it_ran(global, &[], "tools.txt");
}

#[test]
fn a_link_to_what_is_no_input_leaves_no_result() {
    let table = |inputs: &str| {
        format!(
            "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"cat common/f >out\"\ninputs = [\"...\"{inputs}]\noutputs = [\"out\"]\n"
        )
    };
    let repo = workspace(&table(""));
    repo.write("common/f", "1\n");
    std::os::unix::fs::symlink("../common", repo.root().join("a/common")).unwrap();
    repo.commit("links");
    let build_again = || {
        build(&repo);
        build(&repo)
    };
    let (outcome, missed) = build_again();
    assert_eq!(outcome, "a:build passed");
    assert_eq!(
        missed,
        "its input a/common is a link to common, which is no input of it"
    );
    let toml = repo.read("services.toml");
    repo.write(
        "services.toml",
        toml.replace("\"...\"", "\"...\", \"/common/**\""),
    );
    assert_eq!(build_again().0, "a:build cached");
    repo.write("common/f", "2\n");
    assert_eq!(build(&repo).1, "common/f changed");
    assert_eq!(repo.read("a/out"), "2\n");
}

#[test]
fn a_global_input_that_git_ignores_is_in_every_key() {
    let repo = workspace(
        "[workspace]\nglobal-inputs = [\"env.flag\"]\n[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"cp ../env.flag out\"\noutputs = [\"out\"]\n",
    );
    repo.write("env.flag", "1\n");
    build(&repo);
    assert_eq!(build(&repo).0, "a:build cached");
    repo.write("env.flag", "2\n");
    let expected = ("a:build passed", "global input env.flag changed");
    let (outcome, missed) = build(&repo);
    assert_eq!((&*outcome, &*missed), expected);
    assert_eq!(repo.read("a/out"), "2\n");
}

#[test]
fn what_another_task_makes_and_a_glob_takes_without_need_keeps_a_result_out() {
    let repo = workspace(
        "[services.lib]\npath = \"lib\"\n[services.lib.build]\nrun = \"cp input x.flag\"\noutputs = [\"*.flag\"]\n[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"cp ../lib/x.flag out\"\ninputs = [\"...\", \"/lib/x*\"]\noutputs = [\"out\"]\n",
    );
    repo.write("lib/x.flag", "1\n");
    let (_, missed) = build(&repo);
    let expected = "its input lib/x.flag is an output of lib:build, which it does not need";
    assert_eq!(missed, expected);
    repo.write("lib/x.flag", "2\n");
    assert_eq!(build(&repo).0, "a:build passed");
    assert_eq!(repo.read("a/out"), "2\n");
}

#[test]
fn a_file_that_git_was_told_not_to_look_at_counts_by_what_is_in_it() {
    for flag in ["--assume-unchanged", "--skip-worktree"] {
        let repo = workspace(
            "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"cp input out\"\noutputs = [\"out\"]\n",
        );
        build(&repo);
        repo.git(&["update-index", flag, "a/input"]);
        assert_eq!(build(&repo).0, "a:build cached");
        repo.write("a/input", "2\n");
        let expected = ("a:build passed", "a/input changed");
        let (outcome, missed) = build(&repo);
        assert_eq!((&*outcome, &*missed), expected, "{flag}");
        assert_eq!(repo.read("a/out"), "2\n");
    }
}

#[test]
fn an_output_directory_that_is_a_link_to_elsewhere_is_not_cached() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"mkdir -p out/; cp input out/x\"\noutputs = [\"out\"]\n",
    );
    std::fs::create_dir(repo.beside("large")).unwrap();
    std::os::unix::fs::symlink(repo.beside("large"), repo.root().join("a/out")).unwrap();
    let said = repo.svc(&["build", "a"]).run();
    let expected = "not cached: its output a/out is a link to a directory elsewhere";
    assert!(said.stderr().contains(expected), "{}", said.all());
    std::fs::remove_file(repo.beside("large").join("x")).unwrap();
    assert_eq!(build(&repo).0, "a:build passed");
    assert!(repo.beside("large").join("x").exists());
}

#[test]
fn few_open_files_are_enough_for_many_needs() {
    let mut tables = String::new();
    let names: Vec<String> = (0..70).map(|at| format!("lib{at}")).collect();
    for name in &names {
        tables += &format!(
            "[services.{name}]\npath = \"{name}\"\n[services.{name}.build]\nrun = \"cp input out\"\noutputs = [\"out\"]\n"
        );
    }
    let repo = workspace(&format!(
        "{tables}[services.a]\npath = \"a\"\ndepends-on = {names:?}\n[services.a.build]\nrun = \"cat ../lib*/out >out\"\noutputs = [\"out\"]\n"
    ));
    let svc = repo.svc(&["build", "a"]).command();
    let mut limited = repo.command("sh", repo.root());
    let limited = limited.args(["-c", "ulimit -n 64; exec \"$0\" build a"]);
    let output = limited.arg(svc.get_program()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
}

#[test]
fn a_task_may_make_again_what_it_needs() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\nbuild = { run = \"cp input out\", outputs = [\"out\"] }\ntest = { run = \"rm out; timeout 30 $SVC build a; cat out\", env = [\"SVC\"] }\n",
    );
    let svc = repo.svc(&[]).command();
    let said = repo.svc(&["test", "a"]).env("SVC", svc.get_program()).run();
    assert_eq!(said.code(), 0, "{}", said.all());
}

#[test]
fn a_key_with_a_secret_among_its_arguments_is_not_stored() {
    let repo =
        workspace("[services.a]\npath = \"a\"\ntest = { run = \"echo\", secrets = [\"TOKEN\"] }\n");
    let call = [
        "test",
        "a",
        "--format",
        "json",
        "--",
        "--with=hunter2-hunter2",
    ];
    for _ in 0..2 {
        let said = repo.svc(&call).env("TOKEN", "hunter2-hunter2").json();
        assert_eq!(outcomes(&said), ["a:test passed"]);
        let expected = "its arguments hold the secret TOKEN";
        assert_eq!(row(&said, "a:test")["missed"], expected);
    }
}

#[test]
fn a_submodule_that_changes_while_a_task_runs_keeps_its_result_out() {
    let repo = workspace(
        "[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"[ -e ../once.flag ] || echo 2 >sub/f; cp sub/f out\"\noutputs = [\"out\"]\n",
    );
    repo.write("a/sub/f", "1\n");
    let sub = repo.at(repo.root().join("a/sub"));
    sub.git(&["init", "--quiet"]);
    sub.commit("first");
    let said = repo.svc(&["build", "a"]).run();
    let expected = "not cached: its input a/sub changed while it ran";
    assert!(said.stderr().contains(expected), "{}", said.all());
    repo.write("once.flag", "");
    sub.write("f", "1\n");
    assert_eq!(build(&repo).0, "a:build passed");
    assert_eq!(build(&repo).0, "a:build cached");
}
