//! The example shop, built and tested for real: the tools of `examples/shop/toolchain.txt` have to be there.

use crate::support::{Place, TestRepo};
use crate::world::{document, outcomes, verdicts};

fn sorted(mut lines: Vec<String>) -> Vec<String> {
    lines.sort();
    lines
}

#[test]
fn the_shop_is_built_and_tested_and_then_only_what_an_edit_affects() {
    let repo = TestRepo::of_shop();
    let (code, said) = document(&repo, &["test", "--all"]);
    assert_eq!(code, 0, "{said:#}");
    let names = [
        "catalog", "gateway", "money", "orders", "pricing", "receipts", "wire",
    ];
    let all = |task: &str| names.map(|name| format!("{name}:{task} passed"));
    assert_eq!(
        sorted(outcomes(&said)),
        sorted([all("build"), all("test")].concat())
    );
    assert_eq!(
        repo.git(&["status", "--porcelain"]),
        "",
        "the shop ignores what it builds"
    );
    let again = vec!["cached"; 14];
    let (_, said) = document(&repo, &["test", "--all"]);
    assert_eq!(ends(&said), again);
    let said = repo.svc(&["test"]).run();
    let expected = "nothing changed since main; --all tests all\n";
    assert!(said.stderr().ends_with(expected), "{}", said.all());

    repo.append("libs/money/src/money.py", "# an edit\n");
    assert_eq!(repo.svc(&["affected"]).stdout(), "money\norders\ngateway\n");
    let (code, said) = document(&repo, &["test"]);
    assert_eq!(code, 0, "{said:#}");
    // The gateway is built anew and comes out the same, so its test stands.
    let expected = [
        "catalog:build cached",
        "gateway:build passed",
        "gateway:test cached",
        "money:build passed",
        "money:test passed",
        "orders:build passed",
        "orders:test passed",
        "pricing:build cached",
        "receipts:build cached",
        "wire:build cached",
    ];
    assert_eq!(sorted(outcomes(&said)), expected);
    let why = repo.svc(&["why", "gateway"]).stdout();
    assert!(
        why.contains("depends on orders") && why.contains("libs/money/src/money.py changed"),
        "{why}"
    );

    repo.commit("an edit");
    repo.append(
        "contracts/tax.tsv",
        "# x
",
    );
    let affected = repo.svc(&["affected"]).stdout();
    assert_eq!(
        sorted(affected.lines().map(str::to_owned).collect()),
        ["catalog", "gateway", "orders", "pricing"]
    );
    repo.git(&["checkout", "--quiet", "contracts"]);

    repo.append("README.md", "More.\n");
    assert_eq!(repo.svc(&["affected"]).stdout(), "");
    repo.append("toolchain.txt", "# more\n");
    assert_eq!(
        repo.svc(&["affected"]).stdout().lines().count(),
        names.len()
    );
}

/// How the tasks of a document ended.
fn ends(document: &serde_json::Value) -> Vec<String> {
    let ends = outcomes(document).into_iter();
    ends.map(|it| it.rsplit(' ').next().unwrap().to_owned())
        .collect()
}

/// Runs a task of all services; nothing may be odd about it.
fn runs_well(place: &Place<'_>, task: &str) {
    let said = place.svc(&["run", task, "--all", "--log", "none"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(!said.stderr().contains("warning"), "{}", said.all());
    assert!(!said.stderr().contains("hint"), "{}", said.all());
    assert_eq!(place.git(&["status", "--porcelain"]), "");
}

#[test]
fn the_outputs_of_the_shop_are_all_that_its_tasks_need() {
    let repo = TestRepo::of_shop();
    let first = repo.at(repo.root());
    runs_well(&first, "build");
    // A clone has nothing but what the cache gives, and its tests and lints have to run.
    let clone = repo.beside("clone");
    repo.git(&["clone", "--quiet", ".", clone.to_str().unwrap()]);
    let clone = repo.at(clone);
    let said = clone.svc(&["build", "--all"]).json();
    assert_eq!(ends(&said), ["cached"; 7]);
    runs_well(&clone, "test");
    runs_well(&clone, "lint");
    let said = clone.svc(&["build", "--all"]).json();
    assert_eq!(ends(&said), ["cached"; 7]);
}

#[test]
fn what_is_removed_comes_back_and_what_stays_the_same_stops_there() {
    let repo = TestRepo::of_shop();
    let (code, said) = document(&repo, &["test", "--all"]);
    assert_eq!(code, 0, "{said:#}");
    let dist = repo.root().join("services/gateway/dist");
    std::fs::remove_dir_all(&dist).unwrap();
    let (_, said) = document(&repo, &["build", "gateway"]);
    assert_eq!(ends(&said), ["cached"; 7]);
    assert!(dist.join("index.html").is_file() && dist.join("server.mjs").is_file());

    repo.append("libs/wire/server.c", "/* It listens. */\n");
    let (_, said) = document(&repo, &["test"]);
    let ran = outcomes(&said).into_iter();
    let ran = sorted(ran.filter(|it| !it.ends_with("cached")).collect());
    assert_eq!(ran, ["wire:build passed", "wire:test passed"]);
}

#[test]
fn the_shop_is_planned_without_running_anything() {
    let repo = TestRepo::of_shop();
    let said = repo.svc(&["build", "--all", "--dry-run"]).json();
    assert_eq!(verdicts(&said).len(), 7);
    assert!(verdicts(&said).iter().all(|it| it.ends_with(" run")));
    assert_eq!(repo.git(&["status", "--porcelain", "--ignored"]), "");
    assert_eq!(
        repo.svc(&["check"]).run().all(),
        "exit 0\n--- stderr\nservices.toml is valid: 7 services, 24 tasks\n"
    );
}
