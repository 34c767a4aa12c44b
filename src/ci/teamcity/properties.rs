//! Files of Java properties, as TeamCity writes them.
//!
//! <https://docs.oracle.com/javase/8/docs/api/java/util/Properties.html#load-java.io.Reader->

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

/// More than any build has.
const LARGEST: u64 = 16 << 20;

/// The properties in the file at `path`, or in words why they cannot be read.
pub fn read(path: &Path) -> Result<BTreeMap<String, String>, String> {
    let failed = |error: std::io::Error| format!("it cannot be read: {error}");
    let data = std::fs::metadata(path).map_err(failed)?;
    if !data.is_file() {
        return Err("it is no file".to_owned());
    }
    let mut text = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(failed)?;
    match text.len() as u64 > LARGEST {
        true => Err("it is larger than any list of properties".to_owned()),
        false => Ok(parse(&String::from_utf8_lossy(&text))),
    }
}

/// All properties; the last of a name counts.
pub fn parse(text: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut lines = text.split(['\n', '\r']);
    while let Some(line) = lines.next() {
        let line = line.trim_start();
        if line.is_empty() || line.starts_with(['#', '!']) {
            continue;
        }
        let mut whole = line.to_owned();
        while goes_on(&whole) {
            whole.pop();
            match lines.next() {
                Some(next) => whole.push_str(next.trim_start()),
                None => break,
            }
        }
        let (name, value) = split(&whole);
        found.insert(plain(name), plain(value));
    }
    found
}

/// Whether a line ends with an odd number of backslashes.
fn goes_on(line: &str) -> bool {
    line.bytes().rev().take_while(|it| *it == b'\\').count() % 2 == 1
}

/// A name ends at the first `=`, `:` or blank that is not escaped.
fn split(line: &str) -> (&str, &str) {
    let mut is_escaped = false;
    let end = line.find(|it: char| {
        let ends = !is_escaped && "=: \t\u{c}".contains(it);
        is_escaped = it == '\\' && !is_escaped;
        ends
    });
    let (name, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start();
    (
        name,
        rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start(),
    )
}

/// Without escapes.
fn plain(text: &str) -> String {
    let mut units: Vec<u16> = Vec::new();
    let mut rest = text.chars();
    while let Some(letter) = rest.next() {
        let letter = match letter {
            '\\' => match rest.next() {
                Some('u') => {
                    let digits: String = rest.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).unwrap_or(0xfffd));
                    continue;
                }
                Some('n') => '\n',
                Some('r') => '\r',
                Some('t') => '\t',
                Some('f') => '\u{c}',
                Some(other) => other,
                None => break,
            },
            other => other,
        };
        units.extend(letter.encode_utf16(&mut [0; 2]).iter());
    }
    String::from_utf16_lossy(&units)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn properties_are_read_as_java_writes_them() {
        let text = "#Mon Jan 05\n! other\n\nplain=value\n  set.in : x y \nteamcity.configuration.properties.file=/opt/agent\\\\temp/a\\=b\\:c\n\
                    path=C\\:\\\\x\nlong=one, \\\n    two\nempty=\nno.value\nunicode=\\u00e4\\ud83d\\ude00\nbad=\\uzzzz\nlast=1\nlast=2\nend=\\";
        let found = parse(text);
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(found.get(name).map(String::as_str), expected, "{name}");
        };
        check("plain", Some("value"));
        check("set.in", Some("x y "));
        check(
            "teamcity.configuration.properties.file",
            Some("/opt/agent\\temp/a=b:c"),
        );
        check("path", Some("C:\\x"));
        check("long", Some("one, two"));
        check("empty", Some(""));
        check("no.value", Some(""));
        check("unicode", Some("ä😀"));
        check("bad", Some("\u{fffd}"));
        check("last", Some("2"));
        check("end", Some(""));
        check("#Mon", None);
    }
}
