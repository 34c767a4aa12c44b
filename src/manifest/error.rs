//! Why a file of another tool cannot be read.

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
    /// The file holds bytes that are no text.
    pub fn not_text(file: &FilePath) -> Self {
        Self {
            file: file.clone(),
            line: None,
            reason: "it is not UTF-8 text".into(),
        }
    }
}
