//! What a CI system is given beside the log: annotations, summaries, masks, JUnit and Code Quality files.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::{Svc, TestRepo};
use crate::world::workspace;

const TABLES: &str = r#"
[services.a]
path = "a"
test = { run = "sh talk.sh", secrets = ["KEY", "PIN"] }
[services.b]
path = "b"
build = { run = "echo building; echo 'main.c:2:1: warning: unused [-Wunused]' >&2", outputs = [] }
"#;

fn repo() -> TestRepo {
    let repo = workspace(TABLES);
    repo.write("b/main.c", "int main;\n");
    repo.write("a/src/x.c", "x\n");
    repo.write(
        "a/talk.sh",
        "echo src/x.c:1:2: error: no x here\necho /etc/passwd:1:1: error: not ours\n\
         echo gone.c:1:1: error: not there\necho \"key is $KEY\"\nexit 1\n",
    );
    repo.commit("more");
    repo
}

fn on_github(svc: Svc) -> Svc {
    svc.env("GITHUB_ACTIONS", "true")
}

fn lines<'t>(text: &'t str, start: &str) -> Vec<&'t str> {
    text.lines().filter(|it| it.starts_with(start)).collect()
}

#[test]
fn failures_are_marked_in_their_files() {
    let repo = repo();
    let said = on_github(repo.svc(&["test", "a"])).run().stderr();
    assert_eq!(
        lines(&said, "::error"),
        ["::error file=a/src/x.c,line=1,col=2,title=a%3Atest::no x here"]
    );
    let said = on_github(repo.svc(&["build", "b"])).run().stderr();
    assert_eq!(
        lines(&said, "::warning"),
        ["::warning file=b/main.c,line=2,col=1,title=b%3Abuild%3A unused::unused"]
    );
    let said = on_github(repo.svc(&["build", "b"])).run().stderr();
    assert_eq!(lines(&said, "::warning"), <[&str; 0]>::default());
    assert!(said.contains("cached"), "{said}");
}

#[test]
fn the_summary_is_appended() {
    let repo = repo();
    let file = repo.beside("summary.md");
    std::fs::write(&file, "before\n").unwrap();
    let say = |arguments: &[&str]| {
        let svc = on_github(repo.svc(arguments)).env("GITHUB_STEP_SUMMARY", &file);
        svc.run();
        std::fs::read_to_string(&file).unwrap()
    };
    let text = say(&["test", "a"]);
    assert!(text.starts_with("before\n### svc test\n"), "{text}");
    assert!(
        text.contains("| a:test | requested | ❌ failed: exit code 1 |"),
        "{text}"
    );
    assert!(
        text.contains("```text\nsrc/x.c:1:2: error: no x here\n"),
        "{text}"
    );
    repo.git(&["checkout", "--quiet", "-b", "other"]);
    let text = say(&["build", "--head", "HEAD", "--base", "main"]);
    assert!(text.ends_with("**svc build**: nothing changed since main (the merge-base with HEAD); --all builds all\n\n") || text.contains("**svc build**: nothing"), "{text}");
    // One that cannot be written takes nothing from the run.
    let svc = on_github(repo.svc(&["build", "b"])).env("GITHUB_STEP_SUMMARY", "/dev/full");
    let said = svc.run();
    assert_eq!(said.code(), 0);
    assert!(
        said.stderr()
            .contains("the summary of this run is not shown"),
        "{}",
        said.all()
    );
}

#[test]
fn a_deploy_says_in_the_summary_what_runs_now() {
    let repo = crate::deploys::shop();
    let file = repo.beside("summary.md");
    let deploy = || {
        let arguments = ["deploy", "--env", "staging", "--bootstrap"];
        let svc = on_github(repo.svc(&arguments)).env("GITHUB_STEP_SUMMARY", &file);
        svc.stdout();
        std::fs::read_to_string(&file).unwrap()
    };
    let text = deploy();
    assert!(text.contains("### svc deploy --env staging"), "{text}");
    assert!(text.contains("| api:deploy |"), "{text}");
    assert!(text.contains("| service | runs now |"), "{text}");
    let again = deploy();
    let new = again.strip_prefix(&text).unwrap();
    assert_eq!(new.lines().filter(|it| !it.is_empty()).count(), 1, "{new}");
}

#[test]
fn secrets_are_announced_where_they_are_heard_and_nowhere_else() {
    let repo = repo();
    let call = |name: &str, value: &str| {
        let svc = repo.svc(&["test", "a"]).env(name, value);
        svc.env("KEY", "hunter22\n  second line\n")
            .env("PIN", "123")
    };
    let said = call("GITHUB_ACTIONS", "true").run().stderr();
    assert_eq!(
        lines(&said, "::add-mask::"),
        ["::add-mask::hunter22", "::add-mask::second line"]
    );
    let first = said.lines().next().unwrap();
    assert!(first.starts_with("::add-mask::"), "{said}");
    let rest = said.lines().filter(|it| !it.starts_with("::add-mask::"));
    assert!(rest.clone().all(|it| !it.contains("hunter22")), "{said}");
    let said = call("TF_BUILD", "True").run().stderr();
    assert_eq!(lines(&said, "##vso[task.setsecret]").len(), 2, "{said}");
    for (name, value) in [
        ("GITLAB_CI", "true"),
        ("TEAMCITY_VERSION", "1"),
        ("JENKINS_URL", "http://x"),
        ("BUILDKITE", "true"),
        ("CI", "true"),
        ("X", "y"),
    ] {
        let said = call(name, value).run();
        assert!(!said.all().contains("hunter22"), "{name}: {}", said.all());
    }
    // Nobody reads commands in a file.
    let file = repo.beside("err");
    let mut command = call("GITHUB_ACTIONS", "true").command();
    command.stderr(std::fs::File::create(&file).unwrap());
    command.status().unwrap();
    assert!(!std::fs::read_to_string(&file).unwrap().contains("hunter22"));
}

#[test]
fn the_agent_of_buildkite_is_told() {
    let repo = repo();
    let directory = repo.beside("agent");
    std::fs::create_dir(&directory).unwrap();
    let agent = directory.join("buildkite-agent");
    let script = format!(
        "#!/bin/sh\necho \"$@\" >>{0}/calls; cat >>{0}/calls; exit ${{AGENT:-0}}\n",
        directory.display()
    );
    std::fs::write(&agent, script).unwrap();
    std::fs::set_permissions(&agent, std::fs::Permissions::from_mode(0o755)).unwrap();
    let path = format!("{}:{}", directory.display(), std::env::var("PATH").unwrap());
    let call = |code: &str| {
        let svc = repo.svc(&["test", "a"]).env("BUILDKITE", "true");
        let svc = svc.env("KEY", "hunter22").env("PATH", &path);
        svc.env("AGENT", code).run()
    };
    let said = call("0");
    let calls = std::fs::read_to_string(directory.join("calls")).unwrap();
    assert!(calls.starts_with("redactor add\nhunter22"), "{calls}");
    assert!(
        calls.contains("annotate --style error --context svc --append\n### svc test"),
        "{calls}"
    );
    assert!(!said.all().contains("hunter22"), "{}", said.all());
    let said = call("7");
    assert_eq!(said.code(), 1, "{}", said.all());
    assert!(said.stderr().contains("exit code 7"), "{}", said.all());
}

#[test]
fn azure_is_given_a_file_as_summary() {
    let repo = repo();
    let scratch = repo.beside("scratch");
    std::fs::create_dir(&scratch).unwrap();
    let svc = repo.svc(&["test", "a"]).env("TF_BUILD", "True");
    let said = svc.env("AGENT_TEMPDIRECTORY", &scratch).run().stderr();
    let line = lines(&said, "##vso[task.uploadsummary]")[0];
    let name = line.rsplit('/').next().unwrap();
    let text = std::fs::read_to_string(scratch.join(name)).unwrap();
    assert!(text.starts_with("### svc test"), "{text}");
}

#[test]
fn code_quality_is_told_of_cached_results_too() {
    let repo = repo();
    let file = repo.beside("quality.json");
    let mut reports = Vec::new();
    for _ in 0..2 {
        let path = file.to_str().unwrap();
        repo.svc(&["build", "b", "--code-quality", path]).stdout();
        let report: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        reports.push(report);
    }
    assert_eq!(reports[0], reports[1]);
    assert_eq!(reports[0][0]["location"]["path"], "b/main.c");
    assert_eq!(reports[0][0]["severity"], "minor");
}

#[test]
fn junit_is_written_whatever_happens() {
    let repo = repo();
    let file = repo.beside("junit.xml");
    let path = file.to_str().unwrap();
    let tests = || {
        let text = std::fs::read_to_string(&file).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        check_junit(&document);
        let root = document.root_element();
        ["tests", "failures", "errors", "skipped"]
            .map(|it| root.attribute(it).unwrap_or("none").parse::<u32>().unwrap())
    };
    repo.svc(&["test", "a", "--junit", path]).run();
    assert_eq!(tests(), [1, 1, 0, 0]);
    let text = std::fs::read_to_string(&file).unwrap();
    let message = "message=\"a/src/x.c:1:2: no x here (exit code 1)\"";
    assert!(text.contains(message), "{text}");
    assert!(
        text.contains("<system-out>src/x.c:1:2: error: no x here"),
        "{text}"
    );
    repo.svc(&["build", "b", "--junit", path]).run();
    assert_eq!(tests(), [1, 0, 0, 0]);
    repo.svc(&["build", "b", "--junit", path]).run();
    assert_eq!(tests(), [1, 0, 0, 1]);
    repo.git(&["checkout", "--quiet", "-b", "other"]);
    repo.svc(&["build", "--base", "main", "--head", "HEAD", "--junit", path])
        .run();
    assert_eq!(tests(), [0, 0, 0, 0]);
    let said = repo.svc(&["build", "b", "--junit", "/dev/full"]).run();
    assert_eq!(said.code(), 0);
    assert!(
        said.stderr().contains("JUnit results are not written"),
        "{}",
        said.all()
    );
}

/// What the schemas of Jenkins and of others ask for.
pub fn check_junit(document: &roxmltree::Document<'_>) {
    let number = |it: roxmltree::Node<'_, '_>, name: &str| -> f64 {
        it.attribute(name)
            .unwrap_or_else(|| panic!("no {name}"))
            .parse()
            .unwrap()
    };
    let root = document.root_element();
    assert_eq!(root.tag_name().name(), "testsuites");
    let mut total = [0.0; 4];
    for suite in root.children().filter(|it| it.is_element()) {
        assert_eq!(suite.tag_name().name(), "testsuite");
        assert!(suite.attribute("name").is_some());
        let mut counted = [0.0; 4];
        for case in suite.children().filter(|it| it.is_element()) {
            assert_eq!(case.tag_name().name(), "testcase");
            assert!(case.attribute("name").is_some() && case.attribute("classname").is_some());
            assert!(number(case, "time") >= 0.0);
            counted[0] += 1.0;
            let mut inside: Vec<_> = case.children().filter(|it| it.is_element()).collect();
            if inside
                .last()
                .is_some_and(|it| it.has_tag_name("system-out"))
            {
                inside.pop();
            }
            assert!(inside.len() <= 1);
            for it in inside {
                let at = ["failure", "error", "skipped"]
                    .iter()
                    .position(|name| *name == it.tag_name().name());
                counted[1 + at.expect("a known element")] += 1.0;
            }
        }
        for (at, name) in ["tests", "failures", "errors", "skipped"]
            .iter()
            .enumerate()
        {
            assert_eq!(number(suite, name), counted[at], "{name}");
            total[at] += counted[at];
        }
    }
    for (at, name) in ["tests", "failures", "errors"].iter().enumerate() {
        assert_eq!(number(root, name), total[at], "{name}");
    }
}
