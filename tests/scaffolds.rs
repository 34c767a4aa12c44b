//! The templates that come with `svc`: what each makes, everywhere; and that it builds, passes its tests and runs, where the
//! tools of its language are.
#![allow(
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "these tests start programs, and end where something cannot be set up"
)]

#[path = "support/servers/mod.rs"]
mod servers;
mod support;

use std::io::{Read, Write};
use std::net::TcpStream;

use servers::{free_port, have, skip};
use support::{Svc, TestRepo};

const ALL: [&str; 18] = [
    "go",
    "go-job",
    "go-library",
    "java",
    "java-job",
    "java-library",
    "node",
    "node-job",
    "node-library",
    "python",
    "python-job",
    "python-library",
    "rust",
    "rust-job",
    "rust-library",
    "static-site",
    "typescript",
    "typescript-library",
];

/// Debian's plugins of Maven, so that nothing is fetched.
const MAVEN: &str = "/usr/share/maven-repo";

#[test]
fn every_template_makes_these_files() {
    let listed = TestRepo::new().svc(&["new", "--list"]).json();
    let names: Vec<_> = listed["templates"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| it["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ALL);
    for template in ALL {
        let repo = TestRepo::new();
        repo.write("services.toml", "version = 1\n[workspace]\nname = \"shop\"\n[environments.staging]\ntarget = \"kubernetes\"\n");
        let made = repo.svc(&["new", template, "price-list"]).json();
        let directory = made["path"].as_str().unwrap();
        let mut all = format!("{}\n", made["entry"].as_str().unwrap().trim());
        for file in made["files"].as_array().unwrap() {
            let path = file["path"].as_str().unwrap();
            let mark = if file["executable"] == true {
                " (executable)"
            } else {
                ""
            };
            all += &format!(
                "\n--- {path}{mark}\n{}",
                repo.read(&format!("{directory}/{path}"))
            );
        }
        insta::with_settings!({omit_expression => true}, { insta::assert_snapshot!(template, all) });
        repo.svc(&["check"]).stdout();
    }
}

#[test]
fn images_are_pinned_and_run_as_nobody() {
    for template in ALL.into_iter().filter(|it| !it.ends_with("-library")) {
        let repo = TestRepo::new();
        repo.svc(&["new", template, "it", "--path", "it"]).stdout();
        let text = repo.read("it/Dockerfile");
        let stages: Vec<&str> = text
            .lines()
            .filter_map(|it| it.strip_prefix("FROM "))
            .collect();
        for image in stages.iter().map(|it| it.split(' ').next().unwrap()) {
            let tag = image.split_once(':').map(|it| it.1).unwrap_or_default();
            assert!(
                image == "scratch" || tag.matches('.').count() >= 2,
                "{template}: {image}"
            );
        }
        let last = text.split("FROM ").last().unwrap();
        assert!(last.contains("\nUSER 65532:65532\n"), "{template}: {text}");
        assert!(repo.read("it/.dockerignore").contains("k8s"), "{template}");
    }
}

#[test]
fn manifests_are_a_kustomization() {
    if !have("kubectl") {
        return skip("kubectl", "it is not installed");
    }
    for (template, kinds) in [
        ("go", ["kind: Deployment", "kind: Service"]),
        ("go-job", ["kind: CronJob", "schedule: 0 3"]),
    ] {
        // A name that is none in Kubernetes.
        let repo = TestRepo::new();
        repo.svc(&["new", template, "0-price-list-", "--path", "it"])
            .stdout();
        let output = repo
            .command("kubectl", repo.root())
            .args(["kustomize", "it/k8s"])
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        assert!(kinds.iter().all(|it| text.contains(it)), "{text}");
        assert!(text.contains("name: svc-0-price-list\n"), "{text}");
    }
}

/// Makes a service, builds and tests it; where it serves, it is deployed to this machine and asked.
fn works(template: &str, tools: &[&str], prepare: impl Fn(&TestRepo)) {
    if let Some(missing) = tools.iter().find(|it| !have(it)) {
        return skip(missing, "it is not installed");
    }
    let repo = TestRepo::new();
    prepare(&repo);
    let port = free_port().to_string();
    let set = format!("port={port}");
    let serves = !template.contains('-') || template == "static-site";
    let mut arguments = vec!["new", template, "my-own", "--path", "work/my own"];
    if serves {
        arguments.extend(["--set", &set]);
    }
    svc(&repo, &arguments).stdout();
    repo.commit("a service");
    svc(&repo, &["test", "--all"]).stdout();
    assert_eq!(
        repo.git(&["status", "--short"]),
        "",
        "{template}: all that is made is ignored or committed"
    );
    if template.ends_with("-job") {
        svc(&repo, &["run", "start", "my-own"]).stdout();
    }
    if serves {
        let _down = Down(&repo);
        svc(&repo, &["deploy", "--env", "local", "my-own"]).stdout();
        let path = if template == "static-site" {
            "/"
        } else {
            "/healthz"
        };
        let answer = ask(port.parse().unwrap(), path);
        assert!(
            answer.starts_with("HTTP/1.") && answer.contains(" 200 OK"),
            "{template}: {answer}"
        );
    }
}

struct Down<'r>(&'r TestRepo);

impl Drop for Down<'_> {
    fn drop(&mut self) {
        let said = svc(self.0, &["down", "--env", "local"]).run();
        assert!(
            std::thread::panicking() || said.code() == 0,
            "{}",
            said.all()
        );
    }
}

/// Nothing is asked of a network.
fn svc(repo: &TestRepo, arguments: &[&str]) -> Svc {
    let home = repo.beside("home");
    repo.svc(arguments)
        .env("CARGO_NET_OFFLINE", "true")
        .env("GOPROXY", "off")
        .env("GOTOOLCHAIN", "local")
        .env("MAVEN_OPTS", format!("-Duser.home={}", home.display()))
}

fn ask(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n\r\n"
    )
    .unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

macro_rules! each_works {
    ($($name:ident: $template:literal with $($tool:literal),+;)+) => {$(
        #[test]
        fn $name() {
            works($template, &[$($tool),+], |_| {});
        }
    )+};
}

each_works! {
    a_service_in_go_works: "go" with "go";
    a_job_in_go_works: "go-job" with "go";
    a_library_in_go_works: "go-library" with "go";
    a_service_in_rust_works: "rust" with "cargo";
    a_job_in_rust_works: "rust-job" with "cargo";
    a_library_in_rust_works: "rust-library" with "cargo";
    a_service_in_python_works: "python" with "python3";
    a_job_in_python_works: "python-job" with "python3";
    a_library_in_python_works: "python-library" with "python3";
    a_service_in_javascript_works: "node" with "node", "npm";
    a_job_in_javascript_works: "node-job" with "node", "npm";
    a_library_in_javascript_works: "node-library" with "node", "npm";
    a_static_site_works: "static-site" with "python3";
}

/// The compiler comes from the registry of npm.
fn typescript(template: &str) {
    let reached = have("npm") && {
        let repo = TestRepo::new();
        let mut npm = repo.command("npm", repo.root());
        let output = npm
            .args([
                "view",
                "typescript@5.9.2",
                "version",
                "--fetch-retries=0",
                "--fetch-timeout=10000",
            ])
            .output();
        output.is_ok_and(|it| it.status.success())
    };
    match reached {
        true => works(template, &["node", "npm"], |_| {}),
        false => skip("typescript", "the registry of npm cannot be reached"),
    }
}

#[test]
fn a_service_in_typescript_works() {
    typescript("typescript");
}

#[test]
fn a_library_in_typescript_works() {
    typescript("typescript-library");
}

fn java(template: &str) {
    let version = |artifact: &str| {
        let found = std::fs::read_dir(format!("{MAVEN}/{artifact}")).ok()?;
        let names = found
            .flatten()
            .filter_map(|it| it.file_name().into_string().ok());
        names
            .filter(|it| it.starts_with(|first: char| first.is_ascii_digit()))
            .max_by_key(|it| {
                it.split('.')
                    .map(|it| it.parse().unwrap_or(0))
                    .collect::<Vec<u32>>()
            })
    };
    let plugins = ["resources", "compiler", "surefire", "jar"].map(|it| {
        let found = version(&format!("org/apache/maven/plugins/maven-{it}-plugin"))?;
        Some(format!(
            "<{it}-plugin.version>{found}</{it}-plugin.version>"
        ))
    });
    let junit = version("org/junit/jupiter/junit-jupiter")
        .map(|it| format!("<junit.version>{it}</junit.version>"));
    let properties: Option<Vec<String>> = plugins.into_iter().chain([junit]).collect();
    let Some(properties) = properties else {
        return skip("maven", "its plugins or junit 5 are not installed");
    };
    let settings = format!(
        "<settings><mirrors><mirror><id>machine</id><mirrorOf>*</mirrorOf><url>file://{MAVEN}</url></mirror></mirrors>\
         <profiles><profile><id>machine</id><properties>{}</properties></profile></profiles>\
         <activeProfiles><activeProfile>machine</activeProfile></activeProfiles></settings>",
        properties.concat()
    );
    works(template, &["mvn", "javac"], |repo| {
        let home = repo.beside("home").join(".m2");
        std::fs::create_dir_all(&home).unwrap();
        std::fs::write(home.join("settings.xml"), &settings).unwrap();
    });
}

#[test]
fn a_service_in_java_works() {
    java("java");
}

#[test]
fn a_job_in_java_works() {
    java("java-job");
}

#[test]
fn a_library_in_java_works() {
    java("java-library");
}

/// What the note says is done as it says it.
#[test]
fn a_crate_joins_a_cargo_workspace() {
    if !have("cargo") {
        return skip("cargo", "it is not installed");
    }
    let repo = TestRepo::new();
    repo.write(".gitignore", "target/\n");
    repo.write(
        "Cargo.toml",
        "[workspace]\nmembers = []\nresolver = \"2\"\n",
    );
    repo.write("Cargo.lock", "version = 4\n");
    let arguments = ["new", "rust-library", "words", "--path", "crates/words"];
    let said = svc(&repo, &arguments).stdout();
    let note = "add \"crates/words\", as it is named from there, to `members` of the Cargo.toml above, unless a pattern takes it\n  run `cargo update --workspace` then";
    assert!(said.contains(note), "{said}");
    repo.write(
        "Cargo.toml",
        "[workspace]\nmembers = [\"crates/words\"]\nresolver = \"2\"\n",
    );
    let mut cargo = repo.command("cargo", repo.root());
    for name in ["PATH", "CARGO_HOME", "RUSTUP_HOME"] {
        cargo.envs(std::env::var_os(name).map(|value| (name, value)));
    }
    if let Some(home) = std::env::var_os("HOME") {
        let (cargo_home, rustup_home) = (
            std::path::Path::new(&home).join(".cargo"),
            std::path::Path::new(&home).join(".rustup"),
        );
        if std::env::var_os("RUSTUP_HOME").is_none() && rustup_home.is_dir() {
            cargo
                .env("RUSTUP_HOME", rustup_home)
                .env("CARGO_HOME", cargo_home);
        }
    }
    let output = cargo
        .args(["update", "--workspace", "--offline"])
        .output()
        .unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{error}");
    svc(&repo, &["test", "words"]).stdout();
}
