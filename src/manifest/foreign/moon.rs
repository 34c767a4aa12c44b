//! moon: `.moon/workspace.yml`, tasks that projects inherit, and `moon.yml` of a project.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::foreign::moon_task::{Places, input, task};
use crate::manifest::place::directory;
use crate::manifest::syntax::node::Node;
use crate::manifest::syntax::yaml;
use crate::model::manifest::{Ecosystem, Makes, Manifest, Tie, What, Whose};
use crate::model::path::{FilePath, display};

/// Files of `.moon` have names that others use too; where they lie decides when they are read.
pub const TOOL: Tool = Tool {
    knows: |name| {
        let Some(stem) = name.strip_suffix(".yml") else {
            return false;
        };
        let (kind, layer) = stem.rsplit_once('-').unwrap_or((stem, ""));
        FILES.contains(&stem)
            || LANGUAGES.contains(&kind) && LAYERS.contains(&layer)
            || kind == "tag"
    },
    read,
};

const FILES: &[&str] = &["all", "moon", "tasks", "workspace"];

/// Names of files in `.moon/tasks`, for projects of a language or a platform, and of a layer.
const LANGUAGES: &[&str] = &[
    "bash",
    "batch",
    "bun",
    "deno",
    "go",
    "javascript",
    "node",
    "php",
    "python",
    "ruby",
    "rust",
    "system",
    "typescript",
];
const LAYERS: &[&str] = &[
    "",
    "application",
    "automation",
    "configuration",
    "library",
    "scaffolding",
    "tool",
];

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    let path = file.display();
    let mut parts = path.rsplit('/');
    let (name, above) = (parts.next().unwrap_or_default(), parts.next());
    let above_that = parts.next();
    let reader: fn(&mut Facts, &Node, &Whose) = match (above_that, above, name) {
        (_, Some(".moon"), "workspace.yml") => |facts, root, _| workspace(facts, root),
        (_, Some(".moon"), "tasks.yml") | (Some(".moon"), Some("tasks"), _) => inherited,
        (_, _, "moon.yml") => |facts, root, _| project(facts, root),
        _ => return Ok(facts.finish()),
    };
    let root = yaml::document(file, text)?;
    let whose = match (above, name.trim_end_matches(".yml")) {
        (Some("tasks"), "all") | (Some(".moon"), _) => Whose::Everyones,
        (Some("tasks"), stem) => Whose::Tagged(stem.trim_start_matches("tag-").to_owned()),
        _ => Whose::Own,
    };
    match (above, name) {
        (_, "moon.yml") => {}
        (Some("tasks"), _) => facts.directory = directory(&directory(&directory(file))),
        _ => facts.directory = directory(&directory(file)),
    }
    reader(&mut facts, &root, &whose);
    Ok(facts.finish())
}

fn workspace(facts: &mut Facts, root: &Node) {
    let Some(projects) = root.find("projects") else {
        return;
    };
    let globs = projects.find("globs").unwrap_or(projects);
    let sources = projects.find("sources").unwrap_or(projects).entries();
    let named = sources.iter().filter_map(|it| Some((it, it.node.text()?)));
    let named: Vec<_> = named.collect();
    let globs = globs.texts().map(|it| it.1);
    let paths = named.iter().map(|it| it.1);
    let all = globs.chain(paths);
    let (excluded, members): (Vec<_>, Vec<_>) = all.partition(|it| it.starts_with('!'));
    let tidy = |texts: Vec<&str>| {
        let texts = texts.into_iter().map(|it| it.trim_start_matches('!'));
        texts
            .map(|it| it.trim_start_matches("./").to_owned())
            .collect()
    };
    let gathers = What::Gathers {
        ecosystem: Ecosystem::Project,
        members: tidy(members),
        excluded: tidy(excluded),
    };
    facts.say(projects.line, gathers);
    for (entry, path) in named {
        facts.offers_at(entry.line, Ecosystem::Project, &entry.name, path);
    }
}

/// Tasks for all projects, or for those of a kind.
fn inherited(facts: &mut Facts, root: &Node, whose: &Whose) {
    sets(facts, root);
    if let Whose::Tagged(kind) = whose
        && root.find("tasks").is_some()
    {
        let kind = display(kind.as_bytes());
        // Tags are ours too; languages and layers are not, and no project has a tag of that name.
        let words = format!("tasks of all `{kind}` projects, unless they have it as a tag");
        facts.say(1, What::Unsupported(words));
    }
    let places = Places {
        top: facts.directory.clone(),
        project: None,
    };
    for (line, written) in root
        .find("implicitInputs")
        .into_iter()
        .flat_map(Node::texts)
    {
        if let Some(pattern) = input(&places, written).filter(|it| it.starts_with('/')) {
            facts.say(line, What::Global(pattern[1..].to_owned()));
        }
    }
    for entry in root.find("tasks").map_or(&[][..], Node::entries) {
        task(facts, entry, whose.clone(), &places);
    }
}

fn sets(facts: &mut Facts, root: &Node) {
    let places = Places {
        top: FilePath::default(),
        project: None,
    };
    for group in root.find("fileGroups").map_or(&[][..], Node::entries) {
        let patterns = group.node.texts().filter_map(|it| input(&places, it.1));
        let what = What::InputSet {
            name: group.name.clone(),
            patterns: patterns.collect(),
        };
        facts.say(group.line, what);
    }
}

fn project(facts: &mut Facts, root: &Node) {
    let name = root.find("id").and_then(Node::text);
    let layer = root.find("layer").or_else(|| root.find("type"));
    let makes = match layer.and_then(Node::text) {
        Some("application" | "tool" | "automation") => Makes::Program,
        Some("library" | "scaffolding") => Makes::Library,
        Some("configuration") => Makes::Nothing,
        _ => Makes::Either,
    };
    facts.package(1, Ecosystem::Project, name, makes);
    if let Some(name) = name {
        facts.offers_at(1, Ecosystem::Project, name, ".");
    }
    for (line, tag) in root.find("tags").into_iter().flat_map(Node::texts) {
        facts.say(line, What::Tag(tag.to_owned()));
    }
    for needed in root.find("dependsOn").map_or(&[][..], Node::items) {
        let id = needed
            .text()
            .or_else(|| needed.find("id").and_then(Node::text));
        let tie = match needed.find("scope").and_then(Node::text) {
            Some("development") => Tie::Mentions,
            _ => Tie::Declares,
        };
        facts.needs(needed.line, Ecosystem::Project, id.unwrap_or_default(), tie);
    }
    sets(facts, root);
    let places = Places {
        // A project does not know where the top is; it is nearly always that of the workspace.
        top: FilePath::default(),
        project: Some(facts.directory.clone()),
    };
    for entry in root.find("tasks").map_or(&[][..], Node::entries) {
        task(facts, entry, Whose::Own, &places);
    }
    let inherits = root
        .find("workspace")
        .and_then(|it| it.entry("inheritedTasks"));
    if let Some(inherits) = inherits {
        let words = "a choice of tasks that are inherited".to_owned();
        facts.say(inherits.line, What::Unsupported(words));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, fault, gathers, needs, offers, package, task, texts};
    use crate::model::manifest::ForeignTask;
    use Ecosystem::Project;

    #[test]
    fn workspaces_name_projects() {
        check(
            ".moon/workspace.yml",
            "vcs: {}\nprojects:\n  - 'apps/*'\n  - '!apps/x'\n",
            &[(3, gathers(Project, &["apps/*"], &["apps/x"]))],
        );
        check(
            "sub/.moon/workspace.yml",
            "projects:\n  sources:\n    api: apps/api\n  globs: ['libs/*']\n",
            &[
                (2, gathers(Project, &["libs/*", "apps/api"], &[])),
                (3, offers(Project, "api", "sub/apps/api")),
            ],
        );
        check(
            ".moon/workspace.yml",
            "projects:\n  api: './apps/api'\n",
            &[
                (2, gathers(Project, &["apps/api"], &[])),
                (2, offers(Project, "api", "apps/api")),
            ],
        );
        check("roles/tasks.yml", "{{ not yaml", &[]);
        assert!(fault("moon.yml", "a: [").starts_with("moon.yml:"));
    }

    #[test]
    fn projects_have_tasks() {
        let text = r#"layer: application
language: typescript
tags: [web, shop]
dependsOn:
  - ui
  - id: tools
    scope: development
fileGroups:
  sources: ['src/**/*', '/x.json']
tasks:
  build:
    command: vite build
    args: '--mode production'
    deps: ['^:build', '~:gen', 'api:types', '#t:x']
    inputs: ['@group(sources)', '$MODE', '/tsconfig.json', '!src/x']
    outputs: ['dist']
    env: {NODE_ENV: it is}
  dev:
    command: [vite, 'a b']
    preset: server
    options: {runFromWorkspaceRoot: true, cache: false}
"#;
        let build = ForeignTask {
            name: "build".into(),
            run: Some("NODE_ENV='it is' vite build --mode production".into()),
            needs: Some(texts(&["^build", "gen", "api:types"])),
            inputs: Some(texts(&["@sources", "/tsconfig.json", "!src/x"])),
            outputs: Some(texts(&["dist"])),
            env: texts(&["MODE"]),
            ..ForeignTask::default()
        };
        let dev = ForeignTask {
            name: "dev".into(),
            run: Some("cd ../.. && vite 'a b'".into()),
            cache: Some(false),
            is_endless: true,
            ..ForeignTask::default()
        };
        let sources = What::InputSet {
            name: "sources".into(),
            patterns: texts(&["src/**/*", "/x.json"]),
        };
        check(
            "apps/web/moon.yml",
            text,
            &[
                (1, package(Project, None, Makes::Program)),
                (3, What::Tag("web".into())),
                (3, What::Tag("shop".into())),
                (5, needs(Project, "ui", Tie::Declares)),
                (6, needs(Project, "tools", Tie::Mentions)),
                (9, sources),
                (11, task(build)),
                (14, What::Unsupported("the task `#t:x` of `build`".into())),
                (18, task(dev)),
            ],
        );
    }

    #[test]
    fn tasks_are_inherited() {
        let lint = |whose| ForeignTask {
            name: "lint".into(),
            run: Some("eslint .".into()),
            whose,
            ..ForeignTask::default()
        };
        check(
            ".moon/tasks.yml",
            "implicitInputs: ['/.x', 'package.json']\ntasks:\n  lint:\n    command: 'eslint .'\n",
            &[
                (1, What::Global(".x".into())),
                (3, task(lint(Whose::Everyones))),
            ],
        );
        let no = "tasks of all `web` projects, unless they have it as a tag";
        check(
            ".moon/tasks/tag-web.yml",
            "tasks:\n  lint: eslint .\n",
            &[
                (1, What::Unsupported(no.into())),
                (2, task(lint(Whose::Tagged("web".into())))),
            ],
        );
    }
}
