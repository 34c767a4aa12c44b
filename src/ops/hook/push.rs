//! What is judged before a push: each commit that is pushed, against what the remote has of it.

use std::collections::BTreeMap;

use crate::git::base::has_ref;
use crate::git::{self, BaseRule, Fetch, FoundBase, Repo, find_base};
use crate::model::change::{Base, Head, ObjectId};
use crate::ops::failure::Failure;
use crate::ops::hook::judge::{Case, Range, Said};
use crate::ops::request::BaseRequest;

/// The states that are pushed, each once, with all that the remote has in their places.
///
/// # Errors
/// An unreadable repository, or lines that git would not write.
pub fn cases(repo: &Repo, said: &Said<'_>) -> Result<Vec<Case>, Failure> {
    let text = String::from_utf8_lossy(said.input);
    let mut found: BTreeMap<ObjectId, Vec<Base>> = BTreeMap::new();
    for line in text.lines().filter(|line| !line.trim().is_empty()) {
        let parts: Vec<&str> = line.split(' ').collect();
        let [_, local, _, remote] = parts[..] else {
            return Err(Failure::Usage {
                message: format!("git does not write such lines to a pre-push hook: `{line}`"),
                hint: "each is `LOCAL-REF LOCAL-ID REMOTE-REF REMOTE-ID`".to_owned(),
            });
        };
        // What is deleted is not judged, nor what is no commit.
        let pushed = match is_zeros(local) {
            true => None,
            false => repo.resolve(local)?,
        };
        if let Some(pushed) = pushed {
            let known = match is_zeros(remote) {
                true => None,
                false => repo.resolve(remote)?,
            };
            let base = match known {
                Some(commit) => exact(commit),
                None => published(repo, said.remote, pushed)?,
            };
            found.entry(pushed).or_default().push(base);
        }
    }
    Ok(found
        .into_iter()
        .map(|(head, bases)| case(head, &bases))
        .collect())
}

/// What the pre-commit framework says is pushed.
///
/// # Errors
/// An unreadable repository, or a revision that does not exist.
pub fn of_range(repo: &Repo, range: &Range) -> Result<Vec<Case>, Failure> {
    let Some(head) = repo.resolve(&range.to)? else {
        return Err(Failure::Unknown {
            kind: "revision",
            name: range.to.clone(),
            nearest: None,
        });
    };
    let from = match &range.from {
        Some(from) => repo.resolve(from)?,
        None => None,
    };
    let base = match (from, range.is_push) {
        (Some(commit), true) => exact(commit),
        (Some(commit), false) => merge_base(repo, &commit.to_string(), head)?,
        (None, _) => published(repo, range.remote.as_deref(), head)?,
    };
    Ok(vec![case(head, &[base])])
}

fn case(head: ObjectId, bases: &[Base]) -> Case {
    let is_all = bases.iter().any(|it| it.commits.is_empty());
    let mut commits: Vec<ObjectId> = bases.iter().flat_map(|it| it.commits.clone()).collect();
    commits.sort_unstable();
    commits.dedup();
    let mut rules: Vec<&str> = bases.iter().map(|it| it.rule.as_str()).collect();
    rules.dedup();
    Case {
        head: Head::Commit(Some(head)),
        base: BaseRequest::Known(Base {
            commits: if is_all { Vec::new() } else { commits },
            rule: rules.join(", "),
        }),
        flags: ["--head", &head.to_string(), "--isolated"]
            .map(str::to_owned)
            .to_vec(),
    }
}

fn exact(commit: ObjectId) -> Base {
    Base {
        commits: vec![commit],
        rule: "what the remote has".to_owned(),
    }
}

/// Where `pushed` parts from the default branch of the remote. What this clone or another remote has does not count: the one
/// that is pushed to may have nothing of it.
fn published(repo: &Repo, remote: Option<&str>, pushed: ObjectId) -> Result<Base, Failure> {
    let remote = match remote {
        Some(said) => name_of(repo, said)?,
        None => git::base::main_remote(repo)?,
    };
    for name in ["HEAD", "main", "master"] {
        let Some(remote) = &remote else { break };
        let reference = format!("refs/remotes/{remote}/{name}");
        if has_ref(repo, &reference)? {
            return merge_base(repo, &reference, pushed);
        }
    }
    Ok(Base {
        commits: Vec::new(),
        rule: "the empty tree, as no default branch of the remote is known".to_owned(),
    })
}

/// The name of the remote that git calls by its name or, where a push gave that instead, by its address.
fn name_of(repo: &Repo, said: &str) -> Result<Option<String>, Failure> {
    let remotes = git::base::remotes(repo)?;
    if remotes.iter().any(|it| it == said) {
        return Ok(Some(said.to_owned()));
    }
    let asked = [
        "config",
        "--null",
        "--get-regexp",
        r"^remote\..*\.(push)?url$",
    ];
    let answer = repo.git().run(asked)?;
    let text = String::from_utf8_lossy(&answer.output);
    let at = |remote: &String| {
        let keys = ["url", "pushurl"].map(|it| format!("remote.{remote}.{it}"));
        let mut pairs = text.split('\0').filter_map(|it| it.split_once('\n'));
        pairs.any(|(key, value)| value == said && keys.iter().any(|it| it == key))
    };
    Ok(remotes.into_iter().find(at))
}

fn merge_base(repo: &Repo, revision: &str, head: ObjectId) -> Result<Base, Failure> {
    let request = git::BaseRequest {
        rule: BaseRule::MergeBase {
            rev: revision.to_owned(),
            origin_of_rule: String::new(),
        },
        head: Head::Commit(Some(head)),
        // A push is not the time to fetch.
        fetch: Fetch::Forbidden,
    };
    Ok(match find_base(repo, &request, &mut |_| {})? {
        FoundBase::Found(base) => base,
        FoundBase::Unknown { reason } => Base {
            commits: Vec::new(),
            rule: format!("the empty tree, as {reason}"),
        },
    })
}

fn is_zeros(id: &str) -> bool {
    !id.is_empty() && id.bytes().all(|byte| byte == b'0')
}
