//! The lines of the file: a checksum, then JSON. What a killed writer left of one is told from damage.

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ledger::store::Wanted;
use crate::model::ledger::{ENTRY_VERSION, Entry, Lease};

/// How many digits a checksum has.
const DIGITS: usize = 32;

/// How many lines are read at once when not all are wanted.
const STRIDE: usize = 256;

/// What one line says.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub version: u32,
    /// Who has the lease after it.
    pub lease: Option<Lease>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub entries: Vec<Entry>,
}

/// What is wrong with a line, counted from the beginning of what was given.
#[derive(Debug, PartialEq, Eq)]
pub enum Fault {
    Damaged { line: u64, what: String },
    Invalid { line: u64, what: String },
}

/// What comes after the last whole line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    Nothing,
    /// So many bytes of a line whose writer did not come to its end.
    Torn(usize),
}

/// A line in the file.
#[derive(Clone, Copy, Debug)]
pub struct Raw<'a> {
    pub checksum: &'a str,
    json: &'a [u8],
    /// With its end.
    pub length: usize,
}

impl Rest {
    pub fn is_nothing(self) -> bool {
        self == Self::Nothing
    }

    /// For who wants to know everything.
    pub fn note(self, file: &str) -> Option<String> {
        match self {
            Self::Nothing => None,
            Self::Torn(bytes) => Some(format!(
                "`{file}` ends with {bytes} bytes of a write that was broken off: they do not count, and the next write \
                 removes them"
            )),
        }
    }
}

impl Line {
    /// As it is written after a line with the checksum `before`.
    pub fn text(&self, before: &str) -> String {
        let json = serde_json::to_string(self).expect("all keys are text");
        format!("{} {json}\n", checksum(before, json.as_bytes()))
    }
}

impl Raw<'_> {
    /// What it says, checked.
    fn read(&self) -> Result<Line, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u32,
        }
        let newer = |version| {
            let newer = format!("it was written by a newer svc (version {version} of its format)");
            (version > ENTRY_VERSION).then_some(newer)
        };
        let line: Line = serde_json::from_slice(self.json).map_err(|error| {
            let version = serde_json::from_slice(self.json).map(|it: Versioned| it.version);
            let newer = version.ok().and_then(newer);
            newer.unwrap_or_else(|| format!("it is no valid line: {error}"))
        })?;
        if let Some(newer) = newer(line.version) {
            return Err(newer);
        }
        for entry in &line.entries {
            entry
                .check()
                .map_err(|what| format!("{}: {what}", entry.service))?;
        }
        let lease = line.lease.as_ref().map_or(Ok(()), Lease::check);
        lease.map_err(|what| format!("the lease: {what}"))?;
        Ok(line)
    }
}

/// The whole lines of `bytes`, which come after a line with the checksum `before` that is number `number`.
pub fn split<'a>(
    bytes: &'a [u8],
    before: &'a str,
    number: u64,
) -> Result<(Vec<Raw<'a>>, Rest), Fault> {
    let mut lines: Vec<(&[u8], Option<Raw<'a>>)> = Vec::new();
    let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
    let mut torn = 0;
    while let Some(piece) = pieces.next() {
        match pieces.peek() {
            Some(_) => lines.push((piece, raw(piece))),
            None => torn = piece.len(),
        }
    }
    let checksums = lines.iter().map(|(_, it)| it.map_or("", |it| it.checksum));
    let befores: Vec<&str> = std::iter::once(before).chain(checksums).collect();
    let is_whole = |(line, before): (&(&[u8], Option<Raw<'_>>), &&str)| {
        let raw = line.1.as_ref();
        raw.is_some_and(|it| it.checksum == checksum(before, it.json))
    };
    let wrong = lines
        .par_iter()
        .zip(befores.par_iter())
        .position_first(|it| !is_whole(it));
    let whole = |lines: &[(&[u8], Option<Raw<'a>>)]| lines.iter().filter_map(|it| it.1).collect();
    let rest = |bytes| match bytes {
        0 => Rest::Nothing,
        bytes => Rest::Torn(bytes),
    };
    match wrong {
        None => Ok((whole(&lines), rest(torn))),
        // After a loss of power some blocks of the last write may be there and others not. No line of ours holds a zero.
        Some(at) if at + 1 == lines.len() && torn == 0 && lines[at].0.contains(&0) => {
            Ok((whole(&lines[..at]), Rest::Torn(lines[at].0.len() + 1)))
        }
        Some(at) => Err(Fault::Damaged {
            line: number + at as u64 + 1,
            what: "its checksum is wrong".into(),
        }),
    }
}

/// What the lines say, in order.
pub fn read_all(lines: &[Raw<'_>], number: u64) -> Result<Vec<Line>, Fault> {
    let numbered = lines.par_iter().enumerate();
    let read = |(at, raw): (usize, &Raw<'_>)| {
        raw.read().map_err(|what| Fault::Invalid {
            line: number + at as u64 + 1,
            what,
        })
    };
    numbered.map(read).collect()
}

/// The entries of a whole file, newest first.
pub fn history(bytes: &[u8], wanted: &Wanted) -> Result<Vec<Entry>, Fault> {
    let (lines, _) = split(bytes, "", 0)?;
    let mut found = Vec::new();
    let mut end = lines.len();
    while end > 0 {
        let start = end.saturating_sub(STRIDE);
        let read = read_all(&lines[start..end], start as u64)?;
        let entries = read
            .into_iter()
            .rev()
            .flat_map(|it| it.entries.into_iter().rev());
        if wanted.add(entries, &mut found) {
            break;
        }
        end = start;
    }
    Ok(found)
}

fn raw(piece: &[u8]) -> Option<Raw<'_>> {
    let (checksum, rest) = piece.split_at_checked(DIGITS)?;
    Some(Raw {
        checksum: std::str::from_utf8(checksum).ok()?,
        json: rest.strip_prefix(b" ")?,
        length: piece.len() + 1,
    })
}

fn checksum(before: &str, json: &[u8]) -> String {
    let mut hasher = blake3::Hasher::new();
    hasher.update(before.as_bytes()).update(b" ").update(json);
    hasher.finalize().to_hex()[..DIGITS].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::{Runs, State, sample};

    fn file(count: usize) -> Vec<u8> {
        let mut text = String::new();
        let mut before = String::new();
        for at in 0..count {
            let name = format!("s{at}");
            let entry = sample::entry(&name, State::Succeeded, "a", Runs::Unknown, Runs::Nothing);
            let line = Line {
                version: 1,
                lease: None,
                entries: vec![entry],
            };
            let line = line.text(&before);
            before = line[..DIGITS].to_owned();
            text += &line;
        }
        text.into_bytes()
    }

    fn length(bytes: &[u8]) -> Result<(usize, Rest), Fault> {
        split(bytes, "", 0).map(|(lines, rest)| (lines.len(), rest))
    }

    #[test]
    fn a_file_cut_anywhere_ends_at_its_last_whole_line() {
        let bytes = file(3);
        for end in 0..=bytes.len() {
            let whole = bytes[..end].iter().filter(|it| **it == b'\n').count();
            let (lines, _) = length(&bytes[..end]).unwrap();
            assert_eq!(lines, whole, "{end}");
        }
    }

    #[test]
    fn a_line_that_is_changed_missing_or_moved_is_damage() {
        let bytes = file(3);
        let lines: Vec<_> = bytes.split_inclusive(|it| *it == b'\n').collect();
        let check = |bytes: Vec<u8>, expected: u64| match length(&bytes) {
            Err(Fault::Damaged { line, .. }) => assert_eq!(line, expected),
            other => panic!("{other:?}"),
        };
        for at in [0, 20, lines[0].len() + 60, bytes.len() - 3] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let line = bytes[..at].iter().filter(|it| **it == b'\n').count();
            check(changed, line as u64 + 1);
        }
        check([lines[0], lines[2]].concat(), 2);
        check([lines[1], lines[2]].concat(), 1);
        check([lines[0], lines[2], lines[1]].concat(), 2);
        check([lines[0], b"\n", lines[1]].concat(), 2);
    }

    #[test]
    fn what_a_loss_of_power_left_of_the_last_line_does_not_count() {
        let mut bytes = file(3);
        let last = bytes.len() - 200;
        bytes[last..last + 100].fill(0);
        let (lines, rest) = length(&bytes).unwrap();
        assert_eq!(lines, 2);
        assert!(matches!(rest, Rest::Torn(_)));
        bytes.extend(vec![0; 4096]);
        assert!(matches!(length(&bytes), Err(Fault::Damaged { .. })));
        let mut zeros = file(2);
        zeros.extend(vec![0; 4096]);
        assert_eq!(length(&zeros), Ok((2, Rest::Torn(4096))));
    }

    #[test]
    fn a_history_is_newest_first_and_no_longer_than_wanted() {
        let bytes = file(600);
        let name = |at: usize| format!("s{at}");
        let all = history(&bytes, &Wanted::default()).unwrap();
        let names: Vec<_> = all.iter().map(|it| it.service.to_string()).collect();
        assert_eq!(names, (0..600).rev().map(name).collect::<Vec<_>>());
        let wanted = Wanted {
            most: Some(2),
            ..Wanted::default()
        };
        assert_eq!(history(&bytes, &wanted).unwrap(), all[..2]);
        let wanted = Wanted {
            service: Some(all[500].service.clone()),
            ..Wanted::default()
        };
        assert_eq!(history(&bytes, &wanted).unwrap(), all[500..=500]);
    }
}
