//! A pack as a file: a short header, and the bytes of many small files compressed as one.

use std::fs::{File, Metadata};
use std::io::{Read, Write};
use std::path::Path;

use crate::cache::store::damage::{Damage, Flaw};
use crate::cache::store::place::{Identity, open};

/// What every pack begins with, and the version of what follows: its length when unpacked, and its length as stored.
const MAGIC: [u8; 12] = *b"svc-pak\n\x01\0\0\0";
const LENGTH: usize = MAGIC.len() + 8 + 8;

/// See `packing` for what was measured.
const LEVEL: i32 = 1;

/// The bytes of a pack's file.
pub fn packed(plain: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(LENGTH + plain.len() / 2);
    bytes.write_all(&MAGIC)?;
    bytes.write_all(&(plain.len() as u64).to_le_bytes())?;
    bytes.write_all(&[0; 8])?;
    let stored = zstd::bulk::compress(plain, LEVEL)?;
    bytes[LENGTH - 8..].copy_from_slice(&(stored.len() as u64).to_le_bytes());
    bytes.extend_from_slice(&stored);
    Ok(bytes)
}

/// Whether a pack of this size lies at `path`, as far as that can be seen without unpacking it.
pub fn is_whole(path: &Path, size: u64) -> Result<(File, Metadata), Flaw> {
    let (mut file, metadata) = open(path)?;
    let damaged = |why| Flaw::Damaged(Damage(why), Some(Identity::of(&metadata)));
    if !metadata.is_file() {
        return Err(damaged("it is no file"));
    }
    let mut header = [0; LENGTH];
    if metadata.len() < LENGTH as u64 {
        return Err(damaged("it is cut short"));
    }
    file.read_exact(&mut header)?;
    let number = |at: usize| {
        let bytes = header[at..at + 8].try_into();
        u64::from_le_bytes(bytes.expect("eight bytes"))
    };
    if header[..MAGIC.len()] != MAGIC || number(MAGIC.len()) != size {
        return Err(damaged("it is another pack, or none"));
    }
    match number(MAGIC.len() + 8).checked_add(LENGTH as u64) == Some(metadata.len()) {
        true => Ok((file, metadata)),
        false => Err(damaged("it is cut short or has grown")),
    }
}

/// All that the pack at `path` holds, which is `size` bytes. They are not verified: each file's are, when they are used.
pub fn unpacked(path: &Path, size: u64) -> Result<(Vec<u8>, Identity), Flaw> {
    let (mut file, metadata) = is_whole(path, size)?;
    let identity = Identity::of(&metadata);
    let mut stored = Vec::new();
    file.read_to_end(&mut stored)?;
    let damaged = Flaw::Damaged(Damage("its bytes were changed"), Some(identity));
    // The caller bounds the size of packs.
    match zstd::bulk::decompress(&stored, size as usize) {
        Ok(plain) if plain.len() as u64 == size => Ok((plain, identity)),
        _ => Err(damaged),
    }
}
