//! Every pipeline that `svc ci init` writes, and every document that `svc ci matrix` prints for a system, against the schema
//! that is published for it, by check-jsonschema. For Jenkins and TeamCity there is none: theirs are compared with golden
//! texts, and read in `readers`.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

use crate::servers::skip;
use crate::support::TestRepo;
use crate::yaml;

/// The systems, the name of the schema, and the files that it is for.
const SYSTEMS: &[(&str, &str, &[&str])] = &[
    ("github", "github-workflows", &[".github/workflows/svc.yml"]),
    (
        "gitlab",
        "gitlab-ci",
        &[".gitlab-ci.yml", ".gitlab/svc.yml"],
    ),
    ("buildkite", "buildkite", &[".buildkite/pipeline.yml"]),
    (
        "circleci",
        "circle-ci",
        &[".circleci/config.yml", ".circleci/svc.yml"],
    ),
    ("azure", "azure-pipelines", &["azure-pipelines.yml"]),
    (
        "bitbucket",
        "bitbucket-pipelines",
        &["bitbucket-pipelines.yml"],
    ),
    ("drone", "drone-ci", &[".drone.yml"]),
    ("woodpecker", "woodpecker-ci", &[".woodpecker/svc.yml"]),
];

pub const PLAIN: &str = "version = 1\n[services.api]\npath = \"api\"\ntest = \"true\"\n";

/// Two environments, with everything that a pipeline minds: patterns, promotion, approval, names with `-`.
pub const STAGED: &str = r#"version = 1
[services.api]
path = "api"
test = "true"
deploy = { run = "true" }
[services.web]
path = "web"
depends-on = ["api"]
test = "true"
[environments.live-eu]
promote-from = "staging"
branches = ["main", "release/*"]
protected = true
[environments.staging]
branches = ["main", "release/*", "it's"]
"#;

pub fn repo(services: &str) -> TestRepo {
    TestRepo::with_files(&[
        ("services.toml", services),
        ("api/a", "1\n"),
        ("web/a", "1\n"),
    ])
}

/// The program, where it is.
fn validator() -> Option<PathBuf> {
    tool("check-jsonschema")
}

/// The directory that tests/install-tools puts tools into.
pub fn tools() -> Option<PathBuf> {
    let target = Path::new(env!("CARGO_BIN_EXE_svc")).ancestors().nth(2)?;
    Some(target.join("tools"))
}

/// A program that tests/install-tools puts into the directory of tools, or that is on the machine.
pub fn tool(name: &str) -> Option<PathBuf> {
    let own = tools()?.join("python/bin");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let places = std::iter::once(own).chain(std::env::split_paths(&path));
    let found = places.map(|it| it.join(name)).find(|it| it.is_file());
    if found.is_none() {
        skip(name, "it is not there; tests/install-tools installs it");
    }
    found
}

/// What is wrong with files, by a published schema.
fn faults(validator: &Path, schema: &str, files: &[PathBuf]) -> Option<String> {
    let said = Command::new(validator)
        // One of the schemas holds an expression that is none in the stricter mode.
        .args(["--regex-variant", "nonunicode", "--builtin-schema", schema])
        .args(files)
        .output()
        .expect("it starts");
    let said_all = [said.stdout, said.stderr].concat();
    let text = String::from_utf8_lossy(&said_all).into_owned();
    // Some schemas show all of what they refuse.
    let short = |line: &str| line.chars().take(200).collect::<String>();
    let lines = text.lines().map(short).collect::<Vec<_>>().join("\n");
    (!said.status.success()).then_some(lines)
}

pub fn written(repo: &TestRepo, arguments: &[&str], files: &[&str]) -> Vec<PathBuf> {
    let said = repo.svc(&[&["ci", "init"], arguments].concat()).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    files.iter().map(|it| repo.root().join(it)).collect()
}

#[test]
fn every_pipeline_is_what_its_system_takes() {
    let Some(validator) = validator() else {
        return;
    };
    let shop = TestRepo::of_shop();
    let (plain, staged) = (repo(PLAIN), repo(STAGED));
    let odd = "curl -sSf \"$HOST/it's\" | sh; true";
    let mut checks = Vec::new();
    for (system, schema, files) in SYSTEMS {
        let mut paths = written(&shop, &[system], files);
        paths.extend(written(&plain, &[system], files));
        let arguments = [system, "--install", odd, "--shards", "9"];
        paths.extend(written(&staged, &arguments, files));
        checks.push((format!("vendor.{schema}"), paths));
    }
    let strict = "custom.github-workflows-require-timeout".to_owned();
    checks.push((strict, checks[0].1.clone()));
    // The program takes a second to start.
    std::thread::scope(|scope| {
        for (schema, paths) in &checks {
            let validator = &validator;
            scope.spawn(move || assert_eq!(faults(validator, schema, paths), None, "{schema}"));
        }
    });
}

#[test]
fn every_fan_out_is_what_its_system_takes() {
    let Some(validator) = validator() else {
        return;
    };
    let repo = repo(STAGED);
    written(&repo, &["circleci"], &[]);
    repo.commit("a pipeline");
    let formats = [
        ("gitlab", "gitlab-ci"),
        ("buildkite", "buildkite"),
        ("circleci", "circle-ci"),
    ];
    for (format, schema) in formats {
        let mut paths = Vec::new();
        let mut add = |arguments: &[&str]| {
            let all = [&["ci", "matrix", "--format", format], arguments].concat();
            let path = repo.beside(&format!("{format}-{}.yml", paths.len()));
            std::fs::write(&path, repo.svc(&all).stdout()).unwrap();
            paths.push(path);
        };
        add(&[]);
        add(&["test", "--all", "--before", "echo \"$A\" 'b'"]);
        add(&["test", "--all", "--shards", "1"]);
        if format == "circleci" {
            add(&["test", "--all", "--into", ".circleci/svc.yml"]);
            add(&["test", "--into", ".circleci/svc.yml"]);
        }
        assert_eq!(
            faults(&validator, &format!("vendor.{schema}"), &paths),
            None,
            "{format}"
        );
    }
}

#[test]
fn a_wrong_pipeline_is_told_from_a_right_one() {
    let Some(validator) = validator() else {
        return;
    };
    let world = tempfile::tempdir().unwrap();
    let path = world.path().join("wrong.yml");
    std::fs::write(
        &path,
        "on: push\njobs:\n  a:\n    runs-on: x\n    step: []\n",
    )
    .unwrap();
    assert!(faults(&validator, "vendor.github-workflows", &[path]).is_some());
}

#[test]
fn commands_come_through_the_quotes_of_each_system() {
    let repo = repo(STAGED);
    let odd = "printf '%s\\n' \"it's ${HOME}\" $((1<<2)) \\\\";
    let expected = format!("command -v svc >/dev/null || {{ {odd}; }}");
    let files = |system: &str| {
        let found = SYSTEMS.iter().find(|it| it.0 == system);
        let files = found.unwrap().2;
        let paths = written(&repo, &[system, "--install", odd], files);
        let texts = paths
            .iter()
            .map(|it| yaml::parse(&std::fs::read_to_string(it).unwrap()));
        texts.collect::<Vec<_>>()
    };
    let check = |found: &Value| assert_eq!(found.as_str(), Some(expected.as_str()));
    check(&files("github")[0]["jobs"]["plan"]["steps"][1]["run"]);
    check(&files("gitlab")[1]["default"]["before_script"][2]);
    let check_as = |found: &Value, from: &str, to: &str| {
        assert_eq!(found.as_str(), Some(expected.replace(from, to).as_str()));
    };
    let circle = files("circleci");
    let installs = [
        &circle[0]["jobs"]["plan"]["steps"][1]["run"]["command"],
        &circle[1]["commands"]["svc"]["steps"][0]["run"]["command"],
    ];
    for command in installs {
        check_as(command, "<<", "\\<<");
    }
    check(&files("azure")[0]["stages"][0]["jobs"][1]["steps"][2]["script"]);
    check(&files("bitbucket")[0]["definitions"]["steps"][0]["step"]["script"][1]);
    for system in ["drone", "woodpecker"] {
        let command = &files(system)[0]["steps"][0]["commands"][0];
        check_as(command, "${", "$${");
    }
    written(&repo, &["teamcity", "--install", odd], &[]);
    assert!(repo.read(".teamcity/settings.kts").contains("'%%s"));
    // Buildkite takes `$` for its own at each upload: of the pipeline, and of the steps that it makes.
    let steps = files("buildkite")[0]["steps"][0]["commands"].clone();
    let plan = steps[1].as_str().unwrap().replace("$$", "$");
    assert!(plan.starts_with("svc ci matrix test --shards 4 --format buildkite --before "));
    let said = repo
        .svc(&[
            "ci",
            "matrix",
            "--all",
            "--format",
            "buildkite",
            "--before",
            &expected,
        ])
        .stdout();
    let said: Value = serde_json::from_str(&said).unwrap();
    let command = said["steps"][0]["commands"][0].as_str().unwrap();
    assert_eq!(command.replace("$$", "$"), expected);
    assert_eq!(steps[0].as_str().unwrap().replace("$$", "$"), expected);
}

#[test]
fn the_pipelines_without_a_schema_are_as_they_were() {
    let repo = repo(STAGED);
    let text = |system: &str, file: &str| {
        let paths = written(&repo, &[system, "--install", "make 'svc' $X"], &[file]);
        std::fs::read_to_string(&paths[0]).unwrap()
    };
    insta::assert_snapshot!("jenkins", text("jenkins", "Jenkinsfile"));
    insta::assert_snapshot!("teamcity", text("teamcity", ".teamcity/settings.kts"));
}

/// All texts of a document.
fn texts(value: &Value) -> Vec<String> {
    match value {
        Value::String(text) => vec![text.clone()],
        Value::Array(all) => all.iter().flat_map(texts).collect(),
        Value::Object(all) => all.values().flat_map(texts).collect(),
        _ => Vec::new(),
    }
}

#[test]
fn the_plan_of_a_workspace_below_the_top_runs_at_the_top() {
    let name = |it: &str| format!("apps/the shop/{it}");
    let repo = TestRepo::with_files(&[
        (&name("services.toml"), PLAIN),
        (&name("api/a"), "1\n"),
        ("README.md", "1\n"),
    ]);
    let svc = Path::new(env!("CARGO_BIN_EXE_svc")).parent().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let path = std::iter::once(svc.to_owned()).chain(std::env::split_paths(&path));
    let path = std::env::join_paths(path).unwrap();
    for (system, _, files) in SYSTEMS {
        let said = repo
            .svc(&["-C", "apps/the shop", "ci", "init", system])
            .run();
        assert_eq!(said.code(), 0, "{}", said.all());
        let commands = files
            .iter()
            .flat_map(|it| texts(&yaml::parse(&repo.read(it))));
        let commands = commands.filter(|it| it.contains("svc -C") && !it.contains("deploy"));
        let plain = |it: String| match it.contains("$") && !it.contains("$#") {
            true => it
                .replace("$(services)", "")
                .replace("${{ matrix.services }}", ""),
            false => it.replace("<< parameters.leg >>", ""),
        };
        let mut count = 0;
        for command in commands.map(plain) {
            count += 1;
            let said = repo
                .command("sh", repo.root())
                .args(["-ec", &command])
                .env("PATH", &path)
                .env("GITHUB_OUTPUT", repo.beside("output"))
                .output()
                .unwrap();
            let words = String::from_utf8_lossy(&said.stderr);
            assert!(said.status.success(), "{system}: {command}\n{words}");
        }
        assert!(count > 0, "{system}");
    }
}

#[test]
fn caches_of_circleci_are_kept_by_the_default_branch_for_each_job() {
    let repo = repo(STAGED);
    let files = SYSTEMS.iter().find(|it| it.0 == "circleci").unwrap().2;
    let paths = written(&repo, &["circleci", "--shards", "3"], files);
    let read = |path: &PathBuf| yaml::parse(&std::fs::read_to_string(path).unwrap());
    let (first, second) = (read(&paths[0]), read(&paths[1]));
    assert_eq!(
        first["jobs"]["plan"]["environment"]["SVC_CI_BASE_REVISION"],
        "<< pipeline.git.base_revision >>"
    );
    let steps = |job: &str| second["jobs"][job]["steps"].as_array().unwrap().clone();
    let test = steps("test");
    assert!(test.iter().all(|it| it.get("save_cache").is_none()));
    let only = &test.last().unwrap()["when"];
    assert_eq!(
        only["condition"]["equal"],
        serde_json::json!(["main", "<< pipeline.git.branch >>"])
    );
    let key = &only["steps"][0]["save_cache"]["key"];
    let taken = test.iter().find_map(|it| it.get("restore_cache")).unwrap();
    let start = taken["keys"][0].as_str().unwrap();
    assert!(key.as_str().unwrap().starts_with(start), "{key} {start}");
    let deploy = steps("deploy-staging");
    let taken = deploy.iter().filter(|it| it.get("restore_cache").is_some());
    assert_eq!(taken.count(), 3);
}

#[test]
fn pull_requests_on_bitbucket_share_no_cache_with_deploys() {
    let repo = repo(STAGED);
    let paths = written(&repo, &["bitbucket"], &["bitbucket-pipelines.yml"]);
    let file = yaml::parse(&std::fs::read_to_string(&paths[0]).unwrap());
    let of_changes = texts(&file["pipelines"]["pull-requests"]["**"][0]["step"]["caches"]);
    let of_deploys = texts(&file["pipelines"]["branches"]["main"][1]["step"]["caches"]);
    assert!(!of_changes.is_empty() && !of_deploys.is_empty());
    assert!(of_changes.iter().all(|it| !of_deploys.contains(it)));
}
