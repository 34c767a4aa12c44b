//! `git daemon`: remotes over `git://`, which anybody may push to.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::servers::{Program, have, on_free_port};

/// A running daemon.
pub struct GitDaemon {
    _program: Program,
    _directory: TempDir,
    port: u16,
}

impl GitDaemon {
    /// Serves the repositories below `base`.
    pub fn start(base: &Path) -> Option<Self> {
        if !have("git") {
            return None;
        }
        Some(on_free_port("git daemon", |port| {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let mut command = Command::new("git");
            command
                .args([
                    "daemon",
                    "--export-all",
                    "--enable=receive-pack",
                    "--reuseaddr",
                ])
                .args(["--listen=127.0.0.1", "--informative-errors"])
                .arg(format!("--port={port}"))
                .arg(format!("--base-path={}", base.display()))
                .arg(base);
            let program = Program::start(&mut command, &directory.path().join("log"));
            Ok(Self {
                _program: program.listening(port)?,
                _directory: directory,
                port,
            })
        }))
    }

    /// The address of a repository, by its path below the base.
    pub fn url(&self, repository: &str) -> String {
        format!("git://127.0.0.1:{}/{repository}", self.port)
    }
}
