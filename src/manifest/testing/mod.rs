//! What tests of readers say in short.

pub mod words;

use crate::manifest::read;
use crate::model::manifest::{Ecosystem, ForeignTask, Makes, Said, Tie, What};

/// The file at `path` with `text` says exactly this, besides what builds leave behind.
#[track_caller]
pub fn check(path: &str, text: &str, expected: &[(u32, What)]) {
    let manifest = read(&path.into(), text.as_bytes()).expect("the file is good");
    let found = manifest.facts.into_iter().map(|it| (it.line, it.what));
    let is_left = |it: &What| matches!(it, What::Leaves { .. } | What::Compiles(_));
    let found: Vec<_> = found.filter(|it| !is_left(&it.1)).collect();
    // Facts come by line, in whichever order they are easier to read here.
    let mut expected = expected.to_vec();
    expected.sort_by_key(|(line, _)| *line);
    assert_eq!(found, expected, "\n{text}");
}

/// What a build leaves behind, as the file at `path` with `text` has it.
#[track_caller]
pub fn left(path: &str, text: &str) -> Vec<Said> {
    let manifest = read(&path.into(), text.as_bytes()).expect("the file is good");
    let facts = manifest.facts.into_iter();
    let said = facts.filter_map(|it| match it.what {
        What::Leaves { said, .. } => Some(said),
        _ => None,
    });
    said.collect()
}

/// What is wrong with the file at `path` with `text`.
#[track_caller]
pub fn fault(path: &str, text: &str) -> String {
    let error = read(&path.into(), text.as_bytes()).expect_err("the file is bad");
    error.to_string()
}

pub fn package(ecosystem: Ecosystem, name: Option<&str>, makes: Makes) -> What {
    let name = name.map(str::to_owned);
    What::Package {
        ecosystem,
        name,
        makes,
    }
}

pub fn gathers(ecosystem: Ecosystem, members: &[&str], excluded: &[&str]) -> What {
    What::Gathers {
        ecosystem,
        members: texts(members),
        excluded: texts(excluded),
    }
}

pub fn offers(ecosystem: Ecosystem, name: &str, path: &str) -> What {
    What::Offers {
        ecosystem,
        name: name.into(),
        path: path.into(),
    }
}

pub fn needs(ecosystem: Ecosystem, name: &str, tie: Tie) -> What {
    let name = name.into();
    What::Needs {
        ecosystem,
        name,
        tie,
    }
}

pub fn reads(path: &str, tie: Tie) -> What {
    What::Reads {
        path: path.into(),
        tie,
    }
}

pub fn script(name: &str, command: &str) -> What {
    What::Script {
        name: name.into(),
        command: command.into(),
    }
}

pub fn task(task: ForeignTask) -> What {
    What::Task(Box::new(task))
}

pub fn texts(of: &[&str]) -> Vec<String> {
    of.iter().map(|it| (*it).to_owned()).collect()
}
