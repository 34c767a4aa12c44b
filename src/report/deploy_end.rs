//! The last lines of a deploy: what the environment runs now, and what to do where something failed.

use serde_json::{Value, json};

use crate::model::ledger::{Runs, State};
use crate::report::clean::short;
use crate::report::deployed::{self, TEXT};
use crate::report::view::{DeployEndView, EndedDeploy, Look};

/// What failed, what runs now, and the next commands.
pub fn deploy_end_text(end: &DeployEndView, look: Look) -> String {
    if end.services.is_empty() {
        return format!("{}: nothing was deployed\n", end.environment);
    }
    let mut text = String::new();
    for it in &end.services {
        if let Some(error) = &it.error {
            let name = look.paint.strong(&it.name);
            let error = short(error, TEXT);
            text.push_str(&format!("{} {name}: {error}\n", look.paint.failed()));
        }
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
        "services": services,
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
    next.push((
        "to go on",
        format!("svc deploy --resume --env {environment}"),
    ));
    let done: Vec<&str> = end
        .services
        .iter()
        .filter(|it| is_done(it))
        .map(|it| it.name.as_str())
        .collect();
    if !done.is_empty() {
        let command = format!("svc rollback {} --env {environment}", done.join(" "));
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
        let command = format!("svc deploy {} --env {environment} --adopt", names.join(" "));
        next.push(("to record what runs", command));
    }
    next
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::DeployId;
    use crate::report::deployed::samples::*;
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
            services,
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
        FAIL web: health: 503
        FAIL pay: exit code 1
        production runs now: api c62ba21dd3, web 0d763559e1 (rolled back), pay unknown (failed), shop nothing (not begun)
        deploy d-1
        to go on: svc deploy --resume --env production
        to undo what succeeded: svc rollback api --env production
        to record what runs: svc deploy pay --env production --adopt
        ");
    }

    #[test]
    fn errors_are_harmless_and_nothing_is_said_to_be_nothing() {
        let bad = end(vec![ended(
            "api",
            Some(State::Failed),
            Runs::Unknown,
            Some(&hostile()),
        )]);
        assert_harmless(&deploy_end_text(&bad, Look::default()));
        let none = deploy_end_text(&end(Vec::new()), Look::default());
        assert_eq!(none, "production: nothing was deployed\n");
    }
}
