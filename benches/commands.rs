//! Whole commands beside git and a shell loop, with the marks that they are to reach, as a table in Markdown.
//!
//! `cargo bench --bench commands -- --services 10,100 --rounds 9 --tree 0` limits what is measured.
#![expect(clippy::print_stdout, reason = "a measurement")]

mod support;

use std::fs;
use std::path::Path;

use support::timing::{Cost, Timed, interleave, median};
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

/// How far a command may be from what it is compared with.
#[derive(Clone, Copy)]
enum Mark {
    Ratio(f64),
    /// The ratio, or so many milliseconds more.
    RatioOr(f64, f64),
    Milliseconds(f64),
    Megabytes(f64),
    /// It is only shown.
    None,
}

/// A command of ours and what it is compared with.
struct Row {
    name: &'static str,
    ours: usize,
    other: Option<usize>,
    mark: Mark,
    memory: Mark,
}

fn main() {
    let scope = Scope::read(std::env::args().skip(1));
    println!(
        "| services | files | work | ms | CPU ms | MB | beside | ms | CPU ms | ratio | mark | |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
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
    /// Reads the arguments. Without cargo's `--bench` this is a test, which only shows that all of it works.
    fn read(arguments: impl Iterator<Item = String>) -> Self {
        let mut scope = Self {
            services: vec![10, 100, 1000, 5000],
            tree: 110_000,
            rounds: 9,
        };
        let mut is_bench = false;
        let mut arguments = arguments.peekable();
        while let Some(argument) = arguments.next() {
            let mut number = || arguments.next().and_then(|it| it.parse().ok());
            match argument.as_str() {
                "--bench" => is_bench = true,
                "--rounds" => scope.rounds = number().expect("--rounds NUMBER"),
                "--tree" => scope.tree = number().expect("--tree FILES"),
                "--services" => {
                    let list = arguments.next().expect("--services NUMBER,NUMBER");
                    let numbers = list.split(',').map(str::parse);
                    scope.services = numbers.collect::<Result<_, _>>().expect("numbers");
                }
                _ => {}
            }
        }
        match is_bench {
            true => scope,
            false => Self {
                services: vec![10],
                tree: 0,
                rounds: 1,
            },
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
    let svc = |jobs| Timed::new(SVC, &format!("build --all --log none --jobs {jobs}"));
    let timed = [
        svc(1),
        Timed::new("sh", &script.to_string_lossy()),
        svc(2),
        Timed {
            program: "xargs".into(),
            arguments: [
                "-a",
                &list.to_string_lossy(),
                "-P",
                "2",
                "-I{}",
                "sh",
                "-eu",
                "-c",
                "{}",
            ]
            .map(String::from)
            .to_vec(),
        },
    ];
    let row = |name, ours| Row {
        name,
        ours,
        other: Some(ours + 1),
        mark: Mark::Ratio(1.2),
        memory: Mark::None,
    };
    let costs = interleave(&timed, rounds, root);
    for row in [
        row("build, one at a time", 0),
        row("build, two at a time", 2),
    ] {
        print(size, &row, &timed, &costs);
    }
}

fn print(size: Size, row: &Row, timed: &[Timed], costs: &[Vec<Cost>]) {
    let ours = &costs[row.ours];
    let milliseconds = |costs: &[Cost], of: fn(&Cost) -> f64| 1e3 * median(costs.iter().map(of));
    let wall = milliseconds(ours, |it| it.wall);
    let memory = ours.iter().map(|it| it.memory).fold(0.0, f64::max);
    let (mut beside, mut ratio, mut more) = (["-", "-", "-"].map(String::from), f64::NAN, f64::NAN);
    if let Some(other) = row.other {
        let program = Path::new(&timed[other].program).display();
        let others = &costs[other];
        beside = [
            format!(
                "{program} {}",
                timed[other]
                    .arguments
                    .first()
                    .map_or("", |it| it.rsplit('/').next().unwrap_or(it))
            ),
            format!("{:.1}", milliseconds(others, |it| it.wall)),
            format!("{:.1}", milliseconds(others, |it| it.cpu)),
        ];
        let pairs = || ours.iter().zip(others);
        ratio = median(pairs().map(|(ours, other)| ours.wall / other.wall));
        more = 1e3 * median(pairs().map(|(ours, other)| ours.wall - other.wall));
    }
    let (mark, is_met) = match row.mark {
        Mark::Ratio(most) => (format!("{most} ×"), ratio <= most),
        Mark::RatioOr(most, extra) => (
            format!("{most} × or + {extra} ms"),
            ratio <= most || more <= extra,
        ),
        Mark::Milliseconds(most) => (format!("{most} ms"), wall <= most),
        Mark::Megabytes(most) => (format!("{most} MB"), memory <= most),
        Mark::None => ("-".to_owned(), true),
    };
    let is_small = !matches!(row.memory, Mark::Megabytes(most) if memory > most);
    let verdict = match (is_met, is_small) {
        (true, true) => "met",
        (false, true) => "missed",
        (true, false) => "met, but too much memory",
        (false, false) => "missed, and too much memory",
    };
    println!(
        "| {} | {} | {} | {wall:.1} | {:.1} | {memory:.0} | {} | {} | {mark} | {verdict} |",
        size.services,
        size.members() * (size.files + 1) + 2,
        row.name,
        milliseconds(ours, |it| it.cpu),
        beside.join(" | "),
        if ratio.is_nan() {
            "-".to_owned()
        } else {
            format!("{ratio:.2}")
        },
    );
}
