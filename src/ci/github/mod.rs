//! GitHub Actions, and what runs its workflows elsewhere: some things are in variables, most in a file with the event.
//!
//! <https://docs.github.com/actions/reference/workflows-and-actions/variables>,
//! <https://docs.github.com/actions/reference/workflows-and-actions/events-that-trigger-workflows>

mod event;
#[cfg(test)]
mod tests;

use crate::ci::bases::{of_push, of_queue, of_target, put_on, target_of};
use crate::ci::github::event::{Event, PullRequest, WorkflowRun};
use crate::ci::said::{Said, line, number};
use crate::model::ci::{ChangeRequest, Ci, CiBase, System, Trigger, Trust};

/// What GitHub says of a run.
pub fn read(said: &Said<'_>) -> Ci {
    let mut ci = Ci::of(System::GitHub);
    let event = event(said);
    ci.head = said.commit("GITHUB_SHA");
    ci.actor = said.first(&["GITHUB_TRIGGERING_ACTOR", "GITHUB_ACTOR"]);
    ci.run_url = run_url(said);
    let repository = event.as_ref().and_then(|it| it.repository.as_ref());
    ci.default_branch = repository
        .and_then(|it| it.default_branch.as_deref())
        .and_then(|it| said.branch_of("repository.default_branch", it));
    let name = said.text("GITHUB_EVENT_NAME").unwrap_or_default();
    let reference = said.text("GITHUB_REF").unwrap_or_default();
    if reference.starts_with("refs/heads/") {
        ci.branch = said.branch("GITHUB_REF");
    }
    match name.as_str() {
        "pull_request"
        | "pull_request_review"
        | "pull_request_review_comment"
        | "pull_request_target" => change(said, &mut ci, &name, event),
        "merge_group" => queue(said, &mut ci, event),
        "workflow_run" => follow(&mut ci, event),
        "schedule" => ci.trigger = Trigger::Schedule,
        _ if reference.starts_with("refs/tags/") => ci.trigger = Trigger::Tag,
        "push" => push(said, &mut ci, event),
        _ => other(&mut ci, &name),
    }
    ci
}

fn event(said: &Said<'_>) -> Option<Event> {
    let lacks = |why: &str| {
        said.note(format!(
            "the event of this run is not known: {why} (GITHUB_EVENT_PATH)"
        ));
        None
    };
    let Some(path) = said.env.path("GITHUB_EVENT_PATH") else {
        return lacks("no file is named");
    };
    event::read(path).map_or_else(|why| lacks(&why), Some)
}

fn run_url(said: &Said<'_>) -> Option<String> {
    let server = said.text("GITHUB_SERVER_URL")?;
    let repository = said.text("GITHUB_REPOSITORY")?;
    let run = said.number("GITHUB_RUN_ID")?;
    let url = format!("{server}/{repository}/actions/runs/{run}");
    Some(match said.number("GITHUB_RUN_ATTEMPT") {
        Some(attempt) => format!("{url}/attempts/{attempt}"),
        None => url,
    })
}

fn push(said: &Said<'_>, ci: &mut Ci, event: Option<Event>) {
    ci.trigger = Trigger::Push;
    if !of_queue(ci) {
        let before = event.and_then(|it| it.before);
        let before = before.and_then(|it| said.commit_of("before", &it));
        ci.bases = of_push(ci, before.map(|it| (it, "commit before this push")));
    }
}

/// A run that anything else began: for the tip of the default branch, or of the one that somebody chose.
fn other(ci: &mut Ci, name: &str) {
    ci.trigger = match name {
        "workflow_dispatch" | "repository_dispatch" => Trigger::Manual,
        _ => Trigger::Other,
    };
    ci.bases = vec![CiBase::DefaultBranch];
    let by_anybody = [
        "issue_comment",
        "issues",
        "discussion",
        "discussion_comment",
        "fork",
        "gollum",
        "watch",
    ];
    if by_anybody.contains(&name) {
        ci.trust = Trust::Foreign {
            why: format!("anybody can begin a run for `{name}`"),
        };
    }
}

fn queue(said: &Said<'_>, ci: &mut Ci, event: Option<Event>) {
    of_queue(ci);
    ci.trigger = Trigger::Queue;
    let Some(group) = event.and_then(|it| it.merge_group) else {
        return;
    };
    let base = group
        .base_sha
        .and_then(|it| said.commit_of("merge_group.base_sha", &it));
    let target = group
        .base_ref
        .and_then(|it| said.branch_of("merge_group.base_ref", &it));
    put_on(ci, base, target);
}

fn change(said: &Said<'_>, ci: &mut Ci, name: &str, event: Option<Event>) {
    let is_for_target = name == "pull_request_target";
    let number_of = |it: &Event| it.number.or(it.pull_request.as_ref()?.number);
    let of_event = event.as_ref().and_then(number_of).map(|it| it.to_string());
    let has_event = event.is_some();
    let request = event.and_then(|it| it.pull_request);
    if has_event && request.is_none() {
        said.note("the event of this run says nothing of a pull request".to_owned());
    }
    let is_known = request.is_some();
    let request = request.unwrap_or_default();
    let of_base = || said.branch_of("pull_request.base.ref", request.base.name.as_deref()?);
    ci.change = Some(ChangeRequest {
        number: of_event.or_else(|| number_in_ref(said)),
        target: said.branch("GITHUB_BASE_REF").or_else(of_base),
    });
    // Once it is merged, the run is for the branch that it went into.
    let is_merged = request.merged == Some(true) && ci.branch.is_some() && !is_for_target;
    ci.trigger = match is_merged {
        true => Trigger::Push,
        false => Trigger::Change,
    };
    if !is_merged {
        let of_head = || said.branch_of("pull_request.head.ref", request.head.name.as_deref()?);
        ci.branch = said.branch("GITHUB_HEAD_REF").or_else(of_head);
    }
    let commit = |place: &str, side: &event::Side| said.commit_of(place, side.sha.as_deref()?);
    let why = || target_of(ci);
    let mut bases = Vec::new();
    if !is_for_target {
        let merged = commit("pull_request.head.sha", &request.head);
        bases.push(CiBase::FirstParent { merged, why: why() });
    }
    let base = commit("pull_request.base.sha", &request.base);
    bases.extend(base.map(|commit| CiBase::MergeBase { commit, why: why() }));
    bases.extend(of_target(ci));
    ci.trust = trust(ci, is_known.then_some(&request), is_for_target);
    ci.bases = bases;
}

/// `12` of `refs/pull/12/merge`.
fn number_in_ref(said: &Said<'_>) -> Option<String> {
    let reference = said.text("GITHUB_REF")?;
    number(reference.strip_prefix("refs/pull/")?.split('/').next()?)
}

fn trust(ci: &Ci, request: Option<&PullRequest>, is_for_target: bool) -> Trust {
    let what = ci.change_in_words().unwrap_or_default();
    let foreign = |why: String| Trust::Foreign { why };
    let Some(request) = request else {
        return foreign(format!("nothing tells from which repository {what} comes"));
    };
    match (&request.head.repo, &request.base.repo) {
        (None, _) => foreign(format!("{what} comes from a fork that is gone")),
        (Some(head), Some(base)) if head.is(base) => match is_for_target {
            true => foreign(format!(
                "it runs for {what} with the rights of the branch that this goes into (pull_request_target)"
            )),
            false => Trust::Own,
        },
        (Some(head), _) => match head.full_name.as_deref().and_then(line) {
            Some(name) => foreign(format!("{what} comes from the fork {name}")),
            None => foreign(format!("{what} comes from a fork")),
        },
    }
}

/// A run that follows another one has the rights of the default branch, whatever the other one was for.
fn follow(ci: &mut Ci, event: Option<Event>) {
    ci.bases = vec![CiBase::DefaultBranch];
    let foreign = |why: &str| Trust::Foreign {
        why: format!("it follows a run {why} (workflow_run)"),
    };
    let repository = event.as_ref().and_then(|it| it.repository.as_ref());
    let Some(run) = event.as_ref().and_then(|it| it.workflow_run.as_ref()) else {
        ci.trust = foreign("of which nothing is known");
        return;
    };
    let is_own = match (&run.head_repository, repository) {
        (Some(head), Some(own)) => head.is(own),
        _ => false,
    };
    ci.trust = match is_own {
        true if is_by_members(run) => Trust::Own,
        true => foreign("that anybody can begin"),
        false => foreign("of another repository"),
    };
}

/// Whether only who may write to the repository can have begun a run.
fn is_by_members(run: &WorkflowRun) -> bool {
    let by_members = [
        "push",
        "schedule",
        "workflow_dispatch",
        "repository_dispatch",
        "release",
        "merge_group",
    ];
    run.event
        .as_deref()
        .is_some_and(|it| by_members.contains(&it))
}
