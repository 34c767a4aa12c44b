//! The file with the event that a GitHub workflow runs for: the parts of it that are asked for.
//!
//! <https://docs.github.com/webhooks/webhook-events-and-payloads>

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Deserialize;

/// GitHub sends no event that is larger.
const LARGEST: u64 = 25 << 20;

/// What an event says. Each part is there for some kinds of events only.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    pub number: Option<u64>,
    pub pull_request: Option<PullRequest>,
    pub before: Option<String>,
    pub merge_group: Option<MergeGroup>,
    pub workflow_run: Option<WorkflowRun>,
    pub repository: Option<Repository>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct PullRequest {
    pub number: Option<u64>,
    pub merged: Option<bool>,
    pub base: Side,
    pub head: Side,
}

/// One of the two branches of a pull request.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Side {
    #[serde(rename = "ref")]
    pub name: Option<String>,
    pub sha: Option<String>,
    /// None for a fork that is gone.
    pub repo: Option<Repository>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Repository {
    pub id: Option<u64>,
    pub full_name: Option<String>,
    pub default_branch: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct MergeGroup {
    pub base_sha: Option<String>,
    pub base_ref: Option<String>,
}

/// The run that another run follows.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct WorkflowRun {
    pub event: Option<String>,
    pub head_repository: Option<Repository>,
}

impl Repository {
    /// Whether both are one repository, as far as they say so.
    pub fn is(&self, other: &Self) -> bool {
        match (self.id, other.id) {
            (Some(one), Some(other)) => one == other,
            _ => self.full_name.is_some() && self.full_name == other.full_name,
        }
    }
}

/// Reads the event in the file at `path`, or says in words why that cannot be.
pub fn read(path: &Path) -> Result<Event, String> {
    let failed = |error: std::io::Error| format!("it cannot be read: {error}");
    // Who opens a pipe waits for somebody to write to it.
    let data = std::fs::metadata(path).map_err(failed)?;
    if !data.is_file() {
        return Err("it is no file".to_owned());
    }
    let too_large = || Err("it is larger than any event".to_owned());
    if data.len() > LARGEST {
        return too_large();
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    if text.len() as u64 > LARGEST {
        return too_large();
    }
    // To serde, a list may stand for the parts of an object.
    let first = text.iter().find(|it| !it.is_ascii_whitespace());
    if first.is_some_and(|it| *it != b'{') {
        return Err("it is of a form that is not known here".to_owned());
    }
    // What serde says may hold any part of the file.
    serde_json::from_slice(&text).map_err(|error| {
        let place = format!("line {}, column {}", error.line(), error.column());
        match error.is_data() {
            true => format!("it is of a form that is not known here ({place})"),
            false => format!("it is damaged or ends too early ({place})"),
        }
    })
}
