//! The `console` blocks of the README and of the shop's page: each line that begins with `$ ` is run, in order, in a fresh
//! copy of the shop for each page; the lines below it are what it says. `…` stands for any text within a line, and alone on a line for any further lines.
//! Times, ids of commits, the number of jobs and the order of lines may differ.

use crate::page::{read, readme};
use crate::shop::Shop;
use crate::support::without_times;

struct Step {
    command: String,
    said: Vec<String>,
}

#[test]
fn every_command_says_what_the_readme_says() {
    check(&readme());
}

#[test]
fn every_command_says_what_the_page_of_the_shop_says() {
    check(&read("examples/shop/README.md"));
}

fn check(page: &str) {
    let steps = steps(page);
    assert!(steps.len() > 5, "the tour is short: {}", steps.len());
    let shop = Shop::new();
    let has = |tool: &str| shop.shell(&format!("{tool} --version"), &[]).0 == 0;
    let (has_jq, has_curl) = (has("jq"), has("curl"));
    for step in steps {
        match step.command.split_once(" | jq") {
            Some((command, _)) if !has_jq => assert_eq!(shop.shell(command, &[]).0, 0),
            None if step.command.starts_with("curl ") && !has_curl => {}
            _ => {
                let (code, said) = shop.shell(&step.command, &[]);
                assert_eq!(code, 0, "$ {}\n{said}", step.command);
                compare(&step, &said);
            }
        }
    }
    let changed = shop.repo().git(&["status", "--porcelain"]);
    assert_eq!(changed, "", "the tour leaves the clone as it was");
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with("```") {
            inside = line == "```console";
        } else if inside {
            match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step {
                    command: command.to_owned(),
                    said: vec![],
                }),
                (None, Some(step)) => step.said.push(line.to_owned()),
                (None, None) => panic!("a console block begins with a command: {line}"),
            }
        }
    }
    steps
}

fn compare(step: &Step, said: &str) {
    let mut left: Vec<String> = lines(said.lines());
    let expected = lines(step.said.iter().map(String::as_str));
    for wanted in expected.iter().filter(|it| *it != "…") {
        let Some(at) = left.iter().position(|line| fits(wanted, line)) else {
            panic!("$ {}\ndid not say `{wanted}` but\n{said}", step.command);
        };
        left.remove(at);
    }
    if !expected.iter().any(|it| it == "…") {
        assert!(left.is_empty(), "$ {}\nsaid also {left:#?}", step.command);
    }
}

/// The lines that are not empty, without what differs from run to run.
fn lines<'a>(text: impl Iterator<Item = &'a str>) -> Vec<String> {
    text.map(timeless).filter(|it| !it.is_empty()).collect()
}

/// A line without times, ids of commits, the number of jobs and the width of columns.
pub fn timeless(line: &str) -> String {
    let line = match line.rsplit_once("; ") {
        Some((start, jobs)) if is_jobs(jobs) => format!("{start}; jobs"),
        _ => line.to_owned(),
    };
    let is_id = |word: &str| word.len() == 10 && word.bytes().all(|it| it.is_ascii_hexdigit());
    without_times(&line)
        .split_whitespace()
        .map(|word| if is_id(word) { "[ID]" } else { word })
        .collect::<Vec<_>>()
        .join(" ")
}

fn is_jobs(text: &str) -> bool {
    let number = text
        .strip_suffix(" jobs")
        .or_else(|| text.strip_suffix(" job"));
    number.is_some_and(|it| it.parse::<usize>().is_ok())
}

/// Whether the line is the wanted one, in which `…` stands for anything.
fn fits(wanted: &str, line: &str) -> bool {
    let Some((start, rest)) = wanted.split_once('…') else {
        return wanted == line;
    };
    let Some(tail) = line.strip_prefix(start) else {
        return false;
    };
    let mut ends = tail.char_indices().map(|(at, _)| at).chain([tail.len()]);
    ends.any(|at| fits(rest, &tail[at..]))
}

#[test]
fn an_ellipsis_stands_for_anything() {
    for (wanted, line, expected) in [
        ("a", "a", true),
        ("a", "ab", false),
        ("a…", "abc", true),
        ("…c", "abc", true),
        ("a…b…", "a-b-", true),
        ("a…b…c", "a-c-b", false),
    ] {
        assert_eq!(fits(wanted, line), expected, "{wanted} {line}");
    }
}

#[test]
fn edits_of_the_shop_affect_what_its_page_says() {
    let shop = Shop::new();
    let all = "catalog gateway money orders pricing receipts wire";
    for (file, line, affected) in [
        ("libs/money/src/money.py", "#", "gateway money orders"),
        (
            "contracts/tax.tsv",
            "luxury\t3000",
            "catalog gateway orders pricing",
        ),
        (
            "libs/wire/server.c",
            "//",
            "gateway orders pricing receipts wire",
        ),
        ("toolchain.txt", "#", all),
        ("README.md", "More.", ""),
        ("services.toml", "# more", ""),
    ] {
        let edit = format!("echo '{line}' >> {file} && svc affected --quiet | sort");
        let (code, said) = shop.shell(&edit, &[]);
        assert_eq!(code, 0, "{said}");
        assert_eq!(
            said.lines().collect::<Vec<_>>().join(" "),
            affected,
            "{file}"
        );
        shop.repo().git(&["checkout", "--quiet", "."]);
    }
}
