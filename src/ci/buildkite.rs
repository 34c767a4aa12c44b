//! Buildkite: everything is in variables; what was pushed before is not.
//!
//! <https://buildkite.com/docs/pipelines/configure/environment-variables>

use crate::ci::bases::{of_push, of_queue, of_target, put_on, target_of};
use crate::ci::said::Said;
use crate::model::ci::{ChangeRequest, Ci, CiBase, System, Trigger, Trust};

/// What Buildkite says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::Buildkite);
    // A build that somebody starts may be of `HEAD`, whatever that was when its first job began.
    ci.head = match said.text("BUILDKITE_COMMIT").as_deref() {
        Some("HEAD") => Some("HEAD".to_owned()),
        _ => said.commit("BUILDKITE_COMMIT"),
    };
    ci.default_branch = said.branch("BUILDKITE_PIPELINE_DEFAULT_BRANCH");
    ci.actor = said.text("BUILDKITE_BUILD_CREATOR");
    ci.run_url = said
        .text("BUILDKITE_BUILD_URL")
        .map(|url| match said.text("BUILDKITE_JOB_ID") {
            Some(job) => format!("{url}#{job}"),
            None => url,
        });
    let pull_request = said
        .text("BUILDKITE_PULL_REQUEST")
        .filter(|it| it != "false");
    if pull_request.is_some() {
        change(said, &mut ci);
    } else if said.text("BUILDKITE_TAG").is_some() {
        ci.trigger = Trigger::Tag;
    } else {
        ci.branch = said.branch("BUILDKITE_BRANCH");
        branch(said, &mut ci);
    }
    ci
}

fn branch(said: &Said<'_>, ci: &mut Ci) {
    ci.trigger = match said.text("BUILDKITE_SOURCE").as_deref() {
        Some("schedule") => Trigger::Schedule,
        Some("ui" | "api" | "trigger_job") => Trigger::Manual,
        _ => Trigger::Push,
    };
    let base = said.commit("BUILDKITE_MERGE_QUEUE_BASE_COMMIT");
    let target = said.branch("BUILDKITE_MERGE_QUEUE_BASE_BRANCH");
    if of_queue(ci) || base.is_some() || target.is_some() {
        ci.trigger = Trigger::Queue;
        put_on(ci, base, target);
    } else if ci.trigger != Trigger::Schedule {
        ci.bases = of_push(ci, None);
    }
}

fn change(said: &Said<'_>, ci: &mut Ci) {
    ci.trigger = Trigger::Change;
    // Of a fork it is `owner:branch`.
    let branch = said.text("BUILDKITE_BRANCH");
    ci.branch = branch.and_then(|it| {
        let name = it.split_once(':').map_or(it.as_str(), |(_, name)| name);
        said.branch_of("BUILDKITE_BRANCH", name)
    });
    ci.change = Some(ChangeRequest {
        number: said.number("BUILDKITE_PULL_REQUEST"),
        target: said.branch("BUILDKITE_PULL_REQUEST_BASE_BRANCH"),
    });
    if said.is_yes("BUILDKITE_PULL_REQUEST_USING_MERGE_REFSPEC") {
        ci.bases.push(CiBase::FirstParent {
            merged: None,
            why: target_of(ci),
        });
    }
    ci.bases.extend(of_target(ci));
    let what = ci.change_in_words().unwrap_or_default();
    let theirs = said.text("BUILDKITE_PULL_REQUEST_REPO");
    let ours = said.text("BUILDKITE_REPO");
    ci.trust = match (theirs, ours) {
        (Some(theirs), Some(ours)) if place(&theirs) == place(&ours) => Trust::Own,
        (Some(theirs), _) => Trust::Foreign {
            why: format!("{what} comes from the fork {}", place(&theirs)),
        },
        (None, _) => Trust::Foreign {
            why: format!("nothing tells from which repository {what} comes"),
        },
    };
}

/// Where a repository is, whether it is reached by ssh or https: `github.com/acme/shop`.
fn place(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    // Who logs in may do so with a password.
    let end = rest.find('/').unwrap_or(rest.len());
    let start = rest[..end].rfind('@').map_or(0, |it| it + 1);
    let rest = &rest[start..];
    let (host, path) = rest.split_once(['/', ':']).unwrap_or((rest, ""));
    // A port is no part of the path.
    let path = match path.split_once('/') {
        Some((port, path)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => {
            path
        }
        _ => path,
    };
    let path = path.trim_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    format!("{host}/{path}").to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_repository_is_the_same_however_it_is_reached() {
        let check = |url, expected| assert_eq!(place(url), expected);
        check("git@github.com:acme/shop.git", "github.com/acme/shop");
        check("https://github.com/Acme/shop", "github.com/acme/shop");
        check("git://github.com/acme/shop.git", "github.com/acme/shop");
        check(
            "https://x:token@github.com/acme/shop.git/",
            "github.com/acme/shop",
        );
        check(
            "ssh://git@git.test:2222/acme/shop.git",
            "git.test/acme/shop",
        );
        check(
            "https://github.com/mallory/shop.git",
            "github.com/mallory/shop",
        );
    }
}
