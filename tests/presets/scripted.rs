//! Languages that need no build.

use crate::project::{Project, all, have, repository};

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
        broken: ("hello.py", "def one():\n    return 2\n"),
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
