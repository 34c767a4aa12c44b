//! Who may read a file by a pattern, without asking every pattern of every task.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::path::ancestors;
use crate::model::pattern::Pattern;
use crate::model::workspace::{ServiceIndex, Workspace};

/// The services whose tasks name files by patterns, by the literal path that each pattern begins with.
pub struct Readers(BTreeMap<Box<[u8]>, Vec<Reader>>);

/// A pattern, and the services that name it: hundreds may name the same files above all of them.
struct Reader {
    pattern: Pattern,
    services: Vec<ServiceIndex>,
}

impl Readers {
    /// Looks through the inputs of every task.
    pub fn new(workspace: &Workspace) -> Self {
        let mut by_text: HashMap<&str, Reader> = HashMap::new();
        for index in workspace.indices() {
            let tasks = workspace.service(index).tasks.values();
            for pattern in tasks.flat_map(|task| task.inputs.taken()) {
                let reader = by_text.entry(pattern.as_str()).or_insert_with(|| Reader {
                    pattern: pattern.clone(),
                    services: Vec::new(),
                });
                if reader.services.last() != Some(&index) {
                    reader.services.push(index);
                }
            }
        }
        let mut readers: BTreeMap<Box<[u8]>, Vec<Reader>> = BTreeMap::new();
        for reader in by_text.into_values() {
            let literal = reader.pattern.literal().into();
            readers.entry(literal).or_default().push(reader);
        }
        Self(readers)
    }

    /// The services that may read the file at `path` by a pattern.
    pub fn of<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = ServiceIndex> + 'a {
        self.around(path).flat_map(|it| &it.services).copied()
    }

    /// Those of them with a pattern that takes it. What their other rules leave out again is not asked.
    pub fn naming<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = ServiceIndex> + 'a {
        let naming = self.around(path).filter(|it| it.pattern.matches(path));
        naming.flat_map(|it| &it.services).copied()
    }

    fn around<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = &'a Reader> + 'a {
        let around = ancestors(path).filter(|_| !self.0.is_empty());
        around.filter_map(|it| self.0.get(it)).flatten()
    }

    /// The services with a pattern that begins below `path`.
    pub fn below(&self, path: &[u8]) -> BTreeSet<ServiceIndex> {
        let start = [path, b"/"].concat();
        let from = self.0.range(start.clone().into_boxed_slice()..);
        let below = from.take_while(|(literal, _)| literal.starts_with(&start));
        let readers = below.flat_map(|(_, readers)| readers);
        readers.flat_map(|it| &it.services).copied().collect()
    }
}
