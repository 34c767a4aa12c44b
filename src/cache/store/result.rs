//! One result as a file: written whole, read in parts.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, Write};
use std::os::unix::fs::FileExt;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;

use crate::cache::error::{Error, failed};
use crate::cache::store::clock;
use crate::cache::store::damage::{Damage, Flaw};
use crate::cache::store::header::{Extent, Header, LENGTH, Section};
use crate::cache::store::packing::{Packing, Plan};
use crate::cache::store::place::{Identity, Shelf, open};
use crate::model::digest::Digest;
use crate::model::key::{FORMAT, Key};
use crate::model::outputs::{ContentId, OutputTree};

/// Keys and logs are text, mostly; see `packing` for what was measured.
const LEVEL: i32 = 1;

/// A log of no more bytes than this is unpacked at once.
const SHORT_LOG: u64 = 16 << 10;

/// So much is read at once: the whole of a result with up to some 200 files.
const FIRST_READ: usize = 24 << 10;

/// What a hit needs to know.
#[derive(Debug, Serialize, Deserialize)]
pub struct Outcome<'a> {
    pub outputs: Cow<'a, OutputTree>,
    pub outputs_digest: Digest,
    pub values: Cow<'a, BTreeMap<String, String>>,
    pub duration: Duration,
    /// When it was kept, in milliseconds since 1970.
    pub kept: u64,
    pub packing: Packing,
}

/// A pack or a large file that a result is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Object {
    pub shelf: Shelf,
    pub id: ContentId,
}

/// A result's file whose header is whole.
pub struct ResultFile {
    file: File,
    /// As far as it was read.
    start: Vec<u8>,
    pub header: Header,
    /// The digest of the header.
    pub mark: [u8; 32],
    pub metadata: std::fs::Metadata,
}

/// The 32 bytes of a digest.
pub fn bytes_of(digest: &Digest) -> [u8; 32] {
    let hash = blake3::Hash::from_hex(digest.as_str());
    *hash.expect("a digest is 64 hexadecimal digits").as_bytes()
}

/// The objects of this plan.
pub fn objects(plan: &Plan) -> Vec<Object> {
    let files = plan.files.iter().map(|it| (Shelf::Files, it.content));
    let packs = plan.packs.iter().map(|it| (Shelf::Packs, it.id));
    let all = files.chain(packs);
    all.map(|(shelf, id)| Object { shelf, id }).collect()
}

impl ResultFile {
    /// The result of `key` at `path`.
    pub fn open(path: &Path, key: &Digest) -> Result<Self, Flaw> {
        let (file, metadata) = open(path)?;
        let identity = Identity::of(&metadata);
        let damaged = |damage| Flaw::Damaged(damage, Some(identity));
        if !metadata.is_file() {
            return Err(damaged(Damage("it is no file")));
        }
        let start = read(&file, 0, metadata.len().min(FIRST_READ as u64) as usize)?;
        let (header, mark) = Header::parse(&start, metadata.len()).map_err(damaged)?;
        if header.key != bytes_of(key) {
            return Err(damaged(Damage("it is the result of another key")));
        }
        Ok(Self {
            file,
            start,
            header,
            mark,
            metadata,
        })
    }

    /// Marks it as used now, unless that was done within the time `fresh`. If that fails it is pruned a little early.
    pub fn used(&self, fresh: Duration) {
        let now = clock::now();
        if clock::is_older(clock::used(&self.metadata), fresh, now) {
            let _ = self.file.set_modified(now);
        }
    }

    /// What a hit needs to know.
    pub fn outcome(&self) -> Result<Outcome<'static>, Flaw> {
        let bytes = self.section(Section::Outcome)?;
        let outcome: Outcome = self.decoded(postcard::from_bytes(&bytes).ok())?;
        match outcome.packing.is_sound() {
            true => Ok(outcome),
            false => self.decoded(None),
        }
    }

    /// The packs and large files that it is made of.
    pub fn objects(&self) -> Result<Vec<Object>, Flaw> {
        let bytes = self.section(Section::Objects)?;
        let object = |bytes: &[u8]| {
            let (shelf, id) = bytes.split_first()?;
            let shelf = match shelf {
                0 => Shelf::Files,
                1 => Shelf::Packs,
                _ => return None,
            };
            let id = ContentId(id.try_into().ok()?);
            Some(Object { shelf, id })
        };
        self.decoded(bytes.chunks(33).map(object).collect())
    }

    /// The key with its parts, if this version of `svc` can read it.
    pub fn key(&self) -> Result<Option<Key>, Flaw> {
        let stored = self.section(Section::Key)?;
        let plain = self.header.extent(Section::Key).plain;
        let mut bytes = Vec::new();
        let unpacked =
            zstd::Decoder::new(&stored[..]).and_then(|it| it.take(plain).read_to_end(&mut bytes));
        self.decoded(unpacked.ok())?;
        // A key of another format would be taken for something that it is not.
        if !matches!(postcard::take_from_bytes::<u32>(&bytes), Ok((FORMAT, _))) {
            return Ok(None);
        }
        self.decoded(postcard::from_bytes(&bytes).ok()).map(Some)
    }

    /// The log, after all of it was verified.
    pub fn log(mut self) -> Result<Option<Log>, Flaw> {
        let extent = self.header.extent(Section::Log);
        if extent.stored == 0 {
            return Ok(None);
        }
        if extent.stored.max(extent.plain) <= SHORT_LOG {
            let stored = self.section(Section::Log)?;
            let plain = zstd::bulk::decompress(&stored, extent.plain as usize);
            let plain = self.decoded(plain.ok())?;
            return Ok(Some(Log::Short(Cursor::new(plain))));
        }
        let start = self.header.start(Section::Log);
        self.file.seek(io::SeekFrom::Start(start))?;
        let mut hasher = blake3::Hasher::new();
        hasher.update_reader((&self.file).take(extent.stored))?;
        if *hasher.finalize().as_bytes() != extent.digest {
            return self.decoded(None);
        }
        self.file.seek(io::SeekFrom::Start(start))?;
        let stored = BufReader::new(self.file.take(extent.stored));
        let plain = zstd::Decoder::with_buffer(stored)?.take(extent.plain);
        Ok(Some(Log::Long(Box::new(plain))))
    }

    /// The bytes of a section as they are stored, verified.
    fn section(&self, section: Section) -> Result<Cow<'_, [u8]>, Flaw> {
        // The lengths add up to the length of the file, so none is more than what is there.
        let extent = self.header.extent(section);
        let start = self.header.start(section);
        let end = start + extent.stored;
        let bytes = match self.start.get(start as usize..end as usize) {
            Some(bytes) => Cow::Borrowed(bytes),
            None => Cow::Owned(read(&self.file, start, extent.stored as usize)?),
        };
        self.decoded((blake3::hash(&bytes).as_bytes() == &extent.digest).then_some(()))?;
        Ok(bytes)
    }

    fn decoded<T>(&self, value: Option<T>) -> Result<T, Flaw> {
        let damage = Damage("its bytes were changed");
        value.ok_or(Flaw::Damaged(damage, Some(Identity::of(&self.metadata))))
    }
}

/// What a task printed.
pub enum Log {
    /// In memory.
    Short(Cursor<Vec<u8>>),
    /// Unpacked as it is read.
    Long(Box<io::Take<zstd::Decoder<'static, BufReader<io::Take<File>>>>>),
}

impl Read for Log {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Short(plain) => plain.read(into),
            Self::Long(plain) => plain.read(into),
        }
    }
}

/// Writes a result to `file`.
pub fn write(
    file: &NamedTempFile,
    key: &Key,
    objects: &[Object],
    outcome: &Outcome,
    log: Option<&Path>,
) -> Result<(), Error> {
    let to = file.path().to_owned();
    let failed_to_write = || failed("write", &to);
    let mut names = Vec::with_capacity(objects.len() * 33);
    for object in objects {
        names.push(u8::from(object.shelf == Shelf::Packs));
        names.extend_from_slice(&object.id.0);
    }
    let encode = "values of these types can always be written down";
    let told = postcard::to_stdvec(outcome).expect(encode);
    let plain_key = postcard::to_stdvec(key).expect(encode);
    let packed_key = zstd::bulk::compress(&plain_key, LEVEL).map_err(failed_to_write())?;

    let mut writer = io::BufWriter::with_capacity(64 << 10, file.as_file());
    for bytes in [&[0; LENGTH][..], &names, &told, &packed_key] {
        writer.write_all(bytes).map_err(failed_to_write())?;
    }
    let log = match log {
        Some(path) => write_log(&mut writer, path, &to)?,
        None => Extent::of(b"", 0),
    };
    writer.flush().map_err(failed_to_write())?;
    drop(writer);
    let header = Header {
        key: bytes_of(&key.digest()),
        output_bytes: outcome.outputs.size(),
        output_files: outcome.outputs.entries().len() as u64,
        sections: [
            Extent::of(&names, names.len()),
            Extent::of(&told, told.len()),
            Extent::of(&packed_key, plain_key.len()),
            log,
        ],
    };
    let written = file.as_file().write_all_at(&header.to_bytes(), 0);
    written.map_err(failed_to_write())
}

/// Packs the log behind what is written already, without holding it in memory.
fn write_log(writer: &mut impl Write, path: &Path, to: &Path) -> Result<Extent, Error> {
    let mut log = File::open(path).map_err(failed("read the log", path))?;
    let hashing = Hashing {
        to: writer,
        hasher: blake3::Hasher::new(),
        length: 0,
    };
    let mut encoder = zstd::Encoder::new(hashing, LEVEL).map_err(failed("write", to))?;
    let plain = io::copy(&mut log, &mut encoder).map_err(failed("keep the log", path))?;
    let hashing = encoder.finish().map_err(failed("write", to))?;
    Ok(Extent {
        stored: hashing.length,
        plain,
        digest: *hashing.hasher.finalize().as_bytes(),
    })
}

/// Digests what is written.
struct Hashing<W> {
    to: W,
    hasher: blake3::Hasher,
    length: u64,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.to.write(bytes)?;
        self.hasher.update(&bytes[..written]);
        self.length += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.to.flush()
    }
}

/// So many bytes at a place, or as many as there are.
fn read(file: &File, start: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = vec![0; length];
    let mut at = 0;
    while at < length {
        match file.read_at(&mut bytes[at..], start + at as u64) {
            Ok(0) => break,
            Ok(read) => at += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(at);
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cache::store::packing::PACKING;
    use crate::model::key::sample::{digest, key};
    use crate::model::outputs::{Output, OutputEntry};

    /// If this fails, what earlier versions kept would be read as something else: raise the version in `place`, and for a
    /// key the one in `model::key` as well.
    #[test]
    fn what_is_written_stays_the_same() {
        let outputs = [
            Output::Directory { mode: 0o755 },
            Output::File {
                mode: 0o644,
                size: 1,
                content: ContentId::of(b"x"),
            },
            Output::Link {
                target: b"a".into(),
            },
        ];
        let entry = |(path, output): (&str, Output)| OutputEntry {
            path: path.into(),
            output,
        };
        let tree = OutputTree::new(
            ["a", "b", "c"]
                .into_iter()
                .zip(outputs)
                .map(entry)
                .collect(),
        );
        let outcome = Outcome {
            outputs: Cow::Borrowed(&tree),
            outputs_digest: digest("outputs"),
            values: Cow::Owned([("name".into(), "value".into())].into()),
            duration: Duration::from_millis(1500),
            kept: 1,
            packing: PACKING,
        };
        let hash = |bytes: Vec<u8>| blake3::hash(&bytes).to_hex()[..16].to_owned();
        let told = hash(postcard::to_stdvec(&outcome).unwrap());
        let key = hash(postcard::to_stdvec(&key()).unwrap());
        assert_eq!(
            (told.as_str(), key.as_str()),
            ("87699986918741de", "af855c887c645f8c")
        );
    }
}
