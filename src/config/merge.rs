//! Lays what several tables say of a task over each other: built in, preset, `[tasks.X]`, service. Field by field; a list
//! replaces the inherited one, and `...` within it stands for that one.

use crate::config::deploy;
use crate::config::known::KnownInputs;
use crate::config::needs;
use crate::config::problem::Findings;
use crate::config::read::{self, At, Texts};
use crate::config::service::{Context, Head};
use crate::config::task::TaskTable;
use crate::model::deploy::Deploy;
use crate::model::input::{InputRule, Inputs};
use crate::model::name::TaskName;
use crate::model::path::{FilePath, is_within};
use crate::model::pattern::Pattern;
use crate::model::task::{Slot, Task};

/// What stands for the inherited list.
pub const INHERITED: &str = "...";

/// What the tables say of one task, from the weakest to the strongest: preset, `[tasks.X]`, service.
pub type Layers<'a, 'd> = [Option<&'a TaskTable<'d>>; 3];

/// The task `name` of `head`. Its `run` is checked by the caller, who knows about targets.
pub fn merge(
    findings: &mut Findings,
    context: &Context,
    head: &Head,
    path: &FilePath,
    name: &TaskName,
    layers: &Layers,
) -> Task {
    let mut task = Task::new(Vec::new());
    task.needs = needs::resolve(findings, context, head, name, layers);
    task.outputs = outputs(findings, path, layers);
    let mut exclusive = None;
    let mut pool: Option<At<&str>> = None;
    for layer in layers.iter().flatten() {
        lay(&mut task.run, &layer.run);
        if let Some(shell) = &layer.shell {
            task.shell = texts(shell, &task.shell).into();
        }
        lay(&mut task.env, &layer.env);
        lay(&mut task.pass_env, &layer.pass_env);
        lay(&mut task.secrets, &layer.secrets);
        lay(&mut task.tools, &layer.tools);
        task.timeout = layer.timeout.or(task.timeout);
        task.retry = layer.retry.unwrap_or(task.retry);
        task.grace = layer.grace.or(task.grace);
        task.cache = layer.cache.or(task.cache);
        task.strict_env = layer.strict_env.unwrap_or(task.strict_env);
        // The stronger table decides which of the two it is.
        if layer.pool.is_some() {
            (pool, exclusive) = (layer.pool, None);
        }
        exclusive = layer.exclusive.or(exclusive);
    }
    task.slot = match (exclusive, pool) {
        (Some(At { value: true, .. }), _) => Slot::Exclusive,
        (_, Some(pool)) => {
            check_pool(findings, context, pool);
            Slot::Pool(pool.value.to_owned())
        }
        _ => Slot::Free,
    };
    if name.as_str() == "deploy" {
        let mut merged = Deploy::default();
        for layer in layers.iter().flatten().filter_map(|it| it.deploy.as_ref()) {
            deploy::lay_over(&mut merged, layer);
        }
        task.deploy = Some(Box::new(merged));
    }
    check_secrets(findings, &task, layers);
    task
}

/// A list laid over the inherited one.
pub fn texts(texts: &Texts, inherited: &[String]) -> Vec<String> {
    let mut list = Vec::new();
    for text in texts.iter() {
        match text.value {
            INHERITED => list.extend_from_slice(inherited),
            text => list.push(text.to_owned()),
        }
    }
    list
}

fn lay(list: &mut Vec<String>, over: &Option<Texts>) {
    if let Some(over) = over {
        *list = texts(over, list);
    }
}

/// What all tasks of a service read beside its own files.
pub fn besides(
    findings: &mut Findings,
    known: &mut KnownInputs,
    head: &Head,
    path: &FilePath,
) -> Vec<InputRule> {
    let Some((key, node)) = head.table.find("inputs") else {
        return Vec::new();
    };
    let list = read::texts(findings, key.text, node);
    let texts = list.iter().flat_map(Texts::iter);
    let own = texts.filter(|text| text.value != INHERITED);
    own.flat_map(|text| known.rules(findings, text, path).to_vec())
        .collect()
}

/// What a task reads, from what its service says of all tasks and the tables of this one.
pub fn inputs(
    findings: &mut Findings,
    known: &mut KnownInputs,
    path: &FilePath,
    besides: &[InputRule],
    layers: &Layers,
) -> Inputs {
    if besides.is_empty() && layers.iter().flatten().all(|layer| layer.inputs.is_none()) {
        return Inputs::default();
    }
    let mut rules = vec![InputRule::Own];
    rules.extend_from_slice(besides);
    for list in layers.iter().flatten().filter_map(|layer| layer.inputs) {
        let inherited = std::mem::take(&mut rules);
        for text in list.iter() {
            match text.value {
                INHERITED => rules.extend(inherited.iter().cloned()),
                _ => rules.extend_from_slice(known.rules(findings, text, path)),
            }
        }
    }
    Inputs::new(rules)
}

fn outputs(findings: &mut Findings, path: &FilePath, layers: &Layers) -> Option<Vec<Pattern>> {
    let mut outputs: Option<Vec<Pattern>> = None;
    for list in layers.iter().flatten().filter_map(|layer| layer.outputs) {
        let inherited = outputs.take().unwrap_or_default();
        let mut patterns = Vec::new();
        for text in list.iter() {
            if text.value == INHERITED {
                patterns.extend(inherited.iter().cloned());
            } else {
                patterns.extend(output(findings, text, path));
            }
        }
        outputs = Some(patterns);
    }
    outputs
}

fn output(findings: &mut Findings, text: At<&str>, path: &FilePath) -> Option<Pattern> {
    if text.value.starts_with('!') {
        findings
            .add(text.place, "`outputs` cannot leave files out")
            .hint("name the files that the task leaves behind, without `!`");
        return None;
    }
    let bare = text.value.trim_end_matches('/');
    if matches!(bare, "." | "./" | "*" | "**" | "**/*" | "./**") {
        findings
            .add(text.place, "`outputs` names the whole service")
            .hint("name the directory that the task writes to, such as `dist`");
        return None;
    }
    let pattern = pattern(findings, "outputs", text, path)?;
    // A pattern that is relative to the service cannot leave it.
    if text.value.starts_with('/') && !is_within(pattern.literal(), path.as_bytes()) {
        findings
            .add(
                text.place,
                format!(
                    "the output `{}` lies outside the service",
                    text.value.escape_debug()
                ),
            )
            .hint(format!(
                "a task may only leave files behind below `{}`",
                shown(path)
            ));
        return None;
    }
    Some(pattern)
}

/// A pattern relative to `directory`.
pub fn pattern(
    findings: &mut Findings,
    key: &str,
    text: At<&str>,
    directory: &FilePath,
) -> Option<Pattern> {
    match Pattern::new(text.value, directory) {
        Ok(pattern) => Some(pattern),
        Err(reason) => {
            unusable(findings, key, text, &reason);
            None
        }
    }
}

/// Notes that a text is no pattern.
pub fn unusable(findings: &mut Findings, key: &str, text: At<&str>, reason: &str) {
    let problem = findings.add(
        text.place,
        format!(
            "`{}` in `{key}` is not a pattern that can be used",
            text.value.escape_debug()
        ),
    );
    problem.label(reason);
    if reason.contains("..") && key == "inputs" {
        problem.hint("begin it with `/` to name files from the workspace root");
    } else if text.value.contains(['[', ']', '{', '}', '\\']) {
        problem.hint(
            "`*` and `?` stay within a directory, `**` crosses them, `{a,b}` and `[a-z]` choose; `\\` takes the next character as it is",
        );
    }
}

/// A directory for messages.
pub fn shown(path: &FilePath) -> String {
    match path.is_root() {
        true => ".".into(),
        false => path.display(),
    }
}

fn check_pool(findings: &mut Findings, context: &Context, pool: At<&str>) {
    if context.pools.contains_key(pool.value) {
        return;
    }
    let names = context.pools.keys().map(String::as_str);
    let near = crate::model::suggest::nearest(pool.value, names);
    let otherwise = format!(
        "add it to `[pools]` with its slots, such as `{} = 1`",
        pool.value
    );
    findings
        .add(pool.place, format!("there is no pool `{}`", pool.value))
        .did_you_mean(near, &otherwise)
        .absence();
}

fn check_secrets(findings: &mut Findings, task: &Task, layers: &Layers) {
    let stands_for = |text: &str, name: &str| match text.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => text == name,
    };
    let is_in_env = |name: &&String| task.env.iter().any(|it| stands_for(it, name));
    let both = task.secrets.iter().filter(is_in_env);
    for name in both {
        let find = |lists: Vec<Texts>| {
            lists
                .iter()
                .rev()
                .flat_map(Texts::iter)
                .find(|text| stands_for(text.value, name))
                .map(|text| text.place)
        };
        let layers = || layers.iter().flatten();
        let secret = find(layers().filter_map(|layer| layer.secrets).collect());
        let env = find(layers().filter_map(|layer| layer.env).collect());
        let (Some(secret), Some(env)) = (secret, env) else {
            continue;
        };
        findings
            .add(secret, format!("`{name}` is in `secrets` and in `env`"))
            .related(env, "here too")
            .hint("a secret never becomes part of a key; remove it from one of the two");
    }
}
