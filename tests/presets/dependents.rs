//! A change of a library counts for those that compile or import it.

use crate::project::{all, have, outcomes, repository, svc};
use crate::support::TestRepo;

/// A library, and a service whose test fails with another version of it.
struct Family<'a> {
    tools: &'a [&'a str],
    /// What either uses.
    uses: [&'a str; 2],
    files: &'a [(&'a str, &'a str)],
    /// A file of the library, and what the service's test does not like.
    changed: (&'a str, &'a str),
    /// Whether there is a build to look at.
    is_built: bool,
}

impl Family<'_> {
    fn stands_together(&self) {
        self.stands_together_in(&repository());
    }

    fn stands_together_in(&self, repo: &TestRepo) {
        if !have(self.tools) {
            return;
        }
        for (path, text) in self.files {
            repo.write(path, text);
        }
        let [lib, app] = self.uses;
        repo.write(
            "services.toml",
            format!(
                "version = 1\n[services.lib]\npath = \"lib\"\nuses = {lib}\n[services.app]\npath = \"app\"\nuses = {app}\ndepends-on = [\"lib\"]\n"
            ),
        );
        repo.commit("a family");
        all(repo, &["test"], "passed");
        all(repo, &["test"], "cached");
        let (path, text) = self.changed;
        repo.write(path, text);
        let said = svc(repo, &["test", "--format", "json"]);
        assert_eq!(said.code(), 1, "{}", said.all());
        let outcomes = outcomes(&said);
        let of = |id: &str| outcomes.iter().find(|(it, _)| it == id).map(|it| &*it.1);
        assert_eq!(of("app:test"), Some("failed"), "{}", said.all());
        if self.is_built {
            assert_eq!(of("app:build"), Some("passed"), "{}", said.all());
        }
    }
}

#[test]
fn a_cargo_package_and_the_one_that_it_names_by_its_path() {
    Family {
        tools: &["cargo"],
        uses: ["\"rust\"", "{ preset = \"rust\", bin = \"app\" }"],
        files: &[
            (
                "Cargo.toml",
                "[workspace]\nmembers = [\"lib\", \"app\"]\nresolver = \"2\"\n",
            ),
            (
                "Cargo.lock",
                "version = 4\n\n[[package]]\nname = \"app\"\nversion = \"0.1.0\"\ndependencies = [\n \"lib\",\n]\n\n[[package]]\nname = \"lib\"\nversion = \"0.1.0\"\n",
            ),
            (
                "lib/Cargo.toml",
                "[package]\nname = \"lib\"\nversion = \"0.1.0\"\nedition = \"2021\"\n",
            ),
            (
                "lib/src/lib.rs",
                "pub fn one() -> &'static str {\n    include_str!(\"one.txt\")\n}\n",
            ),
            ("lib/src/one.txt", "1"),
            (
                "app/Cargo.toml",
                "[package]\nname = \"app\"\nversion = \"0.1.0\"\nedition = \"2021\"\n\n[dependencies]\nlib = { path = \"../lib\" }\n",
            ),
            (
                "app/src/main.rs",
                "fn main() {\n    println!(\"{}\", lib::one());\n}\n\n#[test]\nfn one() {\n    assert_eq!(lib::one(), \"1\");\n}\n",
            ),
        ],
        changed: ("lib/src/one.txt", "2"),
        is_built: true,
    }
    .stands_together();
}

#[test]
fn a_go_module_and_the_one_that_replaces_what_it_requires() {
    Family {
        tools: &["go"],
        uses: ["\"go\"", "{ preset = \"go\", bin = \"app\" }"],
        files: &[
            ("lib/go.mod", "module example.test/lib\n\ngo 1.19\n"),
            ("lib/one.go", "package lib\n\nfunc One() int { return 1 }\n"),
            (
                "app/go.mod",
                "module example.test/app\n\ngo 1.19\n\nrequire example.test/lib v0.0.0\n\nreplace example.test/lib => ../lib\n",
            ),
            (
                "app/main.go",
                "package main\n\nimport \"example.test/lib\"\n\nfunc main() { println(lib.One()) }\n",
            ),
            (
                "app/main_test.go",
                "package main\n\nimport (\n\t\"example.test/lib\"\n\t\"testing\"\n)\n\nfunc TestOne(t *testing.T) {\n\tif lib.One() != 1 {\n\t\tt.Fatal(lib.One())\n\t}\n}\n",
            ),
        ],
        changed: ("lib/one.go", "package lib\n\nfunc One() int { return 2 }\n"),
        is_built: true,
    }
    .stands_together();
}

#[test]
fn a_python_project_and_the_one_that_it_imports_from_its_path() {
    Family {
        tools: &["pytest"],
        uses: ["\"python\"", "\"python\""],
        files: &[
            (
                "lib/pyproject.toml",
                "[project]\nname = \"lib\"\nversion = \"1\"\n",
            ),
            ("lib/src/lib.py", "def one():\n    return 1\n"),
            (
                "lib/test_lib.py",
                "def test_nothing():\n    pass\n",
            ),
            (
                "app/pyproject.toml",
                "[project]\nname = \"app\"\nversion = \"1\"\n\n[tool.pytest.ini_options]\npythonpath = [\"../lib/src\"]\n",
            ),
            (
                "app/test_app.py",
                "from lib import one\n\n\ndef test_one():\n    assert one() == 1\n",
            ),
        ],
        changed: ("lib/src/lib.py", "def one():\n    return 2\n"),
        is_built: false,
    }
    .stands_together();
}

#[test]
fn a_python_project_of_uv_and_the_member_that_it_needs() {
    Family {
        tools: &["uv", "pytest"],
        uses: [
            "{ preset = \"python\", runner = \"unittest\" }",
            "{ preset = \"python\", runner = \"unittest\" }",
        ],
        files: &[
            (
                "pyproject.toml",
                "[tool.uv.workspace]\nmembers = [\"lib\", \"app\"]\n",
            ),
            (
                "uv.lock",
                "version = 1\nrevision = 3\nrequires-python = \">=3.9\"\n\n[manifest]\nmembers = [\n    \"app\",\n    \"lib\",\n]\n\n[[package]]\nname = \"app\"\nversion = \"1\"\nsource = { virtual = \"app\" }\ndependencies = [\n    { name = \"lib\" },\n]\n\n[package.metadata]\nrequires-dist = [{ name = \"lib\", virtual = \"lib\" }]\n\n[[package]]\nname = \"lib\"\nversion = \"1\"\nsource = { virtual = \"lib\" }\n",
            ),
            (
                "lib/pyproject.toml",
                "[project]\nname = \"lib\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\n[tool.uv]\npackage = false\n",
            ),
            ("lib/lib.py", "def one():\n    return 1\n"),
            (
                "lib/test_lib.py",
                "import unittest\n\n\nclass Test(unittest.TestCase):\n    def test_nothing(self):\n        pass\n",
            ),
            (
                "app/pyproject.toml",
                "[project]\nname = \"app\"\nversion = \"1\"\nrequires-python = \">=3.9\"\ndependencies = [\"lib\"]\n\n[tool.uv]\npackage = false\n\n[tool.uv.sources]\nlib = { workspace = true }\n",
            ),
            (
                "app/test_app.py",
                "import sys\nimport unittest\n\nsys.path.insert(0, \"../lib\")\nfrom lib import one\n\n\nclass Test(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(one(), 1)\n",
            ),
            (".gitignore", ".venv/\n__pycache__/\n"),
        ],
        changed: ("lib/lib.py", "def one():\n    return 2\n"),
        is_built: false,
    }
    .stands_together();
}

/// Debian's plugins of Maven, so that nothing is fetched.
const REPOSITORY: &str = "/usr/share/maven-repo";

/// Whether Maven is there with its plugins; then it takes them from this machine, whatever is built in `repo`.
pub fn has_maven(repo: &TestRepo) -> bool {
    let plugins = format!("{REPOSITORY}/org/apache/maven/plugins/maven-install-plugin");
    if !have(&["mvn", "javac"]) {
        return false;
    }
    if !std::path::Path::new(&plugins).is_dir() {
        crate::servers::skip("maven", "its plugins are not installed");
        return false;
    }
    let home = repo.beside("home");
    std::fs::create_dir_all(home.join(".m2")).unwrap();
    let settings = format!(
        "<settings><mirrors><mirror><id>machine</id><mirrorOf>*</mirrorOf><url>file://{REPOSITORY}</url></mirror></mirrors></settings>"
    );
    std::fs::write(home.join(".m2/settings.xml"), settings).unwrap();
    // Java takes the home of a person from elsewhere than from `HOME`.
    repo.write(
        ".mvn/jvm.config",
        format!("-Duser.home={}\n", home.display()),
    );
    true
}

#[test]
fn a_maven_module_and_its_sibling() {
    let repo = repository();
    if !has_maven(&repo) {
        return;
    }
    Family {
        tools: &["mvn", "javac"],
        uses: [
            "\"java-maven\"",
            "{ preset = \"java-maven\", archive = [\"target/app-1.jar\"] }",
        ],
        files: &[
            (
                "pom.xml",
                "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>
<groupId>shop</groupId><artifactId>shop</artifactId><version>1</version><packaging>pom</packaging>
<modules><module>lib</module><module>app</module></modules>
<properties><maven.compiler.source>11</maven.compiler.source><maven.compiler.target>11</maven.compiler.target>
<project.build.sourceEncoding>UTF-8</project.build.sourceEncoding><forkCount>0</forkCount></properties>
<dependencies><dependency><groupId>junit</groupId><artifactId>junit</artifactId><version>4.x</version><scope>test</scope></dependency></dependencies>
</project>\n",
            ),
            (
                "lib/pom.xml",
                "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>
<parent><groupId>shop</groupId><artifactId>shop</artifactId><version>1</version></parent><artifactId>lib</artifactId>
</project>\n",
            ),
            (
                "lib/src/main/java/Lib.java",
                "public class Lib { public static int one() { return 1; } }\n",
            ),
            (
                "app/pom.xml",
                "<project xmlns=\"http://maven.apache.org/POM/4.0.0\"><modelVersion>4.0.0</modelVersion>
<parent><groupId>shop</groupId><artifactId>shop</artifactId><version>1</version></parent><artifactId>app</artifactId>
<dependencies><dependency><groupId>shop</groupId><artifactId>lib</artifactId><version>1</version></dependency></dependencies>
</project>\n",
            ),
            (
                "app/src/main/java/App.java",
                "public class App { public static int two() { return Lib.one() + 1; } }\n",
            ),
            (
                "app/src/test/java/AppTest.java",
                "public class AppTest { @org.junit.Test public void adds() { org.junit.Assert.assertEquals(2, App.two()); } }\n",
            ),
        ],
        changed: (
            "lib/src/main/java/Lib.java",
            "public class Lib { public static int one() { return 2; } }\n",
        ),
        is_built: false,
    }
    .stands_together_in(&repo);
    // A jar comes back by itself, and lint asks nothing of a network.
    std::fs::remove_dir_all(repo.root().join("app/target")).unwrap();
    repo.git(&["checkout", "--quiet", "--", "lib"]);
    let said = svc(&repo, &["build", "app"]);
    assert_eq!(said.code(), 0, "{}", said.all());
    assert!(repo.root().join("app/target/app-1.jar").is_file());
    all(&repo, &["run", "lint"], "passed");
}
