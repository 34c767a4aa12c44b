//! The first bytes of a result's file: what follows, how long it is, and the digest of each part.
//!
//! ```text
//! magic 8 · version 4 · key 32 · bytes of outputs 8 · files of outputs 8 · for each section: stored 8 · plain 8 · digest 32
//! · digest of all this 32
//! ```

use crate::cache::store::damage::Damage;

/// What every result begins with, and the version of what follows.
const MAGIC: [u8; 12] = *b"svc-res\n\x01\0\0\0";

/// The sections behind the header, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// The names of the packs and large files.
    Objects,
    /// What a hit needs to know.
    Outcome,
    /// The key with its parts.
    Key,
    /// What the task printed; not there at all if nothing was kept.
    Log,
}

const SECTIONS: usize = 4;

/// How many bytes a header takes.
pub const LENGTH: usize = MAGIC.len() + 32 + 8 + 8 + SECTIONS * Extent::LENGTH + 32;

/// What a result's file holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Header {
    pub key: [u8; 32],
    /// How many bytes the files of its outputs have.
    pub output_bytes: u64,
    pub output_files: u64,
    pub sections: [Extent; SECTIONS],
}

/// How much of the file a section takes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Extent {
    /// In the file.
    pub stored: u64,
    /// When unpacked.
    pub plain: u64,
    /// Of the stored bytes.
    pub digest: [u8; 32],
}

impl Extent {
    const LENGTH: usize = 8 + 8 + 32;

    /// The extent of these stored bytes.
    pub fn of(stored: &[u8], plain: usize) -> Self {
        Self {
            stored: stored.len() as u64,
            plain: plain as u64,
            digest: *blake3::hash(stored).as_bytes(),
        }
    }
}

impl Header {
    /// The section's extent.
    pub fn extent(&self, section: Section) -> Extent {
        self.sections[section as usize]
    }

    /// Where in the file the section begins.
    pub fn start(&self, section: Section) -> u64 {
        let before = &self.sections[..section as usize];
        before
            .iter()
            .fold(LENGTH as u64, |sum, it| sum.saturating_add(it.stored))
    }

    /// How long the whole file is.
    pub fn length(&self) -> u64 {
        self.start(Section::Log)
            .saturating_add(self.extent(Section::Log).stored)
    }

    /// As it is written.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(LENGTH);
        bytes.extend_from_slice(&MAGIC);
        bytes.extend_from_slice(&self.key);
        bytes.extend_from_slice(&self.output_bytes.to_le_bytes());
        bytes.extend_from_slice(&self.output_files.to_le_bytes());
        for extent in &self.sections {
            bytes.extend_from_slice(&extent.stored.to_le_bytes());
            bytes.extend_from_slice(&extent.plain.to_le_bytes());
            bytes.extend_from_slice(&extent.digest);
        }
        let digest = blake3::hash(&bytes);
        bytes.extend_from_slice(digest.as_bytes());
        bytes
    }

    /// The header that a file of this length begins with, and its digest: no other result has the same.
    pub fn parse(bytes: &[u8], length: u64) -> Result<(Self, [u8; 32]), Damage> {
        let Some(bytes) = bytes.get(..LENGTH) else {
            return Err(Damage("it is cut short"));
        };
        let (plain, digest) = bytes.split_at(LENGTH - 32);
        let mut left = Left(plain);
        if left.take() != MAGIC {
            return Err(Damage("it is no result of this version"));
        }
        if blake3::hash(plain).as_bytes() != digest {
            return Err(Damage("its first bytes were changed"));
        }
        let header = Self {
            key: left.take(),
            output_bytes: left.number(),
            output_files: left.number(),
            sections: std::array::from_fn(|_| Extent {
                stored: left.number(),
                plain: left.number(),
                digest: left.take(),
            }),
        };
        match header.length() == length {
            true => Ok((header, Left(digest).take())),
            false => Err(Damage("it is cut short or has grown")),
        }
    }
}

/// Bytes that are taken from the front. There are always enough of them.
struct Left<'b>(&'b [u8]);

impl Left<'_> {
    fn take<const N: usize>(&mut self) -> [u8; N] {
        let (taken, rest) = self.0.split_first_chunk().expect("the length was checked");
        self.0 = rest;
        *taken
    }

    fn number(&mut self) -> u64 {
        u64::from_le_bytes(self.take())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn header() -> Header {
        Header {
            key: [7; 32],
            output_bytes: 10,
            output_files: 1,
            sections: [
                Extent::of(b"objects", 7),
                Extent::of(b"outcome", 7),
                Extent::of(b"key", 9),
                Extent::of(b"", 0),
            ],
        }
    }

    #[test]
    fn what_was_written_is_read() {
        let header = header();
        let bytes = header.to_bytes();
        assert_eq!(bytes.len(), LENGTH);
        let (read, _) = Header::parse(&bytes, LENGTH as u64 + 17).unwrap();
        assert_eq!(read, header);
        assert_eq!(read.start(Section::Key), LENGTH as u64 + 14);
    }

    #[test]
    fn no_bit_can_change() {
        let bytes = header().to_bytes();
        for at in 0..bytes.len() {
            for bit in 0..8 {
                let mut bytes = bytes.clone();
                bytes[at] ^= 1 << bit;
                assert!(Header::parse(&bytes, LENGTH as u64 + 17).is_err());
            }
            assert!(Header::parse(&bytes[..at], at as u64).is_err());
        }
    }

    #[test]
    fn lengths_that_add_up_to_too_much_are_refused() {
        let mut header = header();
        header.sections[0].stored = u64::MAX;
        header.sections[1].stored = u64::MAX;
        assert!(Header::parse(&header.to_bytes(), 100).is_err());
    }
}
