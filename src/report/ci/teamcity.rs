//! TeamCity. Its service messages are one line each.

use crate::model::annotation::{Annotation, Severity};
use crate::report::ci::guard::Marker;
use crate::report::ci::{Dialect, Fold};

/// Reads service messages.
#[derive(Debug)]
pub struct TeamCity;

const MARKERS: &[Marker] = &[Marker::anywhere("##teamcity[")];

/// Longer identities of build problems are refused.
const LONGEST_IDENTITY: usize = 60;

impl Dialect for TeamCity {
    fn markers(&self) -> &'static [Marker] {
        MARKERS
    }

    fn open(&self, fold: &Fold) -> Option<String> {
        let (name, title) = (value(&fold.name), value(&fold.title));
        Some(format!(
            "##teamcity[blockOpened name='{name}' description='{title}']"
        ))
    }

    fn close(&self, fold: &Fold) -> Option<String> {
        Some(format!(
            "##teamcity[blockClosed name='{}']",
            value(&fold.name)
        ))
    }

    fn annotation(&self, it: &Annotation) -> Option<String> {
        let place = it.place();
        let text = match place.is_empty() {
            true => format!("{}: {}", it.task, it.message),
            false => format!("{place}: {} ({})", it.message, it.title()),
        };
        let text = value(&text);
        Some(match (it.severity, place.is_empty()) {
            (Severity::Error, true) => {
                let identity: String = it.task.chars().take(LONGEST_IDENTITY).collect();
                let identity = value(&identity);
                format!("##teamcity[buildProblem description='{text}' identity='{identity}']")
            }
            (Severity::Error, false) => format!("##teamcity[message text='{text}' status='ERROR']"),
            (Severity::Warning, _) => format!("##teamcity[message text='{text}' status='WARNING']"),
            (Severity::Notice, _) => format!("##teamcity[message text='{text}' status='NORMAL']"),
        })
    }
}

fn value(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for letter in text.chars() {
        match letter {
            '\n' => out.push_str("|n"),
            '\r' => out.push_str("|r"),
            '|' | '\'' | '[' | ']' => out.extend(['|', letter]),
            ' '..='~' => out.push(letter),
            _ => {
                let mut units = [0; 2];
                for unit in letter.encode_utf16(&mut units) {
                    out.push_str(&format!("|0x{unit:04X}"));
                }
            }
        }
    }
    out
}
