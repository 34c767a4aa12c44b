//! Files with problems, and what is said of them.

use insta::assert_snapshot;

use crate::config::source::Directory;
use crate::config::tests::{Memory, problems};

/// The problems of a file that begins with `version = 1`, one plain line each, with hints.
fn lines(text: &str) -> String {
    plain(&Memory::new(&format!("version = 1\n{text}")))
}

pub fn plain(memory: &Memory) -> String {
    let Err(invalid) = crate::config::load(memory) else {
        return "no problem".into();
    };
    let rows = invalid.0.rows();
    let rows = rows.iter().map(|row| match &row.hint {
        Some(hint) => format!("{row}\n  {hint}\n"),
        None => format!("{row}\n"),
    });
    rows.collect()
}

/// The same for a service `api`.
fn of_service(text: &str) -> String {
    lines(&format!("[services.api]\npath = \"api\"\n{text}"))
}

#[test]
fn every_problem_is_shown_at_once_with_its_line() {
    let text = r#"version = 1

[workspace]
nmae = "shop"

[services.api]
path = "../api"
depend-on = ["db"]
build = ""

[services.web]
path = "web"
depends-on = ["apj"]
tets = "npm test"

[services.web.build]
run = "npm run build"
timeout = 10
inputs = ["src/[a"]
"#;
    assert_snapshot!(problems(&Memory::new(text)), @r#"
    error: `nmae` is not a key here
     --> services.toml:4:1
      |
    4 | nmae = "shop"
      | ^^^^
      |
      = help: did you mean `name`?

    error: the path `../api` holds `..`
     --> services.toml:7:8
      |
    7 | path = "../api"
      |        ^^^^^^^^
      |
      = help: a service lies below the directory of the file that declares it; declare this one in the `services.toml` of the workspace

    error: `depend-on` is not a key here
     --> services.toml:8:1
      |
    8 | depend-on = ["db"]
      | ^^^^^^^^^
      |
      = help: did you mean `depends-on`?

    error: `build` is an empty command
     --> services.toml:9:9
      |
    9 | build = ""
      |         ^^
      |
      = help: write the command that runs, or remove the key

    error: there is no service `apj`
      --> services.toml:13:15
       |
    13 | depends-on = ["apj"]
       |               ^^^^^
       |
       = help: did you mean `api`?

    error: `tets` is not a key here
      --> services.toml:14:1
       |
    14 | tets = "npm test"
       | ^^^^
       |
       = help: did you mean `test`?

    error: `timeout` must be a string with a unit
      --> services.toml:18:11
       |
    18 | timeout = 10
       |           ^^ this number has none
       |
       = help: write `timeout = "10s"` for seconds

    error: `src/[a` in `inputs` is not a pattern that can be used
      --> services.toml:19:11
       |
    19 | inputs = ["src/[a"]
       |           ^^^^^^^^ unclosed character class; missing ']'
       |
       = help: `*` and `?` stay within a directory, `**` crosses them, `{a,b}` and `[a-z]` choose; `\` takes the next character as it is
    "#);
}

#[test]
fn broken_lines_are_all_shown_with_what_else_is_wrong() {
    let text = "version = 1\n[services.api\npath = \"api\"\n[services.web]\npath = \"web\nbuild = 1\ntset = \"x\"\n[services.db]\npath = \"db\"\ndepends-on = [\"api\"]\n";
    assert_snapshot!(problems(&Memory::new(text)), @r#"
    error: unclosed table: expected `]`
     --> services.toml:2:14
      |
    2 | [services.api
      |              ^

    error: invalid basic string: expected `"`
     --> services.toml:5:12
      |
    5 | path = "web
      |            ^

    error: `build` must be a command or a table
     --> services.toml:6:9
      |
    6 | build = 1
      |         ^ this is a number

    error: `tset` is not a key here
     --> services.toml:7:1
      |
    7 | tset = "x"
      | ^^^^
      |
      = help: did you mean `test`?
    "#);
}

#[test]
fn a_circle_is_shown_as_the_path_it_takes() {
    let text = "[services.a]\npath = \"a\"\ndepends-on = [\"b\"]\n[services.b]\npath = \"b\"\ndepends-on = [\"c\"]\n[services.c]\npath = \"c\"\n[services.c.build]\nrun = \"x\"\nneeds = [\"a:build\"]\n[services.a.build]\nrun = \"x\"";
    assert_snapshot!(problems(&Memory::new(&format!("version = 1\n{text}"))), @r#"
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
fn circles_of_every_kind_are_found() {
    assert_snapshot!(of_service("depends-on = [\"api\"]"), @r"
    services.toml:4:15: `api` depends on itself
      remove it from `depends-on`
    ");
    assert_snapshot!(of_service("[services.api.build]\nrun = \"x\"\nneeds = [\"test\"]\n[services.api.test]\nrun = \"x\""), @r"
    services.toml:6:10: tasks need each other in a circle: `api:build -> api:test -> api:build`
      remove one need of the circle
    ");
    assert_snapshot!(of_service("[services.api.tasks]\na = { run = \"x\", needs = [\"b\"] }\nb = { run = \"x\", needs = [\"c\"] }\nc = { run = \"x\", needs = [\"api:a\"] }"), @r"
    services.toml:5:27: tasks need each other in a circle: `api:a -> api:b -> api:c -> api:a`
      remove one need of the circle
    ");
    assert_snapshot!(of_service("[services.api.build]\nrun = \"x\"\nneeds = [\"build\"]"), @r"
    services.toml:6:10: `api:build` needs itself
      remove it, or write `^build` for that task of each dependency
    ");
    assert_snapshot!(lines("[environments.a]\npromote-from = \"b\"\n[environments.b]\npromote-from = \"c\"\n[environments.c]\npromote-from = \"a\""), @r"
    services.toml:3:16: environments are promoted in a circle: `a -> b -> c -> a`
      remove one `promote-from` of the circle
    ");
    assert_snapshot!(lines("[services.a]\npath = \"a\"\ndeploy = { run = \"x\", needs = [\"b:deploy\"] }\n[services.b]\npath = \"b\"\ndeploy = { run = \"x\", needs = [\"a:deploy\"] }"), @r"
    services.toml:4:32: tasks need each other in a circle: `a:deploy -> b:deploy -> a:deploy`
      remove one need of the circle
    ");
    assert_snapshot!(lines("[services.a]\npath = \"a\"\ndeploy = { run = \"x\", needs = [\"b:deploy\"] }\n[services.b]\npath = \"b\"\ndepends-on = [\"a\"]\ndeploy = \"x\""), @r"
    services.toml:4:32: tasks need each other in a circle: `a:deploy -> b:deploy -> a:deploy`
      remove one need of the circle
    ");
    assert_snapshot!(lines("[tasks.test]\nneeds = [\"db:up\"]\n[services.db]\npath = \"db\"\ndepends-on = [\"lib\"]\ntasks.up = \"x\"\n[services.lib]\npath = \"lib\"\ntest = \"x\""), @r"
    services.toml:6:15: services depend on each other in a circle: `db -> lib -> db`
      remove one dependency of the circle, or move what both need to a service of its own
    ");
}

#[test]
fn the_version_is_judged_first() {
    let check = |text: &str| plain(&Memory::new(text));
    assert_snapshot!(check("foo = 1"), @r"
    services.toml:1:1: `version` is missing
      begin the file with `version = 1`
    services.toml:1:1: `foo` is not a key here
      the keys are version, workspace, services, tasks, pools, environments, ledger
    ");
    assert_snapshot!(check(""), @r"
    services.toml:1:1: `version` is missing
      begin the file with `version = 1`
    ");
    assert_snapshot!(check("version = 2\nnew-key = 1"), @r"
    services.toml:1:11: version 2 of the file is newer than this `svc` 0.1.0 can read
      update `svc`
    ");
    assert_snapshot!(check("version = 0"), @r"
    services.toml:1:11: there is no version 0 of the file
      write `version = 1`
    ");
    assert_snapshot!(check("version = \"1\""), @"services.toml:1:11: `version` must be the number 1");
    assert_snapshot!(check("version = 1\n[workspace]\nsvc = \">=99\"\nnew-key = 1"), @r"
    services.toml:3:7: this workspace asks for `svc` >=99, and this is 0.1.0
      install a version of `svc` that fits
    ");
    assert_snapshot!(check("version = 1\n[workspace]\nsvc = \"new\""), @r"
    services.toml:3:7: `new` is not a version requirement
      write it as `>=0.4`
    ");
    assert_snapshot!(check("version = 1\n[workspace]\nsvc = 1"), @"services.toml:3:7: `svc` must be a string");
}

#[test]
fn unknown_keys_name_the_nearest() {
    assert_snapshot!(lines("[service.api]\npath = \"x\""), @r"
    services.toml:2:2: `service` is not a key here
      did you mean `services`?
    ");
    assert_snapshot!(lines("[workspace]\ndefault_branch = \"x\""), @r"
    services.toml:3:1: `default_branch` is not a key here
      did you mean `default-branch`?
    ");
    assert_snapshot!(of_service("timeout = \"1s\""), @r"
    services.toml:4:1: `timeout` is not a key here
      `timeout` belongs in `[services.NAME.build]` or `[services.NAME.tasks.TASK]` or `[tasks.TASK]`
    ");
    assert_snapshot!(of_service("lint = \"x\""), @r"
    services.toml:4:1: `lint` is not a key here
      if it is a task, write it as `tasks.lint`
    ");
    assert_snapshot!(of_service("frobnicate = \"x\""), @r"
    services.toml:4:1: `frobnicate` is not a key here
      if it is a task, write it as `tasks.frobnicate`
    ");
    assert_snapshot!(of_service("build = { run = \"x\", input = [] }"), @r"
    services.toml:4:22: `input` is not a key here
      did you mean `inputs`?
    ");
    assert_snapshot!(of_service("serve = { run = \"x\", prot = 1 }"), @r"
    services.toml:4:22: `prot` is not a key here
      did you mean `port`?
    ");
    assert_snapshot!(of_service("deploy = { run = \"x\", replcas = 1 }"), @r"
    services.toml:4:23: `replcas` is not a key here
      did you mean `replicas`?
    ");
    assert_snapshot!(lines("[environments.prod]\npromote_from = \"x\"\nbranch = [\"main\"]\ncontext = \"c\""), @r"
    services.toml:3:1: `promote_from` is not a key here
      did you mean `promote-from`?
    services.toml:4:1: `branch` is not a key here
      did you mean `branches`?
    ");
    assert_snapshot!(lines("[ledger]\nrepo = \"x\""), @r"
    services.toml:3:1: `repo` is not a key here
      the keys are store, remote, ref-prefix
    ");
    assert_snapshot!(lines("name = \"shop\""), @r"
    services.toml:2:1: `name` is not a key here
      `name` belongs in `[workspace]`
    ");
}

#[test]
fn wrong_types_say_what_is_meant() {
    assert_snapshot!(lines("services = 1\nworkspace = []\ntasks = \"x\"\npools = true"), @r"
    services.toml:2:12: `services` must be a table
    services.toml:3:13: `workspace` must be a table
    services.toml:4:9: `tasks` must be a table
    services.toml:5:9: `pools` must be a table
    ");
    assert_snapshot!(lines("services.api = \"api\""), @"services.toml:2:16: `api` must be a table");
    assert_snapshot!(lines("[[services]]\nname = \"api\""), @"services.toml:2:1: `services` must be a table");
    assert_snapshot!(lines("[services.api]\npath = [\"a\"]\ntags = \"x\"\ndepends-on = [1, \"\"]\nserve = \"x\"\nbuild = true\ntasks = []"), @r#"
    services.toml:3:8: `path` must be a string
    services.toml:4:8: `tags` must be a list of strings
      write `tags = ["x"]`
    services.toml:5:15: `depends-on` must be a string
    services.toml:5:18: `depends-on` is empty
    services.toml:6:9: `serve` must be a table
    services.toml:7:9: `build` must be a command or a table
    services.toml:8:9: `tasks` must be a table
    "#);
    assert_snapshot!(of_service("[services.api.build]\nrun = 1\ninputs = \"src\"\nenv = { A = \"secret\" }\ncache = \"true\"\nretry = 1.5\nexclusive = 1\npool = 1\nshell = \"bash\""), @r#"
    services.toml:5:7: `run` must be a command or a list of commands
    services.toml:6:10: `inputs` must be a list of strings
      write `inputs = ["src"]`
    services.toml:7:7: `env` must be a list of names of variables
      values are set where `svc` is started, or within the command
    services.toml:8:9: `cache` must be `true` or `false`
      write `cache = true`, without quotes
    services.toml:9:9: `retry` must be a whole number
    services.toml:10:13: `exclusive` must be `true` or `false`
    services.toml:11:8: `pool` must be a string
    services.toml:12:9: `shell` must be a list of strings
      write `shell = ["bash"]`
    "#);
    assert_snapshot!(lines("[pools]\ndocker = 0\nBig = 1\nx = \"1\""), @r"
    services.toml:3:10: `docker` must be a number from 1 to 10000
    services.toml:4:1: `Big` is not a valid name of a pool
      call it `big`
    services.toml:5:5: `x` must be a whole number
    ");
}

#[test]
fn durations_need_a_unit_and_more_than_nothing() {
    let check = |value: &str| {
        of_service(&format!(
            "[services.api.build]\nrun = \"x\"\ntimeout = {value}"
        ))
    };
    assert_snapshot!(check("10"), @r#"
    services.toml:6:11: `timeout` must be a string with a unit
      write `timeout = "10s"` for seconds
    "#);
    assert_snapshot!(check("\"10\""), @r#"
    services.toml:6:11: `timeout` is not a duration that can be read
      write `timeout = "10s"` for seconds
    "#);
    assert_snapshot!(check("\"0s\""), @r"
    services.toml:6:11: `timeout` must be more than nothing
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    ");
    assert_snapshot!(check("\"10 parsecs\""), @r"
    services.toml:6:11: `timeout` is not a duration that can be read
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    ");
    assert_snapshot!(check("\"soon\""), @r"
    services.toml:6:11: `timeout` is not a duration that can be read
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    ");
    assert_snapshot!(check("\"-5m\""), @r"
    services.toml:6:11: `timeout` is not a duration that can be read
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    ");
    assert_snapshot!(check("\"\""), @r"
    services.toml:6:11: `timeout` is not a duration that can be read
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    ");
    assert_snapshot!(check("1.5"), @r#"services.toml:6:11: `timeout` must be a duration such as `"10m"`"#);
    assert_snapshot!(check("\"99999999999999999999h\""), @r"
    services.toml:6:11: `timeout` is not a duration that can be read
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    ");
}

#[test]
fn names_follow_the_rule() {
    assert_snapshot!(lines("[services.API]\npath = \"a\"\n[services.my_lib]\npath = \"b\"\n[services.\"a b\"]\npath = \"c\"\n[services.-x]\npath = \"d\"\n[services.\"\"]\npath = \"e\""), @r"
    services.toml:2:11: `API` is not a valid name of a service
      call it `api`
    services.toml:4:11: `my_lib` is not a valid name of a service
      call it `my-lib`
    services.toml:6:11: `a b` is not a valid name of a service
      call it `a-b`
    services.toml:8:11: `-x` is not a valid name of a service
      a name is 1 to 63 characters of a-z, 0-9 and `-`, and does not begin with `-`
    services.toml:10:11: `` is not a valid name of a service
      a name is 1 to 63 characters of a-z, 0-9 and `-`, and does not begin with `-`
    ");
    assert_snapshot!(of_service("tasks.Lint = \"x\""), @r"
    services.toml:4:7: `Lint` is not a valid name of a task
      call it `lint`
    ");
    assert_snapshot!(lines("[environments.\"eu/west\"]"), @r"
    services.toml:2:15: `eu/west` is not a valid name of an environment
      call it `eu-west`
    ");
}

#[test]
fn paths_stay_in_the_workspace_and_belong_to_one_service() {
    let check = |path: &str| lines(&format!("[services.api]\npath = \"{path}\""));
    assert_snapshot!(check("../x"), @r"
    services.toml:3:8: the path `../x` holds `..`
      a service lies below the directory of the file that declares it; declare this one in the `services.toml` of the workspace
    ");
    assert_snapshot!(check("/x"), @r"
    services.toml:3:8: the path `/x` is absolute
      write it relative to the directory of this file
    ");
    assert_snapshot!(check("a/../../x"), @r"
    services.toml:3:8: the path `a/../../x` holds `..`
      a service lies below the directory of the file that declares it; declare this one in the `services.toml` of the workspace
    ");
    assert_snapshot!(check(""), @"services.toml:3:8: `path` is empty");
    assert_snapshot!(check("a\\\\b"), @r"
    services.toml:3:8: the path `a\\b` holds a `\`
      write `/` between the parts of a path
    ");
    assert_snapshot!(lines("[services.api]\nbuild = \"x\""), @r#"
    services.toml:2:1: `api` has no `path`
      add `path = "api"`, the directory of the service
    "#);
    assert_snapshot!(problems(&Memory::new("version = 1\n[services.a]\npath = \"x\"\n[services.b]\npath = \"./x/\"")), @r#"
    error: `a` and `b` have the same path `x`
     --> services.toml:5:8
      |
    3 | path = "x"
      |        --- the other one
    4 | [services.b]
    5 | path = "./x/"
      |        ^^^^^^
      |
      = help: give each service a directory of its own
    "#);
    let memory = Memory::new("version = 1\n[services.a]\npath = \"a\"\n[services.b]\npath = \"b\"\n[services.c]\npath = \"c\"\n[services.d]\npath = \"d\"")
        .directory("a", Directory::Missing)
        .directory("b", Directory::Other)
        .directory("c", Directory::Outside)
        .directory("d", Directory::Unknown);
    assert_snapshot!(plain(&memory), @r"
    services.toml:3:8: the directory `a` does not exist
      create it, or correct the path
    services.toml:5:8: `b` is not a directory
      the path of a service is the directory that holds its files
    services.toml:7:8: `c` leads out of the workspace through a symbolic link
      a service has to lie within the workspace
    ");
}

#[test]
fn keys_and_services_that_stand_twice_name_both_places() {
    assert_snapshot!(problems(&Memory::new("version = 1\n[services.api]\npath = \"a\"\n[services.web]\npath = \"b\"\n[services.api]\npath = \"c\"\n")), @r#"
    error: `services.api` is written twice
     --> services.toml:6:11
      |
    2 | [services.api]
      |           --- the first one
    ...
    6 | [services.api]
      |           ^^^
      |
      = help: remove one of the two, or put their keys together

    error: `path` is written twice
     --> services.toml:7:1
      |
    3 | path = "a"
      | ---- the first one
    ...
    7 | path = "c"
      | ^^^^
      |
      = help: remove one of the two, or put their keys together
    "#);
    assert_snapshot!(of_service("path = \"b\"\nbuild = \"x\"\n[services.api.build]\nrun = \"y\""), @r"
    services.toml:4:1: `path` is written twice
      remove one of the two, or put their keys together
    services.toml:6:15: `services.api.build` is written twice
      remove one of the two, or put their keys together
    ");
    let memory = Memory::new(
        "version = 1\n[workspace]\ninclude = [\"x/services.toml\"]\n[services.api]\npath = \"a\"\n",
    )
    .with("x/services.toml", "[services.api]\npath = \".\"\n");
    assert_snapshot!(problems(&memory), @r"
    error: the service `api` is declared twice
     --> x/services.toml:1:11
      |
    1 | [services.api]
      |           ^^^
      |
     ::: services.toml:4:11
      |
    4 | [services.api]
      |           --- the first one
      |
      = help: give one of them another name
    ");
}

#[test]
fn dependencies_and_needs_name_what_exists() {
    let two = |text: &str| {
        lines(&format!(
            "[services.common]\npath = \"common\"\nbuild = \"x\"\ntest = \"x\"\n[services.api]\npath = \"api\"\n{text}"
        ))
    };
    assert_snapshot!(two("depends-on = [\"comon\"]"), @r"
    services.toml:8:15: there is no service `comon`
      did you mean `common`?
    ");
    assert_snapshot!(two("depends-on = [\"common\", \"common\", \"zzzzzz\"]"), @r"
    services.toml:8:25: `common` is in `depends-on` twice
      remove one of them
    services.toml:8:35: there is no service `zzzzzz`
      declare it as `[services.…]`, or correct the name
    ");
    let needs = |list: &str| {
        two(&format!(
            "build = \"x\"\ntest = {{ run = \"x\", needs = [{list}] }}"
        ))
    };
    assert_snapshot!(needs("\"biuld\""), @r"
    services.toml:9:30: `api` has no task `biuld`
      did you mean `build`?
    ");
    assert_snapshot!(needs("\"common\""), @r"
    services.toml:9:30: `api` has no task `common`
      `common` is a service; write `common:build` for its task `build`
    ");
    assert_snapshot!(needs("\"generate\""), @r"
    services.toml:9:30: `api` has no task `generate`
      its tasks are build, test; write `other:generate` for a task of another service
    ");
    assert_snapshot!(needs("\"^generate\", \"^tset\""), @r"
    services.toml:9:30: no service has a task `generate`
    services.toml:9:43: no service has a task `tset`
      did you mean `^test`?
    ");
    assert_snapshot!(needs("\"common:biuld\", \"common:pack\", \"comon:build\""), @r"
    services.toml:9:30: `common` has no task `biuld`
      did you mean `common:build`?
    services.toml:9:46: `common` has no task `pack`
      its tasks are build, test
    services.toml:9:61: there is no service `comon`
      did you mean `common`?
    ");
    assert_snapshot!(needs("\"Build\", \"^\", \":\", \"a:b:c\", \"X:build\""), @r"
    services.toml:9:30: `Build` does not name a task
      write `build` for the same service, `^build` for each dependency, `other:build` for another service
    services.toml:9:39: `^` does not name a task
      write `build` for the same service, `^build` for each dependency, `other:build` for another service
    services.toml:9:44: `:` does not name a task
      write `build` for the same service, `^build` for each dependency, `other:build` for another service
    services.toml:9:49: `a:b:c` does not name a task
      write `build` for the same service, `^build` for each dependency, `other:build` for another service
    services.toml:9:58: `X` is not a name of a service
      a name is 1 to 63 characters of a-z, 0-9 and `-`, and does not begin with `-`
    ");
}

#[test]
fn commands_are_not_empty() {
    assert_snapshot!(of_service("build = \"\""), @r"
    services.toml:4:9: `build` is an empty command
      write the command that runs, or remove the key
    ");
    assert_snapshot!(of_service("build = \"  \""), @r"
    services.toml:4:9: `build` is an empty command
      write the command that runs, or remove the key
    ");
    assert_snapshot!(of_service("build = []"), @r#"
    services.toml:4:9: `api:build` has no command
      add `run = "…"`
    "#);
    assert_snapshot!(of_service("build = [\"make\", \"\"]"), @r"
    services.toml:4:18: `build` is an empty command
      write the command that runs, or remove the key
    ");
    assert_snapshot!(of_service("build = { outputs = [] }"), @r#"
    services.toml:4:1: `api:build` has no command
      add `run = "…"`
    "#);
    assert_snapshot!(of_service("deploy = { replicas = 2 }"), @r#"
    services.toml:4:1: `api:deploy` has no command
      add `run = "…"`, or a `target` here or in `[environments]`
    "#);
    assert_snapshot!(of_service("serve = { port = 1 }"), @r#"
    services.toml:4:9: `serve` has no `run`
      write the command that serves, `run = "…"`
    "#);
    assert_snapshot!(of_service("build = \"a\\u0000b\""), @"services.toml:4:9: `build` holds a zero byte, which nothing can use");
}

#[test]
fn tasks_stand_where_they_belong() {
    assert_snapshot!(of_service("tasks.build = \"x\""), @r"
    services.toml:4:7: the task `build` has a key of its own
      write it as `[services.api.build]`, without `tasks`
    ");
    assert_snapshot!(of_service("deploy = { run = \"x\", outputs = [\"x\"], cache = true }"), @r"
    services.toml:4:23: `outputs` cannot be set for a deploy
      a deploy always runs; remove the key
    services.toml:4:40: `cache` cannot be set for a deploy
      a deploy always runs; remove the key
    ");
    assert_snapshot!(of_service("[services.api.deploy]\nrun = \"x\"\n[services.api.deploy.env.prod]\nreplicas = 1\ntimeout = \"1s\""), @r"
    services.toml:6:26: there is no environment `prod`
      declare it as `[environments.…]`, or correct the name
    services.toml:8:1: `timeout` cannot differ between environments
      set it in the table of the deploy itself
    ");
    assert_snapshot!(lines("[tasks.deploy]\noutputs = []\n"), @r"
    services.toml:3:1: `outputs` cannot be set for a deploy
      a deploy always runs; remove the key
    ");
}

#[test]
fn patterns_are_checked() {
    let check = |key: &str, list: &str| {
        of_service(&format!(
            "[services.api.build]\nrun = \"x\"\n{key} = [{list}]"
        ))
    };
    assert_snapshot!(check("inputs", "\"../x\", \"[a\", \"{a\", \"/\""), @r"
    services.toml:6:11: `../x` in `inputs` is not a pattern that can be used
      begin it with `/` to name files from the workspace root
    services.toml:6:19: `[a` in `inputs` is not a pattern that can be used
      `*` and `?` stay within a directory, `**` crosses them, `{a,b}` and `[a-z]` choose; `\` takes the next character as it is
    services.toml:6:25: `{a` in `inputs` is not a pattern that can be used
      `*` and `?` stay within a directory, `**` crosses them, `{a,b}` and `[a-z]` choose; `\` takes the next character as it is
    services.toml:6:31: `/` in `inputs` is not a pattern that can be used
    ");
    assert_snapshot!(check("outputs", "\"../x\", \"/dist\", \"!x\", \".\", \"**\", \"/api/dist\", \"dist\""), @r"
    services.toml:6:12: `../x` in `outputs` is not a pattern that can be used
    services.toml:6:20: the output `/dist` lies outside the service
      a task may only leave files behind below `api`
    services.toml:6:29: `outputs` cannot leave files out
      name the files that the task leaves behind, without `!`
    services.toml:6:35: `outputs` names the whole service
      name the directory that the task writes to, such as `dist`
    services.toml:6:40: `outputs` names the whole service
      name the directory that the task writes to, such as `dist`
    ");
    assert_snapshot!(lines("[workspace]\nignore = [\"!x\", \"[\"]\nglobal-inputs = [\"\"]"), @r"
    services.toml:3:11: `ignore` cannot leave files out
      name the files that are meant, without `!`
    services.toml:3:17: `[` in `ignore` is not a pattern that can be used
      `*` and `?` stay within a directory, `**` crosses them, `{a,b}` and `[a-z]` choose; `\` takes the next character as it is
    services.toml:4:18: `global-inputs` is empty
    ");
}

#[test]
fn only_variables_that_are_no_secrets_go_by_their_beginning() {
    let file = "version = 1\n[services.api]\npath = \"api\"\n[services.api.build]\nrun = \"x\"\nenv = [\"A_*\", \"*\", \"A*B\"]\npass-env = [\"B*\"]\nsecrets = [\"C_*\"]\n";
    assert_snapshot!(problems(&Memory::new(file)), @r#"
    error: `*` in `env` is not a name of a variable
     --> services.toml:6:15
      |
    6 | env = ["A_*", "*", "A*B"]
      |               ^^^
      |
      = help: a name has letters, digits and `_`, and does not begin with a digit

    error: `A*B` in `env` is not a name of a variable
     --> services.toml:6:20
      |
    6 | env = ["A_*", "*", "A*B"]
      |                    ^^^^^
      |
      = help: a name has letters, digits and `_`, and does not begin with a digit

    error: `C_*` in `secrets` is not a name of a variable
     --> services.toml:8:12
      |
    8 | secrets = ["C_*"]
      |            ^^^^^
      |
      = help: a name has letters, digits and `_`, and does not begin with a digit
    "#);
}

#[test]
fn a_secret_is_no_variable_of_a_key_by_its_beginning_either() {
    let file = "version = 1\n[services.api]\npath = \"api\"\n[services.api.build]\nrun = \"x\"\nenv = [\"NPM_*\"]\nsecrets = [\"NPM_TOKEN\"]\n";
    let said = problems(&Memory::new(file));
    assert!(
        said.contains("`NPM_TOKEN` is in `secrets` and in `env`"),
        "{said}"
    );
}

#[test]
fn variables_have_names_and_their_values_are_never_shown() {
    assert_snapshot!(problems(&Memory::new("version = 1\n[services.api]\npath = \"api\"\n[services.api.build]\nrun = \"x\"\nenv = [\"TOKEN=hunter2\", \"A-B\", \"1A\"]\nsecrets = \"TOKEN=hunter2\"\n")), @r#"
    error: `TOKEN` in `env` is not a name of a variable
     --> services.toml:6:8
      |
    6 | env = [***************, "A-B", "1A"]
      |        ^^^^^^^^^^^^^^^
      |
      = help: `env` holds names only; set the value where `svc` is started, or within the command

    error: `A-B` in `env` is not a name of a variable
     --> services.toml:6:25
      |
    6 | env = [***************, "A-B", "1A"]
      |                         ^^^^^
      |
      = help: a name has letters, digits and `_`, and does not begin with a digit

    error: `1A` in `env` is not a name of a variable
     --> services.toml:6:32
      |
    6 | env = [***************, "A-B", "1A"]
      |                                ^^^^
      |
      = help: a name has letters, digits and `_`, and does not begin with a digit

    error: `secrets` must be a list of names of variables
     --> services.toml:7:11
      |
    7 | secrets = ***************
      |           ^^^^^^^^^^^^^^^ this is a string
    "#);
    assert_snapshot!(lines("[services.api]\npath = \"api\"\n[services.api.build]\nrun = \"x\"\nenv = [\"A_*\", \"*\", \"A*B\"]\npass-env = [\"B_*\"]\nsecrets = [\"C_*\"]"), @"
    services.toml:6:15: `*` in `env` is not a name of a variable
      a name has letters, digits and `_`, and does not begin with a digit
    services.toml:6:20: `A*B` in `env` is not a name of a variable
      a name has letters, digits and `_`, and does not begin with a digit
    services.toml:8:12: `C_*` in `secrets` is not a name of a variable
      a name has letters, digits and `_`, and does not begin with a digit
    ");
    assert_snapshot!(problems(&Memory::new("version = 1\n[environments.prod]\nenv = { TOKEN = \"hunter2\", PORT = 8080, \"a b\" = \"hunter2\", SVC_X = \"hunter2\" }\n")), @r#"
    error: the value of `PORT` must be a string
     --> services.toml:3:35
      |
    3 | env = { TOKEN = *********, PORT = ****, "a b" = *********, SVC_X = ********* }
      |                                   ^^^^ this is a number
      |
      = help: put it in quotes

    error: `a b` is not a name of a variable
     --> services.toml:3:41
      |
    3 | env = { TOKEN = *********, PORT = ****, "a b" = *********, SVC_X = ********* }
      |                                         ^^^^^
      |
      = help: a name has letters, digits and `_`, and does not begin with a digit

    error: `SVC_X` is set by `svc` itself
     --> services.toml:3:60
      |
    3 | env = { TOKEN = *********, PORT = ****, "a b" = *********, SVC_X = ********* }
      |                                                            ^^^^^
      |
      = help: choose a name that does not begin with `SVC_`
    "#);
    assert_snapshot!(problems(&Memory::new("version = 1\n[services.api]\npath = \"api\"\n[services.api.build]\nrun = \"x\"\nenv = [\"NPM_TOKEN\"]\nsecrets = [\"NPM_TOKEN\"]\n")), @r#"
    error: `NPM_TOKEN` is in `secrets` and in `env`
     --> services.toml:7:12
      |
    6 | env = ["NPM_TOKEN"]
      |        ----------- here too
    7 | secrets = ["NPM_TOKEN"]
      |            ^^^^^^^^^^^
      |
      = help: a secret never becomes part of a key; remove it from one of the two
    "#);
}

#[test]
fn pools_presets_and_environments_exist() {
    assert_snapshot!(lines("[pools]\ndocker = 1\n[services.api]\npath = \"a\"\nbuild = { run = \"x\", pool = \"dokcer\" }"), @r"
    services.toml:6:29: there is no pool `dokcer`
      did you mean `docker`?
    ");
    assert_snapshot!(of_service("build = { run = \"x\", pool = \"db\" }"), @r"
    services.toml:4:29: there is no pool `db`
      add it to `[pools]` with its slots, such as `db = 1`
    ");
    assert_snapshot!(of_service("build = { run = \"x\", pool = \"db\", exclusive = true }\n[pools]\ndb = 1"), @r"
    services.toml:4:35: `exclusive` and `pool` cannot be set together
      an exclusive task runs alone, so it needs no pool; remove one of them
    ");
    assert_snapshot!(of_service("uses = \"rsut\""), @r"
    services.toml:4:8: there is no preset `rsut`
      did you mean `rust`?
    ");
    assert_snapshot!(of_service("uses = \"../../etc\""), @"
    services.toml:4:8: there is no preset `../../etc`
      there are c-cmake, docker, dotnet, elixir, go, helm, java-gradle, java-maven, kotlin, make, node, php, proto, python, ruby, rust, static-site, terraform, typescript; a workspace adds its own as `.svc/presets/NAME.toml`
    ");
    assert_snapshot!(lines("[environments.staging]\n[environments.production]\npromote-from = \"stagin\""), @r"
    services.toml:4:16: there is no environment `stagin`
      did you mean `staging`?
    ");
    assert_snapshot!(of_service("deploy = { run = \"x\", env.prod.replicas = 1 }\n[environments.production]"), @"
    services.toml:4:27: there is no environment `prod`
      did you mean `production`?
    ");
    assert_snapshot!(lines("[environments.x]\non-failure = \"rolback\"\nprotected = 1"), @r"
    services.toml:3:14: `on-failure` cannot be `rolback`
      did you mean `rollback`?
    services.toml:4:13: `protected` must be `true` or `false`
    ");
    let memory = Memory::new("version = 1\n[services.a]\npath = \"a\"\nuses = \"own\"\n[services.b]\npath = \"b\"\nuses = \"own\"\n")
        .with(".svc/presets/own.toml", "[build]\nrunn = \"x\"\n[tasks.test]\nrun = \"x\"\n");
    assert_snapshot!(plain(&memory), @r"
    .svc/presets/own.toml:2:1: `runn` is not a key here
      did you mean `run`?
    .svc/presets/own.toml:3:8: the task `test` has a key of its own
      write it as `[test]`, without `tasks`
    ");
}

#[test]
fn health_asks_one_thing() {
    let check =
        |health: &str| of_service(&format!("deploy = {{ run = \"x\", health = {health} }}"));
    assert_snapshot!(check("\"http://x\""), @r#"
    services.toml:4:32: `health` must be a table
      write `health = { http = "http://x" }`, or `tcp` or `command` in place of `http`
    "#);
    assert_snapshot!(check("{}"), @r"
    services.toml:4:32: `health` asks nothing
      give it one of `http`, `tcp` and `command`
    ");
    assert_snapshot!(check("{ http = \"http://x\", tcp = \"x:1\" }"), @r"
    services.toml:4:53: `health` asks more than one thing
      keep one of `http`, `tcp` and `command`
    ");
    assert_snapshot!(check("{ http = \"/healthz\" }"), @r"
    services.toml:4:41: `http` must begin with `http://` or `https://`
      write the whole address, such as `http://localhost:8080/healthz`
    ");
    assert_snapshot!(check("{ tcp = \"localhost\", status = 200 }"), @r"
    services.toml:4:40: `tcp` must be a host and a port
      write it as `localhost:5432`
    services.toml:4:53: `status` belongs to `http`
      remove it, or ask with `http`
    ");
    assert_snapshot!(check("{ http = \"http://x\", status = 99, successes = 0, interval = \"0s\" }"), @r"
    services.toml:4:62: `status` must be a number from 100 to 599
    services.toml:4:78: `successes` must be a number from 1 to 1000
    services.toml:4:92: `interval` must be more than nothing
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    ");
    assert_snapshot!(check("{ http = \"http://:80/a b\" }"), @r"
    services.toml:4:41: `http` holds something that no address holds
      write spaces and other special letters in the percent-encoded form, such as `%20`, and host names in ASCII
    ");
    assert_snapshot!(check("{ tcp = \"db:0\" }"), @r"
    services.toml:4:40: the port of `tcp` must be a number from 1 to 65535
      write it as `localhost:5432`
    ");
    assert_snapshot!(check("{ tcp = \"db:1\", successes = 4, interval = \"20s\" }"), @r"
    services.toml:4:48: `health` cannot be well within its `timeout`: 4 good answers take 1m
      raise `timeout`, or lower `interval` or `successes`
    ");
    assert_snapshot!(of_service("serve = { run = \"x\", port = 70000, health = \"healthz\" }"), @r"
    services.toml:4:29: `port` must be a number from 1 to 65535
    services.toml:4:45: `health` of `serve` must begin with `/`
      it is the path that the service answers on its own port
    ");
    assert_snapshot!(lines("[ledger]\nstore = \"s3\"\nref-prefix = \"refs/../x\""), @r"
    services.toml:3:9: `store` cannot be `s3`
      it is one of git, file
    services.toml:4:14: `ref-prefix` is not a place for refs
      write it as `refs/svc`: it begins with `refs/` and has no spaces, `..` or any of `~^:?*[\`
    ");
}

#[test]
fn includes_exist_and_hold_only_services() {
    let check = |include: &str, path: &str, text: &str| {
        let root = format!("version = 1\n[workspace]\ninclude = [\"{include}\"]\n");
        plain(&Memory::new(&root).with(path, text))
    };
    assert_snapshot!(check("x/services.toml", "y", ""), @r"
    services.toml:3:12: the file `x/services.toml` does not exist
      correct the path in `include`, or remove it
    ");
    assert_snapshot!(check("*/services.toml", "y", ""), @r"
    services.toml:3:12: `*/services.toml` matches no file
      correct the pattern in `include`, or remove it
    ");
    assert_snapshot!(check("services.toml", "y", ""), @r"
    services.toml:3:12: the file includes itself
      remove it from `include`
    ");
    assert_snapshot!(check("../x.toml", "y", ""), @"services.toml:3:12: `../x.toml` in `include` is not a pattern that can be used");
    assert_snapshot!(check("x.toml", "x.toml", "version = 1\n[workspace]\nname = \"x\"\n[servces.a]\n"), @r"
    x.toml:1:1: `version` cannot stand in an included file
      an included file holds only `[services]`; the rest belongs in the `services.toml` of the workspace
    x.toml:2:2: `workspace` cannot stand in an included file
      an included file holds only `[services]`; the rest belongs in the `services.toml` of the workspace
    x.toml:4:2: `servces` cannot stand in an included file
      did you mean `services`?
    ");
    assert_snapshot!(check("x/x.toml", "x/x.toml", "[services.a]\npath = \"../y\""), @r"
    x/x.toml:2:8: the path `../y` holds `..`
      a service lies below the directory of the file that declares it; declare this one in the `services.toml` of the workspace
    ");
    assert_snapshot!(check("x.toml", "x.toml", "[services.a\npath"), @r"
    x.toml:1:12: unclosed table: expected `]`
    x.toml:2:5: key with no value: expected `=`
    ");
}

#[test]
fn files_that_are_not_text_are_named() {
    assert_snapshot!(plain(&Memory::default()), @r"
    services.toml:1:1: the file `services.toml` does not exist
      create it at the top of the workspace
    ");
    assert_snapshot!(problems(&Memory::default().with("services.toml", b"version = 1\nname = \"\xff\"\n")), @r#"
    error: the file is not UTF-8 text
     --> services.toml:2:9
      |
    2 | name = "�
      |         ^ the first byte that does not fit
      |
      = help: save it as UTF-8
    "#);
    assert_snapshot!(plain(&Memory::default().with("services.toml", b"\xff\xfev\0e\0")), @r"
    services.toml:1:1: the file is not UTF-8 text
      it looks like UTF-16; save it as UTF-8
    ");
}
