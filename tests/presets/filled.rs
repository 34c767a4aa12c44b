//! What `svc init` says to presets is useful at once: builds leave what it says, and come from the cache the second time.

use crate::dependents::has_maven;
use crate::project::{all, have, repository, svc};
use crate::support::TestRepo;

/// Builds twice what `svc init` finds in `files`, all below `it`; the service uses `uses` and leaves `output`.
fn check(repo: &TestRepo, files: &[(&str, &str)], uses: &str, output: &str) {
    for (path, text) in files {
        repo.write(&format!("it/{path}"), text);
    }
    repo.commit("a project");
    let said = svc(repo, &["init"]);
    assert_eq!(said.code(), 0, "{}", said.all());
    let text = std::fs::read_to_string(repo.root().join("services.toml")).unwrap();
    assert!(text.contains(uses), "{text}");
    let said = svc(repo, &["check"]);
    assert_eq!(said.code(), 0, "{}", said.all());
    repo.commit("its services");
    all(repo, &["build"], "passed");
    all(repo, &["build"], "cached");
    let output = repo.root().join("it").join(output);
    let built = std::fs::read(&output).unwrap();
    std::fs::remove_file(&output).unwrap();
    all(repo, &["build"], "cached");
    assert_eq!(std::fs::read(&output).unwrap(), built);
}

#[test]
fn a_program_in_rust_is_known_by_its_manifest() {
    if !have(&["cargo"]) {
        return;
    }
    let files = [
        (
            "Cargo.toml",
            "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
        ),
        (
            "Cargo.lock",
            "version = 4\n\n[[package]]\nname = \"hello\"\nversion = \"0.1.0\"\n",
        ),
        ("src/main.rs", "fn main() {}\n"),
    ];
    let uses = "uses = { preset = \"rust\", bin = \"hello\" }\n";
    check(&repository(), &files, uses, "dist/bin/hello");
}

#[test]
fn a_program_in_go_is_known_by_its_sources() {
    if !have(&["go"]) {
        return;
    }
    let files = [
        ("go.mod", "module example.test/shop/hello\n\ngo 1.19\n"),
        ("one.go", "package hello\n\nfunc One() int { return 1 }\n"),
        (
            "cmd/server/main.go",
            "package main\n\nimport \"example.test/shop/hello\"\n\nfunc main() { println(hello.One()) }\n",
        ),
    ];
    let uses = "uses = { preset = \"go\", bin = \"server\", package = \"./cmd/server\" }\n";
    check(&repository(), &files, uses, "dist/server");
}

#[test]
fn what_a_compiler_of_types_leaves_is_known_by_its_configuration() {
    if !have(&["node", "npm", "tsc"]) {
        return;
    }
    let files = [
        (
            "package.json",
            r#"{"name": "hello", "scripts": {"build": "tsc"}}"#,
        ),
        (
            "tsconfig.json",
            r#"{"compilerOptions": {"strict": true, "types": [], "rootDir": ".", "outDir": "dist"}, "include": ["*.ts"]}"#,
        ),
        ("one.ts", "export const one: number = 1;\n"),
    ];
    let uses = "uses = { preset = \"typescript\", out = \"dist\" }\n";
    check(&repository(), &files, uses, "dist/one.js");
}

#[test]
fn an_archive_of_maven_is_known_by_its_manifest() {
    let repo = repository();
    if !has_maven(&repo) {
        return;
    }
    repo.write(
        "pom.xml",
        "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>
<groupId>shop</groupId><artifactId>shop</artifactId><version>1</version><packaging>pom</packaging>
<modules><module>it</module></modules>
<properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding></properties>
</project>\n",
    );
    let files = [
        (
            "pom.xml",
            "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>
<parent><groupId>shop</groupId><artifactId>shop</artifactId><version>1</version></parent><artifactId>hello</artifactId>
</project>\n",
        ),
        (
            "src/main/java/Hello.java",
            "public class Hello { public static void main(String[] a) {} }\n",
        ),
    ];
    let uses = "uses = { preset = \"java-maven\", archive = \"target/hello-*.jar\" }\n";
    check(&repo, &files, uses, "target/hello-1.jar");
}
