//! What the tests of runs share: tasks that note themselves, documents, running programs and their processes.

use std::fs::File;
use std::path::Path;
use std::process::{Child, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::{Svc, TestRepo};

/// Long enough for everything that happens at all, on a busy machine.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A repository with a `services.toml` of these tables; each service is a directory of its name with the file `input`.
/// `log`, `out` and files that end in `.flag` are ignored by git.
pub fn workspace(tables: &str) -> TestRepo {
    let repo = TestRepo::new();
    fill(&repo, tables);
    repo.commit("first");
    repo
}

/// Writes what [`workspace`] commits.
pub fn fill(repo: &TestRepo, tables: &str) {
    repo.write("services.toml", format!("version = 1\n{tables}"));
    repo.write(".gitignore", "log\nout\n*.flag\n");
    let services = tables.lines().filter_map(|line| {
        let name = line.strip_prefix("[services.")?.strip_suffix(']')?;
        (!name.contains('.')).then_some(name)
    });
    services.for_each(|name| repo.write(&format!("{name}/input"), "1\n"));
}

/// The lines that tasks appended to `log` since the last time that somebody asked.
pub fn noted(repo: &TestRepo) -> Vec<String> {
    let log = repo.root().join("log");
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(log);
    text.lines().map(str::to_owned).collect()
}

/// The document that a run prints, whatever its exit code.
pub fn document(repo: &TestRepo, arguments: &[&str]) -> (i32, Value) {
    let arguments = [&["--format", "json"][..], arguments].concat();
    let (command, rest) = (arguments[2], &arguments[3..]);
    let said = repo
        .svc(&[&[command, "--format", "json"], rest].concat())
        .run();
    let text = said.stdout();
    let document =
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}:\n{}", said.all()));
    (said.code(), document)
}

/// `api:build passed`, for each task of a document.
pub fn outcomes(document: &Value) -> Vec<String> {
    column(document, "outcome")
}

/// `api:build run`, for each task of a document.
pub fn verdicts(document: &Value) -> Vec<String> {
    column(document, "verdict")
}

fn column(document: &Value, name: &str) -> Vec<String> {
    let tasks = document["tasks"].as_array().expect("a list of tasks");
    let line = |it: &Value| {
        format!(
            "{} {}",
            it["id"].as_str().unwrap(),
            it[name].as_str().unwrap()
        )
    };
    tasks.iter().map(line).collect()
}

/// The row of one task.
pub fn row<'a>(document: &'a Value, id: &str) -> &'a Value {
    let tasks = document["tasks"].as_array().expect("a list of tasks");
    let found = tasks.iter().find(|it| it["id"] == id);
    found.unwrap_or_else(|| panic!("no {id} in {document:#}"))
}

/// Waits until `is_so`, or fails the test.
pub fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < DEADLINE, "waited in vain: {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// An `svc` that runs. It is killed if the test ends first.
pub struct Running {
    child: Child,
    stderr: tempfile::NamedTempFile,
}

impl Running {
    /// Starts it.
    pub fn start(svc: Svc) -> Self {
        let stderr = tempfile::NamedTempFile::new().expect("a temporary file");
        let mut command = svc.command();
        command
            .stdout(Stdio::null())
            .stderr(File::create(stderr.path()).expect("it can be written"));
        Self {
            child: command.spawn().expect("svc starts"),
            stderr,
        }
    }

    /// Its process id.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Sends a signal to it alone.
    pub fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs");
    }

    /// Whether it has not ended yet.
    pub fn is_running(&mut self) -> bool {
        self.child
            .try_wait()
            .expect("it can be waited for")
            .is_none()
    }

    /// Waits for its end, and gives the status and what it wrote to stderr.
    pub fn end(mut self) -> (ExitStatus, String) {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().expect("it can be waited for") {
                return (status, self.said());
            }
            assert!(
                start.elapsed() < DEADLINE,
                "svc does not end:\n{}",
                self.said()
            );
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    /// What it wrote to stderr so far.
    pub fn said(&self) -> String {
        let bytes = std::fs::read(self.stderr.path()).expect("it can be read");
        String::from_utf8_lossy(&bytes).into_owned()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A number of seconds for `sleep` that no other test uses: it names the processes that a test makes.
pub fn mark() -> String {
    use std::sync::atomic::{AtomicU32, Ordering};
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!("7{:07}{count:03}", std::process::id())
}

/// The processes whose command line holds the mark.
pub fn alive(mark: &str) -> Vec<(u32, String)> {
    let entries = std::fs::read_dir("/proc").expect("a list of processes");
    let ids = entries
        .flatten()
        .filter_map(|it| it.file_name().to_str()?.parse().ok());
    let line = |id: u32| {
        let bytes = std::fs::read(Path::new("/proc").join(id.to_string()).join("cmdline")).ok()?;
        let text = String::from_utf8_lossy(&bytes).replace('\0', " ");
        text.contains(mark).then_some((id, text))
    };
    ids.filter_map(line).collect()
}
