//! The file that keeps what programs printed, from run to run. Nothing depends on it: what is damaged, lost or cannot be
//! written is asked again.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use crate::model::digest::Digest;
use crate::process::tools::binary::Binary;

/// Raise this when an entry is to mean something else.
const FORMAT: u32 = 1;

/// So many answers are kept, the latest ones.
const MOST: usize = 512;

/// A larger file is none of ours.
const LARGEST: u64 = 1024 * 1024;

/// The bytes of the checksum in front.
const CHECKSUM: usize = 32;

/// An answer, and what it holds for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Remembered {
    /// The command, the shell and the variables.
    pub identity: Digest,
    /// The program as it was.
    pub binary: Digest,
    pub printed: Digest,
}

/// What is remembered, and what was added to it.
pub struct Memory {
    file: Option<PathBuf>,
    known: Vec<Remembered>,
    added: Vec<Remembered>,
}

impl Memory {
    /// What `file` holds.
    pub fn read(file: Option<&Path>) -> Self {
        Self {
            known: file.and_then(load).unwrap_or_default(),
            file: file.map(Path::to_owned),
            added: Vec::new(),
        }
    }

    /// What the command printed when the program was this one.
    pub fn find(&self, identity: &Digest, binary: &Binary) -> Option<Digest> {
        let mut known = self.known.iter();
        let found = known.find(|it| it.identity == *identity && it.binary == binary.digest)?;
        Some(found.printed.clone())
    }

    /// Now, by the clock of the file system. None where nothing can be written.
    pub fn moment(&self) -> Option<SystemTime> {
        let directory = self.file.as_ref()?.parent()?;
        std::fs::create_dir_all(directory).ok()?;
        let nameless = tempfile::tempfile_in(directory).ok()?;
        nameless.metadata().ok()?.modified().ok()
    }

    /// Remembers one more.
    pub fn add(&mut self, entry: Remembered) {
        self.added.push(entry);
    }

    /// Writes down what was added, beside what others have written meanwhile.
    pub fn write(self) {
        let Some(file) = self.file.filter(|_| !self.added.is_empty()) else {
            return;
        };
        // What somebody else writes between this and the rename is lost, and asked again.
        let mut entries = load(&file).unwrap_or_default();
        let is_renewed = |it: &Remembered| self.added.iter().any(|new| new.identity == it.identity);
        entries.retain(|it| !is_renewed(it));
        entries.extend(self.added);
        entries.drain(..entries.len().saturating_sub(MOST));
        let _ = store(&file, &entries);
    }
}

fn load(file: &Path) -> Option<Vec<Remembered>> {
    if file.metadata().ok()?.len() > LARGEST {
        return None;
    }
    let bytes = std::fs::read(file).ok()?;
    let (checksum, content) = bytes.split_at_checked(CHECKSUM)?;
    if blake3::hash(content).as_bytes() != checksum {
        return None;
    }
    let (format, entries): (u32, Vec<Remembered>) = postcard::from_bytes(content).ok()?;
    (format == FORMAT).then_some(entries)
}

fn store(file: &Path, entries: &[Remembered]) -> std::io::Result<()> {
    let content = postcard::to_stdvec(&(FORMAT, entries)).map_err(std::io::Error::other)?;
    let directory = file.parent().unwrap_or(Path::new("."));
    let mut scratch = tempfile::NamedTempFile::new_in(directory)?;
    scratch.write_all(blake3::hash(&content).as_bytes())?;
    scratch.write_all(&content)?;
    scratch.persist(file)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::digest::Digester;

    fn digest(text: &str) -> Digest {
        Digester::new("test").part("text", text.as_bytes()).finish()
    }

    fn entry(command: &str, printed: &str) -> Remembered {
        Remembered {
            identity: digest(command),
            binary: digest("binary"),
            printed: digest(printed),
        }
    }

    fn remember(file: &Path, entries: impl IntoIterator<Item = Remembered>) {
        let mut memory = Memory::read(Some(file));
        assert!(memory.moment().is_some());
        entries.into_iter().for_each(|it| memory.add(it));
        memory.write();
    }

    #[test]
    fn what_was_written_is_read_and_renewed() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("svc/tools");
        remember(&file, []);
        assert!(!file.exists());
        remember(&file, [entry("a", "1"), entry("b", "2")]);
        // Somebody who read the file before that.
        let mut early = Memory::read(None);
        early.file = Some(file.clone());
        early.add(entry("a", "3"));
        early.write();
        assert_eq!(load(&file).unwrap(), [entry("b", "2"), entry("a", "3")]);
        assert_eq!(
            std::fs::read_dir(place.path().join("svc")).unwrap().count(),
            1
        );
    }

    #[test]
    fn only_so_many_are_kept() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("tools");
        let many = |from: usize| (from..from + MOST).map(|at| entry(&at.to_string(), "x"));
        remember(&file, many(0));
        remember(&file, many(7));
        assert_eq!(load(&file).unwrap(), many(7).collect::<Vec<_>>());
        assert!(file.metadata().unwrap().len() < LARGEST);
    }

    #[test]
    fn damage_counts_as_nothing() {
        let place = tempfile::tempdir().unwrap();
        let file = place.path().join("tools");
        remember(&file, [entry("a", "1")]);
        let whole = std::fs::read(&file).unwrap();
        for at in 0..whole.len() {
            let mut flipped = whole.clone();
            flipped[at] ^= 1;
            for damaged in [&flipped[..], &whole[..at]] {
                std::fs::write(&file, damaged).unwrap();
                assert_eq!(load(&file), None);
            }
        }
        remember(&file, [entry("b", "2")]);
        assert_eq!(load(&file).unwrap(), [entry("b", "2")]);
        std::fs::File::create(&file)
            .unwrap()
            .set_len(LARGEST + 1)
            .unwrap();
        assert_eq!(load(&file), None);
        std::fs::remove_file(&file).unwrap();
        std::fs::create_dir(&file).unwrap();
        remember(&file, [entry("b", "2")]);
        assert_eq!(load(&file), None);
    }
}
