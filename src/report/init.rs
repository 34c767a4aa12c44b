//! What `svc init` says: what was found, what was left out and why, what to do next; and every service with its evidence.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::draft::{Concluded, Draft, DraftEdge, DraftService, Evidence, Note, NoteKind};
use crate::model::manifest::{Makes, Tie};
use crate::model::path::FilePath;
use crate::report::affected::path_fields;
use crate::report::clean::{self, one_line};
use crate::report::paint::Paint;
use crate::report::words;

/// So many notes of a kind are shown; `--explain` shows all.
const SHOWN: usize = 8;

/// How many services, libraries and dependencies there are: `12 services, 4 libraries, 9 dependencies`.
pub fn counts(draft: &Draft) -> String {
    let libraries = draft.services.iter().filter(|it| is_library(it)).count();
    let edges = draft.services.iter().flat_map(|it| &it.depends_on);
    let edges = edges.filter(|it| !it.is_left_out).count();
    let mut parts = vec![words::count(draft.services.len() - libraries, "service")];
    if libraries > 0 {
        parts.push(words::count(libraries, "library"));
    }
    if edges > 0 {
        parts.push(words::count(edges, "dependency"));
    }
    parts.join(", ")
}

/// What they are made with: `4 go, 2 node`.
pub fn kinds(draft: &Draft) -> String {
    let mut kinds: BTreeMap<&str, usize> = BTreeMap::new();
    for service in &draft.services {
        let kind = service
            .uses
            .as_ref()
            .map_or("without a preset", |it| it.preset.as_str());
        *kinds.entry(kind).or_default() += 1;
    }
    let mut kinds: Vec<_> = kinds.into_iter().collect();
    kinds.sort_by(|left, right| right.1.cmp(&left.1).then(left.0.cmp(right.0)));
    let kinds = kinds
        .into_iter()
        .map(|(kind, count)| format!("{count} {}", one_line(kind)));
    kinds.collect::<Vec<_>>().join(", ")
}

/// The notes by kind, as many as people read.
pub fn notes(draft: &Draft, paint: Paint) -> String {
    let mut text = String::new();
    for (kind, heading) in HEADINGS {
        let all: Vec<&Note> = draft.notes.iter().filter(|it| it.kind == *kind).collect();
        if all.is_empty() {
            continue;
        }
        text.push_str(&format!("{}\n", paint.notable(format!("{heading}:"))));
        for note in all.iter().take(SHOWN) {
            text.push_str(&format!("  {}\n", noted(note)));
        }
        if let Some(more) = all.len().checked_sub(SHOWN).filter(|it| *it > 0) {
            text.push_str(&format!(
                "  and {more} more, which `svc init --dry-run --explain` shows\n"
            ));
        }
    }
    text
}

/// Every service and dependency with what it was concluded from.
pub fn explain(draft: &Draft, paint: Paint) -> String {
    let mut text = String::new();
    for service in &draft.services {
        let kind = service
            .uses
            .as_ref()
            .map_or(String::new(), |it| format!("  {}", one_line(&it.preset)));
        let library = if is_library(service) { "  library" } else { "" };
        let path = shown_path(&service.path);
        text.push_str(&format!(
            "{}  {path}{kind}{library}\n",
            paint.strong(&service.name)
        ));
        evidence(&mut text, "  ", &service.evidence, paint);
        for edge in &service.depends_on {
            let left_out = if edge.is_left_out {
                "  (left out: it closes a circle)"
            } else {
                ""
            };
            text.push_str(&format!(
                "  depends on {}{left_out}\n",
                paint.strong(&edge.to)
            ));
            evidence(&mut text, "    ", &edge.evidence, paint);
        }
        inputs(&mut text, "  reads", &service.inputs, paint);
        ways(&mut text, service, paint);
    }
    let mut shared = String::new();
    inputs(&mut shared, "  all read", &draft.global_inputs, paint);
    inputs(&mut shared, "  several share", &draft.lock_files, paint);
    if !shared.is_empty() {
        text.push_str(&format!("{}\n{shared}", paint.strong("the workspace")));
    }
    for (kind, heading) in HEADINGS {
        let mut all = draft.notes.iter().filter(|it| it.kind == *kind).peekable();
        if all.peek().is_some() {
            text.push_str(&format!("{}\n", paint.strong(heading)));
        }
        all.for_each(|note| text.push_str(&format!("  {}\n", noted(note))));
    }
    text
}

/// What a preset is told, how the service runs, and by what it is deployed.
fn ways(text: &mut String, service: &DraftService, paint: Paint) {
    let uses = service.uses.iter();
    let told = uses.flat_map(|uses| {
        let all = uses.evidence.iter();
        all.filter_map(|(name, why)| Some((name, uses.parameters.get(name)?, why)))
    });
    for (name, value, why) in told {
        text.push_str(&format!("  {} = {}\n", one_line(name), one_line(value)));
        evidence(text, "    ", std::slice::from_ref(why), paint);
    }
    if let Some(serve) = &service.serve {
        let (run, port) = (one_line(&serve.what.run), serve.what.port);
        text.push_str(&format!("  runs as {run}, on port {port}\n"));
        evidence(text, "    ", &serve.evidence, paint);
    }
    if let Some(deploy) = &service.deploy {
        let (target, (_, files)) = (&deploy.what.target, &deploy.what.files);
        text.push_str(&format!(
            "  is deployed by {target}, from {}\n",
            one_line(files)
        ));
        evidence(text, "    ", &deploy.evidence, paint);
    }
}

/// The draft for machines.
pub fn init_json(draft: &Draft, file: &str, is_written: bool, text: &str) -> Value {
    let services = draft.services.iter().map(|service| {
        let mut fields = Map::from_iter([("name".to_owned(), json!(service.name))]);
        fields.extend(path_fields(&service.path));
        let edges = service.depends_on.iter().map(edge_json);
        fields.extend(Map::from_iter([
            ("is_library".to_owned(), json!(is_library(service))),
            (
                "preset".to_owned(),
                json!(service.uses.as_ref().map(|it| &it.preset)),
            ),
            ("tags".to_owned(), json!(service.tags)),
            ("depends_on".to_owned(), edges.collect()),
            ("inputs".to_owned(), concluded_json(&service.inputs)),
            ("evidence".to_owned(), evidence_json(&service.evidence)),
        ]));
        Value::Object(fields)
    });
    let notes = draft.notes.iter().map(|note| {
        let kind = match note.kind {
            NoteKind::Skipped => "skipped",
            NoteKind::LeftOut => "left-out",
            NoteKind::Renamed => "renamed",
            NoteKind::Circle => "circle",
            NoteKind::NotTaken => "not-taken",
        };
        let mut fields = Map::from_iter([("kind".to_owned(), json!(kind))]);
        fields.extend(path_fields(&note.path));
        fields.insert("words".to_owned(), json!(note.words));
        Value::Object(fields)
    });
    json!({
        "version": 1,
        "file": file,
        "written": is_written,
        "text": text,
        "services": services.collect::<Vec<_>>(),
        "global_inputs": concluded_json(&draft.global_inputs),
        "lock_files": concluded_json(&draft.lock_files),
        "notes": notes.collect::<Vec<_>>(),
    })
}

const HEADINGS: &[(NoteKind, &str)] = &[
    (NoteKind::Skipped, "could not be read"),
    (NoteKind::LeftOut, "left out"),
    (NoteKind::Renamed, "renamed"),
    (NoteKind::Circle, "circles"),
    (NoteKind::NotTaken, "to look at"),
];

fn is_library(service: &DraftService) -> bool {
    service.makes == Makes::Library
}

fn noted(note: &Note) -> String {
    format!("{}: {}", shown_path(&note.path), one_line(&note.words))
}

fn shown_path(path: &FilePath) -> String {
    match path.is_root() {
        true => ".".to_owned(),
        false => clean::path(path),
    }
}

fn inputs(text: &mut String, verb: &str, inputs: &[Concluded<String>], paint: Paint) {
    for input in inputs {
        text.push_str(&format!("{verb} {}\n", one_line(&input.what)));
        evidence(text, "    ", &input.evidence, paint);
    }
}

fn evidence(text: &mut String, indent: &str, all: &[Evidence], paint: Paint) {
    for one in all {
        let place = match one.line {
            Some(line) => format!("{}:{line}", clean::path(&one.file)),
            None => clean::path(&one.file),
        };
        let words = one_line(&one.words);
        text.push_str(&format!("{indent}{}  {words}\n", paint.faint(place)));
    }
}

fn edge_json(edge: &DraftEdge) -> Value {
    let tie = match edge.tie {
        Tie::Declares => "declares",
        Tie::Takes => "takes",
        Tie::Mentions => "mentions",
        Tie::StartsAfter => "starts-after",
    };
    json!({
        "service": edge.to, "tie": tie, "left_out": edge.is_left_out,
        "evidence": evidence_json(&edge.evidence),
    })
}

fn concluded_json(all: &[Concluded<String>]) -> Value {
    let all = all
        .iter()
        .map(|it| json!({"pattern": it.what, "evidence": evidence_json(&it.evidence)}));
    all.collect()
}

fn evidence_json(all: &[Evidence]) -> Value {
    let all = all.iter().map(|it| {
        let (file, _) = crate::model::path::encoded(it.file.as_bytes());
        json!({"file": file, "line": it.line, "words": it.words})
    });
    all.collect()
}
