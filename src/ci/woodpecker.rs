//! Woodpecker: everything is in variables. Of a pull request, `CI_COMMIT_BRANCH` is the target; what came before is the
//! pipeline before, whatever it was for.
//!
//! <https://woodpecker-ci.org/docs/usage/environment>

use crate::ci::bases::{of_push, of_queue, of_target};
use crate::ci::said::Said;
use crate::model::ci::{ChangeRequest, Ci, System, Trigger, Trust};

/// What Woodpecker says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::Woodpecker);
    ci.head = said.commit("CI_COMMIT_SHA");
    ci.default_branch = said.branch("CI_REPO_DEFAULT_BRANCH");
    ci.run_url = said.first(&["CI_STEP_URL", "CI_PIPELINE_URL"]);
    ci.actor = said.first(&["CI_PIPELINE_AUTHOR", "CI_COMMIT_AUTHOR"]);
    let event = said.text("CI_PIPELINE_EVENT");
    let event = event.as_deref().unwrap_or("push");
    if event.starts_with("pull_request") {
        change(said, &mut ci);
        return ci;
    }
    if matches!(event, "tag" | "release") || said.text("CI_COMMIT_TAG").is_some() {
        ci.trigger = Trigger::Tag;
        return ci;
    }
    ci.branch = said.branch("CI_COMMIT_BRANCH");
    ci.trigger = match event {
        "push" => Trigger::Push,
        "cron" => Trigger::Schedule,
        "manual" | "deployment" => Trigger::Manual,
        _ => Trigger::Other,
    };
    if !of_queue(&mut ci) && ci.trigger != Trigger::Schedule {
        let before = before(said, &ci);
        ci.bases = of_push(&ci, before.map(|it| (it, "commit of the pipeline before")));
    }
    ci
}

/// The pipeline before may have been for a pull request, and what failed there has to be looked at again.
fn before(said: &Said<'_>, ci: &Ci) -> Option<String> {
    let is = |name: &str, value: &str| said.text(name).as_deref() == Some(value);
    let is_of_branch = is("CI_PREV_PIPELINE_EVENT", "push")
        && said.text("CI_PREV_COMMIT_BRANCH") == ci.branch
        && ci.trigger == Trigger::Push;
    let is_good = is_of_branch && is("CI_PREV_PIPELINE_STATUS", "success");
    is_good.then(|| said.commit("CI_PREV_COMMIT_SHA")).flatten()
}

fn change(said: &Said<'_>, ci: &mut Ci) {
    ci.trigger = Trigger::Change;
    ci.branch = said.branch("CI_COMMIT_SOURCE_BRANCH");
    ci.change = Some(ChangeRequest {
        number: said.number("CI_COMMIT_PULL_REQUEST"),
        target: said
            .branch("CI_COMMIT_TARGET_BRANCH")
            .or_else(|| said.branch("CI_COMMIT_BRANCH")),
    });
    ci.bases.extend(of_target(ci));
    ci.trust = Trust::Foreign {
        why: format!(
            "nothing tells whether {} comes from a fork",
            ci.change_in_words().unwrap_or_default()
        ),
    };
}
