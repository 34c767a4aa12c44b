//! What can go wrong with a scaffold.

use std::io;
use std::path::PathBuf;

/// What can go wrong with a scaffold.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// No template has that name.
    #[error("there is no template named `{name}`")]
    Unknown {
        name: String,
        nearest: Option<String>,
    },
    /// Something in a template is wrong.
    #[error("{}: {words}", at(file, *line))]
    Template {
        /// As a person finds it: from the workspace for its own templates.
        file: String,
        /// From 1; none where it concerns the whole file.
        line: Option<usize>,
        words: String,
        hint: Option<String>,
    },
    /// A parameter that the template does not have, or that does not fit.
    #[error("{words}")]
    Parameter { words: String, hint: String },
    /// A file could not be read or written.
    #[error("{attempt} `{}`", path.display())]
    File {
        attempt: &'static str,
        path: PathBuf,
        #[source]
        cause: io::Error,
    },
}

impl Error {
    /// A fault of a template's file.
    pub(crate) fn template(file: &str, line: Option<usize>, words: impl Into<String>) -> Self {
        Self::Template {
            file: file.to_owned(),
            line,
            words: words.into(),
            hint: None,
        }
    }

    /// The same with what to do about it.
    #[must_use]
    pub(crate) fn hint(self, text: impl Into<String>) -> Self {
        match self {
            Self::Template {
                file, line, words, ..
            } => Self::Template {
                file,
                line,
                words,
                hint: Some(text.into()),
            },
            other => other,
        }
    }

    /// What could not be done with a file.
    pub(crate) fn file(
        attempt: &'static str,
        path: impl Into<PathBuf>,
    ) -> impl FnOnce(io::Error) -> Self {
        let path = path.into();
        move |cause| Self::File {
            attempt,
            path,
            cause,
        }
    }
}

fn at(file: &str, line: Option<usize>) -> String {
    match line {
        Some(line) => format!("{file}:{line}"),
        None => file.to_owned(),
    }
}
