//! What presets give, and what a service may say of them.

use insta::assert_snapshot;

use crate::config::tests::{Memory, valid};
use crate::config::{preset_tasks, presets};
use crate::model::name::ServiceName;
use crate::model::task::Task;
use crate::model::workspace::Workspace;

const OWN: &str = r#"
about = "Programs of ours"

[parameters.bin]
about = "the program"
default = ""
[parameters.flags]
kind = "list"
default = []
[parameters.manager]
default = "npm"
nearest = { "pnpm-lock.yaml" = "pnpm", "yarn.lock" = "yarn" }
[parameters.root]
directory-of = ["own.lock"]
default = ""
[parameters.lint-level]
kind = "number"

[build]
run = ["{{ manager }} build{% if bin %} --bin {{ bin }}{% endif %} {{ flags }}", "{% if bin %}strip {{ up }}/x{% endif %}"]
inputs = ["...", "/{{ root }}/own.lock", "/{{ root }}/own/", "{{ flags }}"]
outputs = ["{% if bin %}dist/{{ bin }}{% endif %}"]
env = ["{% if bin %}BIN{% endif %}", "HOME_OF_OWN"]
timeout = "{% if bin %}10m{% endif %}"

[tasks.lint]
run = "{% if lint_level %}lint --level {{ lint_level }} {{ name }} {{ path }}{% endif %}"
cache = true
"#;

/// A workspace of services that say `uses` so, at `services/NAME`.
fn memory(services: &[(&str, &str)]) -> Memory {
    let services = services
        .iter()
        .map(|(name, rest)| format!("[services.{name}]\npath = \"services/{name}\"\n{rest}\n"));
    Memory::new(&format!("version = 1\n{}", services.collect::<String>()))
        .with(".svc/presets/own.toml", OWN)
}

fn task<'w>(workspace: &'w Workspace, service: &str, task: &str) -> &'w Task {
    &workspace.service(workspace.find(service).unwrap()).tasks[task]
}

fn outputs(task: &Task) -> Option<Vec<&str>> {
    let outputs = task.outputs.as_ref()?;
    Some(outputs.iter().map(|it| it.as_str()).collect())
}

fn plain(memory: &Memory) -> String {
    let Err(invalid) = crate::config::load(memory) else {
        return "no problem".into();
    };
    let rows = invalid.0.rows().into_iter();
    rows.map(|row| match &row.hint {
        Some(hint) => format!("{row}\n  {hint}\n"),
        None => format!("{row}\n"),
    })
    .collect()
}

fn own(preset: &str, uses: &str) -> String {
    let text = format!("version = 1\n[services.a]\npath = \"a\"\nuses = {uses}\n");
    plain(&Memory::new(&text).with(".svc/presets/own.toml", preset))
}

#[test]
fn a_name_alone_takes_the_defaults() {
    let workspace = valid(&memory(&[("a", "uses = \"own\"")])).workspace;
    let build = task(&workspace, "a", "build");
    assert_eq!(build.run, ["npm build "]);
    assert_eq!(outputs(build), None);
    assert_eq!(build.env, ["HOME_OF_OWN"]);
    assert_eq!(build.timeout, None);
    let rules = format!("{:?}", build.inputs);
    assert!(
        rules.contains("\"own.lock\"") && rules.contains("\"own\""),
        "{rules}"
    );
    let service = workspace.service(workspace.find("a").unwrap());
    assert!(!service.tasks.contains_key("lint"));
}

#[test]
fn what_a_service_says_wins_over_what_is_found_and_that_over_the_default() {
    let all =
        "uses = { preset = \"own\", bin = \"it's\", flags = [\"-a b\", \"-c\"], lint-level = 3 }";
    let memory = memory(&[
        ("a", all),
        ("b", "uses = { preset = \"own\", manager = \"bun\" }"),
        (
            "c",
            "uses = \"own\"\nbuild = { outputs = [\"out\"] }\ntasks.lint = \"other\"",
        ),
        ("d", "uses = \"own\"\ntasks.lint = { run = \"x\" }"),
    ])
    .with("yarn.lock", "")
    .with("services/a/pnpm-lock.yaml", "")
    .with("services/own.lock", "");
    let workspace = valid(&memory).workspace;
    let build = task(&workspace, "a", "build");
    assert_eq!(
        build.run,
        ["pnpm build --bin \"it's\" '-a b' -c", "strip ../../x"]
    );
    assert_eq!(outputs(build), Some(vec!["services/a/dist/it's"]));
    assert_eq!(build.env, ["BIN", "HOME_OF_OWN"]);
    assert_eq!(build.timeout.unwrap().as_secs(), 600);
    let rules = format!("{:?}", build.inputs);
    for part in [
        "\"services/own.lock\"",
        "\"services/own\"",
        "\"services/a/-a b\"",
        "\"services/a/-c\"",
    ] {
        assert!(rules.contains(part), "{part} {rules}");
    }
    assert_eq!(
        task(&workspace, "a", "lint").run,
        ["lint --level 3 a services/a"]
    );
    assert_eq!(task(&workspace, "b", "build").run, ["bun build "]);
    assert_eq!(task(&workspace, "c", "build").run, ["yarn build "]);
    assert_eq!(
        outputs(task(&workspace, "c", "build")),
        Some(vec!["services/c/out"])
    );
    let lint = task(&workspace, "d", "lint");
    assert_eq!(
        (lint.run.as_slice(), lint.cache),
        (&["x".to_owned()][..], Some(true))
    );
}

#[test]
fn values_stay_words_of_commands_and_directories_stay_directories() {
    let preset = "[parameters.x]\n[parameters.dir]\nkind = \"path\"\n[parameters.glob]\n[build]\nrun = \"echo {{ x }}\"\ninputs = [\"{{ dir }}/*\", \"{{ glob }}\"]\ntools = [\"{{ x }} --version\"]\n";
    let text = "version = 1\n[services.a]\npath = \"a\"\nuses = { preset = \"own\", x = '\"; rm -rf ~ $(id)', dir = \"[b]*\", glob = \"*.c\" }\n";
    let memory = Memory::new(text).with(".svc/presets/own.toml", preset);
    let workspace = valid(&memory).workspace;
    let build = task(&workspace, "a", "build");
    assert_snapshot!(build.run[0], @r#"echo '"; rm -rf ~ $(id)'"#);
    assert_snapshot!(build.tools[0], @r#"'"; rm -rf ~ $(id)' --version"#);
    let rules = format!("{:?}", build.inputs);
    assert!(
        rules.contains("a/[[]b[]][*]/*") && rules.contains("a/*.c"),
        "{rules}"
    );
}

#[test]
fn what_a_service_says_of_a_preset_is_checked() {
    let check = |uses| plain(&memory(&[("a", uses)]));
    assert_snapshot!(check("uses = { preset = \"own\", bni = \"x\" }"), @"
    services.toml:4:26: `bni` is not a parameter of the preset `own`
      did you mean `bin`?
    ");
    assert_snapshot!(check("uses = { preset = \"own\", bin = 1, flags = [2], lint-level = \"3\" }"), @"
    services.toml:4:32: `bin` must be a string
    services.toml:4:43: `flags` must be a string or a list of strings
    services.toml:4:61: `lint-level` must be a whole number
    ");
    assert_snapshot!(check("uses = { bin = \"x\" }"), @r#"
    services.toml:4:8: `uses` names no preset
      add `preset = "…"`; the other keys are its parameters
    "#);
    assert_snapshot!(check("uses = 1"), @"services.toml:4:8: `uses` must be the name of a preset, or a table with `preset`");
    assert_snapshot!(check("uses = { preset = \"onw\" }"), @"
    services.toml:4:19: there is no preset `onw`
      did you mean `own`?
    ");
    assert_snapshot!(check("uses = { preset = \"make\", x = 1 }"), @"
    services.toml:4:27: `x` is not a parameter of the preset `make`
      its parameters are goal, lint-goal, out, test-goal
    ");
    assert_snapshot!(own("[parameters.x]\nrequired = true\nabout = \"where it goes\"\n[build]\nrun = \"{{ x }}\"", "\"own\""), @r#"
    services.toml:4:8: the preset `own` needs `x`: where it goes
      write `uses = { preset = "own", x = … }`
    "#);
}

#[test]
fn a_preset_of_the_workspace_is_checked() {
    let check = |preset| own(preset, "\"own\"");
    assert_snapshot!(check("[parameters.bin]\n[build]\nrun = \"make {{ bni }}\"\ninputs = [\"{% if bin %}\"]"), @"
    .svc/presets/own.toml:3:7: the template cannot be used: there is no `bni`
      did you mean `bin`?
    .svc/presets/own.toml:4:11: the template cannot be used: syntax error: unexpected end of input, expected end of block
      `{{ name }}` is a parameter, its `-` as `_`, or one of name, path, up and above; `{% raw %}…{% endraw %}` keeps what stands within
    ");
    assert_snapshot!(check("[parameters.bin]\n[build]\nrun = \"make {{ bin }}\""), @".svc/presets/own.toml:3:7: the template cannot be used: invalid operation: it has no value; ask for it with `{% if %}` first");
    assert_snapshot!(check("[parameters.l]\nkind = \"list\"\ndefault = [\"a\", \"b\"]\n[build]\nrun = \"x\"\ninputs = [\"src/{{ l }}\"]"), @r#".svc/presets/own.toml:6:11: the template cannot be used: a list has to be the whole of an element, or be joined with `|join(" ")`"#);
    assert_snapshot!(check("[parameters.x]\ndefault = 1\nnearest = { \"a/../b\" = \"x\", \"c\" = 2 }\ndirectory-of = [\"/d\"]\nknd = \"text\"\n[parameters.name]\n[parameters.preset]\n[parameters.a-b]\n[parameters.A_b]"), @"
    .svc/presets/own.toml:2:11: the default of `x` must be a string
    .svc/presets/own.toml:3:13: `a/../b` in `nearest` does not name a file
      write its path from the directory that it is looked for in, such as `Cargo.lock`; no patterns
    .svc/presets/own.toml:3:35: what `c` stands for must be a string
    .svc/presets/own.toml:4:1: a parameter is found in one way only
      keep one of `nearest` and `directory-of`
    .svc/presets/own.toml:4:17: `/d` in `directory-of` does not name a file
      write its path from the directory that it is looked for in, such as `Cargo.lock`; no patterns
    .svc/presets/own.toml:5:1: `knd` is not a key here
      did you mean `kind`?
    .svc/presets/own.toml:6:13: a parameter cannot be named `name`
      templates know something else by that name; choose another one
    .svc/presets/own.toml:7:13: a parameter cannot be named `preset`
      `uses` names the preset by that key; choose another name
    .svc/presets/own.toml:9:13: `A_b` is not a valid name of a parameter
      call it `a-b`
    ");
    assert_snapshot!(check("detect = { any = [\"../b\"], rank = -1, sum = 1 }\n[build]\nrun = \"x\""), @"
    .svc/presets/own.toml:1:19: `../b` in `any` leads out of the directory
      name what lies in the directory, or below it: `src/main/kotlin`; `*` stands for any letters
    .svc/presets/own.toml:1:35: `rank` must be a number from 0 to 1000
    .svc/presets/own.toml:1:39: `sum` is not a key here
      the keys are any, all, rank
    ");
    assert_snapshot!(check("detect = {}\nabout = 1\n[build]\nrun = \"x\"\ntimeout = \"{{ name }}\""), @r#"
    .svc/presets/own.toml:1:10: `detect` names no file
      write `any = ["…"]` or `all = ["…"]`, the files of a directory that the preset fits
    .svc/presets/own.toml:2:9: `about` must be a string
    .svc/presets/own.toml:5:11: `timeout` is not a duration that can be read
      write a duration such as `500ms`, `30s`, `10m` or `1h30m`
    "#);
}

#[test]
fn a_failing_template_names_the_service_that_it_fails_for() {
    let preset = "[parameters.x]\n[build]\nrun = \"make {{ x }}\"\n";
    let text = "version = 1\n[services.a]\npath = \"a\"\nuses = { preset = \"own\", x = \"y\" }\n[services.b]\npath = \"b\"\nuses = \"own\"\n";
    let memory = Memory::new(text).with(".svc/presets/own.toml", preset);
    assert_snapshot!(crate::config::tests::problems(&memory), @r#"
    error: the template cannot be used: invalid operation: it has no value; ask for it with `{% if %}` first
     --> .svc/presets/own.toml:3:7
      |
    3 | run = "make {{ x }}"
      |       ^^^^^^^^^^^^^^
      |
     ::: services.toml:7:8
      |
    7 | uses = "own"
      |        ----- as it is used here
    "#);
}

#[test]
fn the_presets_to_choose_from_are_those_of_the_program_with_the_workspaces_own_laid_over() {
    let memory = Memory::default()
        .with(
            ".svc/presets/rust.toml",
            "about = \"Ours\"\ndetect = { any = [\"X\", \"*.y\"], rank = 9 }",
        )
        .with(".svc/presets/node.toml", "[build]\nrun = \"{{ x }}\"")
        .with(".svc/presets/odd name.toml", "")
        .with(".svc/presets/zzz.toml", [0xff, 0xfe]);
    let offer = presets(&memory).unwrap();
    let names: Vec<_> = offer
        .presets
        .iter()
        .map(|it| (it.name.as_str(), it.is_own))
        .collect();
    assert!(
        names.contains(&("make", false)) && names.contains(&("rust", true)),
        "{names:?}"
    );
    assert!(
        !names
            .iter()
            .any(|(name, _)| matches!(*name, "node" | "zzz" | "odd name"))
    );
    let rust = offer.presets.iter().find(|it| it.name == "rust").unwrap();
    assert_eq!(rust.about, "Ours");
    let detect = rust.detect.as_ref().unwrap();
    assert_eq!((detect.any.len(), detect.all.len(), detect.rank), (2, 0, 9));
    let said = offer.warnings.plain();
    assert!(
        said.contains(".svc/presets/node.toml:2:7: the template cannot be used"),
        "{said}"
    );
    assert!(said.contains(".svc/presets/zzz.toml:1:1:"), "{said}");
}

#[test]
fn what_a_preset_would_give_is_known_before_the_service_is_written() {
    let memory = Memory::default()
        .with(".svc/presets/own.toml", OWN)
        .with("x y/pnpm-lock.yaml", "");
    let name = ServiceName::new("a").unwrap();
    let tasks = |path: &str, parameters: serde_json::Value| {
        let parameters = serde_json::from_value(parameters).unwrap();
        preset_tasks(&memory, "own", (&name, &path.into()), &parameters)
    };
    let given = tasks(
        "x y/z",
        serde_json::json!({ "bin": "q\"\u{7f}", "flags": ["-x"] }),
    )
    .unwrap();
    assert_eq!(given["build"].run[0], "pnpm build --bin 'q\"\u{7f}' -x");
    assert_eq!(given.len(), 1);
    assert_eq!(
        tasks("", serde_json::json!({})).unwrap()["build"].run,
        ["npm build "]
    );
    assert!(tasks("", serde_json::json!({ "x": 1 })).is_err());
}
