//! Parses a long file in two halves at once. Where that could tell anything apart from the whole, the whole is parsed.

use crate::config::parse::{SyntaxError, parse, parse_from};
use crate::config::problem::FileId;
use crate::config::tree::{Document, Origin};

/// From this many bytes on, a second thread saves more than it costs.
const LONG: usize = if cfg!(test) { 64 } else { 64 << 10 };
const SERVICES: &str = "services";
const HEADER: &str = "\n[services.";

/// A parsed file.
pub struct Halves<'t> {
    pub first: Document<'t>,
    /// The services of the second half, if it was parsed by itself.
    pub rest: Option<Document<'t>>,
}

/// Reads `text`, going on after each mistake.
pub fn parse_halves(file: FileId, text: &str) -> (Halves<'_>, Vec<SyntaxError>) {
    if let Some(halves) = middle(text).and_then(|middle| halves(file, text, middle)) {
        return (halves, Vec::new());
    }
    let (first, errors) = parse(file, text);
    (Halves { first, rest: None }, errors)
}

/// Where the first service of the second half begins, as it seems.
fn middle(text: &str) -> Option<usize> {
    let last = text.rfind("\n[")?;
    if text.len() < LONG || !text[last..].starts_with(HEADER) {
        return None;
    }
    let half = text.floor_char_boundary(text.len() / 2 - 1);
    let mut headers = text[half..].match_indices(HEADER);
    let is_service = |rest: &str| {
        let name = rest.split(']').next();
        name.is_some_and(|name| !name.contains(['.', '"', '\'', '\n']))
    };
    headers.find_map(|(at, header)| {
        let at = half + at;
        is_service(&text[at + header.len()..]).then_some(at + 1)
    })
}

/// Both halves, if each is sound and they share nothing: then they mean what the whole means. A first half that ends within
/// a value is not sound.
fn halves(file: FileId, text: &str, middle: usize) -> Option<Halves<'_>> {
    let (first, rest) = rayon::join(
        || parse(file, &text[..middle]),
        || parse_from(file, text, middle),
    );
    let is_sound = first.1.is_empty() && rest.1.is_empty();
    (is_sound && are_apart(&first.0, &rest.0)).then_some(Halves {
        first: first.0,
        rest: Some(rest.0),
    })
}

/// Whether the second half holds services only, and none that the first has.
fn are_apart(first: &Document, rest: &Document) -> bool {
    let services = rest.root().find(SERVICES).and_then(|(_, it)| it.table());
    let Some(services) = services.filter(|_| rest.root().len() == 1) else {
        return false;
    };
    let Some((_, before)) = first.root().find(SERVICES) else {
        return true;
    };
    before.table().is_some_and(|before| {
        matches!(before.origin(), Origin::Implied | Origin::Header)
            && services
                .iter()
                .all(|(key, _)| before.find(key.text).is_none())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<usize>) {
        let (halves, errors) = parse_halves(FileId(0), text);
        let rest = halves.rest.as_ref().map(|rest| {
            let services = rest.root().find(SERVICES).unwrap().1.table().unwrap();
            let (key, _) = services.iter().next().unwrap();
            assert_eq!(
                &text[key.place.start as usize..key.place.end as usize],
                key.text
            );
            services.len()
        });
        assert_eq!(rest, expected, "{errors:?} {text}");
    }

    #[test]
    fn a_file_is_halved_only_where_that_changes_nothing() {
        let services = |names: &str| -> String {
            let one = |name| format!("[services.{name}]\npath = \"{name}\"\n");
            names.chars().map(one).collect()
        };
        check(&services("abcd"), Some(2));
        check(&(services("abcd") + "[pools]\nx = 1\n"), None);
        check(
            &(services("abcd") + " [pools]\nx = 1\n[services.e]\n"),
            None,
        );
        check(&services("abca"), None);
        check(
            &(services("abcd") + "[services.a.build]\nrun = \"x\"\n"),
            None,
        );
        check(&(services("abcd") + "oh no\n[services.e]\n"), None);
        check(
            &format!("x = \'\'\'\n{}\'\'\'\n{}", services("abcd"), services("e")),
            None,
        );
        check(&format!("services = 1\n{}", services("abcd")), None);
        check(
            &format!("services.x.path = \"x\"\n{}", services("abcd")),
            None,
        );
        check("[services.a]\n", None);
    }
}
