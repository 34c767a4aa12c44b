//! Skaffold: images, what they are built from, and what is deployed with them.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::image;
use crate::manifest::place;
use crate::manifest::syntax::node::Node;
use crate::manifest::syntax::yaml;
use crate::model::manifest::{Ecosystem::Image, Manifest, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

/// Builders that look at no dockerfile.
const WITHOUT_DOCKERFILE: &[&str] = &["jib", "buildpacks", "ko", "bazel", "custom"];

fn knows(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
    let rest = stem.and_then(|it| it.strip_prefix("skaffold"));
    rest.is_some_and(|it| it.is_empty() || it.starts_with(['-', '.', '_']))
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    for document in yaml::documents(file, text)? {
        for other in items(document.find("requires")) {
            for (line, path) in other.find("path").into_iter().flat_map(Node::texts) {
                facts.reads(line, path, Tie::StartsAfter);
            }
        }
        part(&mut facts, &document);
        for profile in items(document.find("profiles")) {
            part(&mut facts, profile);
        }
    }
    Ok(facts.finish())
}

fn items(list: Option<&Node>) -> &[Node] {
    list.map_or(&[], Node::items)
}

/// The whole, or a profile of it.
fn part(facts: &mut Facts, part: &Node) {
    for artifact in items(part.at(&["build", "artifacts"])) {
        built(facts, artifact);
    }
    let lists: [&[&str]; 4] = [
        &["manifests", "rawYaml"],
        &["manifests", "kustomize", "paths"],
        &["deploy", "kubectl", "manifests"],
        &["deploy", "kustomize", "paths"],
    ];
    for list in lists.iter().filter_map(|way| part.at(way)) {
        taken(facts, list);
    }
    for way in ["manifests", "deploy"] {
        for release in items(part.at(&[way, "helm", "releases"])) {
            for key in ["chartPath", "valuesFiles"] {
                release
                    .find(key)
                    .into_iter()
                    .for_each(|it| taken(facts, it));
            }
        }
    }
}

fn taken(facts: &mut Facts, list: &Node) {
    for (line, written) in list.texts().filter(|(_, it)| !it.contains("{{")) {
        facts.reads(line, place::before_pattern(written), Tie::StartsAfter);
    }
}

fn built(facts: &mut Facts, artifact: &Node) {
    let context = artifact.find("context").and_then(Node::text).unwrap_or(".");
    let name = artifact
        .find("image")
        .and_then(|it| Some((it.line, image::name(it.text()?)?)));
    let Some(context) = place::resolve(&facts.directory, context) else {
        return;
    };
    let mut about = context.clone();
    let has_dockerfile = WITHOUT_DOCKERFILE
        .iter()
        .all(|it| artifact.find(it).is_none());
    let dockerfile = artifact.at(&["docker", "dockerfile"]);
    let written = dockerfile.and_then(Node::text).unwrap_or("Dockerfile");
    if has_dockerfile && let Some(dockerfile) = place::resolve(&context, written) {
        about = image::directory(&context, &dockerfile);
        let what = What::BuiltFrom {
            context,
            dockerfile,
        };
        facts.say_of(about.clone(), artifact.line, what);
    }
    if let Some((line, name)) = name {
        facts.offers(line, Image, name, about.clone());
    }
    for other in items(artifact.find("requires"))
        .iter()
        .filter_map(|it| it.find("image"))
    {
        if let Some(name) = other.text().and_then(image::name) {
            let (ecosystem, name, tie) = (Image, name.to_owned(), Tie::Declares);
            let what = What::Needs {
                ecosystem,
                name,
                tie,
            };
            facts.say_of(about.clone(), other.line, what);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = "apiVersion: skaffold/v4beta6\nkind: Config\nrequires:\n- path: ../infra\n---\nkind: Config\nbuild:\n  artifacts:\n  \
        - image: shop/cart:1\n    context: src/cart\n    requires:\n    - image: base\n      alias: BASE\n  - image: mail\n    context: src\n    \
        docker:\n      dockerfile: mail/Dockerfile\n  - image: j\n    context: src/j\n    jib: {}\nmanifests:\n  rawYaml:\n  - ./k8s/*.yaml\n  \
        helm:\n    releases:\n    - name: a\n      chartPath: charts/a\nprofiles:\n- name: p\n  build:\n    artifacts:\n    - image: q\n";

    #[test]
    fn artifacts_say_what_they_are_built_from() {
        words::check(
            read,
            "skaffold.yaml",
            SAMPLE,
            &[
                "9: [src/cart] built from src/cart src/cart/Dockerfile",
                "9: offers Image shop/cart = src/cart",
                "12: [src/cart] needs Image base Declares",
                "14: [src/mail] built from src src/mail/Dockerfile",
                "14: offers Image mail = src/mail",
                "18: offers Image j = src/j",
                "23: reads k8s StartsAfter",
                "27: reads charts/a StartsAfter",
                "32: built from  Dockerfile",
                "32: offers Image q = ",
            ],
        );
    }
}
