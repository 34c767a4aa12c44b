//! When a lease is over: once it was seen unchanged for its whole term, however often `svc` was started meanwhile.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::ledger::clock::{Clock, token};
use crate::model::ledger::Lease;

/// What was seen of the lease of one ledger, kept in a small file.
#[derive(Debug)]
pub struct Observations {
    file: Option<PathBuf>,
    first: Option<Sight>,
}

/// The first sight of a lease as it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sight {
    token: String,
    beat: u64,
    /// The start of the system that `at` counts from.
    boot: Option<String>,
    at: Duration,
}

impl Observations {
    /// What was seen of the ledger called `name`. Without a directory nothing is kept.
    pub fn new(directory: Option<&Path>, name: &str) -> Self {
        let name = format!("seen-{}", &blake3::hash(name.as_bytes()).to_hex()[..16]);
        let file = directory.map(|it| it.join(name));
        let read = |file: &PathBuf| serde_json::from_slice(&fs::read(file).ok()?).ok();
        let first = file.as_ref().and_then(read);
        Self { file, first }
    }

    /// For how long `lease` was seen unchanged, being as it is in a look that began at `begun`.
    pub fn unchanged(&mut self, lease: &Lease, begun: Duration, clock: &dyn Clock) -> Duration {
        let boot = clock.boot();
        let is_known = |it: &&Sight| {
            let same = (it.token.as_str(), it.beat) == (lease.token.as_str(), lease.beat);
            // What was kept of another start of the system, or lies ahead, says nothing.
            same && it.boot == boot && it.at <= clock.now()
        };
        match self.first.as_ref().filter(is_known) {
            Some(first) => begun.saturating_sub(first.at),
            None => {
                // The look has ended by now: it was as it is no later than this.
                let first = Sight {
                    token: lease.token.clone(),
                    beat: lease.beat,
                    boot,
                    at: clock.now(),
                };
                self.keep(&first);
                self.first = Some(first);
                Duration::ZERO
            }
        }
    }

    /// If it cannot be kept, the next `svc` watches for longer.
    fn keep(&self, first: &Sight) {
        let Some(file) = self.file.as_ref().filter(|_| first.boot.is_some()) else {
            return;
        };
        let new = file.with_extension(token());
        let text = serde_json::to_string(first).expect("all keys are text");
        let made = file.parent().map(fs::create_dir_all);
        let is_kept = matches!(made, Some(Ok(())))
            && fs::write(&new, text).is_ok()
            && fs::rename(&new, file).is_ok();
        if !is_kept {
            let _ = fs::remove_file(&new);
        }
    }
}
