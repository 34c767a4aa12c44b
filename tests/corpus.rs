//! `svc init` on public repositories of many services, each rebuilt from its manifests, beside lists made by hand.
//!
//! A file of `tests/corpus` holds the lists and then the files: `PATH PRESET` for each service (`-` for none), `PATH ->
//! PATH` for each dependency.

#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "tests stand outside of the house"
)]

mod support;

use std::collections::BTreeSet;
use std::fmt::Write;
use std::fs;
use std::path::PathBuf;

use crate::support::TestRepo;

/// What of the lists has to be found, and what of the found has to be in the lists.
const ENOUGH: f64 = 0.95;

#[test]
fn services_and_dependencies_of_public_repositories_are_found() {
    let mut table = format!(
        "{:<26} {:>16} {:>16}\n",
        "precision / recall", "services", "dependencies"
    );
    let mut faults = String::new();
    for file in files() {
        let case = Case::read(&fs::read_to_string(&file).unwrap());
        let name = file.file_stem().unwrap().to_str().unwrap().to_owned();
        let found = case.found();
        write!(table, "{name:<26}").unwrap();
        for (what, expected, found) in [
            ("service", &case.services, &found.services),
            ("dependency", &case.edges, &found.edges),
        ] {
            let score = Score::of(expected, found);
            write!(table, " {:>7.2} /{:>7.2}", score.precision, score.recall).unwrap();
            let missed = expected.difference(found).map(|it| ("missed", it));
            let wrong = found.difference(expected).map(|it| ("too many", it));
            for (kind, it) in missed.chain(wrong) {
                writeln!(table, "\n    {kind}: {what} {it}").unwrap();
            }
            if score.precision < ENOUGH || score.recall < ENOUGH {
                writeln!(faults, "{name}: {what}").unwrap();
            }
        }
        table.push('\n');
    }
    std::io::Write::write_all(&mut std::io::stdout(), table.as_bytes()).unwrap();
    assert_eq!(faults, "", "{table}");
}

struct Score {
    precision: f64,
    recall: f64,
}

impl Score {
    fn of(expected: &BTreeSet<String>, found: &BTreeSet<String>) -> Self {
        let both = expected.intersection(found).count() as f64;
        let share = |of: usize| if of == 0 { 1.0 } else { both / of as f64 };
        Self {
            precision: share(found.len()),
            recall: share(expected.len()),
        }
    }
}

/// A repository, with what is to be found in it.
#[derive(Default)]
struct Case {
    services: BTreeSet<String>,
    edges: BTreeSet<String>,
    files: Vec<(String, String)>,
}

#[derive(Default)]
struct Found {
    services: BTreeSet<String>,
    edges: BTreeSet<String>,
}

impl Case {
    fn read(text: &str) -> Self {
        let mut case = Self::default();
        let mut section = "";
        for line in text.split_inclusive('\n') {
            let bare = line.trim_end();
            if let Some(path) = bare.strip_prefix("=== ") {
                trim_end(&mut case.files);
                case.files.push((path.into(), String::new()));
                section = "file";
                continue;
            }
            match (section, bare) {
                ("file", _) => case.files.last_mut().unwrap().1.push_str(line),
                (_, "[services]") => section = "services",
                (_, "[edges]") => section = "edges",
                (_, "") => {}
                (_, comment) if comment.starts_with('#') => {}
                ("services", service) => drop(case.services.insert(service.into())),
                ("edges", edge) => drop(case.edges.insert(edge.into())),
                _ => panic!("{bare}"),
            }
        }
        case
    }

    /// What `svc init` makes of it, as `svc list` tells.
    fn found(&self) -> Found {
        let files = self.files.iter();
        let files: Vec<(&str, &str)> = files.map(|(path, text)| (&**path, &**text)).collect();
        let repo = TestRepo::with_files(&files);
        let init = repo.svc(&["init"]).run();
        assert_eq!(init.code(), 0, "{}", init.all());
        let check = repo.svc(&["check"]).run();
        assert_eq!(check.code(), 0, "{}", check.all());
        let list = repo.svc(&["list"]).json();
        let services = list["services"].as_array().unwrap();
        let path = |name: &str| {
            let service = services.iter().find(|it| it["name"] == name).unwrap();
            service["path"].as_str().unwrap()
        };
        let mut found = Found::default();
        for service in services {
            let own = service["path"].as_str().unwrap();
            let preset = service["uses"].as_str().unwrap_or("-");
            found.services.insert(format!("{own} {preset}"));
            for dependency in service["depends_on"].as_array().unwrap() {
                let other = path(dependency.as_str().unwrap());
                found.edges.insert(format!("{own} -> {other}"));
            }
        }
        found
    }
}

/// Takes away the empty line between two files.
fn trim_end(files: &mut [(String, String)]) {
    if let Some((_, text)) = files.last_mut()
        && text.ends_with("\n\n")
    {
        text.pop();
    }
}

fn files() -> Vec<PathBuf> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/corpus");
    let entries = fs::read_dir(directory).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|it| it.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 6);
    files
}
