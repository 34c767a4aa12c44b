//! Reading the values that a task gave, from the file that `$SVC_VALUES` named.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::model::mask::Mask;
use crate::model::name::{self, NAME_RULE};

/// The largest value, in bytes: it becomes a variable of other commands, whose environment is limited.
pub const LARGEST_VALUE: usize = 16 * 1024;

/// The largest file, in bytes.
pub const LARGEST_FILE: u64 = 128 * 1024;

/// A file of values that cannot be taken. Lines count from 1. What a line holds is never shown: it may be a secret.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("read the file that SVC_VALUES names")]
    Read(#[source] io::Error),
    #[error("the file that SVC_VALUES names is no longer a plain file")]
    NoFile,
    #[error("the values are larger than {} KiB together", LARGEST_FILE / 1024)]
    FileTooLarge,
    #[error("line {line} of the values is not `name=value`")]
    NoValue { line: usize },
    #[error("line {line} of the values has no valid name: {NAME_RULE}")]
    Name { line: usize },
    #[error("the value `{name}` is larger than {} KiB", LARGEST_VALUE / 1024)]
    ValueTooLarge { name: String },
    #[error("the value `{name}` holds bytes that are no text, or control characters")]
    NoText { name: String },
    #[error("the value `{name}` holds the secret {secret}")]
    Secret { name: String, secret: String },
}

/// The values in the file at `path`: none if it is gone or empty; of a name that is given twice, the last. `secrets` are the
/// declared ones, by the names of their variables; a value that holds one is refused.
pub fn read(
    path: &Path,
    secrets: &BTreeMap<String, Vec<u8>>,
) -> Result<BTreeMap<String, String>, Error> {
    parse(&load(path)?, secrets)
}

/// Reads no more than is allowed, and from nothing that could make it wait.
fn load(path: &Path) -> Result<Vec<u8>, Error> {
    let no_waiting = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOFOLLOW;
    let flags = no_waiting.bits() as i32;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(_) if path.is_symlink() => return Err(Error::NoFile),
        Err(error) => return Err(Error::Read(error)),
    };
    if !file.metadata().map_err(Error::Read)?.is_file() {
        return Err(Error::NoFile);
    }
    let mut bytes = Vec::new();
    let read = file.take(LARGEST_FILE + 1).read_to_end(&mut bytes);
    if read.map_err(Error::Read)? as u64 > LARGEST_FILE {
        return Err(Error::FileTooLarge);
    }
    Ok(bytes)
}

fn parse(
    bytes: &[u8],
    secrets: &BTreeMap<String, Vec<u8>>,
) -> Result<BTreeMap<String, String>, Error> {
    let secrets: Vec<(&String, Mask)> = secrets
        .iter()
        .map(|(name, value)| (name, Mask::new([value.as_slice()])))
        .collect();
    let mut values = BTreeMap::new();
    for (index, line) in bytes.split(|byte| *byte == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if line.is_empty() {
            continue;
        }
        let (name, value) = parse_line(line, index + 1)?;
        if let Some((secret, _)) = secrets.iter().find(|it| it.1.finds_any(value.as_bytes())) {
            let secret = secret.to_string();
            return Err(Error::Secret { name, secret });
        }
        values.insert(name, value);
    }
    Ok(values)
}

fn parse_line(line: &[u8], number: usize) -> Result<(String, String), Error> {
    let at = line.iter().position(|byte| *byte == b'=');
    let at = at.ok_or(Error::NoValue { line: number })?;
    let name = std::str::from_utf8(&line[..at])
        .ok()
        .filter(|it| name::is_valid(it));
    let name = name.ok_or(Error::Name { line: number })?.to_owned();
    let value = &line[at + 1..];
    if value.len() > LARGEST_VALUE {
        return Err(Error::ValueTooLarge { name });
    }
    let is_plain = |text: &&str| !text.chars().any(|it| it.is_control() && it != '\t');
    match std::str::from_utf8(value).ok().filter(is_plain) {
        Some(value) => Ok((name, value.to_owned())),
        None => Err(Error::NoText { name }),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn secrets() -> BTreeMap<String, Vec<u8>> {
        let pairs = [
            ("NPM_TOKEN", "hunter2"),
            ("KEY", "-----BEGIN\nabcdefgh\n"),
            ("SHORT", "no"),
            ("NONE", ""),
        ];
        pairs
            .map(|(name, value)| (name.to_owned(), value.into()))
            .into()
    }

    #[test]
    fn lines_become_values() {
        let check = |text: &str, expected: &[(&str, &str)]| {
            let got = parse(text.as_bytes(), &secrets()).unwrap();
            let got: Vec<_> = got
                .iter()
                .map(|(name, value)| (name.as_str(), value.as_str()))
                .collect();
            assert_eq!(got, expected, "{text:?}");
        };
        check("", &[]);
        check("\n\r\n", &[]);
        check(
            "image=a@sha256:1\nurl=http://x/?a=b",
            &[("image", "a@sha256:1"), ("url", "http://x/?a=b")],
        );
        check("a=1\na=2\r\nb=\n", &[("a", "2"), ("b", "")]);
        check("a= x\ty \nb=no é", &[("a", " x\ty "), ("b", "no é")]);
    }

    #[test]
    fn other_lines_are_errors() {
        let check = |text: &[u8], expected: &str| {
            let error = parse(text, &secrets()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("hunter2"), "{error}");
        };
        check(
            b"a=1\nhunter2\n",
            "line 2 of the values is not `name=value`",
        );
        check(b"hunter2\xff=1", "line 1 of the values has no valid name");
        check(b"A=1", "has no valid name");
        check(b"=1", "has no valid name");
        check(b"# a=1", "has no valid name");
        check(b"a=\xff", "the value `a` holds bytes");
        check(b"a=b\0", "the value `a` holds bytes");
        check(b"a=\x1b[2J", "the value `a` holds bytes");
        check(b"a=xhunter2x", "the value `a` holds the secret NPM_TOKEN");
        check(b"a=abcdefgh", "the value `a` holds the secret KEY");
        check(
            &[b"a=", vec![b'x'; LARGEST_VALUE + 1].as_slice()].concat(),
            "larger than 16 KiB",
        );
    }

    #[test]
    fn odd_files_are_no_danger() {
        let place = tempfile::tempdir().unwrap();
        let path = place.path().join("values");
        let got = || read(&path, &BTreeMap::new());
        assert_eq!(got().unwrap(), BTreeMap::new());
        fs::write(&path, "a=1\n").unwrap();
        assert_eq!(got().unwrap().len(), 1);
        fs::write(&path, vec![b'\n'; LARGEST_FILE as usize + 1]).unwrap();
        assert!(matches!(got(), Err(Error::FileTooLarge)));
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        assert!(matches!(got(), Err(Error::NoFile)));
        fs::remove_dir(&path).unwrap();
        std::os::unix::fs::symlink("/dev/zero", &path).unwrap();
        assert!(matches!(got(), Err(Error::NoFile)));
        fs::remove_file(&path).unwrap();
        rustix::fs::mknodat(
            rustix::fs::CWD,
            &path,
            rustix::fs::FileType::Fifo,
            0o600.into(),
            0,
        )
        .unwrap();
        assert!(matches!(got(), Err(Error::NoFile)));
    }
}
