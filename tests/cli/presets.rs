//! What services get from presets, and what a person sees of it.

use crate::support::TestRepo;

const SERVICES: &str = r#"version = 1

[tasks.test]
timeout = "10m"

[services.api]
path = "services/api"
uses = { preset = "own", bin = "api; rm -rf ~" }
test = { run = ["own check", "own report"] }

[services.api.build]
inputs = ["...", "/proto/*.proto"]
outputs = []
needs = ["lib:build"]

[services.lib]
path = "lib"
uses = "own"
"#;

const OWN: &str = r#"about = "Programs of our own tool"

[parameters.bin]
about = "the program that the build leaves behind"
default = ""

[parameters.manager]
default = "npm"
nearest = { "pnpm-lock.yaml" = "pnpm" }

[parameters.root]
directory-of = ["own.lock"]

[build]
run = "{{ manager }} build{% if bin %} --bin {{ bin }}{% endif %}"
inputs = ["...", "{% if root is not none %}/{{ root }}/own.lock{% endif %}"]
outputs = ["{% if bin %}dist/{{ bin }}{% endif %}"]
tools = ["own --version"]

[test]
run = "own test"
"#;

fn repo() -> TestRepo {
    let repo = TestRepo::with_files(&[
        ("services.toml", SERVICES),
        (".svc/presets/own.toml", OWN),
        ("services/own.lock", ""),
        ("services/api/a.c", ""),
        ("lib/b.c", ""),
    ]);
    repo.git(&["branch", "before"]);
    repo
}

fn ask(repo: &TestRepo, arguments: &[&str]) -> String {
    repo.svc(arguments).run().all()
}

#[test]
fn what_a_service_does_is_shown_with_where_it_is_written() {
    let repo = repo();
    insta::assert_snapshot!(ask(&repo, &["list", "-v", "api"]), @"
    exit 0
    --- stdout
    SERVICE  PATH          TASKS       DEPENDS ON
    api      services/api  build test  lib

    api uses own: Programs of our own tool
      bin      api; rm -rf ~  services.toml:8
      manager  npm            default
      root     services       by services/own.lock

    api:build
      run      npm build --bin 'api; rm -rf ~'  .svc/presets/own.toml:15
      inputs   the files of the service         built in
               /services/own.lock               .svc/presets/own.toml:16
               /proto/*.proto                   services.toml:12
      needs    lib:build                        services.toml:14
      tools    own --version                    .svc/presets/own.toml:18
      outputs  (nothing)                        services.toml:13, instead of .svc/presets/own.toml:17

    api:test
      run      own check                 services.toml:9, instead of .svc/presets/own.toml:21
               own report                services.toml:9
      inputs   the files of the service  built in
      needs    build                     built in
      timeout  10m                       services.toml:4
    ");
    insta::assert_snapshot!(ask(&repo, &["list", "-v", "--all", "--exclude", "api", "--head", "HEAD"]), @"
    exit 0
    --- stdout
    SERVICE  PATH  TASKS
    lib      lib   build test

    lib uses own: Programs of our own tool
      bin      (nothing)  default
      manager  npm        default
      root     (nothing)

    lib:build
      run     npm build                 .svc/presets/own.toml:15
      inputs  the files of the service  built in
      needs   ^build                    built in
      tools   own --version             .svc/presets/own.toml:18

    lib:test
      run      own test                  .svc/presets/own.toml:21
      inputs   the files of the service  built in
      needs    build                     built in
      timeout  10m                       services.toml:4
    ");
}

#[test]
fn a_preset_that_comes_along_is_named() {
    let repo = TestRepo::with_files(&[
        (
            "services.toml",
            "version = 1\n[services.a]\npath = \"a\"\nuses = \"make\"\n",
        ),
        ("a/b.c", ""),
    ]);
    let said = repo.svc(&["list", "-v", "a"]).stdout();
    assert!(said.contains("a uses make"), "{said}");
    assert!(said.contains("preset make"), "{said}");
}

#[test]
fn a_file_that_presets_look_for_changes_the_definition_when_it_comes_and_goes_but_not_within() {
    let repo = repo();
    let affected = |base: &str| {
        let said = repo.svc(&["affected", "--base", base]).json();
        let services = said["services"].as_array().unwrap().iter();
        let services = services.map(|it| {
            let causes = it["causes"].as_array().unwrap().iter();
            let causes = causes
                .map(|it| it["kind"].as_str().unwrap())
                .collect::<Vec<_>>();
            format!("{} {}", it["name"].as_str().unwrap(), causes.join(" "))
        });
        services.collect::<Vec<_>>()
    };
    repo.write("pnpm-lock.yaml", "1\n");
    let both = ["lib definition", "api definition dependency"];
    assert_eq!(affected("before"), both, "untracked");
    repo.commit("Use pnpm");
    assert_eq!(affected("before"), both, "committed");
    repo.git(&["branch", "with-lock"]);
    repo.write("pnpm-lock.yaml", "2\n");
    repo.commit("Update");
    assert_eq!(affected("with-lock"), Vec::<String>::new());
    // Nearer to one of the two.
    repo.write("services/api/pnpm-lock.yaml", "");
    repo.commit("Nearer");
    assert_eq!(affected("with-lock"), ["api changed"]);
    repo.remove("pnpm-lock.yaml");
    repo.remove("services/api/pnpm-lock.yaml");
    repo.git(&["add", "-A"]);
    let staged = repo
        .svc(&["affected", "--staged", "--base", "with-lock"])
        .stdout();
    assert_eq!(staged, "lib\napi\n");
    repo.remove("services/own.lock");
    repo.commit("Without");
    assert_eq!(affected("with-lock").len(), 2);
}

#[test]
fn what_lies_behind_a_link_is_found_in_every_state() {
    let repo = repo();
    repo.write("elsewhere/lock", "");
    repo.write("real/x/a.c", "");
    repo.write("real/pnpm-lock.yaml", "");
    let link = |target: &str, at: &str| {
        std::os::unix::fs::symlink(target, repo.root().join(at)).unwrap();
    };
    link("../elsewhere/lock", "lib/pnpm-lock.yaml");
    let at = |arguments: &[&str]| {
        let said = repo.svc(&[&["list", "-v"], arguments].concat()).stdout();
        let line = said
            .lines()
            .find(|it| it.contains("manager"))
            .unwrap()
            .to_owned();
        line.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let expected = "manager pnpm by lib/pnpm-lock.yaml";
    assert_eq!(at(&["lib"]), expected);
    repo.git(&["add", "-A"]);
    assert_eq!(at(&["--all", "--exclude", "api", "--staged"]), expected);
    repo.commit("Link");
    assert_eq!(
        at(&["--all", "--exclude", "api", "--head", "HEAD"]),
        expected
    );
    repo.remove("elsewhere/lock");
    repo.commit("Dangling");
    let nothing = "manager npm default";
    assert_eq!(at(&["lib"]), nothing);
    assert_eq!(
        at(&["--all", "--exclude", "api", "--head", "HEAD"]),
        nothing
    );
}

#[test]
fn mistakes_in_presets_are_shown_with_their_lines() {
    let repo = repo();
    repo.write(
        ".svc/presets/own.toml",
        OWN.replace("{% if bin %} --bin", "{% if bni %} --bin"),
    );
    insta::assert_snapshot!(ask(&repo, &["check"]), @r#"
    exit 2
    --- stderr
    error: the template cannot be used: there is no `bni`
      --> .svc/presets/own.toml:15:7
       |
    15 | run = "{{ manager }} build{% if bni %} --bin {{ bin }}{% endif %}"
       |       ^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^^
       |
       = help: did you mean `bin`?
    "#);
    repo.write(".svc/presets/own.toml", OWN);
    repo.write(
        "services.toml",
        SERVICES.replace("bin = \"api; rm -rf ~\"", "bin = 1, mangaer = \"x\""),
    );
    insta::assert_snapshot!(ask(&repo, &["check"]), @r#"
    exit 2
    --- stderr
    error: `bin` must be a string
     --> services.toml:8:32
      |
    8 | uses = { preset = "own", bin = 1, mangaer = "x" }
      |                                ^ this is a number

    error: `mangaer` is not a parameter of the preset `own`
     --> services.toml:8:35
      |
    8 | uses = { preset = "own", bin = 1, mangaer = "x" }
      |                                   ^^^^^^^
      |
      = help: did you mean `manager`?
    "#);
}

#[test]
fn values_are_words_of_commands_whatever_they_hold() {
    let repo = repo();
    repo.write(
        ".svc/presets/own.toml",
        "[parameters.bin]\ndefault = \"\"\n[build]\nrun = \"echo {{ bin }}\"\n",
    );
    repo.write(
        "services.toml",
        "version = 1\n[services.api]\npath = \"services/api\"\nuses = { preset = \"own\", bin = '\"; touch hurt; $(touch hurt) `touch hurt` \\' }\n",
    );
    let said = repo.svc(&["build", "--all", "--log", "stream"]).run().all();
    assert!(
        said.contains("\"; touch hurt; $(touch hurt) `touch hurt` \\"),
        "{said}"
    );
    assert!(!repo.root().join("services/api/hurt").exists());
}
