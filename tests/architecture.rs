//! The rules of the house, checked as an ordinary test.
//!
//! It reads text, not types. Calls such as `std::env::var` are banned by clippy's `disallowed-methods`, which sees
//! through imports.
use std::{
    fs,
    path::{Path, PathBuf},
};

/// Floors from the ground up. A room may use rooms on lower floors only.
const FLOORS: &[&[&str]] = &[
    &["model"],
    &[
        "config", "git", "cache", "ledger", "process", "health", "manifest", "record", "ci",
        "scaffold", "report",
    ],
    &["engine"],
    &["ops"],
    &["cli"],
];

/// Outside crates and the one room that may name each.
const DOORS: &[(&str, &str)] = &[("git2", "git"), ("clap", "cli")];

#[test]
fn rooms_only_look_down() {
    let mut faults = Vec::new();
    for file in rust_files(Path::new("src")) {
        let text = fs::read_to_string(&file).expect("sources are text");
        let name = file.display();
        if !text.starts_with("//!") {
            faults.push(format!(
                "{name}: first line does not say what the file is for"
            ));
        }
        let room = file
            .iter()
            .nth(1)
            .and_then(|it| it.to_str())
            .expect("rooms have plain names");
        if matches!(room, "lib.rs" | "main.rs") {
            continue;
        }
        let Some(floor) = floor_of(room) else {
            faults.push(format!("{name}: {room} is on no floor"));
            continue;
        };
        for (index, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap();
            let mut fault = |what: &str| faults.push(format!("{name}:{}: {what}", index + 1));
            for path in code.split("crate::").skip(1) {
                let used = words(path).next().unwrap_or_default();
                if path.starts_with('{') {
                    fault("`use crate::{` hides directions; one room per `use`");
                } else if used != room && floor_of(used).is_none_or(|it| it >= floor) {
                    fault(&format!("`{room}` may not use `{used}`"));
                }
            }
            if code
                .split("super::")
                .skip(1)
                .any(|rest| !rest.starts_with('*'))
            {
                fault("write `crate::` rather than `super::`");
            }
            for (outside, owner) in DOORS {
                if room != *owner && words(code).any(|it| it == *outside) {
                    fault(&format!("only `{owner}` may use `{outside}`"));
                }
            }
        }
    }
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

fn floor_of(room: &str) -> Option<usize> {
    FLOORS.iter().position(|rooms| rooms.contains(&room))
}

fn words(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '_')
        .filter(|it| !it.is_empty())
}

fn rust_files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(dir).expect("the sources are readable") {
        let path = entry.expect("the sources are readable").path();
        if path.is_dir() {
            found.extend(rust_files(&path));
        } else if path.extension().is_some_and(|it| it == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}
