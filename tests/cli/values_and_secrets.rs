//! Values that tasks hand to each other, secrets that must not show, and the slots that they share.

use serde_json::Value;

use crate::support::TestRepo;
use crate::world::{document, noted, outcomes, row, workspace};

const VALUES: &str = r#"
[services.image]
path = "image"
[services.image.build]
run = "echo build >>../log; echo digest=sha256:12 >>$SVC_VALUES; echo empty= >>$SVC_VALUES; cp input out"
outputs = ["out"]
[services.my-app]
path = "my-app"
depends-on = ["image"]
build = "env | grep ^SVC_VALUE_ | sort >>../log; echo a-name='x = y' >>$SVC_VALUES"
test = "env | grep ^SVC_VALUE_ | sort >>../log"
"#;

#[test]
fn values_reach_the_tasks_that_need_them_also_when_their_giver_does_not_run() {
    for (flag, outcome) in [(None, "cached"), (Some("--no-cache"), "skipped")] {
        let repo = workspace(VALUES);
        values_reach(&repo, flag, outcome);
    }
}

fn values_reach(repo: &TestRepo, flag: Option<&str>, outcome: &str) {
    let build = [&["build", "my-app"], flag.as_slice()].concat();
    let said = repo.svc(&build).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let values = ["SVC_VALUE_IMAGE_DIGEST=sha256:12", "SVC_VALUE_IMAGE_EMPTY="];
    assert_eq!(noted(repo), [&["build"], &values[..]].concat());
    let (_, said) = document(repo, &build);
    assert_eq!(
        outcomes(&said),
        [&format!("image:build {outcome}"), "my-app:build passed"]
    );
    assert_eq!(noted(repo), values);
    assert_eq!(row(&said, "image:build")["values"]["digest"], "sha256:12");
    assert_eq!(row(&said, "my-app:build")["values"]["a-name"], "x = y");
    repo.svc(&[&["test", "my-app"], flag.as_slice()].concat())
        .stdout();
    assert!(noted(repo).contains(&"SVC_VALUE_MY_APP_A_NAME=x = y".to_owned()));
}

#[test]
fn values_of_a_try_that_failed_do_not_count() {
    let repo = workspace(
        r#"
[services.a]
path = "a"
[services.a.build]
run = "if [ -e ../again.flag ]; then echo good=1 >>$SVC_VALUES; else touch ../again.flag; echo bad=1 >>$SVC_VALUES; exit 1; fi"
retry = 1
"#,
    );
    let (code, said) = document(&repo, &["build", "a"]);
    assert_eq!(code, 0);
    assert_eq!(
        row(&said, "a:build")["values"],
        serde_json::json!({ "good": "1" })
    );
}

#[test]
fn a_line_that_is_no_value_fails_the_task() {
    for line in ["no equals sign", "=x", "SP ACE=x"] {
        let repo = workspace(&format!(
            "[services.a]\npath = \"a\"\nbuild = \"echo '{line}' >>$SVC_VALUES\"\n"
        ));
        let (code, said) = document(&repo, &["build", "a"]);
        assert_eq!(code, 1, "{line}: {said:#}");
    }
}

const SECRETS: &str = r#"
[services.a]
path = "a"
[services.a.test]
run = "echo token is $NPM_TOKEN.; printf %s $NPM_TOKEN | cut -c1-4; printf 'hunter'; sleep 0.1; printf '2-long'; echo; exit 1"
needs = []
secrets = ["NPM_TOKEN"]
[services.a.build]
run = "echo it=$NPM_TOKEN >>$SVC_VALUES"
secrets = ["NPM_TOKEN"]
"#;

#[test]
fn a_secret_shows_nowhere() {
    for log in ["stream", "grouped", "failed", "none"] {
        let repo = workspace(SECRETS);
        let arguments = ["test", "a", "--log", log, "--events", "events.flag"];
        let said = repo.svc(&arguments).env("NPM_TOKEN", "hunter2-long").run();
        assert_eq!(said.code(), 1, "{}", said.all());
        let text = format!(
            "{}{}{}",
            said.all(),
            repo.read("events.flag"),
            repo.svc(&["log", "a:test"]).stdout()
        );
        assert!(!text.contains("hunter2-long"), "{log}:\n{text}");
        let log = repo.svc(&["log", "a:test"]).stdout();
        assert!(
            log.starts_with("token is ") && log.lines().count() == 3,
            "{log}"
        );
    }
}

#[test]
fn a_value_that_holds_a_secret_is_refused() {
    let repo = workspace(SECRETS);
    let said = repo
        .svc(&["build", "a", "--format", "json"])
        .env("NPM_TOKEN", "hunter2-long")
        .run();
    assert_eq!(said.code(), 1, "{}", said.all());
    assert!(!said.all().contains("hunter2-long"), "{}", said.all());
    let document: Value = serde_json::from_str(&said.stdout()).unwrap();
    let reason = row(&document, "a:build")["outcome_reason"]
        .as_str()
        .unwrap();
    assert!(reason.contains("NPM_TOKEN"), "{reason}");
}

#[test]
fn a_make_below_shares_the_jobs_of_the_run() {
    let tables = |rest: &str| {
        let run = r#"run = 'MAKEFLAGS="$CARGO_MAKEFLAGS" make all'"#;
        format!("[services.a]\npath = \"a\"\nbuild = {{ {run}{rest} }}\n")
    };
    let repo = workspace(&tables(""));
    // Each recipe fails if two run at once: with one job the jobserver has to keep them apart, and with two they have to meet.
    let alone = "all: x y\nx y:\n\tmkdir ../alone.flag && sleep 0.1 && rmdir ../alone.flag\n";
    repo.write("a/Makefile", alone);
    let said = repo.svc(&["build", "a", "--jobs", "1"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let meeting = "all: x y\nx:\n\ttouch ../x.flag; until [ -e ../y.flag ]; do sleep 0.02; done\n\
                   y:\n\ttouch ../y.flag; until [ -e ../x.flag ]; do sleep 0.02; done\n";
    repo.write("a/Makefile", meeting);
    let limited = tables(", timeout = \"20s\"");
    repo.write("services.toml", format!("version = 1\n{limited}"));
    let said = repo.svc(&["build", "a", "--jobs", "2"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        !said.stderr().contains("jobserver unavailable"),
        "{}",
        said.all()
    );
}
