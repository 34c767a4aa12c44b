//! Files that say which versions of tools are used. At the top of the workspace they count for everybody.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::model::manifest::{Manifest, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| FILES.contains(&name),
    read,
};

/// Sorted.
const FILES: &[&str] = &[
    ".bazelversion",
    ".bun-version",
    ".deno-version",
    ".go-version",
    ".java-version",
    ".mise.toml",
    ".node-version",
    ".nvmrc",
    ".php-version",
    ".prototools",
    ".python-version",
    ".ruby-version",
    ".sdkmanrc",
    ".terraform-version",
    ".tool-versions",
    "mise.toml",
    "rust-toolchain",
    "rust-toolchain.toml",
];

fn read(file: &FilePath, _text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    if facts.directory.is_root() {
        facts.say(1, What::Global(file.display()));
    }
    Ok(facts.finish())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::check;

    #[test]
    fn only_those_at_the_top_count_for_everybody() {
        assert!(FILES.is_sorted());
        for name in FILES {
            check(name, "", &[(1, What::Global((*name).into()))]);
            check(&format!("a/{name}"), "1.2.3\n", &[]);
        }
    }
}
