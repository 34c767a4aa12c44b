//! moon: one task, in our words.

use crate::manifest::facts::Facts;
use crate::manifest::foreign::task::{Draft, behind_not, from_top, way};
use crate::manifest::syntax::node::{Entry, Node};
use crate::model::manifest::Whose;
use crate::model::path::FilePath;

/// What moon's words for places stand for.
pub struct Places {
    /// The directory that `.moon` lies in.
    pub top: FilePath,
    pub project: Option<FilePath>,
}

/// Says what a task does.
pub fn task(facts: &mut Facts, entry: &Entry, whose: Whose, places: &Places) {
    let said = &entry.node;
    let mut draft = Draft::new(entry.line, &entry.name, whose);
    for needed in said.find("deps").map_or(&[][..], Node::items) {
        let target = needed
            .text()
            .or_else(|| needed.find("target").and_then(Node::text));
        need(&mut draft, needed.line, target.unwrap_or_default());
    }
    if said.find("deps").is_some() {
        draft.task.needs.get_or_insert_default();
    }
    for item in said.find("inputs").map_or(&[][..], Node::items) {
        let file = ["file", "glob"].iter().find_map(|it| item.find(it));
        let written = file.unwrap_or(item).text().unwrap_or_default();
        match written.strip_prefix('$').filter(|it| !it.contains('/')) {
            Some(name) if !name.starts_with("project") => draft.env(item.line, name),
            _ => draft.input(item.line, input(places, written), written),
        }
    }
    if said.find("inputs").is_some() {
        draft.task.inputs.get_or_insert_default();
    }
    for item in said.find("outputs").map_or(&[][..], Node::items) {
        let file = ["file", "glob"].iter().find_map(|it| item.find(it));
        let written = file.unwrap_or(item).text().unwrap_or_default();
        let pattern = input(places, written).filter(|it| !it.starts_with('@'));
        draft.output(item.line, pattern, written);
    }
    options(&mut draft, said);
    draft.task.run = command(said).map(|it| placed(&it, said, places));
    if let Some(base) = said.find("extends").and_then(Node::text) {
        draft.leave_out(said.line, "what is taken over from", base);
    }
    draft.done(facts);
}

/// `src/**/*` of the project, `/x` of the top, `@group(x)` of a set.
pub fn input(places: &Places, written: &str) -> Option<String> {
    let written = ["file://", "glob://"]
        .iter()
        .find_map(|it| written.strip_prefix(it))
        .unwrap_or(written);
    behind_not(written, |pattern| {
        if let Some(call) = pattern.strip_prefix('@') {
            let set = call.split_once('(')?.1.strip_suffix(')')?;
            return Some(format!("@{set}"));
        }
        let from = ["/", "$workspaceRoot/"]
            .iter()
            .find_map(|it| pattern.strip_prefix(it));
        match from {
            Some(rest) => Some(from_top(&places.top, rest)),
            None if matches!(pattern, "**/*" | "**") => Some("...".to_owned()),
            None => {
                let rest = pattern.strip_prefix("$projectRoot/").unwrap_or(pattern);
                Some(rest.trim_start_matches("./").to_owned())
            }
        }
    })
}

fn need(draft: &mut Draft, line: u32, target: &str) {
    match target.split_once(':') {
        Some(("^", name)) => draft.need(format!("^{name}")),
        Some(("~", name)) => draft.need(name.to_owned()),
        Some((project, name)) if !project.is_empty() && !project.starts_with('#') => {
            draft.need(format!("{project}:{name}"));
        }
        None if !target.is_empty() => draft.need(target.to_owned()),
        _ => draft.leave_out(line, "the task", target),
    }
}

fn options(draft: &mut Draft, said: &Node) {
    let option = |key| said.at(&["options", key]).and_then(Node::truth);
    draft.task.cache = option("cache");
    let preset = said.find("preset").and_then(Node::text);
    let is_server = matches!(preset, Some("server" | "watcher"));
    draft.task.is_endless = is_server || option("persistent") == Some(true);
}

/// The command with its arguments and the variables that it is given.
fn command(said: &Node) -> Option<String> {
    let written = said.find("script").or_else(|| said.find("command"));
    let mut words = Vec::new();
    for entry in said.find("env").map_or(&[][..], Node::entries) {
        let value = entry.node.scalar().unwrap_or_default();
        words.push(format!("{}={}", entry.name, quoted(value)));
    }
    match written {
        None => words.push(said.text()?.to_owned()),
        Some(node) => words.extend(parts(node)),
    }
    if let Some(arguments) = said.find("args") {
        words.extend(parts(arguments));
    }
    let command = words.join(" ");
    // It does nothing but need others.
    Some(match command.as_str() {
        "noop" | "nop" | "no-op" => "true".to_owned(),
        _ => command,
    })
}

/// A text is for the shell; the elements of a list are words.
fn parts(node: &Node) -> Vec<String> {
    match node.text() {
        Some(text) => vec![text.to_owned()],
        None => {
            let words = node.items().iter().filter_map(Node::scalar);
            words.map(quoted).collect()
        }
    }
}

fn quoted(word: &str) -> String {
    shlex::try_quote(word).map_or_else(|_| String::new(), Into::into)
}

/// The command as it runs in the project's directory.
fn placed(command: &str, said: &Node, places: &Places) -> String {
    let command = command
        .replace("$workspaceRoot", "$SVC_WORKSPACE")
        .replace("$projectRoot", "$PWD");
    let at_top = said.at(&["options", "runFromWorkspaceRoot"]);
    if at_top.and_then(Node::truth) != Some(true) {
        return command;
    }
    let way = match &places.project {
        Some(project) => way(project, &places.top),
        None => "\"$SVC_WORKSPACE\"".to_owned(),
    };
    format!("cd {way} && {command}")
}
