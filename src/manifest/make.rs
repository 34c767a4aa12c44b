//! Make: targets, what is included, and the paths that recipes mention.

use crate::manifest::Tool;
use std::collections::BTreeSet;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::mentions;
use crate::model::manifest::{Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

fn knows(name: &str) -> bool {
    matches!(name, "Makefile" | "GNUmakefile" | "makefile") || name.ends_with(".mk")
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    let mut said = BTreeSet::new();
    for (line, words) in (1..).zip(text.lines()) {
        if let Some(paths) = included(words) {
            for path in paths.split_whitespace().filter(|it| !it.contains('$')) {
                facts.reads(line, path, Tie::Declares);
            }
            continue;
        }
        for name in targets(words) {
            if said.insert(name) {
                let (name, command) = (name.to_owned(), format!("make {name}"));
                facts.say(line, What::Script { name, command });
            }
        }
        if words.contains("pytest") {
            facts.say(line, What::TestedBy("pytest".to_owned()));
        }
        mentions::say(&mut facts, line, words);
    }
    Ok(facts.finish())
}

fn included(words: &str) -> Option<&str> {
    let rest = words.strip_prefix(['-', 's']).unwrap_or(words);
    let rest = rest.strip_prefix("include")?;
    rest.starts_with([' ', '\t']).then_some(rest)
}

/// The targets of a rule that are plain names: files that it makes are none.
fn targets(words: &str) -> impl Iterator<Item = &str> {
    let names = match words.split_once(':') {
        Some((names, rest)) => {
            let is_assignment = rest.trim_start_matches(':').starts_with('=');
            let is_rule = !is_assignment && !words.starts_with([' ', '\t', '#']);
            if is_rule { names } else { "" }
        }
        None => "",
    };
    let names = if names.contains('=') { "" } else { names };
    let is_plain = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    names
        .split_whitespace()
        .filter(move |name| name.chars().all(is_plain))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = "include ../common.mk $(X)/y.mk\nPROTO := ../../proto\nCC ?= a:b\n.PHONY: all\nall build: dep\n\t\
        protoc -I $(PROTO) ../../proto/x.proto\n\t$(MAKE) -C ../mail\nout/x.o: x.c\ntest:: all\n%.o: %.c\nbuild:\n";

    #[test]
    fn targets_are_scripts_and_paths_are_mentioned() {
        words::check(
            read,
            "services/cart/Makefile",
            SAMPLE,
            &[
                "1: reads services/common.mk Declares",
                "2: reads proto Mentions",
                "5: script all = make all",
                "5: script build = make build",
                "6: reads proto/x.proto Mentions",
                "7: reads services/mail Mentions",
                "9: script test = make test",
            ],
        );
    }
}
