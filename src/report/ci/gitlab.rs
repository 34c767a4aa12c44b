//! GitLab CI. Annotations come from a Code Quality report, which is a file: see [`crate::report::code_quality`].

use crate::report::ci::guard::Marker;
use crate::report::ci::{Dialect, Fold};

/// Reads the log when it is shown.
#[derive(Debug)]
pub struct GitLab;

/// Only counts with a carriage return and an escape sequence behind it, which no text of others has. What reads the log
/// otherwise may be less strict.
const MARKERS: &[Marker] = &[
    Marker::anywhere("section_start:"),
    Marker::anywhere("section_end:"),
];

impl Dialect for GitLab {
    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn open(&self, fold: &Fold) -> Option<String> {
        let Fold {
            name, time, title, ..
        } = fold;
        let collapsed = match fold.is_open {
            true => "",
            false => "[collapsed=true]",
        };
        let title = title.replace(['\r', '\n', '\u{1b}'], " ");
        Some(format!(
            "\u{1b}[0Ksection_start:{time}:{name}{collapsed}\r\u{1b}[0K{title}"
        ))
    }

    fn keeps_open(&self) -> bool {
        true
    }

    fn close(&self, fold: &Fold) -> Option<String> {
        let Fold { name, time, .. } = fold;
        Some(format!("\u{1b}[0Ksection_end:{time}:{name}\r\u{1b}[0K"))
    }
}
