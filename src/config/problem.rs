//! What is wrong in a file, and where.

use std::fmt;
use std::ops::Range;
use std::sync::OnceLock;

use serde::Serialize;

use crate::model::path::FilePath;

/// A file among the [`Sources`] of one reading.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub u32);

/// A stretch of bytes in a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub file: FileId,
    pub start: u32,
    pub end: u32,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    pub place: Place,
    /// One sentence that names the thing.
    pub message: String,
    /// What stands beside the mark, where that adds something.
    pub label: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Other places that have a part in it.
    pub related: Vec<(Place, String)>,
    /// Something is missing or unknown, which may only be so because a broken line could not be read.
    pub is_absence: bool,
}

/// The files that were read, for showing their lines.
#[derive(Clone, Debug, Default)]
pub struct Sources {
    files: Vec<SourceFile>,
}

#[derive(Clone, Debug)]
struct SourceFile {
    path: FilePath,
    text: String,
    /// Stretches that hold values of variables and are never shown.
    hidden: Vec<Range<usize>>,
    line_starts: OnceLock<Vec<u32>>,
}

/// Problems with the files that they are in.
#[derive(Clone, Debug, Default)]
pub struct Report {
    pub problems: Vec<Problem>,
    pub sources: Sources,
}

/// A workspace that cannot be read, with everything that is wrong with it.
#[derive(Debug, thiserror::Error)]
#[error("{}", summary(.0))]
pub struct Invalid(pub Box<Report>);

/// A problem for machines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Row {
    pub file: String,
    pub line: usize,
    pub column: usize,
    pub message: String,
    pub hint: Option<String>,
}

/// Collects problems while a file is read.
#[derive(Debug, Default)]
pub struct Findings(pub Vec<Problem>);

impl Place {
    /// The bytes from `start` to `end` of `file`.
    pub fn new(file: FileId, start: u32, end: u32) -> Self {
        Self { file, start, end }
    }
}

impl Findings {
    /// Notes what is wrong at `place`.
    pub fn add(&mut self, place: Place, message: impl Into<String>) -> &mut Problem {
        self.0.push(Problem {
            place,
            message: message.into(),
            label: String::new(),
            hint: None,
            related: Vec::new(),
            is_absence: false,
        });
        self.0.last_mut().expect("one was just added")
    }
}

impl Problem {
    /// Puts words beside the mark.
    pub fn label(&mut self, label: impl Into<String>) -> &mut Self {
        self.label = label.into();
        self
    }

    /// Says what to do.
    pub fn hint(&mut self, hint: impl Into<String>) -> &mut Self {
        self.hint = Some(hint.into());
        self
    }

    /// Offers `nearest`, or else says something general.
    pub fn did_you_mean(&mut self, nearest: Option<&str>, otherwise: &str) -> &mut Self {
        self.hint = match nearest {
            Some(nearest) => Some(format!("did you mean `{nearest}`?")),
            None if otherwise.is_empty() => None,
            None => Some(otherwise.to_owned()),
        };
        self
    }

    /// Marks a second place.
    pub fn related(&mut self, place: Place, label: impl Into<String>) -> &mut Self {
        self.related.push((place, label.into()));
        self
    }

    /// Says that something is missing or unknown.
    pub fn absence(&mut self) -> &mut Self {
        self.is_absence = true;
        self
    }
}

impl Sources {
    /// Keeps a file.
    pub fn add(&mut self, path: FilePath, text: String) -> FileId {
        self.files.push(SourceFile {
            path,
            text,
            hidden: Vec::new(),
            line_starts: OnceLock::new(),
        });
        FileId(self.files.len() as u32 - 1)
    }

    /// Never shows the bytes at `place`.
    pub fn hide(&mut self, place: Place) {
        if let Some(file) = self.files.get_mut(place.file.0 as usize) {
            file.hidden.push(place.start as usize..place.end as usize);
        }
    }

    /// The path of a file.
    pub fn path(&self, file: FileId) -> &FilePath {
        &self.files[file.0 as usize].path
    }

    /// Whether a file has no text to show.
    pub fn is_empty(&self, file: FileId) -> bool {
        self.files[file.0 as usize].text.is_empty()
    }

    /// The line, from 1, that holds the byte `at`, and the bytes of that line in the file, without its line end.
    pub fn line(&self, file: FileId, at: u32) -> (usize, Range<usize>) {
        let file = &self.files[file.0 as usize];
        let starts = file.line_starts.get_or_init(|| line_starts(&file.text));
        let line = starts.partition_point(|start| *start <= at).max(1);
        let start = starts[line - 1] as usize;
        let end = starts
            .get(line)
            .map_or(file.text.len(), |next| *next as usize);
        let content = file.text.get(start..end).unwrap_or_default();
        let content = content.trim_end_matches(['\n', '\r']);
        (line, start..start + content.len())
    }

    /// Some bytes of a file as text, values of variables masked.
    pub fn shown(&self, file: FileId, range: Range<usize>) -> String {
        let file = &self.files[file.0 as usize];
        let mut text = file.text.get(range.clone()).unwrap_or_default().to_owned();
        for hidden in &file.hidden {
            let start = hidden.start.max(range.start);
            let end = hidden.end.min(range.end);
            let within = start.wrapping_sub(range.start)..end.wrapping_sub(range.start);
            if start < end && text.get(within.clone()).is_some() {
                text.replace_range(within.clone(), &"*".repeat(within.len()));
            }
        }
        text
    }

    /// Line and column, from 1, of a place; the column counts characters.
    pub fn position(&self, place: Place) -> (usize, usize) {
        let (line, range) = self.line(place.file, place.start);
        let text = &self.files[place.file.0 as usize].text;
        let before = range.start..(place.start as usize).clamp(range.start, range.end);
        let before = text.as_bytes().get(before).unwrap_or_default();
        let before = before.strip_prefix(b"\xef\xbb\xbf").unwrap_or(before);
        (line, String::from_utf8_lossy(before).chars().count() + 1)
    }
}

impl Report {
    /// One row for each problem.
    pub fn rows(&self) -> Vec<Row> {
        let row = |problem: &Problem| {
            let (line, column) = self.sources.position(problem.place);
            Row {
                file: self.sources.path(problem.place.file).display(),
                line,
                column,
                message: problem.message.clone(),
                hint: problem.hint.clone(),
            }
        };
        self.problems.iter().map(row).collect()
    }

    /// One line for each problem: `file:line:column: message`.
    pub fn plain(&self) -> String {
        self.rows().iter().map(|row| format!("{row}\n")).collect()
    }
}

impl fmt::Display for Row {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line, column) = (&self.file, self.line, self.column);
        write!(f, "{file}:{line}:{column}: {}", self.message)
    }
}

fn summary(report: &Report) -> String {
    match report.rows().as_slice() {
        [] => "the workspace is not valid".into(),
        [one] => one.to_string(),
        [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
    }
}

fn line_starts(text: &str) -> Vec<u32> {
    let breaks = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n');
    std::iter::once(0)
        .chain(breaks.map(|(at, _)| at as u32 + 1))
        .collect()
}
