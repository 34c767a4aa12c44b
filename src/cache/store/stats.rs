//! What the store holds, in numbers.

use crate::cache::store::lines::{self, Conflict};
use crate::cache::store::place::Shelf;
use crate::cache::store::result::ResultFile;
use crate::cache::store::walk::entries;
use crate::cache::store::{Store, clock};

/// What the store holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    pub results: u64,
    /// Packs and large files.
    pub objects: u64,
    /// What all of it takes on the disk.
    pub bytes: u64,
    /// What the outputs of all results would take in working trees.
    pub output_bytes: u64,
    /// Files, links and directories of all results.
    pub outputs: u64,
    /// When the result that was used longest ago was used, in milliseconds since 1970.
    pub oldest: Option<u64>,
    pub newest: Option<u64>,
    /// How often a key was kept again with other outputs or values.
    pub conflicts: u64,
    /// The last of them, oldest first.
    pub last_conflicts: Vec<Conflict>,
}

/// Counts.
pub fn stats(store: &Store) -> Stats {
    let (conflicts, last_conflicts) = lines::conflicts(&store.place);
    let mut stats = Stats {
        conflicts,
        last_conflicts,
        ..Stats::default()
    };
    for shelf in Shelf::ALL {
        for entry in entries(&store.place, shelf) {
            stats.bytes += entry.bytes;
            match shelf {
                Shelf::Files | Shelf::Packs => stats.objects += 1,
                Shelf::Tasks => {}
                Shelf::Results => {
                    let path = store.place.path(shelf, entry.name.as_str());
                    let Ok(result) = ResultFile::open(&path, &entry.name) else {
                        continue;
                    };
                    let used = clock::milliseconds(entry.used);
                    stats.results += 1;
                    stats.output_bytes = stats
                        .output_bytes
                        .saturating_add(result.header.output_bytes);
                    stats.outputs = stats.outputs.saturating_add(result.header.output_files);
                    stats.oldest = Some(stats.oldest.map_or(used, |it| it.min(used)));
                    stats.newest = Some(stats.newest.map_or(used, |it| it.max(used)));
                }
            }
        }
    }
    stats
}
