//! Which contents lie together: small files in packs, each large one by itself.
//!
//! Measured with `cargo bench --bench store` (two cores that others used too, ext4 without clones; each as a multiple of the
//! time that `cp -r` of the same files took, in the same round):
//!
//! | | write 200 × 2 KiB | read them | stored | write 100 MiB | read it | stored |
//! |---|---|---|---|---|---|---|
//! | one object each, as it is | 0.6–0.9 | 0.9 | 400 KiB | 0.75 | 3.4 | 100 MiB |
//! | one object each, zstd 1 | 1.0 | 0.9–1.1 | 319 KiB | 13 | 8.4 | 65 MiB |
//! | one object each, zstd 3 | 1.1 | 1.0–1.1 | 318 KiB | 24 | 8.8 | 53 MiB |
//! | one pack, as it is | 0.02 | 0.6–1.0 | 400 KiB | | | |
//! | one pack, zstd 1 | 0.03–0.05 | 0.75 | 264 KiB | | | |
//! | one pack, zstd 3 | 0.04–0.14 | 0.9 | 222 KiB | | | |
//!
//! (A read ends with verified files; 200 of them cost their creation, whatever they come from. Reading 100 MiB at once, as
//! here, is no good: the store copies in pieces.) So small files go into packs at level 1, which takes a third less room for
//! nothing that can be measured in a whole; and large ones stay as they are, since compressing costs ten times what the
//! copy does, and since they can then be cloned and shared between results.
//!
//! As built, over four runs while others used both processors: 200 × 2 KiB are kept in 0.04–0.25 and given back in
//! 0.7–0.9; 100 MiB are kept in 0.7–1.7 and given back in 0.55–1.7, the middle being 1.4 (1.6 when digest and write did not
//! overlap); 200 × 2 KiB with 1 MiB are kept in 0.1–0.3 and given back in 0.9–1.1.

use std::collections::HashSet;

use serde::{Deserialize, Serialize};

use crate::model::outputs::{ContentId, Output, OutputTree};
use crate::model::path::FilePath;

/// How results are packed from now on.
pub const PACKING: Packing = Packing {
    alone: 1 << 20,
    pack: 4 << 20,
};

/// The most that a pack may hold: it is unpacked in memory.
const LARGEST: u64 = 64 << 20;

/// The first bytes of everything that names a pack.
const KIND: &[u8] = b"svc pack 1";

/// The sizes that decide. They are kept with each result, so that others can be chosen later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Packing {
    /// Files of this size and more are kept by themselves: as they are, so that they can be cloned, and once for all
    /// results that hold them.
    pub alone: u64,
    /// A pack takes no more than this.
    pub pack: u64,
}

/// What lies where.
#[derive(Debug, Default)]
pub struct Plan<'t> {
    pub files: Vec<Part<'t>>,
    pub packs: Vec<Pack<'t>>,
}

/// Small files that lie together, one behind the other.
#[derive(Debug)]
pub struct Pack<'t> {
    pub id: ContentId,
    /// How many bytes all its parts hold.
    pub size: u64,
    pub parts: Vec<Part<'t>>,
}

/// The content of one or more files.
#[derive(Clone, Copy, Debug)]
pub struct Part<'t> {
    pub content: ContentId,
    pub size: u64,
    /// The first file with this content.
    pub path: &'t FilePath,
}

impl Packing {
    /// Whether these sizes are ones that we choose: others come from a foreign file.
    pub fn is_sound(self) -> bool {
        self.alone <= LARGEST && self.pack <= LARGEST
    }

    /// Where the contents of this tree lie: each once, in the order of their paths. Empty files lie nowhere.
    pub fn plan(self, tree: &OutputTree) -> Plan<'_> {
        let mut plan = Plan::default();
        let mut seen = HashSet::from([ContentId::of(b"")]);
        let mut open: Vec<Part> = Vec::new();
        let mut held = 0;
        for entry in tree.entries() {
            let Output::File { size, content, .. } = entry.output else {
                continue;
            };
            if !seen.insert(content) {
                continue;
            }
            let part = Part {
                content,
                size,
                path: &entry.path,
            };
            if size >= self.alone {
                plan.files.push(part);
                continue;
            }
            if held + size > self.pack && !open.is_empty() {
                plan.packs.push(Pack::new(std::mem::take(&mut open)));
                held = 0;
            }
            held += size;
            open.push(part);
        }
        if !open.is_empty() {
            plan.packs.push(Pack::new(open));
        }
        plan
    }
}

impl<'t> Pack<'t> {
    fn new(parts: Vec<Part<'t>>) -> Self {
        let mut hasher = blake3::Hasher::new();
        hasher.update(KIND);
        for part in &parts {
            hasher.update(&part.content.0);
            hasher.update(&part.size.to_le_bytes());
        }
        Self {
            id: ContentId(*hasher.finalize().as_bytes()),
            size: parts.iter().map(|it| it.size).sum(),
            parts,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::outputs::OutputEntry;

    fn tree(sizes: &[u64]) -> OutputTree {
        let file = |(at, size): (usize, &u64)| OutputEntry {
            path: FilePath::from(format!("{at:03}").as_str()),
            output: Output::File {
                mode: 0o644,
                size: *size,
                content: match size {
                    0 => ContentId::of(b""),
                    // Two files of the same size hold the same.
                    size => ContentId::of(&size.to_le_bytes()),
                },
            },
        };
        OutputTree::new(sizes.iter().enumerate().map(file).collect())
    }

    #[test]
    fn small_files_share_packs_and_large_ones_stand_alone() {
        let packing = Packing {
            alone: 10,
            pack: 20,
        };
        let check = |sizes: &[u64], files: &[u64], packs: &[&[u64]]| {
            let tree = tree(sizes);
            let plan = packing.plan(&tree);
            let alone: Vec<u64> = plan.files.iter().map(|it| it.size).collect();
            let packed: Vec<Vec<u64>> = plan
                .packs
                .iter()
                .map(|pack| pack.parts.iter().map(|it| it.size).collect())
                .collect();
            assert_eq!(
                (alone.as_slice(), packed),
                (files, packs.iter().map(|it| it.to_vec()).collect())
            );
        };
        check(&[], &[], &[]);
        check(&[0, 0], &[], &[]);
        check(&[1, 0, 2], &[], &[&[1, 2]]);
        check(&[9, 10, 11], &[10, 11], &[&[9]]);
        check(&[9, 8, 7, 6], &[], &[&[9, 8], &[7, 6]]);
        check(&[5, 5, 5, 12, 12], &[12], &[&[5]]);
    }

    #[test]
    fn the_name_of_a_pack_stays_the_same() {
        let tree = tree(&[1, 2, 3]);
        let plan = PACKING.plan(&tree);
        assert_eq!(
            &plan.packs[0].id.to_string()[..16],
            "57d213858fc0ca36",
            "stored packs are found by it"
        );
    }
}
