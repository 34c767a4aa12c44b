//! `svc new`: what a person sees, and what is refused.

use crate::support::TestRepo;

fn refused(repo: &TestRepo, arguments: &[&str], expected: &str) {
    let before = repo.git(&["status", "--short", "--ignored", "--untracked-files=all"]);
    let said = repo.svc(arguments).run();
    assert_eq!(said.code(), 2, "{}", said.all());
    assert!(said.stderr().contains(expected), "{}", said.all());
    let after = repo.git(&["status", "--short", "--ignored", "--untracked-files=all"]);
    assert_eq!(before, after, "nothing is written");
}

#[test]
fn a_first_service_makes_services_toml_and_the_next_lies_beside_it() {
    let repo = TestRepo::new();
    let said = repo
        .svc(&["new", "static-site", "web", "--path", "apps/web"])
        .stdout();
    assert!(
        said.contains("services.toml made, since there was none:"),
        "{said}"
    );
    assert!(
        said.ends_with("next:\n  svc build web\n  svc test web\n  svc deploy --env local web\n"),
        "{said}"
    );
    let made = repo
        .svc(&["new", "python", "orders", "--depends-on", "web"])
        .json();
    assert_eq!(made["path"], "apps/orders");
    assert_eq!(made["parameters"]["port"], "8081");
    assert_eq!(made["written"], true);
    let listed = repo.svc(&["list", "orders"]).json();
    assert_eq!(listed["services"][0]["depends_on"][0], "web");
}

#[test]
fn a_dry_run_writes_nothing() {
    let repo = TestRepo::new();
    let said = repo.svc(&["new", "go", "api", "--dry-run"]).stdout();
    assert!(said.starts_with("would make services/api: "), "{said}");
    assert_eq!(repo.git(&["status", "--short"]), "");
}

#[test]
fn what_is_taken_or_hostile_is_refused() {
    let repo = TestRepo::with_files(&[
        (
            "services.toml",
            "version = 1\n[services.api]\npath = \"api\"\nbuild = \"make\"\n",
        ),
        ("api/a", "1"),
        ("full/a", "1"),
        ("file", "1"),
    ]);
    std::os::unix::fs::symlink("/tmp", repo.root().join("away")).unwrap();
    repo.commit("a link");
    let check =
        |arguments: &[&str], expected| refused(&repo, &[&["new"], arguments].concat(), expected);
    check(
        &["go", "api"],
        "there is a service named `api` already, in `api`",
    );
    check(&["go", "Api"], "a service cannot be named `Api`");
    check(&["go", "../x"], "a service cannot be named `../x`");
    check(&["go", "a\u{1b}[31m"], "a service cannot be named");
    check(&["go", "web", "--path", "full"], "`full` exists already");
    check(&["go", "web", "--path", "file"], "`file` exists already");
    check(
        &["go", "web", "--path", "../web"],
        "lies outside the workspace",
    );
    check(
        &["go", "web", "--path", "/tmp/web"],
        "lies outside the workspace",
    );
    check(
        &["go", "web", "--path", "away/web"],
        "leads outside the workspace",
    );
    check(&["go", "web", "--path", "."], "is the workspace itself");
    check(&["go", "web", "--path", ".git/web"], "belongs to git");
    check(&["goo", "web"], "did you mean `go`?");
    check(&["go", "web", "--set", "prot=1"], "did you mean `port`?");
    check(
        &["go", "web", "--set", "port=0"],
        "it takes a port, from 1 to 65535",
    );
    check(&["go", "web", "--depends-on", "apj"], "did you mean `api`?");
}

#[test]
fn templates_of_its_own_are_used_and_their_faults_shown() {
    let repo = TestRepo::new();
    let own = |path: &str, text: &str| repo.write(&format!(".svc/templates/{path}"), text);
    own(
        "bot/template.toml",
        "about = \"Our bots\"\nmakes = \"job\"\nentry = '''\nbuild = \"make\"\n'''\n",
    );
    own("bot/{{ name }}.txt", "{{ workspace }}\n");
    own("out/template.toml", "about = \"x\"\n[parameters.up]\n");
    own(
        "away/template.toml",
        "about = \"x\"\n[parameters.x]\ndefault = \"../..\"\n",
    );
    own("away/{{ x }}", "");
    own(
        "broken/template.toml",
        "about = \"x\"\nentry = '''\nbuidl = \"make\"\n'''\n",
    );
    own("wrong/template.toml", "about = \"x\"\n");
    own("wrong/a.py", "\n{{ nmae }}\n");
    own("forever/template.toml", "about = \"x\"\n");
    own(
        "forever/a",
        &("{% for a in range(9999) %}".repeat(4) + &"{% endfor %}".repeat(4)),
    );
    repo.commit("templates");
    let listed = repo.svc(&["new", "--list"]).stdout();
    assert!(
        listed
            .lines()
            .any(|it| it.starts_with("bot ") && it.contains("Our bots") && it.ends_with("own")),
        "{listed}"
    );
    assert!(
        listed.contains("out/template.toml:2: a parameter cannot be named `up`"),
        "{listed}"
    );
    let check = |template: &str, expected| refused(&repo, &["new", template, "it"], expected);
    check(
        "away",
        ".svc/templates/away/{{ x }}: the file would be `../..`",
    );
    check("broken", "`services.toml` would not be valid");
    check("wrong", ".svc/templates/wrong/a.py:2: there is no `nmae`");
    check("forever", "fuel");
    repo.svc(&["new", "bot", "it"]).stdout();
    assert_eq!(repo.read("jobs/it/it.txt"), "repo\n");
}

#[test]
fn one_who_was_stopped_before_the_entry_is_finished() {
    let repo = TestRepo::new();
    repo.svc(&["new", "python", "api"]).stdout();
    let entry = repo.read("services.toml");
    // As if it had been killed between the two.
    repo.remove("services.toml");
    let said = repo.svc(&["new", "python", "api"]).stdout();
    assert!(said.starts_with("services/api: its "), "{said}");
    assert_eq!(repo.read("services.toml"), entry);
}

#[test]
fn two_at_once_are_both_there() {
    let repo = TestRepo::new();
    let names = ["a", "b", "c", "d"];
    let running = names.map(|name| {
        repo.svc(&["new", "static-site", name])
            .command()
            .stdout(std::process::Stdio::null())
            .spawn()
            .unwrap()
    });
    for mut one in running {
        assert!(one.wait().unwrap().success());
    }
    let listed = repo.svc(&["list"]).json();
    assert_eq!(listed["services"].as_array().unwrap().len(), 4);
    let ports: std::collections::BTreeSet<_> = repo
        .read("services.toml")
        .lines()
        .filter_map(|it| it.split("port = ").nth(1))
        .map(str::to_owned)
        .collect();
    assert_eq!(ports.len(), 4, "each has a port of its own");
}

#[test]
fn what_git_ignores_is_told() {
    let repo = TestRepo::with_files(&[(".gitignore", "/build/\nDockerfile\n")]);
    refused(
        &repo,
        &["new", "python", "api", "--path", "build/api"],
        "git ignores whatever is in `build/api`",
    );
    let said = repo.svc(&["new", "python", "api"]).stdout();
    assert!(
        said.contains("commit services/api/Dockerfile with `git add --force`: git ignores it"),
        "{said}"
    );
}

#[test]
fn from_a_directory_below_the_top_is_found_and_a_path_begins_there() {
    let repo = TestRepo::with_files(&[("apps/README.md", "")]);
    let below = repo.root().join("apps");
    let made = repo.at(&below).svc(&["new", "static-site", "web"]).json();
    assert_eq!(made["path"], "sites/web");
    let arguments = ["new", "static-site", "blog", "--path", "blog"];
    let made = repo.at(&below).svc(&arguments).json();
    assert_eq!(made["path"], "apps/blog");
    assert!(repo.root().join("services.toml").is_file());
    repo.svc(&["check"]).stdout();
}

/// All files below `root` but those of git.
fn files(repo: &TestRepo) -> Vec<String> {
    let listed = repo.git(&["ls-files", "--others", "--cached"]);
    let mut files: Vec<String> = listed.lines().map(str::to_owned).collect();
    files.sort();
    files
}

/// Each rename is a moment at which something gets its place; killed in front of any, the same command ends the work.
#[test]
fn one_who_is_killed_at_any_moment_is_finished_by_the_next() {
    let clean = TestRepo::new();
    clean.svc(&["new", "python", "api"]).stdout();
    let mut killed = 0;
    let moments = [
        ("renameat2", 1),
        ("renameat2", 2),
        ("renameat", 1),
        ("rename", 1),
        ("linkat", 1),
    ];
    for (moment, nth) in moments {
        let repo = TestRepo::new();
        let svc = env!("CARGO_BIN_EXE_svc");
        let trace = format!("trace={moment}");
        let inject = format!("inject={moment}:signal=SIGKILL:when={nth}");
        let traced = repo
            .command("strace", repo.root())
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &trace, "-e", &inject])
            .args([svc, "new", "python", "api"])
            .output();
        let Ok(traced) = traced else {
            return crate::servers::skip("strace", "it is not installed");
        };
        if traced.status.success() {
            continue;
        }
        let said = String::from_utf8_lossy(&traced.stderr).into_owned();
        if said.contains("ptrace") || said.contains("PTRACE") {
            return crate::servers::skip("strace", "it may not trace here");
        }
        killed += 1;
        if repo.root().join("services.toml").exists() {
            repo.svc(&["check"]).stdout();
        }
        repo.svc(&["new", "python", "api"]).stdout();
        assert_eq!(files(&repo), files(&clean), "killed at {moment} {nth}");
        assert_eq!(repo.read("services.toml"), clean.read("services.toml"));
    }
    assert!(killed >= 2, "only {killed} moments were found");
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let repo = TestRepo::new();
    let script = "set -eu
        mount -t tmpfs -o size=64k tmpfs .
        cd \"$PWD\"
        echo 'version = 1' >services.toml
        cp services.toml \"$HOME/before\"
        # Room for the first files alone.
        head -c 40000 /dev/zero >filler
        code=0; \"$SVC\" new java api || code=$?
        find . -mindepth 1 ! -name filler ! -name services.toml
        cmp services.toml \"$HOME/before\"
        exit $code";
    std::fs::create_dir_all(repo.beside("home")).unwrap();
    let disk = repo.beside("disk");
    std::fs::create_dir_all(&disk).unwrap();
    let mut unshare = repo.command("unshare", &disk);
    unshare.args(["--map-root-user", "--mount", "sh", "-c"]);
    let probe = unshare.arg("mount -t tmpfs -o size=1m tmpfs .").output();
    if !probe.is_ok_and(|it| it.status.success()) {
        return crate::servers::skip("unshare", "a small disk cannot be mounted here");
    }
    let mut unshare = repo.command("unshare", &disk);
    unshare.args(["--map-root-user", "--mount", "sh", "-c", script]);
    let output = unshare
        .env("SVC", env!("CARGO_BIN_EXE_svc"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "", "{said}");
    assert!(
        said.contains("No space left") || said.contains("Disk quota"),
        "{said}"
    );
}
