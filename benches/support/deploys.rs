//! Workspaces that are deployed to four environments, with long histories of deploys in their ledgers.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::timing::Timed;
use crate::support::workspace::{Random, git, write};

/// Grows with what is made here, so that nothing old is used.
const VERSION: u32 = 3;
const SVC: &str = env!("CARGO_BIN_EXE_svc");

pub const ENVIRONMENTS: [&str; 4] = ["preview", "production", "qa", "staging"];

/// The environment in which one service is due.
pub const ONE_DUE: &str = "qa";

/// The commits of the sources; services run some of them.
const COMMITS: usize = 200;

/// How ledgers lie here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In git, fetched in one piece.
    Packed,
    /// In git, each object in a file of its own; only the newest commit of each ledger.
    Loose,
    /// In files.
    Files,
}

/// A workspace with its ledgers.
#[derive(Clone, Copy)]
pub struct Deployed {
    pub services: usize,
    /// The source files of each service.
    pub files: usize,
    /// The entries of the ledger of each environment.
    pub entries: usize,
    pub kind: Kind,
}

impl Deployed {
    /// The workspace, left over from an earlier time or made now. Its remote lies beside it.
    pub fn repository(self) -> PathBuf {
        let Self {
            services,
            files,
            entries,
            kind,
        } = self;
        let name = format!("deployed-{VERSION}-{services}x{files}x{entries}-{kind:?}");
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let complete = root.with_extension("complete");
        if !complete.exists() {
            for old in [&root, &remote(&root)] {
                let _ = fs::remove_dir_all(old);
            }
            self.make(&root);
            fs::write(complete, "").unwrap();
        }
        root
    }

    fn make(self, root: &Path) {
        self.sources(root);
        let text = definition(
            self.services,
            self.kind,
            "build.run = \"true\"\nbuild.outputs = []\n",
        );
        publish(root, &text);
        let commits = more_commits(root);
        let adopt = Timed::new(SVC, "deploy --env staging --adopt");
        adopt.output(root);
        let rows = raw_entries(root, self.kind);
        assert_eq!(rows.len(), self.services);
        for environment in ENVIRONMENTS {
            let history = self.history(environment, &rows, &commits);
            match self.kind {
                Kind::Files => file_ledger(root, environment, &history),
                Kind::Packed => git_ledger(root, environment, &history, 1),
                Kind::Loose => git_ledger(root, environment, &history, usize::MAX),
            }
        }
        let limit = match self.kind {
            Kind::Loose => "fetch.unpackLimit=10000000",
            Kind::Packed | Kind::Files => "fetch.unpackLimit=1",
        };
        let refs = "+refs/svc/*:refs/svc/*";
        git(root, &["-c", limit, "fetch", "--quiet", "origin", refs]);
        // What is written in the same moment as the index would have to be read again and again.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        git(root, &["status", "--short"]);
    }

    fn sources(self, root: &Path) {
        for service in 0..self.services {
            for file in 0..self.files {
                let text = format!("{service} {file}\n").repeat(1 + (service + file) % 40);
                write(
                    root,
                    &format!("services/s{service:04}/src/file{file}.txt"),
                    &text,
                );
            }
        }
    }

    /// Entries in pairs, each service in its turn: what was adopted was deployed again and again. Oldest first.
    fn history(self, environment: &str, rows: &[Value], commits: &[String]) -> Vec<Value> {
        let mut random = Random(self.services as u64);
        let pairs = self.entries.div_ceil(2).max(rows.len());
        let pair = |at: usize| {
            let mut entry = rows[at % rows.len()].clone();
            let is_last = at + rows.len() >= pairs;
            let commit = &commits[random.below(commits.len())];
            let id = format!("20260101-{at:07}-{environment}");
            entry["deploy"] = json!(id);
            entry["action"] = json!("deploy");
            entry["at"] = json!(1_767_225_600 + at * 60);
            entry["brings"]["commit"] = json!(commit);
            entry["brings"]["deploy"] = json!(id);
            if !is_last || (at + 1 == pairs && environment == ONE_DUE) {
                entry["brings"]["release"] = json!(format!("{at:064x}"));
            }
            let mut started = entry.clone();
            started["state"] = json!("started");
            started["runs"] = json!("unknown");
            entry["state"] = json!("succeeded");
            entry["runs"] = json!({ "this": entry["brings"] });
            [started, entry]
        };
        (0..pairs).flat_map(pair).collect()
    }
}

/// A workspace that runs nothing but the deploys of its services.
pub fn plain(services: usize) -> PathBuf {
    let root =
        Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("deploying-{VERSION}-{services}"));
    for old in [&root, &remote(&root)] {
        let _ = fs::remove_dir_all(old);
    }
    for service in 0..services {
        write(&root, &format!("services/s{service:04}/file"), "x");
    }
    publish(&root, &definition(services, Kind::Loose, ""));
    Timed::new(SVC, "deploy --env staging --adopt").output(&root);
    root
}

/// The remote of a workspace.
pub fn remote(root: &Path) -> PathBuf {
    root.with_extension("remote.git")
}

fn definition(services: usize, kind: Kind, build: &str) -> String {
    let mut text = "version = 1\n\n[workspace]\nname = \"bench\"\n".to_owned();
    if kind == Kind::Files {
        text += "\n[ledger]\nstore = \"file\"\n";
    }
    for environment in ENVIRONMENTS {
        write!(text, "\n[environments.{environment}]\n").unwrap();
    }
    for service in 0..services {
        write!(
            text,
            "\n[services.s{service:04}]\npath = \"services/s{service:04}\"\n{build}deploy = \"true\"\n"
        )
        .unwrap();
    }
    text
}

/// Commits everything, to a remote of its own as well.
fn publish(root: &Path, text: &str) {
    write(root, "services.toml", text);
    let remote = remote(root);
    fs::create_dir_all(&remote).unwrap();
    git(
        &remote,
        &["init", "--quiet", "--bare", "--initial-branch=main"],
    );
    git(root, &["init", "--quiet", "--initial-branch=main"]);
    for (name, value) in [
        ("maintenance.auto", "false"),
        ("user.name", "A"),
        ("user.email", "a@example.test"),
    ] {
        git(root, &["config", name, value]);
    }
    git(root, &["add", "--all"]);
    git(root, &["commit", "--quiet", "--message=first"]);
    git(root, &["remote", "add", "origin", remote.to_str().unwrap()]);
    git(root, &["push", "--quiet", "origin", "main"]);
    git(root, &["fetch", "--quiet", "origin"]);
}

/// Adds commits that touch no service; gives all, oldest first.
fn more_commits(root: &Path) -> Vec<String> {
    let mut text = String::new();
    for at in 0..COMMITS {
        write!(text, "commit refs/heads/main\n{}", head(at, "notes")).unwrap();
        if at == 0 {
            text += "from refs/heads/main^0\n";
        }
        write!(text, "M 100644 inline notes.txt\n{}", data(&at.to_string())).unwrap();
    }
    import(root, text.as_bytes());
    git(root, &["reset", "--quiet", "--hard"]);
    git(root, &["repack", "--quiet", "-ad"]);
    let commits = Timed::new("git", "rev-list --reverse HEAD").output(root);
    commits.lines().map(str::to_owned).collect()
}

/// The entries of `staging` as they were written.
fn raw_entries(root: &Path, kind: Kind) -> Vec<Value> {
    let text = match kind {
        Kind::Files => fs::read_to_string(file(root, "staging")).unwrap(),
        Kind::Packed | Kind::Loose => {
            let log = Timed::new("git", "rev-list refs/svc/ledger/staging").output(root);
            let show =
                |id: &str| Timed::new("git", &format!("show {id}:entries.jsonl")).output(root);
            log.lines().map(show).collect()
        }
    };
    let parse = |line: &str| match kind {
        Kind::Files => {
            let line: Value = serde_json::from_str(line.split_once(' ').unwrap().1).unwrap();
            line["entries"].as_array().cloned().unwrap_or_default()
        }
        Kind::Packed | Kind::Loose => vec![serde_json::from_str(line).unwrap()],
    };
    let rows = text.lines().flat_map(parse);
    rows.filter(|it| it["state"] == "succeeded").collect()
}

/// One commit for each entry; the newest ones together in one, if `at_once` is more.
fn git_ledger(root: &Path, environment: &str, history: &[Value], at_once: usize) {
    let name = format!("refs/svc/ledger/{environment}");
    let mut text = format!("reset {name}\n\n");
    for (at, entries) in history.chunks(at_once).enumerate() {
        write!(text, "commit {name}\n{}", head(at, "deploy")).unwrap();
        let lines: String = entries.iter().map(|it| format!("{it}\n")).collect();
        write!(text, "M 100644 inline entries.jsonl\n{}", data(&lines)).unwrap();
        for entry in entries {
            let service = entry["service"].as_str().unwrap();
            let standing = json!({ "version": 1, "newest": entry }).to_string() + "\n";
            let standing = data(&standing);
            write!(text, "M 100644 inline services/{service}.json\n{standing}").unwrap();
        }
    }
    import(&remote(root), text.as_bytes());
    // Here it was made by hand.
    git(root, &["update-ref", "-d", &name]);
}

/// As `svc` writes it: each line begins with the checksum of the one before and itself.
fn file_ledger(root: &Path, environment: &str, history: &[Value]) {
    let (mut text, mut before) = (String::new(), String::new());
    for entry in history {
        let line = json!({ "version": 1, "lease": null, "entries": [entry] }).to_string();
        let digest = blake3::hash(format!("{before} {line}").as_bytes()).to_hex();
        before = digest[..32].to_owned();
        writeln!(text, "{before} {line}").unwrap();
    }
    let path = file(root, environment);
    let directory = path.parent().unwrap();
    let _ = fs::remove_dir_all(directory);
    fs::create_dir_all(directory).unwrap();
    fs::write(path, text).unwrap();
}

fn file(root: &Path, environment: &str) -> PathBuf {
    root.join(format!(".git/svc/ledger/{environment}/entries.jsonl"))
}

fn head(at: usize, subject: &str) -> String {
    let time = 1_767_225_600 + at * 60;
    let who = format!("A <a@example.test> {time} +0000");
    format!(
        "author {who}\ncommitter {who}\n{}",
        data(&format!("{subject} {at}\n"))
    )
}

fn data(text: &str) -> String {
    format!("data {}\n{text}\n", text.len())
}

fn import(repository: &Path, stream: &[u8]) {
    #[expect(clippy::disallowed_methods, reason = "a bench makes its repositories")]
    let mut git = Command::new("git");
    let git = git
        .args([
            "-c",
            "fastimport.unpackLimit=1",
            "fast-import",
            "--quiet",
            "--force",
        ])
        .current_dir(repository)
        .stdin(Stdio::piped());
    let mut child = git.spawn().unwrap();
    child.stdin.take().unwrap().write_all(stream).unwrap();
    assert!(child.wait().unwrap().success());
}
