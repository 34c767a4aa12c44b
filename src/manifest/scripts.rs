//! Shell scripts that generate or build: the paths that they mention.

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::mentions;
use crate::model::manifest::Manifest;
use crate::model::path::FilePath;

/// Words in the names of such scripts.
const WORDS: &[&str] = &[
    "build", "bundle", "codegen", "compile", "gen", "generate", "genproto", "mkproto", "proto",
    "protoc", "protogen", "protos", "stubs",
];

pub fn knows(name: &str) -> bool {
    let stem = name.strip_suffix(".sh").or(name.strip_suffix(".bash"));
    stem.is_some_and(|stem| {
        let mut words = stem.split(['-', '_', '.']);
        words.any(|word| WORDS.iter().any(|known| word.eq_ignore_ascii_case(known)))
    })
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    for (line, words) in (1..).zip(text.lines()) {
        mentions::say(&mut facts, line, words);
    }
    Ok(facts.finish())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = "#!/bin/bash -eu\n# see ../../no\nprotodir=../../protos\nprotoc --go_out=./genproto -I $protodir \
        -I../../third_party demo.proto # ../x\ncp \"${REPO_ROOT}/libs/a.txt\" \"$(dirname \"$0\")/../b\"\n\
        docker build services/cart\necho a/b /usr/bin ../../../../out\n";

    #[test]
    fn paths_that_lead_out_are_mentioned() {
        testing::check(
            read,
            "src/cart/genproto.sh",
            SAMPLE,
            &[
                "3: reads protos Mentions",
                "4: reads third_party Mentions",
                "5: reads libs/a.txt Mentions",
                "5: reads src/b Mentions",
                "6: reads services/cart Mentions",
            ],
        );
    }

    #[test]
    fn scripts_are_known_by_what_they_are_for() {
        for name in ["genproto.sh", "build.sh", "build-all.sh", "proto_gen.bash"] {
            assert!(knows(name), "{name}");
        }
        for name in ["start.sh", "builder.py", "rebuildable.sh"] {
            assert!(!knows(name), "{name}");
        }
    }
}
