//! Which packages are told apart in each format: an entry is changed, and the packages whose part changed are named.

mod cargo;
mod npm;
mod pnpm;
mod python;
mod yarn;

use std::collections::BTreeMap;

use crate::manifest::read_lock;
use crate::model::lock_file::LockParts;
use crate::model::path::FilePath;

/// A lock file and the manifests of the packages in it.
struct Case {
    file: &'static str,
    text: String,
    manifests: BTreeMap<FilePath, String>,
}

impl Case {
    fn new(file: &'static str, text: &str, manifests: &[(&str, &str)]) -> Self {
        let manifests = manifests.iter();
        Self {
            file,
            text: text.to_owned(),
            manifests: manifests.map(|it| (it.0.into(), it.1.to_owned())).collect(),
        }
    }

    fn parts(&self, text: &str) -> Result<LockParts, String> {
        let lock = read_lock(&self.file.into(), text.as_bytes(), &self.manifests);
        lock.map(LockParts::new).map_err(|it| it.to_string())
    }

    /// Replaces a text of the file; gives the packages whose part is another then, each with the entries that differ. One
    /// for which nothing can be told stands with `?`.
    fn change(&self, from: &str, to: &str) -> Vec<String> {
        assert!(self.text.contains(from), "{from}");
        let (old, new) = (
            self.parts(&self.text).unwrap(),
            self.parts(&self.text.replace(from, to)).unwrap(),
        );
        let top = FilePath::default();
        let packages: Vec<&FilePath> = new
            .digests()
            .packages(&top)
            .filter(|it| !it.is_root())
            .collect();
        let of = |package: &&FilePath| match (
            old.digests().of(&[*package]),
            new.digests().of(&[*package]),
        ) {
            (Some(before), Some(after)) if before == after => None,
            (Some(_), Some(_)) => Some(format!(
                "{}: {}",
                package.display(),
                new.differing(&old, &[*package]).join(" ")
            )),
            _ => Some(format!("{}?", package.display())),
        };
        packages.iter().filter_map(of).collect()
    }

    fn refused(&self, from: &str, to: &str) -> String {
        self.parts(&self.text.replace(from, to)).err().unwrap()
    }
}

#[test]
fn files_of_other_formats_are_refused() {
    let none = BTreeMap::new();
    for file in ["go.sum", "Gemfile.lock", "x/bun.lockb"] {
        let refused = read_lock(&file.into(), b"x", &none)
            .unwrap_err()
            .to_string();
        assert!(refused.contains("no lock file whose parts"), "{refused}");
    }
    for file in [
        "Cargo.lock",
        "package-lock.json",
        "pnpm-lock.yaml",
        "yarn.lock",
        "poetry.lock",
        "uv.lock",
    ] {
        for text in [
            "",
            "{}",
            "[]",
            "a",
            "a: b",
            "[x]",
            "\0",
            "---\n---\n",
            "a: {b: [c",
            "\"",
            ":",
        ] {
            let read = read_lock(&file.into(), text.as_bytes(), &none);
            let packages = read.map(|it| it.roots.len()).unwrap_or_default();
            assert_eq!(packages, 0, "{file} {text}");
        }
    }
}
