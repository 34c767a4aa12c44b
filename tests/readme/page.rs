//! What the README and its neighbours claim about files, commands and keys.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::shop::Shop;
use crate::support::TestRepo;

const KEYS_BEGIN: &str = "<!-- keys: made by `svc::config::reference_markdown` -->\n";
const KEYS_END: &str = "<!-- end of keys -->\n";

/// The README.
pub fn readme() -> String {
    read("README.md")
}

/// A page of this repository.
pub fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).expect("the page exists")
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Writes the table anew with `README=write cargo test --test readme`.
#[test]
fn the_reference_is_the_one_that_is_checked() {
    let page = readme();
    let (before, rest) = page.split_once(KEYS_BEGIN).expect("the table begins");
    let (table, after) = rest.split_once(KEYS_END).expect("the table ends");
    let made = format!("\n{}\n", svc::config::reference_markdown().trim_end());
    if std::env::var_os("README").is_some_and(|it| it == "write") {
        let page = [before, KEYS_BEGIN, &made, KEYS_END, after].concat();
        std::fs::write(root().join("README.md"), page).expect("the page can be written");
        return;
    }
    assert_eq!(table, made, "`README=write cargo test --test readme`");
}

#[test]
fn every_link_leads_to_a_file_or_a_heading() {
    for page in ["README.md", "examples/shop/README.md", "CHANGELOG.md"] {
        let text = read(page);
        let headings: Vec<String> = text
            .lines()
            .filter(|it| it.starts_with('#'))
            .map(anchor)
            .collect();
        let links = text.split("](").skip(1);
        for link in links.filter_map(|it| it.split_once(')')).map(|it| it.0) {
            let is_there = match link.strip_prefix('#') {
                Some(heading) => headings.iter().any(|it| it == heading),
                None if link.contains("://") => true,
                None => root().join(page).with_file_name("").join(link).exists(),
            };
            assert!(is_there, "{page}: {link}");
        }
    }
}

/// The anchor of a heading, as the usual renderers make it.
fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let kept = text
        .chars()
        .filter(|it| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_'));
    kept.map(|it| if it == ' ' { '-' } else { it }).collect()
}

#[test]
fn the_two_commands_exist_and_can_be_run() {
    let page = readme();
    for command in ["examples/shop/start", "tests/run"] {
        assert!(page.contains(&format!("\n{command} ")), "{command}");
        let mode = root().join(command).metadata().expect("it exists");
        assert_eq!(mode.permissions().mode() & 0o111, 0o111, "{command}");
    }
}

/// The build of the release is left out: only what is done with it.
#[test]
fn the_first_command_hands_svc_arguments_that_it_takes() {
    let start = read("examples/shop/start");
    let mut lines = start.lines();
    let line = lines.find_map(|it| it.strip_prefix("\"$bin/svc\" "));
    let arguments = line.expect("it runs svc");
    let arguments = arguments.strip_suffix(" \"$@\"").expect("it hands them on");
    let shop = Shop::new();
    let (code, said) = shop.shell(&format!("cd ../.. && svc {arguments} --dry-run"), &[]);
    assert_eq!(code, 0, "{said}");
    assert!(said.ends_with("\n5 to deploy\n"), "{said}");
}

#[test]
fn no_page_and_no_help_names_a_command_that_does_not_exist() {
    let repo = TestRepo::new();
    let commands = repo.svc(&["help"]).stdout();
    let listed = commands.split_once("Commands:\n").expect("it lists them").1;
    let listed = listed.lines().take_while(|it| !it.is_empty());
    let names: Vec<&str> = listed
        .filter_map(|it| it.split_whitespace().next())
        .collect();
    assert!(names.contains(&"affected"), "{names:?}");
    let helps = names
        .iter()
        .map(|it| (*it, repo.svc(&["help", it]).stdout()));
    let pages = ["README.md", "examples/shop/README.md", "CHANGELOG.md"];
    let pages = pages.iter().map(|it| (*it, read(it)));
    for (page, text) in pages.chain(helps).chain([("help", commands.clone())]) {
        for word in named(&text) {
            assert!(names.contains(&word), "{page}: svc {word}");
        }
    }
}

/// What stands after `svc` in code: in backquotes and at the beginning of a line, not in sentences.
fn named(text: &str) -> impl Iterator<Item = &str> {
    let begins = ["`svc ", "\n$ svc ", "\nsvc ", "\n  svc ", "| svc "];
    let rests = begins.into_iter().flat_map(|it| text.split(it).skip(1));
    let words = rests.filter_map(|it| it.split([' ', '`', '\n']).next());
    words.filter(|it| it.starts_with(|it: char| it.is_ascii_lowercase()))
}
