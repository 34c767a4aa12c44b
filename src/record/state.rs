//! The file `state`: the last results of tasks, read only as far as somebody asks.
//!
//! The first line is a heading. Then a line for each task, sorted: its name, how it ended, how many milliseconds it took
//! when it last ran and passed, and all of it as JSON, with tabs between. There may be thousands of tasks, and most runs ask
//! for a few of them, and of the others only how they ended.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::ops::Range;
use std::path::Path;
use std::sync::OnceLock;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::model::name::TaskId;
use crate::model::run::Outcome;
use crate::record::entry::{RunId, TaskRecord};
use crate::record::error::{Error, failed};
use crate::record::files;
use crate::record::time::Moment;

/// Raised when older `svc` could misread the file: they then begin anew.
const VERSION: u32 = 1;

/// What is known of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    pub last: TaskRecord,
    /// The last one that passed, where it is not `last`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passed: Option<TaskRecord>,
    /// How long it took when it last ran and passed; it stands before the rest.
    #[serde(skip)]
    pub took: Option<Duration>,
}

/// The file, as it was when it was read.
#[derive(Debug, Default)]
pub struct State {
    pub heading: Heading,
    text: String,
    lines: Vec<Line>,
}

/// The first line.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Heading {
    version: u32,
    /// The latest moment of all results.
    pub newest: Moment,
    /// The runs whose results are in here already, of those that are still there.
    pub runs: BTreeSet<RunId>,
}

/// Where the parts of a line are.
#[derive(Debug)]
struct Line {
    name: Range<usize>,
    outcome: Outcome,
    took: Option<Duration>,
    json: Range<usize>,
    memory: OnceLock<Option<Memory>>,
}

impl State {
    /// Reads the file below `directory`. One that is missing, damaged or of another version holds nothing.
    pub fn read(directory: &Path) -> Self {
        let text = fs::read_to_string(directory.join(files::STATE)).unwrap_or_default();
        Self::parse(text).unwrap_or_default()
    }

    fn parse(text: String) -> Option<Self> {
        let end = text.find('\n')?;
        let heading: Heading = serde_json::from_str(&text[..end]).ok()?;
        let mut at = end + 1;
        let mut lines = Vec::new();
        for line in text[at..].split_terminator('\n') {
            lines.push(Line::parse(line, at)?);
            at += line.len() + 1;
        }
        let is_sorted = lines.is_sorted_by(|a, b| text[a.name.clone()] < text[b.name.clone()]);
        let is_ours = heading.version == VERSION && is_sorted;
        is_ours.then_some(Self {
            heading,
            text,
            lines,
        })
    }

    /// How the task ended, without reading more of it.
    pub fn outcome(&self, id: &TaskId) -> Option<Outcome> {
        self.find(id).map(|it| it.outcome)
    }

    /// How long the task took, without reading more of it.
    pub fn took(&self, id: &TaskId) -> Option<Duration> {
        self.find(id)?.took
    }

    /// All that is known of the task.
    pub fn memory(&self, id: &TaskId) -> Option<&Memory> {
        let line = self.find(id)?;
        let memory = line.memory.get_or_init(|| {
            let memory: Memory = serde_json::from_str(&self.text[line.json.clone()]).ok()?;
            let took = line.took;
            (memory.last.id == *id).then_some(Memory { took, ..memory })
        });
        memory.as_ref()
    }

    /// All tasks and how they ended.
    pub fn outcomes(&self) -> impl Iterator<Item = (TaskId, Outcome)> {
        let tasks = self.lines.iter();
        tasks.filter_map(|it| Some((TaskId::parse(&self.text[it.name.clone()])?, it.outcome)))
    }

    /// Writes the file anew, with `fresh` in place of what it knew of the same tasks.
    pub fn write(
        self,
        directory: &Path,
        heading: Heading,
        fresh: &BTreeMap<TaskId, Memory>,
    ) -> Result<(), Error> {
        let path = directory.join(files::STATE);
        let text = self
            .with(heading, fresh)
            .map_err(|it| Error::new("write", &path, it.into()))?;
        // Not synchronised: after a power failure it may be lost, and things run again.
        files::replace(&path, text.as_bytes()).map_err(failed("write", &path))
    }

    fn with(
        self,
        heading: Heading,
        fresh: &BTreeMap<TaskId, Memory>,
    ) -> serde_json::Result<String> {
        let heading = Heading {
            version: VERSION,
            ..heading
        };
        let mut text = serde_json::to_string(&heading)?;
        text.push('\n');
        text.reserve(self.text.len());
        // By name as written, which is not the order of services and tasks.
        let fresh: BTreeMap<String, &Memory> =
            fresh.iter().map(|(id, it)| (id.to_string(), it)).collect();
        let mut fresh = fresh.into_iter().peekable();
        for line in &self.lines {
            let name = &self.text[line.name.clone()];
            while let Some((name, memory)) = fresh.next_if(|it| it.0.as_str() < name) {
                put(&mut text, &name, memory)?;
            }
            match fresh.next_if(|it| it.0 == name) {
                Some((name, memory)) => put(&mut text, &name, memory)?,
                None => {
                    text.push_str(&self.text[line.name.start..line.json.end]);
                    text.push('\n');
                }
            }
        }
        for (name, memory) in fresh {
            put(&mut text, &name, memory)?;
        }
        Ok(text)
    }

    fn find(&self, id: &TaskId) -> Option<&Line> {
        let (service, task) = (id.service.as_str(), id.task.as_str());
        let wanted = || service.bytes().chain([b':']).chain(task.bytes());
        let compare =
            |line: &Line| -> Ordering { self.text[line.name.clone()].bytes().cmp(wanted()) };
        let at = self.lines.binary_search_by(compare).ok()?;
        Some(&self.lines[at])
    }
}

impl Line {
    /// The line that begins at `at`.
    fn parse(line: &str, at: usize) -> Option<Self> {
        let mut parts = line.splitn(4, '\t');
        let (name, outcome, took, json) =
            (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
        let took = match took {
            "-" => None,
            millis => Some(Duration::from_millis(millis.parse().ok()?)),
        };
        let end = at + line.len();
        Some(Self {
            name: at..at + name.len(),
            outcome: outcome_of(outcome)?,
            took,
            json: end - json.len()..end,
            memory: OnceLock::new(),
        })
    }
}

fn outcome_of(word: &str) -> Option<Outcome> {
    use Outcome::{Cached, Failed, Interrupted, Passed, Skipped, TimedOut};
    let all = [Passed, Failed, Cached, Skipped, Interrupted, TimedOut];
    all.into_iter().find(|it| it.word() == word)
}

/// JSON holds no tabs and no ends of lines but as escapes.
fn put(text: &mut String, name: &str, memory: &Memory) -> serde_json::Result<()> {
    let took = memory
        .took
        .map_or("-".to_owned(), |it| it.as_millis().to_string());
    let json = serde_json::to_string(memory)?;
    text.extend([
        name,
        "\t",
        memory.last.outcome.word(),
        "\t",
        &took,
        "\t",
        &json,
        "\n",
    ]);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(name: &str, outcome: Outcome) -> (TaskId, Memory) {
        let id = TaskId::parse(name).unwrap();
        let last = TaskRecord::new(id.clone(), outcome, Duration::ZERO, Moment(1));
        let took = Some(Duration::from_millis(5));
        (
            id,
            Memory {
                last,
                passed: None,
                took,
            },
        )
    }

    #[test]
    fn what_is_written_comes_back_and_what_is_new_wins() {
        let first =
            ["a:build", "a-b:build", "a-b:test", "c:x"].map(|it| memory(it, Outcome::Passed));
        let text = State::default()
            .with(Heading::default(), &first.clone().into())
            .unwrap();
        let state = State::parse(text.clone()).unwrap();
        for (id, memory) in &first {
            assert_eq!(state.memory(id), Some(memory));
            assert_eq!(state.outcome(id), Some(Outcome::Passed));
            assert_eq!(state.took(id), memory.took);
        }
        assert_eq!(
            State::parse(text)
                .unwrap()
                .with(Heading::default(), &BTreeMap::new())
                .unwrap(),
            state.text
        );
        let second = ["a:a", "a-b:build", "z:x"].map(|it| memory(it, Outcome::TimedOut));
        let text = state.with(Heading::default(), &second.into()).unwrap();
        let state = State::parse(text).unwrap();
        let all: Vec<_> = state
            .outcomes()
            .map(|(id, it)| (id.to_string(), it.word()))
            .collect();
        let all: Vec<_> = all.iter().map(|it| (it.0.as_str(), it.1)).collect();
        let expected = [
            ("a-b:build", "timed-out"),
            ("a-b:test", "passed"),
            ("a:a", "timed-out"),
            ("a:build", "passed"),
            ("c:x", "passed"),
            ("z:x", "timed-out"),
        ];
        assert_eq!(all, expected);
    }

    #[test]
    fn damaged_text_holds_nothing() {
        let heading = "{\"version\":1,\"newest\":0,\"runs\":[]}\n";
        assert!(State::parse(heading.into()).is_some());
        for text in ["", "{}\n", "{\"version\":2,\"newest\":0,\"runs\":[]}\n"] {
            assert!(State::parse(text.into()).is_none(), "{text}");
        }
        for line in [
            "x\n",
            "\n",
            "a:b\tnever\t-\t{}\n",
            "a:b\tpassed\tx\t{}\n",
            "b:b\tpassed\t-\t{}\na:b\tpassed\t-\t{}\n",
        ] {
            assert!(State::parse(format!("{heading}{line}")).is_none(), "{line}");
        }
        let (id, _) = memory("a:b", Outcome::Passed);
        let state = State::parse(format!("{heading}a:b\tpassed\t-\t{{}}\n")).unwrap();
        assert_eq!(state.memory(&id), None);
    }
}
