//! Copying the bytes of a large file, so that what they are is known when they have arrived.

use std::fs::File;
use std::io::{self, Read, Seek, Write};

use crate::model::outputs::ContentId;

/// So much is read, digested and written at a time: small enough to stay in the processor's cache.
const PIECE: usize = 512 << 10;

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

/// One piece is written while it is digested and the next one is read: measured in `packing`.
fn pass(
    mut from: impl Read + Send,
    to: &mut (impl Write + Send),
    most: u64,
) -> Result<ContentId, Fault> {
    let mut hasher = blake3::Hasher::new();
    let (mut piece, mut next) = (vec![0; PIECE], vec![0; PIECE]);
    let mut left = most.saturating_add(1);
    let mut length = fill(&mut from, &mut piece, &mut left).map_err(Fault::Read)?;
    while length > 0 {
        let (written, read) = rayon::join(
            || to.write_all(&piece[..length]),
            || {
                hasher.update(&piece[..length]);
                fill(&mut from, &mut next, &mut left)
            },
        );
        written.map_err(Fault::Write)?;
        length = read.map_err(Fault::Read)?;
        std::mem::swap(&mut piece, &mut next);
    }
    Ok(ContentId(*hasher.finalize().as_bytes()))
}

/// Reads as much as there is, as fits, and as is left of what may be read.
fn fill(from: &mut impl Read, piece: &mut [u8], left: &mut u64) -> io::Result<usize> {
    let most = usize::try_from(*left).map_or(piece.len(), |left| left.min(piece.len()));
    let mut length = 0;
    while length < most {
        match from.read(&mut piece[length..most]) {
            Ok(0) => break,
            Ok(read) => length += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    *left -= length as u64;
    Ok(length)
}
