//! Whether git can tell what changed: the program, the shape of the clone, the default branch.

use crate::config::FILE;
use crate::git::Repo;
use crate::git::base::{default_branch, main_remote, remotes};
use crate::model::change::Head;
use crate::model::finding::{Area, Finding, Step, Weight};
use crate::model::path::FilePath;
use crate::ops::doctor::with_causes;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// Looks at the repository around the workspace.
pub fn look(place: &Place) -> Vec<Finding> {
    let Some(repo) = &place.repo else {
        let words = "this is no git repository, so nobody can tell what changed";
        return vec![
            finding(Weight::Warning, "git", words)
                .fix("git init && git add . && git commit -m 'begin'"),
        ];
    };
    let mut findings = vec![program(repo)];
    findings.extend(shape(repo));
    match branch(repo) {
        Ok(branch) => findings.extend(branch),
        Err(failure) => findings.push(finding(
            Weight::Failure,
            "default branch",
            with_causes(&failure),
        )),
    }
    findings.extend(tracked(repo));
    findings
}

fn program(repo: &Repo) -> Finding {
    match repo.git().output(["--version"]) {
        Ok(output) => {
            let text = String::from_utf8_lossy(&output).trim().to_owned();
            Finding::fine(Area::Repository, "git", text)
        }
        Err(error) => finding(Weight::Failure, "git", with_causes(&error))
            .fix("install git; it is what fetches and pushes"),
    }
}

fn shape(repo: &Repo) -> Vec<Finding> {
    let mut findings = Vec::new();
    if repo.is_shallow() {
        let words = "this clone is shallow: history is fetched when a base is missing, and without the network \
                     everything counts as affected";
        findings.push(finding(Weight::Warning, "clone", words).fix("git fetch --unshallow"));
    }
    if repo.is_partial() {
        let words = "this clone is partial: git fetches the objects that it needs";
        findings.push(finding(Weight::Hint, "clone", words));
    }
    if repo.is_sparse() {
        let words =
            "this checkout is sparse: services that it leaves out can be compared, but not built";
        findings.push(finding(Weight::Hint, "checkout", words).fix("git sparse-checkout disable"));
    }
    findings
}

fn branch(repo: &Repo) -> Result<Option<Finding>, Failure> {
    if repo.head_commit()?.is_none() {
        let words = "there is no commit yet, so everything counts as changed";
        let fix = "git add . && git commit -m 'begin'";
        return Ok(Some(finding(Weight::Hint, "history", words).fix(fix)));
    }
    let remote = main_remote(repo)?;
    Ok(match default_branch(repo, None)? {
        Some(branch) => Some(Finding::fine(
            Area::Repository,
            "default branch",
            format!("changes are told from {}", branch.shown()),
        )),
        None => {
            let words = "which branch is the default is not known, so everything counts as changed";
            let found = finding(Weight::Warning, "default branch", words);
            Some(match remote {
                Some(remote) => {
                    let command = format!("git remote set-head {remote} --auto");
                    found.step(command, Step::LearnDefaultBranch { remote })
                }
                None => found.fix("name it in services.toml: `[workspace] default-branch`"),
            })
        }
    })
}

/// Whether the definition itself would be in the next commit.
fn tracked(repo: &Repo) -> Option<Finding> {
    let head = Head::Index(repo.head_commit().ok()?);
    let index = repo.snapshot(head);
    let is_tracked = index.read(&FilePath::from(FILE)).ok()?.is_some();
    let words = format!("{FILE} is not in git, so others and CI do not have it");
    (!is_tracked).then(|| finding(Weight::Warning, FILE, words).fix(format!("git add {FILE}")))
}

/// The remotes, for whoever fixes something.
///
/// # Errors
/// An unreadable repository.
pub fn has_remote(repo: &Repo, name: &str) -> Result<bool, Failure> {
    Ok(remotes(repo)?.iter().any(|it| it == name))
}

fn finding(weight: Weight, about: &str, words: impl Into<String>) -> Finding {
    Finding::new(Area::Repository, weight, about, words)
}
