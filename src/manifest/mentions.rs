//! Paths that commands of shells mention.

use std::collections::BTreeSet;
use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::facts::Facts;
use crate::manifest::place;
use crate::model::manifest::{Tie, What};
use crate::model::path::FilePath;

/// Directories at the top of a workspace that scripts reach for. Others are meant from where the script stands.
const AT_THE_TOP: &[&str] = &[
    "api",
    "apis",
    "common",
    "contracts",
    "idl",
    "libs",
    "openapi",
    "packages",
    "pkg",
    "proto",
    "protobuf",
    "protos",
    "schema",
    "schemas",
    "services",
    "shared",
];

/// Says which paths the words of one line of commands mention: those that lead out of the directory, and those that begin
/// at the top. Whether anything lies there is not known here.
pub fn say(facts: &mut Facts, line: u32, words: &str) {
    static VARIABLE: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"\$[({](\w+)[)}]").expect("the pattern is well formed"));
    let words = without_comment(words);
    if !words.contains('/') {
        return;
    }
    let words = VARIABLE.replace_all(words, "$$$1");
    let directory = facts.directory.clone();
    let mut said = BTreeSet::new();
    let tokens = words.split(|it: char| it.is_whitespace() || "\"'`=:;|&(),<>@".contains(it));
    for path in tokens.filter_map(|it| path(&directory, it)) {
        if path.is_root() || path == directory || !said.insert(path.clone()) {
            continue;
        }
        let tie = Tie::Mentions;
        facts.say(line, What::Reads { path, tie });
    }
}

fn without_comment(words: &str) -> &str {
    if words.trim_start().starts_with('#') {
        return "";
    }
    words.find(" #").map_or(words, |at| &words[..at])
}

fn path(directory: &FilePath, token: &str) -> Option<FilePath> {
    let token = token.strip_prefix("-I").unwrap_or(token);
    let token = place::before_pattern(token);
    if let Some(rest) = token.strip_prefix('$') {
        let (name, rest) = rest.split_once('/')?;
        let name = name.to_ascii_uppercase();
        let is = |parts: &[&str]| parts.iter().any(|it| name.contains(it));
        let is_top = is(&["ROOT", "TOPLEVEL", "REPO", "WORKSPACE"]);
        return match rest.contains('$') {
            false if is_top => place::resolve(&FilePath::default(), rest),
            false if is(&["DIR", "HERE", "PWD"]) && rest.contains("..") => {
                place::resolve(directory, rest)
            }
            _ => None,
        };
    }
    // What is left of `$(dirname "$0")/../x`.
    let token = match token.strip_prefix('/') {
        Some(rest) if rest.starts_with("..") => rest,
        _ => token,
    };
    if token.contains(['$', '%', '{', '}', '[', '*', '\\', '^', '!']) {
        return None;
    }
    let first = token.trim_start_matches("./").split('/').next()?;
    if token.starts_with("../") || token.contains("/../") {
        place::resolve(directory, token)
    } else if token.contains('/') && AT_THE_TOP.contains(&first) {
        place::resolve(&FilePath::default(), token)
    } else {
        None
    }
}
