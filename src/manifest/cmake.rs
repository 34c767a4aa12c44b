//! CMake: targets, and what is linked and included.

use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::code::{self, Code};
use crate::model::manifest::{Ecosystem::Cmake, Makes, Manifest, Tie};
use crate::model::path::FilePath;

/// More commands are not followed: nobody writes them by hand.
const MOST_COMMANDS: usize = 2_000;

pub fn knows(name: &str) -> bool {
    name == "CMakeLists.txt"
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    static COMMAND: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"(?i)\b(project|add_executable|add_library|add_subdirectory|target_link_libraries|link_libraries|find_package|include|target_include_directories|include_directories|target_sources|configure_file)\s*\(",
        )
        .expect("the pattern is well formed")
    });
    let code = Code::of(text, &code::CMAKE);
    let mut reader = Reader {
        facts: Facts::of(file),
        project: None,
        executable: None,
        library: None,
        members: Vec::new(),
    };
    for found in code.all(&COMMAND).take(MOST_COMMANDS) {
        if let (Some(whole), Some(name)) = (found.get(0), found.get(1)) {
            let words = words(&code, code.bracketed(whole.end() - 1));
            let line = code.line(whole.start());
            reader.take(&name.as_str().to_ascii_lowercase(), line, &words);
        }
    }
    Ok(reader.finish())
}

/// The arguments of a command, each with its line.
fn words<'a>(code: &Code<'a>, range: Range<usize>) -> Vec<(u32, &'a str)> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r#""[^"]*"|[^\s"()]+"#).expect("the pattern is well formed"));
    let start = range.start;
    let found = WORD.find_iter(&code.bare()[range]);
    let found = found.map(|it| {
        let text = code.slice(start + it.start()..start + it.end());
        (code.line(start + it.start()), text.trim_matches('"'))
    });
    found.collect()
}

struct Reader {
    facts: Facts,
    project: Option<(u32, String)>,
    /// The first of each.
    executable: Option<(u32, String)>,
    library: Option<(u32, String)>,
    members: Vec<(u32, String)>,
}

impl Reader {
    fn take(&mut self, command: &str, line: u32, words: &[(u32, &str)]) {
        let Some((_, first)) = words.first() else {
            return;
        };
        let is_plain = !first.contains('$');
        let has = |word: &str| words.iter().any(|it| it.1 == word);
        match command {
            "project" if is_plain => {
                self.facts
                    .offers(line, Cmake, *first, self.facts.directory.clone());
                self.project.get_or_insert((line, (*first).to_owned()));
            }
            "add_executable" | "add_library" if is_plain && !has("IMPORTED") => {
                self.facts
                    .offers(line, Cmake, *first, self.facts.directory.clone());
                let made = match command {
                    "add_library" => &mut self.library,
                    _ => &mut self.executable,
                };
                made.get_or_insert((line, (*first).to_owned()));
                self.paths(&words[1..], Tie::Takes);
            }
            "add_subdirectory" => self.subdirectory(line, first),
            "target_link_libraries" => self.links(&words[1..]),
            "link_libraries" => self.links(words),
            "find_package" if is_plain => {
                self.facts.needs(line, Cmake, *first, Tie::Declares);
            }
            "include" => self.paths(&words[..1], Tie::Declares),
            _ => self.paths(words, Tie::Takes),
        }
    }

    fn subdirectory(&mut self, line: u32, written: &str) {
        match plain(written) {
            Some(path) if path.starts_with("../") => {
                self.facts.reads(line, path, Tie::Declares);
            }
            Some(path) => self.members.push((line, path.to_owned())),
            None => {}
        }
    }

    fn links(&mut self, words: &[(u32, &str)]) {
        for (line, word) in words {
            let is_name = |it: char| it.is_ascii_alphanumeric() || "_-:+.".contains(it);
            let is_keyword = matches!(
                *word,
                "PUBLIC" | "PRIVATE" | "INTERFACE" | "debug" | "optimized" | "general"
            );
            if !is_keyword && !word.starts_with('-') && word.chars().all(is_name) {
                self.facts.needs(*line, Cmake, *word, Tie::Declares);
            }
        }
    }

    /// Those that lead out of the directory.
    fn paths(&mut self, words: &[(u32, &str)], tie: Tie) {
        for (line, word) in words {
            if let Some(path) = plain(word).filter(|it| it.starts_with("../")) {
                self.facts.reads(*line, path, tie);
            }
        }
    }

    fn finish(mut self) -> Manifest {
        let makes = match (&self.executable, &self.library) {
            (Some(_), _) => Makes::Program,
            (None, Some(_)) => Makes::Library,
            (None, None) if self.members.is_empty() => Makes::Either,
            (None, None) => Makes::Nothing,
        };
        let named = self.project.or(self.executable).or(self.library);
        if let Some((line, name)) = named {
            self.facts.package(line, Cmake, Some(name), makes);
        }
        let line = self.members.first().map_or(1, |it| it.0);
        let members = self.members.into_iter().map(|it| it.1);
        self.facts.gathers(line, Cmake, members.collect());
        self.facts.finish()
    }
}

/// A path without variables, other than those of the file's own directory.
fn plain(written: &str) -> Option<&str> {
    let own = ["${CMAKE_CURRENT_SOURCE_DIR}/", "${CMAKE_CURRENT_LIST_DIR}/"];
    let own = own.iter().find_map(|it| written.strip_prefix(it));
    let path = own.unwrap_or(written);
    (!path.is_empty() && !path.contains(['$', '<'])).then_some(path)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = "cmake_minimum_required(VERSION 3.20)\nproject(cart LANGUAGES CXX)\n# add_executable(no x.c)\n\
        add_executable(cart\n  main.cc ../shared/x.cc)\nadd_library(shop::core ALIAS core)\nadd_subdirectory(../libs/core core)\n\
        add_subdirectory(src)\ntarget_link_libraries(cart PRIVATE\n  core # ours\n  fmt::fmt ${X} -lm $<Y>)\n\
        include(\"${CMAKE_CURRENT_LIST_DIR}/../cmake/x.cmake\")\nfind_package(gRPC REQUIRED)\n";

    #[test]
    fn targets_are_offered_and_links_needed() {
        testing::check(
            read,
            "services/CMakeLists.txt",
            SAMPLE,
            &[
                "2: offers Cmake cart = services",
                "2: package Cmake cart Program",
                "4: offers Cmake cart = services",
                "5: reads shared/x.cc Takes",
                "6: offers Cmake shop::core = services",
                "7: reads libs/core Declares",
                "8: gathers Cmake src",
                "10: needs Cmake core Declares",
                "11: needs Cmake fmt::fmt Declares",
                "12: reads cmake/x.cmake Declares",
                "13: needs Cmake gRPC Declares",
            ],
        );
    }
}
