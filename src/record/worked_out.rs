//! What was worked out of some bytes before, kept from run to run under the digest of all that it was worked out of. Nothing
//! depends on it: what is damaged, lost or cannot be written is worked out again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::model::digest::Digest;

/// So many are kept, those that were written last.
const MOST: usize = 64;

/// A larger one is neither kept nor read.
const LARGEST: usize = 8 << 20;

/// The bytes of the checksum in front.
const CHECKSUM: usize = 32;

/// A directory of such things, one file for each.
#[derive(Clone, Debug)]
pub struct WorkedOut(PathBuf);

impl WorkedOut {
    /// Those in `directory`, which need not be there.
    pub fn open(directory: PathBuf) -> Self {
        Self(directory)
    }

    /// What was worked out of that.
    pub fn find<T: DeserializeOwned>(&self, of: &Digest) -> Option<T> {
        let file = self.0.join(of.as_str());
        let metadata = file.metadata().ok()?;
        if !metadata.is_file() || metadata.len() > (LARGEST + CHECKSUM) as u64 {
            return None;
        }
        let bytes = std::fs::read(file).ok()?;
        let (checksum, content) = bytes.split_at_checked(CHECKSUM)?;
        // Bound to its name, so that a file of another name says nothing.
        let is_whole = checksum_of(of, content).as_bytes() == checksum;
        is_whole.then(|| postcard::from_bytes(content).ok())?
    }

    /// Keeps what was worked out of that, in the place of what was written longest ago.
    pub fn keep<T: Serialize>(&self, of: &Digest, what: &T) {
        // The next one works it out again.
        let _ = self.try_keep(of, what);
    }

    fn try_keep<T: Serialize>(&self, of: &Digest, what: &T) -> std::io::Result<()> {
        let content = postcard::to_stdvec(what).map_err(std::io::Error::other)?;
        if content.len() > LARGEST {
            return Ok(());
        }
        std::fs::create_dir_all(&self.0)?;
        let mut scratch = tempfile::NamedTempFile::new_in(&self.0)?;
        scratch.write_all(checksum_of(of, &content).as_bytes())?;
        scratch.write_all(&content)?;
        scratch.persist(self.0.join(of.as_str()))?;
        prune(&self.0)
    }
}

fn checksum_of(of: &Digest, content: &[u8]) -> blake3::Hash {
    let mut hasher = blake3::Hasher::new();
    hasher.update(of.as_str().as_bytes()).update(content);
    hasher.finalize()
}

/// Removes what is too much, and with it what a killed `svc` left half written.
fn prune(directory: &Path) -> std::io::Result<()> {
    let mut files: Vec<(SystemTime, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(directory)? {
        let entry = entry?;
        files.push((entry.metadata()?.modified()?, entry.path()));
    }
    files.sort_unstable();
    let over = files.len().saturating_sub(MOST);
    for (_, file) in &files[..over] {
        std::fs::remove_file(file)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digester;

    fn digest(text: &str) -> Digest {
        Digester::new("test").part("text", text.as_bytes()).finish()
    }

    #[test]
    fn what_was_kept_is_found_under_its_digest_alone() {
        let place = tempfile::tempdir().unwrap();
        let known = WorkedOut::open(place.path().join("svc/locks"));
        assert_eq!(known.find::<String>(&digest("a")), None);
        known.keep(&digest("a"), &"one".to_owned());
        known.keep(&digest("b"), &"two".to_owned());
        known.keep(&digest("a"), &"three".to_owned());
        let found = |of: &str| known.find::<String>(&digest(of));
        assert_eq!(found("a").as_deref(), Some("three"));
        assert_eq!(found("b").as_deref(), Some("two"));
        let directory = place.path().join("svc/locks");
        std::fs::rename(
            directory.join(digest("b").as_str()),
            directory.join(digest("c").as_str()),
        )
        .unwrap();
        assert_eq!(found("c"), None);
    }

    #[test]
    fn only_so_many_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let known = WorkedOut::open(place.path().to_owned());
        for at in 0..MOST + 5 {
            known.keep(&digest(&at.to_string()), &at);
        }
        assert_eq!(std::fs::read_dir(place.path()).unwrap().count(), MOST);
        let last = MOST + 4;
        assert_eq!(known.find(&digest(&last.to_string())), Some(last));
        known.keep(&digest("large"), &"x".repeat(LARGEST));
        assert_eq!(known.find::<String>(&digest("large")), None);
    }

    #[test]
    fn damage_counts_as_nothing() {
        let place = tempfile::tempdir().unwrap();
        let known = WorkedOut::open(place.path().to_owned());
        let file = place.path().join(digest("a").as_str());
        let found = || known.find::<String>(&digest("a"));
        known.keep(&digest("a"), &"one".to_owned());
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            for damaged in [&flipped[..], &whole[..at]] {
                std::fs::write(&file, damaged).unwrap();
                assert_eq!(found(), None);
            }
        }
        known.keep(&digest("a"), &"two".to_owned());
        assert_eq!(found().as_deref(), Some("two"));
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        known.keep(&digest("a"), &"three".to_owned());
        assert_eq!(found(), None);
        // What is no directory keeps nothing.
        let nowhere = WorkedOut::open(place.path().join("file"));
        std::fs::write(place.path().join("file"), "").unwrap();
        nowhere.keep(&digest("a"), &"x".to_owned());
        assert_eq!(nowhere.find::<String>(&digest("a")), None);
    }

    #[test]
    fn many_at_once_find_whole_ones_or_none() {
        let place = tempfile::tempdir().unwrap();
        let known = WorkedOut::open(place.path().to_owned());
        let text = |of: usize| of.to_string().repeat(10_000);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for round in 0..100 {
                        let of = round % (MOST + 8);
                        let key = digest(&of.to_string());
                        let found: Option<String> = known.find(&key);
                        assert!(found.is_none_or(|it| it == text(of)));
                        known.keep(&key, &text(of));
                    }
                });
            }
        });
        let left = std::fs::read_dir(place.path()).unwrap().count();
        assert!(left <= MOST + 4, "{left}");
    }
}
