//! The flags of a bench: `--NAME VALUE`.

use std::collections::BTreeMap;
use std::path::PathBuf;

/// What the command line says.
pub struct Flags {
    values: BTreeMap<String, String>,
    is_bench: bool,
}

impl Flags {
    /// Those of this process, each of which is one of `known`. Without cargo's `--bench` this is a test, which only shows
    /// that all of it works: then they do not count.
    pub fn read(known: &[&str]) -> Self {
        let mut arguments = std::env::args().skip(1);
        let (mut values, mut is_bench) = (BTreeMap::new(), false);
        while let Some(argument) = arguments.next() {
            let name = argument.strip_prefix("--").unwrap_or_default();
            if name == "bench" {
                is_bench = true;
            } else if known.contains(&name) {
                let value = arguments.next();
                let value = value.unwrap_or_else(|| panic!("{argument} VALUE"));
                values.insert(name.to_owned(), value);
            }
        }
        Self { values, is_bench }
    }

    pub fn is_bench(&self) -> bool {
        self.is_bench
    }

    /// The number behind `--name`; without it `usual`, and `in_test` in a test.
    pub fn number(&self, name: &str, usual: usize, in_test: usize) -> usize {
        self.numbers(name, &[usual], &[in_test])[0]
    }

    /// The numbers behind `--name`, with commas between them.
    pub fn numbers(&self, name: &str, usual: &[usize], in_test: &[usize]) -> Vec<usize> {
        match (self.is_bench, self.values.get(name)) {
            (false, _) => in_test.to_owned(),
            (true, None) => usual.to_owned(),
            (true, Some(list)) => {
                let numbers = list.split(',').map(str::parse).collect::<Result<_, _>>();
                numbers.unwrap_or_else(|_| panic!("--{name} NUMBER"))
            }
        }
    }

    /// The directory behind `--name`.
    pub fn directory(&self, name: &str) -> Option<PathBuf> {
        let path = self.values.get(name).filter(|_| self.is_bench)?;
        Some(std::fs::canonicalize(path).unwrap_or_else(|_| panic!("--{name} DIRECTORY")))
    }
}
