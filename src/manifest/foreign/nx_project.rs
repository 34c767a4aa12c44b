//! Nx: one project, as `project.json` has it, or `nx` in `package.json`.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::foreign::nx::{Words, fields};
use crate::manifest::foreign::task::{Draft, way};
use crate::manifest::place::resolve;
use crate::manifest::syntax::json;
use crate::manifest::syntax::node::{Entry, Node};
use crate::model::manifest::{Ecosystem, Makes, Manifest, Tie, What, Whose};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| name == "project.json",
    read,
};

/// Executors that run commands, as of today and of before.
const COMMANDS: &[&str] = &[
    "nx:run-commands",
    "@nx/workspace:run-commands",
    "@nrwl/workspace:run-commands",
];

/// Executors that run a script of `package.json`.
const SCRIPTS: &[&str] = &["nx:run-script", "@nrwl/workspace:run-script"];

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let root = json::with_comments(file, text)?;
    let mut facts = Facts::of(file);
    if is_nx(&root) {
        project(&mut facts, &root, 1);
    }
    Ok(facts.finish())
}

/// Other tools have files of this name too.
fn is_nx(root: &Node) -> bool {
    let schema = root.find("$schema").and_then(Node::text);
    schema.is_some_and(|it| it.contains("nx"))
        || ["targets", "projectType", "implicitDependencies"]
            .iter()
            .any(|it| root.find(it).is_some())
}

/// What a project says, here or in `package.json`.
pub fn project(facts: &mut Facts, root: &Node, line: u32) {
    let name = root.find("name").filter(|it| it.text().is_some());
    let text = name.and_then(Node::text);
    let makes = match root.find("projectType").and_then(Node::text) {
        Some("application") => Makes::Program,
        Some("library") => Makes::Library,
        _ => Makes::Either,
    };
    let line = name.map_or(line, |it| it.line);
    facts.package(line, Ecosystem::Project, text, makes);
    if let Some(name) = text {
        facts.offers_at(line, Ecosystem::Project, name, ".");
    }
    for (line, tag) in root.find("tags").into_iter().flat_map(Node::texts) {
        facts.say(line, What::Tag(tag.to_owned()));
    }
    let implicit = root.find("implicitDependencies").into_iter();
    for (line, name) in implicit.flat_map(Node::texts) {
        if !name.starts_with('!') && !name.contains('*') {
            facts.needs(line, Ecosystem::Project, name, Tie::Declares);
        }
    }
    let words = Words {
        top: top(&facts.directory, root),
        project: Some(facts.directory.clone()),
        name: text.map(str::to_owned),
    };
    for target in root.find("targets").map_or(&[][..], Node::entries) {
        let mut draft = Draft::new(target.line, &target.name, Whose::Own);
        fields(&mut draft, &target.node, &words);
        run(&mut draft, target, &words);
        draft.done(facts);
    }
}

/// Where `nx.json` lies: beside `node_modules`, in which the schema lies; else at the top of the workspace.
fn top(home: &FilePath, root: &Node) -> FilePath {
    let schema = root.find("$schema").and_then(Node::text);
    let top = schema.and_then(|it| Some(it.split_once("node_modules")?.0));
    top.and_then(|it| resolve(home, it)).unwrap_or_default()
}

fn run(draft: &mut Draft, target: &Entry, words: &Words) {
    let options = target.node.find("options");
    let executor = target
        .node
        .find("executor")
        .or_else(|| target.node.find("builder"));
    let short = target.node.find("command");
    match executor.and_then(Node::text) {
        Some(name) if SCRIPTS.contains(&name) => {}
        Some(name) if !COMMANDS.contains(&name) => {
            let line = executor.map_or(target.line, |it| it.line);
            draft.leave_out(line, "the executor", name);
        }
        _ => {
            let command = command(short, options);
            let cwd = options.and_then(|it| it.find("cwd")).and_then(Node::text);
            draft.task.is_at_home = cwd == Some("{projectRoot}");
            if cwd.is_none() {
                let own = command.as_deref();
                draft.task.run_at_home = own.map(|it| words.fill(it).replace("{projectRoot}", "."));
            }
            draft.task.run = command.map(|it| placed(draft, &it, options, words));
        }
    }
}

/// One command, or several in their order.
fn command(short: Option<&Node>, options: Option<&Node>) -> Option<String> {
    let one = short.or_else(|| options?.find("command"));
    let mut command = match one {
        Some(node) if node.text().is_some() => node.text()?.to_owned(),
        Some(node) => joined(node, " ")?,
        None => joined(options?.find("commands")?, " && ")?,
    };
    if let Some(arguments) = options.and_then(|it| it.find("args")) {
        let arguments = arguments.texts().map(|it| it.1);
        for argument in arguments {
            command.push(' ');
            command.push_str(argument);
        }
    }
    Some(command)
}

fn joined(list: &Node, by: &str) -> Option<String> {
    let texts = list.items().iter().filter_map(|it| {
        let command = it.find("command").unwrap_or(it);
        command.text()
    });
    let texts: Vec<_> = texts.collect();
    (!texts.is_empty()).then(|| texts.join(by))
}

/// The command as it runs in the project's directory: Nx runs it at the top, unless it is told where.
fn placed(draft: &mut Draft, command: &str, options: Option<&Node>, words: &Words) -> String {
    let home = words.project.clone().unwrap_or_default();
    let own = way(&words.top, &home);
    let fill = |text: &str| {
        let text = words.fill(text).replace("{projectRoot}", &own);
        text.replace("{workspaceRoot}", ".")
    };
    let written = options.and_then(|it| it.find("cwd"));
    let directory = written.and_then(Node::text).map_or(".".to_owned(), fill);
    if let Some(env) = options.and_then(|it| it.find("env").or_else(|| it.find("envFile"))) {
        draft.leave_out(env.line, "the variables", "env");
    }
    let Some(directory) = resolve(&words.top, &directory) else {
        return fill(command);
    };
    match way(&home, &directory).as_str() {
        "." => fill(command),
        way => {
            let way = shlex::try_quote(way).map_or_else(|_| way.to_owned(), Into::into);
            format!("cd {way} && {}", fill(command))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, needs, offers, package, task, texts};
    use crate::model::manifest::ForeignTask;

    #[test]
    fn projects_have_targets() {
        let text = r#"{
"$schema": "../../node_modules/nx/schemas/project-schema.json",
"name": "api", "projectType": "application",
"tags": ["scope:shop"], "implicitDependencies": ["db", "!x"],
"targets": {
  "build": {"executor": "@nx/webpack:webpack", "outputs": ["{options.outputPath}"], "options": {"outputPath": "apps/api/dist"}},
  "gen": {"executor": "nx:run-commands", "dependsOn": ["db:gen"], "outputs": ["{workspaceRoot}/{projectRoot}/gen"],
    "options": {"commands": ["a {projectRoot}", {"command": "b"}], "cwd": "{projectRoot}"}},
  "serve": {"command": "go run ./{projectRoot}", "continuous": true},
  "script": {"executor": "nx:run-script"}
}}"#;
        let build = ForeignTask {
            name: "build".into(),
            outputs: Some(texts(&["dist"])),
            ..ForeignTask::default()
        };
        let gen_ = ForeignTask {
            name: "gen".into(),
            run: Some("a apps/api && b".into()),
            needs: Some(texts(&["db:gen"])),
            outputs: Some(texts(&["gen"])),
            is_at_home: true,
            ..ForeignTask::default()
        };
        let serve = ForeignTask {
            name: "serve".into(),
            run: Some("cd ../.. && go run ./apps/api".into()),
            run_at_home: Some("go run ./.".into()),
            is_endless: true,
            ..ForeignTask::default()
        };
        let script = ForeignTask {
            name: "script".into(),
            ..ForeignTask::default()
        };
        let no = "the executor `@nx/webpack:webpack` of `build`";
        check(
            "apps/api/project.json",
            text,
            &[
                (3, package(Ecosystem::Project, Some("api"), Makes::Program)),
                (3, offers(Ecosystem::Project, "api", "apps/api")),
                (4, What::Tag("scope:shop".into())),
                (4, needs(Ecosystem::Project, "db", Tie::Declares)),
                (6, task(build)),
                (6, What::Unsupported(no.into())),
                (7, task(gen_)),
                (9, task(serve)),
                (10, task(script)),
            ],
        );
        check("x/project.json", "{\"version\": \"1\"}", &[]);
    }
}
