//! What the program says about itself: help, manual, completions, schema.

use serde_json::Value;

use crate::support::TestRepo;

const COMMANDS: [&str; 12] = [
    "build",
    "test",
    "run",
    "affected",
    "why",
    "list",
    "graph",
    "check",
    "schema",
    "log",
    "completions",
    "man",
];

#[test]
fn help_of_every_command_fits_the_terminal_and_holds_examples() {
    let repo = TestRepo::new();
    for command in COMMANDS {
        let help = repo.svc(&[command, "--help"]).stdout();
        let widest = help
            .lines()
            .max_by_key(|line| line.chars().count())
            .unwrap();
        assert!(widest.chars().count() <= 100, "{command}: {widest}");
        assert!(help.contains("\nExamples:\n  svc "), "{command}:\n{help}");
        assert!(
            help.contains(&format!("Usage: svc {command}")),
            "{command}:\n{help}"
        );
        let short = repo.svc(&[command, "-h"]).stdout();
        assert!(short.lines().count() <= help.lines().count(), "{command}");
        assert_eq!(repo.svc(&["help", command]).stdout(), help, "{command}");
    }
    let help = repo.svc(&["--help"]).stdout();
    assert!(
        COMMANDS
            .iter()
            .all(|it| help.contains(&format!("\n  {it}"))),
        "{help}"
    );
    assert!(
        help.lines().all(|line| line.chars().count() <= 100),
        "{help}"
    );
    let said = repo.svc(&[]).run();
    assert_eq!((said.code(), said.stdout().as_str()), (2, ""));
}

#[test]
fn the_version_is_a_word_and_a_number() {
    let version = TestRepo::new().svc(&["--version"]).stdout();
    assert_eq!(version, format!("svc {}\n", env!("CARGO_PKG_VERSION")));
}

#[test]
fn every_shell_gets_a_script() {
    let repo = TestRepo::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let script = repo.svc(&["completions", shell]).stdout();
        assert!(COMMANDS.iter().all(|it| script.contains(it)), "{shell}");
    }
    let bash = repo.svc(&["completions", "bash"]).stdout();
    repo.write("script", bash);
    let check = repo
        .command("bash", repo.root())
        .args(["-n", "script"])
        .status()
        .unwrap();
    assert!(check.success());
    assert_eq!(repo.svc(&["completions", "tcsh"]).run().code(), 2);
}

#[test]
fn there_is_a_manual_page_for_all_and_for_each() {
    let repo = TestRepo::new();
    let page = repo.svc(&["man"]).stdout();
    assert!(
        page.contains(".TH svc 1") && page.contains("svc\\-build"),
        "{page}"
    );
    for command in COMMANDS {
        let page = repo.svc(&["man", command]).stdout();
        assert!(
            page.contains(".TH") && page.contains("Examples"),
            "{command}: {page}"
        );
        assert!(
            page.contains(&format!("svc {command}")) || page.contains(&format!("svc\\-{command}")),
            "{command}: {page}"
        );
    }
}

#[test]
fn the_schema_accepts_the_example_and_refuses_mistakes() {
    let schema: Value = serde_json::from_str(&TestRepo::new().svc(&["schema"]).stdout()).unwrap();
    jsonschema::meta::validate(&schema).expect("a valid schema");
    let validator = jsonschema::validator_for(&schema).expect("a schema that compiles");
    let text = include_str!("../../examples/shop/services.toml");
    let shop: toml::Table = text.parse().expect("valid TOML");
    let shop = serde_json::to_value(shop).unwrap();
    let errors: Vec<_> = validator
        .iter_errors(&shop)
        .map(|it| it.to_string())
        .collect();
    assert_eq!(errors, Vec::<String>::new());
    for wrong in [
        "version = 1\n[services.a]\npaht = \"a\"",
        "version = 1\n[services.a]\npath = 1",
        "[services.Upper]\npath = \"a\"",
        "version = 2",
        "version = 1\n[services.a]\npath = \"a\"\nbuild = { run = \"x\", retry = \"often\" }",
    ] {
        let wrong: toml::Table = wrong.parse().expect("valid TOML");
        assert!(
            !validator.is_valid(&serde_json::to_value(&wrong).unwrap()),
            "{wrong}"
        );
    }
}
