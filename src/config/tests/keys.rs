//! The table of keys, the schema and the reader say the same.

use jsonschema::Validator;

use crate::config::keys::{TABLES, TableKind};
use crate::config::tests::{Memory, problems, valid};
use crate::config::{reference_markdown, schema};

/// A whole file around an example, as the kind of table asks for.
fn around(kind: TableKind, example: &str) -> Memory {
    let start = "version = 1\npools = { docker = 2 }\n[environments.staging]\n[environments.production]\n[services.common]\npath = \"common\"\n[services.api]\npath = \"api\"\n";
    let service = |rest: &str| Memory::new(&format!("{start}{rest}\n"));
    match kind {
        TableKind::Root => Memory::new(&match example.starts_with("version") {
            true => example.to_owned(),
            false => format!("version = 1\n{example}\n"),
        }),
        TableKind::Workspace => Memory::new(&format!("version = 1\n[workspace]\n{example}\n")),
        TableKind::Service => Memory::new(&format!(
            "version = 1\n[services.common]\npath = \"common\"\n[services.api]\n{}{example}\n",
            if example.starts_with("path") {
                ""
            } else {
                "path = \"api\"\n"
            }
        )),
        TableKind::Task => service(&format!(
            "[services.api.tasks.x]\n{}{example}",
            if example.starts_with("run") {
                ""
            } else {
                "run = \"x\"\n"
            }
        )),
        TableKind::Deploy => service(
            &format!(
                "[services.api.deploy]\n{}{example}",
                if ["run", "target"].iter().any(|it| example.starts_with(it)) {
                    ""
                } else {
                    "run = \"x\"\n"
                }
            )
            .replace(
                "target = \"kubernetes\"",
                "target = \"kubernetes\"\nmanifests = \"k8s\"",
            ),
        ),
        TableKind::DeployEnvironment => service(&format!(
            "[services.api.deploy]\nrun = \"x\"\n[services.api.deploy.env.production]\n{}",
            example.replace(
                "target = \"kubernetes\"",
                "target = \"kubernetes\"\nmanifests = \"k8s\""
            )
        )),
        TableKind::Health => {
            let is_probe = ["http", "tcp", "command"]
                .iter()
                .any(|it| example.starts_with(it));
            let probe = if is_probe {
                ""
            } else {
                "http = \"http://x\", "
            };
            service(&format!(
                "[services.api.deploy]\nrun = \"x\"\nhealth = {{ {probe}{example} }}"
            ))
        }
        TableKind::Serve => {
            let run = if example.starts_with("run") {
                ""
            } else {
                "run = \"x\", "
            };
            service(&format!("serve = {{ {run}{example} }}"))
        }
        TableKind::Environment => Memory::new(&format!(
            "version = 1\n[environments.staging]\n[environments.production]\n{example}\n"
        )),
        TableKind::Ledger => Memory::new(&format!("version = 1\n[ledger]\n{example}\n")),
        TableKind::Included => {
            Memory::new("version = 1\n[workspace]\ninclude = [\"a/services.toml\"]\n")
                .with("a/services.toml", example)
        }
        TableKind::Preset => {
            Memory::new("version = 1\n[services.api]\npath = \"api\"\nuses = \"own\"\n")
                .with(".svc/presets/own.toml", example)
        }
        TableKind::Uses => Memory::new(&format!(
            "version = 1\n[services.api]\npath = \"api\"\n[services.api.uses]\n{}{example}\n",
            if example.starts_with("preset") {
                ""
            } else {
                "preset = \"rust\"\n"
            }
        )),
        TableKind::Detect => own_preset(
            &format!("[detect]\nany = [\"x\"]\n{example}").replace("any = [\"x\"]\nany", "any"),
        ),
        TableKind::PresetParameter => own_preset(
            &format!("[parameters.x]\n{example}")
                .replace("required = true", "required = true\ndefault = \"x\""),
        ),
        TableKind::Target => own_target(&match example.starts_with("deploy") {
            true => example.to_owned(),
            false => format!("deploy = \"x\"\n{example}"),
        }),
        TableKind::TargetParameter => own_target(
            &format!(
                "deploy = \"x\"\n[parameters.x]\n{}{example}",
                if example.starts_with("kind") {
                    ""
                } else {
                    "kind = \"path\"\n"
                }
            )
            .replace("required = true", "required = true\ndefault = \"x\""),
        ),
    }
}

fn own_preset(text: &str) -> Memory {
    Memory::new("version = 1\n[services.api]\npath = \"api\"\nuses = \"own\"\n")
        .with(".svc/presets/own.toml", text)
}

fn own_target(text: &str) -> Memory {
    Memory::new("version = 1\n[environments.production]\ntarget = \"own\"\n")
        .with(".svc/targets/own.toml", text)
}

fn json(memory: &Memory) -> serde_json::Value {
    let bytes = memory.files.get(b"services.toml".as_slice()).unwrap();
    let table: toml::Table = std::str::from_utf8(bytes).unwrap().parse().unwrap();
    serde_json::to_value(table).unwrap()
}

fn validator() -> Validator {
    jsonschema::validator_for(&schema()).unwrap()
}

#[test]
fn each_example_is_read_without_a_problem_and_fits_the_schema() {
    let validator = validator();
    for rule in TABLES {
        for key in rule.kind.keys() {
            let memory = around(rule.kind, key.example);
            let found = problems(&memory);
            assert_eq!(
                found, "no problem",
                "{:?}: {}\n{found}",
                rule.kind, key.example
            );
            if let Err(error) = validator.validate(&json(&memory)) {
                panic!("{:?}: {}: {error}", rule.kind, key.example);
            }
        }
    }
}

#[test]
fn each_kind_of_table_has_a_rule() {
    let kinds = [
        TableKind::Root,
        TableKind::Workspace,
        TableKind::Service,
        TableKind::Task,
        TableKind::Deploy,
        TableKind::DeployEnvironment,
        TableKind::Health,
        TableKind::Serve,
        TableKind::Environment,
        TableKind::Ledger,
        TableKind::Included,
        TableKind::Preset,
    ];
    for kind in kinds {
        assert!(kind.names().count() > 0, "{kind:?}");
    }
}

#[test]
fn no_reader_takes_a_key_that_the_table_does_not_list() {
    for rule in TABLES.iter().filter(|rule| !rule.has_parameters) {
        let of_other_tables = TABLES.iter().flat_map(|other| other.kind.keys());
        for key in of_other_tables.filter(|key| !rule.kind.names().any(|it| it == key.name)) {
            let found = problems(&around(rule.kind, key.example));
            assert_ne!(found, "no problem", "{:?}: {}", rule.kind, key.name);
        }
    }
}

#[test]
fn what_the_schema_refuses_the_reader_refuses_too() {
    let validator = validator();
    let check = |rest: &str| {
        let memory = Memory::new(&format!(
            "version = 1\n[services.api]\npath = \"api\"\n{rest}\n"
        ));
        assert_ne!(problems(&memory), "no problem", "{rest}");
        assert!(!validator.is_valid(&json(&memory)), "{rest}");
    };
    check("depend-on = []");
    check("depends-on = \"x\"");
    check("depends-on = [\"X\"]");
    check("build = 1");
    check("build = \"\"");
    check("build = { run = \"x\", timeout = 10 }");
    check("build = { run = \"x\", timeout = \"10\" }");
    check("build = { run = \"x\", retry = -1 }");
    check("build = { run = \"x\", env = [\"A-B\"] }");
    check("deploy = { run = \"x\", outputs = [] }");
    check("deploy = { run = \"x\", cache = true }");
    check("deploy = { run = \"x\", health = {} }");
    check("deploy = { run = \"x\", health = { tcp = \"a:1\", command = \"b\" } }");
    check("serve = { port = 1 }");
    check("serve = { run = \"x\", port = 0 }");
    check("tasks.Lint = \"x\"");
    check("[ledger]\nstore = \"s3\"");
    check("[environments.Prod]");
    check("[pools]\ndocker = 0");
    check("[workspace]\nfoo = 1");
    check("[service.api]");
}

#[test]
fn what_the_schema_takes_is_read() {
    let text = include_str!("whole.toml");
    let memory = Memory::new(text).with(
        "teams/a/services.toml",
        "[services.db]\npath = \"db\"\nbuild = \"x\"\ndeploy = \"x\"",
    );
    valid(&memory);
    let validator = validator();
    assert!(validator.validate(&json(&memory)).is_ok());
}

#[test]
fn the_reference_has_every_key_with_its_example() {
    let page = reference_markdown();
    for rule in TABLES {
        for key in rule.kind.keys() {
            assert!(
                page.contains(&format!("| `{}` |", key.name)),
                "{}",
                key.name
            );
        }
    }
    // The tables of targets, which come last, have no column of examples.
    let (keys, targets) = page.split_at(page.find("#### `target = ").unwrap());
    for (part, marks) in [(keys, 6), (targets, 5)] {
        for line in part.lines().filter(|line| line.starts_with('|')) {
            let found = line.replace("\\|", "").matches('|').count();
            assert_eq!(found, marks, "{line}");
        }
    }
}
