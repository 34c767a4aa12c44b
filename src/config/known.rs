//! What elements of `inputs` mean, so that each is read once: the tasks of a service, and services that use the same preset,
//! name mostly the same files.

use std::collections::HashMap;

use crate::config::merge;
use crate::config::problem::Findings;
use crate::config::read::At;
use crate::model::input::InputRule;
use crate::model::path::FilePath;
use crate::model::pattern::Glob;

/// The elements that were read before.
#[derive(Default)]
pub struct KnownInputs {
    globs: HashMap<Box<str>, Box<[Glob]>>,
    /// What means the same everywhere.
    from_top: HashMap<Box<str>, Box<[InputRule]>>,
    /// What means something else in each directory, and the one that it was read in.
    below: HashMap<Box<str>, Box<[InputRule]>>,
    directory: FilePath,
}

impl KnownInputs {
    /// The rules of one element, which is read in `directory`; none, with a problem noted, where it cannot be used.
    pub fn rules(
        &mut self,
        findings: &mut Findings,
        text: At<&str>,
        directory: &FilePath,
    ) -> &[InputRule] {
        if self.directory != *directory {
            self.below.clear();
            self.directory = directory.clone();
        }
        let (value, leaves_out) = match text.value.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (text.value, false),
        };
        let known = match value.starts_with('/') {
            true => &mut self.from_top,
            false => &mut self.below,
        };
        // To enter a text, it has to be copied; so it is only looked for first.
        if !known.contains_key(text.value) {
            let globs = &mut self.globs;
            if !globs.contains_key(text.value) {
                let read = match leaves_out {
                    true => Glob::new(value).map(|it| vec![it]),
                    // Whoever looks for the files of a pattern looks where it begins.
                    false => Glob::each(value),
                };
                match read {
                    Ok(read) => _ = globs.insert(text.value.into(), read.into()),
                    Err(reason) => {
                        merge::unusable(findings, "inputs", At { value, ..text }, &reason);
                        return &[];
                    }
                }
            }
            let patterns = globs[text.value].iter().map(|it| it.within(directory));
            let rules = patterns.map(|it| match leaves_out {
                true => InputRule::Leave(it),
                false => InputRule::Take(it),
            });
            known.insert(text.value.into(), rules.collect());
        }
        &known[text.value]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::problem::{FileId, Place};

    #[test]
    fn an_element_means_in_each_directory_what_it_would_mean_alone() {
        let mut known = KnownInputs::default();
        let place = Place::new(FileId(0), 0, 0);
        let mut shown = |value: &str, directory: &str| {
            let mut findings = Findings::default();
            let text = At { value, place };
            let rules = known.rules(&mut findings, text, &directory.into());
            let rules = rules.iter().map(|it| match it {
                InputRule::Take(it) => it.as_str().to_owned(),
                InputRule::Leave(it) => format!("!{}", it.as_str()),
                it => format!("{it:?}"),
            });
            (rules.collect::<Vec<_>>().join(" "), findings.0.len())
        };
        let check = |found: (String, usize), expected: &str| {
            assert_eq!(found, (expected.to_owned(), 0));
        };
        for _ in 0..2 {
            check(shown("src/*.x", "a"), "a/src/*.x");
            check(shown("src/*.x", "b"), "b/src/*.x");
            check(shown("!{x,y}", "b"), "!b/{x,y}");
            check(shown("{x,y}", "b"), "b/x b/y");
            check(shown("/{x,y}", "a"), "x y");
            check(shown("!/{x,y}", "b"), "!{x,y}");
            check(shown("x", ""), "x");
            assert_eq!(shown("../x", "a"), (String::new(), 1));
        }
    }
}
