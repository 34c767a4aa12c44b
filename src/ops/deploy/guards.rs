//! What stands against a deploy: each guard refuses with what is wrong and how to go on.

use std::collections::BTreeSet;

use crate::git::Repo;
use crate::model::change::{Head, ObjectId};
use crate::model::ci::Trigger;
use crate::model::due::{DeployPlan, DeployVerdict};
use crate::model::ledger::Runs;
use crate::model::name::EnvironmentName;
use crate::ops::base::is_of_run;
use crate::ops::deploy::environment::Staged;
use crate::ops::deploy::order::Order;
use crate::ops::failure::Failure;
use crate::ops::place::Place;

/// What the command line lets pass.
#[derive(Clone, Copy, Debug, Default)]
pub struct Leave {
    /// `--allow-diverged`.
    pub diverged: bool,
}

/// The working tree must be as its commit says: what is deployed is recorded by the commit.
///
/// # Errors
/// It is not.
pub fn clean(staged: &Staged, changed: &[crate::model::path::FilePath]) -> Result<(), Failure> {
    let Some(first) = changed.first().filter(|_| !staged.is_local()) else {
        return Ok(());
    };
    let more = match changed.len() {
        1 => String::new(),
        all => format!(" and {} more", all - 1),
    };
    Err(Failure::Usage {
        message: format!(
            "the working tree has changes that are in no commit: {}{more}",
            first.display()
        ),
        hint: "commit or stash them first; only `--env local` deploys what is not committed".into(),
    })
}

/// Only the listed branches may deploy. Where no branch is known, the commit has to be in one of them.
///
/// # Errors
/// It is another branch.
pub fn branch(
    staged: &Staged,
    place: &Place,
    repo: &Repo,
    commit: ObjectId,
) -> Result<(), Failure> {
    let allowed = &staged.settings.branches;
    if allowed.is_empty() {
        return Ok(());
    }
    let here = match checked_out(place, repo, commit)? {
        CheckedOut::Branch(here) => here,
        CheckedOut::Commit => return holds(staged, repo, commit),
        CheckedOut::Change(what) => return Err(not_listed(staged, &format!("this is {what}"))),
    };
    match allowed.iter().any(|it| matches(it, &here)) {
        true => Ok(()),
        false => Err(not_listed(staged, &format!("this is `{here}`"))),
    }
}

/// What is checked out.
enum CheckedOut {
    Branch(String),
    /// A commit, whatever branches hold it.
    Commit,
    /// What waits to be merged: it is on no branch, whatever the checkout is called.
    Change(String),
}

/// CI systems check out commits, and know of which branch they are; some call a change by the branch that it goes into.
fn checked_out(place: &Place, repo: &Repo, commit: ObjectId) -> Result<CheckedOut, Failure> {
    let head = Head::Commit(Some(commit));
    if let Some(ci) = place.ci() {
        match (ci.trigger, ci.change_in_words(), &ci.branch) {
            (Trigger::Change | Trigger::Queue, Some(what), _) => {
                return Ok(CheckedOut::Change(what));
            }
            (Trigger::Queue, None, _) => {
                return Ok(CheckedOut::Change("a run of the merge queue".to_owned()));
            }
            (Trigger::Tag, ..) => return Ok(CheckedOut::Commit),
            (_, _, Some(branch)) if is_of_run(repo, ci, head)? => {
                return Ok(CheckedOut::Branch(branch.clone()));
            }
            _ => {}
        }
    }
    let here = repo.head_branch()?;
    Ok(here.map_or(CheckedOut::Commit, CheckedOut::Branch))
}

/// One of the listed branches has to hold the commit.
///
/// # Errors
/// None does.
pub fn holds(staged: &Staged, repo: &Repo, commit: ObjectId) -> Result<(), Failure> {
    let allowed = &staged.settings.branches;
    if allowed.is_empty() {
        return Ok(());
    }
    let branches = repo.branches_with(commit)?;
    let is_listed = |branch: &String| allowed.iter().any(|it| matches(it, branch));
    match branches.iter().any(is_listed) {
        true => Ok(()),
        false => Err(not_listed(
            staged,
            &format!("{} is in none of them", commit.short()),
        )),
    }
}

fn not_listed(staged: &Staged, here: &str) -> Failure {
    Failure::Usage {
        message: format!(
            "only {} may be deployed to `{}`, and {here}",
            listed(&staged.settings.branches),
            staged.environment
        ),
        hint: "`branches` of the environment in services.toml says so; `git fetch` if the branch is newer than this clone".into(),
    }
}

/// A name, or one with `*` for anything but `/`.
fn matches(pattern: &str, branch: &str) -> bool {
    let glob = globset::GlobBuilder::new(pattern)
        .literal_separator(true)
        .build();
    glob.is_ok_and(|it| it.compile_matcher().is_match(branch))
}

fn listed(names: &[String]) -> String {
    let names: Vec<_> = names.iter().map(|it| format!("`{it}`")).collect();
    names.join(", ")
}

/// What is deployed has to come after what runs, else an older pipeline that ends later would turn it back.
///
/// # Errors
/// It does not, or that cannot be told.
pub fn newer(plan: &DeployPlan, repo: &Repo, leave: Leave) -> Result<(), Failure> {
    let Some(head) = plan.commit else {
        return Ok(());
    };
    let mut seen = BTreeSet::new();
    for at in plan.due() {
        let planned = &plan.services[at];
        // Where that is unknown, it must not be older than what ran before.
        let runs = planned.standing.as_ref().map(|it| match it.runs() {
            Runs::Unknown => &it.newest.before,
            runs => runs,
        });
        let Some(Runs::This(old)) = runs else {
            continue;
        };
        // Most services run one of a few commits.
        if seen.insert(old.commit) {
            let runs = Runs::This(old.clone());
            is_newer(
                repo,
                &runs,
                head,
                planned.name.as_str(),
                &plan.environment,
                leave,
            )?;
        }
    }
    Ok(())
}

/// The same for one service.
///
/// # Errors
/// See [`newer`].
pub fn is_newer(
    repo: &Repo,
    runs: &Runs,
    head: ObjectId,
    service: &str,
    environment: &EnvironmentName,
    leave: Leave,
) -> Result<(), Failure> {
    let old = runs.known().and_then(|it| it.commit);
    let Some(old) = old.filter(|it| *it != head && !leave.diverged) else {
        return Ok(());
    };
    let why = match repo.is_ancestor(old, head)? {
        Some(true) => return Ok(()),
        Some(false) => match repo.is_ancestor(head, old)? {
            Some(true) => "is older than",
            _ => "does not come after",
        },
        None => "cannot be compared with",
    };
    Err(Failure::Usage {
        message: format!(
            "{} {why} {}, which `{environment}` runs of `{service}`",
            head.short(),
            old.short(),
        ),
        hint: "deploy a newer commit, `svc rollback` to go back, or give --allow-diverged".into(),
    })
}

/// What a service depends on must have been deployed there once.
///
/// # Errors
/// Something was not and is not about to be.
pub fn dependencies(
    plan: &DeployPlan,
    staged: &Staged,
    order: &Order,
    standing: &dyn Fn(&str) -> bool,
) -> Result<(), Failure> {
    for at in plan.due() {
        let planned = &plan.services[at];
        for before in &order.before[&planned.service] {
            let name = &staged.workspace.service(*before).name;
            let is_planned = plan.services.iter().any(|it| {
                it.service == *before
                    && !matches!(it.verdict, DeployVerdict::Held(_) | DeployVerdict::Waits(_))
            });
            if is_planned || standing(name.as_str()) {
                continue;
            }
            return Err(Failure::Usage {
                message: format!(
                    "`{}` needs `{name}`, which was never deployed to `{}`",
                    planned.name, plan.environment
                ),
                hint: format!("add `{name}`, or give --with-dependencies"),
            });
        }
    }
    Ok(())
}
