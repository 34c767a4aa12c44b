//! Runs of code that anybody may have written: they change nothing that others share. And what is taken from the CI system
//! of runs that may.

use crate::deploys::{TO_PRODUCTION, ask, deploy, deployed_shop, edit, hear, live, shop};
use crate::support::{Svc, TestRepo};
use crate::world::{noted, workspace};

/// A pull request from a fork.
const FORK: &[(&str, &str)] = &[
    ("CI", "true"),
    ("CIRCLECI", "true"),
    ("CIRCLE_BRANCH", "pull/12"),
    (
        "CIRCLE_PULL_REQUEST",
        "https://github.com/acme/shop/pull/12",
    ),
    ("CIRCLE_PR_NUMBER", "12"),
    ("CIRCLE_PR_USERNAME", "mallory"),
    ("CIRCLE_PR_REPONAME", "shop"),
];

fn with(svc: Svc, variables: &[(&str, &str)]) -> Svc {
    variables
        .iter()
        .fold(svc, |svc, (name, value)| svc.env(name, value))
}

/// Everything that the remote has.
fn remote(repo: &TestRepo) -> String {
    repo.at(repo.beside("remote.git")).git(&["for-each-ref"])
}

#[test]
fn foreign_code_changes_no_environment_that_others_see() {
    let repo = deployed_shop();
    deploy(&repo, &["--env", "production", "--bootstrap", "--yes"]);
    edit(&repo, "web", "Show prices");
    deploy(&repo, &["--env", "staging"]);
    edit(&repo, "web", "Steal prices");
    let (before, runs) = (remote(&repo), live(&repo, "staging", "web"));
    let from_fork = |arguments: &[&str]| hear(with(repo.svc(arguments), FORK));
    insta::assert_snapshot!(from_fork(&["deploy", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: this run may not change `staging`: pull request 12 comes from the fork mallory/shop
    hint: deploy from a run of the branch itself, once the change is merged; if everybody who can begin such a run may deploy, set SVC_TRUST=own where the CI system is configured
    ");
    insta::assert_snapshot!(from_fork(&["rollback", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: this run may not change `staging`: pull request 12 comes from the fork mallory/shop
    hint: deploy from a run of the branch itself, once the change is merged; if everybody who can begin such a run may deploy, set SVC_TRUST=own where the CI system is configured
    ");
    let shown = from_fork(&["rollback", "--env", "staging", "--dry-run"]);
    assert!(shown.starts_with("exit 0\n"), "{shown}");
    for arguments in [
        &["deploy", "--env", "staging", "--adopt"][..],
        &["deploy", "--env", "production", "--yes", "--retry-held"],
        &["rollback", "--env", "staging", "web"],
        &["down", "--env", "staging", "--yes"],
        &["down", "--env", "staging", "--forget", "--yes", "web"],
        &[
            "promote",
            "--from",
            "staging",
            "--to",
            "production",
            "--yes",
        ],
        &["lock", "take", "--env", "staging", "--reason", "mine"],
    ] {
        let said = with(repo.svc(arguments), FORK).run();
        assert_eq!(said.code(), 2, "{arguments:?}: {}", said.all());
        let text = said.stderr();
        assert!(
            text.starts_with("error: this run may not change `"),
            "{arguments:?}: {text}"
        );
    }
    repo.svc(&["lock", "take", "--env", "staging", "--reason", "release"])
        .stdout();
    let locked = remote(&repo);
    insta::assert_snapshot!(from_fork(&["lock", "release", "--env", "staging"]), @"
    exit 2
    --- stderr
    error: this run may not change `staging`: pull request 12 comes from the fork mallory/shop
    hint: deploy from a run of the branch itself, once the change is merged; if everybody who can begin such a run may deploy, set SVC_TRUST=own where the CI system is configured
    ");
    assert_eq!(remote(&repo), locked);
    repo.svc(&["lock", "release", "--env", "staging"]).stdout();
    assert_eq!(remote(&repo), before);
    assert_eq!(live(&repo, "staging", "web"), runs);
}

#[test]
fn foreign_code_may_look_and_run_on_its_own_machine() {
    let repo = deployed_shop();
    edit(&repo, "web", "Show prices");
    for arguments in [
        &["deploy", "--env", "staging", "--dry-run"][..],
        &["status"],
        &["history", "--env", "staging"],
        &["changes", "--env", "staging"],
        &["lock", "show", "--env", "staging"],
        &["down", "--env", "staging", "--dry-run"],
        &["deploy", "--env", "local", "--bootstrap"],
        &["down", "--env", "local"],
    ] {
        let said = with(repo.svc(arguments), FORK).run();
        assert_eq!(said.code(), 0, "{arguments:?}: {}", said.all());
    }
}

#[test]
fn who_configures_the_system_decides() {
    let repo = deployed_shop();
    edit(&repo, "web", "Show prices");
    let say = |trust: &str, variables: &[(&str, &str)]| {
        let svc = repo.svc(&["deploy", "--env", "staging", "-q", "--log", "none"]);
        hear(with(svc, variables).env("SVC_TRUST", trust))
    };
    insta::assert_snapshot!(say("yes please", FORK), @"
    exit 2
    --- stderr
    error: SVC_TRUST is `yes please`
    hint: set it to `own` or `foreign`, or unset it to let the CI system tell
    ");
    insta::assert_snapshot!(say("foreign", &[]), @"
    exit 2
    --- stderr
    error: this run may not change `staging`: SVC_TRUST is `foreign`
    hint: deploy from a run of the branch itself, once the change is merged; if everybody who can begin such a run may deploy, set SVC_TRUST=own where the CI system is configured
    ");
    insta::assert_snapshot!(say("own", FORK), @"exit 0");
}

#[test]
fn results_of_foreign_code_are_not_kept_for_others() {
    let repo = workspace("[services.a]\npath = \"a\"\ntest = \"echo ran >>../log\"\n");
    let test = |variables: &[(&str, &str)], more: &[&str]| {
        let said = with(
            repo.svc(&[&["test", "--all"][..], more].concat()),
            variables,
        )
        .run();
        assert_eq!(said.code(), 0, "{}", said.all());
        (noted(&repo).len(), said.stderr())
    };
    let note = "note: no result of this run is kept for others: pull request 12 comes from the fork mallory/shop";
    let (ran, said) = test(FORK, &[]);
    assert_eq!((ran, said.matches(note).count()), (1, 1), "{said}");
    // Nothing was kept, not with `--force` either.
    assert_eq!(test(FORK, &["--force"]).0, 1);
    let (ran, said) = test(&[], &[]);
    assert_eq!((ran, said.contains("note:")), (1, false), "{said}");
    // What others kept is taken.
    assert_eq!(test(FORK, &[]).0, 0);
    repo.append("a/input", "2\n");
    repo.commit("second");
    let own = [FORK, &[("SVC_TRUST", "own")]].concat();
    let (ran, said) = test(&own, &[]);
    assert_eq!((ran, said.contains("note:")), (1, false), "{said}");
    assert_eq!(test(&[], &[]).0, 0);
}

#[test]
fn the_ledger_says_who_and_where_as_the_system_tells() {
    let repo = shop();
    let github = [
        ("GITHUB_ACTIONS", "true"),
        ("GITHUB_EVENT_NAME", "push"),
        ("GITHUB_ACTOR", "ann"),
        ("GITHUB_TRIGGERING_ACTOR", "bob"),
        ("GITHUB_SERVER_URL", "https://github.com"),
        ("GITHUB_REPOSITORY", "acme/shop"),
        ("GITHUB_RUN_ID", "7"),
        ("GITHUB_RUN_ATTEMPT", "2"),
    ];
    let newest = |variables: &[(&str, &str)]| {
        edit(&repo, "web", "Show prices");
        let svc = repo.svc(&[
            "deploy",
            "--env",
            "staging",
            "--bootstrap",
            "-q",
            "--log",
            "none",
        ]);
        let said = with(svc, variables).run();
        assert_eq!(said.code(), 0, "{}", said.all());
        let document = repo.svc(&["history", "--env", "staging"]).json();
        let text = document.to_string();
        let at = text.find("\"who\":").expect("an entry");
        let who = &text[at..];
        who[..who.find('}').expect("its end") + 1].to_owned()
    };
    let who = newest(&github);
    assert!(who.contains("\"name\":\"bob\""), "{who}");
    assert!(
        who.contains("\"https://github.com/acme/shop/actions/runs/7/attempts/2\""),
        "{who}"
    );
    let given = [&github[..], &[("SVC_RUN_URL", "https://ci.test/9")]].concat();
    assert!(newest(&given).contains("\"https://ci.test/9\""));
    let who = newest(&[]);
    assert!(
        who.contains("\"name\":\"Ann\"") && who.contains("\"run_url\":null"),
        "{who}"
    );
}

#[test]
fn the_branch_of_a_run_is_the_one_that_the_system_names() {
    let repo = deployed_shop();
    let head = repo.git(&["rev-parse", "HEAD"]);
    let buildkite = |branch: &'static str, commit: &str| {
        [
            ("BUILDKITE", "true".to_owned()),
            ("BUILDKITE_BRANCH", branch.into()),
            ("BUILDKITE_COMMIT", commit.into()),
            ("BUILDKITE_PULL_REQUEST", "false".into()),
        ]
    };
    let say = |variables: &[(&str, String)]| {
        let svc = repo.svc(&TO_PRODUCTION);
        hear(
            variables
                .iter()
                .fold(svc, |svc, (name, value)| svc.env(name, value)),
        )
    };
    repo.git(&["checkout", "--quiet", "--detach"]);
    insta::assert_snapshot!(say(&buildkite("feature", &head)), @"
    exit 2
    --- stderr
    error: only `main` may be deployed to `production`, and this is `feature`
    hint: `branches` of the environment in services.toml says so; `git fetch` if the branch is newer than this clone
    ");
    // A local branch that is called as the target of a pull request, and a variable that says the same.
    repo.git(&["checkout", "--quiet", "main"]);
    let pull_request = [
        ("CI_PIPELINE_EVENT", "pull_request".into()),
        ("CI_COMMIT_PULL_REQUEST", "12".into()),
        ("CI", "woodpecker".into()),
        ("CI_COMMIT_BRANCH", "main".into()),
        ("CI_COMMIT_SHA", head.clone()),
        ("SVC_TRUST", "own".into()),
    ];
    insta::assert_snapshot!(say(&pull_request), @"
    exit 2
    --- stderr
    error: only `main` may be deployed to `production`, and this is pull request 12
    hint: `branches` of the environment in services.toml says so; `git fetch` if the branch is newer than this clone
    ");
    // The run is for a commit of `main`, and something else is checked out.
    repo.git(&["checkout", "--quiet", "--detach"]);
    edit(&repo, "lib", "Something else");
    insta::assert_snapshot!(say(&buildkite("main", &head)), @"
    exit 2
    --- stderr
    error: only `main` may be deployed to `production`, and hash-1 is in none of them
    hint: `branches` of the environment in services.toml says so; `git fetch` if the branch is newer than this clone
    ");
    repo.git(&["checkout", "--quiet", "--detach", "origin/main"]);
    repo.git(&["branch", "--quiet", "-D", "main"]);
    repo.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    insta::assert_snapshot!(say(&buildkite("main", &head)), @"exit 0");
    insta::assert_snapshot!(ask(&repo, &TO_PRODUCTION), @"
    exit 2
    --- stderr
    error: only `main` may be deployed to `production`, and hash-1 is in none of them
    hint: `branches` of the environment in services.toml says so; `git fetch` if the branch is newer than this clone
    ");
}
