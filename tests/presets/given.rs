//! What every preset gives, without any of its tools.

use std::fmt::Write;
use std::path::Path;

use crate::support::TestRepo;

/// The presets that come with `svc`: name and text.
pub fn presets() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("templates/presets");
    let mut presets: Vec<_> = std::fs::read_dir(directory)
        .unwrap()
        .map(|it| it.unwrap().path())
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(path).unwrap())
        })
        .collect();
    presets.sort();
    presets
}

fn workspace(files: &[&str]) -> TestRepo {
    let repo = TestRepo::new();
    let mut text = "version = 1\n".to_owned();
    for (name, _) in presets() {
        let _ = write!(
            text,
            "[services.{name}]\npath = \"work/{name}\"\nuses = \"{name}\"\n"
        );
        repo.write(&format!("work/{name}/README.md"), "");
    }
    for file in files {
        repo.write(file, "");
    }
    repo.write("services.toml", text);
    repo.commit("one service for each preset");
    repo
}

fn listed(repo: &TestRepo) -> String {
    let names: Vec<String> = presets().into_iter().map(|it| it.0).collect();
    let of = |name: &String| repo.svc(&["list", "-v", name]).stdout();
    names.iter().map(of).collect::<Vec<_>>().join("\n")
}

#[test]
fn each_preset_can_be_used_as_it_is() {
    let repo = workspace(&[]);
    let said = repo.svc(&["check"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    insta::assert_snapshot!("alone", listed(&repo));
}

#[test]
fn files_above_decide_how_each_preset_works() {
    let files = [
        "pnpm-lock.yaml",
        "uv.lock",
        "Cargo.lock",
        ".golangci.yml",
        "mvnw",
        "gradlew",
        "settings.gradle.kts",
        "packages.lock.json",
        ".clang-tidy",
        "phpunit.xml",
        "phpstan.neon",
        "Gemfile",
        ".rspec",
        ".rubocop.yml",
        "mix.lock",
        ".credo.exs",
        ".hadolint.yaml",
        ".opentofu-version",
        ".tflint.hcl",
        "buf.yaml",
        "hugo.toml",
    ];
    let repo = workspace(&files);
    let said = repo.svc(&["check"]).run();
    assert_eq!(said.code(), 0, "{}", said.all());
    insta::assert_snapshot!("with_files_above", listed(&repo));
}

#[test]
fn each_preset_says_what_it_is_for_and_uses_each_of_its_parameters() {
    for (name, text) in presets() {
        let preset: toml::Table = text.parse().unwrap();
        let about = preset["about"].as_str().unwrap();
        assert!(!about.is_empty() && !about.contains('\n'), "{name}");
        assert!(preset["detect"]["rank"].is_integer(), "{name}");
        let parameters = preset.get("parameters").and_then(toml::Value::as_table);
        let mut tasks = preset.clone();
        tasks.remove("parameters");
        let tasks = tasks.to_string();
        for (parameter, says) in parameters.into_iter().flatten() {
            let variable = parameter.replace('-', "_");
            let words = tasks.split(|it: char| !it.is_alphanumeric() && it != '_');
            assert!(
                words.clone().any(|it| it == variable),
                "{name}: {parameter}"
            );
            assert!(says["about"].is_str(), "{name}: {parameter}");
        }
    }
}

/// Commands of a preset stand in a list of tasks; arguments of a person are put behind the last of them.
#[test]
fn no_command_ends_with_an_empty_line() {
    for (name, text) in presets() {
        assert!(!text.contains("endif %}\n'''"), "{name}");
        assert!(!text.contains("\n''',\n]\ninputs"), "{name}");
    }
}
