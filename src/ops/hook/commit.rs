//! What is judged before a commit: the index that git is about to commit, against what the commit will stand on.

use crate::git::Repo;
use crate::model::change::{Base, Head, ObjectId};
use crate::model::env::Env;
use crate::ops::failure::Failure;
use crate::ops::hook::judge::Case;
use crate::ops::request::BaseRequest;

/// Whether the commit belongs to a rebase, which takes commits that were judged when they were made.
pub fn is_in_rebase(repo: &Repo) -> bool {
    let mut signs = ["rebase-merge", "rebase-apply"].iter();
    signs.any(|it| repo.git_dir().join(it).is_dir())
}

/// The state that would be committed.
///
/// # Errors
/// An unreadable repository.
pub fn case(env: &Env, repo: &Repo) -> Result<Case, Failure> {
    let head = repo.head_commit()?;
    // An index that git made for this commit alone is gone after it.
    let is_lasting = repo.index_file() == repo.git_dir().join("index");
    let flags = match is_lasting {
        true => vec!["--staged".to_owned(), "--isolated".to_owned()],
        false => Vec::new(),
    };
    let base = match head {
        None => Base {
            commits: Vec::new(),
            rule: "the empty tree, as nothing is committed yet".to_owned(),
        },
        Some(commit) => base(env, repo, commit)?,
    };
    Ok(Case {
        head: Head::Index(head),
        base: BaseRequest::Known(base),
        flags,
    })
}

/// What is committed; and what that stands on, if it is about to be amended.
fn base(env: &Env, repo: &Repo, head: ObjectId) -> Result<Base, Failure> {
    if !may_amend(env, repo)? {
        return Ok(Base {
            commits: vec![head],
            rule: "HEAD".to_owned(),
        });
    }
    let parent = repo.resolve("HEAD^")?;
    Ok(Base {
        // Without a parent everything is new.
        commits: parent.map_or_else(Vec::new, |parent| vec![parent, head]),
        rule: "HEAD and what it stands on, as it may be amended".to_owned(),
    })
}

/// Git does not tell a hook that it amends. But it names the author of the commit to be, which is then that of HEAD to the
/// second. Somebody who commits twice within a second is taken for one who amends: then more is judged, not less.
fn may_amend(env: &Env, repo: &Repo) -> Result<bool, Failure> {
    let format = [
        "log",
        "-1",
        "--no-show-signature",
        "--format=%an%n%ae%n@%ad",
        "--date=raw",
        "HEAD",
    ];
    let output = repo.git().output(format)?;
    let author = String::from_utf8_lossy(&output);
    let names = ["GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_AUTHOR_DATE"];
    let said = names.iter().map(|it| env.text(it));
    Ok(said.eq(author.lines().map(Some)))
}
