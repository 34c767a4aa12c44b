//! Kubernetes: manifests, as far as they name images. They may be templates of something else, so that lines are looked at,
//! not values.

use crate::manifest::Tool;
use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::image;
use crate::model::manifest::{Ecosystem::Image, Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

/// Directories in which manifests are looked for: their files have names of their own.
const DIRECTORIES: &[&str] = &[
    "deploy",
    "deployment",
    "deployments",
    "kube",
    "kustomize",
    "manifests",
    "overlays",
    "templates",
];

/// Whether the file at this path, not only of this name, may be one.
fn knows(path: &str) -> bool {
    let Some((directory, name)) = path.rsplit_once('/') else {
        return false;
    };
    let is_yaml = name.ends_with(".yaml") || name.ends_with(".yml");
    is_yaml
        && directory
            .split('/')
            .any(|it| DIRECTORIES.contains(&it) || it.contains("k8s") || it.contains("kubernetes"))
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    static IMAGE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"^\s*(?:-\s+)?image:\s*["']?([^\s"'#]+)["']?\s*(?:#.*)?$"#)
            .expect("the pattern is well formed")
    });
    let mut facts = Facts::of(file);
    let has = |key: &str| {
        text.lines()
            .any(|line| line.trim_start_matches("- ").starts_with(key))
    };
    if !has("apiVersion:") || !has("kind:") {
        return Ok(facts.finish());
    }
    facts.say(1, applied(text));
    for (line, words) in (1..).zip(text.lines()) {
        let found = IMAGE.captures(words).and_then(|it| it.get(1));
        if let Some(name) = found.and_then(|it| image::name(it.as_str())) {
            facts.needs(line, Image, name, Tie::StartsAfter);
        }
    }
    Ok(facts.finish())
}

fn applied(text: &str) -> What {
    const WORKLOADS: &[&str] = &["Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job"];
    const GIVEN: &[&str] = &["env:", "envFrom:", "volumeMounts:", "command:", "args:"];
    let kinds = text.lines().filter_map(|line| line.strip_prefix("kind:"));
    let mut kinds = kinds.map(|it| it.trim().trim_matches(['"', '\'']));
    What::Applied {
        runs: kinds.any(|it| WORKLOADS.contains(&it)),
        gives: text.lines().any(|line| {
            let key = line.trim_start().trim_start_matches("- ");
            GIVEN.iter().any(|it| key.starts_with(it))
        }),
        is_template: ["{{", "${", "<%"].iter().any(|it| text.contains(it)),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = "apiVersion: apps/v1\nkind: Deployment\nspec:\n  containers:\n  - name: a\n    image: shop/cart:1 # ours\n  \
        - image: \"mail\"\n    image: {{ .Values.image }}\n    imagePullPolicy: Always\n";

    #[test]
    fn manifests_need_the_images_they_name() {
        let file = "deploy/k8s/cart.yaml";
        let expected = [
            "1: applied runs template",
            "6: needs Image shop/cart StartsAfter",
            "7: needs Image mail StartsAfter",
        ];
        words::check(read, file, SAMPLE, &expected);
        words::check(read, file, "image: a\n", &[]);
    }

    #[test]
    fn manifests_are_known_by_their_directories() {
        for path in [
            "k8s/a.yaml",
            "x/kubernetes-manifests/y/a.yml",
            "deploy/a.yaml",
        ] {
            assert!(knows(path), "{path}");
        }
        for path in ["a.yaml", "src/a.yaml", "k8s/a.json", "deploy.yaml"] {
            assert!(!knows(path), "{path}");
        }
    }
}
