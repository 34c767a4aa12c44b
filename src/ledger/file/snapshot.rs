//! What the lines come to, kept so that not all are read each time. Nothing depends on it.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use crate::ledger::file::state::State;
use crate::model::ledger::{Lease, Standing};
use crate::model::name::ServiceName;

/// Raise this when it is to be made anew.
const VERSION: u32 = 1;

/// The file it is kept in.
pub struct Snapshot {
    path: PathBuf,
    /// Only who has the lock writes it.
    new: PathBuf,
}

/// All but the standings.
#[derive(Serialize, Deserialize)]
struct Head {
    version: u32,
    last: u64,
    end: u64,
    checksum: String,
    lines: u64,
    ledger: Option<String>,
    lease: Option<Lease>,
}

impl Snapshot {
    pub fn new(directory: &Path) -> Self {
        Self {
            path: directory.join("standings"),
            new: directory.join("standings.new"),
        }
    }

    /// What was kept, if it is whole and `entries` goes on from it.
    pub fn load(&self, entries: &mut File) -> Option<State> {
        let bytes = fs::read(&self.path).ok()?;
        let (digest, rest) = bytes.split_at_checked(64)?;
        let rest = rest.strip_prefix(b"\n")?;
        if blake3::hash(rest).to_hex().as_bytes() != digest {
            return None;
        }
        let mut lines = rest
            .split(|byte| *byte == b'\n')
            .filter(|it| !it.is_empty());
        let head: Head = serde_json::from_slice(lines.next()?).ok()?;
        if head.version != VERSION || !goes_on(entries, &head)? {
            return None;
        }
        if let Some(lease) = &head.lease {
            lease.check().ok()?;
        }
        let lines: Vec<&[u8]> = lines.collect();
        let standings = lines.par_iter().map(|line| read(line));
        Some(State {
            standings: standings.collect::<Option<_>>()?,
            last: head.last,
            end: head.end,
            checksum: head.checksum,
            lines: head.lines,
            ledger: head.ledger,
            lease: head.lease,
            kept: bytes.len() as u64,
            kept_end: head.end,
        })
    }

    /// Keeps it, if that can be. Called with the lock.
    pub fn save(&self, state: &State) {
        let mut text = serde_json::to_string(&Head {
            version: VERSION,
            last: state.last,
            end: state.end,
            checksum: state.checksum.clone(),
            lines: state.lines,
            ledger: state.ledger.clone(),
            lease: state.lease.clone(),
        })
        .expect("all keys are text");
        for standing in state.standings.values() {
            text.push('\n');
            text += &serde_json::to_string(standing).expect("all keys are text");
        }
        let write = || {
            let mut options = File::options();
            let options = options.write(true).create(true).truncate(true).mode(0o600);
            let mut file = options.open(&self.new)?;
            let digest = blake3::hash(text.as_bytes()).to_hex();
            file.write_all(format!("{digest}\n{text}").as_bytes())?;
            fs::rename(&self.new, &self.path)
        };
        if write().is_err() {
            let _ = fs::remove_file(&self.new);
        }
    }
}

/// Whether the last line that was read for it is where it was.
fn goes_on(entries: &mut File, head: &Head) -> Option<bool> {
    if head.end == 0 || head.last >= head.end {
        return None;
    }
    // Its checksum is that of all before it; its end is there if the next line, or nothing, begins where it did.
    let mut begin = vec![0; head.checksum.len()];
    entries.seek(SeekFrom::Start(head.last)).ok()?;
    entries.read_exact(&mut begin).ok()?;
    let mut end = [0];
    entries.seek(SeekFrom::Start(head.end - 1)).ok()?;
    entries.read_exact(&mut end).ok()?;
    Some(begin == head.checksum.as_bytes() && end == *b"\n")
}

fn read(line: &[u8]) -> Option<(ServiceName, Standing)> {
    let standing = Standing::read(line).ok()?;
    Some((standing.newest.service.clone(), standing))
}
