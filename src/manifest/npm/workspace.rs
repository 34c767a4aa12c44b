//! How pnpm, lerna and rush gather packages: `pnpm-workspace.yaml`, `lerna.json`, `rush.json`.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::node::Node;
use crate::manifest::syntax::{json, yaml};
use crate::model::manifest::{Ecosystem, Manifest, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| matches!(name, "lerna.json" | "pnpm-workspace.yaml" | "rush.json"),
    read,
};

/// What a list of patterns gathers, of which those with `!` leave out.
pub fn gathers(list: &Node) -> What {
    let (excluded, members): (Vec<_>, Vec<_>) = list
        .texts()
        .map(|it| it.1)
        .partition(|it| it.starts_with('!'));
    let owned = |texts: Vec<&str>| texts.into_iter().map(tidy).collect();
    What::Gathers {
        ecosystem: Ecosystem::Npm,
        members: owned(members),
        excluded: owned(excluded),
    }
}

fn tidy(pattern: &str) -> String {
    let pattern = pattern.trim_start_matches('!');
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    match pattern.trim_end_matches('/') {
        "" => ".".to_owned(),
        pattern => pattern.to_owned(),
    }
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    if file.as_bytes().ends_with(b"rush.json") {
        rush(&mut facts, &json::with_comments(file, text)?);
        return Ok(facts.finish());
    }
    let root = match file.as_bytes().ends_with(b".yaml") {
        true => yaml::document(file, text)?,
        false => json::with_comments(file, text)?,
    };
    if let Some(list) = root.find("packages") {
        facts.say(list.line, gathers(list));
    }
    for over in root.find("overrides").map_or(&[][..], Node::entries) {
        let path = over.node.text().unwrap_or_default();
        let path = path.strip_prefix("link:").or(path.strip_prefix("file:"));
        if let Some(path) = path {
            facts.offers_at(over.line, Ecosystem::Npm, &over.name, path);
        }
    }
    Ok(facts.finish())
}

fn rush(facts: &mut Facts, root: &Node) {
    let Some(projects) = root.find("projects") else {
        return;
    };
    let named = projects.items().iter().filter_map(|project| {
        let folder = project.find("projectFolder")?;
        Some((project, folder.line, folder.text()?))
    });
    let named: Vec<_> = named.collect();
    let members = named.iter().map(|it| tidy(it.2)).collect();
    let gathers = What::Gathers {
        ecosystem: Ecosystem::Npm,
        members,
        excluded: Vec::new(),
    };
    facts.say(projects.line, gathers);
    for (project, line, folder) in named {
        if let Some(name) = project.find("packageName").and_then(Node::text) {
            facts.offers_at(line, Ecosystem::Npm, name, folder);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, fault, gathers, offers};
    use Ecosystem::Npm;

    #[test]
    fn patterns_gather_or_leave_out() {
        let text = "packages:\r\n  - 'packages/**'\r\n  - ./apps/web/\r\n  - '!**/test/**'\r\noverrides:\r\n  x: link:./x\r\n  y: 1.0.0\r\n";
        check(
            "pnpm-workspace.yaml",
            text,
            &[
                (
                    2,
                    gathers(Npm, &["packages/**", "apps/web"], &["**/test/**"]),
                ),
                (6, offers(Npm, "x", "x")),
            ],
        );
        check("pnpm-workspace.yaml", "# nothing\n", &[]);
        check(
            "lerna.json",
            "{\n\"packages\": [\"a/*\"], // x\n}",
            &[(2, gathers(Npm, &["a/*"], &[]))],
        );
        assert!(fault("pnpm-workspace.yaml", "packages: [").starts_with("pnpm-workspace.yaml:"));
    }

    #[test]
    fn rush_names_each_project() {
        let text = "/* x */ {\n\"projects\": [\n{\"packageName\": \"@x/a\",\n\"projectFolder\": \"libs/a\"}, {\"projectFolder\": \"b\"}, {}]}";
        check(
            "rush.json",
            text,
            &[
                (2, gathers(Npm, &["libs/a", "b"], &[])),
                (4, offers(Npm, "@x/a", "libs/a")),
            ],
        );
    }
}
