//! `svc affected` on real repositories: each kind of change in each shape of repository that matters.
//!
//! Every row makes its repository with real git commands and names what must be affected.

use std::collections::BTreeSet;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Svc, TestRepo};

const SERVICES: &str = r#"version = 1

[workspace]
name = "table"
default-branch = "main"
global-inputs = [".tool-versions"]
ignore = ["**/*.md"]

[services.lib]
path = "libs/lib"
build = "true"

[services.api]
path = "services/api"
depends-on = ["lib"]
build = { run = "true", outputs = ["dist"] }

[services.plugin]
path = "services/api/plugin"
build = "true"

[services.web]
path = "services/web"
depends-on = ["api"]
test = "true"
build = { run = "true", inputs = ["...", "/contracts/a.json", "!**/*.snap"] }

[services.tool]
path = "tools/tool"

[services.tool.tasks.check]
run = "true"
inputs = ["...", "/contracts/*.json", "NOTES.md"]
"#;

/// The workspace that most rows begin with, below `directory`.
fn files(directory: &str) -> Vec<(String, String)> {
    let texts = [
        ("services.toml", SERVICES),
        (".tool-versions", "node 20\n"),
        (".gitignore", "dist/\n*.log\n"),
        ("README.md", "# read me\n"),
        ("contracts/a.json", "{}\n"),
        ("contracts/b.json", "{}\n"),
        ("libs/lib/lib.c", "int lib;\n"),
        ("libs/lib/old name.c", "int old;\n"),
        ("services/api/main.c", "int api;\n"),
        ("services/api/run.sh", "echo run\n"),
        ("services/api/plugin/plugin.c", "int plugin;\n"),
        ("services/web/index.html", "<p>web\n"),
        ("services/web/index.snap", "snap\n"),
        ("tools/tool/tool.py", "print(1)\n"),
        ("tools/tool/NOTES.md", "notes\n"),
        ("docs/guide.txt", "guide\n"),
    ];
    let below = |path: &str| format!("{directory}{path}");
    texts
        .iter()
        .map(|(path, text)| (below(path), (*text).to_owned()))
        .collect()
}

/// A repository whose first commit, on `main`, is the workspace; the branch `work` is checked out.
fn repo() -> TestRepo {
    repo_below("")
}

fn repo_below(directory: &str) -> TestRepo {
    let repo = TestRepo::new();
    for (path, text) in files(directory) {
        repo.write(&path, text);
    }
    repo.commit("first");
    repo.git(&["switch", "--quiet", "--create", "work"]);
    repo
}

fn names(document: &Value) -> BTreeSet<String> {
    let services = document["services"].as_array().expect("a list of services");
    let name = |it: &Value| it["name"].as_str().expect("a name").to_owned();
    services.iter().map(name).collect()
}

/// Checks one row: what is affected, and that it is known exactly (`everything` is null).
fn check(row: &str, svc: Svc, expected: &str) -> Value {
    let document = svc.json();
    let expected: BTreeSet<String> = expected.split_whitespace().map(str::to_owned).collect();
    assert_eq!(names(&document), expected, "{row}:\n{document:#}");
    assert_eq!(document["everything"], Value::Null, "{row}:\n{document:#}");
    document
}

/// Checks one row in which nothing can be known, so that everything counts as affected.
fn check_everything(row: &str, svc: Svc, reason: &str) {
    let document = svc.json();
    assert_eq!(names(&document).len(), 5, "{row}:\n{document:#}");
    let said = document["everything"].as_str().unwrap_or_default();
    assert!(
        said.contains(reason),
        "{row}: {said:?} does not say {reason:?}"
    );
}

/// Each kind of change, made by a function, with what it must affect.
type Change = (&'static str, fn(&TestRepo), &'static str);

const CHANGES: &[Change] = &[
    ("nothing", |_| {}, ""),
    (
        "edit",
        |repo| repo.append("services/api/main.c", "int x;\n"),
        "api web",
    ),
    (
        "edit of a library",
        |repo| repo.append("libs/lib/lib.c", "int x;\n"),
        "lib api web",
    ),
    (
        "new file",
        |repo| repo.write("services/api/deep/er/new.c", "int n;\n"),
        "api web",
    ),
    (
        "deletion",
        |repo| repo.remove("libs/lib/lib.c"),
        "lib api web",
    ),
    (
        "rename across services",
        |repo| {
            repo.write("tools/tool/new name.c", repo.read("libs/lib/old name.c"));
            repo.remove("libs/lib/old name.c");
        },
        "lib api web tool",
    ),
    (
        "mode",
        |repo| repo.make_executable("services/api/run.sh"),
        "api web",
    ),
    (
        "file becomes symlink",
        |repo| {
            repo.remove("services/web/index.html");
            let link = repo.root().join("services/web/index.html");
            std::os::unix::fs::symlink("index.snap", link).unwrap();
        },
        "web",
    ),
    (
        "file becomes directory",
        |repo| {
            repo.remove("tools/tool/tool.py");
            repo.write("tools/tool/tool.py/inner.py", "print(2)\n");
        },
        "tool",
    ),
    (
        "nested service owns its files",
        |repo| repo.append("services/api/plugin/plugin.c", "x"),
        "plugin",
    ),
    (
        "global input",
        |repo| repo.append(".tool-versions", "java 21\n"),
        "api lib plugin tool web",
    ),
    (
        "ignored by the workspace",
        |repo| repo.append("services/api/README.md", ""),
        "",
    ),
    (
        "ignored but named",
        |repo| repo.append("tools/tool/NOTES.md", "x\n"),
        "tool",
    ),
    (
        "contract of two",
        |repo| repo.append("contracts/a.json", " "),
        "tool web",
    ),
    (
        "contract of one",
        |repo| repo.append("contracts/b.json", " "),
        "tool",
    ),
    (
        "left out by one task, read by another",
        |repo| repo.append("services/web/index.snap", "x"),
        "web",
    ),
    ("unowned", |repo| repo.append("docs/guide.txt", "x"), ""),
    (
        "names with spaces, quotes and letters",
        |repo| repo.write("services/web/ü \"x\" 'y'\t*.txt", "x"),
        "web",
    ),
    (
        "a name that is not text",
        |repo| {
            let name = std::ffi::OsStr::from_bytes(b"tools/tool/\xff\xfe.bin");
            std::fs::write(repo.root().join(PathBuf::from(name)), "x").unwrap();
        },
        "tool",
    ),
    (
        "reformatted definition",
        |repo| {
            repo.write(
                "services.toml",
                SERVICES.replace("build = \"true\"", "build  =  [ 'true' ] # same"),
            )
        },
        "",
    ),
    (
        "definition of one task",
        |repo| {
            repo.write(
                "services.toml",
                SERVICES.replace("outputs = [\"dist\"]", "outputs = [\"out\"]"),
            )
        },
        "api web",
    ),
    (
        "a new service",
        |repo| {
            repo.write(
                "services.toml",
                format!("{SERVICES}\n[services.more]\npath = \"docs\"\n"),
            );
        },
        "more",
    ),
];

fn write_md(repo: &TestRepo) {
    repo.write("services/api/README.md", "api\n");
    repo.commit("a read me");
}

/// Runs every change through `commit` and the arguments that make it visible.
fn each_change(shape: &str, make_visible: fn(&TestRepo), arguments: &[&str]) {
    for (change, apply, expected) in CHANGES {
        let repo = repo();
        write_md(&repo);
        apply(&repo);
        make_visible(&repo);
        let row = format!("{change}, {shape}");
        let all = [&["affected"], arguments].concat();
        check(&row, repo.svc(&all), expected);
    }
}

#[test]
fn each_change_counts_once_committed() {
    each_change(
        "committed",
        |repo| drop(repo.commit("change")),
        &["--base", "main", "--head", "HEAD"],
    );
}

#[test]
fn each_change_counts_in_the_working_tree() {
    each_change("working tree", |_| {}, &[]);
}

#[test]
fn each_change_counts_once_staged() {
    each_change(
        "staged",
        |repo| drop(repo.git(&["add", "--all"])),
        &["--staged"],
    );
}

#[test]
fn the_working_tree_does_not_count_for_the_index_or_a_commit() {
    let repo = repo();
    repo.append("services/api/main.c", "x");
    repo.git(&["add", "--all"]);
    repo.append("tools/tool/tool.py", "x");
    check(
        "only what is staged",
        repo.svc(&["affected", "--staged"]),
        "api web",
    );
    check(
        "only what is committed",
        repo.svc(&["affected", "--head", "HEAD"]),
        "",
    );
    check("both", repo.svc(&["affected"]), "api tool web");
}

#[test]
fn a_change_taken_back_is_no_change() {
    let repo = repo();
    repo.append("services/api/main.c", "x");
    repo.commit("there");
    check("committed", repo.svc(&["affected"]), "api web");
    repo.write("services/api/main.c", "int api;\n");
    check("and back in the working tree", repo.svc(&["affected"]), "");
    check(
        "but the commit has it",
        repo.svc(&["affected", "--head", "HEAD"]),
        "api web",
    );
}

#[test]
fn files_that_git_ignores_do_not_count() {
    let repo = repo();
    repo.write("services/api/dist/app", "x");
    repo.write("libs/lib/trace.log", "x");
    check("ignored", repo.svc(&["affected"]), "");
    repo.git(&["add", "--force", "libs/lib/trace.log"]);
    check("added by force", repo.svc(&["affected"]), "api lib web");
}

#[test]
fn a_workspace_inside_a_larger_repository() {
    let repo = repo_below("products/shop/");
    let inside = repo.at(repo.root().join("products/shop"));
    repo.write("products/other.txt", "x");
    check("outside", inside.svc(&["affected"]), "");
    repo.append("products/shop/libs/lib/lib.c", "x");
    let document = check("inside", inside.svc(&["affected"]), "api lib web");
    assert_eq!(
        document["services"][0]["causes"][0]["path"],
        "libs/lib/lib.c"
    );
    let deep = repo.at(repo.root().join("products/shop/services/web"));
    check(
        "from a directory of a service",
        deep.svc(&["affected"]),
        "api lib web",
    );
    let from_top = repo.svc(&["-C", "products/shop", "affected"]);
    check("by -C", from_top, "api lib web");
}

#[test]
fn the_merge_base_leaves_out_what_others_did() {
    let repo = repo();
    repo.append("services/web/index.html", "x");
    repo.commit("mine");
    repo.git(&["switch", "--quiet", "main"]);
    repo.append("tools/tool/tool.py", "x");
    repo.commit("theirs");
    repo.git(&["switch", "--quiet", "work"]);
    check(
        "merge-base",
        repo.svc(&["affected", "--base", "main"]),
        "web",
    );
    check(
        "exact",
        repo.svc(&["affected", "--base-exact", "main"]),
        "tool web",
    );
    repo.git(&["merge", "--quiet", "--no-edit", "main"]);
    check(
        "after a merge",
        repo.svc(&["affected", "--base", "main"]),
        "web",
    );
    let variable = repo.svc(&["affected"]).env("SVC_BASE", "main");
    check("by variable", variable, "web");
}

#[test]
fn a_criss_cross_history_unites_the_differences() {
    let repo = repo();
    repo.append("libs/lib/lib.c", "x");
    repo.commit("a");
    repo.git(&["branch", "a"]);
    repo.git(&["switch", "--quiet", "--create", "other", "main"]);
    repo.append("tools/tool/tool.py", "x");
    repo.commit("b");
    repo.git(&["branch", "b"]);
    repo.git(&["merge", "--quiet", "--no-edit", "a"]);
    repo.git(&["switch", "--quiet", "work"]);
    repo.git(&["merge", "--quiet", "--no-edit", "b"]);
    let document = check(
        "criss-cross",
        repo.svc(&["affected", "--base", "other"]),
        "api lib tool web",
    );
    assert!(
        document["base"]["rule"]
            .as_str()
            .unwrap()
            .contains("merge-base")
    );
}

#[test]
fn an_unborn_branch_has_everything_new() {
    let repo = TestRepo::new();
    files("")
        .iter()
        .for_each(|(path, text)| repo.write(path, text));
    let document = repo.svc(&["affected"]).json();
    assert_eq!(names(&document).len(), 5, "{document:#}");
    repo.git(&["add", "--all"]);
    assert_eq!(names(&repo.svc(&["affected", "--staged"]).json()).len(), 5);
}

#[test]
fn a_detached_head_compares_with_the_default_branch() {
    let repo = repo();
    repo.append("tools/tool/tool.py", "x");
    repo.commit("work");
    repo.git(&["checkout", "--quiet", "--detach"]);
    check("detached", repo.svc(&["affected"]), "tool");
}

#[test]
fn a_linked_worktree_has_its_own_state() {
    let repo = repo();
    let linked = repo.beside("linked");
    repo.git(&[
        "worktree",
        "add",
        "--quiet",
        "-b",
        "second",
        linked.to_str().unwrap(),
        "main",
    ]);
    let linked = repo.at(linked);
    linked.write("libs/lib/lib.c", "int changed;\n");
    check("linked", linked.svc(&["affected"]), "api lib web");
    check("first", repo.svc(&["affected"]), "");
}

#[test]
fn a_submodule_counts_by_its_pointer() {
    let repo = repo();
    let other = TestRepo::with_files(&[("x.c", "int x;\n")]);
    let url = other.root().to_str().unwrap();
    repo.git(&[
        "-c",
        "protocol.file.allow=always",
        "submodule",
        "--quiet",
        "add",
        url,
        "tools/tool/vendor",
    ]);
    repo.commit("submodule");
    repo.git(&["branch", "--force", "main"]);
    check("unchanged", repo.svc(&["affected"]), "");
    let inside = repo.at(repo.root().join("tools/tool/vendor"));
    inside.write("x.c", "int y;\n");
    inside.commit("moved on");
    check("working tree", repo.svc(&["affected"]), "tool");
    repo.git(&["add", "--all"]);
    check("staged", repo.svc(&["affected", "--staged"]), "tool");
    repo.commit("pointer");
    check(
        "committed",
        repo.svc(&["affected", "--head", "HEAD"]),
        "tool",
    );
}

/// A clone of `repo` at `work`, made with these arguments, as the directory `clone` beside it.
fn clone(repo: &TestRepo, arguments: &[&str]) -> PathBuf {
    let url = format!("file://{}", repo.root().display());
    repo.git(&["config", "uploadpack.allowFilter", "true"]);
    repo.git(&["config", "uploadpack.allowAnySHA1InWant", "true"]);
    let clone = repo.beside("clone");
    let all = [
        &["clone", "--quiet"],
        arguments,
        &[&url, clone.to_str().unwrap()],
    ]
    .concat();
    repo.git(&all);
    clone
}

fn with_work() -> TestRepo {
    let repo = repo();
    for number in 0..3 {
        repo.append("tools/tool/tool.py", &number.to_string());
        repo.commit("work");
    }
    repo.git(&["switch", "--quiet", "main"]);
    repo.append("services/web/index.html", "x");
    repo.commit("theirs");
    repo.git(&["switch", "--quiet", "work"]);
    repo
}

#[test]
fn partial_and_shallow_clones_fetch_what_they_lack() {
    let shapes: &[(&str, &[&str])] = &[
        ("full", &[]),
        ("blobless", &["--filter=blob:none"]),
        ("treeless", &["--filter=tree:0"]),
        ("shallow", &["--depth=1"]),
        (
            "shallow, one branch",
            &["--depth=2", "--single-branch", "--branch=work"],
        ),
        ("blobless and shallow", &["--filter=blob:none", "--depth=1"]),
    ];
    for (shape, arguments) in shapes {
        let repo = with_work();
        let clone = repo.at(clone(&repo, arguments));
        let svc = clone.svc(&["affected", "--base", "origin/main", "--head", "HEAD"]);
        check(shape, svc, "tool");
    }
}

#[test]
fn without_fetching_nothing_is_guessed() {
    let repo = with_work();
    let clone = repo.at(clone(&repo, &["--depth=1"]));
    let arguments = ["affected", "--base", "origin/main", "--no-fetch"];
    check_everything("shallow", clone.svc(&arguments), "--no-fetch");
    let strict = clone
        .svc(&[&arguments[..], &["--strict-base"]].concat())
        .run();
    assert_eq!(strict.code(), 3, "{}", strict.all());
}

#[test]
fn a_base_that_nobody_has_means_everything() {
    let repo = repo();
    check_everything(
        "no such name",
        repo.svc(&["affected", "--base", "nowhere"]),
        "nowhere",
    );
    let unknown = "0123456789012345678901234567890123456789";
    check_everything(
        "no such commit",
        repo.svc(&["affected", "--base-exact", unknown]),
        "0123456789",
    );
    let strict = repo
        .svc(&["affected", "--base", "nowhere", "--strict-base"])
        .run();
    assert_eq!(strict.code(), 3, "{}", strict.all());
}

#[test]
fn ci_never_guesses_a_base() {
    let repo = repo();
    check_everything(
        "no adapter",
        repo.svc(&["affected"]).env("CI", "true"),
        "SVC_BASE",
    );
    repo.append("tools/tool/tool.py", "x");
    let named = repo.svc(&["affected", "--base", "main"]).env("CI", "true");
    check("uncommitted files do not count in CI", named, "");
}

#[test]
fn a_directory_without_git_has_everything_affected() {
    let directory = TestRepo::bare_directory();
    files("")
        .iter()
        .for_each(|(path, text)| directory.write(path, text));
    check_everything(
        "no git",
        directory.svc(&["affected"]),
        "not a git repository",
    );
}

#[test]
fn a_sparse_checkout_misses_nothing_and_invents_nothing() {
    for index in ["--no-sparse-index", "--sparse-index"] {
        let repo = repo();
        repo.git(&[
            "sparse-checkout",
            "set",
            "--cone",
            index,
            "services/web",
            "tools",
        ]);
        check(index, repo.svc(&["affected"]), "");
        repo.append("tools/tool/tool.py", "x");
        check(index, repo.svc(&["affected"]), "tool");
        repo.git(&["add", "--sparse", "--all"]);
        check(index, repo.svc(&["affected", "--staged"]), "tool");
    }
}

#[test]
fn a_definition_behind_a_link_is_watched() {
    let repo = repo();
    repo.write(
        "shared.toml",
        "[services.one]\npath = \"one\"\nbuild = \"true\"\n",
    );
    repo.write("teams/one/main.c", "");
    std::os::unix::fs::symlink("../shared.toml", repo.root().join("teams/services.toml")).unwrap();
    let text = repo.read("services.toml");
    let include = "[workspace]\ninclude = [\"teams/services.toml\"]";
    repo.write("services.toml", text.replace("[workspace]", include));
    repo.commit("teams");
    repo.git(&["switch", "--quiet", "--force-create", "main"]);
    repo.git(&["switch", "--quiet", "--create", "other"]);
    repo.write(
        "shared.toml",
        "[services.one]\npath = \"one\"\nbuild = \"false\"\n",
    );
    check("behind a link", repo.svc(&["affected"]), "one");
}

#[test]
fn a_sparse_checkout_keeps_the_services_of_included_files() {
    let repo = repo();
    let text = repo.read("services.toml");
    let include = "[workspace]\ninclude = [\"teams/*/services.toml\"]";
    repo.write("services.toml", text.replace("[workspace]", include));
    repo.write(
        "teams/one/services.toml",
        "[services.one]\npath = \".\"\ndepends-on = [\"tool\"]\n",
    );
    repo.commit("teams");
    repo.git(&["switch", "--quiet", "--force-create", "main"]);
    repo.git(&["sparse-checkout", "set", "--cone", "tools"]);
    repo.append("tools/tool/tool.py", "x");
    check("include", repo.svc(&["affected"]), "one tool");
}

#[test]
fn other_index_and_object_formats_work() {
    for setup in [
        &["update-index", "--index-version=4"][..],
        &["update-index", "--split-index"],
        &["update-index", "--untracked-cache"],
        &["config", "core.fsmonitor", "false"],
    ] {
        let repo = repo();
        repo.git(setup);
        repo.append("tools/tool/tool.py", "x");
        repo.write("services/web/new.html", "x");
        check(&format!("{setup:?}"), repo.svc(&["affected"]), "tool web");
        repo.git(&["add", "--all"]);
        check(
            &format!("{setup:?}"),
            repo.svc(&["affected", "--staged"]),
            "tool web",
        );
    }
}

#[test]
fn sha256_and_reftable_repositories_work() {
    for format in ["--object-format=sha256", "--ref-format=reftable"] {
        let repo = TestRepo::bare_directory();
        repo.git(&["init", "--quiet", "--initial-branch=main", format]);
        files("")
            .iter()
            .for_each(|(path, text)| repo.write(path, text));
        repo.commit("first");
        repo.git(&["switch", "--quiet", "--create", "work"]);
        repo.append("tools/tool/tool.py", "x");
        check(format, repo.svc(&["affected"]), "tool");
        repo.git(&["add", "--all"]);
        check(format, repo.svc(&["affected", "--staged"]), "tool");
        repo.commit("work");
        check(format, repo.svc(&["affected", "--head", "HEAD"]), "tool");
    }
}

#[test]
fn a_hook_judges_what_would_be_committed() {
    let hook = format!(
        "#!/bin/sh\n'{}' affected --staged >\"$PWD/said\"\n",
        env!("CARGO_BIN_EXE_svc")
    );
    let commits: &[(&str, &[&str], &str)] = &[
        ("plain", &["commit", "--quiet", "--message=x"], "web\n"),
        (
            "all",
            &["commit", "--quiet", "--all", "--message=x"],
            "tool\nweb\n",
        ),
        (
            "one path",
            &["commit", "--quiet", "--message=x", "--", "tools"],
            "tool\n",
        ),
        (
            "amend",
            &["commit", "--quiet", "--amend", "--message=x"],
            "web\n",
        ),
    ];
    for (name, arguments, expected) in commits {
        let repo = repo();
        repo.write(".git/hooks/pre-commit", &hook);
        repo.make_executable(".git/hooks/pre-commit");
        repo.append("services/web/index.html", "x");
        repo.git(&["add", "--all"]);
        repo.append("tools/tool/tool.py", "x");
        repo.git(arguments);
        assert_eq!(repo.read("said"), *expected, "{name}");
        repo.remove("said");
        let inside = repo.at(repo.root().join("services"));
        repo.append("services/web/index.html", "y");
        inside.git(&["commit", "--quiet", "--all", "--message=y"]);
        assert!(
            repo.read("said").contains("web\n"),
            "{name}, from a subdirectory"
        );
    }
}

#[test]
fn a_corrupt_index_is_named() {
    let repo = repo();
    repo.write(".git/index", "DIRC\0\0\0\u{2}nonsense");
    let said = repo.svc(&["affected"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
    assert!(said.stderr().contains("index"), "{}", said.all());
}

#[test]
fn a_locked_index_does_not_matter_for_reading() {
    let repo = repo();
    repo.append("tools/tool/tool.py", "x");
    repo.write(".git/index.lock", "");
    check("locked", repo.svc(&["affected"]), "tool");
}

#[test]
fn a_damaged_object_is_an_error_and_not_an_answer() {
    let repo = repo();
    repo.append("tools/tool/tool.py", "x");
    repo.commit("work");
    let tree = repo.git(&["rev-parse", "main^{tree}"]);
    let object = format!(".git/objects/{}/{}", &tree[..2], &tree[2..]);
    std::fs::remove_file(repo.root().join(object)).unwrap();
    let said = repo.svc(&["affected", "--head", "HEAD"]).run();
    assert_eq!(said.code(), 3, "{}", said.all());
}
