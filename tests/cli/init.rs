//! From a repository to a `services.toml`: what a person sees.

use std::os::unix::fs::{PermissionsExt, symlink};

use crate::support::TestRepo;

/// Two services with images, and protos that both read.
fn shop() -> TestRepo {
    TestRepo::with_files(&[
        (
            "cart/Dockerfile",
            "FROM debian:12\nCOPY cart/ /cart\nCOPY proto/ /proto\n",
        ),
        ("cart/main.c", ""),
        ("web/Dockerfile", "FROM nginx:1\nCOPY web/ /web\n"),
        ("web/page.html", ""),
        ("proto/cart.proto", "syntax = \"proto3\";\n"),
        (
            "compose.yaml",
            "services:\n  web:\n    build: { context: ., dockerfile: web/Dockerfile }\n    depends_on: [cart]\n  cart:\n    build: { context: ., dockerfile: cart/Dockerfile }\n",
        ),
        ("examples/one/Dockerfile", "FROM scratch\n"),
    ])
}

fn edges(repo: &TestRepo) -> Vec<String> {
    let listed = repo.svc(&["list"]).json();
    let services = listed["services"].as_array().unwrap().iter();
    let lines = services.map(|it| {
        let needs = it["depends_on"].as_array().unwrap().iter();
        let needs: Vec<&str> = needs.map(|it| it.as_str().unwrap()).collect();
        let name = it["name"].as_str().unwrap();
        format!(
            "{name} at {}: {}",
            it["path"].as_str().unwrap(),
            needs.join(" ")
        )
    });
    lines.collect()
}

#[test]
fn a_repository_becomes_a_workspace_in_one_command() {
    let repo = shop();
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(said.stdout(), "");
    assert!(
        said.stderr().contains("services.toml is written: "),
        "{}",
        said.stderr()
    );
    assert!(
        said.stderr().contains("examples: an example"),
        "{}",
        said.stderr()
    );
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
    assert_eq!(
        edges(&repo),
        [
            "cart at cart: proto",
            "proto at proto: ",
            "web at web: cart"
        ]
    );
}

#[test]
fn a_preview_writes_nothing() {
    let repo = shop();
    let text = repo.svc(&["init", "--dry-run"]).stdout();
    assert!(text.contains("version = 1"), "{text}");
    assert!(!repo.root().join("services.toml").exists());
    let explained = repo.svc(&["init", "--dry-run", "--explain"]).stdout();
    assert!(explained.contains("compose.yaml:4  cart"), "{explained}");
    let document = repo.svc(&["init", "--dry-run"]).json();
    assert_eq!(document["written"], false);
    assert_eq!(document["text"], text.as_str());
}

#[test]
fn a_file_that_is_there_is_never_overwritten() {
    let repo = shop();
    repo.write("services.toml", "# mine\nversion = 1\n");
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 2, "{}", said.all());
    assert!(
        said.stderr().contains("svc init --update"),
        "{}",
        said.stderr()
    );
    assert_eq!(repo.read("services.toml"), "# mine\nversion = 1\n");
    let said = repo.at(repo.root().join("web")).svc(&["init"]).run();
    assert_eq!(said.code(), 2, "{}", said.all());
}

#[test]
fn an_update_adds_what_is_new_once() {
    let repo = shop();
    repo.write(
        "services.toml",
        "# mine\nversion = 1\n\n[services.shopfront]\npath = \"web\" # kept\n",
    );
    let said = repo.svc(&["init", "--update"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let text = repo.read("services.toml");
    assert!(text.starts_with("# mine\nversion = 1\n"), "{text}");
    assert!(text.contains("path = \"web\" # kept"), "{text}");
    assert_eq!(
        edges(&repo),
        [
            "cart at cart: proto",
            "proto at proto: ",
            "shopfront at web: cart"
        ]
    );
    let said = repo.svc(&["init", "--update"]).run();
    assert!(said.stderr().contains("has everything"), "{}", said.all());
    assert_eq!(repo.read("services.toml"), text);
}

#[test]
fn an_empty_repository_gets_a_small_file_and_is_told_so() {
    let repo = TestRepo::new();
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        said.stderr().contains("no service was found"),
        "{}",
        said.stderr()
    );
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
}

#[test]
fn one_service_at_the_top_is_the_workspace() {
    let repo = TestRepo::new();
    repo.write("Dockerfile", "FROM debian:12\nCOPY . .\n");
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(edges(&repo), ["repo at .: "]);
}

#[test]
fn files_that_cannot_be_understood_are_named_and_left_out() {
    let repo = shop();
    repo.write("old/pom.xml", "<project><<");
    repo.write("bad/compose.yaml", b"services: \xff\xfe".as_slice());
    repo.write("big/pom.xml", "");
    let big = std::fs::File::options()
        .write(true)
        .open(repo.root().join("big/pom.xml"));
    big.unwrap().set_len(50 << 20).unwrap();
    std::fs::create_dir(repo.root().join("loop")).unwrap();
    symlink("..", repo.root().join("loop/up")).unwrap();
    symlink("self", repo.root().join("loop/self")).unwrap();
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    for name in ["old/pom.xml", "bad/compose.yaml", "big/pom.xml"] {
        assert!(said.stderr().contains(name), "{name}: {}", said.stderr());
    }
    assert!(edges(&repo).contains(&"web at web: cart".to_owned()));
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
}

#[test]
fn a_directory_that_is_closed_is_told() {
    let repo = shop();
    let closed = repo.root().join("closed");
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let can_look = std::fs::read_dir(&closed).is_ok();
    let said = repo.svc(&["init"]).run();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o755)).unwrap();
    assert_eq!(said.code(), 0, "{}", said.all());
    // The superuser sees through it.
    assert!(
        can_look || said.stderr().contains("closed: "),
        "{}",
        said.stderr()
    );
}

#[test]
fn names_are_made_valid_and_unique() {
    let repo = TestRepo::new();
    for directory in ["Größe Eins", "a/cart", "b/cart", "購物"] {
        repo.write(&format!("{directory}/Dockerfile"), "FROM debian:12\n");
    }
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        said.stderr().contains("called groesse-eins"),
        "{}",
        said.stderr()
    );
    let found = edges(&repo);
    assert_eq!(found.len(), 4, "{found:?}");
    assert!(
        found.contains(&"a-cart at a/cart: ".to_owned()),
        "{found:?}"
    );
    assert!(
        found.contains(&"b-cart at b/cart: ".to_owned()),
        "{found:?}"
    );
}

#[test]
fn of_a_circle_the_weakest_is_left_out_and_shown() {
    let repo = TestRepo::new();
    repo.write("a/Dockerfile", "FROM debian:12\nCOPY b/x /x\n");
    repo.write("b/Dockerfile", "FROM debian:12\n");
    repo.write("b/x", "");
    repo.write(
        "compose.yaml",
        "services:\n  a:\n    build: { context: ., dockerfile: a/Dockerfile }\n  b:\n    build: ./b\n    depends_on: [a]\n",
    );
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        said.stderr().contains("left out: b needs a"),
        "{}",
        said.stderr()
    );
    assert_eq!(edges(&repo), ["a at a: b", "b at b: "]);
}

#[test]
fn below_the_top_the_file_is_written_at_the_top_and_with_c_right_there() {
    let repo = shop();
    let said = repo.at(repo.root().join("web")).svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(repo.root().join("services.toml").exists());
    assert!(!repo.root().join("web/services.toml").exists());
    let said = repo.svc(&["-C", "web", "init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(
        said.stderr().contains("lies around this one"),
        "{}",
        said.stderr()
    );
    assert!(repo.root().join("web/services.toml").exists());
}

#[test]
fn without_git_ignore_files_hold_all_the_same() {
    let repo = TestRepo::bare_directory();
    repo.write("web/Dockerfile", "FROM nginx:1\n");
    repo.write("out/x/Dockerfile", "FROM nginx:1\n");
    repo.write(".gitignore", "/out/\n");
    assert_eq!(repo.svc(&["init"]).run().code(), 0);
    assert!(!repo.read("services.toml").contains("out/x"));
}

#[test]
fn of_several_at_once_one_writes() {
    let repo = shop();
    let mut started: Vec<_> = (0..4)
        .map(|_| repo.svc(&["init", "-q"]).command().spawn().unwrap())
        .collect();
    let mut codes: Vec<_> = started
        .iter_mut()
        .map(|it| it.wait().unwrap().code())
        .collect();
    codes.sort();
    assert_eq!(codes, [Some(0), Some(2), Some(2), Some(2)]);
    let names = std::fs::read_dir(repo.root()).unwrap().flatten();
    let left = names.filter(|it| it.file_name().to_string_lossy().starts_with(".services"));
    assert_eq!(left.count(), 0);
}

#[test]
fn what_belongs_to_git_itself_gets_no_file() {
    let repo = TestRepo::with_files(&[("api/Dockerfile", "FROM scratch\n")]);
    let git = repo.root().join(".git");
    let bare = repo.root().join("bare.git");
    let made = std::process::Command::new("git")
        .args(["init", "--quiet", "--bare"])
        .arg(&bare)
        .status();
    assert!(made.unwrap().success());
    for directory in [&git, &bare] {
        for flags in [&["init"][..], &["init", "--dry-run"]] {
            let said = repo.at(directory.as_path()).svc(flags).run();
            assert_eq!(said.code(), 2, "{}", said.all());
            let stderr = said.stderr();
            assert!(stderr.contains("belongs to git itself"), "{stderr}");
            let with = [&["-C", directory.to_str().unwrap()], flags].concat();
            let said = repo.svc(&with).run();
            assert_eq!(said.code(), 2, "{}", said.all());
        }
        assert!(!directory.join("services.toml").exists());
    }
    assert!(!repo.root().join("services.toml").exists());
}

#[test]
fn files_that_are_too_large_or_lead_in_circles_are_passed_over() {
    let repo = TestRepo::with_files(&[("api/go.mod", "module a\n"), ("web/x", "")]);
    let large = std::fs::File::create(repo.root().join("web/package.json")).unwrap();
    large.set_len(50 << 20).unwrap();
    symlink("..", repo.root().join("web/up")).unwrap();
    symlink("loop", repo.root().join("web/loop")).unwrap();
    symlink("nowhere", repo.root().join("web/go.mod")).unwrap();
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let stderr = said.stderr();
    assert!(
        stderr.contains("web/package.json: it has more than 4 MiB"),
        "{stderr}"
    );
    assert!(repo.read("services.toml").contains("[services.api]"));
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
}

/// It is another's file: what it says counts for that one.
#[test]
fn a_lock_file_that_is_a_link_is_passed_over() {
    let repo = TestRepo::with_files(&[
        (
            "a/package.json",
            r#"{"name": "a", "scripts": {"start": "x"}}"#,
        ),
        (
            "b/package.json",
            r#"{"name": "b", "scripts": {"start": "x"}}"#,
        ),
        (
            "locks/package-lock.json",
            r#"{"lockfileVersion": 3, "packages": {}}"#,
        ),
    ]);
    for link in ["package-lock.json", "a/package-lock.json"] {
        let way = if link.contains('/') {
            "../locks"
        } else {
            "locks"
        };
        symlink(format!("{way}/package-lock.json"), repo.root().join(link)).unwrap();
    }
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
    let said = repo.svc(&["affected", "--all"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    let said = repo.svc(&["doctor"]).run();
    assert!(said.code() != 70, "{}", said.all());
}

#[test]
fn renames_are_told_once() {
    let repo = TestRepo::with_files(&[("Größe Eins/Dockerfile", "FROM scratch\n")]);
    let said = repo.svc(&["init"]).run().stderr();
    assert!(said.contains("Größe Eins"), "{said}");
    let said = repo.svc(&["init", "--update"]).run().stderr();
    assert!(!said.contains("Größe Eins"), "{said}");
    repo.write("Maß Zwei/Dockerfile", "FROM scratch\n");
    let said = repo.svc(&["init", "--update"]).run().stderr();
    assert!(
        said.contains("Maß Zwei") && !said.contains("Größe"),
        "{said}"
    );
}

#[test]
fn a_package_that_belongs_to_no_workspace_is_a_service() {
    let repo = TestRepo::with_files(&[
        (
            "till/Cargo.toml",
            "[package]\nname = \"till\"\n[workspace]\n",
        ),
        ("till/src/main.rs", "fn main() {}\n"),
    ]);
    let said = repo.svc(&["init"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(repo.read("services.toml").contains("path = \"till\""));
}

#[test]
fn tasks_of_nx_get_names_that_can_be() {
    let project =
        r#"{"name": "a", "targets": {"test:integration": {"command": "make it", "cache": true}}}"#;
    let repo = TestRepo::with_files(&[
        ("nx.json", "{}"),
        ("a/project.json", project),
        (
            "a/package.json",
            r#"{"name": "a", "scripts": {"start": "x"}}"#,
        ),
    ]);
    assert_eq!(repo.svc(&["init"]).run().code(), 0);
    let written = repo.read("services.toml");
    assert!(written.contains("tasks.test-integration"), "{written}");
    assert_eq!(repo.svc(&["check"]).run().code(), 0);
}

/// Its Gemfile is there for the tools of one phone.
#[test]
fn an_app_for_phones_is_what_its_scripts_are() {
    let package =
        r#"{"name": "app", "dependencies": {"react-native": "1"}, "scripts": {"start": "x"}}"#;
    let repo = TestRepo::with_files(&[
        ("app/package.json", package),
        ("app/Gemfile", "gem 'cocoapods'\n"),
    ]);
    assert_eq!(repo.svc(&["init"]).run().code(), 0);
    assert!(repo.read("services.toml").contains("uses = \"node\""));
}
