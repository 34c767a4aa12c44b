//! GitLab CI: everything is in variables.
//!
//! <https://docs.gitlab.com/ci/variables/predefined_variables/>

use crate::ci::bases::{of_push, of_target, target_of};
use crate::ci::said::Said;
use crate::model::ci::{ChangeRequest, Ci, CiBase, System, Trigger, Trust};

/// What GitLab says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::GitLab);
    ci.head = said.commit("CI_COMMIT_SHA");
    ci.default_branch = said.branch("CI_DEFAULT_BRANCH");
    ci.run_url = said.first(&["CI_JOB_URL", "CI_PIPELINE_URL"]);
    ci.actor = said.text("GITLAB_USER_LOGIN");
    if said.text("CI_MERGE_REQUEST_IID").is_some() {
        merge_request(said, &mut ci);
    } else if said.text("CI_EXTERNAL_PULL_REQUEST_IID").is_some() {
        pull_request(said, &mut ci);
    } else if said.text("CI_COMMIT_TAG").is_some() {
        ci.trigger = Trigger::Tag;
    } else {
        ci.branch = said.branch("CI_COMMIT_BRANCH");
        branch(said, &mut ci);
    }
    ci
}

fn branch(said: &Said<'_>, ci: &mut Ci) {
    ci.trigger = match said.text("CI_PIPELINE_SOURCE").as_deref() {
        Some("push" | "parent_pipeline") | None => Trigger::Push,
        Some("schedule") => Trigger::Schedule,
        Some("web" | "webide" | "api" | "trigger" | "pipeline" | "chat") => Trigger::Manual,
        Some(_) => Trigger::Other,
    };
    if ci.trigger != Trigger::Schedule {
        let before = said.commit("CI_COMMIT_BEFORE_SHA");
        ci.bases = of_push(ci, before.map(|it| (it, "commit before this push")));
    }
}

fn merge_request(said: &Said<'_>, ci: &mut Ci) {
    ci.branch = said.branch("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME");
    ci.change = Some(ChangeRequest {
        number: said.number("CI_MERGE_REQUEST_IID"),
        target: said.branch("CI_MERGE_REQUEST_TARGET_BRANCH_NAME"),
    });
    ci.trust = trust(said, ci);
    let kind = said.text("CI_MERGE_REQUEST_EVENT_TYPE");
    ci.trigger = match kind.as_deref() {
        Some("merge_train") => Trigger::Queue,
        _ => Trigger::Change,
    };
    // For these two the head is a merge with what was there before.
    if let Some("merged_result" | "merge_train") = kind.as_deref() {
        let target = said.commit("CI_MERGE_REQUEST_TARGET_BRANCH_SHA");
        ci.bases.extend(target.map(|commit| CiBase::Exact {
            commit,
            why: target_of(ci),
        }));
        ci.bases.push(CiBase::FirstParent {
            merged: said.commit("CI_MERGE_REQUEST_SOURCE_BRANCH_SHA"),
            why: target_of(ci),
        });
    }
    let base = said.commit("CI_MERGE_REQUEST_DIFF_BASE_SHA");
    let why = format!("base of {}", ci.change_in_words().unwrap_or_default());
    ci.bases
        .extend(base.map(|commit| CiBase::Exact { commit, why }));
    ci.bases.extend(of_target(ci));
}

/// A pipeline of a fork runs in the fork, or in the project that it wants to be merged into. Both are somebody else's code
/// to the other.
fn trust(said: &Said<'_>, ci: &Ci) -> Trust {
    let what = ci.change_in_words().unwrap_or_default();
    let source = said.text("CI_MERGE_REQUEST_SOURCE_PROJECT_ID");
    let own = [
        said.text("CI_PROJECT_ID"),
        said.text("CI_MERGE_REQUEST_PROJECT_ID"),
    ];
    match &source {
        None => Trust::Foreign {
            why: format!("nothing tells from which project {what} comes"),
        },
        Some(source) if own.iter().flatten().all(|it| it == source) => Trust::Own,
        Some(_) => Trust::Foreign {
            why: match said.text("CI_MERGE_REQUEST_SOURCE_PROJECT_PATH") {
                Some(path) => format!("{what} comes from the fork {path}"),
                None => format!("{what} comes from a fork"),
            },
        },
    }
}

/// A pull request of another host, for whose repository this project runs pipelines.
fn pull_request(said: &Said<'_>, ci: &mut Ci) {
    ci.trigger = Trigger::Change;
    ci.branch = said.branch("CI_EXTERNAL_PULL_REQUEST_SOURCE_BRANCH_NAME");
    ci.change = Some(ChangeRequest {
        number: said.number("CI_EXTERNAL_PULL_REQUEST_IID"),
        target: said.branch("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_NAME"),
    });
    let source = said.text("CI_EXTERNAL_PULL_REQUEST_SOURCE_REPOSITORY");
    if source.is_none() || source != said.text("CI_EXTERNAL_PULL_REQUEST_TARGET_REPOSITORY") {
        ci.trust = Trust::Foreign {
            why: format!(
                "{} comes from a fork",
                ci.change_in_words().unwrap_or_default()
            ),
        };
    }
    let target = said.commit("CI_EXTERNAL_PULL_REQUEST_TARGET_BRANCH_SHA");
    ci.bases.extend(target.map(|commit| CiBase::MergeBase {
        commit,
        why: target_of(ci),
    }));
    ci.bases.extend(of_target(ci));
}
