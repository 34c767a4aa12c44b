//! What a person reads, and that it means what was drafted.

mod golden;
mod kept;
mod random;

use crate::model::draft::{Concluded, DraftEdge, DraftService, DraftUses, Evidence};
use crate::model::manifest::{Makes, Tie};
use crate::model::name::ServiceName;

/// Where something is written: `file:line words`, or a file alone.
pub fn evidence(text: &str) -> Evidence {
    let (place, words) = text.split_once(' ').unwrap_or((text, ""));
    let (file, line) = match place.split_once(':') {
        Some((file, line)) => (file, line.parse().ok()),
        None => (place, None),
    };
    Evidence {
        file: file.into(),
        line,
        words: words.into(),
    }
}

pub fn concluded(what: &str, why: &str) -> Concluded<String> {
    Concluded {
        what: what.into(),
        evidence: vec![evidence(why)],
    }
}

pub fn edge(to: &str, why: &str) -> DraftEdge {
    DraftEdge {
        to: ServiceName::new(to).unwrap(),
        tie: Tie::Declares,
        evidence: vec![evidence(why)],
        is_left_out: false,
    }
}

pub fn service(name: &str, path: &str, makes: Makes, preset: &str) -> DraftService {
    let uses = DraftUses {
        preset: preset.into(),
        parameters: [].into(),
        evidence: [].into(),
    };
    DraftService {
        name: ServiceName::new(name).unwrap(),
        path: path.into(),
        makes,
        uses: (!preset.is_empty()).then_some(uses),
        depends_on: Vec::new(),
        inputs: Vec::new(),
        tags: Vec::new(),
        tasks: [].into(),
        serve: None,
        deploy: None,
        evidence: Vec::new(),
    }
}
