//! What `svc doctor` finds, and what helps.

use serde::Serialize;

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    pub area: Area,
    pub weight: Weight,
    /// What it is about: a tool, an environment, a file.
    pub about: String,
    /// One line, for people.
    pub words: String,
    pub fix: Option<Fix>,
}

/// Where something was looked at, in the order of the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Area {
    Repository,
    Definition,
    Tools,
    Cache,
    Ledger,
    Hooks,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    Fine,
    /// Good to know; nothing is wrong.
    Hint,
    /// Something may go wrong, or is likely a mistake.
    Warning,
    /// Something will fail.
    Failure,
}

/// What to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fix {
    /// A command, or what to write where.
    pub words: String,
    /// What `--fix` does by itself, since nothing can be lost by it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub step: Option<Step>,
}

/// A step that nothing can be lost by.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
pub enum Step {
    /// Lets everybody who may read the file run it.
    MakeExecutable { path: String },
    /// Asks the remote which branch is its default.
    LearnDefaultBranch { remote: String },
    /// Adds what is missing to `services.toml`.
    AddDependencies { service: String, to: Vec<String> },
    /// Adds lines to `.gitignore` in the workspace's directory.
    Ignore { lines: Vec<String> },
}

impl Finding {
    /// All is well with it.
    pub fn fine(area: Area, about: impl Into<String>, words: impl Into<String>) -> Self {
        Self::new(area, Weight::Fine, about, words)
    }

    /// Something worth telling, without a fix as yet.
    pub fn new(
        area: Area,
        weight: Weight,
        about: impl Into<String>,
        words: impl Into<String>,
    ) -> Self {
        Self {
            area,
            weight,
            about: about.into(),
            words: words.into(),
            fix: None,
        }
    }

    /// With what a person can do about it.
    #[must_use]
    pub fn fix(self, words: impl Into<String>) -> Self {
        let words = words.into();
        Self {
            fix: Some(Fix { words, step: None }),
            ..self
        }
    }

    /// With what `--fix` can do about it.
    #[must_use]
    pub fn step(self, words: impl Into<String>, step: Step) -> Self {
        let (words, step) = (words.into(), Some(step));
        Self {
            fix: Some(Fix { words, step }),
            ..self
        }
    }
}
