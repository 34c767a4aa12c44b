//! CircleCI: what was built before is no variable. A pipeline maps it: `SVC_CI_BASE_REVISION: << pipeline.git.base_revision >>`.
//!
//! <https://circleci.com/docs/reference/variables/>

use crate::ci::bases::{of_push, of_queue};
use crate::ci::said::{Said, number};
use crate::model::ci::{ChangeRequest, Ci, System, Trigger, Trust};

/// What CircleCI says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::CircleCi);
    ci.head = said.commit("CIRCLE_SHA1");
    ci.run_url = said.text("CIRCLE_BUILD_URL");
    ci.actor = said.text("CIRCLE_USERNAME");
    if said.text("CIRCLE_TAG").is_some() {
        ci.trigger = Trigger::Tag;
        return ci;
    }
    ci.trigger = Trigger::Push;
    ci.branch = said.branch("CIRCLE_BRANCH");
    if of_queue(&mut ci) {
        return ci;
    }
    change(said, &mut ci);
    let before = said.commit("SVC_CI_BASE_REVISION");
    ci.bases = of_push(&ci, before.map(|it| (it, "commit of the pipeline before")));
    ci
}

/// Pipelines run for branches, and stay runs of them when a pull request is open for one; where it leads to is not told.
fn change(said: &Said<'_>, ci: &mut Ci) {
    let url = said.text("CIRCLE_PULL_REQUEST");
    let of_url = url.as_deref().and_then(|it| number(it.rsplit('/').next()?));
    let of_branch = ci.branch.as_deref().and_then(|it| {
        let rest = it.strip_prefix("pull/")?;
        number(rest.split('/').next()?)
    });
    let of_fork = said.number("CIRCLE_PR_NUMBER");
    let fork = ["CIRCLE_PR_REPONAME", "CIRCLE_PR_USERNAME"].map(|it| said.text(it));
    let is_fork = of_branch.is_some() || of_fork.is_some() || fork.iter().any(Option::is_some);
    if url.is_none() && !is_fork {
        return;
    }
    ci.change = Some(ChangeRequest {
        number: of_fork.or(of_url).or(of_branch),
        target: None,
    });
    if is_fork {
        ci.trigger = Trigger::Change;
        let what = ci.change_in_words().unwrap_or_default();
        let why = match fork {
            [Some(repository), Some(user)] => {
                format!("{what} comes from the fork {user}/{repository}")
            }
            _ => format!("{what} comes from a fork"),
        };
        ci.trust = Trust::Foreign { why };
    }
}
