//! Why a file of another tool cannot be read.

use std::fmt;

use crate::model::path::FilePath;

/// A file that says nothing that can be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}: {reason}", file.display(), line.map(|it| format!(":{it}")).unwrap_or_default())]
pub struct Error {
    pub file: FilePath,
    /// From 1, where it is known.
    pub line: Option<u32>,
    /// Lower case, one line, nothing in it that a terminal would obey.
    pub reason: String,
}

impl Error {
    /// Something on one line of the file cannot be understood.
    pub fn at(file: &FilePath, line: u32, reason: impl fmt::Display) -> Self {
        Self {
            file: file.clone(),
            line: Some(line),
            reason: tidy(&reason.to_string()),
        }
    }

    /// The file holds bytes that are no text.
    pub fn not_text(file: &FilePath) -> Self {
        Self {
            file: file.clone(),
            line: None,
            reason: "it is not UTF-8 text".into(),
        }
    }
}

/// One line of at most some length, nothing in it that a terminal would obey.
fn tidy(reason: &str) -> String {
    let words = reason.split(|it: char| it.is_whitespace() || it.is_control());
    let words: Vec<_> = words.filter(|it| !it.is_empty()).collect();
    words.join(" ").chars().take(200).collect()
}
