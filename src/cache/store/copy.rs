//! Copying the bytes of a large file, so that what they are is known when they have arrived.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use crate::model::outputs::ContentId;

/// So much is read, digested and written at a time: small enough to stay in the processor's cache.
const PIECE: usize = 256 << 10;

/// What went wrong, and on which side.
pub enum Fault {
    Read(io::Error),
    Write(io::Error),
}

/// Copies all of `from` to the empty file `to`: cloned where the file system can, else byte by byte. Gives the digest of
/// what is in `to`, but of no more than a little over `most` bytes.
pub fn copy(from: &File, to: &File, most: u64) -> Result<ContentId, Fault> {
    if reflink_copy::reflink_file(from, to).is_ok() {
        let mut to = to;
        to.rewind().map_err(Fault::Write)?;
        // A clone does not change with the file that it was made from, so it is digested, not that file.
        return pass(to, &mut io::sink(), most);
    }
    pass(from, &mut &*to, most)
}

fn pass(mut from: impl Read, to: &mut impl Write, most: u64) -> Result<ContentId, Fault> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; PIECE];
    let mut left = most.saturating_add(1);
    while left > 0 {
        let piece = usize::try_from(left).map_or(PIECE, |left| left.min(PIECE));
        let length = match from.read(&mut buffer[..piece]) {
            Ok(0) => break,
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(Fault::Read(error)),
        };
        left -= length as u64;
        hasher.update(&buffer[..length]);
        to.write_all(&buffer[..length]).map_err(Fault::Write)?;
    }
    Ok(ContentId(*hasher.finalize().as_bytes()))
}
