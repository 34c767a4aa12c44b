//! What is said about requests and definitions that are wrong: what it is, where, and what to do about it.

use serde_json::Value;

use crate::output::{SHOP, told};
use crate::support::TestRepo;
use crate::world::workspace;

fn ask(repo: &TestRepo, arguments: &[&str]) -> String {
    told(&repo.svc(arguments).run())
}

#[test]
fn names_that_do_not_exist_are_answered_with_the_nearest() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["build", "apu"]), @r"
    exit 2
    --- stderr
    error: there is no service named `apu`
    hint: did you mean `api`?
    ");
    insta::assert_snapshot!(ask(&repo, &["build", "nothing-like-it"]), @r"
    exit 2
    --- stderr
    error: there is no service named `nothing-like-it`
    hint: `svc list` names all services
    ");
    insta::assert_snapshot!(ask(&repo, &["why", "wbe"]), @r"
    exit 2
    --- stderr
    error: there is no service named `wbe`
    hint: did you mean `web`?
    ");
    insta::assert_snapshot!(ask(&repo, &["why", "web:tset"]), @r"
    exit 2
    --- stderr
    error: `web` has no task `tset`
    hint: did you mean `web:test`?
    ");
    insta::assert_snapshot!(ask(&repo, &["list", "--exclude", "webb"]), @r"
    exit 2
    --- stderr
    error: there is no service named `webb`
    hint: did you mean `web`?
    ");
    insta::assert_snapshot!(ask(&repo, &["run", "lnit"]), @r"
    exit 2
    --- stderr
    error: there is no task named `lnit`
    hint: did you mean `lint`?
    ");
    insta::assert_snapshot!(ask(&repo, &["run", "xyz"]), @r"
    exit 2
    --- stderr
    error: there is no task named `xyz`
    hint: `svc list` names the tasks of each service
    ");
    insta::assert_snapshot!(ask(&repo, &["run", "api:lint"]), @r"
    exit 2
    --- stderr
    error: `api` has no task `lint`
    hint: it has `build`, `test`
    ");
    insta::assert_snapshot!(ask(&repo, &["list", "--tag", "backnd"]), @r"
    exit 2
    --- stderr
    error: there is no tag named `backnd`
    hint: did you mean `backend`?
    ");
    insta::assert_snapshot!(ask(&repo, &["list", "--tag", "xyz"]), @r"
    exit 2
    --- stderr
    error: there is no tag named `xyz`
    hint: `svc list` names the tags of each service
    ");
    insta::assert_snapshot!(ask(&repo, &["biuld"]), @r"
    exit 2
    --- stderr
    error: unrecognized subcommand 'biuld'

      tip: a similar subcommand exists: 'build'

    Usage: svc [OPTIONS] <COMMAND>

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(ask(&repo, &["man", "biuld"]), @r"
    exit 2
    --- stderr
    error: there is no command named `biuld`
    hint: did you mean `build`?
    ");
    insta::assert_snapshot!(ask(&repo, &["build", "--al"]), @r"
    exit 2
    --- stderr
    error: unexpected argument '--al' found

      tip: a similar argument exists: '--all'
      tip: to pass '--al' as a value, use '-- --al'

    Usage: svc build --all [SERVICE]... [-- <ARGS>...]

    For more information, try '--help'.
    ");
}

#[test]
fn requests_that_make_no_sense_are_explained() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["build", "web"]), @r"
    exit 2
    --- stderr
    error: `web` has no task `build`
    hint: it has `lint`, `test`
    ");
    insta::assert_snapshot!(ask(&repo, &["test", "web:lint"]), @r"
    exit 2
    --- stderr
    error: this runs `test`, and `web:lint` names another task
    hint: `svc run web:lint` runs it
    ");
    insta::assert_snapshot!(ask(&repo, &["run", "deploy"]), @r"
    exit 2
    --- stderr
    error: there is no task named `deploy`
    hint: `svc list` names the tasks of each service
    ");
    insta::assert_snapshot!(ask(&repo, &["build", "--jobs", "0"]), @r"
    exit 2
    --- stderr
    error: invalid value '0' for '--jobs <N>': 0 is not in 1..=65535

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(ask(&repo, &["affected", "--staged", "--head", "HEAD"]), @r"
    exit 2
    --- stderr
    error: the argument '--staged' cannot be used with '--head <REV>'

    Usage: svc affected --staged [SERVICE]...

    For more information, try '--help'.
    ");
    insta::assert_snapshot!(ask(&repo, &["affected", "--head", "nope"]), @r"
    exit 2
    --- stderr
    error: there is no revision named `nope`
    ");
}

#[test]
fn a_base_that_does_not_exist_is_everything_or_an_error() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["affected", "--base", "nope", "--strict-base"]), @r"
    exit 3
    --- stderr
    error: the base cannot be found: `nope` is not in this clone, and no remote is configured to fetch it from
    hint: without --strict-base everything would count as affected
    ");
    let said = repo.svc(&["affected", "--base", "nope"]).run();
    assert_eq!(
        (said.code(), said.stdout().as_str()),
        (0, "lib\napi\nweb\n")
    );
    assert_eq!(
        said.stderr().matches("`nope` is not in this clone").count(),
        1,
        "{}",
        said.all()
    );
}

#[test]
fn without_a_definition_it_is_said_where_it_was_looked_for() {
    let repo = TestRepo::new();
    repo.write("a/b/x", "");
    let below = repo.at(repo.root().join("a/b"));
    for command in ["list", "affected", "build", "check", "log"] {
        let said = below.svc(&[command]).run();
        assert_eq!(said.code(), 2, "{}", said.all());
        let said = said.stderr();
        assert!(
            said.contains("error: there is no `services.toml` here or above\n"),
            "{said}"
        );
        assert!(
            said.contains("[WORLD]/repo/a/b/services.toml")
                && said.contains("[WORLD]/repo/services.toml"),
            "{said}"
        );
    }
    let said = repo.svc(&["-C", "no/such/place", "list"]).run();
    insta::assert_snapshot!(told(&said), @r"
    exit 2
    --- stderr
    error: there is no directory `[WORLD]/repo/no/such/place`
    hint: -C names the directory to work in
    ");
}

const BROKEN: &str = r#"version = 1

[services.api]
path = "api"
biuld = "make"
depends-on = ["wbe"]

[services.web]
path = "../web"
build = { run = "", timeout = "soon" }

[services.Bad]
path = "bad"
"#;

#[test]
fn all_problems_of_a_definition_are_shown_at_once_with_their_lines() {
    let repo = TestRepo::with_files(&[("services.toml", BROKEN), ("api/x", ""), ("bad/x", "")]);
    insta::assert_snapshot!(ask(&repo, &["check"]), @r#"
    exit 2
    --- stderr
    error: `biuld` is not a key here
     --> services.toml:5:1
      |
    5 | biuld = "make"
      | ^^^^^
      |
      = help: did you mean `build`?

    error: there is no service `wbe`
     --> services.toml:6:15
      |
    6 | depends-on = ["wbe"]
      |               ^^^^^
      |
      = help: did you mean `web`?

    error: the path `../web` holds `..`
     --> services.toml:9:8
      |
    9 | path = "../web"
      |        ^^^^^^^^
      |
      = help: a service lies below the directory of the file that declares it; declare this one in the `services.toml` of the workspace

    error: `run` is an empty command
      --> services.toml:10:17
       |
    10 | build = { run = "", timeout = "soon" }
       |                 ^^
       |
       = help: write the command that runs, or remove the key

    error: `timeout` is not a duration that can be read
      --> services.toml:10:31
       |
    10 | build = { run = "", timeout = "soon" }
       |                               ^^^^^^
       |
       = help: write a duration such as `[TIME]`, `[TIME]`, `10m` or `1h30m`

    error: `Bad` is not a valid name of a service
      --> services.toml:12:11
       |
    12 | [services.Bad]
       |           ^^^ a name is 1 to 63 characters of a-z, 0-9 and `-`, and does not begin with `-`
       |
       = help: call it `bad`
    "#);
    for command in [
        &["list"][..],
        &["build", "--all"],
        &["affected"],
        &["why", "api"],
        &["graph"],
    ] {
        assert_eq!(
            repo.svc(command).run().stderr(),
            repo.svc(&["check"]).run().stderr(),
            "{command:?}"
        );
        assert_eq!(repo.svc(command).run().code(), 2, "{command:?}");
    }
    let said = repo.svc(&["check", "--format", "json"]).run();
    assert_eq!(said.code(), 2);
    let document: Value = serde_json::from_str(&said.stdout()).unwrap();
    assert_eq!(
        (&document["version"], &document["valid"]),
        (&1.into(), &false.into())
    );
    let problems = document["problems"].as_array().unwrap();
    assert_eq!(
        problems.len(),
        repo.svc(&["check"])
            .run()
            .stderr()
            .matches("error: ")
            .count()
    );
    insta::assert_snapshot!(format!("{:#}", problems[0]), @r#"
    {
      "file": "services.toml",
      "line": 5,
      "column": 1,
      "message": "`biuld` is not a key here",
      "hint": "did you mean `build`?"
    }
    "#);
}

#[test]
fn what_is_no_toml_is_shown_where_it_breaks() {
    let repo = TestRepo::with_files(&[(
        "services.toml",
        "version = 1\n[services.api\npath = \"api\"\n",
    )]);
    insta::assert_snapshot!(ask(&repo, &["check"]), @r"
    exit 2
    --- stderr
    error: unclosed table: expected `]`
     --> services.toml:2:14
      |
    2 | [services.api
      |              ^
    ");
    repo.write("services.toml", b"version = 1\n\xff\xfe\n");
    assert_eq!(repo.svc(&["check"]).run().code(), 2);
    repo.write("services.toml", "");
    insta::assert_snapshot!(ask(&repo, &["check"]), @r"
    exit 2
    --- stderr
    error: `version` is missing
    --> services.toml
     = help: begin the file with `version = 1`
    ");
}

#[test]
fn cycles_are_shown_as_the_path_they_take() {
    let service = |name: &str, on: &str| {
        format!("[services.{name}]\npath = \"{name}\"\ndepends-on = [\"{on}\"]\n")
    };
    let repo = workspace(&[service("a", "b"), service("b", "c"), service("c", "a")].concat());
    insta::assert_snapshot!(ask(&repo, &["check"]), @r#"
    exit 2
    --- stderr
    error: services depend on each other in a circle: `a -> b -> c -> a`
     --> services.toml:4:15
      |
    4 | depends-on = ["b"]
      |               ^^^
      |
      = help: remove one dependency of the circle, or move what both need to a service of its own
    "#);
}

#[test]
fn a_valid_definition_is_said_to_be_so() {
    let repo = workspace(SHOP);
    insta::assert_snapshot!(ask(&repo, &["check"]), @r"
    exit 0
    --- stderr
    services.toml is valid: 3 services, 5 tasks
    ");
    insta::assert_snapshot!(ask(&repo, &["check", "--format", "json"]), @r#"
    exit 0
    --- stdout
    {
      "version": 1,
      "valid": true,
      "problems": [],
      "warnings": []
    }
    "#);
    insta::assert_snapshot!(ask(&repo, &["check", "-q"]), @r"exit 0");
}
