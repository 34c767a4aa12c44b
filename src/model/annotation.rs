//! A remark of a tool about a place in a file.

use crate::model::path::FilePath;

/// What a tool said of a place, or what is to be said of a task that failed without naming one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Annotation {
    pub severity: Severity,
    /// The file, from the repository's directory; none where no file of the workspace was named.
    pub path: Option<FilePath>,
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub end_line: Option<u32>,
    pub end_column: Option<u32>,
    /// What the tool calls this kind of remark: `E0382`, `no-unused-vars`.
    pub code: Option<String>,
    pub message: String,
    /// The test that failed there, as its runner calls it.
    pub test: Option<String>,
    /// The task that said it.
    pub task: String,
}

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Error,
    Warning,
    Notice,
}

impl Annotation {
    /// An error of a task, at no place yet.
    pub fn new(task: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            severity: Severity::Error,
            path: None,
            line: None,
            column: None,
            end_line: None,
            end_column: None,
            code: None,
            message: message.into(),
            test: None,
            task: task.into(),
        }
    }

    /// What stands over it: the task, and the test or else the code where there is one.
    pub fn title(&self) -> String {
        match self.test.as_ref().or(self.code.as_ref()) {
            Some(more) => format!("{}: {more}", self.task),
            None => self.task.clone(),
        }
    }

    /// What it says, and of which test.
    pub fn text(&self) -> String {
        match &self.test {
            Some(test) => format!("{test}: {}", self.message),
            None => self.message.clone(),
        }
    }

    /// `src/main.rs:3:5`, as far as it is known.
    pub fn place(&self) -> String {
        let Some(path) = &self.path else {
            return String::new();
        };
        let numbers = [self.line, self.column].into_iter().map_while(|it| it);
        numbers.fold(path.display(), |place, number| format!("{place}:{number}"))
    }

    /// Whether `other` says the same of the same place, whichever task said it.
    pub fn is_same(&self, other: &Self) -> bool {
        self.path.is_some()
            && (&self.path, self.line, &self.message, &self.test)
                == (&other.path, other.line, &other.message, &other.test)
    }
}
