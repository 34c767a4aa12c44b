//! `uv.lock` and `poetry.lock`.

use crate::manifest::lock::tests::Case;

const UV: &str = r#"version = 1
revision = 2
requires-python = ">=3.12"

[manifest]
members = ["api", "common", "shop"]

[[package]]
name = "api"
version = "0.1.0"
source = { editable = "services/api" }
dependencies = [{ name = "common" }, { name = "httpx", extra = ["http2"] }]

[package.metadata]
requires-dist = [{ name = "common", editable = "libs/common" }]

[[package]]
name = "common"
version = "0.1.0"
source = { virtual = "libs/common" }
dependencies = [{ name = "numpy", version = "1.26.0", source = { registry = "https://pypi.org/simple" }, marker = "python_full_version < '3.13'" }]

[[package]]
name = "h2"
version = "4.1.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.test/h2.tar.gz", hash = "sha256:h2" }

[[package]]
name = "httpx"
version = "0.25.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.test/httpx.tar.gz", hash = "sha256:httpx" }

[package.optional-dependencies]
http2 = [{ name = "h2" }]

[[package]]
name = "numpy"
version = "1.26.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.test/numpy1.tar.gz", hash = "sha256:numpy1" }

[[package]]
name = "numpy"
version = "2.0.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.test/numpy2.tar.gz", hash = "sha256:numpy2" }

[[package]]
name = "pytest"
version = "7.4.0"
source = { registry = "https://pypi.org/simple" }
sdist = { url = "https://files.test/pytest.tar.gz", hash = "sha256:pytest" }

[[package]]
name = "shop"
version = "0.1.0"
source = { virtual = "." }
dependencies = [{ name = "api" }]

[package.dev-dependencies]
dev = [{ name = "pytest" }]
"#;

#[test]
fn uv_members_lead_to_what_they_need() {
    // What the outermost project needs of them is there for all.
    let through = Case::new("uv.lock", UV, &[]);
    assert_eq!(through.change("sha256:h2", "x").len(), 2);
    assert_eq!(through.change("sha256:numpy1", "x").len(), 2);
    assert_eq!(
        through
            .change("{ name = \"h2\" }", "{ name = \"gone\" }")
            .len(),
        2
    );
    let text = UV.replace("dependencies = [{ name = \"api\" }]\n", "");
    let case = Case::new("uv.lock", &text, &[]);
    assert_eq!(case.change("sha256:h2", "x"), ["services/api: h2"]);
    assert_eq!(
        case.change("sha256:numpy1", "x"),
        ["libs/common: numpy", "services/api: numpy"]
    );
    assert_eq!(case.change("sha256:numpy2", "x"), [""; 0]);
    assert_eq!(case.change("sha256:pytest", "x").len(), 2);
    assert_eq!(case.change("\"shop\"]", "\"shop\", \"new\"]"), [""; 0]);
    assert_eq!(case.change(">=3.12", ">=3.11").len(), 2);
    assert_eq!(
        case.change("{ name = \"h2\" }", "{ name = \"gone\" }"),
        ["services/api?"]
    );
    assert!(
        case.refused("version = 1\nrevision", "version = 2\nrevision")
            .contains("version 1")
    );
}

/// The outermost `pyproject.toml` of a uv workspace may hold groups and no project: then no entry is its own.
#[test]
fn what_a_workspace_without_a_project_asks_for_counts_for_all() {
    let (text, _) = UV.split_once("[[package]]\nname = \"shop\"").unwrap();
    let groups =
        "\n[manifest.dependency-groups]\ndev = [{ name = \"pytest\", specifier = \">=7\" }]\n";
    let members = "members = [\"api\", \"common\", \"shop\"]\n";
    let text = text.replace(members, &format!("{members}{groups}"));
    let case = Case::new("uv.lock", &text, &[]);
    assert_eq!(
        case.change("sha256:pytest", "x"),
        ["libs/common: pytest", "services/api: pytest"]
    );
    let lost = Case::new(
        "uv.lock",
        &text.replace("[{ name = \"pytest\",", "[{ name = \"gone\","),
        &[],
    );
    assert_eq!(lost.change("sha256:h2", "x").len(), 2);
}

const POETRY: &str = r#"[[package]]
name = "common"
version = "0.1.0"
optional = false
files = []

[package.dependencies]
charset-normalizer = ">=2,<4"

[package.source]
type = "directory"
url = "libs/common"

[[package]]
name = "charset-normalizer"
version = "3.3.0"
optional = false
files = [{ file = "c.whl", hash = "sha256:charset" }]

[[package]]
name = "Django"
version = "4.2"
optional = false
files = [{ file = "d.whl", hash = "sha256:django" }]

[package.dependencies]
tzdata = { version = "*", markers = "sys_platform == \"win32\"" }

[[package]]
name = "pytest"
version = "7.4.0"
optional = false
files = [{ file = "p.whl", hash = "sha256:pytest" }]

[metadata]
lock-version = "2.0"
python-versions = "^3.11"
content-hash = "abc"
"#;

#[test]
fn poetry_asks_the_manifests() {
    let manifests = [
        (
            "",
            "[tool.poetry.dependencies]\npython = \"^3.11\"\ncommon = { path = \"libs/common\" }\n[tool.poetry.group.dev.dependencies]\npytest = \"*\"\n",
        ),
        (
            "api",
            "[project]\nname = \"api\"\ndependencies = [\"django[bcrypt]>=4.2 ; python_version > '3'\"]\n",
        ),
        (
            "libs/common",
            "[tool.poetry.dependencies]\nCharset_Normalizer = \"^3\"\n",
        ),
        ("x", "[tool.poetry.dependencies]\nabsent = \"*\"\n"),
    ];
    let case = Case::new("poetry.lock", POETRY, &manifests);
    // What the outermost project needs of others beside it is there for all.
    assert_eq!(case.change("sha256:charset", "x").len(), 3);
    let apart = manifests[0]
        .1
        .replace("common = { path = \"libs/common\" }\n", "");
    let apart = [&[("", &*apart)], &manifests[1..3]].concat();
    let apart = Case::new("poetry.lock", POETRY, &apart);
    assert_eq!(
        apart.change("sha256:charset", "x"),
        ["libs/common: charset-normalizer"]
    );
    assert_eq!(case.change("sha256:django", "x"), ["api: Django", "x?"]);
    assert_eq!(case.change("sha256:pytest", "x").len(), 3);
    assert_eq!(case.change("\"abc\"", "\"def\""), ["x?"]);
    assert_eq!(case.change("^3.11\"\ncontent", "^3.12\"\ncontent").len(), 3);
}
