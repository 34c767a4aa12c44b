//! Packages of npm and its like: scripts, and the packages that they need.

use crate::project::{Project, all, have, outcomes, repository, svc};
use crate::support::TestRepo;

#[test]
fn node_runs_the_scripts_of_a_package() {
    Project {
        preset: "node",
        with: r#"out = "dist""#,
        tools: &["node", "npm"],
        files: &[
            (
                "package.json",
                r#"{"name": "hello", "scripts": {"build": "mkdir -p dist && cp one.js dist", "test": "node test.js"}}"#,
            ),
            ("one.js", "module.exports = 1;\n"),
            (
                "test.js",
                "process.exit(require('./one') === 1 ? 0 : 1);\n",
            ),
        ],
        outputs: &["dist/one.js"],
        broken: ("one.js", "module.exports = 2;\n"),
    }
    .works();
}

#[test]
fn typescript_checks_types() {
    Project {
        preset: "typescript",
        with: r#"out = "dist""#,
        tools: &["node", "npm", "tsc"],
        files: &[
            (
                "package.json",
                r#"{"name": "hello", "scripts": {"build": "tsc --outDir dist", "test": "tsc --noEmit"}}"#,
            ),
            (
                "tsconfig.json",
                r#"{"compilerOptions": {"strict": true, "types": []}, "include": ["*.ts"]}"#,
            ),
            ("one.ts", "export const one: number = 1;\n"),
        ],
        outputs: &["dist/one.js"],
        broken: ("one.ts", "export const one: number = \"1\";\n"),
    }
    .works();
}

/// Two packages of one workspace, the second of which needs the first; nothing is installed yet.
fn packages(manager: &str) -> TestRepo {
    let repo = repository();
    let lib = match manager {
        "npm" => "1.0.0",
        _ => "workspace:*",
    };
    repo.write(
        "package.json",
        r#"{"name": "shop", "private": true, "workspaces": ["lib", "app"]}"#,
    );
    repo.write("lib/package.json", r#"{"name": "lib", "version": "1.0.0"}"#);
    repo.write("lib/index.js", "module.exports = 1;\n");
    repo.write(
        "app/package.json",
        format!(r#"{{"name": "app", "version": "1.0.0", "dependencies": {{"lib": "{lib}"}}, "scripts": {{"test": "node test.js"}}}}"#),
    );
    repo.write(
        "app/test.js",
        "process.exit(require('lib') === 1 ? 0 : 1);\n",
    );
    match manager {
        "npm" => repo.write("package-lock.json", NPM_LOCK),
        _ => {
            repo.write("pnpm-workspace.yaml", "packages:\n  - lib\n  - app\n");
            repo.write("pnpm-lock.yaml", PNPM_LOCK);
        }
    }
    repo
}

fn services(repo: &TestRepo, with: &str) {
    let uses = format!("uses = {{ preset = \"node\"{with} }}");
    repo.write(
        "services.toml",
        format!("version = 1\n[services.lib]\npath = \"lib\"\n{uses}\n[services.app]\npath = \"app\"\n{uses}\ndepends-on = [\"lib\"]\n"),
    );
    repo.commit("packages");
}

const NPM_LOCK: &str = r#"{
  "name": "shop",
  "lockfileVersion": 3,
  "requires": true,
  "packages": {
    "": { "name": "shop", "workspaces": ["lib", "app"] },
    "app": { "version": "1.0.0", "dependencies": { "lib": "1.0.0" } },
    "lib": { "version": "1.0.0" },
    "node_modules/app": { "resolved": "app", "link": true },
    "node_modules/lib": { "resolved": "lib", "link": true }
  }
}
"#;

const PNPM_LOCK: &str = "lockfileVersion: '9.0'

settings:
  autoInstallPeers: true
  excludeLinksFromLockfile: false

importers:

  .: {}

  app:
    dependencies:
      lib:
        specifier: workspace:*
        version: link:../lib

  lib: {}
";

#[test]
fn what_the_lock_file_wants_and_is_not_installed_is_named_with_the_command_that_installs_it() {
    if !have(&["node", "npm"]) {
        return;
    }
    let repo = packages("npm");
    services(&repo, "");
    let said = svc(&repo, &["test", "app"]);
    assert_eq!(said.code(), 1, "{}", said.all());
    let all = said.all();
    assert!(
        all.contains("is not installed as the lock file has it"),
        "{all}"
    );
    assert!(
        all.contains("please run `npm ci --no-audit --no-fund` in [WORLD]/repo first"),
        "{all}"
    );
}

#[test]
fn many_packages_are_installed_by_one_at_a_time_and_a_changed_one_counts_for_its_dependents() {
    for manager in ["npm", "pnpm"] {
        if !have(&["node", manager]) {
            continue;
        }
        let repo = packages(manager);
        services(&repo, ", dependencies = \"installed\"");
        all(&repo, &["test"], "passed");
        all(&repo, &["test"], "cached");
        repo.write("lib/index.js", "module.exports = 2;\n");
        let said = svc(&repo, &["test", "--format", "json"]);
        assert_eq!(said.code(), 1, "{}", said.all());
        let failed = ("app:test".to_owned(), "failed".to_owned());
        assert!(outcomes(&said).contains(&failed), "{}", said.all());
    }
}
