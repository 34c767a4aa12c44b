//! Problems as people see them: the message, the marked line, and what to do.

use annotate_snippets::{Annotation, AnnotationKind, Element, Level, Origin, Renderer, Snippet};

use crate::config::problem::{Place, Problem, Report, Sources};

/// How grave the problems are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    Error,
    Warning,
}

/// Whether escape codes colour the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Colour {
    On,
    Off,
}

/// Marks that are at most this many lines apart are shown in one piece.
const TOGETHER: usize = 4;
/// Pieces of a file with more bytes than this are named, not shown.
const SHOWN: usize = 4000;

/// All problems with their lines marked, an empty line between two of them.
pub fn render(report: &Report, severity: Severity, colour: Colour) -> String {
    let renderer = match colour {
        Colour::On => Renderer::styled(),
        Colour::Off => Renderer::plain(),
    };
    let level = match severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut text = String::new();
    for problem in &report.problems {
        let group = level.clone().primary_title(problem.message.as_str());
        let group = group.elements(elements(problem, &report.sources));
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&renderer.render(&[group]));
        text.push('\n');
    }
    text
}

fn elements<'p>(problem: &'p Problem, sources: &Sources) -> Vec<Element<'p>> {
    let mut marks = vec![Mark::new(problem.place, &problem.label, sources, true)];
    for (place, label) in &problem.related {
        marks.push(Mark::new(*place, label, sources, false));
    }
    let mut elements: Vec<Element> = pieces(marks)
        .iter()
        .map(|piece| show(piece, sources))
        .collect();
    if let Some(hint) = &problem.hint {
        elements.push(Level::HELP.message(hint.as_str()).into());
    }
    elements
}

/// A marked stretch within one line.
struct Mark<'p> {
    place: Place,
    line: usize,
    label: &'p str,
    is_primary: bool,
}

impl<'p> Mark<'p> {
    fn new(place: Place, label: &'p str, sources: &Sources, is_primary: bool) -> Self {
        let line = sources.line(place.file, place.start).0;
        Self {
            place,
            line,
            label,
            is_primary,
        }
    }
}

/// Marks that are shown together, in the order of their lines; the piece with the problem itself comes first.
fn pieces(mut marks: Vec<Mark<'_>>) -> Vec<Vec<Mark<'_>>> {
    marks.sort_by_key(|mark| mark.place);
    let mut pieces: Vec<Vec<Mark>> = Vec::new();
    for mark in marks {
        match pieces.last_mut() {
            Some(piece)
                if piece.last().is_some_and(|last| {
                    last.place.file == mark.place.file && mark.line - last.line <= TOGETHER
                }) =>
            {
                piece.push(mark);
            }
            _ => pieces.push(vec![mark]),
        }
    }
    pieces.sort_by_key(|piece| !piece.iter().any(|mark| mark.is_primary));
    pieces
}

fn show<'p>(piece: &[Mark<'p>], sources: &Sources) -> Element<'p> {
    let (first, last) = (&piece[0], &piece[piece.len() - 1]);
    let file = first.place.file;
    let (line, begin) = sources.line(file, first.place.start);
    let (_, end) = sources.line(file, last.place.start);
    let range = begin.start..end.end;
    let path = sources.path(file).display();
    if range.len() > SHOWN || sources.is_empty(file) {
        let (line, column) = sources.position(first.place);
        let origin = Origin::path(path);
        return match sources.is_empty(file) {
            true => origin.into(),
            false => origin.line(line).char_column(column).into(),
        };
    }
    let text = sources.shown(file, range.clone());
    let annotations: Vec<_> = piece
        .iter()
        .map(|mark| annotation(mark, sources, range.start, &text))
        .collect();
    Snippet::source(text)
        .line_start(line)
        .path(path)
        .annotations(annotations)
        .into()
}

fn annotation<'p>(mark: &Mark<'p>, sources: &Sources, offset: usize, text: &str) -> Annotation<'p> {
    let (_, line) = sources.line(mark.place.file, mark.place.start);
    let within = |at: u32| (at as usize).clamp(line.start, line.end) - offset;
    let start = text.floor_char_boundary(within(mark.place.start));
    let end = text.floor_char_boundary(within(mark.place.end).max(start));
    let kind = match mark.is_primary {
        true => AnnotationKind::Primary,
        false => AnnotationKind::Context,
    };
    let annotation = kind.span(start..end);
    match mark.label {
        "" => annotation,
        label => annotation.label(label),
    }
}
