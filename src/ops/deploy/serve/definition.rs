//! How a release is to be run on this machine, kept beside its files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::deploy::{Health, Probe};
use crate::model::digest::Digest;
use crate::model::path::FilePath;
use crate::model::task::Task;

/// How a release is to be run, kept beside its files, so that it can be gone back to.
pub const DEFINITION: &str = "svc-release.json";

/// How a release runs.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Definition {
    pub(in crate::ops::deploy::serve) run: String,
    pub(in crate::ops::deploy::serve) port: Option<u16>,
    pub(in crate::ops::deploy::serve) health: Option<String>,
    pub(in crate::ops::deploy::serve) path: FilePath,
    pub(in crate::ops::deploy::serve) shell: Vec<String>,
    /// Plain variables of its environment.
    pub(in crate::ops::deploy::serve) env: BTreeMap<String, String>,
    /// Seconds between the request to end and the kill.
    pub(in crate::ops::deploy::serve) grace: u64,
    /// The workspace that it runs in, if its files were not copied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(in crate::ops::deploy::serve) in_place: Option<PathBuf>,
    /// Tells apart definitions of the same release.
    pub(in crate::ops::deploy::serve) config: Option<Digest>,
    /// How the deploy finds out whether it is well, if it says so itself.
    pub(in crate::ops::deploy::serve) checked: Option<Health>,
    /// The names of the variables that are handed on.
    pub(in crate::ops::deploy::serve) handed: Handed,
}

/// The names of variables that are handed on to a service, and how.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Handed {
    pub(in crate::ops::deploy::serve) env: Vec<String>,
    pub(in crate::ops::deploy::serve) pass_env: Vec<String>,
    pub(in crate::ops::deploy::serve) secrets: Vec<String>,
    /// Whether nothing else is.
    pub(in crate::ops::deploy::serve) is_strict: bool,
}

impl Definition {
    pub fn read(release: &Path) -> Option<Self> {
        let bytes = std::fs::read(release.join(DEFINITION)).ok()?;
        serde_json::from_slice(&bytes).ok()
    }

    /// The deploy as far as it matters for running it.
    pub fn task(&self) -> Task {
        let mut task = Task::new(Vec::new());
        task.env.clone_from(&self.handed.env);
        task.pass_env.clone_from(&self.handed.pass_env);
        task.secrets.clone_from(&self.handed.secrets);
        task.strict_env = self.handed.is_strict;
        task
    }

    pub fn text(&self) -> String {
        serde_json::to_string_pretty(self).expect("all keys are text")
    }

    /// How to find out whether it is well, as `serve` says it.
    pub fn health(&self, port: Option<u16>) -> Option<Health> {
        let port = port.filter(|_| self.port.is_some() || self.health.is_some())?;
        let probe = match &self.health {
            Some(path) => Probe::Http {
                url: format!("http://127.0.0.1:{port}{path}"),
                status: None,
                body: None,
            },
            None => Probe::Tcp(format!("127.0.0.1:{port}")),
        };
        Some(Health {
            probe,
            timeout: Duration::from_secs(60),
            interval: Duration::from_millis(100),
            successes: 1,
        })
    }
}
