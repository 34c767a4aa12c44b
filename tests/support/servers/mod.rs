//! Real servers for tests: each on free ports, in a directory of its own, ready when it is given, and gone with its value.
//! A server that cannot run here is `None`, and the test is skipped visibly.
#![allow(
    dead_code,
    unused_imports,
    clippy::disallowed_methods,
    reason = "each test program uses its own part of this; servers are programs, and tests have deadlines"
)]

mod docker;
mod git_daemon;
mod kubernetes;
mod program;
mod registry;
mod smart_http;
mod sshd;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

pub use docker::{Docker, Image, tiny_http};
pub use git_daemon::GitDaemon;
pub use kubernetes::Kubernetes;
pub use program::{Program, have};
pub use registry::Registry;
pub use smart_http::{Login, SmartHttp};
pub use sshd::Sshd;

/// Says that tests are skipped, past the capture of the test harness; `tests/run` counts these and says them again at its end.
pub fn skip(what: &str, why: &str) {
    let test = std::thread::current();
    let test = test.name().unwrap_or("a test");
    // Not by a macro: the harness would keep that to itself.
    let _ = writeln!(std::io::stderr(), "SKIPPED {what}: {why} ({test})");
    let Some(list) = std::env::var_os("SVC_TEST_SKIPPED") else {
        return;
    };
    let list = std::fs::OpenOptions::new().append(true).open(list);
    if let Ok(mut list) = list {
        // In one piece, so that lines of several programs do not mix.
        let _ = list.write_all(format!("{what}: {why} ({test})\n").as_bytes());
    }
}

/// Waits until it gives something; the deadline is for machines that are very busy.
pub fn until<T>(what: &str, mut there: impl FnMut() -> Option<T>) -> T {
    let deadline = Instant::now() + Duration::from_secs(60);
    loop {
        if let Some(it) = there() {
            return it;
        }
        assert!(Instant::now() < deadline, "{what}: not within a minute");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// A port that is free now. Another program may take it before the server does, so a server that does not come up is
/// started again on another one: `on_free_port`.
pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    listener.local_addr().expect("it is bound").port()
}

/// Starts a server on a free port, until one comes up.
pub fn on_free_port<T>(what: &str, start: impl Fn(u16) -> Result<T, String>) -> T {
    let mut faults = Vec::new();
    for _ in 0..5 {
        match start(free_port()) {
            Ok(server) => return server,
            Err(fault) => faults.push(fault),
        }
    }
    panic!("{what} does not start:\n{}", faults.join("\n---\n"));
}

/// Where things lie that are made once and used by several test programs.
pub fn kept() -> PathBuf {
    PathBuf::from(env!("CARGO_TARGET_TMPDIR"))
}

fn write(path: &Path, text: impl AsRef<[u8]>) {
    std::fs::write(path, text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}
