//! A program that runs as long as its value lives, with everything that it started.

use std::fs::File;
use std::net::TcpStream;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process, kill_process_group};

/// Whether a program can be found.
pub fn have(name: &str) -> bool {
    find(name).is_some()
}

/// Where a program lies; servers often lie where only root looks.
pub fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let more = ["/usr/local/sbin", "/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path)
        .chain(more)
        .map(|it| it.join(name))
        .find(|it| it.is_file())
}

/// Runs a command to its end; it must succeed.
pub fn run(command: &mut Command) -> Output {
    let output = command.stdin(Stdio::null()).output();
    let output = output.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}{}",
        output.status,
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    output
}

/// A running server.
pub struct Program {
    child: Child,
    log: PathBuf,
}

impl Program {
    /// Starts it in a process group of its own, with what it says in this file.
    pub fn start(command: &mut Command, log: &Path) -> Self {
        let file = File::create(log).expect("a new file");
        let both = file.try_clone().expect("a handle");
        let child = command
            .stdin(Stdio::null())
            .stdout(file)
            .stderr(both)
            .process_group(0)
            .spawn();
        Self {
            child: child.unwrap_or_else(|error| panic!("{command:?}: {error}")),
            log: log.to_owned(),
        }
    }

    /// Waits until it does what it should; the error is what it said, where it ended before that.
    pub fn ready(mut self, is_ready: impl Fn() -> bool) -> Result<Self, String> {
        let deadline = Instant::now() + Duration::from_secs(60);
        while !is_ready() {
            let is_over = self.child.try_wait().expect("it is ours").is_some();
            if is_over || Instant::now() > deadline {
                return Err(self.said());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        // Somebody else may have answered on its port.
        match self.child.try_wait() {
            Ok(None) => Ok(self),
            _ => Err(self.said()),
        }
    }

    /// Waits until it takes connections on this port.
    pub fn listening(self, port: u16) -> Result<Self, String> {
        self.ready(|| TcpStream::connect(("127.0.0.1", port)).is_ok())
    }

    /// Everything that it said.
    pub fn said(&self) -> String {
        let said = std::fs::read(&self.log).unwrap_or_default();
        String::from_utf8_lossy(&said).into_owned()
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }
}

/// Asks first, so that it ends what it started; then kills.
impl Drop for Program {
    fn drop(&mut self) {
        let ours = Pid::from_child(&self.child);
        let below = descendants(ours);
        let _ = kill_process(ours, Signal::TERM);
        let deadline = Instant::now() + Duration::from_secs(10);
        while matches!(self.child.try_wait(), Ok(None)) && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = kill_process_group(ours, Signal::KILL);
        let _ = self.child.wait();
        for (pid, start) in below {
            // Unless the number belongs to another by now.
            if started_at(pid) == Some(start) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
    }
}

/// All processes below this one, with the times of their starts; none where the system does not say.
fn descendants(root: Pid) -> Vec<(Pid, String)> {
    let mut found = Vec::new();
    let mut parents = vec![root];
    while let Some(parent) = parents.pop() {
        let tasks = format!("/proc/{}/task", parent.as_raw_nonzero());
        for task in std::fs::read_dir(tasks).into_iter().flatten().flatten() {
            let children = std::fs::read_to_string(task.path().join("children"));
            for child in children.unwrap_or_default().split_whitespace() {
                let pid = child.parse().ok().and_then(Pid::from_raw);
                if let Some((pid, start)) = pid.and_then(|it| Some((it, started_at(it)?))) {
                    found.push((pid, start));
                    parents.push(pid);
                }
            }
        }
    }
    found
}

fn started_at(pid: Pid) -> Option<String> {
    let status = std::fs::read_to_string(format!("/proc/{}/stat", pid.as_raw_nonzero())).ok()?;
    let (_, fields) = status.rsplit_once(')')?;
    fields.split_whitespace().nth(19).map(str::to_owned)
}
