//! Git attributes: what is vendored or generated, as its pages of code say it.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::model::manifest::{Manifest, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| name == ".gitattributes",
    read,
};

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    for (written, line) in text.lines().zip(1..) {
        let Some((pattern, attributes)) = split(written.trim()) else {
            continue;
        };
        for attribute in attributes.split_whitespace() {
            let what: fn(String) -> What = match attribute {
                "linguist-vendored" | "linguist-vendored=true" => What::Vendored,
                "linguist-generated" | "linguist-generated=true" => What::Generated,
                _ => continue,
            };
            let pattern = from_workspace(&facts.directory, &pattern);
            facts.say(line, what(pattern));
        }
    }
    Ok(facts.finish())
}

/// The pattern and what follows it. None for comments and definitions of attributes.
fn split(line: &str) -> Option<(String, &str)> {
    if line.starts_with(['#', '[']) {
        return None;
    }
    let Some(quoted) = line.strip_prefix('"') else {
        let (pattern, rest) = line.split_once(char::is_whitespace)?;
        return Some((pattern.to_owned(), rest));
    };
    let mut pattern = String::new();
    let mut letters = quoted.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '"' => return Some((pattern, &quoted[at + 1..])),
            '\\' => pattern.push(letters.next()?.1),
            _ => pattern.push(letter),
        }
    }
    None
}

/// Git takes a pattern without a slash at any depth, others from the file's directory.
fn from_workspace(home: &FilePath, pattern: &str) -> String {
    let depth = match pattern.trim_end_matches('/').contains('/') {
        true => "",
        false => "**/",
    };
    let rest = format!("{depth}{}", pattern.trim_start_matches('/'));
    let home = globset::escape(&home.display());
    match home.is_empty() {
        true => rest,
        false => format!("{home}/{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::check;

    #[test]
    fn patterns_are_told_from_the_workspace() {
        let vendored = |it: &str| What::Vendored(it.into());
        let generated = |it: &str| What::Generated(it.into());
        check(
            ".gitattributes",
            "# x linguist-vendored\n\n*.pb.go text linguist-generated=true\r\nthird_party/** linguist-vendored\n/x -linguist-vendored\n[attr]y linguist-vendored\n\"a \\\"b/*\" linguist-vendored linguist-generated\n\"open linguist-vendored\n",
            &[
                (3, generated("**/*.pb.go")),
                (4, vendored("third_party/**")),
                (7, vendored("a \"b/*")),
                (7, generated("a \"b/*")),
            ],
        );
        check(
            "libs/[x]/.gitattributes",
            "/gen/* linguist-generated\nvendor/ linguist-vendored\n",
            &[
                (1, generated("libs/[[]x[]]/gen/*")),
                (2, vendored("libs/[[]x[]]/**/vendor/")),
            ],
        );
    }
}
