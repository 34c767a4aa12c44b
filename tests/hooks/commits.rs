//! Each way to commit: the hook judges what would be committed, and nothing else.

use std::os::unix::ffi::OsStringExt;
use std::os::unix::process::CommandExt;

use crate::world::{World, came, until};

#[test]
fn a_partly_staged_file_is_judged_as_it_is_staged() {
    let world = World::hooked();
    world.stage("a/file", "better\n");
    world.write("a/file", "bad\n");
    let said = world.git(&["commit", "-qm", "good is staged"]).fine();
    assert!(said.starts_with("svc: 2 tasks fine in "), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
    assert_eq!(world.ran_names(), ["a", "b"]);

    let before = world.head();
    world.stage("a/file", "bad\n");
    world.write("a/file", "best\n");
    let said = world.git(&["commit", "-qm", "bad is staged"]).refused();
    assert!(said.contains("this is bad"), "{said}");
    assert!(
        said.contains("repeat: svc test a --staged --isolated"),
        "{said}"
    );
    assert!(said.contains("git commit --no-verify"), "{said}");
    assert_eq!(world.head(), before);
    // The working tree is as it was.
    assert_eq!(world.repo.read("a/file"), "best\n");
    assert_eq!(world.repo.git(&["status", "--short"]), "MM a/file");
    // The failure stays in the record of this working tree.
    assert!(
        world
            .repo
            .svc(&["log", "a:test"])
            .stdout()
            .contains("this is bad")
    );
}

#[test]
fn files_that_are_not_staged_fool_nobody() {
    let world = World::hooked();
    world.stage("a/file", "better\n");
    world.write("a/untracked", "bad\n");
    world.git(&["commit", "-qm", "untracked is bad"]).fine();
    // A file that is gone, but would be committed.
    world.repo.remove("a/untracked");
    world.stage("a/more", "bad\n");
    world.repo.remove("a/more");
    world.git(&["commit", "-qm", "removed is bad"]).refused();
}

#[test]
fn files_that_git_was_told_not_to_look_at_fool_nobody() {
    for bit in ["skip-worktree", "assume-unchanged"] {
        let world = World::hooked();
        world.stage("a/file", "bad\n");
        world.git(&["commit", "-qm", "bad", "--no-verify"]).fine();
        world
            .repo
            .git(&["update-index", &format!("--{bit}"), "a/file"]);
        world.write("a/file", "good\n");
        world.stage("a/more", "good\n");
        let said = world.git(&["commit", "-qm", bit]).refused();
        assert!(said.contains("this is bad"), "{said}");
        let ran = world.ran();
        assert!(
            ran.iter().all(|(_, path)| !path.starts_with(world.root())),
            "{ran:?}"
        );
        // Of what no task reads it does not matter.
        world.stage("c/file", "better\n");
        world.repo.git(&["reset", "-q", "--", "a/more"]);
        world.git(&["commit", "-qm", "c"]).fine();
        assert_eq!(world.ran(), [("c".to_owned(), world.root().join("c"))]);
    }
}

#[test]
fn what_is_the_same_runs_in_place_and_the_key_is_the_same_everywhere() {
    let world = World::hooked();
    world.stage("a/file", "better\n");
    world.write("c/file", "bad, but nobody asks\n");
    world.git(&["commit", "-qm", "in place"]).fine();
    let ran = world.ran();
    assert!(
        ran.iter().all(|(_, path)| path.starts_with(world.root())),
        "{ran:?}"
    );
    world.stage("a/file", "best\n");
    world.write("a/file", "bad\n");
    world.git(&["commit", "-qm", "beside"]).fine();
    let ran = world.ran();
    assert_eq!(ran.len(), 2);
    assert!(
        ran.iter().all(|(_, path)| !path.starts_with(world.root())),
        "{ran:?}"
    );
    world.write("a/file", "best\n");
    world.repo.svc(&["test", "a", "b"]).run();
    assert_eq!(world.ran_names(), [""; 0]);
}

#[test]
fn the_first_commit_is_judged() {
    let world = World::empty();
    world.repo.svc(&["hook", "install"]).stdout();
    world.repo.git(&["add", "."]);
    world.write("b/file", "bad\n");
    world.repo.git(&["add", "b"]);
    world.git(&["commit", "-qm", "first"]).refused();
    world.stage("b/file", "good\n");
    world.write("b/file", "bad\n");
    world.git(&["commit", "-qm", "first"]).fine();
    assert_eq!(world.repo.git(&["rev-list", "--count", "HEAD"]), "1");
}

#[test]
fn all_that_changed_and_single_paths_are_judged_as_git_takes_them() {
    let world = World::hooked();
    world.write("a/file", "bad\n");
    world.git(&["commit", "-qam", "all, bad"]).refused();
    world.write("c/file", "better\n");
    world
        .git(&["commit", "-qm", "one, bad", "--", "a/file"])
        .refused();
    // The other one is bad, but not asked for.
    world.ran();
    world
        .git(&["commit", "-qm", "one, good", "--", "c/file"])
        .fine();
    assert_eq!(world.ran_names(), ["c"]);
    world.stage("c/file", "bad\n");
    world.write("a/file", "good again\n");
    world
        .git(&["commit", "-qm", "staged, and one", "-i", "a/file"])
        .refused();
    world
        .git(&["commit", "-qm", "one, not what is staged", "--", "a/file"])
        .fine();
    world.write("c/file", "good again\n");
    world.git(&["commit", "-qam", "all, good"]).fine();
    assert_eq!(world.repo.git(&["status", "--short"]), "");
}

#[test]
fn amending_judges_what_the_commit_would_hold_then() {
    let world = World::hooked();
    world.write("a/file", "bad\n");
    world.git(&["commit", "-qam", "bad", "--no-verify"]).fine();
    world.stage("c/file", "better\n");
    world
        .git(&["commit", "-q", "--amend", "--no-edit"])
        .refused();
    world.stage("a/file", "good again\n");
    world.git(&["commit", "-q", "--amend", "--no-edit"]).fine();
    // A commit of its own is judged by itself.
    world.write("a/file", "bad\n");
    world.git(&["commit", "-qam", "bad", "--no-verify"]).fine();
    world.stage("c/file", "best\n");
    world.git(&["commit", "-qm", "only c"]).fine();
}

#[test]
fn the_first_commit_can_be_amended() {
    let world = World::empty();
    world.write("a/file", "bad\n");
    world.repo.git(&["add", "."]);
    world.git(&["commit", "-qm", "bad", "--no-verify"]).fine();
    world.repo.svc(&["hook", "install"]).stdout();
    world.stage("c/file", "better\n");
    world
        .git(&["commit", "-q", "--amend", "--no-edit"])
        .refused();
    world.stage("a/file", "good\n");
    world.git(&["commit", "-q", "--amend", "--no-edit"]).fine();
}

#[test]
fn commits_from_below_and_from_linked_worktrees_are_judged() {
    let world = World::hooked();
    let below = world.root().join("a");
    world.write("a/file", "bad\n");
    world.git_at(&below, &["commit", "-qam", "bad"]).refused();
    world
        .git_at(&below, &["commit", "-qm", "bad", "--", "file"])
        .refused();
    world.write("a/file", "better\n");
    world.git_at(&below, &["commit", "-qam", "good"]).fine();

    let linked = world.repo.beside("linked");
    world.repo.git(&[
        "worktree",
        "add",
        "-q",
        "-b",
        "other",
        &linked.display().to_string(),
    ]);
    std::fs::write(linked.join("c/file"), "bad\n").unwrap();
    // What is bad here is not there, and the other way round.
    world.write("b/file", "bad\n");
    world.git_at(&linked, &["commit", "-qam", "bad"]).refused();
    std::fs::write(linked.join("c/file"), "better\n").unwrap();
    world.git_at(&linked, &["add", "."]).fine();
    std::fs::write(linked.join("c/file"), "bad\n").unwrap();
    world.ran();
    world
        .git_at(&linked.join("a"), &["commit", "-qm", "good"])
        .fine();
    assert_eq!(world.ran_names(), ["c"]);
}

#[test]
fn merges_are_judged_as_a_whole() {
    let world = World::new();
    // Only both together are bad.
    let log = world.repo.beside("log");
    let both = format!(
        "version = 1\n[services.a]\npath = \"a\"\ntest = \"echo a . >> '{}'; ! {{ [ -e one ] && [ -e two ]; }}\"\n",
        log.display()
    );
    world.write("services.toml", &both);
    world.repo.commit("both");
    world.repo.svc(&["hook", "install"]).stdout();
    world.repo.git(&["checkout", "-qb", "side"]);
    world.stage("a/one", "");
    world.git(&["commit", "-qm", "one"]).fine();
    world.repo.git(&["checkout", "-q", "main"]);
    world.stage("a/two", "");
    world.git(&["commit", "-qm", "two"]).fine();
    let before = world.head();
    let said = world.git(&["merge", "--no-edit", "side"]).refused();
    assert!(said.contains("git merge --no-verify"), "{said}");
    assert_eq!(world.head(), before);
    // The merge is still there to be ended; then it is a commit like any other.
    world.git(&["commit", "--no-edit"]).refused();
    world.repo.git(&["rm", "-qf", "a/two"]);
    world.git(&["commit", "--no-edit"]).fine();
}

#[test]
fn conflicts_are_judged_when_they_are_resolved() {
    let world = World::hooked();
    world.repo.git(&["checkout", "-qb", "side"]);
    world.write("a/file", "one\n");
    world.git(&["commit", "-qam", "one"]).fine();
    world.repo.git(&["checkout", "-q", "main"]);
    world.write("a/file", "two\n");
    world.git(&["commit", "-qam", "two"]).fine();
    world.git(&["merge", "side"]).refused();
    world.write("a/file", "bad\n");
    world.git(&["commit", "-qam", "merged"]).refused();
    world.write("a/file", "both\n");
    world.git(&["commit", "-qam", "merged"]).fine();
    // A picked commit that has to be resolved is judged, too.
    world.git(&["cherry-pick", "side"]).refused();
    world.stage("a/file", "bad\n");
    world
        .git(&["-c", "core.editor=true", "cherry-pick", "--continue"])
        .refused();
    world.stage("a/file", "picked\n");
    world
        .git(&["-c", "core.editor=true", "cherry-pick", "--continue"])
        .fine();
}

#[test]
fn a_rebase_is_judged_only_if_that_is_wanted() {
    let world = World::hooked();
    world.repo.git(&["checkout", "-qb", "side"]);
    world.write("a/file", "one\n");
    world.git(&["commit", "-qam", "one"]).fine();
    world.repo.git(&["checkout", "-q", "main"]);
    world.write("a/file", "two\n");
    world.git(&["commit", "-qam", "two"]).fine();
    world.repo.git(&["checkout", "-q", "side"]);
    world.git(&["rebase", "-q", "main"]).refused();
    world.stage("a/file", "bad\n");
    let install = ["hook", "install", "--during-rebase"];
    world.repo.svc(&install).stdout();
    world.git(&["commit", "-qm", "one"]).refused();
    world.repo.svc(&["hook", "install"]).stdout();
    world.ran();
    let said = world.git(&["commit", "-qm", "one"]).fine();
    assert!(said.contains("svc: a rebase is in progress"), "{said}");
    assert_eq!(world.ran_names(), [""; 0]);
    world.git(&["rebase", "--continue"]).fine();
    // Whatever comes after it is judged again.
    world.stage("c/file", "better\n");
    world.git(&["commit", "-qm", "two"]).fine();
    assert_eq!(world.ran_names(), ["c"]);
}

#[test]
fn nothing_is_run_where_no_service_is_affected() {
    let world = World::hooked();
    world.stage("README.md", "bad\n");
    let said = world.git(&["commit", "-qm", "words"]).fine();
    assert_eq!(said, "svc: no service is affected\n");
    // A commit from before there was a workspace.
    world.repo.git(&["checkout", "-q", "--orphan", "empty"]);
    world.repo.git(&["rm", "-qrf", "."]);
    world.stage("a/file", "bad\n");
    assert_eq!(world.git(&["commit", "-qm", "no services"]).fine(), "");
}

#[test]
fn a_definition_that_is_only_staged_counts() {
    let world = World::hooked();
    world.stage("a/file", "bad\n");
    world.repo.remove("services.toml");
    world.git(&["commit", "-qm", "bad"]).refused();
    world.write("services.toml", "version = 1\n");
    world.git(&["commit", "-qm", "bad"]).refused();
}

#[test]
fn several_tasks_make_one_plan() {
    let world = World::new();
    let tasks =
        "\n[services.c.tasks.lint]\nrun = \"if grep -rq ugly .; then exit 1; fi\"\ncache = true\n";
    world.repo.append("services.toml", tasks);
    world.repo.commit("lint");
    let install = ["hook", "install", "--task", "lint", "--task", "test"];
    world.repo.svc(&install).stdout();
    world.stage("c/file", "ugly\n");
    let said = world.git(&["commit", "-qm", "ugly"]).refused();
    assert!(said.contains("c:lint: exit code 1"), "{said}");
    assert!(said.contains("1 failed, 1 passed"), "{said}");
    world.stage("c/file", "fair\n");
    let said = world.git(&["commit", "-qm", "fair"]).fine();
    assert!(said.starts_with("svc: 2 tasks fine"), "{said}");
    // A commit after which nobody lints, and then a branch on which nobody does.
    let lints = world.repo.read("services.toml");
    world.stage("services.toml", &lints.replace(tasks, ""));
    let said = world.git(&["commit", "-qm", "no lint"]).fine();
    assert!(said.contains("no service has a task `lint`"), "{said}");
    world.stage("c/file", "new\n");
    let said = world.git(&["commit", "-qm", "new"]).refused();
    assert!(said.contains("`lint`, which no service has"), "{said}");
    let said = world.repo.svc(&["hook", "install", "--task", "tset"]).run();
    assert_eq!(said.code(), 2);
    assert!(said.stderr().contains("`test`"), "{}", said.stderr());
}

#[test]
fn an_interrupt_ends_the_commit_and_what_it_started() {
    let world = World::new();
    let started = world.repo.beside("started");
    let text = format!(
        "version = 1\n[services.a]\npath = \"a\"\ntest = \"echo $$ > '{}'; sleep 1000\"\n",
        started.display()
    );
    world.write("services.toml", &text);
    world.repo.commit("slow");
    world.repo.svc(&["hook", "install"]).stdout();
    world.stage("a/file", "new\n");
    let before = world.head();
    let mut child = world
        .command_at(&world.root(), &["commit", "-qm", "slow"])
        .process_group(0)
        .spawn()
        .unwrap();
    let pid = || {
        std::fs::read_to_string(&started)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    until("the test starts", || !pid().is_empty());
    let group = rustix::process::Pid::from_raw(child.id() as i32).unwrap();
    rustix::process::kill_process_group(group, rustix::process::Signal::INT).unwrap();
    assert!(!child.wait().unwrap().success());
    assert_eq!(world.head(), before);
    let task = format!("/proc/{}", pid());
    until("the test ends", || !std::path::Path::new(&task).exists());
}

#[test]
fn odd_names_are_judged_as_well() {
    let world = World::hooked();
    for name in [
        b"with space".to_vec(),
        b"new\nline".to_vec(),
        b"not \xff utf8".to_vec(),
        b"-dash".to_vec(),
    ] {
        let name = std::ffi::OsString::from_vec(name);
        let path = world.root().join("a").join(&name);
        std::fs::write(&path, "bad\n").unwrap();
        world.repo.git(&["add", "a"]);
        std::fs::write(&path, "good\n").unwrap();
        world.git(&["commit", "-qm", "bad"]).refused();
        world.repo.git(&["add", "a"]);
        std::fs::write(&path, "bad\n").unwrap();
        world.git(&["commit", "-qm", "good"]).fine();
        std::fs::write(&path, "good\n").unwrap();
    }
    assert_eq!(world.repo.git(&["status", "--short"]), "");
}

#[test]
fn a_workspace_below_the_top_is_judged_and_several_share_a_hook() {
    let world = World::empty();
    for name in ["one", "it's two"] {
        let log = world.repo.beside("log");
        world.write(
            &format!("{name}/services.toml"),
            &crate::world::definition(&log),
        );
        for service in ["a", "b", "c"] {
            world.write(&format!("{name}/{service}/file"), "good\n");
        }
    }
    world.repo.remove("services.toml");
    world.repo.commit("two workspaces");
    for name in ["one", "it's two"] {
        world
            .repo
            .at(world.root().join(name))
            .svc(&["hook", "install"])
            .stdout();
    }
    for name in ["one", "it's two"] {
        let path = format!("{name}/c/file");
        world.stage(&path, "bad\n");
        world.write(&path, "good\n");
        world.git(&["commit", "-qm", "bad"]).refused();
        world.stage(&path, "better\n");
        world.git(&["commit", "-qm", "good"]).fine();
    }
    world
        .repo
        .at(world.root().join("one"))
        .svc(&["hook", "uninstall"])
        .stdout();
    world.stage("one/c/file", "bad\n");
    world.git(&["commit", "-qm", "nobody asks"]).fine();
    world.stage("it's two/c/file", "bad\n");
    world.git(&["commit", "-qm", "bad"]).refused();
    world
        .repo
        .at(world.root().join("it's two"))
        .svc(&["hook", "uninstall"])
        .stdout();
    assert!(!world.root().join(".git/hooks/pre-commit").exists());
}

#[test]
fn the_index_of_the_hook_is_not_handed_to_tasks() {
    let text = "version = 1\n[services.a]\npath = \"a\"\n[services.a.test]\nrun = \"if env | grep ^GIT_INDEX; then exit 1; fi; git init -q x; git -C x add -A; git status >/dev/null\"\nstrict-env = false\n";
    let world = World::hooked_by(text);
    world.write("a/file", "new\n");
    world.git(&["commit", "-qam", "new"]).fine();
    let _ = came(&mut world.command_at(&world.root(), &["fsck"])).fine();
    assert_eq!(
        world.repo.git(&["show", "--format=", "--name-only"]),
        "a/file"
    );
}

#[test]
fn a_task_that_nobody_has_lets_nothing_through() {
    let world = World::new();
    world.stage("a/file", "bad\n");
    let run = |task: &str| {
        let arguments = ["hook", "run", "pre-commit", "--task", task];
        world.repo.svc(&arguments).run()
    };
    let said = run("tset");
    assert_eq!(said.code(), 2, "{}", said.all());
    assert!(
        said.stderr().contains("did you mean `test`?"),
        "{}",
        said.all()
    );
    assert_eq!(run("lint").code(), 2);
    // What is about to be removed, and what is not staged yet, is known.
    let lint = "\n[services.c.tasks.lint]\nrun = \"true\"\n";
    world.repo.append("services.toml", lint);
    assert_eq!(run("lint").code(), 0);
    world.repo.git(&["reset", "-q", "--", "a/file"]);
    world.git(&["commit", "-qam", "lint", "--no-verify"]).fine();
    let text = world.repo.read("services.toml").replace(lint, "");
    world.stage("services.toml", &text);
    assert_eq!(run("lint").code(), 0);
}
