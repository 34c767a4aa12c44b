//! Whole commands beside git and a shell loop, with the marks that they are to reach, as a table in Markdown.
//!
//! `cargo bench --bench commands -- --services 10,100 --rounds 9 --tree 0` limits what is measured.

mod support;

use std::fs;
use std::path::Path;

use support::flags::Flags;
use support::table::{Mark, Row, print, print_head};
use support::timing::{Timed, interleave};
use support::workspace::{Size, commands};

const SVC: &str = env!("CARGO_BIN_EXE_svc");
const FILES: usize = 50;

/// What is measured.
struct Scope {
    services: Vec<usize>,
    /// The files of one more workspace, with 1,000 services, for what depends on files alone.
    tree: usize,
    rounds: usize,
}

fn main() {
    let scope = Scope::read();
    print_head();
    for services in &scope.services {
        let size = Size {
            services: *services,
            files: FILES,
        };
        let memory = if *services >= 5000 { 100.0 } else { 50.0 };
        let root = size.repository();
        questions(size, &root, scope.rounds, Mark::Megabytes(memory));
        runs(
            size,
            &root,
            if *services > 1000 {
                scope.rounds.min(3)
            } else {
                scope.rounds
            },
        );
    }
    if scope.tree > 0 {
        let services = 1000;
        let members = Size { services, files: 0 }.members();
        let size = Size {
            services,
            files: scope.tree.div_ceil(members),
        };
        questions(
            size,
            &size.repository(),
            scope.rounds,
            Mark::Megabytes(50.0),
        );
    }
}

impl Scope {
    fn read() -> Self {
        let flags = Flags::read(&["services", "tree", "rounds"]);
        Self {
            services: flags.numbers("services", &[10, 100, 1000, 5000], &[10]),
            tree: flags.number("tree", 110_000, 0),
            rounds: flags.number("rounds", 9, 1),
        }
    }
}

/// `svc affected` and the start, beside git.
fn questions(size: Size, root: &Path, rounds: usize, memory: Mark) {
    let svc = |arguments| Timed::new(SVC, arguments);
    let git = |arguments| Timed::new("git", arguments);
    let timed = [
        svc("affected --base-exact HEAD~2 --head HEAD~1"),
        git("diff --name-only HEAD~2 HEAD~1"),
        svc("affected --base-exact HEAD~1 --head HEAD"),
        git("diff --name-only HEAD~1 HEAD"),
        svc("affected"),
        git("status --porcelain -uall"),
        svc("affected --staged"),
        git("diff --cached --name-only"),
        svc("--version"),
    ];
    let row = |name, ours, mark| Row {
        name,
        ours,
        other: Some(ours + 1),
        mark,
        memory,
    };
    let rows = [
        row("affected, range", 0, Mark::RatioOr(1.1, 5.0)),
        row(
            "affected, range with definition",
            2,
            Mark::RatioOr(1.1, 15.0),
        ),
        row("affected, working tree", 4, Mark::Ratio(0.5)),
        row("affected, staged", 6, Mark::Ratio(0.5)),
        Row {
            other: None,
            memory: Mark::None,
            ..row("--version", 8, Mark::Milliseconds(5.0))
        },
    ];
    let costs = interleave(&timed, rounds, root);
    rows.iter().for_each(|row| print(size, row, &timed, &costs));
}

/// A run of one trivial task for each service, beside a shell that starts the same commands.
fn runs(size: Size, root: &Path, rounds: usize) {
    let commands = commands(size.services);
    let script = root.with_extension("sh");
    let lines = commands.iter().map(|it| format!("sh -eu -c '{it}'\n"));
    fs::write(&script, lines.collect::<String>()).expect("a script");
    let list = root.with_extension("txt");
    let lines = commands.iter().map(|it| format!("{it}\n"));
    fs::write(&list, lines.collect::<String>()).expect("a list");
    let store = root.with_extension("store");
    let svc = |arguments| {
        let svc = Timed::new(SVC, &format!("build --all --log none {arguments}"));
        svc.variable("SVC_CACHE_DIR", store.to_string_lossy())
    };
    let xargs = format!("-a {} -P 2 -I{{}} sh -eu -c {{}}", list.display());
    let timed = [
        svc("--no-cache --jobs 1"),
        Timed::new("sh", &script.to_string_lossy()),
        svc("--no-cache --jobs 2"),
        Timed::new("xargs", &xargs),
        svc("--force --jobs 2"),
    ];
    let row = |name, ours, other| Row {
        name,
        ours,
        other: Some(other),
        mark: Mark::Ratio(1.2),
        memory: Mark::None,
    };
    let costs = interleave(&timed, rounds, root);
    for row in [
        row("build, one at a time", 0, 1),
        row("build, two at a time", 2, 3),
        row("build, two at a time, results kept", 4, 3),
    ] {
        print(size, &row, &timed, &costs);
    }
}
