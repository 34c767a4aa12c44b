//! What runs where, what would be deployed, and deploys, beside git and a shell loop, with the marks that they are to reach,
//! as a table in Markdown.
//!
//! `cargo bench --bench deploys -- --services 10,100 --deploys 1,10 --entries 10000 --rounds 9` limits what is measured.

mod support;

use std::fs;
use std::path::Path;

use support::deploys::{Deployed, Kind, ONE_DUE, plain};
use support::flags::Flags;
use support::table::{Mark, Row, print, print_head};
use support::timing::{Timed, interleave};
use support::workspace::Size;

const SVC: &str = env!("CARGO_BIN_EXE_svc");
const FILES: usize = 10;

/// So long `svc status` may take with 1,000 services in four environments.
const STATUS: Mark = Mark::Milliseconds(200.0);

fn main() {
    let flags = Flags::read(&["services", "deploys", "entries", "rounds"]);
    let rounds = flags.number("rounds", 9, 1);
    print_head();
    for services in flags.numbers("services", &[10, 100, 1000], &[10]) {
        for kind in [Kind::Packed, Kind::Loose, Kind::Files] {
            let deployed = Deployed {
                services,
                files: FILES,
                entries: flags.number("entries", 10_000, 40),
                kind,
            };
            questions(deployed, rounds);
        }
    }
    for services in flags.numbers("deploys", &[1, 10, 100], &[3]) {
        deploys(services, rounds);
    }
}

/// What reads a ledger and changes nothing.
fn questions(deployed: Deployed, rounds: usize) {
    let root = deployed.repository();
    let size = Size {
        services: deployed.services,
        files: deployed.files,
    };
    let svc = |arguments: &str| Timed::new(SVC, arguments);
    let git = |arguments: &str| Timed::new("git", arguments);
    let dry = |environment: &str| svc(&format!("deploy --env {environment} --dry-run"));
    let timed = [
        git("for-each-ref refs/svc"),
        git("log -50 --format=%s refs/svc/ledger/staging refs/heads/main"),
        git("fetch --quiet origin +refs/svc/*:refs/svc/*"),
        git("status --porcelain -uall"),
        svc("affected --base-exact HEAD"),
        svc("status --offline"),
        svc("status --offline --format json"),
        svc("status"),
        svc("history --env staging --offline"),
        dry("staging"),
        dry(ONE_DUE),
        svc(&format!("changes --env {ONE_DUE}")),
    ];
    let in_files = deployed.kind == Kind::Files;
    let timed = timed.map(|it| {
        match in_files && it.arguments.iter().any(|it| it.starts_with("refs/svc/")) {
            true => git("log -50 --format=%s refs/heads/main"),
            false => it,
        }
    });
    let name = |git: &'static str, loose: &'static str, files: &'static str| match deployed.kind {
        Kind::Packed => git,
        Kind::Loose => loose,
        Kind::Files => files,
    };
    let row = |name, ours, other, mark| Row {
        name,
        ours,
        other: Some(other),
        mark,
        memory: Mark::Megabytes(100.0),
    };
    let rows = [
        row(
            name(
                "status, offline",
                "status, offline, loose",
                "status, offline, files",
            ),
            5,
            0,
            STATUS,
        ),
        row(
            name("status, JSON", "status, JSON, loose", "status, JSON, files"),
            6,
            0,
            STATUS,
        ),
        row(
            name("status", "status, loose", "status, files"),
            7,
            2,
            Mark::None,
        ),
        row(
            name("history", "history, loose", "history, files"),
            8,
            1,
            Mark::None,
        ),
        row(
            name("nothing due", "nothing due, loose", "nothing due, files"),
            9,
            4,
            Mark::None,
        ),
        row(
            name(
                "nothing due, beside git",
                "nothing due, loose, beside git",
                "nothing due, files, beside git",
            ),
            9,
            3,
            Mark::None,
        ),
        row(
            name("one due", "one due, loose", "one due, files"),
            10,
            4,
            Mark::None,
        ),
        row(
            name("changes", "changes, loose", "changes, files"),
            11,
            1,
            Mark::None,
        ),
    ];
    let costs = interleave(&timed, rounds, &root);
    rows.iter().for_each(|row| print(size, row, &timed, &costs));
}

/// A deploy of services by `true`, beside a shell that runs the same commands and pushes as often as it must be.
fn deploys(services: usize, rounds: usize) {
    let root = plain(services);
    let size = Size { services, files: 1 };
    let push = "at=$(git commit-tree -p ${at:-HEAD} -m x HEAD^{tree})\ngit push --quiet origin +$at:refs/bench/x\n";
    let script = |name: &str, pushes: usize| {
        let path = root.with_extension(name);
        let commands = "sh -eu -c true\n".repeat(services);
        let all = push.repeat(pushes);
        let (first, last) = all.split_at(push.len() * (pushes / 2));
        let text = match pushes {
            1 => push.to_owned(),
            _ => format!("set -eu\n{first}{commands}{last}"),
        };
        fs::write(&path, text).expect("a script");
        Timed {
            name: format!("sh, {pushes} pushes"),
            ..Timed::new("sh", &path.to_string_lossy())
        }
    };
    let timed = [
        Timed::new(SVC, "deploy --env staging --force --log none"),
        script("four.sh", 4),
        Timed {
            name: "git push".into(),
            ..script("one.sh", 1)
        },
    ];
    let row = |name, other| Row {
        name,
        ours: 0,
        other: Some(other),
        mark: Mark::None,
        memory: Mark::Megabytes(50.0),
    };
    let costs = interleave(&timed, rounds, Path::new(&root));
    print(size, &row("deploy", 1), &timed, &costs);
    print(size, &row("deploy, in pushes", 2), &timed, &costs);
}
