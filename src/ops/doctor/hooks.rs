//! Whether git's hooks would run, and whether one of them asks `svc`.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::git::Repo;
use crate::model::finding::{Area, Finding, Step, Weight};
use crate::ops::place::Place;

/// The hooks that judge what is committed and pushed.
const HOOKS: &[&str] = &["pre-commit", "pre-push"];

/// Where programs that look after hooks are told what to ask.
const MANAGED: &[&str] = &[
    ".husky/pre-commit",
    "lefthook.yml",
    ".pre-commit-config.yaml",
];

/// Looks at the hooks of the repository.
pub fn look(place: &Place) -> Vec<Finding> {
    let Some(repo) = &place.repo else {
        return Vec::new();
    };
    let Some(directory) = directory(repo) else {
        return Vec::new();
    };
    let hooks = HOOKS.iter().map(|name| (*name, directory.join(name)));
    let there: Vec<_> = hooks.filter(|(_, path)| path.is_file()).collect();
    let mut findings: Vec<Finding> = there
        .iter()
        .filter_map(|(name, path)| of_one(name, path))
        .collect();
    let asks = |path: &Path| std::fs::read(path).is_ok_and(|text| mentions_svc(&text));
    let top = repo.work_tree().unwrap_or(repo.git_dir());
    let managed = MANAGED.iter().any(|name| asks(&top.join(name)));
    if !managed && !there.iter().any(|(_, path)| asks(path)) && !place.env.is_ci() {
        let words = "no hook asks svc before a commit";
        let finding = Finding::new(Area::Hooks, Weight::Hint, "pre-commit", words);
        findings.push(finding.fix("`svc hook install` lets git ask before each commit".to_owned()));
    }
    findings
}

fn of_one(name: &str, path: &Path) -> Option<Finding> {
    let mode = path.metadata().ok()?.permissions().mode();
    let shown = path.display().to_string();
    if mode & 0o111 == 0 {
        let words = format!("{shown} is not executable, so git skips it");
        let finding = Finding::new(Area::Hooks, Weight::Warning, name, words);
        let step = Step::MakeExecutable {
            path: shown.clone(),
        };
        return Some(finding.step(format!("chmod +x {shown}"), step));
    }
    let asks = std::fs::read(path).is_ok_and(|text| mentions_svc(&text));
    asks.then(|| Finding::fine(Area::Hooks, name, format!("{shown} asks svc")))
}

/// Where git looks for hooks, `core.hooksPath` included.
fn directory(repo: &Repo) -> Option<PathBuf> {
    let output = repo
        .git()
        .output(["rev-parse", "--git-path", "hooks"])
        .ok()?;
    let text = String::from_utf8(output).ok()?;
    let path = PathBuf::from(text.trim_end_matches('\n'));
    let top = repo.work_tree().unwrap_or(repo.git_dir());
    Some(top.join(path))
}

/// Whether a script calls `svc`, rather than something with these letters in its name.
fn mentions_svc(text: &[u8]) -> bool {
    let text = String::from_utf8_lossy(text);
    let mut words = text.split(|it: char| it.is_whitespace() || "\"'`;&|()/".contains(it));
    // The last two are hooks of ours for the pre-commit framework.
    words.any(|word| matches!(word, "svc" | "svc-test" | "svc-lint"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hook_asks_svc_if_it_calls_it() {
        let check = |text: &str, expected: bool| {
            assert_eq!(mentions_svc(text.as_bytes()), expected, "{text}");
        };
        check("#!/bin/sh\nexec svc test --staged\n", true);
        check("/usr/local/bin/svc check", true);
        check("      - id: svc-test\n", true);
        check("./svcs-check", false);
        check("kubectl get svc-list", false);
    }
}
