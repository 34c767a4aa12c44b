//! Names of images, and the directories that images belong to.

use crate::manifest::place;
use crate::model::path::{FilePath, is_within};

/// Names that hold each other grow no further.
const LONGEST: usize = 1 << 12;

/// A name without its tag and digest. None where a part of it is not known, or it is nothing that could be built.
pub fn name(written: &str) -> Option<&str> {
    let written = written.trim();
    let written = written.split('@').next()?;
    let last = written.rfind('/').map_or(0, |slash| slash + 1);
    let end = written[last..]
        .find(':')
        .map_or(written.len(), |at| last + at);
    let name = &written[..end];
    let is_plain = |it: char| it.is_alphanumeric() || "-_./:".contains(it);
    (!name.is_empty() && name != "scratch" && name.chars().all(is_plain)).then_some(name)
}

/// The directory that an image is said of: the dockerfile's where that lies deeper within what it is built from.
pub fn directory(context: &FilePath, dockerfile: &FilePath) -> FilePath {
    let own = place::directory(dockerfile);
    match is_within(own.as_bytes(), context.as_bytes()) {
        true => own,
        false => context.clone(),
    }
}

/// `written` with `${NAME}`, `$NAME`, `${NAME:-default}` and `${NAME-default}` put in, as `known` has them; none where a
/// name has neither value nor default.
pub fn substituted(written: &str, known: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let mut text = String::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once('$') {
        text.push_str(before);
        if text.len() > LONGEST {
            return None;
        }
        if let Some(after) = after.strip_prefix('$') {
            text.push('$');
            rest = after;
        } else if let Some(braced) = after.strip_prefix('{') {
            let (inside, after) = braced.split_once('}')?;
            text.push_str(&variable(inside, known)?);
            rest = after;
        } else {
            let end = after.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
            let (name, after) = after.split_at(end.unwrap_or(after.len()));
            text.push_str(&known(name).filter(|_| !name.is_empty())?);
            rest = after;
        }
    }
    Some(text + rest)
}

fn variable(inside: &str, known: &dyn Fn(&str) -> Option<String>) -> Option<String> {
    let end = inside.find(|it: char| !it.is_ascii_alphanumeric() && it != '_');
    let (name, rest) = inside.split_at(end.unwrap_or(inside.len()));
    let default = rest.strip_prefix(":-").or(rest.strip_prefix('-'));
    match known(name).filter(|it| !it.is_empty()) {
        Some(value) => Some(value),
        None => default.filter(|it| !it.contains('$')).map(str::to_owned),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_tag_and_digest() {
        let check = |written, expected| assert_eq!(name(written), expected, "{written}");
        check("debian:12-slim", Some("debian"));
        check(
            "localhost:5000/shop/cart:1@sha256:ab",
            Some("localhost:5000/shop/cart"),
        );
        check("localhost:5000/cart", Some("localhost:5000/cart"));
        check("scratch", None);
        check("${X}/cart", None);
        check("", None);
    }

    #[test]
    fn variables_are_put_in_by_value_or_default() {
        let known = |name: &str| (name == "V").then(|| "1".to_owned());
        let check = |written, expected: Option<&str>| {
            assert_eq!(
                substituted(written, &known).as_deref(),
                expected,
                "{written}"
            );
        };
        check("a:$V-b${V}", Some("a:1-b1"));
        check("${X:-y}/${V:-z}", Some("y/1"));
        check("${X}", None);
        check("$X", None);
        check("$$V", Some("$V"));
        check("${", None);
        check("a$", None);
    }
}
