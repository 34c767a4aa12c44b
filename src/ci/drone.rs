//! Drone: everything is in variables. Of a pull request, the branch is the target.
//!
//! <https://docs.drone.io/pipeline/environment/reference/>

use crate::ci::bases::{of_push, of_queue, of_target, target_of};
use crate::ci::said::{Said, number};
use crate::model::ci::{ChangeRequest, Ci, CiBase, System, Trigger, Trust};

/// What Drone says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::Drone);
    ci.head = said.first(&["DRONE_COMMIT_SHA", "DRONE_COMMIT"]);
    ci.head = ci
        .head
        .and_then(|it| said.commit_of("DRONE_COMMIT_SHA", &it));
    ci.default_branch = said.branch("DRONE_REPO_BRANCH");
    ci.run_url = said.text("DRONE_BUILD_LINK");
    let started_by = said
        .text("DRONE_BUILD_TRIGGER")
        .filter(|it| !it.starts_with('@'));
    ci.actor = started_by.or_else(|| said.text("DRONE_COMMIT_AUTHOR"));
    let event = said.text("DRONE_BUILD_EVENT");
    let before = said.commit("DRONE_COMMIT_BEFORE");
    match event.as_deref() {
        Some("pull_request") => change(said, &mut ci, before),
        Some("tag") => ci.trigger = Trigger::Tag,
        event => {
            if said.text("DRONE_TAG").is_some() {
                ci.trigger = Trigger::Tag;
                return ci;
            }
            ci.branch = said.branch("DRONE_COMMIT_BRANCH");
            ci.trigger = match event {
                Some("push") | None => Trigger::Push,
                Some("cron") => Trigger::Schedule,
                Some("promote" | "rollback" | "custom") => Trigger::Manual,
                Some(_) => Trigger::Other,
            };
            let before = before.filter(|_| ci.trigger == Trigger::Push);
            if !of_queue(&mut ci) && ci.trigger != Trigger::Schedule {
                ci.bases = of_push(&ci, before.map(|it| (it, "commit before this push")));
            }
        }
    }
    ci
}

fn change(said: &Said<'_>, ci: &mut Ci, before: Option<String>) {
    ci.trigger = Trigger::Change;
    ci.branch = said.branch("DRONE_SOURCE_BRANCH");
    let of_ref = said
        .text("DRONE_COMMIT_REF")
        .and_then(|it| number(it.split('/').nth(2)?));
    ci.change = Some(ChangeRequest {
        number: said.number("DRONE_PULL_REQUEST").or(of_ref),
        target: said
            .branch("DRONE_TARGET_BRANCH")
            .or_else(|| said.branch("DRONE_COMMIT_BRANCH")),
    });
    // What is checked out is merged with the target as it is now; `before` is the target as it was when this was proposed.
    ci.bases.extend(of_target(ci));
    ci.bases.extend(before.map(|commit| CiBase::MergeBase {
        commit,
        why: target_of(ci),
    }));
    ci.trust = Trust::Foreign {
        why: format!(
            "nothing tells whether {} comes from a fork",
            ci.change_in_words().unwrap_or_default()
        ),
    };
}
