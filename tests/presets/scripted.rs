//! Languages that need no build.

use crate::project::{Project, all, have, repository, svc};

#[test]
fn python_is_tested_by_a_plain_interpreter() {
    Project {
        preset: "python",
        with: "",
        tools: &["pytest", "ruff"],
        files: &[
            (
                "pyproject.toml",
                "[project]\nname = \"hello\"\nversion = \"1\"\n",
            ),
            ("hello.py", "def one():\n    return 1\n"),
            (
                "test_hello.py",
                "from hello import one\n\n\ndef test_one():\n    assert one() == 1\n",
            ),
            ("setup.py", ""),
        ],
        outputs: &[],
        // Python takes a file of the same second and size for the same.
        broken: ("hello.py", "def one():\n    return 22\n"),
    }
    .works();
}

#[test]
fn php_runs_the_script_of_its_composer_file() {
    Project {
        preset: "php",
        with: "",
        tools: &["php", "composer"],
        files: &[
            (
                "composer.json",
                "{\"name\": \"example/hello\", \"description\": \"says hello\", \"license\": \"MIT\", \"scripts\": {\"test\": \"php test.php\"}}\n",
            ),
            ("one.php", "<?php\nfunction one() { return 1; }\n"),
            (
                "test.php",
                "<?php\nrequire 'one.php';\nexit(one() === 1 ? 0 : 1);\n",
            ),
        ],
        outputs: &[],
        broken: ("one.php", "<?php\nfunction one() { return 2; }\n"),
    }
    .works();
}

#[test]
fn ruby_runs_rake() {
    Project {
        preset: "ruby",
        with: "",
        tools: &["ruby", "rake"],
        files: &[
            (
                "Rakefile",
                "# frozen_string_literal: true\n\nrequire 'rake/testtask'\nRake::TestTask.new\n",
            ),
            ("lib/one.rb", "def one\n  1\nend\n"),
            (
                "test/test_one.rb",
                "require 'minitest/autorun'\nrequire 'one'\n\nclass TestOne < Minitest::Test\n  def test_one\n    assert_equal 1, one\n  end\nend\n",
            ),
        ],
        outputs: &[],
        broken: ("lib/one.rb", "def one\n  2\nend\n"),
    }
    .works();
}

/// A builder of wheels that needs nothing from anywhere.
const BACKEND: &str = "import zipfile


def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = \"hello-1-py3-none-any.whl\"
    with zipfile.ZipFile(f\"{directory}/{name}\", \"w\") as wheel:
        info = \"hello-1.dist-info\"
        wheel.write(\"hello/__init__.py\")
        wheel.writestr(f\"{info}/METADATA\", \"Metadata-Version: 2.1\\nName: hello\\nVersion: 1\\n\")
        wheel.writestr(f\"{info}/WHEEL\", \"Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n\")
        wheel.writestr(f\"{info}/RECORD\", \"\")
    return name
";

#[test]
fn each_manager_makes_a_wheel_and_runs_tests() {
    let managers = [
        (
            "uv",
            "requires = [\"uv_build>=0.8,<0.9\"]\nbuild-backend = \"uv_build\"\n",
        ),
        (
            "poetry",
            "requires = [\"poetry-core\"]\nbuild-backend = \"poetry.core.masonry.api\"\n",
        ),
        (
            "pip",
            "requires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
        ),
    ];
    for (manager, system) in managers {
        if !have(&[manager, "mypy"]) {
            continue;
        }
        let repo = repository();
        repo.write(".gitignore", "dist/\n.venv/\n__pycache__/\n.mypy_cache/\n");
        let project = format!(
            "[project]\nname = \"hello\"\nversion = \"1\"\nrequires-python = \">=3.9\"\n\n[tool.uv.build-backend]\nmodule-root = \"\"\n\n[build-system]\n{system}"
        );
        repo.write("it/pyproject.toml", project);
        repo.write("it/hello/__init__.py", "one: int = 1\n");
        repo.write(
            "it/test_hello.py",
            "import unittest\n\nfrom hello import one\n\n\nclass Test(unittest.TestCase):\n    def test_one(self) -> None:\n        self.assertEqual(one, 1)\n",
        );
        match manager {
            "uv" => repo.write("it/uv.lock", "version = 1\nrevision = 3\nrequires-python = \">=3.9\"\n\n[[package]]\nname = \"hello\"\nversion = \"1\"\nsource = { editable = \".\" }\n"),
            // Nothing is installed from it.
            "poetry" => repo.write("it/poetry.lock", ""),
            _ => repo.write("it/backend.py", BACKEND),
        }
        let linter = ", linter = \"mypy\"";
        repo.write(
            "services.toml",
            format!("version = 1\n[services.it]\npath = \"it\"\nuses = {{ preset = \"python\", wheel = true, runner = \"unittest\"{linter} }}\n"),
        );
        repo.commit("a wheel");
        all(&repo, &["build"], "passed");
        all(&repo, &["build"], "cached");
        let wheel = repo.root().join("it/dist/hello-1-py3-none-any.whl");
        std::fs::remove_file(&wheel).unwrap();
        all(&repo, &["build"], "cached");
        assert!(wheel.is_file(), "{manager}");
        all(&repo, &["test"], "passed");
        all(&repo, &["test"], "cached");
        // The linter is installed for the plain interpreter alone.
        if manager == "pip" {
            all(&repo, &["run", "lint"], "passed");
            all(&repo, &["run", "lint"], "cached");
        }
    }
}

#[test]
fn no_python_test_that_ran_is_well_only_where_there_is_none() {
    if !have(&["pytest"]) {
        return;
    }
    let check = |file: &str, arguments: &[&str], expected: i32| {
        let repo = repository();
        repo.write("it/requirements.txt", "");
        repo.write(&format!("it/{file}"), "def test_one():\n    pass\n");
        repo.write(
            "services.toml",
            "version = 1\n[services.it]\npath = \"it\"\nuses = \"python\"\n",
        );
        repo.commit("a project");
        let said = svc(&repo, &[&["test", "it"], arguments].concat());
        assert_eq!(
            said.code(),
            expected,
            "{file} {arguments:?}\n{}",
            said.all()
        );
    };
    check("one.py", &[], 0);
    check("build/lib/test_one.py", &[], 0);
    check("test_one.py", &[], 0);
    check("test_one.py", &["--", "-k", "one"], 0);
    check("test_one.py", &["--", "-k", "other"], 1);
    check("one.py", &["--", "-k", "one"], 1);
    check("test_one.py", &["--", "--deselect", "test_one.py"], 1);
}

#[test]
fn what_python_is_tested_with_is_found_by_init() {
    if !have(&["python3"]) {
        return;
    }
    let case = "import unittest\n\nfrom one import one\n\n\nclass Test(unittest.TestCase):\n    def test_one(self):\n        self.assertEqual(one, 1)\n";
    let check = |files: &[(&str, &str)], expected: &str| {
        let repo = repository();
        repo.write("it/requirements.txt", "");
        repo.write("it/one.py", "one = 1\n");
        for (path, text) in files {
            repo.write(path, text);
        }
        repo.commit("a project");
        let said = svc(&repo, &["init"]);
        assert_eq!(said.code(), 0, "{}", said.all());
        let written = repo.read("services.toml");
        let uses = written.lines().find(|it| it.starts_with("uses"));
        assert_eq!(uses, Some(expected), "{files:?}");
        if expected.contains("unittest") {
            all(&repo, &["test"], "passed");
            // All of its tests are found.
            // Python takes a file of the same second and size for the same.
            repo.write("it/one.py", "one = 22\n");
            let said = svc(&repo, &["test"]);
            assert_eq!(said.code(), 1, "{}", said.all());
        }
    };
    let unittest = r#"uses = { preset = "python", runner = "unittest" }"#;
    let below = r#"uses = { preset = "python", runner = "unittest", tests = "tests" }"#;
    let pytest = r#"uses = "python""#;
    check(&[("it/test_one.py", case)], unittest);
    check(&[("it/tests/test_one.py", case)], below);
    let package = ("it/tests/__init__.py", "");
    check(&[("it/tests/test_one.py", case), package], unittest);
    for other in [
        ("it/tests/conftest.py", ""),
        ("pytest.ini", "[pytest]\n"),
        ("it/requirements-dev.txt", "pytest-cov\n"),
        ("it/tox.ini", "[testenv]\ncommands = pytest\n"),
        ("it/setup.cfg", "[tool:pytest]\naddopts = -q\n"),
        ("pyproject.toml", "[tool.pytest.ini_options]\n"),
        ("Makefile", "test:\n\tcd it && pytest\n"),
        ("it/tests/test_two.py", "def test_two():\n    pass\n"),
        ("it/more/test_two.py", case),
        ("it/tests/two_test.py", case),
    ] {
        check(&[("it/tests/test_one.py", case), other], pytest);
    }
}
