//! Kustomize: what a kustomization puts together.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::image;
use crate::manifest::syntax::node::Node;
use crate::manifest::syntax::yaml;
use crate::model::manifest::{Ecosystem::Image, Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

/// Lists of files or directories.
const LISTS: &[&str] = &[
    "resources",
    "bases",
    "components",
    "crds",
    "configurations",
    "generators",
    "transformers",
    "validators",
    "patchesStrategicMerge",
];
/// Lists of tables with a `path`.
const TABLES: &[&str] = &["patches", "patchesJson6902", "replacements"];

fn knows(name: &str) -> bool {
    matches!(
        name,
        "kustomization.yaml" | "kustomization.yml" | "Kustomization"
    )
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let document = yaml::document(file, text)?;
    let mut facts = Facts::of(file);
    let kind = document.find("kind");
    let applied = What::Applied {
        runs: false,
        gives: false,
        // It can only be a part of another kustomization.
        is_template: kind.and_then(Node::text) == Some("Component"),
    };
    facts.say(kind.map_or(1, |it| it.line), applied);
    for list in LISTS.iter().filter_map(|it| document.find(it)) {
        for (line, path) in list.texts() {
            reads(&mut facts, line, path);
        }
    }
    for key in TABLES {
        path_of_each(&mut facts, document.find(key), &["path"]);
    }
    for key in ["configMapGenerator", "secretGenerator"] {
        for generator in items(document.find(key)) {
            for list in ["files", "envs", "env"] {
                let texts = generator.find(list).into_iter().flat_map(Node::texts);
                for (line, written) in texts {
                    let path = written.split_once('=').map_or(written, |it| it.1);
                    reads(&mut facts, line, path);
                }
            }
        }
    }
    charts(&mut facts, &document);
    for entry in items(document.find("images")) {
        let name = entry.find("newName").or(entry.find("name"));
        if let Some(name) = name
            && let Some(text) = name.text().and_then(image::name)
        {
            facts.needs(name.line, Image, text, Tie::StartsAfter);
        }
    }
    Ok(facts.finish())
}

fn items(list: Option<&Node>) -> &[Node] {
    list.map_or(&[], Node::items)
}

fn path_of_each(facts: &mut Facts, list: Option<&Node>, keys: &[&str]) {
    for item in items(list) {
        for path in keys.iter().filter_map(|key| item.find(key)) {
            for (line, path) in path.texts() {
                reads(facts, line, path);
            }
        }
    }
}

/// Charts of the workspace lie in one directory.
fn charts(facts: &mut Facts, document: &Node) {
    let home = document.at(&["helmGlobals", "chartHome"]);
    let home = home.and_then(Node::text).unwrap_or("charts");
    let charts = document.find("helmCharts");
    path_of_each(facts, charts, &["valuesFile", "additionalValuesFiles"]);
    for chart in items(charts).iter().filter(|it| it.find("repo").is_none()) {
        if let Some(name) = chart.find("name")
            && let Some(text) = name.text()
        {
            reads(facts, name.line, &format!("{home}/{text}"));
        }
    }
}

/// Not what comes from elsewhere, or is written in place.
fn reads(facts: &mut Facts, line: u32, path: &str) {
    if !path.contains(['\n', '?']) && !path.starts_with("github.com/") {
        facts.reads(line, path, Tie::StartsAfter);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = "resources:\n- ../../base\n- https://example.test/x.yaml\n- github.com/a/b?ref=1\n\
        patches:\n- path: patch.yaml\n- patch: |-\n    a: b\nconfigMapGenerator:\n- name: a\n  files:\n  - \
        app.toml=../../../config/app.toml\nimages:\n- name: cart\n  newName: shop/cart\nhelmCharts:\n- name: common\n  \
        valuesFile: v.yaml\n";

    #[test]
    fn a_kustomization_takes_what_it_names() {
        words::check(
            read,
            "k8s/overlays/staging/kustomization.yaml",
            SAMPLE,
            &[
                "1: applied",
                "2: reads k8s/base StartsAfter",
                "6: reads k8s/overlays/staging/patch.yaml StartsAfter",
                "12: reads config/app.toml StartsAfter",
                "15: needs Image shop/cart StartsAfter",
                "17: reads k8s/overlays/staging/charts/common StartsAfter",
                "18: reads k8s/overlays/staging/v.yaml StartsAfter",
            ],
        );
    }
}
