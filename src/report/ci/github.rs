//! GitHub Actions, and what speaks like it: Gitea, Forgejo.

use crate::model::annotation::{Annotation, Severity};
use crate::report::ci::guard::Marker;
use crate::report::ci::{Dialect, Fold, SummaryPlace, escape};

/// The runner reads both streams.
#[derive(Debug)]
pub struct GitHub;

/// The runner trims white space before `::`, and takes the older `##[` anywhere in a line.
const MARKERS: &[Marker] = &[Marker::start("::"), Marker::anywhere("##[")];

impl Dialect for GitHub {
    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn open(&self, fold: &Fold) -> Option<String> {
        Some(format!("::group::{}", data(&fold.title)))
    }

    fn close(&self, _: &Fold) -> Option<String> {
        Some("::endgroup::".to_owned())
    }

    fn annotation(&self, it: &Annotation) -> Option<String> {
        let kind = match it.severity {
            Severity::Error => "error",
            Severity::Warning => "warning",
            Severity::Notice => "notice",
        };
        let number = |number: Option<u32>| number.map(|it| it.to_string());
        let properties = [
            ("file", it.path.as_ref().map(|it| it.display())),
            ("line", number(it.line)),
            ("endLine", number(it.end_line)),
            ("col", number(it.column)),
            ("endColumn", number(it.end_column)),
            ("title", Some(it.title())),
        ];
        let properties: Vec<String> = properties
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", property(&value?))))
            .collect();
        let properties = properties.join(",");
        Some(format!("::{kind} {properties}::{}", data(&it.message)))
    }

    /// So many of one severity are shown of a step.
    fn most_annotations(&self) -> usize {
        10
    }

    fn mask(&self, line: &str) -> Option<String> {
        Some(format!("::add-mask::{}", data(line)))
    }

    fn summary(&self) -> SummaryPlace {
        SummaryPlace::File
    }
}

fn data(text: &str) -> String {
    escape(text, &[('%', "%25"), ('\r', "%0D"), ('\n', "%0A")])
}

fn property(text: &str) -> String {
    let escapes = [
        ('%', "%25"),
        ('\r', "%0D"),
        ('\n', "%0A"),
        (':', "%3A"),
        (',', "%2C"),
    ];
    escape(text, &escapes)
}
