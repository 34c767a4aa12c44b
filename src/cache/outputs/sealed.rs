//! Values in files that a kill, a full disk or a hand may damage: such a file counts as absent.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Raise this when older files could be misread.
const FORMAT: &str = "svc outputs 1";
const SEAL: usize = 32;

/// The value at `path`, if there is one and it is whole.
pub(crate) fn read<T: DeserializeOwned>(path: &Path) -> Option<T> {
    let bytes = fs::read(path).ok()?;
    let (seal, bytes) = bytes.split_at_checked(SEAL)?;
    if seal != seal_of(bytes) {
        return None;
    }
    postcard::from_bytes(bytes).ok()
}

/// Puts `value` at `path`: others see the old one or the new one. Only one writes at a time: the holder of the task's lock.
pub(crate) fn write<T: Serialize>(path: &Path, value: &T) -> io::Result<()> {
    let mut bytes = postcard::to_extend(value, vec![0; SEAL]).map_err(io::Error::other)?;
    let seal = seal_of(&bytes[SEAL..]);
    bytes[..SEAL].copy_from_slice(&seal);
    let fresh = unfinished(path);
    let written = write_in(&fresh, &bytes).and_then(|()| fs::rename(&fresh, path));
    if written.is_err() {
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// Where a value is written before it is put at `path`.
pub(crate) fn unfinished(path: &Path) -> PathBuf {
    path.with_added_extension("new")
}

/// Makes the directory only where it is missing, which is seldom.
fn write_in(path: &Path, bytes: &[u8]) -> io::Result<()> {
    match fs::write(path, bytes) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
            fs::write(path, bytes)
        }
        other => other,
    }
}

fn seal_of(bytes: &[u8]) -> [u8; SEAL] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(FORMAT.as_bytes()).update(bytes);
    *hasher.finalize().as_bytes()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_damaged_value_counts_as_absent() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a/b");
        let value = vec!["x".to_owned(); 5];
        write(&path, &value).unwrap();
        assert_eq!(read(&path), Some(value));
        let whole = fs::read(&path).unwrap();
        for at in 0..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 1;
            fs::write(&path, &damaged).unwrap();
            assert_eq!(read::<Vec<String>>(&path), None, "{at}");
            fs::write(&path, &whole[..at]).unwrap();
            assert_eq!(read::<Vec<String>>(&path), None, "{at}");
        }
        assert_eq!(read::<Vec<String>>(&directory.path().join("c")), None);
    }
}
