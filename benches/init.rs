//! How long it takes to come from a repository to a `services.toml` that is read, beside what git takes to name the files and
//! the system to read the manifests, as a table in Markdown.
//!
//! `cargo bench --bench init -- --services 100,1000 --files 200000 --rounds 9` limits what is measured.

mod support;

use std::fs;
use std::path::Path;
use std::rc::Rc;

use support::flags::Flags;
use support::polyglot::Polyglot;
use support::table::{Mark, Row, line, print_head};
use support::timing::{Before, Timed, interleave};

const SVC: &str = env!("CARGO_BIN_EXE_svc");

/// So often the time of naming the files and reading the manifests may be taken.
const MOST: Mark = Mark::Ratio(2.0);
const NAMES: &str = "git ls-files | wc -l";
const WHOLE: &str = "svc init && svc check && svc list";

fn main() {
    let flags = Flags::read(&["services", "files", "rounds"]);
    let rounds = flags.number("rounds", 9, 1);
    let files = flags.number("files", 200_000, 600);
    print_head();
    for services in flags.numbers("services", &[1000], &[20]) {
        measure(Polyglot { services, files }, rounds);
    }
}

fn measure(size: Polyglot, rounds: usize) {
    let root = size.repository();
    let manifests = size.manifests(&root);
    let count = fs::read(&manifests).expect("the list of manifests was written");
    let count = count.split(|byte| *byte == 0).count() - 1;
    let reading = format!("xargs -0 cat <'{}'", manifests.display());
    let script = |name: &str, text: &str| {
        let path = root.with_extension(name);
        fs::write(&path, format!("set -eu\n{text}\n")).expect("a script is written");
        Timed::new("sh", &path.to_string_lossy())
    };
    let named = |name: &str, timed: Timed| Timed {
        name: name.to_owned(),
        ..timed
    };
    let definition = root.join("services.toml");
    let fresh = || {
        let definition = definition.clone();
        Before::Do(Rc::new(move || remove(&definition)))
    };
    let whole = WHOLE.replace("svc", SVC);
    let svc = |arguments: &str| Timed::new(SVC, arguments);
    remove(&definition);
    svc("init").output(&root);
    let written = fs::read(&definition).expect("the definition was written");
    let present = || {
        let (definition, written) = (definition.clone(), written.clone());
        Before::Do(Rc::new(move || {
            fs::write(&definition, &written).expect("the definition is written")
        }))
    };
    let timed = [
        named("git ls-files", script("names.sh", NAMES)),
        named(
            &format!("cat, {count} manifests"),
            script("cat.sh", &reading),
        ),
        named("both", script("both.sh", &format!("{NAMES}\n{reading}"))),
        svc("init --dry-run").after(fresh()),
        script("whole.sh", &whole).after(fresh()),
        svc("check").after(present()),
        svc("list").after(present()),
        svc("--version"),
    ];
    let row = |name, ours, other, mark| Row {
        name,
        ours,
        other,
        mark,
        memory: Mark::Megabytes(200.0),
    };
    let rows = [
        row(NAMES, 0, None, Mark::None),
        row("reading the manifests", 1, None, Mark::None),
        row("svc init --dry-run", 3, Some(2), Mark::None),
        row("svc check", 5, Some(0), Mark::None),
        row("svc list", 6, Some(7), Mark::None),
        row(WHOLE, 4, Some(2), MOST),
    ];
    let costs = interleave(&timed, rounds, &root);
    let rows = rows.iter();
    rows.for_each(|row| line(size.services, size.files, row, &timed, &costs));
    remove(&definition);
}

fn remove(definition: &Path) {
    let _ = fs::remove_file(definition);
}
