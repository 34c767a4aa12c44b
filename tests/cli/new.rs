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
fn a_place_that_git_ignores_is_told() {
    let repo = TestRepo::with_files(&[(".gitignore", "sites/\n")]);
    let said = repo.svc(&["new", "static-site", "web"]).run();
    assert!(
        said.all().contains("git ignores `sites/web`"),
        "{}",
        said.all()
    );
    let said = repo
        .svc(&["new", "static-site", "shop", "--path", "shop"])
        .run();
    assert!(!said.all().contains("git ignores"), "{}", said.all());
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
