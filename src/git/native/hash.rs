//! The id that git would give to a file's content.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use sha1::Digest;

use crate::git::error::Error;
use crate::model::change::ObjectId;

/// How much of a file is read at once.
const PIECE: usize = 64 * 1024;

/// The id of a blob with `content`, in a repository with ids of `id_length` bytes.
pub fn blob(content: &[u8], id_length: usize) -> ObjectId {
    let mut hasher = Hasher::new(content.len() as u64, id_length);
    hasher.update(content);
    hasher.finish()
}

/// The id of the content of the regular file at `path`; none if it is not there any more.
///
/// # Errors
/// A file that cannot be read, or that grows faster than it can be read.
pub fn file(path: &Path, id_length: usize) -> Result<Option<ObjectId>, Error> {
    let failed = |cause| Error::File {
        attempt: format!("read {}", path.display()),
        cause,
    };
    // A file that is being written has another length at the end than at the beginning.
    for _ in 0..5 {
        match once(path, id_length) {
            Ok(Some(id)) => return Ok(Some(id)),
            Ok(None) => {}
            Err(cause) if cause.kind() == ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(failed(cause)),
        }
    }
    Err(failed(std::io::Error::new(
        ErrorKind::ResourceBusy,
        "it is being written",
    )))
}

/// The id of a symlink at `path`; none if it is not there any more.
///
/// # Errors
/// A link that cannot be read.
pub fn link(path: &Path, id_length: usize) -> Result<Option<ObjectId>, Error> {
    match std::fs::read_link(path) {
        Ok(target) => Ok(Some(blob(target.as_os_str().as_bytes(), id_length))),
        Err(cause) if cause.kind() == ErrorKind::NotFound => Ok(None),
        Err(cause) => Err(Error::File {
            attempt: format!("read the link {}", path.display()),
            cause,
        }),
    }
}

fn once(path: &Path, id_length: usize) -> std::io::Result<Option<ObjectId>> {
    let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
    let mut file = File::options()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)?;
    let length = file.metadata()?.len();
    let mut hasher = Hasher::new(length, id_length);
    // One byte more shows the end of a small file with the second call.
    let room = usize::try_from(length).unwrap_or(PIECE).min(PIECE - 1) + 1;
    let mut buffer = vec![0; room];
    let mut seen = 0;
    loop {
        match file.read(&mut buffer) {
            Ok(0) => return Ok((seen == length).then(|| hasher.finish())),
            Ok(count) => {
                seen += count as u64;
                hasher.update(&buffer[..count]);
            }
            Err(cause) if cause.kind() == ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

enum Hasher {
    Short(sha1::Sha1),
    Long(sha2::Sha256),
}

impl Hasher {
    fn new(length: u64, id_length: usize) -> Self {
        let mut hasher = match id_length {
            20 => Self::Short(sha1::Sha1::new()),
            _ => Self::Long(sha2::Sha256::new()),
        };
        hasher.update(format!("blob {length}\0").as_bytes());
        hasher
    }

    fn update(&mut self, bytes: &[u8]) {
        match self {
            Self::Short(hasher) => hasher.update(bytes),
            Self::Long(hasher) => hasher.update(bytes),
        }
    }

    fn finish(self) -> ObjectId {
        let id = match self {
            Self::Short(hasher) => ObjectId::from_bytes(&hasher.finalize()),
            Self::Long(hasher) => ObjectId::from_bytes(&hasher.finalize()),
        };
        id.expect("digests have 20 or 32 bytes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_those_of_git() {
        let hello = blob(b"hello\n", 20).to_string();
        assert_eq!(hello, "ce013625030ba8dba906f756967f9e9ca394464a");
        let empty = blob(b"", 32).to_string();
        assert_eq!(
            empty,
            "473a0f4c3be8a93681a267e3b1e9a7dcda1185436fe141f7749120a303721813"
        );
    }

    #[test]
    fn a_file_is_read_in_pieces() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file");
        let content = vec![7; 200_000];
        std::fs::write(&path, &content).unwrap();
        assert_eq!(file(&path, 20).unwrap(), Some(blob(&content, 20)));
        assert_eq!(file(&directory.path().join("none"), 20).unwrap(), None);
    }
}
