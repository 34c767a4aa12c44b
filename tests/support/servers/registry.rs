//! A registry of images on this machine.

use std::process::Command;

use tempfile::TempDir;

use crate::servers::program::find;
use crate::servers::{Program, on_free_port, write};

/// A running registry.
pub struct Registry {
    _program: Program,
    _directory: TempDir,
    port: u16,
}

impl Registry {
    pub fn start() -> Option<Self> {
        let server = find("docker-registry")?;
        Some(on_free_port("docker-registry", |port| {
            let directory = tempfile::tempdir().expect("a temporary directory");
            let path = directory.path();
            let config = format!(
                "version: 0.1\nlog: {{level: warn}}\n\
                 storage: {{filesystem: {{rootdirectory: {}}}, delete: {{enabled: true}}}}\n\
                 http: {{addr: \"127.0.0.1:{port}\"}}\n",
                path.join("images").display()
            );
            write(&path.join("config.yml"), config);
            let mut command = Command::new(&server);
            command.arg("serve").arg(path.join("config.yml"));
            let program = Program::start(&mut command, &path.join("log")).listening(port)?;
            Ok(Self {
                _program: program,
                _directory: directory,
                port,
            })
        }))
    }

    /// `127.0.0.1:PORT`: what names of images begin with. Docker needs no word for it: all of 127.0.0.0/8 may be insecure.
    pub fn address(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }
}
