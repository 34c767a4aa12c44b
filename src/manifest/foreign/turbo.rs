//! Turborepo: `turbo.json`, that of the root and those of packages.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::foreign::task::{Draft, behind_not, from_top};
use crate::manifest::syntax::json;
use crate::manifest::syntax::node::{Entry, Node};
use crate::model::manifest::{Manifest, What, Whose};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| matches!(name, "turbo.json" | "turbo.jsonc"),
    read,
};

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let root = json::with_comments(file, text)?;
    let mut facts = Facts::of(file);
    let is_package = root.find("extends").is_some();
    let tasks = root.find("tasks").or_else(|| root.find("pipeline"));
    for entry in tasks.map_or(&[][..], Node::entries) {
        let (name, whose) = whose(&entry.name, is_package);
        let draft = Draft::new(entry.line, name, whose);
        task(&mut facts, draft, entry, &root);
    }
    for (line, pattern) in texts(&root, "globalDependencies") {
        let not = pattern.starts_with('!') || pattern.contains('$');
        match not || pattern.split('/').any(|it| it == "..") {
            true => leave_out(&mut facts, line, pattern),
            false => {
                let pattern = from_top(&facts.directory, pattern.trim_start_matches("./"));
                facts.say(line, What::Global(pattern[1..].to_owned()));
            }
        }
    }
    for (line, tag) in texts(&root, "tags") {
        facts.say(line, What::Tag(tag.to_owned()));
    }
    Ok(facts.finish())
}

fn leave_out(facts: &mut Facts, line: u32, pattern: &str) {
    let pattern = crate::model::path::display(pattern.as_bytes());
    let words = format!("the global dependency `{pattern}`");
    facts.say(line, What::Unsupported(words));
}

fn texts<'n>(node: &'n Node, key: &str) -> impl Iterator<Item = (u32, &'n str)> {
    node.find(key).into_iter().flat_map(Node::texts)
}

/// `build`, `web#build`, `//#build`.
fn whose(name: &str, is_package: bool) -> (&str, Whose) {
    match name.split_once('#') {
        Some(("//", name)) => (name, Whose::Own),
        Some((project, name)) => (name, Whose::Project(project.to_owned())),
        None if is_package => (name, Whose::Own),
        None => (name, Whose::OfThoseWithIt),
    }
}

fn task(facts: &mut Facts, mut draft: Draft, entry: &Entry, root: &Node) {
    let said = &entry.node;
    for (line, needed) in texts(said, "dependsOn") {
        need(&mut draft, line, needed);
    }
    if said.find("dependsOn").is_some() {
        draft.task.needs.get_or_insert_default();
    }
    for (line, written) in texts(said, "inputs") {
        draft.input(line, input(&facts.directory, written), written);
    }
    for (line, written) in texts(said, "outputs") {
        draft.output(line, output(written), written);
    }
    if said.find("outputs").is_some() {
        draft.task.outputs.get_or_insert_default();
    }
    for (line, name) in texts(said, "env").chain(texts(root, "globalEnv")) {
        draft.env(line, name);
    }
    let handed = ["passThroughEnv", "globalPassThroughEnv"];
    for (line, name) in texts(said, handed[0]).chain(texts(root, handed[1])) {
        draft.pass_env(line, name);
    }
    for (line, other) in texts(said, "with") {
        draft.leave_out(line, "what runs beside it,", other);
    }
    draft.task.cache = said.find("cache").and_then(Node::truth);
    draft.task.is_endless = said.find("persistent").and_then(Node::truth) == Some(true);
    draft.done(facts);
}

fn need(draft: &mut Draft, line: u32, needed: &str) {
    match needed.split_once('#') {
        _ if needed.starts_with('$') => draft.env(line, &needed[1..]),
        Some(("//", _)) => draft.leave_out(line, "the task of the root", needed),
        Some((project, name)) => draft.need(format!("{project}:{name}")),
        None => draft.need(needed.to_owned()),
    }
}

fn input(home: &FilePath, written: &str) -> Option<String> {
    behind_not(written, |pattern| match pattern {
        "$TURBO_DEFAULT$" => Some("...".to_owned()),
        _ => Some(match pattern.strip_prefix("$TURBO_ROOT$/") {
            Some(rest) => from_top(home, rest),
            None => pattern.trim_start_matches("./").to_owned(),
        }),
    })
}

fn output(written: &str) -> Option<String> {
    Some(written.trim_start_matches("./").to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, fault, task, texts};
    use crate::model::manifest::ForeignTask;

    #[test]
    fn the_root_says_how_tasks_run() {
        let text = r#"{
"globalDependencies": [".env", "tsconfig.json", "!x"], // c
"globalEnv": ["CI", "X-Y"],
"tasks": {
  "build": {"dependsOn": ["^build", "gen", "api#build", "//#root"],
    "inputs": ["$TURBO_DEFAULT$", "!README.md", "$TURBO_ROOT$/x.json", "../y"],
    "outputs": [".next/**", "!.next/cache/**"], "env": ["NEXT_*"]},
  "dev": {"cache": false, "persistent": true, "passThroughEnv": ["T"]},
  "web#lint": {},
  "//#format": {"dependsOn": [], "outputs": []},
}}"#;
        let build = ForeignTask {
            name: "build".into(),
            whose: Whose::OfThoseWithIt,
            needs: Some(texts(&["^build", "gen", "api:build"])),
            inputs: Some(texts(&["...", "!README.md", "/x.json"])),
            outputs: Some(texts(&[".next/**"])),
            env: texts(&["NEXT_*", "CI"]),
            ..ForeignTask::default()
        };
        let named = |name: &str, whose| ForeignTask {
            name: name.into(),
            whose,
            env: texts(&["CI"]),
            ..ForeignTask::default()
        };
        let dev = ForeignTask {
            pass_env: texts(&["T"]),
            cache: Some(false),
            is_endless: true,
            ..named("dev", Whose::OfThoseWithIt)
        };
        let format = ForeignTask {
            needs: Some(Vec::new()),
            outputs: Some(Vec::new()),
            ..named("format", Whose::Own)
        };
        let no = |words: &str| What::Unsupported(words.into());
        check(
            "turbo.json",
            text,
            &[
                (5, task(build)),
                (5, no("the task of the root `//#root` of `build`")),
                (6, no("the input `../y` of `build`")),
                (7, no("the output `!.next/cache/**` of `build`")),
                (3, no("the variable `X-Y` of `build`")),
                (8, task(dev)),
                (3, no("the variable `X-Y` of `dev`")),
                (9, task(named("lint", Whose::Project("web".into())))),
                (3, no("the variable `X-Y` of `lint`")),
                (10, task(format)),
                (3, no("the variable `X-Y` of `format`")),
                (2, What::Global(".env".into())),
                (2, What::Global("tsconfig.json".into())),
                (2, no("the global dependency `!x`")),
            ],
        );
    }

    #[test]
    fn packages_say_it_of_themselves() {
        let text = "{\"extends\": [\"//\"],\n\"tags\": [\"web\"],\n\"pipeline\": {\n\"build\": {\"dependsOn\": [\"$X\"]}}}";
        let build = ForeignTask {
            name: "build".into(),
            needs: Some(Vec::new()),
            env: texts(&["X"]),
            ..ForeignTask::default()
        };
        check(
            "apps/web/turbo.json",
            text,
            &[(4, task(build)), (2, What::Tag("web".into()))],
        );
        assert!(fault("turbo.json", "{").starts_with("turbo.json:1: "));
    }
}
