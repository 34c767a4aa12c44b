//! What a deploy would do: from what to what, and why.

use serde_json::{Value, json};

use crate::model::due::{DeployPlan, DeployVerdict, Due, PlannedDeploy};
use crate::model::ledger::{Held, Runs, State};
use crate::model::name::ServiceName;
use crate::report::clean::short;
use crate::report::deployed::{self, TEXT};
use crate::report::table::Table;
use crate::report::view::Look;
use crate::report::words;

/// The plan as a table of what is due, then what is held and removed, then a line that counts.
pub fn deploy_plan_text(plan: &DeployPlan, look: Look) -> String {
    let counts = deploy_plan_counts(plan);
    if plan.services.is_empty() && plan.removed.is_empty() {
        return format!("no service can be deployed to {}\n", plan.environment);
    }
    let has_more = plan.removed.len() + held(plan).count();
    if plan.is_idle() && has_more == 0 {
        return up_to_date(plan);
    }
    let parts = [
        due_text(plan, look),
        held_text(plan, look),
        removed_text(plan, look),
    ];
    let parts = parts.into_iter().filter(|it| !it.is_empty());
    let parts: Vec<String> = parts.chain([counts + "\n"]).collect();
    parts.join("\n")
}

/// `2 to deploy, 1 held, 1 removed, 12 up to date`.
pub fn deploy_plan_counts(plan: &DeployPlan) -> String {
    let due = plan.due().count();
    let held = held(plan).count();
    let waits = waiting(plan).count();
    let removed = if plan.prune {
        "to take down"
    } else {
        "removed"
    };
    let counts = [
        (held, "held"),
        (waits, "waiting"),
        (plan.removed.len(), removed),
        (plan.services.len() - due - held - waits, "up to date"),
    ];
    let counts = counts.iter().filter(|(count, _)| *count > 0);
    let verb = if plan.adopt {
        "to record as it runs"
    } else {
        "to deploy"
    };
    let first = match due {
        0 => format!("nothing {verb}"),
        _ => format!("{due} {verb}"),
    };
    let all = std::iter::once(first).chain(counts.map(|(count, word)| format!("{count} {word}")));
    all.collect::<Vec<_>>().join(", ")
}

/// The plan for machines.
pub fn deploy_plan_json(plan: &DeployPlan) -> Value {
    let services = plan.services.iter().map(|it| service_json(plan, it));
    let removed: Vec<_> = plan.removed.iter().map(|(name, _)| name).collect();
    json!({
        "version": 1, "environment": plan.environment.as_str(), "commit": plan.commit, "dirty": plan.dirty,
        "services": services.collect::<Vec<_>>(), "removed": removed, "prune": plan.prune,
    })
}

fn service_json(plan: &DeployPlan, it: &PlannedDeploy) -> Value {
    let (verdict, why, held_by) = match &it.verdict {
        DeployVerdict::UpToDate => ("up-to-date", Value::Null, None),
        DeployVerdict::Due(due) => ("deploy", json!(due.word()), None),
        DeployVerdict::Held(held) => ("held", json!(held.why), Some(&held.what.deploy)),
        DeployVerdict::Waits(other) => ("waits", json!(other), None),
    };
    let after = it.after.iter().filter_map(|at| plan.services.get(*at));
    let after: Vec<_> = after.map(|it| &it.name).collect();
    let commits = it.commits.iter().map(deployed::commit_line_json);
    json!({
        "name": it.name, "verdict": verdict, "why": why, "held_by": held_by,
        "from": it.standing.as_ref().map(|it| deployed::runs_json(it.runs())),
        "to": {
            "version": it.wanted.version(), "release": it.wanted.release, "config": it.wanted.config,
            "commit": it.wanted.commit, "dirty": it.wanted.dirty,
        },
        "commits": commits.collect::<Vec<_>>(), "after": after,
    })
}

fn up_to_date(plan: &DeployPlan) -> String {
    let source = match (plan.commit, plan.dirty) {
        (Some(commit), false) => commit.short(),
        (Some(commit), true) => format!("{} with uncommitted changes", commit.short()),
        (None, _) => "the working tree".to_owned(),
    };
    let (services, verb) = match plan.services.len() {
        1 => ("1 service".to_owned(), "runs"),
        count => (words::count(count, "service"), "run"),
    };
    let environment = &plan.environment;
    format!("{environment} is up to date: {services} {verb} what {source} defines\n")
}

fn due_text(plan: &DeployPlan, look: Look) -> String {
    let mut table = Table::new(&["service", "from", "to", "why"]);
    let mut commits = String::new();
    for (it, due) in plan.services.iter().filter_map(|it| match it.verdict {
        DeployVerdict::Due(due) => Some((it, due)),
        _ => None,
    }) {
        let runs = it.standing.as_ref().map_or(&Runs::Nothing, |it| it.runs());
        table.row([
            look.paint.strong(&it.name),
            deployed::runs(runs).to_owned(),
            it.wanted.version().to_owned(),
            why(it, due),
        ]);
        if look.is_verbose() && !it.commits.is_empty() {
            commits.push_str(&format!("\n{}\n", look.paint.strong(&it.name)));
            let lines = it
                .commits
                .iter()
                .map(|it| deployed::commit_line(it, look.paint));
            commits.extend(lines.map(|line| format!("  {line}\n")));
        }
    }
    match plan.due().next() {
        Some(_) => table.render(look) + &commits,
        None => String::new(),
    }
}

/// Why a service is due, in words.
fn why(it: &PlannedDeploy, due: Due) -> String {
    let why = match due {
        Due::First => "first deploy here".to_owned(),
        Due::Unknown => unknown(it),
        Due::TakenDown => "was taken down".to_owned(),
        Due::Release => release(it),
        Due::Config => "configuration differs".to_owned(),
        Due::ReleaseAndConfig => format!("{}, configuration differs", release(it)),
        Due::Gone => "does not run any more".to_owned(),
        Due::Forced => "asked for, though it runs already".to_owned(),
    };
    let held = it
        .standing
        .as_ref()
        .and_then(|standing| standing.is_held(&it.wanted));
    match held.map(|it| it.why) {
        Some(State::RolledBack) => why + "; was rolled back here before",
        Some(_) => why + "; failed here before",
        None => why,
    }
}

fn release(it: &PlannedDeploy) -> String {
    let uncommitted = if it.wanted.dirty {
        ", uncommitted changes"
    } else {
        ""
    };
    let commits = words::count(it.commits.len(), "commit");
    match it.commits.as_slice() {
        [] if it.wanted.dirty => "uncommitted changes".to_owned(),
        [] => "release differs".to_owned(),
        [first, rest @ ..] => {
            let subject = short(&first.subject, 50);
            let more = match rest.len() {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            format!("{commits}: \"{subject}\"{more}{uncommitted}")
        }
    }
}

fn unknown(it: &PlannedDeploy) -> String {
    match it.standing.as_ref().map(|it| &it.newest) {
        Some(newest) if newest.state == State::Started => {
            format!("unknown what runs (deploy {} did not end)", newest.deploy)
        }
        Some(newest) => {
            let state = deployed::state(newest.state);
            format!("unknown what runs (deploy {} {state})", newest.deploy)
        }
        None => "unknown what runs".to_owned(),
    }
}

fn held(plan: &DeployPlan) -> impl Iterator<Item = (&PlannedDeploy, &Held)> {
    plan.services.iter().filter_map(|it| match &it.verdict {
        DeployVerdict::Held(held) => Some((it, held)),
        _ => None,
    })
}

/// Services that wait for one that is held, each with that.
fn waiting(plan: &DeployPlan) -> impl Iterator<Item = (&PlannedDeploy, &ServiceName)> {
    plan.services.iter().filter_map(|it| match &it.verdict {
        DeployVerdict::Waits(other) => Some((it, other)),
        _ => None,
    })
}

fn held_text(plan: &DeployPlan, look: Look) -> String {
    let mut text = String::new();
    for (it, held) in held(plan) {
        let name = look.paint.notable(format!("held: {}", it.name));
        text.push_str(&format!("{name}  {}\n", deployed::held(held)));
        let newest = it.standing.as_ref().map(|it| &it.newest);
        let error = newest.filter(|it| it.deploy == held.what.deploy);
        if let Some(error) = error.and_then(|it| it.error.as_deref()) {
            text.push_str(&format!("  {}\n", short(error, TEXT)));
        }
    }
    if let Some((first, _)) = held(plan).next() {
        let command = format!("svc deploy {} --env {}", first.name, plan.environment);
        let command = look.paint.advice(command);
        text.push_str(&format!(
            "  it waits until it differs; to deploy it all the same: {command}, or --retry-held for all\n"
        ));
    }
    for (it, other) in waiting(plan) {
        let name = look.paint.notable(format!("waiting: {}", it.name));
        text.push_str(&format!("{name}  for {other}, which is held\n"));
    }
    text
}

fn removed_text(plan: &DeployPlan, look: Look) -> String {
    let mut text = String::new();
    for (name, standing) in &plan.removed {
        let title = look.paint.notable(format!("removed: {name}"));
        let runs = deployed::runs(standing.runs());
        let what = match plan.prune {
            true => "to be taken down",
            false => "still there, though services.toml no longer has it",
        };
        text.push_str(&format!("{title}  {runs}, {what}\n"));
    }
    if !plan.removed.is_empty() && !plan.prune {
        let command = format!("svc deploy --env {} --prune", plan.environment);
        text.push_str(&format!(
            "  to take it down: {}\n",
            look.paint.advice(command)
        ));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::workspace::ServiceIndex;
    use crate::report::deployed::samples::*;
    use crate::report::schema::tests::validate;
    use crate::report::view::samples::service;

    fn planned(name: &str, verdict: DeployVerdict) -> PlannedDeploy {
        PlannedDeploy {
            service: ServiceIndex(0),
            name: service(name),
            wanted: deployed("new"),
            standing: None,
            verdict,
            after: Vec::new(),
            commits: Vec::new(),
        }
    }

    fn plan(services: Vec<PlannedDeploy>) -> DeployPlan {
        DeployPlan {
            environment: environment("production"),
            services,
            removed: Vec::new(),
            prune: false,
            adopt: false,
            commit: deployed("new").commit,
            dirty: false,
        }
    }

    fn sample() -> DeployPlan {
        let runs = |it: &str| {
            Some(standing(
                it,
                State::Succeeded,
                "old",
                this("old"),
                Runs::Nothing,
            ))
        };
        let mut api = planned("api", DeployVerdict::Due(Due::Release));
        api.standing = runs("api");
        api.commits = commits(&["Round prices", "Two", "Three"]);
        let mut pay = planned("pay", DeployVerdict::Due(Due::Unknown));
        pay.standing = Some(standing(
            "pay",
            State::Started,
            "old",
            Runs::Unknown,
            this("old"),
        ));
        let mut web = planned("web", DeployVerdict::UpToDate);
        let back = standing("web", State::RolledBack, "new", this("old"), this("old"));
        web.verdict = DeployVerdict::Held(back.held[0].clone());
        web.standing = Some(back);
        web.after = vec![0];
        let mut plan = plan(vec![
            api,
            planned("db", DeployVerdict::Due(Due::First)),
            pay,
            web,
            planned("idle", DeployVerdict::UpToDate),
        ]);
        plan.removed = vec![(service("gone"), runs("gone").unwrap())];
        plan
    }

    #[test]
    fn a_plan_says_what_is_due_and_why_and_what_is_not() {
        insta::assert_snapshot!(deploy_plan_text(&sample(), Look::default()), @r#"
        SERVICE  FROM        TO          WHY
        api      5692ef95cc  fd4d9cdc88  3 commits: "Round prices" and 2 more
        db       nothing     fd4d9cdc88  first deploy here
        pay      unknown     fd4d9cdc88  unknown what runs (deploy d-old did not end)

        held: web  fd4d9cdc88 was rolled back (deploy d-new)
          it waits until it differs; to deploy it all the same: svc deploy web --env production, or --retry-held for all

        removed: gone  5692ef95cc, still there, though services.toml no longer has it
          to take it down: svc deploy --env production --prune

        3 to deploy, 1 held, 1 removed, 1 up to date
        "#);
    }

    #[test]
    fn the_commits_are_shown_on_request() {
        let text = deploy_plan_text(&sample(), verbose());
        assert!(
            text.contains("\napi\n  0909090909  2026-11-23  Round prices (Ann)\n"),
            "{text}"
        );
    }

    #[test]
    fn nothing_due_is_said_in_one_line() {
        let check = |plan: &DeployPlan, expected: &str| {
            assert_eq!(deploy_plan_text(plan, Look::default()), expected);
        };
        let mut idle = plan(vec![planned("api", DeployVerdict::UpToDate)]);
        check(
            &idle,
            "production is up to date: 1 service runs what 0707070707 defines\n",
        );
        idle.services.push(planned("web", DeployVerdict::UpToDate));
        idle.dirty = true;
        check(
            &idle,
            "production is up to date: 2 services run what 0707070707 with uncommitted changes defines\n",
        );
        check(
            &plan(Vec::new()),
            "no service can be deployed to production\n",
        );
        validate("deploy-plan", &deploy_plan_json(&idle));
    }

    #[test]
    fn machines_get_the_documented_fields() {
        let mut document = deploy_plan_json(&sample());
        validate("deploy-plan", &document);
        let services = document["services"].as_array_mut().unwrap();
        assert_eq!(services[2]["from"], "unknown");
        assert_eq!(services[1]["from"], Value::Null);
        assert_eq!(
            (&services[3]["why"], &services[3]["after"][0]),
            (&json!("rolled-back"), &json!("api"))
        );
        assert_eq!(services[0]["from"]["version"], deployed("old").version());
    }

    #[test]
    fn texts_from_outside_are_harmless_also_where_it_is_narrow() {
        let mut plan = sample();
        plan.services[0].commits = commits(&[&hostile()]);
        plan.services[0].commits[0].author = hostile();
        if let Some(standing) = &mut plan.services[3].standing {
            standing.newest.error = Some(hostile());
        }
        assert_harmless(&deploy_plan_text(&plan, verbose()));
        let narrow = Look {
            columns: Some(40),
            ..Look::default()
        };
        let text = deploy_plan_text(&plan, narrow);
        let rows: Vec<&str> = text.lines().take(4).collect();
        assert!(rows.iter().all(|it| it.chars().count() <= 44), "{text}");
    }
}
