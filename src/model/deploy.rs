//! How a service runs and gets into an environment: parsed and checked with the rest of the file.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::model::name::EnvironmentName;

/// `serve`: how a service runs on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct Serve {
    pub run: String,
    pub port: Option<u16>,
    /// The path that answers when the service is well.
    pub health: Option<String>,
}

/// What a `deploy` task holds beyond any other task.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Deploy {
    pub target: Option<String>,
    pub health: Option<Health>,
    /// `None`: the key is missing, so a weaker table decides.
    pub before: Option<Vec<String>>,
    pub after: Option<Vec<String>>,
    pub replicas: Option<u32>,
    /// Parameters of the target, by name.
    pub parameters: BTreeMap<String, Value>,
    /// What differs per environment.
    pub env: BTreeMap<EnvironmentName, Deploy>,
}

/// A health check with its patience.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Health {
    pub probe: Probe,
    pub timeout: Duration,
    pub interval: Duration,
    /// How many good answers in a row count as healthy.
    pub successes: u32,
}

/// What a health check asks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Probe {
    Http {
        url: String,
        status: Option<u16>,
        body: Option<String>,
    },
    Tcp(String),
    Command(String),
}

/// An environment of the file.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Environment {
    pub target: Option<String>,
    pub promote_from: Option<EnvironmentName>,
    /// The branches that may deploy here; empty: all.
    pub branches: Vec<String>,
    pub protected: bool,
    pub on_failure: OnFailure,
    /// Plain variables of every deploy here.
    pub env: BTreeMap<String, String>,
    /// Parameters of the target, by name.
    pub parameters: BTreeMap<String, Value>,
}

/// What happens when a deploy fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum OnFailure {
    #[default]
    Rollback,
    Stop,
    Continue,
}

/// `[ledger]`: where the record of deploys is kept.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct LedgerSettings {
    pub store: Option<LedgerStore>,
    pub remote: Option<String>,
    pub ref_prefix: Option<String>,
}

/// The kinds of ledger store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LedgerStore {
    Git,
    File,
}
