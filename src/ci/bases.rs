//! What a run is compared with, where all systems agree.

use crate::ci::said::is_branch;
use crate::model::ci::{Ci, CiBase, Trigger};

/// A run for commits on a branch. A branch is compared with the default branch, as on a laptop: then whatever it changes is
/// looked at until it is merged, not only what came with its last push. The default branch is compared with `before`, the
/// commit of an earlier run of it.
pub fn of_push(ci: &Ci, before: Option<(String, &str)>) -> Vec<CiBase> {
    let before = before.map(|(commit, why)| CiBase::Exact {
        commit,
        why: why.to_owned(),
    });
    let is_default = ci.branch.is_some() && ci.branch == ci.default_branch;
    let first = (!is_default).then_some(CiBase::DefaultBranch);
    first.into_iter().chain(before).collect()
}

/// The merge-base with the branch that a change request is to be merged into.
pub fn of_target(ci: &Ci) -> Option<CiBase> {
    let target = ci.change.as_ref()?.target.clone()?;
    Some(CiBase::Branch {
        name: target,
        why: target_of(ci),
    })
}

/// `target of pull request 12`.
pub fn target_of(ci: &Ci) -> String {
    let change = ci.change_in_words();
    format!("target of {}", change.as_deref().unwrap_or("the change"))
}

/// Takes a branch that GitHub made for its merge queue for what it is.
pub fn of_queue(ci: &mut Ci) -> bool {
    let Some(target) = ci.branch.as_deref().and_then(queue_target) else {
        return false;
    };
    ci.bases = vec![CiBase::Branch {
        name: target.to_owned(),
        why: "branch that is queued for".to_owned(),
    }];
    ci.trigger = Trigger::Queue;
    true
}

/// A group of a merge queue, of which the commit that it is put on may be known, and the branch that it is for.
pub fn put_on(ci: &mut Ci, base: Option<String>, target: Option<String>) {
    let exact = base.map(|commit| CiBase::Exact {
        commit,
        why: "state that this group of the merge queue is put on".to_owned(),
    });
    let branch = target.map(|name| CiBase::Branch {
        name,
        why: "branch that is queued for".to_owned(),
    });
    let others = std::mem::take(&mut ci.bases);
    ci.bases = exact.into_iter().chain(branch).chain(others).collect();
    ci.bases.dedup();
}

/// `main` of `gh-readonly-queue/main/pr-12-0123456789abcdef0123456789abcdef01234567`.
pub fn queue_target(branch: &str) -> Option<&str> {
    let (target, _) = branch
        .strip_prefix("gh-readonly-queue/")?
        .rsplit_once('/')?;
    is_branch(target).then_some(target)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_target_of_a_queue_is_in_the_name_of_its_branch() {
        let check = |branch, expected| assert_eq!(queue_target(branch), expected);
        check("gh-readonly-queue/main/pr-12-0123456789", Some("main"));
        check(
            "gh-readonly-queue/release/1.2/pr-1-0123456789",
            Some("release/1.2"),
        );
        check("gh-readonly-queue/", None);
        check("gh-readonly-queue/-x/pr-1-0123456789", None);
        check("main", None);
    }
}
