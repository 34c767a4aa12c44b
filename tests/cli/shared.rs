//! What services share without a task of its own: sources of dependencies, and lock files.

use serde_json::Value;

use crate::support::TestRepo;
use crate::world::{document, outcomes, row};

/// A preset whose dependents read sources, and three services in a row, and one beside them.
fn reading() -> TestRepo {
    let repo = TestRepo::new();
    repo.write(
        ".svc/presets/c.toml",
        "[consumers]\nfiles = [\"**/*.h\"]\npresets = [\"c\"]\n[build]\nrun = \"cat *.h >out\"\noutputs = [\"out\"]\n\
         [tasks.lint]\nrun = \"true\"\n",
    );
    repo.write(
        "services.toml",
        "version = 1\n[workspace]\ndefault-branch = \"main\"\n[services.base]\npath = \"base\"\nuses = \"c\"\n\
         [services.lib]\npath = \"lib\"\nuses = \"c\"\ndepends-on = [\"base\"]\n\
         [services.app]\npath = \"app\"\nuses = \"c\"\ndepends-on = [\"lib\"]\n\
         [services.app.tasks.lint]\ninputs = [\"main.c\"]\n\
         [services.page]\npath = \"page\"\ndepends-on = [\"lib\"]\ntasks.lint = \"true\"\n",
    );
    repo.write(".gitignore", "out\n");
    for service in ["base", "lib", "app"] {
        repo.write(
            &format!("{service}/{service}.h"),
            format!("int {service};\n"),
        );
        repo.write(&format!("{service}/README"), "read me\n");
    }
    repo.write("app/main.c", "int main;\n");
    repo.write("page/index.html", "<p>\n");
    repo.commit("first");
    repo.git(&["switch", "--quiet", "--create", "work"]);
    repo
}

/// The tasks that would run, sorted.
fn planned(repo: &TestRepo, arguments: &[&str]) -> Vec<String> {
    let (code, said) = document(repo, arguments);
    assert_eq!(code, 0, "{said:#}");
    let tasks = said["tasks"].as_array().unwrap().iter();
    let run = tasks.filter(|it| it["verdict"] == "run");
    let id = |it: &Value| it["id"].as_str().unwrap().to_owned();
    let mut ids: Vec<String> = run.map(id).collect();
    ids.sort_unstable();
    ids
}

#[test]
fn tasks_read_the_sources_of_dependencies_through_all_of_them() {
    let repo = reading();
    let lint = ["run", "lint", "--all"];
    let dry = ["run", "lint", "--all", "--dry-run"];
    document(&repo, &lint);
    assert_eq!(planned(&repo, &dry), [""; 0]);
    // What lies two dependencies away, though the task names its own inputs and needs nothing.
    repo.append("base/base.h", "int more;\n");
    assert_eq!(planned(&repo, &dry), ["app:lint", "base:lint", "lib:lint"]);
    assert_eq!(
        planned(&repo, &["run", "lint", "--dry-run"]),
        ["app:lint", "base:lint", "lib:lint"]
    );
    let why = repo.svc(&["why", "app:lint"]).stdout();
    assert!(why.contains("reads sources of lib"), "{why}");
    assert!(why.contains("reads sources of base"), "{why}");
    assert!(why.contains("base/base.h changed"), "{why}");
    assert!(why.contains("sources of base changed"), "{why}");
    let (_, said) = document(&repo, &lint);
    assert_eq!(row(&said, "app:lint")["missed"], "sources of base changed");
    // Other files of it are read by nobody else.
    repo.append("base/README", "more\n");
    assert_eq!(planned(&repo, &dry), ["base:lint"]);
}

#[test]
fn sources_count_where_outputs_stay_the_same() {
    let repo = reading();
    repo.write(
        ".svc/presets/c.toml",
        "consumers = [\"**/*.h\"]\n[build]\nrun = \"echo same >out\"\noutputs = [\"out\"]\n[tasks.lint]\nrun = \"true\"\n",
    );
    repo.commit("same");
    document(&repo, &["build", "--all"]);
    repo.append("lib/lib.h", "int more;\n");
    let (_, said) = document(&repo, &["build", "--all"]);
    assert_eq!(
        outcomes(&said).join(", "),
        "base:build cached, lib:build passed, app:build passed"
    );
}

#[test]
fn sources_that_change_while_a_dependent_runs_keep_its_result_out() {
    let repo = reading();
    repo.write("base/extra.h", "int e;\n");
    let toml = repo.read("services.toml");
    let run = "inputs = [\"main.c\"]\nrun = \"[ -e ../once ] || { touch ../once; echo x >>../base/extra.h; }\"";
    repo.write("services.toml", toml.replace("inputs = [\"main.c\"]", run));
    let said = repo.svc(&["run", "lint", "app"]).run();
    let expected = "not cached: its input base/extra.h changed while it ran";
    assert!(said.stderr().contains(expected), "{}", said.all());
}

const LOCK: &str = "version = 4\n\n[[package]]\nname = \"api\"\nversion = \"0.1.0\"\ndependencies = [\n \"itoa\",\n \"lib\",\n]\n\n\
[[package]]\nname = \"itoa\"\nversion = \"1.0.9\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"aa\"\n\n\
[[package]]\nname = \"lib\"\nversion = \"0.1.0\"\ndependencies = [\n \"serde\",\n]\n\n\
[[package]]\nname = \"serde\"\nversion = \"1.0.190\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"bb\"\n\n\
[[package]]\nname = \"web\"\nversion = \"0.1.0\"\ndependencies = [\n \"itoa\",\n]\n";

/// Three crates of a cargo workspace, and a service that knows nothing of it and reads the lock file.
fn locked() -> TestRepo {
    let repo = TestRepo::new();
    repo.write(
        "services.toml",
        "version = 1\n[workspace]\ndefault-branch = \"main\"\nlock-files = [\"Cargo.lock\"]\n\
         [tasks.build]\ninputs = [\"...\", \"/Cargo.lock\"]\noutputs = [\"out\"]\n\
         [services.lib]\npath = \"lib\"\nbuild = \"date +%N >out\"\n\
         [services.api]\npath = \"api\"\ndepends-on = [\"lib\"]\nbuild = \"date +%N >out\"\n\
         [services.web]\npath = \"web\"\nbuild = \"date +%N >out\"\n\
         [services.scan]\npath = \"scan\"\nbuild = \"date +%N >out\"\n",
    );
    repo.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"api\", \"lib\", \"web\"]\n",
    );
    repo.write("Cargo.lock", LOCK);
    repo.write(".gitignore", "out\n");
    for name in ["api", "lib", "web"] {
        repo.write(
            &format!("{name}/Cargo.toml"),
            format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n"),
        );
    }
    repo.write("scan/scan.sh", "grep checksum ../Cargo.lock\n");
    repo.commit("first");
    repo.git(&["switch", "--quiet", "--create", "work"]);
    repo
}

fn affected(repo: &TestRepo) -> Vec<String> {
    let text = repo.svc(&["affected"]).stdout();
    text.lines().map(str::to_owned).collect()
}

#[test]
fn a_bump_of_one_crate_affects_only_who_depends_on_it() {
    let repo = locked();
    document(&repo, &["build", "--all"]);
    assert_eq!(affected(&repo), [""; 0]);
    repo.write(
        "Cargo.lock",
        LOCK.replace("1.0.190", "1.0.191")
            .replace("\"bb\"", "\"cc\""),
    );
    assert_eq!(affected(&repo), ["lib", "api", "scan"]);
    let why = repo.svc(&["why", "lib"]).stdout();
    assert!(
        why.contains("its part of Cargo.lock changed (serde)"),
        "{why}"
    );
    let why = repo.svc(&["why", "scan"]).stdout();
    assert!(why.contains("  Cargo.lock changed"), "{why}");
    let (_, said) = document(&repo, &["build", "--all"]);
    assert_eq!(row(&said, "web:build")["outcome"], "cached", "{said:#}");
    assert_eq!(
        row(&said, "lib:build")["missed"],
        "its part of Cargo.lock changed"
    );
    assert_eq!(row(&said, "scan:build")["missed"], "Cargo.lock changed");
    for id in ["lib:build", "api:build", "scan:build"] {
        assert_eq!(row(&said, id)["outcome"], "passed", "{said:#}");
    }
    let (_, said) = document(&repo, &["build", "--all"]);
    let all_cached = said["tasks"]
        .as_array()
        .unwrap()
        .iter()
        .all(|it| it["outcome"] == "cached");
    assert!(all_cached, "{said:#}");
    // The same in the index and in a commit.
    repo.git(&["add", "--all"]);
    assert_eq!(
        repo.svc(&["affected", "--staged"]).stdout(),
        "lib\napi\nscan\n"
    );
    let commit = repo.commit("bump");
    let head = ["affected", "--head", commit.trim()];
    assert_eq!(repo.svc(&head).stdout(), "lib\napi\nscan\n");
}

/// A lock file so long that what it holds is remembered.
fn long_lock() -> String {
    let fill = |at: usize| {
        format!(
            "\n[[package]]\nname = \"fill-{at:03}\"\nversion = \"1.0.0\"\nsource = \"registry\"\nchecksum = \"{at:064}\"\n"
        )
    };
    LOCK.to_owned() + &(0..400).map(fill).collect::<String>()
}

/// The outcomes of a build of everything, of the services that are there.
fn built(repo: &TestRepo, cache: &str) -> Vec<String> {
    let said = repo.svc(&["build", "--all"]);
    let said = said.env("SVC_CACHE", cache).json();
    let outcome = |id: &str| row(&said, id)["outcome"].as_str().unwrap().to_owned();
    ["api", "lib", "scan", "web"]
        .map(|name| format!("{name} {}", outcome(&format!("{name}:build"))))
        .to_vec()
}

#[test]
fn what_lock_files_hold_is_remembered_and_damage_to_that_changes_nothing() {
    let repo = locked();
    let lock = long_lock();
    repo.write("Cargo.lock", &lock);
    let memory = repo.root().join(".git/svc/locks");
    let files = || -> Vec<_> {
        let entries = std::fs::read_dir(&memory).into_iter().flatten();
        entries.map(|it| it.unwrap().path()).collect()
    };
    let all = |outcome: &str| ["api", "lib", "scan", "web"].map(|it| format!("{it} {outcome}"));
    assert_eq!(built(&repo, "off"), all("passed"));
    assert!(!memory.exists(), "without a cache nothing is remembered");
    assert_eq!(built(&repo, "on"), all("passed"));
    assert_eq!(files().len(), 1);
    let whole = std::fs::read(&files()[0]).unwrap();
    assert_eq!(built(&repo, "on"), all("cached"));
    // Torn, empty, of somebody else's making, or with another thing in its place.
    let damaged = [&whole[..whole.len() / 2], b"", &[0xff; 4096]];
    for damaged in damaged {
        std::fs::write(&files()[0], damaged).unwrap();
        assert_eq!(built(&repo, "on"), all("cached"));
        assert_eq!(std::fs::read(&files()[0]).unwrap(), whole);
    }
    let file = files().remove(0);
    std::fs::remove_file(&file).unwrap();
    std::fs::create_dir(&file).unwrap();
    assert_eq!(built(&repo, "on"), all("cached"));
    std::fs::remove_dir(&file).unwrap();
    // Another lock file is another matter, and so is what a manifest says of it.
    let bumped = lock
        .replace("1.0.190", "1.0.191")
        .replace("\"bb\"", "\"cc\"");
    repo.write("Cargo.lock", &bumped);
    let expected = ["api passed", "lib passed", "scan passed", "web cached"];
    assert_eq!(built(&repo, "on"), expected);
    let manifest = repo.read("Cargo.toml");
    repo.write("Cargo.toml", format!("{manifest}# other words\n"));
    built(&repo, "on");
    assert_eq!(files().len(), 2);
    // What was remembered first still holds.
    repo.write("Cargo.toml", manifest);
    repo.write("Cargo.lock", &lock);
    assert_eq!(built(&repo, "on"), all("cached"));
}

#[test]
fn two_at_once_remember_the_same_of_a_lock_file() {
    let repo = locked();
    repo.write("Cargo.lock", long_lock());
    let both = [(); 2].map(|()| {
        let mut command = repo.svc(&["build", "--all"]).command();
        let silent = std::process::Stdio::null;
        command.stdout(silent()).stderr(silent()).spawn().unwrap()
    });
    for mut svc in both {
        assert!(svc.wait().unwrap().success());
    }
    let memory = repo.root().join(".git/svc/locks");
    assert_eq!(std::fs::read_dir(&memory).unwrap().count(), 1);
    let all = ["api", "lib", "scan", "web"].map(|it| format!("{it} cached"));
    assert_eq!(built(&repo, "on"), all);
}

#[test]
fn packages_within_a_service_count_for_it() {
    let repo = locked();
    let manifest = |name: &str| format!("[package]\nname = \"{name}\"\nversion = \"0.1.0\"\n");
    repo.write("web/migrate/Cargo.toml", manifest("migrate"));
    // In no lock file, as what tests bring.
    repo.write("web/tests/fixture/Cargo.toml", manifest("fixture"));
    let nested = LOCK.to_owned()
        + "\n[[package]]\nname = \"migrate\"\nversion = \"0.1.0\"\ndependencies = [\"sqlx\"]\n\n\
           [[package]]\nname = \"sqlx\"\nversion = \"0.7.0\"\nsource = \"registry\"\n";
    repo.write("Cargo.lock", &nested);
    repo.commit("nested");
    repo.git(&["branch", "--force", "main"]);
    document(&repo, &["build", "--all"]);
    repo.write("Cargo.lock", nested.replace("0.7.0", "0.7.1"));
    assert_eq!(affected(&repo), ["scan", "web"]);
    let (_, said) = document(&repo, &["build", "--all"]);
    assert_eq!(row(&said, "web:build")["outcome"], "passed", "{said:#}");
    assert_eq!(row(&said, "api:build")["outcome"], "cached", "{said:#}");
}

#[test]
fn a_lock_file_that_tells_nothing_counts_as_a_whole() {
    let check = |change: &dyn Fn(&TestRepo), expected: &[&str]| {
        let repo = locked();
        change(&repo);
        let mut found = affected(&repo);
        found.sort_unstable();
        assert_eq!(found, expected);
    };
    let everyone = ["api", "lib", "scan", "web"];
    let lock = |text: String| move |repo: &TestRepo| repo.write("Cargo.lock", &text);
    check(&lock(LOCK.replace("version = 4", "version = 3")), &everyone);
    check(&lock(format!("{LOCK}<<<<<<<\n")), &everyone);
    check(&|repo: &TestRepo| repo.remove("Cargo.lock"), &everyone);
    check(
        &lock(LOCK.replace("\"serde\",", "\"gone\",")),
        &["api", "lib", "scan"],
    );
    check(&lock(format!("# a comment\n{LOCK}")), &["scan"]);
}

#[test]
fn a_lock_file_that_changes_while_a_task_runs_keeps_its_result_out() {
    let repo = locked();
    let toml = repo.read("services.toml");
    let run = "build = \"date +%N >out; echo '# more' >>../Cargo.lock\"\n[services.scan]";
    repo.write(
        "services.toml",
        toml.replace("build = \"date +%N >out\"\n[services.scan]", run),
    );
    let said = repo.svc(&["build", "web"]).run();
    assert!(
        said.stderr()
            .contains("its input Cargo.lock changed while it ran"),
        "{}",
        said.all()
    );
}

#[test]
fn machines_are_told_which_entries_changed() {
    let repo = locked();
    repo.write("Cargo.lock", LOCK.replace("\"aa\"", "\"cc\""));
    let said: Value = repo.svc(&["affected"]).json();
    let web = said["services"]
        .as_array()
        .unwrap()
        .iter()
        .find(|it| it["name"] == "web");
    let expected = serde_json::json!([{"kind": "changed", "path": "Cargo.lock", "part": ["itoa"]}]);
    assert_eq!(web.unwrap()["causes"], expected);
}
