//! Nx: what `nx.json` says for all projects. Also the words that it shares with `project.json`.

use std::collections::BTreeMap;

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::foreign::task::{Draft, behind_not, from_top};
use crate::manifest::syntax::json;
use crate::manifest::syntax::node::Node;
use crate::model::manifest::{Manifest, What, Whose};
use crate::model::path::{FilePath, display};

pub const TOOL: Tool = Tool {
    knows: |name| name == "nx.json",
    read,
};

/// The set of inputs that counts for everybody.
const SHARED: &str = "sharedGlobals";

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let root = json::with_comments(file, text)?;
    let mut facts = Facts::of(file);
    let words = Words {
        top: facts.directory.clone(),
        project: None,
        name: None,
    };
    input_sets(&mut facts, &root, &words);
    defaults(&mut facts, &root, &words);
    for implicit in root
        .find("implicitDependencies")
        .map_or(&[][..], Node::entries)
    {
        if implicit.node.text() == Some("*") {
            let pattern = from_top(&words.top, &implicit.name);
            facts.say(implicit.line, What::Global(pattern[1..].to_owned()));
        }
    }
    for plugin in root.find("plugins").map_or(&[][..], Node::items) {
        let name = plugin.text().or(plugin.find("plugin").and_then(Node::text));
        let name = display(name.unwrap_or_default().as_bytes());
        let words = format!("tasks that the plugin `{name}` makes up");
        facts.say(plugin.line, What::Unsupported(words));
    }
    Ok(facts.finish())
}

fn input_sets(facts: &mut Facts, root: &Node, words: &Words) {
    let sets = root.find("namedInputs").map_or(&[][..], Node::entries);
    for set in sets {
        let mut patterns = Vec::new();
        for (line, written) in set.node.texts() {
            if written.starts_with('^') || written == SHARED {
                continue;
            }
            match words.input(written) {
                Some(pattern) if set.name == SHARED && pattern.starts_with('/') => {
                    facts.say(line, What::Global(pattern[1..].to_owned()));
                }
                Some(pattern) => patterns.push(pattern),
                None => {}
            }
        }
        if set.name != SHARED {
            let name = set.name.clone();
            facts.say(set.line, What::InputSet { name, patterns });
        }
    }
    if !sets.iter().any(|it| it.name == "default") {
        let name = "default".to_owned();
        let patterns = vec!["...".to_owned()];
        facts.say(1, What::InputSet { name, patterns });
    }
}

fn defaults(facts: &mut Facts, root: &Node, words: &Words) {
    let mut drafts: BTreeMap<String, Draft> = BTreeMap::new();
    for entry in root.find("targetDefaults").map_or(&[][..], Node::entries) {
        let mut draft = Draft::new(entry.line, &entry.name, Whose::OfThoseWithIt);
        // The name of an executor, or a pattern of names.
        if entry.name.contains([':', '/', '*']) {
            let name = display(entry.name.as_bytes());
            facts.say(
                entry.line,
                What::Unsupported(format!("defaults for `{name}`")),
            );
            continue;
        }
        fields(&mut draft, &entry.node, words);
        let cwd = entry.node.at(&["options", "cwd"]).and_then(Node::text);
        draft.task.is_at_home = cwd == Some("{projectRoot}");
        drafts.insert(entry.name.clone(), draft);
    }
    let runner = [
        "tasksRunnerOptions",
        "default",
        "options",
        "cacheableOperations",
    ];
    let cacheable = root.at(&runner).into_iter().flat_map(Node::texts);
    for (line, name) in cacheable {
        let draft = drafts
            .entry(name.to_owned())
            .or_insert_with(|| Draft::new(line, name, Whose::OfThoseWithIt));
        draft.task.cache.get_or_insert(true);
    }
    for draft in drafts.into_values() {
        draft.done(facts);
    }
}

/// The fields that a target has in both files, but for its command.
pub fn fields(draft: &mut Draft, target: &Node, words: &Words) {
    if let Some(needed) = target.find("dependsOn") {
        draft.task.needs.get_or_insert_default();
        let own = needed.text().map(|_| needed);
        for needed in own.into_iter().chain(needed.items()) {
            need(draft, needed);
        }
    }
    for input in target.find("inputs").map_or(&[][..], Node::items) {
        read_input(draft, input, words);
    }
    if let Some(outputs) = target.find("outputs") {
        draft.task.outputs.get_or_insert_default();
        for (line, written) in outputs.texts() {
            let pattern = words.output(written, target.find("options"));
            draft.output(line, pattern, written);
        }
    }
    draft.task.cache = target.find("cache").and_then(Node::truth);
    draft.task.is_endless = target.find("continuous").and_then(Node::truth) == Some(true);
}

fn need(draft: &mut Draft, needed: &Node) {
    if let Some(name) = needed.text() {
        return draft.need(name.to_owned());
    }
    let Some(target) = needed.find("target").and_then(Node::text) else {
        return;
    };
    let projects = needed.find("projects");
    let is_dependencies = needed.find("dependencies").and_then(Node::truth) == Some(true);
    match projects.and_then(Node::text) {
        Some("dependencies") => draft.need(format!("^{target}")),
        _ if is_dependencies => draft.need(format!("^{target}")),
        Some("self") => draft.need(target.to_owned()),
        Some(project) => draft.need(format!("{project}:{target}")),
        None if projects.is_none() => draft.need(target.to_owned()),
        None => {
            for (_, project) in projects.into_iter().flat_map(Node::texts) {
                draft.need(format!("{project}:{target}"));
            }
        }
    }
}

fn read_input(draft: &mut Draft, input: &Node, words: &Words) {
    let line = input.line;
    let field = |key| input.find(key).and_then(Node::text);
    if let Some(written) = input.text().or(field("fileset")) {
        // Those of dependencies follow from what it needs; those for everybody count anyway.
        if !written.starts_with('^') && written != SHARED {
            draft.input(line, words.input(written), written);
        }
    } else if let Some(name) = field("env") {
        draft.env(line, name);
    } else if let Some(command) = field("runtime") {
        draft.leave_out(line, "what is printed by", command);
    } else if let Some(set) = field("input") {
        let is_others =
            input.find("dependencies").is_some() || field("projects") == Some("dependencies");
        if !is_others {
            draft.input(line, words.input(set), set);
        }
    }
}

/// What Nx' words for places stand for.
pub struct Words {
    /// The directory of `nx.json`.
    pub top: FilePath,
    pub project: Option<FilePath>,
    pub name: Option<String>,
}

impl Words {
    /// An input in our words. None where that is not possible.
    fn input(&self, written: &str) -> Option<String> {
        let place = |pattern: &str| match pattern {
            "{projectRoot}/**/*" | "{projectRoot}/**" | "{projectRoot}" => Some("...".to_owned()),
            // Not a place, but a set.
            _ if !pattern.contains(['{', '/', '*', '.']) => Some(format!("@{pattern}")),
            _ => self.place(pattern),
        };
        match written {
            "!{projectRoot}/**/*" | "!{projectRoot}/**" => Some("!**".to_owned()),
            _ => behind_not(written, place),
        }
    }

    fn output(&self, written: &str, options: Option<&Node>) -> Option<String> {
        let option = written
            .strip_prefix("{options.")
            .and_then(|it| it.split_once('}'));
        let Some((key, rest)) = option else {
            return self.place(written);
        };
        let value = options?.find(key)?.text()?;
        let is_placed = value.starts_with('{');
        match is_placed {
            true => self.place(&format!("{value}{rest}")),
            // Options hold paths from the top.
            false => self.place(&format!("{{workspaceRoot}}/{value}{rest}")),
        }
    }

    fn place(&self, pattern: &str) -> Option<String> {
        let pattern = self.fill(pattern);
        if let Some(rest) = pattern.strip_prefix("{projectRoot}/") {
            return Some(rest.to_owned());
        }
        let Some(rest) = pattern.strip_prefix("{workspaceRoot}/") else {
            return Some(pattern);
        };
        let from_top = from_top(&self.top, rest);
        let project = self.project.as_ref();
        let within = project.filter(|it| !it.is_root()).and_then(|project| {
            let rest = from_top[1..].strip_prefix(&project.display())?;
            rest.strip_prefix('/').map(str::to_owned)
        });
        Some(within.unwrap_or(from_top))
    }

    /// Fills in names and paths that stand within a text.
    pub fn fill(&self, text: &str) -> String {
        let mut text = text.to_owned();
        if let Some(name) = &self.name {
            text = text.replace("{projectName}", name);
        }
        // A word at the start stands for the place itself.
        if let Some(project) = &self.project
            && let Some(at) = text.rfind("{projectRoot}").filter(|at| *at > 0)
            && text[..at].starts_with("{workspaceRoot}")
        {
            let path = project.as_bytes().get(self.top.as_bytes().len()..);
            let path = path.map(|it| String::from_utf8_lossy(it).into_owned());
            let path = path.unwrap_or_default();
            text = text.replace("{projectRoot}", path.trim_start_matches('/'));
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, fault, task, texts};
    use crate::model::manifest::ForeignTask;

    #[test]
    fn nx_json_has_sets_and_defaults() {
        let text = r#"{
"namedInputs": {
  "default": ["{projectRoot}/**/*", "sharedGlobals"],
  "production": ["default", "!{projectRoot}/**/*.spec.ts"],
  "sharedGlobals": ["{workspaceRoot}/babel.config.json"]
},
"targetDefaults": {
  "build": {"dependsOn": ["^build", {"target": "gen", "projects": "self"}, {"target": "x", "dependencies": true}],
    "inputs": ["production", "^production", {"env": "API"}, {"runtime": "node -v"}, {"externalDependencies": ["a"]}],
    "outputs": ["{projectRoot}/dist", "{workspaceRoot}/dist/{projectRoot}"], "cache": true},
  "@nx/jest:jest": {}
},
"tasksRunnerOptions": {"default": {"options": {"cacheableOperations": ["build", "lint"]}}},
"implicitDependencies": {"x.json": "*"},
"plugins": ["@nx/vite/plugin", {"plugin": "@nx/eslint/plugin"}]
}"#;
        let build = ForeignTask {
            name: "build".into(),
            whose: Whose::OfThoseWithIt,
            needs: Some(texts(&["^build", "gen", "^x"])),
            inputs: Some(texts(&["@production"])),
            outputs: Some(texts(&["dist"])),
            env: texts(&["API"]),
            cache: Some(true),
            ..ForeignTask::default()
        };
        let lint = ForeignTask {
            name: "lint".into(),
            whose: Whose::OfThoseWithIt,
            cache: Some(true),
            ..ForeignTask::default()
        };
        let set = |name: &str, patterns: &[&str]| What::InputSet {
            name: name.into(),
            patterns: texts(patterns),
        };
        let no = |words: &str| What::Unsupported(words.into());
        check(
            "nx.json",
            text,
            &[
                (3, set("default", &["..."])),
                (4, set("production", &["@default", "!**/*.spec.ts"])),
                (5, What::Global("babel.config.json".into())),
                (11, no("defaults for `@nx/jest:jest`")),
                (8, task(build)),
                (9, no("what is printed by `node -v` of `build`")),
                (
                    10,
                    no("the output `{workspaceRoot}/dist/{projectRoot}` of `build`"),
                ),
                (13, task(lint)),
                (14, What::Global("x.json".into())),
                (15, no("tasks that the plugin `@nx/vite/plugin` makes up")),
                (15, no("tasks that the plugin `@nx/eslint/plugin` makes up")),
            ],
        );
        assert!(fault("nx.json", "[").starts_with("nx.json:1: "));
    }
}
