//! Languages that need no build.

use crate::project::Project;

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
