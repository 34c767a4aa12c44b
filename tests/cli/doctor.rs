//! `svc doctor`: what it finds, what it says helps, and what it mends by itself.

use std::os::unix::fs::PermissionsExt;

use serde_json::Value;

use crate::support::TestRepo;

const ONE: &str = r#"
version = 1
[services.api]
path = "api"
build = "true"
[services.api.test]
run = "no-such-tool --check"
tools = ["sh -c 'echo broken tool; exit 3'"]
"#;

fn repo(definition: &str) -> TestRepo {
    TestRepo::with_files(&[("services.toml", definition), ("api/main.py", "x = 1\n")])
}

fn findings(repo: &TestRepo, arguments: &[&str]) -> Vec<Value> {
    let said = repo
        .svc(&[&["doctor", "--format", "json"], arguments].concat())
        .run();
    let document: Value = serde_json::from_str(&said.stdout()).expect("a document");
    document["findings"].as_array().unwrap().clone()
}

fn find<'a>(findings: &'a [Value], area: &str, about: &str) -> Option<&'a Value> {
    findings
        .iter()
        .find(|it| it["area"] == area && it["about"].as_str().unwrap().contains(about))
}

#[test]
fn all_is_well_where_nothing_is_wrong() {
    let repo = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let found = findings(&repo, &[]);
    assert!(
        found.iter().all(|it| it["weight"] != "failure"),
        "{found:?}"
    );
    assert_eq!(find(&found, "cache", "results").unwrap()["weight"], "fine");
    assert_eq!(find(&found, "ledger", "local").unwrap()["weight"], "fine");
    assert!(
        repo.svc(&["doctor", "-q"])
            .run()
            .stdout()
            .starts_with("hooks\n")
    );
}

#[test]
fn a_tool_that_is_missing_or_fails_is_named_with_the_tasks_that_need_it() {
    let repo = repo(ONE);
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    let found = findings(&repo, &[]);
    let broken = find(&found, "tools", "sh -c").unwrap();
    assert_eq!(broken["weight"], "failure");
    assert_eq!(
        broken["words"],
        "exit code 3 (broken tool); api:test needs it"
    );
    let missing = find(&found, "tools", "no-such-tool").unwrap();
    assert_eq!(missing["weight"], "warning");
    assert_eq!(missing["words"], "it is not in PATH; api:test needs it");
    assert_eq!(missing["fix"]["words"], "install no-such-tool");
}

#[test]
fn a_definition_that_is_not_valid_does_not_keep_the_rest_from_being_looked_at() {
    let repo = repo("version = 1\n[services.api]\npath = \"nowhere\"\n");
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    let found = findings(&repo, &[]);
    let definition = find(&found, "definition", "services.toml").unwrap();
    assert_eq!(definition["weight"], "failure");
    assert!(find(&found, "cache", "results").is_some());
    assert!(find(&found, "repository", "git").is_some());
}

#[test]
fn files_that_two_services_read_and_nobody_owns_are_a_likely_mistake() {
    let service = |name: &str| {
        format!(
            "[services.{name}]\npath = \"{name}\"\n[services.{name}.build]\nrun = \"true\"\ninputs = [\"...\", \
             \"/proto/shop.proto\"]\n"
        )
    };
    let definition = format!("version = 1\n{}{}", service("api"), service("web"));
    let repo = TestRepo::with_files(&[
        ("services.toml", &definition),
        ("api/a", ""),
        ("web/a", ""),
        ("proto/shop.proto", ""),
    ]);
    let found = findings(&repo, &[]);
    let shared = find(&found, "definition", "proto/shop.proto").unwrap();
    assert_eq!(shared["weight"], "hint");
    assert_eq!(shared["words"], "api and web read it, and nobody owns it");
}

#[test]
fn a_file_that_a_service_reads_and_no_task_has_is_a_likely_mistake() {
    let definition = |more: &str| {
        format!("version = 1\n[services.api]\npath = \"api\"\nuses = \"make\"\n{more}")
    };
    let told = |more: &str| {
        let repo = TestRepo::with_files(&[
            ("services.toml", &definition(more)),
            ("api/Makefile", "build:\n\tcp ../contracts/tax.tsv .\n"),
            ("contracts/tax.tsv", ""),
        ]);
        let found = findings(&repo, &[]);
        let told = about(&found, "api", "/contracts/tax.tsv");
        let told = told
            .iter()
            .map(|it| it["words"].as_str().unwrap().to_owned());
        told.collect::<Vec<_>>()
    };
    let words = "it reads /contracts/tax.tsv, as api/Makefile:2 (contracts/tax.tsv) says, and no task has it in its inputs";
    assert_eq!(told(""), [words]);
    for settled in [
        "build.inputs = [\"...\", \"/contracts/*\"]\n",
        "# not: /contracts/tax.tsv\n",
        "[workspace]\nglobal-inputs = [\"contracts/**\"]\n",
        "[services.contracts]\npath = \"contracts\"\ntest = \"t\"\n",
    ] {
        assert!(told(settled).is_empty(), "{settled}");
    }
}

#[test]
fn the_shape_of_a_clone_is_told() {
    let origin = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    origin.write("api/more.py", "");
    origin.commit("second");
    let clone = origin.beside("clone");
    let from = format!("file://{}", origin.root().display());
    origin.git(&[
        "clone",
        "-q",
        "--depth",
        "1",
        &from,
        clone.to_str().unwrap(),
    ]);
    let clone = origin.at(clone);
    let document = clone.svc(&["doctor"]).json();
    let found = document["findings"].as_array().unwrap();
    let shallow = find(found, "repository", "clone").unwrap();
    assert_eq!(shallow["weight"], "warning");
    assert_eq!(shallow["fix"]["words"], "git fetch --unshallow");
}

#[test]
fn outside_of_git_it_says_what_is_missing() {
    let repo = TestRepo::bare_directory();
    repo.write(
        "services.toml",
        "version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n",
    );
    repo.write("api/a", "");
    let found = findings(&repo, &[]);
    assert_eq!(
        find(&found, "repository", "git").unwrap()["weight"],
        "warning"
    );
    let nowhere = TestRepo::bare_directory();
    let said = nowhere.svc(&["doctor"]).run();
    assert_eq!(said.code(), 2, "{}", said.all());
}

#[test]
fn a_hook_that_git_skips_is_mended() {
    let repo = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    let hook = ".git/hooks/pre-commit";
    repo.write(hook, "#!/bin/sh\nexec svc test --staged\n");
    let before = findings(&repo, &[]);
    let skipped = find(&before, "hooks", "pre-commit").unwrap();
    assert_eq!(skipped["weight"], "warning");
    let said = repo.svc(&["doctor", "--fix"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let mode = std::fs::metadata(repo.root().join(hook))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o111, 0o111);
    let after = findings(&repo, &[]);
    assert_eq!(
        find(&after, "hooks", "pre-commit").unwrap()["weight"],
        "fine"
    );
}

#[test]
fn a_ledger_that_cannot_be_reached_is_a_failure() {
    let definition = "version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\ndeploy = \"true\"\n\
                      [environments.staging]\n[ledger]\nstore = \"git\"\n";
    let repo = repo(definition);
    repo.git(&["remote", "add", "origin", "file:///nowhere/at/all.git"]);
    let said = repo.svc(&["doctor"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    let found = findings(&repo, &[]);
    assert_eq!(
        find(&found, "ledger", "staging").unwrap()["weight"],
        "failure"
    );
    let offline = findings(&repo, &["--offline"]);
    assert!(find(&offline, "ledger", "staging").is_none_or(|it| it["weight"] != "failure"));
}

#[test]
fn a_cache_that_cannot_be_written_is_a_failure() {
    let repo = repo("version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n");
    repo.write("file", "");
    let place = repo.root().join("file/cache");
    let said = repo.svc(&["doctor"]).env("SVC_CACHE_DIR", &place).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    assert!(said.stdout().contains("SVC_CACHE_DIR"), "{}", said.all());
}

const SHOP: &str = r#"# What we sell.
version = 1

[services.web]   # the front
path = "web"
uses = "rust"
depends-on = [
    "prices",   # for the list
]

[services.prices]
path = "prices"
uses = "rust"

[services.common]
path = "common"
uses = "rust"
"#;

fn package(name: &str, needs: &[&str]) -> String {
    let needs = needs
        .iter()
        .map(|it| format!("{it} = {{ path = \"../{it}\" }}\n"));
    format!(
        "[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n[dependencies]\n{}",
        needs.collect::<String>()
    )
}

/// Three packages, of which `web` needs two and declares one.
fn shop(definition: &str) -> TestRepo {
    TestRepo::with_files(&[
        ("services.toml", definition),
        ("web/Cargo.toml", &package("web", &["prices", "common"])),
        ("web/src/main.rs", "fn main() {}\n"),
        ("prices/Cargo.toml", &package("prices", &[])),
        ("prices/src/lib.rs", ""),
        ("common/Cargo.toml", &package("common", &[])),
        ("common/src/lib.rs", ""),
    ])
}

fn about<'a>(findings: &'a [Value], about: &str, words: &str) -> Vec<&'a Value> {
    let of = |it: &&Value| {
        it["area"] == "definition"
            && it["about"] == about
            && it["words"].as_str().unwrap().contains(words)
    };
    findings.iter().filter(of).collect()
}

fn definition(repo: &TestRepo) -> String {
    std::fs::read_to_string(repo.root().join("services.toml")).unwrap()
}

#[test]
fn a_dependency_that_init_infers_and_the_file_lacks_is_added_and_nothing_else_moves() {
    let repo = shop(SHOP);
    let found = findings(&repo, &[]);
    let missing = about(&found, "web", "common");
    assert_eq!(missing.len(), 1, "{found:#?}");
    assert_eq!(missing[0]["weight"], "warning");
    let words = missing[0]["words"].as_str().unwrap();
    assert!(words.contains("web/Cargo.toml:6"), "{words}");
    assert_eq!(missing[0]["fix"]["step"]["do"], "add-dependencies");

    let told = repo.svc(&["doctor", "--fix", "--dry-run"]).run();
    assert!(
        told.stdout().contains("+++ b/services.toml"),
        "{}",
        told.all()
    );
    assert!(
        told.all().contains("would do: web depends on common"),
        "{}",
        told.all()
    );
    assert_eq!(definition(&repo), SHOP);

    let done = repo.svc(&["doctor", "--fix"]).run();
    assert!(
        done.all().contains("did: web depends on common"),
        "{}",
        done.all()
    );
    let after = definition(&repo);
    let mut rest = after.lines();
    for line in SHOP.lines() {
        assert!(
            rest.any(|it| it == line),
            "`{line}` is lost or moved:\n{after}"
        );
    }
    assert!(after.contains("\"common\""), "{after}");
    assert!(about(&findings(&repo, &[]), "web", "common").is_empty());
    // Done again, it does nothing.
    repo.svc(&["doctor", "--fix"]).run();
    assert_eq!(definition(&repo), after);
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
}

#[test]
fn a_refused_dependency_is_not_spoken_of() {
    let refused = SHOP.replace("path = \"web\"", "# not: common\npath = \"web\"");
    let repo = shop(&refused);
    assert!(about(&findings(&repo, &[]), "web", "common").is_empty());
    repo.svc(&["doctor", "--fix"]).run();
    assert_eq!(definition(&repo), refused);
}

#[test]
fn a_dependency_that_nothing_shows_is_a_hint_unless_something_else_may_need_it() {
    let declared = SHOP.replace(
        "path = \"prices\"\n",
        "path = \"prices\"\ndepends-on = [\"common\"]\n",
    );
    let repo = shop(&declared);
    let found = findings(&repo, &[]);
    let unshown = about(&found, "prices", "nothing shows");
    assert_eq!(unshown.len(), 1, "{found:#?}");
    assert_eq!(unshown[0]["weight"], "hint");
    assert!(about(&found, "web", "nothing shows").is_empty());
    // What runs may be called over the network, and a task says itself what it reads.
    for more in [
        "serve = { run = \"x\", port = 8081 }\n",
        "deploy = \"true\"\n",
    ] {
        let repo = shop(&format!("{declared}{more}"));
        assert!(
            about(&findings(&repo, &[]), "prices", "nothing shows").is_empty(),
            "{more}"
        );
    }
    let reads = "[services.prices.build]\ninputs = [\"...\", \"/common/src/lib.rs\"]\n";
    let repo = shop(&format!("{declared}{reads}"));
    assert!(about(&findings(&repo, &[]), "prices", "nothing shows").is_empty());
}

#[test]
fn what_init_would_add_to_the_workspace_is_a_hint() {
    let repo = shop(SHOP);
    repo.write("shipping/Cargo.toml", package("shipping", &[]));
    repo.write("shipping/src/main.rs", "fn main() {}\n");
    repo.write("rust-toolchain.toml", "[toolchain]\nchannel = \"stable\"\n");
    let found = findings(&repo, &[]);
    let service = about(&found, "shipping", "not declared");
    assert_eq!(service.len(), 1, "{found:#?}");
    assert_eq!(service[0]["weight"], "hint");
    assert!(
        service[0]["fix"]["words"]
            .as_str()
            .unwrap()
            .starts_with("svc init --update")
    );
    assert_eq!(
        about(&found, "rust-toolchain.toml", "global-inputs").len(),
        1,
        "{found:#?}"
    );
    // These are for a person to decide.
    let before = definition(&repo);
    repo.svc(&["doctor", "--fix"]).run();
    assert!(!definition(&repo).contains("shipping"), "{before}");
}

#[test]
fn a_preset_that_does_not_fit_is_a_warning() {
    let repo = shop(&SHOP.replacen(
        "path = \"common\"\nuses = \"rust\"",
        "path = \"common\"\nuses = \"go\"",
        1,
    ));
    let found = findings(&repo, &[]);
    let unfit = about(&found, "common", "go.mod");
    assert_eq!(unfit.len(), 1, "{found:#?}");
    assert_eq!(unfit[0]["weight"], "warning");
    // One module may hold many services.
    repo.write("go.mod", "module example.com/shop\n");
    assert!(about(&findings(&repo, &[]), "common", "go.mod").is_empty());
}

#[test]
fn a_pattern_that_matches_no_file_is_a_hint_with_its_line() {
    let reads = "[services.common.build]\n\
                 inputs = [\"...\", \"/proto/gone.proto\", \"/made/*.rs\", \"/kept/x\"]\n\
                 [services.prices.build]\noutputs = [\"made\"]\n\
                 [tasks.lint]\ninputs = [\"...\", \"/web/src/*.rs\"]\n";
    let repo = shop(&format!("{SHOP}{reads}"));
    repo.write(".gitignore", "kept\n/made\n");
    repo.write("kept/x", "");
    repo.write("made/x.rs", "");
    let found = findings(&repo, &[]);
    let idle: Vec<_> = found
        .iter()
        .filter(|it| it["words"].as_str().unwrap().contains("matches no file"))
        .collect();
    assert_eq!(idle.len(), 1, "{idle:#?}");
    assert_eq!(idle[0]["about"], "services.toml:19");
    let global = SHOP.replace(
        "\n[services.web]",
        "[workspace]\nglobal-inputs = [\"nowhere/*\"]\n\n[services.web]",
    );
    let repo = shop(&global);
    assert_eq!(
        about(&findings(&repo, &[]), "services.toml", "nowhere/*").len(),
        1
    );
}

#[test]
fn a_definition_that_git_ignores_is_told_with_the_line_that_does_it() {
    let repo = TestRepo::with_files(&[(".gitignore", "x\n*.toml\n"), ("api/a", "")]);
    repo.write(
        "services.toml",
        "version = 1\n[services.api]\npath = \"api\"\nbuild = \"true\"\n",
    );
    let found = findings(&repo, &[]);
    let ignored = find(&found, "repository", "services.toml").unwrap();
    assert!(
        ignored["words"].as_str().unwrap().contains(".gitignore:2"),
        "{ignored}"
    );
}

#[test]
fn a_tool_is_asked_once_for_all_and_told_once_for_each_answer() {
    let service = |name: &str| {
        format!(
            "[services.{name}]\npath = \"{name}\"\n[services.{name}.test]\nrun = \"true\"\ntools = [\"cat version\", \"echo one\"]\n"
        )
    };
    let definition = format!(
        "version = 1\n{}{}{}",
        service("a"),
        service("b"),
        service("c")
    );
    let repo = TestRepo::with_files(&[
        ("services.toml", &definition),
        ("a/version", "1.0\n"),
        ("b/version", "1.0\n"),
        ("c/version", "2.0\n"),
    ]);
    let found = findings(&repo, &[]);
    let of = |tool: &str| -> Vec<&str> {
        let tools = found
            .iter()
            .filter(|it| it["area"] == "tools" && it["about"] == tool);
        tools.map(|it| it["words"].as_str().unwrap()).collect()
    };
    assert_eq!(
        of("cat version"),
        ["1.0 (for a:test, b:test)", "2.0 (for c:test)"]
    );
    assert_eq!(of("echo one"), ["one"]);
}

#[test]
fn a_script_is_asked_for_its_version_once_where_the_same_files_choose_it() {
    let service = |name: &str| {
        format!(
            "[services.{name}]\npath = \"{name}\"\n[services.{name}.test]\nrun = \"true\"\ntools = [\"odd-tool --version\"]\n"
        )
    };
    let services: String = ["a", "b", "c", "d"].map(service).concat();
    let repo = TestRepo::with_files(&[
        ("services.toml", &format!("version = 1\n{services}")),
        (
            "bin/odd-tool",
            "#!/bin/sh\npwd >>\"${0%/*}/asked\"\ncat .tool-versions 2>/dev/null || echo 1.0\n",
        ),
        ("a/x", ""),
        ("b/package.json", "{}"),
        ("c/.tool-versions", "2.0\n"),
        ("d/.tool-versions", "2.0\n"),
    ]);
    repo.make_executable("bin/odd-tool");
    let path = format!(
        "{}:/usr/local/bin:/usr/bin:/bin",
        repo.root().join("bin").display()
    );
    let said = repo.svc(&["doctor"]).env("PATH", path).run();
    let told = said.stdout();
    for expected in ["1.0 (for a:test, b:test)", "2.0 (for c:test, d:test)"] {
        assert!(told.contains(expected), "{told}");
    }
    let asked = repo.read("bin/asked");
    let mut asked: Vec<&str> = asked
        .lines()
        .map(|it| it.rsplit('/').next().unwrap())
        .collect();
    asked.sort_unstable();
    assert_eq!(asked, ["a", "c", "d"]);
}

#[test]
fn however_many_outputs_git_does_not_ignore_one_fix_mends_all() {
    let outputs: Vec<String> = (10..40).map(|it| format!("\"out{it}\"")).collect();
    let outputs = outputs.join(", ");
    let repo = repo(&format!(
        "version = 1\n[services.api]\npath = \"api\"\n[services.api.build]\nrun = \"true\"\noutputs = [{outputs}]\n"
    ));
    let told = || {
        let found = findings(&repo, &[]);
        let told = found
            .iter()
            .filter(|it| it["fix"]["step"]["do"] == "ignore");
        told.count()
    };
    assert_eq!(told(), 9);
    let said = repo.svc(&["doctor", "--fix"]).run();
    assert_ne!(said.code(), 70, "{}", said.all());
    let ignored = repo.read(".gitignore");
    assert!(
        (10..40).all(|it| ignored.contains(&format!("/api/out{it}\n"))),
        "{ignored}"
    );
    assert_eq!(told(), 0);
}

#[test]
fn outputs_that_git_does_not_ignore_are_found_and_mended() {
    let repo = repo(
        "version = 1\n[services.api.build]\nrun = \"true\"\noutputs = [\"dist\", \"out/*.x\", \"kept\"]\n[services.api]\npath = \"api\"\n",
    );
    repo.write(".gitignore", "kept");
    let found = findings(&repo, &[]);
    let open = |found: &[serde_json::Value]| {
        let open = found
            .iter()
            .filter_map(|it| it["fix"]["step"]["lines"].as_array());
        let lines = open.flatten().filter_map(|it| it.as_str());
        lines.map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(open(&found), ["/api/dist", "/api/out/*.x"]);
    let said = repo.svc(&["doctor", "--fix"]).run();
    assert!(said.code() != 70, "{}", said.all());
    assert_eq!(repo.read(".gitignore"), "kept\n/api/dist\n/api/out/*.x\n");
    assert!(open(&findings(&repo, &[])).is_empty());
    repo.write("api/dist/x", "");
    repo.git(&["add", "--force", "api/dist/x"]);
    let found = findings(&repo, &[]);
    let taken = find(&found, "definition", "outputs").unwrap();
    assert_eq!(taken["weight"], "failure");
    assert_eq!(taken["words"], "api:build: `api/dist` takes api/dist/x");
}
