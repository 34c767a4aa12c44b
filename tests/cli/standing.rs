//! When the last result of a needed task stands for the next one, and when it must not.

use crate::world::{noted, workspace};

const TABLES: &str = "
[services.lib]
path = \"lib\"
build = { run = \"echo lib >>../log\", outputs = [] }
[services.app]
path = \"app\"
depends-on = [\"lib\"]
test = \"echo app >>../log\"
";

#[test]
fn what_tasks_read_is_the_working_tree_whatever_is_compared() {
    let calls = [
        ("CI", &["test", "app"][..]),
        ("NONE", &["test", "app", "--staged"]),
        (
            "NONE",
            &["test", "app", "--base-exact", "HEAD~1", "--head", "HEAD"],
        ),
    ];
    // Without the cache, what was asked for itself runs each time.
    let ways = [(None, &[][..]), (Some("--no-cache"), &["app"][..])];
    for ((variable, arguments), (flag, again)) in calls
        .iter()
        .flat_map(|call| ways.iter().map(move |way| (*call, *way)))
    {
        let arguments = [arguments, flag.as_slice()].concat();
        let repo = workspace(TABLES);
        repo.append("app/input", "2\n");
        repo.commit("second");
        repo.append("app/input", "3\n");
        repo.git(&["add", "app"]);
        let test = || {
            let said = repo.svc(&arguments).env(variable, "true").run();
            assert_eq!(said.code(), 0, "{}", said.all());
            noted(&repo)
        };
        assert_eq!(test(), ["lib", "app"], "{arguments:?}");
        assert_eq!(test(), again, "{arguments:?}");
        repo.append("lib/input", "not staged\n");
        assert_eq!(test(), ["lib", "app"], "{arguments:?}");
        assert_eq!(test(), again, "{arguments:?}");
    }
}

#[test]
fn a_run_says_that_it_is_not_on_the_commit_that_is_compared() {
    let repo = workspace(TABLES);
    repo.append("app/input", "2\n");
    repo.commit("second");
    repo.append("app/input", "3\n");
    repo.commit("third");
    let warns = |head: &str| {
        let said = repo
            .svc(&["test", "--base-exact", "HEAD~2", "--head", head])
            .run();
        assert_eq!(said.code(), 0, "{}", said.all());
        said.stderr().contains("tasks run on what is checked out")
    };
    assert!(warns("HEAD~1"));
    assert!(!warns("HEAD"));
}
