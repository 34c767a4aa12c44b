//! The last lines of a deploy: what the environment runs now, and what to do where something failed.

use serde_json::{Value, json};

use crate::model::ledger::{Runs, State};
use crate::report::clean::short;
use crate::report::deployed::{self, TEXT};
use crate::report::message;
use crate::report::view::{DeployEndView, EndedDeploy, Look};

/// What runs now, and the next commands. Why something failed was told when it did.
pub fn deploy_end_text(end: &DeployEndView, look: Look) -> String {
    if end.services.is_empty() {
        return format!("{}: nothing was deployed\n", end.environment);
    }
    let mut text = String::new();
    if let Some(why) = &end.unrecorded {
        let why = format!("the ledger could not be written to the end: {why}");
        text.push_str(&message::error(&short(&why, TEXT), look.paint));
    }
    let runs: Vec<String> = end.services.iter().map(|it| runs_now(it, look)).collect();
    text.push_str(&format!(
        "{} runs now: {}\n",
        end.environment,
        runs.join(", ")
    ));
    for it in &end.services {
        if let (Some(address), Runs::This(_)) = (&it.address, &it.runs) {
            let address = short(address, TEXT);
            text.push_str(&format!("  {} {address}\n", look.paint.strong(&it.name)));
        }
    }
    text.push_str(&format!("deploy {}\n", end.deploy));
    for (what, command) in next(end) {
        text.push_str(&format!("{what}: {}\n", look.paint.advice(command)));
    }
    text
}

/// The end for machines.
pub fn deploy_end_json(end: &DeployEndView) -> Value {
    let services = end.services.iter().map(|it| {
        json!({
            "name": it.name, "state": it.state, "runs": deployed::runs_json(&it.runs), "error": it.error,
            "address": it.address,
        })
    });
    let services: Vec<Value> = services.collect();
    json!({
        "version": 1, "environment": end.environment.as_str(), "deploy": end.deploy, "outcome": end.outcome,
        "unrecorded": end.unrecorded, "services": services,
    })
}

/// `api 8e01b7a9c2 (rolled back)`.
fn runs_now(it: &EndedDeploy, look: Look) -> String {
    let runs = match &it.runs {
        Runs::Unknown => look.paint.bad("unknown"),
        known => deployed::runs(known).to_owned(),
    };
    let state = match it.state {
        Some(State::Succeeded) => return format!("{} {runs}", it.name),
        Some(state) => deployed::painted_state(state, look.paint),
        None => look.paint.faint("not begun"),
    };
    format!("{} {runs} ({state})", it.name)
}

/// What to do next: nothing, where all went well.
fn next(end: &DeployEndView) -> Vec<(&'static str, String)> {
    let environment = &end.environment;
    let mut next = Vec::new();
    let is_done = |it: &EndedDeploy| it.state == Some(State::Succeeded);
    if end.services.iter().all(is_done) {
        return next;
    }
    let name = |it: &EndedDeploy| it.name.to_string();
    let (done, left): (Vec<&EndedDeploy>, Vec<&EndedDeploy>) =
        end.services.iter().partition(|it| is_done(it));
    let again = &end.ways.again;
    next.push(match end.ways.can_resume {
        true => ("to go on", again.clone()),
        false => {
            let left: Vec<String> = left.into_iter().map(name).collect();
            ("to try again", format!("{again} {}", left.join(" ")))
        }
    });
    if !done.is_empty() && end.ways.can_go_back {
        let done: Vec<String> = done.into_iter().map(name).collect();
        let command = format!("svc rollback --env {environment} {}", done.join(" "));
        next.push(("to undo what succeeded", command));
    }
    let mut unknown = end
        .services
        .iter()
        .filter(|it| it.runs == Runs::Unknown)
        .map(|it| it.name.as_str())
        .peekable();
    if unknown.peek().is_some() {
        let names: Vec<&str> = unknown.collect();
        let command = format!("svc deploy --env {environment} --adopt {}", names.join(" "));
        next.push(("to record what runs", command));
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::DeployId;
    use crate::report::deployed::samples::*;
    use crate::report::schema::tests::validate;
    use crate::report::view::Ways;
    use crate::report::view::samples::service;

    fn ended(name: &str, state: Option<State>, runs: Runs, error: Option<&str>) -> EndedDeploy {
        EndedDeploy {
            name: service(name),
            state,
            runs,
            error: error.map(str::to_owned),
            address: None,
        }
    }

    fn end(services: Vec<EndedDeploy>) -> DeployEndView {
        DeployEndView {
            environment: environment("production"),
            deploy: DeployId::new("d-1").unwrap(),
            outcome: "fine",
            unrecorded: None,
            services,
            ways: Ways {
                again: "svc deploy --env production --resume".into(),
                can_resume: true,
                can_go_back: true,
            },
        }
    }

    #[test]
    fn the_end_says_what_runs_now_and_what_to_do() {
        let good = end(vec![ended("api", Some(State::Succeeded), this("a"), None)]);
        insta::assert_snapshot!(deploy_end_text(&good, Look::default()), @"
        production runs now: api c62ba21dd3
        deploy d-1
        ");
        let bad = end(vec![
            ended("api", Some(State::Succeeded), this("a"), None),
            ended(
                "web",
                Some(State::RolledBack),
                this("b"),
                Some("health: 503"),
            ),
            ended(
                "pay",
                Some(State::Failed),
                Runs::Unknown,
                Some("exit code 1"),
            ),
            ended("shop", None, Runs::Nothing, None),
        ]);
        insta::assert_snapshot!(deploy_end_text(&bad, Look::default()), @"
        production runs now: api c62ba21dd3, web 0d763559e1 (rolled back), pay unknown (failed), shop nothing (not begun)
        deploy d-1
        to go on: svc deploy --env production --resume
        to undo what succeeded: svc rollback --env production api
        to record what runs: svc deploy --env production --adopt pay
        ");
    }

    #[test]
    fn errors_are_harmless_and_nothing_is_said_to_be_nothing() {
        let mut bad = end(vec![ended(
            "api",
            Some(State::Failed),
            Runs::Unknown,
            Some(&hostile()),
        )]);
        bad.unrecorded = Some(hostile());
        assert_harmless(&deploy_end_text(&bad, Look::default()));
        validate("deploy-end", &deploy_end_json(&bad));
        let none = deploy_end_text(&end(Vec::new()), Look::default());
        assert_eq!(none, "production: nothing was deployed\n");
    }
}
