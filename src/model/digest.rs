//! Digests of named parts: what a result was made from.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Raise this when the same parts are to give another digest.
const FORMAT: &str = "svc input digest 1";

/// The digest of everything that a task's result was made from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Digest(String);

impl Digest {
    /// The digest written as 64 hexadecimal digits, in lower case, if `text` is one.
    pub fn parse(text: &str) -> Option<Self> {
        let is_digit = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (text.len() == 64 && text.bytes().all(is_digit)).then(|| Self(text.to_owned()))
    }

    /// The digest as 64 hexadecimal digits.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Digest {
    type Error = &'static str;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text).ok_or("a digest is 64 hexadecimal digits in lower case")
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Takes named parts in and gives their digest. Each part is written with its name and lengths, so that no two lists of
/// parts can be taken for one another.
#[derive(Clone)]
pub struct Digester {
    hasher: blake3::Hasher,
    /// Digested together once they are many: parts are short, and bytes go in much quicker in bulk.
    waiting: Vec<u8>,
}

/// How many bytes may wait.
const BULK: usize = 16 << 10;

impl Digester {
    /// A digester for values of one `kind`.
    pub fn new(kind: &str) -> Self {
        let mut digester = Self {
            hasher: blake3::Hasher::new(),
            waiting: Vec::new(),
        };
        digester.part(FORMAT, kind.as_bytes());
        digester
    }

    /// Adds a part.
    pub fn part(&mut self, name: &str, value: &[u8]) -> &mut Self {
        for bytes in [name.as_bytes(), value] {
            let length = (bytes.len() as u64).to_le_bytes();
            self.waiting.extend_from_slice(&length);
            self.waiting.extend_from_slice(bytes);
        }
        if self.waiting.len() >= BULK {
            self.hasher.update(&self.waiting);
            self.waiting.clear();
        }
        self
    }

    /// Adds a list of parts under one name.
    pub fn list<'a>(&mut self, name: &str, values: impl IntoIterator<Item = &'a str>) -> &mut Self {
        for (at, value) in values.into_iter().enumerate() {
            self.part(&format!("{name}[{at}]"), value.as_bytes());
        }
        self
    }

    /// Adds a digest as a part.
    pub fn digest(&mut self, name: &str, digest: &Digest) -> &mut Self {
        self.part(name, digest.as_str().as_bytes())
    }

    /// The digest of all parts so far.
    pub fn finish(&self) -> Digest {
        let mut hasher = self.hasher.clone();
        hasher.update(&self.waiting);
        Digest(hasher.finalize().to_hex().to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cannot_run_into_each_other() {
        let digest = |parts: &[(&str, &str)]| {
            let mut digester = Digester::new("test");
            for (name, value) in parts {
                digester.part(name, value.as_bytes());
            }
            digester.finish()
        };
        assert_ne!(digest(&[("a", "bc")]), digest(&[("ab", "c")]));
        assert_ne!(
            digest(&[("a", "b"), ("c", "d")]),
            digest(&[("a", "bc"), ("", "d")])
        );
        assert_eq!(digest(&[("a", "b")]), digest(&[("a", "b")]));
    }
}
