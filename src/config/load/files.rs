//! The files of a definition as they are read: their bytes, texts and trees.

use std::io;

use crate::config::halves::{Halves, parse_halves};
use crate::config::load::Reading;
use crate::config::parse;
use crate::config::problem::{FileId, Place};
use crate::config::source::FILE;
use crate::config::tree::Document;
use crate::model::path::FilePath;

/// A file that was read.
pub struct File {
    pub path: FilePath,
    pub text: Text,
}

/// The text of a file, as far as it is text.
#[derive(Default)]
pub struct Text {
    pub shown: String,
    pub is_whole: bool,
}

impl Text {
    /// The text, if all of it is.
    pub fn whole(&self) -> &str {
        if self.is_whole { &self.shown } else { "" }
    }
}

impl Reading<'_> {
    pub fn parse<'t>(&mut self, id: FileId, text: &'t Text) -> Document<'t> {
        let (document, errors) = parse::parse(id, text.whole());
        self.note(errors);
        document
    }

    /// The same, for a file that may be long.
    pub fn parse_halves<'t>(&mut self, id: FileId, text: &'t Text) -> Halves<'t> {
        let (halves, errors) = parse_halves(id, text.whole());
        self.note(errors);
        halves
    }

    pub fn note(&mut self, errors: Vec<parse::SyntaxError>) {
        for error in errors {
            self.is_damaged |= error.earlier.is_none();
            let problem = self.findings.add(error.place, error.message);
            if let Some(earlier) = error.earlier {
                problem
                    .related(earlier, "the first one")
                    .hint("remove one of the two, or put their keys together");
            }
        }
    }

    /// The text of a file that has to exist; problems with it are marked at `place`.
    pub fn required(&mut self, path: &FilePath, id: FileId, place: Place) -> Option<Text> {
        let shown = path.display();
        let bytes = match self.source.read(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.is_damaged = true;
                let message = format!("the file `{shown}` does not exist");
                let problem = self.findings.add(place, message);
                match path.as_bytes() == FILE.as_bytes() {
                    true => problem.hint("create it at the top of the workspace"),
                    false => problem.hint("correct the path in `include`, or remove it"),
                };
                return None;
            }
            Err(error) => {
                self.is_damaged = true;
                let reason = reason(&error);
                self.findings
                    .add(place, format!("`{shown}` cannot be read: {reason}"));
                return None;
            }
        };
        Some(self.decode(bytes, id))
    }

    /// The text that bytes are. Where they are not text, nothing is left of them.
    pub fn decode(&mut self, bytes: Vec<u8>, id: FileId) -> Text {
        match String::from_utf8(bytes) {
            Ok(shown) => Text {
                shown,
                is_whole: true,
            },
            Err(error) => {
                self.is_damaged = true;
                let at = error.utf8_error().valid_up_to() as u32;
                let wide = matches!(error.as_bytes(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
                self.findings
                    .add(Place::new(id, at, at), "the file is not UTF-8 text")
                    .label("the first byte that does not fit")
                    .hint(match wide {
                        true => "it looks like UTF-16; save it as UTF-8",
                        false => "save it as UTF-8",
                    });
                // The part that can be read shows where the rest begins.
                let mut bytes = error.into_bytes();
                bytes.truncate(at as usize);
                let mut shown = String::from_utf8(bytes).unwrap_or_default();
                shown.push('\u{fffd}');
                Text {
                    shown,
                    is_whole: false,
                }
            }
        }
    }
}

pub fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        _ => error.to_string(),
    }
}
