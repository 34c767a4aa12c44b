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

/// The oldest git that knows every option that it is given: `fetch --no-write-fetch-head` came with it.
const OLDEST: (u32, u32) = (2, 29);

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
            if version(&text).is_some_and(|it| it < OLDEST) {
                let (major, minor) = OLDEST;
                let words = format!("{text}, and fetching needs {major}.{minor}");
                return finding(Weight::Failure, "git", words).fix("install a newer git");
            }
            Finding::fine(Area::Repository, "git", text)
        }
        Err(error) => finding(Weight::Failure, "git", with_causes(&error))
            .fix("install git; it is what fetches and pushes"),
    }
}

/// The two numbers that count of `git version 2.43.0`.
fn version(text: &str) -> Option<(u32, u32)> {
    let numbers = text.split_whitespace().nth(2)?;
    let mut numbers = numbers.split('.').map(|it| it.parse().ok());
    Some((numbers.next()??, numbers.next()??))
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
    if is_tracked {
        return None;
    }
    let words = format!("{FILE} is not in git, so others and CI do not have it");
    Some(match ignored_by(repo) {
        None => finding(Weight::Warning, FILE, words).fix(format!("git add {FILE}")),
        Some(rule) => {
            let words = format!("{words}; {rule} ignores it");
            let fix = format!("take that line out, or git add --force {FILE}");
            finding(Weight::Warning, FILE, words).fix(fix)
        }
    })
}

/// The file and the line that make git ignore the definition.
fn ignored_by(repo: &Repo) -> Option<String> {
    let path = repo
        .work_tree()?
        .join(repo.scope().join(FILE.as_bytes()).as_path());
    let arguments = ["check-ignore", "--verbose", "--", path.to_str()?];
    let mut git = repo.git().clone();
    // It knows no literal paths, and one with wildcards fits itself.
    git.set("GIT_LITERAL_PATHSPECS", "0");
    let output = git.output(arguments).ok()?;
    // `.gitignore:3:*.toml<TAB>services.toml`
    let text = String::from_utf8_lossy(&output).into_owned();
    let (rule, _) = text.split_once('\t')?;
    let mut parts = rule.splitn(3, ':');
    let (file, line) = (parts.next()?, parts.next()?);
    Some(format!("{file}:{line}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_git_is_read() {
        let check = |text: &str, expected| assert_eq!(version(text), expected, "{text}");
        check("git version 2.43.0", Some((2, 43)));
        check("git version 2.39.3 (Apple Git-146)", Some((2, 39)));
        check("git version 2.29.2.windows.1", Some((2, 29)));
        check("git version 3.0", Some((3, 0)));
        check("something else", None);
    }
}
