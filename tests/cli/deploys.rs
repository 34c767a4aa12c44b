//! What the tests of deploys share: a workspace with a remote, and what is said with everything replaced that differs from
//! run to run.

use std::collections::BTreeMap;
use std::path::PathBuf;

use crate::output::told;
use crate::support::{Place, Said, Svc, TestRepo};

/// Deploys for the first time to where most is guarded.
pub const TO_PRODUCTION: [&str; 8] = [
    "deploy",
    "--env",
    "production",
    "--bootstrap",
    "--yes",
    "--log",
    "none",
    "-q",
];

/// `lib`, on which `api` depends, on which `web` depends; the last two are deployed by writing their version to a file.
pub const TABLES: &str = r#"
[services.lib]
path = "lib"
build = { run = "true", outputs = [] }
[services.api]
path = "api"
depends-on = ["lib"]
tags = ["backend"]
build = { run = "echo building api", outputs = [] }
deploy = { target = "home" }
[services.web]
path = "web"
depends-on = ["api"]
test = "true"
deploy = { target = "home" }
[environments.staging]
[environments.production]
protected = true
promote-from = "staging"
branches = ["main"]
"#;

/// Writes the version of a service to a file of the home; fails where the file `stop-SERVICE` is there, but for what runs.
const HOME: &str = r#"
deploy = '''
live="$HOME/live/"{{ env }}-{{ service }}
if test -e "$HOME/stop-"{{ service }} && ! grep -q {{ version }} "$live"; then echo no way; exit 1; fi
mkdir -p "$HOME/live"
echo {{ version }} >"$live"
'''
remove = 'rm "$HOME/live/"{{ env }}-{{ service }}'
"#;

/// A workspace that is pushed to `origin`.
pub fn shop() -> TestRepo {
    shop_of(TABLES)
}

/// The same with other tables.
pub fn shop_of(tables: &str) -> TestRepo {
    let repo = TestRepo::new();
    let remote = repo.beside("remote.git");
    let remote = remote.to_str().expect("a plain path");
    repo.git(&["init", "--quiet", "--bare", "--initial-branch=main", remote]);
    repo.git(&["remote", "add", "origin", "../remote.git"]);
    repo.git(&["config", "user.name", "Ann"]);
    crate::world::fill(&repo, tables);
    repo.write(".svc/targets/home.toml", HOME);
    repo.commit("first");
    repo.git(&["push", "--quiet", "origin", "main"]);
    repo
}

/// A shop whose two services run in staging.
pub fn deployed_shop() -> TestRepo {
    let repo = shop();
    deploy(&repo, &["--env", "staging", "--bootstrap"]);
    repo
}

/// Commits another line of a service's input.
pub fn edit(repo: &TestRepo, service: &str, subject: &str) {
    repo.append(&format!("{service}/input"), "more\n");
    repo.commit(subject);
}

/// Deploys, which has to go well.
pub fn deploy(repo: &TestRepo, arguments: &[&str]) {
    repo.svc(&[&["deploy"][..], arguments].concat()).stdout();
}

/// Lets the next deploys of a service fail, or not any more.
pub fn stop(repo: &TestRepo, service: &str, is_stopped: bool) {
    let flag = repo.beside("home").join(format!("stop-{service}"));
    match is_stopped {
        true => std::fs::write(flag, "").expect("a new file"),
        false => std::fs::remove_file(flag).expect("the file exists"),
    }
}

/// The version that a service runs, by its own word.
pub fn live(repo: &TestRepo, environment: &str, service: &str) -> Option<String> {
    let file: PathBuf = repo
        .beside("home")
        .join(format!("live/{environment}-{service}"));
    Some(std::fs::read_to_string(file).ok()?.trim().to_owned())
}

/// What is said to a command.
pub fn ask(repo: &TestRepo, arguments: &[&str]) -> String {
    hear(repo.svc(arguments))
}

/// The same from another directory.
pub fn ask_at(place: &Place<'_>, arguments: &[&str]) -> String {
    hear(place.svc(arguments))
}

/// What is said to a call.
pub fn hear(svc: Svc) -> String {
    plain(&svc.run())
}

/// What was said, without what differs from run to run: versions and commits are numbered as they appear.
pub fn plain(said: &Said) -> String {
    let mut hashes = BTreeMap::new();
    let host = rustix::system::uname();
    let host = host.nodename().to_string_lossy();
    let text = told(said).replace(&format!(" {host}"), " [HOST]");
    assert_harmless(&text);
    let lines = text.lines().map(|line| plain_line(line, &mut hashes));
    lines
        .map(|line| line.trim_end().to_owned() + "\n")
        .collect()
}

/// Fails where a terminal would do more than show the text.
pub fn assert_harmless(text: &str) {
    let is_bad = |it: char| {
        (it.is_control() && it != '\n')
            || matches!(it, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{2028}')
    };
    assert!(!text.contains(is_bad), "{text:?}");
    let longest = text.lines().map(|it| it.chars().count()).max();
    assert!(longest.unwrap_or(0) < 2000, "{text}");
}

fn plain_line(line: &str, hashes: &mut BTreeMap<String, usize>) -> String {
    let indent = line.len() - line.trim_start().len();
    let columns = line.trim_start().split("  ").map(str::trim);
    let columns = columns.filter(|it| !it.is_empty());
    let columns: Vec<String> = columns.map(|it| plain_column(it, hashes)).collect();
    line[..indent].to_owned() + &columns.join("  ")
}

fn plain_column(column: &str, hashes: &mut BTreeMap<String, usize>) -> String {
    let words: Vec<String> = column.split(' ').map(|it| plain_word(it, hashes)).collect();
    let mut out: Vec<String> = Vec::new();
    for word in words {
        let before: Vec<&str> = out.iter().rev().take(2).map(String::as_str).collect();
        let is_number = |it: &str| it.trim_start_matches('(').parse::<u64>().is_ok();
        match (before.as_slice(), word.as_str()) {
            ([_, count, ..], rest) if rest.starts_with("ago") && is_number(count) => {
                let open = if count.starts_with('(') { "(" } else { "" };
                let rest = format!("{open}[AGO]{}", &rest["ago".len()..]);
                out.truncate(out.len() - 2);
                out.push(rest);
            }
            (["(pid", ..], _) => out.push("N)".to_owned()),
            ([time, day, ..], rest)
                if rest.starts_with("UTC") && time.contains(':') && day.contains("20") =>
            {
                out.truncate(out.len() - 2);
                out.push(format!("[WHEN]{}", &rest["UTC".len()..]));
            }
            ([..], rest) => out.push(rest.to_owned()),
        }
    }
    out.join(" ")
}

/// Hashes and the ids of deploys.
fn plain_word(word: &str, hashes: &mut BTreeMap<String, usize>) -> String {
    let mut out = String::new();
    for token in word.split_inclusive(|it: char| !it.is_ascii_alphanumeric() && it != '-') {
        let body = token.trim_end_matches(|it: char| !it.is_ascii_alphanumeric());
        let is_hash = matches!(body.len(), 10 | 40 | 64)
            && body.bytes().all(|it| it.is_ascii_hexdigit())
            && body.bytes().any(|it| it.is_ascii_digit());
        let parts: Vec<usize> = body.split('-').map(str::len).collect();
        if is_hash {
            let number = hashes.len() + 1;
            let number = *hashes.entry(body[..10].to_owned()).or_insert(number);
            out.push_str(&token.replacen(body, &format!("hash-{number}"), 1));
        } else if parts[..] == [8, 6, 8] && body.starts_with("20") {
            out.push_str(&token.replacen(body, "[ID]", 1));
        } else {
            out.push_str(token);
        }
    }
    out
}
