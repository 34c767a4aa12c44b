//! Whatever tasks write, CI systems find only the commands of `svc` in its log. Each log is read as the vendor's runner reads
//! it.

use regex::bytes::Regex;

use crate::support::{Svc, TestRepo};
use crate::world::workspace;

/// What a task may write to be taken for `svc`.
const PAYLOADS: &[&str] = &[
    "::set-output name=x::y",
    "::add-mask::a",
    "::stop-commands::x",
    "::x::",
    "::endgroup::",
    "::error file=a,line=1::b",
    "##[error]x",
    "##[group]x",
    "##[endgroup]",
    "##[set-output name=x;]y",
    "##vso[task.setvariable variable=x]y",
    "##VSO[task.complete result=Failed]",
    "##teamcity[buildProblem description='x']",
    "##teamcity[blockClosed name='svc_run_a-test']",
    "--- x",
    "+++ x",
    "~~~ x",
    "^^^ +++",
    "section_end:1:x",
];

/// Prints each of them in every way that comes to mind, on both streams.
fn script(ending: &str) -> String {
    let mut lines = String::new();
    for it in PAYLOADS {
        let it = it.replace('\'', "'\\''");
        for to in ["", " >&2"] {
            let mut print = |format: &str| {
                lines.push_str(&format!("printf '{format}' '{it}'{to}\n"));
            };
            print("%s\\n");
            print("   \\t%s\\n");
            print("x\\r%s\\n");
            print("\\033[31m%s\\033[0m\\n");
            print("\\033[0K%s\\r\\033[0K\\n");
            print("\\302\\240\\357\\273\\277%s\\n");
            print("in the middle %s\\n");
            print("\\000%s\\n");
            print("\\033]0;%s\\007\\n");
            print("no end of line %s");
            let (first, rest) = it.split_at(it.len().min(2));
            lines.push_str(&format!("printf '\\n%s' '{first}'{to}; sleep 0.01\n"));
            lines.push_str(&format!("printf '%s\\n' '{rest}'{to}\n"));
        }
    }
    lines.push_str("printf '\\033[0Ksection_start:1:y[collapsed=true]\\r\\033[0Kz\\n'\n");
    lines.push_str("printf '\\033[0Ksection_end:1:y\\r\\033[0K\\n' >&2\n");
    lines.push_str(ending);
    lines
}

/// `a` and `b` are tested, and `b` fails. `quiet` says nothing of its own.
fn repo(script: &str) -> TestRepo {
    let repo = workspace(
        r#"
[services.a]
path = "a"
test = { run = "sh ../talk.sh", inputs = ["..."] }
[services.b]
path = "b"
test = { run = "sh ../talk.sh; exit 3", inputs = ["..."] }
"#,
    );
    repo.write("talk.sh", script);
    repo.commit("talk");
    // Names that are told of: they belong to nobody.
    for name in [
        "##[error]n",
        "::error::n",
        "--- n",
        "##vso[x]n",
        "##teamcity[x]",
    ] {
        repo.write(name, "");
    }
    repo.commit("names");
    repo
}

/// The systems, by the variable that tells of them.
const SYSTEMS: [(&str, &str, &str); 5] = [
    ("github", "GITHUB_ACTIONS", "true"),
    ("azure", "TF_BUILD", "True"),
    ("teamcity", "TEAMCITY_VERSION", "2025"),
    ("buildkite", "BUILDKITE", "true"),
    ("gitlab", "GITLAB_CI", "true"),
];

/// The commands in a log, as the system's runner finds them.
fn commands(system: &str, log: &[u8]) -> Vec<String> {
    let found = |pattern: &str| {
        let regex = Regex::new(pattern).unwrap();
        let all = regex.captures_iter(log);
        let name = |it: regex::bytes::Captures<'_>| {
            String::from_utf8_lossy(it.get(1).unwrap().as_bytes()).into_owned()
        };
        all.map(name).collect()
    };
    match system {
        // The older form counts anywhere in a line.
        "github" => lines(log).iter().filter_map(|it| github(it)).collect(),
        "azure" => found(r"(?i-u)##((?:vso)?\[[^\r\n]*)"),
        "teamcity" => found(r"(?i-u)##teamcity\[([^\r\n]*)"),
        // More than the vendor asks for, who wants `\r\x1b[0K` behind it.
        "gitlab" => found(r"(?i-u)section_(start|end):"),
        "buildkite" => found(r"(?m-u)^(?:\s|\x1b\[[0-9;]*[a-zA-Z])*(---|\+\+\+|~~~|\^\^\^)"),
        _ => unreachable!(),
    }
}

fn lines(log: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(log);
    text.split(['\n', '\r']).map(str::to_owned).collect()
}

fn github(line: &str) -> Option<String> {
    let trimmed = line.trim_start();
    if let Some(rest) = trimmed.strip_prefix("::") {
        return rest.contains("::").then(|| rest.to_owned());
    }
    let (_, rest) = line.split_once("##[")?;
    rest.contains(']').then(|| format!("##{rest}"))
}

fn log(svc: Svc, system: (&str, &str, &str)) -> Vec<u8> {
    let (_, name, value) = system;
    let mut command = svc.env(name, value).command();
    let output = command.output().unwrap();
    [output.stdout, output.stderr].concat()
}

/// The kinds of commands, without what they are about.
fn kinds(commands: &[String]) -> Vec<String> {
    let kind = |it: &String| {
        let end = it.find([' ', ':', '[', ']', ';']).unwrap_or(it.len());
        let second = it[end..].find([' ', ']']).map_or(it.len(), |at| end + at);
        it[..if end == 0 { second } else { end }].to_owned()
    };
    commands.iter().map(kind).collect()
}

#[test]
fn what_a_task_writes_is_no_command() {
    let loud = repo(&script(
        "echo '::error::the last word'; echo '##[error]the very last'\n",
    ));
    let quiet = repo("echo well\n");
    let ways: [&[&str]; 6] = [
        &["test", "--all", "--jobs", "1"],
        &["test", "--all", "--jobs", "1", "--log", "stream"],
        &["test", "--all", "--jobs", "1", "--log", "failed", "-v"],
        &["test", "a", "--jobs", "1", "--force"],
        &["test", "b", "--color", "always"],
        &["test", "b", "--log", "none"],
    ];
    for system in SYSTEMS {
        for way in ways {
            let (mine, theirs) = (log(loud.svc(way), system), log(quiet.svc(way), system));
            let (mine, theirs) = (commands(system.0, &mine), commands(system.0, &theirs));
            assert_eq!(
                kinds(&mine),
                kinds(&theirs),
                "{system:?} {way:?}\n{mine:#?}"
            );
        }
    }
}

#[test]
fn what_is_told_of_files_logs_and_commits_is_no_command() {
    let loud = repo(&script(""));
    for subject in PAYLOADS {
        loud.append("a/input", "more\n");
        loud.commit(subject);
    }
    for system in SYSTEMS {
        loud.svc(&["test", "--all"]).run();
        let ways: [&[&str]; 9] = [
            &["log", "b:test"],
            &["log"],
            &["log", "b:test", "--format", "json"],
            &["affected", "-v", "--base-exact", "HEAD~20"],
            &["affected", "--format", "json", "--base-exact", "HEAD~20"],
            &["affected", "::error::x"],
            &["why", "--- x"],
            &["test", "--##[error]x", "##vso[x]"],
            &["lint", "--##teamcity[x]"],
        ];
        for way in ways {
            let found = commands(system.0, &log(loud.svc(way), system));
            assert_eq!(found, Vec::<String>::new(), "{system:?} {way:?}");
        }
    }
}

#[test]
fn what_is_looked_for_would_be_found() {
    let all = PAYLOADS.join("\n");
    for (system, ..) in SYSTEMS {
        let found = commands(system, all.as_bytes());
        assert!(!found.is_empty(), "{system}");
    }
    assert_eq!(commands("github", all.as_bytes()).len(), 10);
}

#[test]
fn documents_say_the_same_to_machines() {
    let loud = repo("true\n");
    let affected = ["affected", "--base-exact", "HEAD^"];
    let plain = loud.svc(&affected).json();
    let watched = loud.svc(&affected).env("TF_BUILD", "True").json();
    assert_eq!(plain["unowned"], watched["unowned"]);
    let names = plain["unowned"].to_string();
    assert!(names.contains("##vso[x]n"), "{names}");
    let svc = loud.svc(&[&affected[..], &["--format", "json"]].concat());
    let text = svc.env("TF_BUILD", "True").run().stdout();
    assert!(!text.contains("##"), "{text}");
}

#[test]
fn what_is_written_to_a_file_is_exact() {
    let loud = repo("echo '##[error]x'\n");
    loud.svc(&["test", "a"]).run();
    let file = loud.root().join("log.flag");
    let mut command = loud
        .svc(&["log", "a:test"])
        .env("TF_BUILD", "True")
        .command();
    command.stdout(std::fs::File::create(&file).unwrap());
    command.status().unwrap();
    assert_eq!(std::fs::read_to_string(&file).unwrap(), "##[error]x\n");
}

#[test]
fn folds_never_nest_and_hold_one_log_each() {
    let repo = repo("echo one; echo two >&2\n");
    for way in [
        &["test", "--all"][..],
        &["test", "--all", "-v"],
        &["test", "a", "--force"],
    ] {
        let log = log(repo.svc(way), SYSTEMS[0]);
        let mut open = 0;
        for it in commands("github", &log) {
            match it.split("::").next().unwrap() {
                "group" => open += 1,
                "endgroup" => open -= 1,
                _ => assert_eq!(open, 0, "{it}"),
            }
            assert!((0..=1).contains(&open), "{}", String::from_utf8_lossy(&log));
        }
        assert_eq!(open, 0);
    }
}
