//! How services run and are deployed: `serve`, `deploy`, `health`, `[environments]` and `[ledger]`.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::config::address::{self, Fault};
use crate::config::keys::{Shape, TableKind};
use crate::config::problem::Findings;
use crate::config::read::{self, At, Texts};
use crate::config::tree::{Key, Kind, Node, TableNode};
use crate::model::deploy::{
    Deploy, Environment, Health, LedgerSettings, LedgerStore, OnFailure, Probe, Serve,
};
use crate::model::name::EnvironmentName;

/// What one table says of a deploy, beyond what it says of a task.
#[derive(Clone, Debug, Default)]
pub struct DeployTable<'d> {
    pub target: Option<&'d str>,
    pub health: Option<Health>,
    pub before: Option<Texts<'d>>,
    pub after: Option<Texts<'d>>,
    pub replicas: Option<u32>,
    pub parameters: Vec<(&'d str, Value)>,
    pub env: Vec<(At<&'d str>, DeployTable<'d>)>,
}

/// One key of a deploy's table that no other task has.
pub fn read_key<'d>(
    findings: &mut Findings,
    kind: TableKind,
    key: Key<'d>,
    node: Node<'d>,
    deploy: &mut DeployTable<'d>,
) {
    match key.text {
        "target" => deploy.target = read::text(findings, key.text, node),
        "health" => deploy.health = health(findings, node),
        "before" => deploy.before = read::commands(findings, key.text, node),
        "after" => deploy.after = read::commands(findings, key.text, node),
        "replicas" => {
            deploy.replicas = read::number(findings, TableKind::Deploy, key.text, node);
        }
        _ => {
            if let Some(value) = parameter(findings, kind, key, node) {
                deploy.parameters.push((key.text, value));
            }
        }
    }
}

/// `env` of a deploy: a table for each environment.
pub fn read_overrides<'d>(findings: &mut Findings, node: Node<'d>, deploy: &mut DeployTable<'d>) {
    for (key, node) in node.table().iter().flat_map(TableNode::iter) {
        if !read::name(findings, "an environment", key) {
            continue;
        }
        let Some(table) = read::table(findings, key.text, node) else {
            continue;
        };
        let mut over = DeployTable::default();
        for (key, node) in table.iter() {
            let of_task = TableKind::Deploy.names().any(|name| name == key.text);
            let of_override = TableKind::DeployEnvironment
                .names()
                .any(|name| name == key.text);
            if of_task && !of_override {
                findings
                    .add(
                        key.place,
                        format!("`{}` cannot differ between environments", key.text),
                    )
                    .hint("set it in the table of the deploy itself");
                continue;
            }
            read_key(findings, TableKind::DeployEnvironment, key, node, &mut over);
        }
        let name = At {
            value: key.text,
            place: key.place,
        };
        deploy.env.push((name, over));
    }
}

/// Lays `over` on what is there.
pub fn lay_over(deploy: &mut Deploy, over: &DeployTable) {
    let list = |texts: &Texts, inherited: &Option<Vec<String>>| {
        crate::config::merge::texts(texts, inherited.as_deref().unwrap_or_default())
    };
    if let Some(target) = over.target {
        deploy.target = Some(target.to_owned());
    }
    if let Some(health) = &over.health {
        deploy.health = Some(health.clone());
    }
    if let Some(before) = &over.before {
        deploy.before = Some(list(before, &deploy.before));
    }
    if let Some(after) = &over.after {
        deploy.after = Some(list(after, &deploy.after));
    }
    if over.replicas.is_some() {
        deploy.replicas = over.replicas;
    }
    for (name, value) in &over.parameters {
        deploy.parameters.insert((*name).to_owned(), value.clone());
    }
    for (name, table) in &over.env {
        if let Some(name) = EnvironmentName::new(name.value) {
            // `...` in a list stands for what the deploy has everywhere.
            let mut there = deploy.env.remove(&name).unwrap_or_default();
            let (before, after) = (there.before.is_some(), there.after.is_some());
            there.before = there.before.or_else(|| deploy.before.clone());
            there.after = there.after.or_else(|| deploy.after.clone());
            lay_over(&mut there, table);
            there.before = there.before.filter(|_| before || table.before.is_some());
            there.after = there.after.filter(|_| after || table.after.is_some());
            deploy.env.insert(name, there);
        }
    }
}

/// `serve`.
pub fn read_serve(findings: &mut Findings, node: Node) -> Option<Serve> {
    let table = read::table(findings, "serve", node)?;
    let mut run = None;
    let mut serve = Serve {
        run: String::new(),
        port: None,
        health: None,
    };
    for (key, node) in table.iter() {
        match key.text {
            "run" => run = Some(read::text(findings, key.text, node)),
            "port" => {
                let port = read::number(findings, TableKind::Serve, key.text, node);
                serve.port = port.and_then(|port| u16::try_from(port).ok());
            }
            "health" => {
                let path = read::text(findings, key.text, node);
                if path.is_some_and(|path| !path.starts_with('/')) {
                    findings
                        .add(node.place(), "`health` of `serve` must begin with `/`")
                        .hint("it is the path that the service answers on its own port");
                }
                serve.health = path.map(str::to_owned);
            }
            _ => read::unknown_key(findings, TableKind::Serve, key),
        }
    }
    if run.is_none() {
        findings
            .add(table.place, "`serve` has no `run`")
            .hint("write the command that serves, `run = \"…\"`")
            .absence();
    }
    serve.run = run??.to_owned();
    Some(serve)
}

/// `health` of a deploy.
pub fn health(findings: &mut Findings, node: Node) -> Option<Health> {
    if let Some(text) = node.text() {
        findings
            .add(node.place(), "`health` must be a table")
            .label("this is a string")
            .hint(format!(
                "write `health = {{ http = {} }}`, or `tcp` or `command` in place of `http`",
                read::toml_string(text)
            ));
        return None;
    }
    let table = read::table(findings, "health", node)?;
    let (mut http, mut tcp, mut command) = (None, None, None);
    let (mut status, mut body) = (None, None);
    let mut timeout = Duration::from_secs(60);
    let mut interval = Duration::from_secs(1);
    let mut successes = 1;
    let mut successes_place = None;
    let mut sound = true;
    let mut probes = Vec::new();
    let mut for_http = Vec::new();
    for (key, node) in table.iter() {
        let before = findings.0.len();
        match key.text {
            "http" => http = address(findings, node),
            "tcp" => tcp = socket(findings, node),
            "command" => command = read::text(findings, key.text, node),
            "status" => status = read::number(findings, TableKind::Health, key.text, node),
            "body" => body = read::text(findings, key.text, node),
            "timeout" => timeout = read::duration(findings, key.text, node).unwrap_or(timeout),
            "interval" => interval = read::duration(findings, key.text, node).unwrap_or(interval),
            "successes" => {
                successes_place = Some(key.place);
                successes =
                    read::number(findings, TableKind::Health, key.text, node).unwrap_or(successes);
            }
            _ => read::unknown_key(findings, TableKind::Health, key),
        }
        match key.text {
            "http" | "tcp" | "command" => probes.push(key),
            "status" | "body" => for_http.push(key),
            _ => {}
        }
        sound &= findings.0.len() == before && !node.is_damaged();
    }
    match probes.as_slice() {
        [] => {
            findings
                .add(table.place, "`health` asks nothing")
                .hint("give it one of `http`, `tcp` and `command`")
                .absence();
            sound = false;
        }
        [_] => {}
        [first, second, ..] => {
            findings
                .add(second.place, "`health` asks more than one thing")
                .related(first.place, "the first one")
                .hint("keep one of `http`, `tcp` and `command`");
            sound = false;
        }
    }
    if !probes.iter().any(|key| key.text == "http") {
        for key in &for_http {
            findings
                .add(key.place, format!("`{}` belongs to `http`", key.text))
                .hint("remove it, or ask with `http`");
        }
    }
    let least = interval.saturating_mul(successes - 1);
    if sound && least >= timeout {
        let least = humantime::format_duration(least);
        findings
            .add(
                successes_place.unwrap_or(table.place),
                format!("`health` cannot be well within its `timeout`: {successes} good answers take {least}"),
            )
            .hint("raise `timeout`, or lower `interval` or `successes`");
        sound = false;
    }
    let probe = match (http, tcp, command) {
        (Some(url), ..) => Probe::Http {
            url: url.to_owned(),
            status: status.and_then(|status| u16::try_from(status).ok()),
            body: body.map(str::to_owned),
        },
        (_, Some(tcp), _) => Probe::Tcp(tcp.to_owned()),
        (.., command) => Probe::Command(command?.to_owned()),
    };
    sound.then_some(Health {
        probe,
        timeout,
        interval,
        successes,
    })
}

fn address<'d>(findings: &mut Findings, node: Node<'d>) -> Option<&'d str> {
    let url = read::text(findings, "http", node)?;
    sound(findings, node, url, address::fault_of_url(url))
}

fn socket<'d>(findings: &mut Findings, node: Node<'d>) -> Option<&'d str> {
    let text = read::text(findings, "tcp", node)?;
    sound(findings, node, text, address::fault_of_socket(text))
}

fn sound<'d>(
    findings: &mut Findings,
    node: Node,
    text: &'d str,
    fault: Option<Fault>,
) -> Option<&'d str> {
    let Some(Fault { message, hint }) = fault else {
        return Some(text);
    };
    findings.add(node.place(), message).hint(hint);
    None
}

/// `[environments]`, and the names of other environments that they hold.
pub fn read_environment<'d>(
    findings: &mut Findings,
    table: TableNode<'d>,
) -> (Environment, Option<At<&'d str>>) {
    let mut environment = Environment::default();
    let mut from = None;
    for (key, node) in table.iter() {
        let f = &mut *findings;
        match key.text {
            "target" => environment.target = read::text(f, key.text, node).map(str::to_owned),
            "promote-from" => from = read::text_at(f, key.text, node),
            "branches" => environment.branches = owned(read::texts(f, key.text, node)),
            "protected" => {
                environment.protected = read::boolean(f, key.text, node).unwrap_or_default();
            }
            "on-failure" => {
                environment.on_failure = match word(f, TableKind::Environment, key, node) {
                    Some("stop") => OnFailure::Stop,
                    Some("continue") => OnFailure::Continue,
                    _ => OnFailure::Rollback,
                };
            }
            "env" => environment.env = values(f, node),
            _ => {
                if let Some(value) = parameter(f, TableKind::Environment, key, node) {
                    environment.parameters.insert(key.text.to_owned(), value);
                }
            }
        }
    }
    environment.promote_from = from.and_then(|from| EnvironmentName::new(from.value));
    (environment, from)
}

/// `[ledger]`.
pub fn read_ledger(findings: &mut Findings, table: TableNode) -> LedgerSettings {
    let mut ledger = LedgerSettings::default();
    for (key, node) in table.iter() {
        let text = |findings: &mut Findings| read::text(findings, key.text, node);
        match key.text {
            "store" => {
                ledger.store = match word(findings, TableKind::Ledger, key, node) {
                    Some("git") => Some(LedgerStore::Git),
                    Some("file") => Some(LedgerStore::File),
                    _ => None,
                };
            }
            "remote" => ledger.remote = text(findings).map(str::to_owned),
            "ref-prefix" => {
                let prefix = text(findings);
                if prefix.is_some_and(|prefix| !is_ref_prefix(prefix)) {
                    findings
                        .add(
                            node.place(),
                            "`ref-prefix` is not a place for refs",
                        )
                        .hint("write it as `refs/svc`: it begins with `refs/` and has no spaces, `..` or any of `~^:?*[\\`");
                }
                ledger.ref_prefix = prefix.map(str::to_owned);
            }
            _ => read::unknown_key(findings, TableKind::Ledger, key),
        }
    }
    ledger
}

fn is_ref_prefix(prefix: &str) -> bool {
    let odd = |byte: u8| byte <= b' ' || byte == 0x7f || b"~^:?*[\\".contains(&byte);
    let part = |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    prefix.starts_with("refs/")
        && prefix.split('/').all(part)
        && !prefix.contains("..")
        && !prefix.contains("@{")
        && !prefix.bytes().any(odd)
}

/// One of the words that the table of keys lists.
pub fn word<'d>(
    findings: &mut Findings,
    kind: TableKind,
    key: Key,
    node: Node<'d>,
) -> Option<&'d str> {
    let text = read::text(findings, key.text, node)?;
    let shape = kind.keys().find(|it| it.name == key.text)?.shape;
    let Shape::Word(words) = shape else {
        return None;
    };
    if !words.contains(&text) {
        let near = crate::model::suggest::nearest(text, words.iter().copied());
        let all = format!("it is one of {}", words.join(", "));
        findings
            .add(
                node.place(),
                format!("`{}` cannot be `{}`", key.text, text.escape_debug()),
            )
            .did_you_mean(near, &all);
        return None;
    }
    Some(text)
}

/// Strings by variable. What they are is never part of a message.
fn values(findings: &mut Findings, node: Node) -> BTreeMap<String, String> {
    let mut values = BTreeMap::new();
    let Some(table) = node.table() else {
        read::wrong_type(
            findings,
            "env",
            node,
            "a table of variables and their values",
        );
        return values;
    };
    for (key, node) in table.iter() {
        let name = key.text;
        if !read::is_variable(name) {
            findings
                .add(
                    key.place,
                    format!("`{}` is not a name of a variable", name.escape_debug()),
                )
                .hint("a name has letters, digits and `_`, and does not begin with a digit");
        } else if name.starts_with("SVC_") {
            findings
                .add(key.place, format!("`{name}` is set by `svc` itself"))
                .hint("choose a name that does not begin with `SVC_`");
        }
        match node.text() {
            Some(value) => {
                values.insert(name.to_owned(), value.to_owned());
            }
            None if node.is_damaged() => {}
            None => {
                findings
                    .add(
                        node.place(),
                        format!("the value of `{name}` must be a string"),
                    )
                    .label(format!("this is {}", node.describe()))
                    .hint("put it in quotes");
            }
        }
    }
    values
}

/// A parameter of a target. A name that is nearly a known key is taken for a mistake.
fn parameter(findings: &mut Findings, kind: TableKind, key: Key, node: Node) -> Option<Value> {
    if let Some(meant) = read::mistyped_key(key.text, kind) {
        findings
            .add(key.place, format!("`{}` is not a key here", key.text))
            .hint(format!("did you mean `{meant}`?"));
        return None;
    }
    json(findings, key.text, node)
}

pub fn json(findings: &mut Findings, key: &str, node: Node) -> Option<Value> {
    Some(match node.kind() {
        Kind::String(text) => Value::from(&**text),
        Kind::Integer(number) => Value::from(*number),
        Kind::Boolean(value) => Value::from(*value),
        Kind::Datetime(text) => Value::from(*text),
        Kind::Float(number) => match serde_json::Number::from_f64(*number) {
            Some(number) => Value::Number(number),
            None => {
                findings.add(node.place(), format!("`{key}` must be a finite number"));
                return None;
            }
        },
        Kind::Array(_) => {
            let items = node.items().into_iter().flatten();
            Value::Array(items.filter_map(|item| json(findings, key, item)).collect())
        }
        Kind::Table(_) => {
            let pairs = node.table().into_iter().flat_map(|table| table.iter());
            Value::Object(
                pairs
                    .filter_map(|(key, node)| {
                        Some((key.text.to_owned(), json(findings, key.text, node)?))
                    })
                    .collect(),
            )
        }
        Kind::Damaged => return None,
    })
}

fn owned(texts: Option<Texts>) -> Vec<String> {
    let texts = texts.iter().flat_map(Texts::iter);
    texts.map(|text| text.value.to_owned()).collect()
}
