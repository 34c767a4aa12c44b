//! Languages that are compiled ahead of time.

use crate::project::{Project, all, have, repository};

#[test]
fn rust_builds_the_program_that_it_is_asked_for() {
    Project {
        preset: "rust",
        with: r#"bin = "hello""#,
        tools: &["cargo", "rustfmt", "cargo-clippy"],
        files: &[
            (
                "Cargo.toml",
                "[package]\nname = \"hello\"\nversion = \"0.1.0\"\nedition = \"2021\"\n[workspace]\n",
            ),
            (
                "Cargo.lock",
                "version = 4\n\n[[package]]\nname = \"hello\"\nversion = \"0.1.0\"\n",
            ),
            (
                "src/main.rs",
                "fn one() -> u32 {\n    1\n}\n\nfn main() {\n    println!(\"{}\", one());\n}\n\n#[test]\nfn one_is_one() {\n    assert_eq!(one(), 1);\n}\n",
            ),
        ],
        outputs: &["dist/bin/hello"],
        broken: (
            "src/main.rs",
            "fn main() {}\n\n#[test]\nfn fails() {\n    panic!();\n}\n",
        ),
    }
    .works();
}

#[test]
fn go_builds_the_program_that_it_is_asked_for() {
    Project {
        preset: "go",
        with: r#"bin = "hello", package = "./cmd/hello""#,
        tools: &["go"],
        files: &[
            ("go.mod", "module example.test/hello\n\ngo 1.19\n"),
            ("one.go", "package hello\n\nfunc One() int { return 1 }\n"),
            (
                "one_test.go",
                "package hello\n\nimport \"testing\"\n\nfunc TestOne(t *testing.T) {\n\tif One() != 1 {\n\t\tt.Fatal(One())\n\t}\n}\n",
            ),
            (
                "cmd/hello/main.go",
                "package main\n\nimport \"example.test/hello\"\n\nfunc main() { println(hello.One()) }\n",
            ),
        ],
        outputs: &["dist/hello"],
        broken: ("one.go", "package hello\n\nfunc One() int { return 2 }\n"),
    }
    .works();
}

/// Go would leave a lone program in the directory, under its name.
#[test]
fn go_leaves_nothing_that_was_not_asked_for() {
    if !have(&["go"]) {
        return;
    }
    let repo = repository();
    repo.write("it/go.mod", "module example.test/hello\n\ngo 1.19\n");
    repo.write("it/main.go", "package main\n\nfunc main() {}\n");
    repo.write(
        "services.toml",
        "version = 1\n[services.it]\npath = \"it\"\nuses = \"go\"\n",
    );
    repo.commit("a program");
    all(&repo, &["build"], "passed");
    assert_eq!(repo.git(&["status", "--short"]), "");
}

#[test]
fn cmake_installs_what_it_builds() {
    Project {
        preset: "c-cmake",
        with: r#"install = "dist""#,
        tools: &["cmake", "c++", "make"],
        files: &[
            (".gitignore", "build*/\n"),
            (
                "CMakeLists.txt",
                "cmake_minimum_required(VERSION 3.10)\nproject(hello C CXX)\nenable_testing()\nadd_executable(hello hello.c)\nadd_test(NAME hello COMMAND hello)\ninstall(TARGETS hello)\n",
            ),
            ("hello.c", "int main(void) { return 0; }\n"),
        ],
        outputs: &["dist/bin/hello"],
        broken: ("hello.c", "int main(void) { return 1; }\n"),
    }
    .works();
}

#[test]
fn make_runs_the_goals_of_a_makefile() {
    Project {
        preset: "make",
        with: r#"out = ["hello"]"#,
        tools: &["make", "cc"],
        files: &[
            (
                "Makefile",
                "hello: hello.c\n\t$(CC) -o hello hello.c\ntest: hello\n\t./hello\nlint:\n\t$(CC) -Wall -Werror -fsyntax-only hello.c\n.PHONY: test lint\n",
            ),
            ("hello.c", "int main(void) { return 0; }\n"),
        ],
        outputs: &["hello"],
        broken: ("hello.c", "int main(void) { return 1; }\n"),
    }
    .works();
}

#[test]
fn elixir_makes_a_release() {
    Project {
        preset: "elixir",
        with: r#"release = "hello""#,
        tools: &["mix", "erl"],
        files: &[
            (
                "mix.exs",
                "defmodule Hello.MixProject do\n  use Mix.Project\n\n  def project do\n    [app: :hello, version: \"0.1.0\", releases: [hello: []]]\n  end\nend\n",
            ),
            (".formatter.exs", "[inputs: [\"{lib,test}/**/*.{ex,exs}\"]]\n"),
            (
                "lib/hello.ex",
                "defmodule Hello do\n  def one, do: 1\nend\n",
            ),
            ("test/test_helper.exs", "ExUnit.start()\n"),
            (
                "test/hello_test.exs",
                "defmodule HelloTest do\n  use ExUnit.Case\n\n  test \"one\" do\n    assert Hello.one() == 1\n  end\nend\n",
            ),
        ],
        outputs: &["dist"],
        broken: (
            "lib/hello.ex",
            "defmodule Hello do\n  def one, do: 2\nend\n",
        ),
    }
    .works();
}

#[test]
fn dotnet_publishes_below_bin() {
    Project {
        preset: "dotnet",
        with: "",
        tools: &["dotnet"],
        files: &[
            (".gitignore", "bin/\nobj/\n"),
            (
                "hello.csproj",
                "<Project Sdk=\"Microsoft.NET.Sdk\">\n  <PropertyGroup>\n    <OutputType>Exe</OutputType>\n    <TargetFramework>net8.0</TargetFramework>\n    <RollForward>Major</RollForward>\n  </PropertyGroup>\n</Project>\n",
            ),
            ("Hello.cs", "System.Console.WriteLine(1);\n"),
        ],
        outputs: &["bin/publish"],
        broken: ("Hello.cs", "no program\n"),
    }
    .works();
}

const GRADLE: [(&str, &str); 4] = [
    (".gitignore", "build/\n.gradle/\n.kotlin/\n"),
    ("settings.gradle.kts", "rootProject.name = \"hello\"\n"),
    (
        "src/main/java/Hello.java",
        "public class Hello {\n    public static void main(String[] arguments) {}\n}\n",
    ),
    (
        "build.gradle.kts",
        "plugins { java }\ntasks.test { doFirst { require(file(\"passes\").exists()) } }\n",
    ),
];

#[test]
fn gradle_assembles_archives() {
    for preset in ["java-gradle", "kotlin"] {
        Project {
            preset,
            with: r#"test-task = "compileJava", archive = ["build/libs"]"#,
            tools: &["gradle", "javac"],
            files: &GRADLE,
            outputs: &["build/libs/hello.jar"],
            broken: ("src/main/java/Hello.java", "no class\n"),
        }
        .works();
    }
}
