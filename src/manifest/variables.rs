//! Variables of a `.env` file, put into a text beside it as they are: only words that mean the same wherever they stand.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::{Captures, Regex};

use crate::manifest::image;

/// `text` with the values of `variables`, a file of lines such as `NAME=value`. What is not known stays.
pub fn put_in<'t>(text: &'t str, variables: &[u8]) -> Cow<'t, str> {
    static USE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"\$\$|\$\{([A-Za-z_][A-Za-z0-9_]*)(?::?[-?][^${}\n]*)?\}|\$([A-Za-z_][A-Za-z0-9_]*)",
        )
        .expect("the pattern is well formed")
    });
    let known = known(variables);
    if known.is_empty() {
        return Cow::Borrowed(text);
    }
    USE.replace_all(text, |found: &Captures<'_>| {
        let name = found.get(1).or(found.get(2)).map_or("", |it| it.as_str());
        known
            .get(name)
            .cloned()
            .unwrap_or_else(|| found[0].to_owned())
    })
}

fn known(variables: &[u8]) -> BTreeMap<String, String> {
    let text = std::str::from_utf8(variables).unwrap_or_default();
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let Some((name, value)) = line.split_once('=') else {
            continue;
        };
        let value = value.split(" #").next().unwrap_or_default().trim();
        let value = value.trim_matches(['"', '\'']);
        let value = image::substituted(value, &|it| known.get(it).cloned());
        if let Some(value) = value.filter(|it| is_plain(it)) {
            known.insert(name.trim().to_owned(), value);
        }
    }
    known
}

/// Whether it means itself in whatever is written around it.
fn is_plain(value: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "-_./@".contains(it);
    let starts = |it: char| it.is_ascii_alphanumeric() || "_./".contains(it);
    value.starts_with(starts) && value.len() < 256 && value.chars().all(is_plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_known_is_put_in() {
        let variables = b"# x\nAD=./src/ad/Dockerfile\nexport DIR='src'\nCART=${DIR}/cart # here\nBAD=a: b\nLOOP=$LOOP\n";
        let check = |text: &str, expected: &str| {
            assert_eq!(put_in(text, variables), expected, "{text}");
        };
        check("dockerfile: ${AD}", "dockerfile: ./src/ad/Dockerfile");
        check("$CART ${CART:-x} ${DIR-}", "src/cart src/cart src");
        check("${BAD} $LOOP ${OTHER:-y}", "${BAD} $LOOP ${OTHER:-y}");
        check("$$DIR", "$$DIR");
        assert_eq!(put_in("$A", b"\xff"), "$A");
    }
}
