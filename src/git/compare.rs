//! Finding the base: the older of the two states that are compared.

use crate::git::base::{MergeBases, default_branch, main_remote, merge_bases, parents};
use crate::git::deepen::{SMALL_STEPS, STEPS, deepen};
use crate::git::error::Error;
use crate::git::fetch::{Fetched, ensure, remote_default_branch};
use crate::git::program::Fetch;
use crate::git::repo::Repo;
use crate::model::change::{Base, Head, ObjectId};

/// Which state is the base.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BaseRule {
    /// `rev` itself.
    Exact {
        rev: String,
        /// Who said so: `--base-exact`, `SVC_BASE`, the name of a CI system.
        origin_of_rule: String,
    },
    /// Where the histories of `rev` and head part.
    MergeBase {
        rev: String,
        /// Who said so; empty where it goes without saying.
        origin_of_rule: String,
    },
    /// Where the histories of the default branch and head part.
    DefaultBranch { configured: Option<String> },
    /// Where the histories of a branch of the main remote and head part.
    Branch { name: String },
    /// The first parent of head, which has to be a merge of `merged`, or any merge.
    FirstParent { merged: Option<String> },
}

/// What is asked of [`find_base`].
#[derive(Clone, Debug)]
pub struct BaseRequest {
    pub rule: BaseRule,
    pub head: Head,
    pub fetch: Fetch,
}

/// The base, or why there is none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FoundBase {
    Found(Base),
    Unknown { reason: String },
}

/// Finds the base, fetching what is missing for it where that is allowed. `tell` hears of each step that takes time.
///
/// # Errors
/// An unreadable repository. A base that cannot be found is no error.
pub fn find_base(
    repo: &Repo,
    request: &BaseRequest,
    tell: &mut dyn FnMut(&str),
) -> Result<FoundBase, Error> {
    let mut search = Search {
        repo,
        head: request.head,
        fetch: match repo.fetch() {
            Fetch::Forbidden => Fetch::Forbidden,
            Fetch::Allowed => request.fetch,
        },
        tell,
    };
    match &request.rule {
        BaseRule::Exact {
            rev,
            origin_of_rule,
        } => search.exact(rev, origin_of_rule),
        BaseRule::MergeBase {
            rev,
            origin_of_rule,
        } => search.named(rev, origin_of_rule),
        BaseRule::DefaultBranch { configured } => search.default(configured.as_deref()),
        BaseRule::Branch { name } => search.branch(name),
        BaseRule::FirstParent { merged } => search.first_parent(merged.as_deref()),
    }
}

struct Search<'a> {
    repo: &'a Repo,
    head: Head,
    fetch: Fetch,
    tell: &'a mut dyn FnMut(&str),
}

impl Search<'_> {
    fn exact(&mut self, rev: &str, origin: &str) -> Result<FoundBase, Error> {
        if is_none(rev) {
            return unknown(no_commit(rev, origin));
        }
        match ensure(self.repo, rev, self.fetch, self.tell)? {
            Fetched::Found(commit) => found(
                vec![commit],
                format!("{origin} {}", shown(rev)).trim_start(),
            ),
            Fetched::Missing(reason) => unknown(reason),
        }
    }

    fn named(&mut self, rev: &str, origin: &str) -> Result<FoundBase, Error> {
        if is_none(rev) {
            return unknown(no_commit(rev, origin));
        }
        let rule = match origin.is_empty() {
            true => format!("merge-base with {}", shown(rev)),
            false => format!("merge-base with {} ({origin})", shown(rev)),
        };
        self.merge_base(rev, &rule)
    }

    fn default(&mut self, configured: Option<&str>) -> Result<FoundBase, Error> {
        if let Some(branch) = default_branch(self.repo, configured)? {
            let rule = format!("merge-base with {}", branch.shown());
            return self.merge_base(&branch.reference, &rule);
        }
        let remote = main_remote(self.repo)?;
        let name = match (configured, &remote, self.fetch) {
            (Some(name), ..) => Some(name.to_owned()),
            (None, Some(remote), Fetch::Allowed) => {
                remote_default_branch(self.repo, remote, self.tell)?
            }
            _ => None,
        };
        match (name, remote) {
            (Some(name), Some(remote)) => {
                let rule = format!("merge-base with {remote}/{name}");
                self.merge_base(&format!("refs/remotes/{remote}/{name}"), &rule)
            }
            (Some(name), None) => unknown(format!("there is no branch `{name}`")),
            (None, _) if self.head.commit().is_none() => found_unborn(),
            (None, _) => unknown(
                "the default branch is not known: there is no origin/HEAD, main or master"
                    .to_owned(),
            ),
        }
    }

    fn branch(&mut self, name: &str) -> Result<FoundBase, Error> {
        match main_remote(self.repo)? {
            Some(remote) => {
                let rule = format!("merge-base with {remote}/{name}");
                self.merge_base(&format!("refs/remotes/{remote}/{name}"), &rule)
            }
            None => self.merge_base(
                &format!("refs/heads/{name}"),
                &format!("merge-base with {name}"),
            ),
        }
    }

    fn first_parent(&mut self, merged: Option<&str>) -> Result<FoundBase, Error> {
        let Some(head) = self.head.commit() else {
            return found_unborn();
        };
        let parents = parents(self.repo, head)?;
        let [first, second] = parents[..] else {
            return unknown(format!("{} is no merge of two commits", head.short()));
        };
        let is_it = |merged: &str| second.to_string().starts_with(&merged.to_ascii_lowercase());
        if let Some(merged) = merged.filter(|it| !is_it(it)) {
            let head = head.short();
            return unknown(format!("{head} is no merge of {}", shown(merged)));
        }
        let rule = "its first parent";
        let why = match ensure(self.repo, &first.to_string(), self.fetch, self.tell)? {
            Fetched::Found(commit) => return found(vec![commit], rule),
            Fetched::Missing(why) => why,
        };
        // Not every remote gives out any commit by its id, but it gives the history of what was cloned.
        if self.fetch == Fetch::Allowed {
            let mut is_here = false;
            deepen(self.repo, &[head], SMALL_STEPS, self.tell, &mut || {
                is_here = self.repo.resolve(&first.to_string())?.is_some();
                Ok(is_here)
            })?;
            if is_here || self.repo.resolve(&first.to_string())?.is_some() {
                return found(vec![first], rule);
            }
        }
        unknown(why)
    }

    fn merge_base(&mut self, rev: &str, rule: &str) -> Result<FoundBase, Error> {
        let Some(head) = self.head.commit() else {
            return found_unborn();
        };
        let other = match ensure(self.repo, rev, self.fetch, self.tell)? {
            Fetched::Found(commit) => commit,
            Fetched::Missing(reason) => return unknown(reason),
        };
        let mut bases = merge_bases(self.repo, other, head)?;
        let mut trouble = None;
        if bases == MergeBases::Hidden && self.fetch == Fetch::Allowed {
            trouble = deepen(self.repo, &[other, head], STEPS, self.tell, &mut || {
                bases = merge_bases(self.repo, other, head)?;
                Ok(bases != MergeBases::Hidden)
            })?;
            bases = merge_bases(self.repo, other, head)?;
        }
        match bases {
            MergeBases::Known(commits) => found(commits, rule),
            MergeBases::Unrelated => unknown(format!("there is no {rule}: no common history")),
            MergeBases::Hidden => {
                let why =
                    trouble.unwrap_or_else(|| "fetching is forbidden by --no-fetch".to_owned());
                unknown(format!(
                    "the {rule} lies outside of this shallow clone, and {why}"
                ))
            }
        }
    }
}

fn found(commits: Vec<ObjectId>, rule: &str) -> Result<FoundBase, Error> {
    let rule = rule.to_owned();
    Ok(FoundBase::Found(Base { commits, rule }))
}

fn found_unborn() -> Result<FoundBase, Error> {
    found(Vec::new(), "the empty tree, as nothing is committed yet")
}

fn unknown(reason: String) -> Result<FoundBase, Error> {
    Ok(FoundBase::Unknown { reason })
}

/// CI systems and hooks write "there is none" as an id of zeros.
fn is_none(rev: &str) -> bool {
    matches!(rev.len(), 40 | 64) && rev.bytes().all(|byte| byte == b'0') || rev.is_empty()
}

fn no_commit(rev: &str, origin: &str) -> String {
    let what = match rev.is_empty() {
        true => "is empty",
        false => "is all zeros, which stands for no commit",
    };
    match origin.is_empty() {
        true => format!("the base {what}"),
        false => format!("the base of {origin} {what}"),
    }
}

/// A revision for people: full ids are cut.
fn shown(rev: &str) -> String {
    match ObjectId::from_hex(rev) {
        Some(id) => id.short(),
        None => rev.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_zeros_of_a_whole_id_are_no_commit() {
        let check = |rev: &str, expected| assert_eq!(is_none(rev), expected, "{rev}");
        check(&"0".repeat(40), true);
        check(&"0".repeat(64), true);
        check("", true);
        check("0", false);
        check(&"0".repeat(41), false);
        check(&format!("{}1", "0".repeat(39)), false);
    }
}
