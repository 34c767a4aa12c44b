//! Buildkite. A group goes on to the next one; annotations and summaries are given to the agent's program.

use crate::report::ci::guard::Marker;
use crate::report::ci::{Dialect, Fold, SummaryPlace};

/// Reads the log when it is shown.
#[derive(Debug)]
pub struct Buildkite;

const MARKERS: &[Marker] = &[
    Marker::start("---"),
    Marker::start("+++"),
    Marker::start("~~~"),
    Marker::start("^^^"),
];

impl Dialect for Buildkite {
    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn open(&self, fold: &Fold) -> Option<String> {
        let mark = if fold.is_open { "+++" } else { "---" };
        Some(format!("{mark} {}", one_line(&fold.title)))
    }

    fn keeps_open(&self) -> bool {
        true
    }

    fn after_folds(&self, text: &str) -> Option<String> {
        Some(format!("+++ {}", one_line(text)))
    }

    fn summary(&self) -> SummaryPlace {
        SummaryPlace::Agent
    }
}

fn one_line(text: &str) -> String {
    text.replace(['\r', '\n'], " ")
}
