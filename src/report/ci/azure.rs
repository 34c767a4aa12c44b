//! Azure Pipelines.

use crate::model::annotation::{Annotation, Severity};
use crate::report::ci::guard::Marker;
use crate::report::ci::{Dialect, Fold, SummaryPlace, escape};

/// The agent reads both streams.
#[derive(Debug)]
pub struct Azure;

/// Commands count anywhere in a line.
const MARKERS: &[Marker] = &[Marker::anywhere("##vso["), Marker::anywhere("##[")];

impl Dialect for Azure {
    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn open(&self, fold: &Fold) -> Option<String> {
        // What comes after the bracket is shown as it is.
        let title = fold.title.replace(['\r', '\n'], " ");
        Some(format!("##[group]{title}"))
    }

    fn close(&self, _: &Fold) -> Option<String> {
        Some("##[endgroup]".to_owned())
    }

    fn annotation(&self, it: &Annotation) -> Option<String> {
        let kind = match it.severity {
            Severity::Error => "error",
            // There is nothing less.
            Severity::Warning | Severity::Notice => "warning",
        };
        let number = |number: Option<u32>| number.map(|it| it.to_string());
        let properties = [
            ("sourcepath", it.path.as_ref().map(|it| it.display())),
            ("linenumber", number(it.line)),
            ("columnnumber", number(it.column)),
            ("code", it.code.clone()),
        ];
        let properties: String = properties
            .into_iter()
            .filter_map(|(name, value)| Some(format!(";{name}={}", property(&value?))))
            .collect();
        let message = format!("{}: {}", it.task, it.text());
        Some(format!(
            "##vso[task.logissue type={kind}{properties}]{}",
            data(&message)
        ))
    }

    fn mask(&self, line: &str) -> Option<String> {
        Some(format!("##vso[task.setsecret]{}", data(line)))
    }

    fn summary(&self) -> SummaryPlace {
        SummaryPlace::Uploaded
    }

    fn take_summary(&self, file: &str) -> Option<String> {
        Some(format!("##vso[task.uploadsummary]{}", data(file)))
    }
}

fn data(text: &str) -> String {
    escape(text, &[('%', "%AZP25"), ('\r', "%0D"), ('\n', "%0A")])
}

fn property(text: &str) -> String {
    let escapes = [
        ('%', "%AZP25"),
        ('\r', "%0D"),
        ('\n', "%0A"),
        (';', "%3B"),
        (']', "%5D"),
    ];
    escape(text, &escapes)
}
