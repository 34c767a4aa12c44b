//! Valid files, and what they mean.

use std::time::Duration;

use crate::config::tests::{Memory, problems, valid};
use crate::model::deploy::{OnFailure, Probe};
use crate::model::input::InputRule;
use crate::model::task::{Slot, Task};
use crate::model::workspace::{Service, Workspace};

fn whole() -> Workspace {
    let memory = Memory::new(include_str!("whole.toml")).with(
        "teams/a/services.toml",
        "[services.db]\npath = \"db\"\nbuild = \"x\"\ndeploy = \"x\"",
    );
    valid(&memory).workspace
}

fn service<'w>(workspace: &'w Workspace, name: &str) -> &'w Service {
    workspace.service(workspace.find(name).unwrap())
}

fn task<'w>(workspace: &'w Workspace, service_name: &str, task: &str) -> &'w Task {
    &service(workspace, service_name).tasks[task]
}

fn only(text: &str) -> Workspace {
    valid(&Memory::new(&format!("version = 1\n{text}"))).workspace
}

fn needs(task: &Task) -> String {
    format!("{:?}", task.needs)
        .replace("TaskName(", "")
        .replace("ServiceName(", "")
        .replace([')', '"'], "")
}

fn inputs(task: &Task) -> Vec<String> {
    let rules = task.inputs.rules().iter();
    rules
        .map(|rule| match rule {
            InputRule::Own => "...".into(),
            InputRule::Take(pattern) => pattern.as_str().to_owned(),
            InputRule::Leave(pattern) => format!("!{}", pattern.as_str()),
            InputRule::PartOfOwn { .. } => "part of ...".into(),
        })
        .collect()
}

#[test]
fn the_whole_of_a_file_is_read() {
    let workspace = whole();
    let settings = workspace.settings();
    assert_eq!(settings.name.as_deref(), Some("shop"));
    assert_eq!(settings.default_branch.as_deref(), Some("main"));
    assert_eq!(settings.pass_env, ["MY_PROXY"]);
    assert_eq!(settings.pools["docker"], 1);
    let files: Vec<_> = settings.files.iter().map(|file| file.display()).collect();
    assert_eq!(files, ["services.toml", "teams/a/services.toml"]);
    let production = &settings.environments["production"];
    assert_eq!(
        production.promote_from.as_ref().unwrap().as_str(),
        "staging"
    );
    assert_eq!(production.on_failure, OnFailure::Rollback);
    assert!(production.protected);
    assert_eq!(production.env["LOG_LEVEL"], "warn");
    assert_eq!(
        settings.environments["staging"].parameters["context"],
        "staging-cluster"
    );

    let catalog = service(&workspace, "catalog");
    assert_eq!(catalog.path.display(), "services/catalog");
    assert_eq!(catalog.serve.as_ref().unwrap().port, Some(8081));
    assert!(catalog.tags.contains("backend"));
    let build = &catalog.tasks["build"];
    assert_eq!(build.run, ["cargo build --release --locked"]);
    assert_eq!(build.slot, Slot::Pool("docker".into()));
    assert_eq!(build.timeout, Some(Duration::from_secs(900)));
    assert_eq!(build.grace(), Duration::from_secs(5));
    assert_eq!(build.retry, 1);
    let inputs = inputs(build);
    assert_eq!(inputs[0], "...");
    assert!(inputs.iter().any(|it| it == "Cargo.lock"), "{inputs:?}");
    assert_eq!(
        inputs[inputs.len() - 2..],
        ["proto/catalog.proto", "!services/catalog/**/*.snap"]
    );
    assert_eq!(
        build.outputs.as_ref().unwrap()[0].as_str(),
        "services/catalog/target/release/catalog"
    );
    let deploy = catalog.tasks["deploy"].deploy.as_ref().unwrap();
    assert_eq!(deploy.target.as_deref(), Some("kubernetes"));
    assert_eq!(deploy.parameters["manifests"], "k8s/overlays/${env}");
    assert_eq!(deploy.env["production"].replicas, Some(5));
    assert_eq!(
        deploy.before.as_deref(),
        Some(["./migrate.sh".to_owned()].as_slice())
    );
    assert!(matches!(
        deploy.health.as_ref().unwrap().probe,
        Probe::Http { .. }
    ));
    assert_eq!(service(&workspace, "db").path.display(), "teams/a/db");
}

#[test]
fn defaults_are_laid_over_presets_and_below_services() {
    let workspace = whole();
    let test = task(&workspace, "catalog", "test");
    assert_eq!(test.run, ["cargo test"]);
    assert_eq!(test.timeout, Some(Duration::from_secs(600)));
    assert_eq!(test.tools, ["rustc --version --verbose"]);
    let lint = task(&workspace, "catalog", "lint");
    assert_eq!(lint.run, ["cargo clippy -- -D warnings"]);
    assert_eq!(lint.cache, Some(true));
    assert!(!service(&workspace, "common").tasks.contains_key("test"));
}

#[test]
fn tasks_need_what_is_built_in() {
    let workspace = only(
        "[services.a]\npath = \"a\"\nbuild = \"b\"\ntest = \"t\"\ndeploy = \"d\"\ntasks.lint = \"l\"",
    );
    assert_eq!(
        needs(task(&workspace, "a", "build")),
        "[OfDependencies(build]"
    );
    assert_eq!(needs(task(&workspace, "a", "test")), "[Own(build]");
    assert_eq!(
        needs(task(&workspace, "a", "deploy")),
        "[Own(build, Own(test, OfDependencies(deploy]"
    );
    assert_eq!(needs(task(&workspace, "a", "lint")), "[]");
}

#[test]
fn lists_replace_extend_or_clear_what_was_inherited() {
    let check = |defaults: &str, service: &str, expected: &[&str]| {
        let workspace = only(&format!(
            "[tasks.build]\n{defaults}\n[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"b\"\n{service}"
        ));
        assert_eq!(
            task(&workspace, "a", "build").env,
            expected,
            "{defaults} {service}"
        );
    };
    check("env = [\"A\"]", "", &["A"]);
    check("env = [\"A\"]", "env = [\"B\"]", &["B"]);
    check("env = [\"A\"]", "env = [\"...\", \"B\"]", &["A", "B"]);
    check("env = [\"A\"]", "env = [\"B\", \"...\"]", &["B", "A"]);
    check("env = [\"A\"]", "env = []", &[]);
    check("", "env = [\"...\", \"B\"]", &["B"]);
    let workspace =
        only("[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"b\"\ninputs = []");
    assert!(inputs(task(&workspace, "a", "build")).is_empty());
    let workspace =
        only("[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"b\"\noutputs = []");
    assert_eq!(task(&workspace, "a", "build").outputs, Some(vec![]));
}

#[test]
fn the_short_form_sets_the_command_only() {
    let workspace = only(
        "[tasks.test]\nretry = 2\n[services.a]\npath = \"a\"\nuses = \"rust\"\ntest = \"own test\"",
    );
    let test = task(&workspace, "a", "test");
    assert_eq!(test.run, ["own test"]);
    assert_eq!(test.retry, 2);
    assert_eq!(test.tools, ["rustc --version --verbose"]);
}

#[test]
fn the_stronger_table_decides_between_pool_and_exclusive() {
    let check = |defaults: &str, service: &str, expected: Slot| {
        let workspace = only(&format!(
            "[pools]\np = 1\n[tasks.build]\n{defaults}\n[services.a]\npath = \"a\"\n[services.a.build]\nrun = \"b\"\n{service}"
        ));
        assert_eq!(
            task(&workspace, "a", "build").slot,
            expected,
            "{defaults} {service}"
        );
    };
    check("pool = \"p\"", "", Slot::Pool("p".into()));
    check("pool = \"p\"", "exclusive = true", Slot::Exclusive);
    check("exclusive = true", "pool = \"p\"", Slot::Pool("p".into()));
    check("exclusive = true", "exclusive = false", Slot::Free);
}

#[test]
fn a_preset_of_the_workspace_replaces_the_one_that_comes_along() {
    let memory = Memory::new("version = 1\n[services.a]\npath = \"a\"\nuses = \"rust\"")
        .with(".svc/presets/rust.toml", "build = \"bazel build\"");
    let workspace = valid(&memory).workspace;
    let service = service(&workspace, "a");
    assert_eq!(service.tasks.len(), 1);
    assert_eq!(service.tasks["build"].run, ["bazel build"]);
    assert_eq!(
        workspace.settings().files[1].display(),
        ".svc/presets/rust.toml"
    );
}

#[test]
fn every_preset_that_comes_along_is_valid() {
    for name in crate::config::preset::embedded_names() {
        let text = format!("version = 1\n[services.a]\npath = \"a\"\nuses = \"{name}\"");
        assert_eq!(problems(&Memory::new(&text)), "no problem", "{name}");
    }
    assert!(crate::config::preset::embedded_names().count() >= 4);
}

#[test]
fn needs_of_defaults_that_a_service_lacks_are_kept_for_the_plan() {
    let workspace = only(
        "[services.a]\npath = \"a\"\ntest = \"t\"\n[tasks.test]\nneeds = [\"...\", \"generate\"]",
    );
    assert_eq!(
        needs(task(&workspace, "a", "test")),
        "[Own(build, Own(generate]"
    );
}

#[test]
fn a_full_name_of_the_same_service_is_an_own_need() {
    let workspace = only(
        "[services.a]\npath = \"a\"\nbuild = \"b\"\n[services.a.tasks.x]\nrun = \"x\"\nneeds = [\"a:build\"]",
    );
    assert_eq!(needs(task(&workspace, "a", "x")), "[Own(build]");
}

#[test]
fn paths_are_put_in_order() {
    let check = |path: &str, expected: &str| {
        let workspace = only(&format!("[services.a]\npath = \"{path}\""));
        assert_eq!(workspace.services()[0].path.display(), expected, "{path}");
    };
    check(".", "");
    check("./a/", "a");
    check("a//b/./c", "a/b/c");
}

#[test]
fn services_may_lie_within_each_other() {
    let workspace = only(
        "[services.a]\npath = \".\"\n[services.b]\npath = \"b\"\n[services.c]\npath = \"b/c\"",
    );
    assert_eq!(workspace.owner(b"b/c/x"), workspace.find("c"));
    assert_eq!(workspace.owner(b"x"), workspace.find("a"));
}

#[test]
fn included_services_are_relative_to_their_file() {
    let memory = Memory::new("version = 1\n[workspace]\ninclude = [\"**/services.toml\"]\n[services.a]\npath = \"a\"")
        .with("teams/x/services.toml", "[services.b]\npath = \".\"\n[services.b.build]\nrun = \"x\"\ninputs = [\"src\", \"/proto\"]")
        .with("teams/y/z/services.toml", "[services.c]\npath = \"c\"\ndepends-on = [\"b\", \"a\"]")
        .with("node_modules/m/services.toml", "nonsense")
        .with("x/.cache/services.toml", "nonsense");
    let workspace = valid(&memory).workspace;
    assert_eq!(service(&workspace, "b").path.display(), "teams/x");
    assert_eq!(service(&workspace, "c").path.display(), "teams/y/z/c");
    assert_eq!(
        inputs(task(&workspace, "b", "build")),
        ["teams/x/src", "proto"]
    );
}

#[test]
fn a_deploy_without_a_command_is_done_by_a_target() {
    let check = |rest: &str| {
        only(&format!("[services.a]\npath = \"a\"\n{rest}"));
    };
    check("deploy = { target = \"compose\" }");
    check("deploy = { run = [], target = \"compose\" }");
    check("deploy = {}\n[environments.x]\ntarget = \"compose\"");
    check("deploy = { env.x.target = \"compose\" }\n[environments.x]");
    check("deploy = {}\nserve = { run = \"x\" }");
}

#[test]
fn line_ends_and_byte_order_marks_do_not_matter() {
    let text = include_str!("whole.toml").replace("include = [\"teams/*/services.toml\"]", "");
    let text = text.replace("needs = [\"...\", \"db:deploy\"]", "");
    let plain = valid(&Memory::new(&text)).workspace;
    let odd = format!("\u{feff}{}", text.replace('\n', "\r\n"));
    let odd = valid(&Memory::new(&odd)).workspace;
    assert_eq!(plain.services(), odd.services());
    assert_eq!(plain.settings(), odd.settings());
}

#[test]
fn an_unused_default_is_a_warning() {
    let loaded = valid(&Memory::new(
        "version = 1\n[tasks.tets]\nretry = 1\n[services.a]\npath = \"a\"\ntest = \"t\"",
    ));
    insta::assert_snapshot!(loaded.warnings.plain(), @"services.toml:2:8: no service has a task `tets`");
}

#[test]
fn an_environment_that_nothing_goes_to_is_a_warning() {
    let check = |rest: &str, expected: &[&str]| {
        let text = format!(
            "version = 1\n[environments.local]\n[environments.staging]\ntarget = \"compose\"\n{rest}"
        );
        let loaded = valid(&Memory::new(&text));
        let warned = loaded.warnings.problems.iter().map(|it| &it.message);
        assert_eq!(warned.collect::<Vec<_>>(), expected, "{rest}");
    };
    let (local, staging) = (
        "no service can be deployed to `local`",
        "no service can be deployed to `staging`",
    );
    let service = "[services.a]\npath = \"a\"\ntest = \"t\"\n";
    check(service, &[local, staging]);
    check(
        &format!("{service}serve = {{ run = \"s\", port = 1 }}\n"),
        &[staging],
    );
    // What is deployed by commands of its own goes everywhere.
    check(&format!("{service}deploy = \"d\"\n"), &[]);
    check(&format!("{service}deploy = {{}}\n"), &[local]);
    check("", &[]);
}

#[test]
fn a_workspace_without_services_is_valid() {
    assert!(only("").services().is_empty());
}
