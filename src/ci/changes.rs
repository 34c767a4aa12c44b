//! Runs that are for a change without being told so: begun by hand, by another run, or by a plugin. Only the name of what is
//! checked out gives them away.

use crate::ci::said::Said;
use crate::model::ci::{ChangeRequest, Ci, CiBase, System, Trigger, Trust};

/// Where each system names what is checked out, or the change that a plugin builds.
const NAMES: &[(System, &[&str])] = &[
    (System::GitHub, &["GITHUB_REF"]),
    (System::GitLab, &["CI_COMMIT_REF_NAME"]),
    (System::Buildkite, &["BUILDKITE_BRANCH"]),
    (System::CircleCi, &["CIRCLE_BRANCH"]),
    (System::Azure, &["BUILD_SOURCEBRANCH"]),
    (System::Woodpecker, &["CI_COMMIT_REF"]),
    (System::Drone, &["DRONE_COMMIT_REF"]),
    (System::Bitbucket, &["BITBUCKET_BRANCH"]),
    (System::Jenkins, &["GIT_BRANCH", "BRANCH_NAME"]),
];

/// Variables of plugins of Jenkins that build changes in jobs that know of none.
const OF_PLUGINS: &[&str] = &[
    "ghprbPullId",
    "gitlabMergeRequestIid",
    "GERRIT_CHANGE_NUMBER",
];

/// Where the system does not call it one: whether a run is for a change after all. Then it is on no branch, and nobody knows
/// whose code it is.
pub fn heed(said: &Said<'_>, ci: &mut Ci) {
    if ci.change.is_some() || ci.trigger == Trigger::Queue {
        return;
    }
    let names = NAMES.iter().filter(|(system, _)| *system == ci.system);
    let names = names.flat_map(|(_, names)| names.iter());
    let named = names.filter_map(|name| said.text(name));
    let by_plugin = OF_PLUGINS
        .iter()
        .filter(|_| ci.system == System::Jenkins)
        .find(|name| said.text(name).is_some());
    let what = match by_plugin {
        Some(name) => Some(format!("{name} names a change")),
        None => named.into_iter().find_map(|it| of_change(&it)),
    };
    if let Some(what) = what {
        take(ci, &what);
    }
}

/// That `reference` is a change, in words, if it is.
pub fn of_change(reference: &str) -> Option<String> {
    is_of_change(reference).then(|| format!("`{reference}` is a change"))
}

/// Takes the run for one of a change of which no more is known than `what`.
pub fn take(ci: &mut Ci, what: &str) {
    ci.trigger = Trigger::Change;
    ci.branch = None;
    ci.change = Some(ChangeRequest {
        number: None,
        target: None,
    });
    ci.bases = vec![CiBase::DefaultBranch];
    ci.trust = Trust::Foreign {
        why: format!("{what}, and nothing tells whether it comes from a fork"),
    };
}

/// Whether a ref, or what a system makes of one, is that of a change: `refs/pull/7/head`, `origin/pr/7/merge`,
/// `merge-requests/7`, `owner:branch`.
fn is_of_change(reference: &str) -> bool {
    let rest = reference.strip_prefix("refs/").unwrap_or(reference);
    let rest = rest.strip_prefix("remotes/").unwrap_or(rest);
    let rest = rest.strip_prefix("origin/").unwrap_or(rest);
    if rest.starts_with("heads/") || rest.starts_with("tags/") {
        return false;
    }
    let mut parts = rest.split('/');
    let (kind, number) = (parts.next(), parts.next());
    let is_number =
        number.is_some_and(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()));
    match kind {
        // Gerrit's: the last digits of the number, the number, the patch set.
        Some("changes") => parts.next().is_some() && is_number,
        Some("pull" | "pr" | "pull-requests" | "merge-requests" | "pullrequest") => is_number,
        _ => reference.contains(':'),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::read;
    use crate::ci::testing::env;

    #[test]
    fn refs_of_changes_are_known() {
        for of_change in [
            "refs/pull/12/head",
            "refs/pull/12/merge",
            "pull/12",
            "pull/12/head",
            "origin/pr/12/merge",
            "refs/remotes/origin/pr/12/head",
            "refs/merge-requests/3/head",
            "pull-requests/4/from",
            "refs/changes/34/1234/5",
            "mallory:main",
        ] {
            assert!(is_of_change(of_change), "{of_change}");
        }
        for other in [
            "main",
            "refs/heads/main",
            "refs/heads/pull/12",
            "refs/tags/pull/1",
            "origin/main",
            "pull/request",
            "changes/1",
            "release/12",
        ] {
            assert!(!is_of_change(other), "{other}");
        }
    }

    #[test]
    fn a_run_that_is_for_a_change_without_being_told_so_is_foreign_and_on_no_branch() {
        let check = |variables: &[(&str, &str)]| {
            let ci = read(&env(variables)).unwrap();
            assert!(
                matches!(ci.trust, Trust::Foreign { .. }),
                "{variables:?} {ci:?}"
            );
            assert_eq!(ci.branch, None, "{variables:?}");
            assert_eq!(ci.trigger, Trigger::Change, "{variables:?}");
        };
        check(&[
            ("DRONE", "true"),
            ("DRONE_BUILD_EVENT", "promote"),
            ("DRONE_COMMIT_BRANCH", "main"),
            ("DRONE_COMMIT_REF", "refs/pull/12/head"),
        ]);
        check(&[
            ("CI", "woodpecker"),
            ("CI_PIPELINE_EVENT", "deployment"),
            ("CI_COMMIT_BRANCH", "main"),
            ("CI_COMMIT_REF", "refs/pull/12/head"),
        ]);
        check(&[
            ("BUILDKITE", "true"),
            ("BUILDKITE_PULL_REQUEST", "false"),
            ("BUILDKITE_BRANCH", "mallory:main"),
        ]);
        check(&[
            ("JENKINS_URL", "https://ci.test/"),
            ("GIT_BRANCH", "origin/main"),
            ("ghprbPullId", "12"),
        ]);
        check(&[
            ("JENKINS_URL", "https://ci.test/"),
            ("GIT_BRANCH", "origin/pr/12/merge"),
        ]);
        check(&[
            ("GITHUB_ACTIONS", "true"),
            ("GITHUB_EVENT_NAME", "deployment"),
            ("GITHUB_REF", "refs/pull/12/merge"),
        ]);
        let ci = read(&env(&[
            ("DRONE", "true"),
            ("DRONE_BUILD_EVENT", "promote"),
            ("DRONE_COMMIT_BRANCH", "main"),
            ("DRONE_COMMIT_REF", "refs/heads/main"),
        ]));
        assert_eq!(ci.unwrap().trust, Trust::Own);
    }
}
