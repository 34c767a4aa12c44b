//! What lies outside of a service and changes its results all the same counts for it; without any tool of its language.

use crate::project::{all, outcomes, repository, svc};
use crate::support::TestRepo;

/// A service that uses `preset` at `a/b/it`, in a repository with `files`; then each of `changed` changes for itself.
fn each_counts(preset: &str, files: &[&str], changed: &[&str]) {
    let repo = repository();
    repo.write("a/b/it/source", "");
    for file in files.iter().chain(changed) {
        repo.write(file, "");
    }
    repo.write("other", "");
    let uses = match preset.contains('{') {
        true => preset.to_owned(),
        false => format!("\"{preset}\""),
    };
    repo.write(
        "services.toml",
        format!("version = 1\n[services.it]\npath = \"a/b/it\"\nuses = {uses}\n"),
    );
    repo.commit("a service");
    for file in changed.iter().copied().chain(["a/b/it/source"]) {
        repo.write(file, "changed");
        assert_eq!(affected(&repo), "it\n", "{preset}: {file}");
        repo.git(&["checkout", "--quiet", "--", file]);
    }
    repo.write("other", "changed");
    assert_eq!(affected(&repo), "", "{preset}");
}

fn affected(repo: &TestRepo) -> String {
    repo.svc(&["affected"]).stdout()
}

#[test]
fn cargo_reads_its_settings_in_every_directory_above() {
    let changed = [
        "Cargo.toml",
        "a/Cargo.toml",
        "a/Cargo.lock",
        "a/b/.cargo/config.toml",
        "a/.cargo/config",
        "a/rust-toolchain",
        "rust-toolchain.toml",
        "a/b/.clippy.toml",
        "clippy.toml",
        "rustfmt.toml",
    ];
    each_counts("rust", &[], &changed);
}

#[test]
fn go_reads_its_module_and_the_workspace_of_modules() {
    let files = ["a/b/go.mod", "a/go.work"];
    let changed = [
        "a/b/go.mod",
        "a/b/go.sum",
        "a/b/vendor/modules.txt",
        "a/go.work",
        "a/go.work.sum",
        // The versions that any module requires count for all.
        "a/other/deep/go.mod",
        "a/b/.golangci.yml",
    ];
    each_counts("go", &files, &changed);
}

#[test]
fn packages_of_node_read_what_compilers_and_linters_find_above() {
    for preset in ["node", "typescript"] {
        let changed = [
            "a/package-lock.json",
            "a/package.json",
            "a/.npmrc",
            "a/b/tsconfig.base.json",
            "tsconfig.json",
            "a/patches/x.patch",
            "a/babel.config.js",
            "a/b/.eslintrc.json",
            "biome.json",
            ".nvmrc",
        ];
        each_counts(preset, &[], &changed);
    }
}

#[test]
fn python_reads_settings_and_helpers_of_tests_above() {
    let changed = [
        "a/uv.lock",
        "a/pyproject.toml",
        "a/b/conftest.py",
        "conftest.py",
        "a/pytest.ini",
        "setup.cfg",
        "a/b/ruff.toml",
        "requirements-dev.txt",
        ".python-version",
    ];
    each_counts("python", &[], &changed);
}

#[test]
fn maven_reads_every_parent() {
    let changed = [
        "a/b/pom.xml",
        "a/pom.xml",
        "a/.mvn/maven.config",
        "pom.xml",
        ".java-version",
    ];
    each_counts("java-maven", &[], &changed);
}

#[test]
fn gradle_reads_the_larger_project() {
    let changed = [
        "a/settings.gradle.kts",
        "a/build.gradle.kts",
        "a/gradle.properties",
        "a/gradle/libs.versions.toml",
        "a/buildSrc/src/main/kotlin/x.kts",
    ];
    each_counts("java-gradle", &[], &changed);
    each_counts("kotlin", &[], &changed);
}

#[test]
fn dotnet_reads_what_projects_share() {
    let changed = [
        "Directory.Build.props",
        "a/Directory.Build.targets",
        "a/b/Directory.Packages.props",
        "a/NuGet.Config",
        "nuget.config",
        "global.json",
        "a/.editorconfig",
    ];
    each_counts("dotnet", &[], &changed);
}

#[test]
fn other_presets_read_what_is_shared_above() {
    each_counts("c-cmake", &[], &["cmake/flags.cmake", "a/cmake/x/y.cmake"]);
    each_counts("make", &[], &["common.mk", "a/b/rules.mk"]);
    let changed = ["a/Gemfile", "a/Gemfile.lock", "a/b/.rubocop.yml"];
    each_counts("ruby", &[], &changed);
    each_counts("php", &[], &["a/phpstan.neon", "phpunit.xml.dist"]);
    let changed = ["a/mix.exs", "a/mix.lock", "a/config/config.exs"];
    each_counts("elixir", &[], &changed);
    each_counts("proto", &[], &["a/buf.yaml", "buf.lock"]);
    each_counts("terraform", &[], &["a/.terraform-version"]);
    let docker = "{ preset = \"docker\", context = \"../..\" }";
    each_counts(docker, &[], &["a/.dockerignore"]);
}

/// Bundlers read them, and git often ignores them.
#[test]
fn settings_that_git_ignores_count() {
    let repo = repository();
    repo.write(".gitignore", ".env*\n");
    repo.write("it/package.json", "{}");
    repo.write("it/.env.local", "a=1\n");
    // The tools of the preset are none of this test.
    repo.write(
        "services.toml",
        "version = 1\n[services.it]\npath = \"it\"\nuses = { preset = \"node\", dependencies = \"trusted\" }\n[services.it.test]\nrun = \"cat .env.local\"\ntools = []\n",
    );
    repo.commit("a service");
    let outcome = || outcomes(&svc(&repo, &["test", "--all", "--format", "json"]));
    let is = |expected: &str| {
        let outcome = outcome();
        assert!(
            outcome.contains(&("it:test".into(), expected.into())),
            "{outcome:?}"
        );
    };
    is("passed");
    is("cached");
    repo.write("it/.env.local", "a=2\n");
    is("passed");
}

const COPIES: &str = "about = \"x\"\ndetect = { any = [\"x\"], rank = 1 }\n[consumers]\nfiles = [\"**\"]\npresets = [\"copies\"]\n[build]\nrun = 'mkdir -p dist; cat ../*/source >dist/all'\noutputs = [\"dist\"]\n";

/// What is between may come out the same, and is no reason to keep what reads past it.
#[test]
fn sources_count_through_what_lies_between() {
    let repo = repository();
    repo.write(".svc/presets/copies.toml", COPIES);
    for name in ["app", "lib", "mid"] {
        repo.write(&format!("{name}/source"), name);
    }
    repo.write(
        "services.toml",
        "version = 1
[services.lib]
path = \"lib\"
uses = \"copies\"
build = \"mkdir -p dist; echo same >dist/all\"
[services.mid]
path = \"mid\"
uses = \"copies\"
depends-on = [\"lib\"]
build = \"mkdir -p dist; echo same >dist/all\"
[services.app]
path = \"app\"
uses = \"copies\"
depends-on = [\"mid\"]
",
    );
    repo.commit("three");
    all(&repo, &["build"], "passed");
    repo.write("lib/source", "changed");
    let said = svc(&repo, &["build", "--all", "--format", "json"]);
    let outcomes = outcomes(&said);
    assert!(
        outcomes.contains(&("app:build".into(), "passed".into())),
        "{outcomes:?}"
    );
    assert!(repo.read("app/dist/all").contains("changed"));
}

/// An image may hold sources of services that it depends on, whatever their builds leave behind.
#[test]
fn what_is_copied_into_an_image_counts() {
    let repo = repository();
    let mut text = "version = 1\n".to_owned();
    let libraries = [
        "rust",
        "go",
        "node",
        "typescript",
        "python",
        "java-maven",
        "java-gradle",
        "kotlin",
        "dotnet",
        "c-cmake",
        "make",
        "php",
        "ruby",
        "elixir",
        "proto",
    ];
    for preset in libraries {
        let file = if preset == "proto" {
            "a.proto"
        } else {
            "source"
        };
        repo.write(&format!("{preset}/{file}"), "");
        text += &format!(
            "[services.{preset}]\npath = \"{preset}\"\nuses = \"{preset}\"\ntest = \"true\"\n[services.{preset}.build]\nrun = 'mkdir -p dist; echo same >dist/it'\noutputs = [\"dist/it\"]\ntools = []\nneeds = []\n"
        );
    }
    repo.write("image/Dockerfile", "FROM scratch\n");
    text += &format!(
        "[services.image]\npath = \"image\"\nuses = {{ preset = \"docker\", context = \"..\" }}\ndepends-on = {libraries:?}\n[services.image.build]\nrun = \"true\"\ntools = []\n[services.image.test]\nrun = \"true\"\ntools = []\n"
    );
    repo.write("services.toml", text);
    repo.commit("libraries");
    let is = |expected: &str, preset: &str| {
        let said = svc(&repo, &["test", "image", "--format", "json"]);
        let row = ("image:test".to_owned(), expected.to_owned());
        assert!(outcomes(&said).contains(&row), "{preset}: {}", said.all());
    };
    is("passed", "");
    is("cached", "");
    for preset in libraries {
        let file = if preset == "proto" {
            "a.proto"
        } else {
            "source"
        };
        repo.write(&format!("{preset}/{file}"), "changed");
        is("passed", preset);
    }
}
