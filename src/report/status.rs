//! What runs where: one environment as a table with all that is known, several as a matrix.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::model::ledger::{Action, Deployed, State};
use crate::model::overview::{
    Condition, EnvironmentOverview, Overview, ProcessOverview, ServiceOverview,
};
use crate::model::path::encoded;
use crate::report::calendar::{ago, moment, stamp};
use crate::report::clean::{one_line, short};
use crate::report::deployed::{self, NAME, TEXT};
use crate::report::lock::{lease_json, locked};
use crate::report::table::Table;
use crate::report::view::Look;
use crate::report::words;

/// So many services are explained of each kind without `-v`.
const SHOWN: usize = 10;

/// The environments, and below them a line for everything that is not as it should be.
pub fn status_text(overview: &Overview, look: Look) -> String {
    let mut text = match overview.environments.as_slice() {
        [] => return "no environments\n".to_owned(),
        [one] => services_text(one, overview.now, look),
        several if look.is_verbose() => {
            let tables = several.iter().map(|it| {
                let name = look.paint.strong(&it.name);
                format!("{name}\n{}\n", services_text(it, overview.now, look))
            });
            tables.collect()
        }
        several => matrix(several, look),
    };
    let notes = overview.environments.iter();
    let notes: String = notes.map(|it| notes_of(it, overview.now, look)).collect();
    if !notes.is_empty() {
        text.push('\n');
        text.push_str(&notes);
    }
    text
}

/// The same for machines.
pub fn status_json(overview: &Overview) -> Value {
    let environments = &overview.environments;
    let oldest = environments.iter().map(|it| it.as_of).min();
    let list: Vec<Value> = environments.iter().map(environment_json).collect();
    json!({
        "version": 1,
        "as_of": oldest.unwrap_or(Some(overview.now)).and_then(stamp),
        "refreshed": environments.iter().all(|it| it.stale.is_none()),
        "environments": list,
    })
}

fn environment_json(it: &EnvironmentOverview) -> Value {
    let services = it.services.iter();
    let services: Vec<Value> = services
        .map(|service| service_json(service, is_locked(it)))
        .collect();
    json!({
        "name": it.name.as_str(), "ledger": it.ledger, "as_of": it.as_of.and_then(stamp),
        "refreshed": it.stale.is_none(), "stale": it.stale,
        "locked_by": it.lease.as_ref().map(lease_json), "services": services,
    })
}

fn service_json(it: &ServiceOverview, is_locked: bool) -> Value {
    let runs = runs(it);
    let held =
        it.standing.iter().flat_map(|it| &it.held).map(
            |it| json!({"version": it.what.version(), "deploy": it.what.deploy, "why": it.why}),
        );
    let last = it.standing.as_ref().map(|it| {
        let newest = &it.newest;
        json!({
            "deploy": newest.deploy, "state": newest.state, "at": stamp(newest.at), "by": newest.who.name,
            "error": newest.error,
        })
    });
    json!({
        "name": it.name, "version": runs.map(Deployed::version), "commit": runs.and_then(|it| it.commit),
        "state": word(it.condition(is_locked)),
        "deployed_at": runs.and_then(|_| deployed_at(it)).and_then(stamp), "behind": it.behind,
        "dirty": runs.is_some_and(|it| it.dirty), "removed": it.is_removed, "held": held.collect::<Vec<_>>(),
        "last": last, "process": it.process.as_ref().map(process_json),
    })
}

fn process_json(it: &ProcessOverview) -> Value {
    let log = it
        .log
        .as_ref()
        .map(|log| encoded(log.as_os_str().as_encoded_bytes()));
    let mut process = json!({
        "state": it.state, "pid": it.pid, "port": it.port, "uptime_s": it.uptime.map(|it| it.as_secs()),
        "restarts": it.restarts, "health": it.health, "log": log.as_ref().map(|(log, _)| log),
    });
    if log.is_some_and(|(_, is_encoded)| is_encoded) {
        process["path_encoded"] = json!(true);
    }
    process
}

/// Whether somebody deploys there now. Who holds the lock by hand only keeps others off.
fn is_locked(it: &EnvironmentOverview) -> bool {
    it.lease.as_ref().is_some_and(|it| !it.sticky)
}

/// The condition as machines and people read it.
fn word(condition: Condition) -> &'static str {
    match condition {
        Condition::Running => "running",
        Condition::Unknown => "unknown",
        Condition::Deploying => "deploying",
        Condition::Held => "held",
        Condition::Absent => "absent",
    }
}

fn runs(it: &ServiceOverview) -> Option<&Deployed> {
    it.standing.as_ref()?.runs().known()
}

/// Since when it runs; of what is unknown or was tried in vain, when what is known came there.
fn deployed_at(it: &ServiceOverview) -> Option<u64> {
    let newest = &it.standing.as_ref()?.newest;
    match (newest.state, runs(it)) {
        (State::Succeeded, _) | (_, None) => Some(newest.at),
        (_, Some(runs)) => Some(runs.at),
    }
}

/// Who brought what runs, where the newest entry tells it.
fn by(it: &ServiceOverview) -> String {
    let newest = it.standing.as_ref().map(|it| &it.newest);
    let newest = newest.filter(|it| matches!(it.state, State::Succeeded | State::Started));
    newest
        .map(|it| short(&it.who.name, NAME))
        .unwrap_or_default()
}

fn services_text(environment: &EnvironmentOverview, now: u64, look: Look) -> String {
    if environment.services.is_empty() {
        return format!("no service can be deployed to {}\n", environment.name);
    }
    let mut table = Table::new(&[
        "service", "version", "commit", "state", "deployed", "behind", "by", "pid", "port",
        "health", "uptime", "restarts",
    ]);
    let is_locked = is_locked(environment);
    for it in &environment.services {
        let runs = runs(it);
        let number = |number: Option<u64>| number.map(|it| it.to_string()).unwrap_or_default();
        let process = it.process.as_ref();
        table.row([
            look.paint.strong(&it.name),
            runs.map(|it| it.version().to_owned()).unwrap_or_default(),
            runs.map(deployed::commit).unwrap_or_default(),
            state(it, is_locked, look),
            deployed_at(it).map(|at| ago(at, now)).unwrap_or_default(),
            behind(it),
            by(it),
            number(process.and_then(|it| it.pid.map(u64::from))),
            number(process.and_then(|it| it.port.map(u64::from))),
            process
                .and_then(|it| it.health.as_deref())
                .map(|it| short(it, 60))
                .unwrap_or_default(),
            process
                .and_then(|it| it.uptime)
                .map(words::age)
                .unwrap_or_default(),
            number(process.map(|it| u64::from(it.restarts))),
        ]);
    }
    table.render(look)
}

/// The condition, and what its process says otherwise.
fn state(it: &ServiceOverview, is_locked: bool, look: Look) -> String {
    let condition = it.condition(is_locked);
    let paint = look.paint;
    let mut text = match condition {
        Condition::Running => paint.good(word(condition)),
        Condition::Unknown => paint.bad(word(condition)),
        Condition::Deploying | Condition::Held => paint.notable(word(condition)),
        Condition::Absent => paint.faint(word(condition)),
    };
    if let Some(process) = it.process.as_ref().filter(|it| it.state != "running") {
        let process = paint.bad(short(&process.state, NAME));
        text = match condition {
            // It should run, and does not.
            Condition::Running => process,
            _ => format!("{text}, {process}"),
        };
    }
    match it.is_removed {
        true => format!("{text}, removed"),
        false => text,
    }
}

fn behind(it: &ServiceOverview) -> String {
    match (it.behind, runs(it)) {
        (Some(commits), Some(_)) => commits.to_string(),
        (None, Some(_)) if !it.is_removed => "?".to_owned(),
        _ => String::new(),
    }
}

fn matrix(environments: &[EnvironmentOverview], look: Look) -> String {
    let mut rows: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for (at, environment) in environments.iter().enumerate() {
        let is_locked = is_locked(environment);
        for it in &environment.services {
            let row = rows.entry(it.name.as_str());
            let row = row.or_insert_with(|| vec!["-".to_owned(); environments.len()]);
            row[at] = cell(it, is_locked, look);
        }
    }
    if rows.is_empty() {
        return "no services\n".to_owned();
    }
    let names = environments.iter().map(|it| it.name.as_str());
    let headings: Vec<&str> = std::iter::once("service").chain(names).collect();
    let mut table = Table::new(&headings);
    for (name, cells) in rows {
        let name = look.paint.strong(name);
        table.cells(std::iter::once(name).chain(cells).collect());
    }
    table.render(look)
}

/// `8e01b7a9c2 held 3 behind`.
fn cell(it: &ServiceOverview, is_locked: bool, look: Look) -> String {
    let condition = it.condition(is_locked);
    let mark = match condition {
        Condition::Running if is_down(it) => look.paint.bad("down"),
        Condition::Running => String::new(),
        Condition::Unknown => look.paint.bad("unknown"),
        Condition::Deploying => look.paint.notable("deploying"),
        Condition::Held => look.paint.notable("held"),
        Condition::Absent => look.paint.faint("-"),
    };
    let removed = if it.is_removed { "removed" } else { "" };
    let behind = match behind(it).as_str() {
        "" | "0" => String::new(),
        commits => format!("{commits} behind"),
    };
    let version = runs(it).map(Deployed::version).unwrap_or_default();
    let parts = [version, &mark, removed, &behind];
    let parts: Vec<&str> = parts.into_iter().filter(|it| !it.is_empty()).collect();
    parts.join(" ")
}

fn is_down(it: &ServiceOverview) -> bool {
    it.process.as_ref().is_some_and(|it| it.state != "running")
}

/// A line for everything about an environment that needs one.
fn notes_of(environment: &EnvironmentOverview, now: u64, look: Look) -> String {
    let mut lines: Vec<String> = Vec::new();
    if let Some(stale) = &environment.stale {
        let stale = short(stale, TEXT);
        lines.push(match environment.as_of {
            Some(at) => format!("as of {}, not refreshed: {stale}", moment(at)),
            None => format!("never refreshed: {stale}"),
        });
    }
    lines.extend(environment.lease.iter().map(|it| locked(it, now)));
    let is_locked = is_locked(environment);
    let of = |condition: Condition| {
        let services = environment.services.iter();
        let services = services.filter(move |it| it.condition(is_locked) == condition);
        services.collect::<Vec<_>>()
    };
    let name = &environment.name;
    let held = (
        of(Condition::Held),
        "held",
        format!("svc deploy --retry-held --env {name}"),
    );
    let unknown = (
        of(Condition::Unknown),
        "unknown",
        format!("svc deploy --resume --env {name}"),
    );
    let deploying = (of(Condition::Deploying), "deploying", String::new());
    lines.extend(of(Condition::Running).into_iter().filter_map(replaced));
    for (services, word, command) in [held, unknown, deploying] {
        explain(&services, word, &command, now, look, &mut lines);
    }
    let removed = environment.services.iter().filter(|it| it.is_removed);
    let removed: Vec<&str> = removed.map(|it| it.name.as_str()).collect();
    if !removed.is_empty() {
        let most = if look.is_verbose() { usize::MAX } else { SHOWN };
        let names = deployed::names(removed.into_iter(), most);
        let command = look
            .paint
            .advice(format!("svc deploy --prune --env {name}"));
        lines.push(format!(
            "removed from services.toml: {names}; to take down: {command}"
        ));
    }
    let processes = environment
        .services
        .iter()
        .filter_map(|it| Some((it, it.process.as_ref()?)));
    for (it, process) in processes.filter(|_| look.is_verbose()) {
        let log = process
            .log
            .as_ref()
            .map(|it| one_line(&it.to_string_lossy()));
        lines.extend(log.map(|log| format!("log of {}: {log}", it.name)));
    }
    if look.is_verbose() && !environment.ledger.is_empty() {
        lines.push(format!("ledger: {}", short(&environment.ledger, TEXT)));
    }
    let has_star = |it: &ServiceOverview| runs(it).is_some_and(|it| it.dirty);
    if environment.services.iter().any(has_star) {
        lines.push("*: with changes that are in no commit".to_owned());
    }
    let prefix = look.paint.strong(format!("{name}:"));
    lines
        .into_iter()
        .map(|line| format!("{prefix} {line}\n"))
        .collect()
}

/// That what a rollback replaced does not come back by itself.
fn replaced(it: &ServiceOverview) -> Option<String> {
    let standing = it.standing.as_ref()?;
    let newest = &standing.newest;
    let went_back = newest.action == Action::Rollback && newest.state == State::Succeeded;
    let held = standing.held.last().filter(|_| went_back)?;
    Some(format!("held: {}: {}", it.name, deployed::held(held)))
}

/// What the last deploy of each of `services` came to, and the command that resolves it.
fn explain(
    services: &[&ServiceOverview],
    word: &str,
    command: &str,
    now: u64,
    look: Look,
    lines: &mut Vec<String>,
) {
    let most = if look.is_verbose() { usize::MAX } else { SHOWN };
    for it in services.iter().take(most) {
        let Some(newest) = it.standing.as_ref().map(|it| &it.newest) else {
            continue;
        };
        let came_to = match newest.state {
            State::Started if word == "deploying" => "goes on",
            State::Started => "did not end",
            State::RolledBack => "was rolled back",
            State::Failed => "failed",
            State::Interrupted => "was interrupted",
            State::Succeeded if newest.action == Action::Rollback => "went back to it",
            State::Succeeded => "does not know what runs",
        };
        let error = newest
            .error
            .as_deref()
            .map(|it| format!(": {}", short(it, 100)));
        lines.push(format!(
            "{word}: {}: deploy {} of {} by {} {came_to}, {}{}",
            it.name,
            newest.deploy,
            newest.brings.version(),
            deployed::person(&newest.who),
            ago(newest.at, now),
            error.unwrap_or_default(),
        ));
    }
    if let Some(more) = services.len().checked_sub(most).filter(|it| *it > 0) {
        lines.push(format!("{word}: and {more} more; -v shows all"));
    }
    if !services.is_empty() && !command.is_empty() {
        let command = look.paint.advice(command);
        lines.push(match word {
            "held" => format!("to deploy what is held: {command}"),
            word => format!("to resolve {word}: {command}"),
        });
    }
}

#[cfg(test)]
mod tests;
