//! The face of `svc init`: read these aloud.

use insta::assert_snapshot;

use crate::config::draft::tests::{concluded, edge, evidence, service};
use crate::config::draft::{unwritable, write};
use crate::config::tests::{Memory, valid};
use crate::model::draft::{Draft, DraftTask};
use crate::model::manifest::Makes;
use crate::model::name::TaskName;
use crate::model::path::FilePath;

fn texts(all: &[&str]) -> Option<Vec<String>> {
    Some(all.iter().map(|it| (*it).to_owned()).collect())
}

/// The text of `draft`, which means something if the reader knows all its keys.
fn written(draft: &Draft) -> String {
    let text = write(draft, &Memory::default());
    if draft.lock_files.is_empty() {
        valid(&Memory::new(&text));
    }
    text
}

#[test]
fn a_typical_shop() {
    let mut checkout = service("checkout", "services/checkout", Makes::Program, "rust");
    let uses = checkout.uses.as_mut().unwrap();
    uses.parameters.insert("bin".into(), "checkout".into());
    checkout.depends_on = vec![
        edge(
            "money",
            "services/checkout/Cargo.toml:9 money = { path = \"../../libs/money\" }",
        ),
        edge("wire", "services/checkout/Dockerfile:4 COPY libs/wire"),
    ];
    checkout.inputs = vec![concluded(
        "/proto/checkout.proto",
        "services/checkout/build.rs:3 compile_protos",
    )];
    checkout.tags = vec!["backend".into()];
    let mut web = service("web", "services/web", Makes::Program, "node");
    let build = DraftTask {
        outputs: texts(&["dist"]),
        ..DraftTask::default()
    };
    let e2e = DraftTask {
        run: texts(&["playwright test --config \"e2e config.ts\""]),
        inputs: texts(&["...", "/contracts/**/*.json", "!**/*.snap"]),
        needs: texts(&["build", "checkout:build"]),
        env: texts(&["BASE_URL"]),
        cache: Some(false),
        ..DraftTask::default()
    };
    let format = DraftTask {
        run: texts(&["prettier --check ."]),
        ..DraftTask::default()
    };
    for (name, task) in [("build", build), ("e2e", e2e), ("format", format)] {
        web.tasks.insert(TaskName::new(name).unwrap(), task);
    }
    web.depends_on = [
        "checkout",
        "design-system",
        "fonts",
        "icons",
        "money",
        "telemetry-for-browsers",
        "wire",
    ]
    .map(|it| edge(it, "services/web/package.json:12 workspace:*"))
    .into();
    let library =
        |name: &str, preset| service(name, &format!("libs/{name}"), Makes::Library, preset);
    let mut draft = Draft {
        name: Some("shop".into()),
        global_inputs: vec![
            concluded(".tool-versions", ".tool-versions"),
            concluded("go.work", "go.work:1 go 1.24"),
        ],
        lock_files: vec![
            concluded("Cargo.lock", "Cargo.lock"),
            concluded("package-lock.json", "package-lock.json"),
        ],
        services: vec![
            checkout,
            library("design-system", "node"),
            library("fonts", ""),
            library("icons", "node"),
            library("money", "rust"),
            library("telemetry-for-browsers", "node"),
            web,
            library("wire", "make"),
        ],
        notes: Vec::new(),
    };
    assert_snapshot!(written(&draft));
    // What this reader knows.
    draft.services[0].uses.as_mut().unwrap().parameters.clear();
    let without = Draft {
        lock_files: Vec::new(),
        ..draft
    };
    written(&without);
}

#[test]
fn nothing_at_all() {
    assert_snapshot!(written(&Draft::default()));
}

#[test]
fn one_service_at_the_root() {
    let draft = Draft {
        name: Some("tool".into()),
        services: vec![service("tool", "", Makes::Program, "rust")],
        ..Draft::default()
    };
    assert_snapshot!(written(&draft));
}

#[test]
fn a_circle() {
    let mut api = service("api", "api", Makes::Program, "make");
    let mut web = service("web", "web", Makes::Program, "make");
    web.depends_on = vec![edge("api", "web/go.mod:5 replace example.test/api")];
    let mut back = edge("web", "compose.yaml:7 depends_on: web");
    back.is_left_out = true;
    api.depends_on = vec![back];
    let draft = Draft {
        services: vec![api, web],
        ..Draft::default()
    };
    assert_snapshot!(written(&draft));
}

#[test]
fn hostile_words() {
    let mut api = service("api", "a \"b\"\n[x]/ü", Makes::Program, "make");
    api.depends_on = vec![edge(
        "lib",
        "a\u{1b}[2J/go.mod:5 x\n[services.evil]\r\npath = 'y'\u{202e}",
    )];
    api.inputs = vec![concluded("/it's \"x\"/**", "x\ny:3 \u{7}z")];
    let mut odd = service("odd", "", Makes::Program, "make");
    odd.path = FilePath::from_bytes(*b"odd\xff");
    let mut lib = service("lib", "lib", Makes::Library, "");
    lib.depends_on = vec![edge("odd", "x:1 y")];
    lib.evidence = vec![evidence("x")];
    let draft = Draft {
        name: Some("it's\n\"mine\"".into()),
        services: vec![api, lib, odd],
        ..Draft::default()
    };
    assert_snapshot!(written(&draft));
    assert_eq!(unwritable(&draft).len(), 1);
}
