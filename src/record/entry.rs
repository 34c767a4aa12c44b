//! What is written down.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::model::name::TaskId;
use crate::model::run::{Outcome, Summary};
use crate::record::time::Moment;

/// The name of a run.
pub type RunId = String;

/// What a run was asked to do.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// As a person typed it: `svc build api`.
    pub command: String,
    /// The hook of git in which it ran, if that asked for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<String>,
    /// What was compared, in one line, if anything was.
    #[serde(default)]
    pub base: Option<String>,
    /// The commit that was checked out, if any.
    #[serde(default)]
    pub commit: Option<String>,
    /// How many tasks the plan has.
    #[serde(default)]
    pub tasks: usize,
    /// The version of `svc`.
    #[serde(default)]
    pub svc: String,
    /// When it began; [`crate::record::Records::begin`] fills it in.
    #[serde(default)]
    pub started: Moment,
}

/// The result of a task in a run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskRecord {
    pub id: TaskId,
    pub outcome: Outcome,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    #[serde(rename = "ms", with = "millis")]
    pub duration: Duration,
    /// The digest of everything it read and was defined by.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inputs: Option<String>,
    /// What tells whether its outputs are still the ones it made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<String>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
    /// Whether it wrote anything: then its log lies in the directory of the run.
    #[serde(default, skip_serializing_if = "is_false")]
    pub has_log: bool,
    #[serde(default)]
    pub attempts: u32,
    /// When it ended.
    pub at: Moment,
    /// The run it belongs to; filled in when it is written down.
    #[serde(default)]
    pub run: RunId,
}

impl TaskRecord {
    /// A result of `id` at `at`; the rest is set where it is known.
    pub fn new(id: TaskId, outcome: Outcome, duration: Duration, at: Moment) -> Self {
        Self {
            id,
            outcome,
            exit_code: None,
            duration,
            inputs: None,
            outputs: None,
            values: BTreeMap::new(),
            has_log: false,
            attempts: 1,
            at,
            run: String::new(),
        }
    }
}

/// How a run ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct End {
    #[serde(rename = "ms", with = "millis")]
    pub duration: Duration,
    /// How many tasks ended in each way.
    pub outcomes: BTreeMap<Outcome, usize>,
    pub interrupted: bool,
}

impl From<&Summary> for End {
    fn from(summary: &Summary) -> Self {
        let mut outcomes = BTreeMap::new();
        for result in &summary.results {
            *outcomes.entry(result.outcome).or_default() += 1;
        }
        Self {
            duration: summary.duration,
            outcomes,
            interrupted: summary.interrupted,
        }
    }
}

/// A line of a journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Line {
    /// A task is about to run: without a result, it was interrupted.
    Begun(Beginning),
    Started(Start),
    Finished(TaskRecord),
    /// The run was asked to stop; what runs now is being ended.
    Interrupted(Moment),
    Ended(End),
}

/// The beginning of a task, before any process of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Beginning {
    pub id: TaskId,
    pub at: Moment,
}

/// A process that was started for a task.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Start {
    pub id: TaskId,
    pub pid: u32,
    /// As the system counts it, where it tells.
    pub start_time: Option<u64>,
    pub at: Moment,
}

fn is_false(value: &bool) -> bool {
    !value
}

mod millis {
    use super::*;

    pub fn serialize<S: Serializer>(duration: &Duration, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(duration.as_millis() as u64)
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
        u64::deserialize(from).map(Duration::from_millis)
    }
}
