//! Who may read a file by a pattern, without asking every pattern of every task.

use std::collections::{BTreeMap, BTreeSet};

use crate::model::input::InputRule;
use crate::model::path::ancestors;
use crate::model::workspace::{ServiceIndex, Workspace};

/// The services whose tasks name files by patterns, by the literal path that each pattern begins with.
pub struct Readers(BTreeMap<Box<[u8]>, Vec<ServiceIndex>>);

impl Readers {
    /// Looks through the inputs of every task.
    pub fn new(workspace: &Workspace) -> Self {
        let mut readers: BTreeMap<Box<[u8]>, Vec<ServiceIndex>> = BTreeMap::new();
        for index in workspace.indices() {
            let tasks = workspace.service(index).tasks.values();
            for rule in tasks.flat_map(|task| task.inputs.rules()) {
                if let InputRule::Take(pattern) = rule {
                    let services = readers.entry(pattern.literal().into()).or_default();
                    services.push(index);
                }
            }
        }
        Self(readers)
    }

    /// The services that may read the file at `path` by a pattern.
    pub fn of<'a>(&'a self, path: &'a [u8]) -> impl Iterator<Item = ServiceIndex> + 'a {
        let around = ancestors(path).filter(|_| !self.0.is_empty());
        around.filter_map(|it| self.0.get(it)).flatten().copied()
    }

    /// The services with a pattern that begins below `path`.
    pub fn below(&self, path: &[u8]) -> BTreeSet<ServiceIndex> {
        let start = [path, b"/"].concat();
        let from = self.0.range(start.clone().into_boxed_slice()..);
        let below = from.take_while(|(literal, _)| literal.starts_with(&start));
        below.flat_map(|(_, services)| services).copied().collect()
    }
}
