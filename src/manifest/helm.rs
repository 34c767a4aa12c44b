//! Helm: charts, and the images that their values name.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::image;
use crate::manifest::place;
use crate::manifest::syntax::node::Node;
use crate::manifest::syntax::yaml;
use crate::model::manifest::{
    Ecosystem::{Helm, Image},
    Makes, Manifest, Tie,
};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

fn knows(name: &str) -> bool {
    name == "Chart.yaml" || is_values(name)
}

fn is_values(name: &str) -> bool {
    let stem = name.strip_suffix(".yaml").or(name.strip_suffix(".yml"));
    let rest = stem.and_then(|it| it.strip_prefix("values"));
    rest.is_some_and(|it| it.is_empty() || it.starts_with(['-', '.', '_']))
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let document = yaml::document(file, text)?;
    let mut facts = Facts::of(file);
    if is_values(place::name(file)) {
        images(&mut facts, &document);
    } else {
        chart(&mut facts, &document);
    }
    Ok(facts.finish())
}

fn chart(facts: &mut Facts, document: &Node) {
    let name = document.find("name");
    let makes = match document.find("type").and_then(Node::text) {
        Some("library") => Makes::Library,
        _ => Makes::Either,
    };
    let line = name.map_or(1, |it| it.line);
    let name = name.and_then(Node::text).map(str::to_owned);
    facts.package(line, Helm, name.as_deref(), makes);
    for dependency in document.find("dependencies").map_or(&[][..], Node::items) {
        let repository = dependency.find("repository");
        let written = repository.and_then(Node::text).unwrap_or_default();
        if let (Some(repository), Some(path)) = (repository, written.strip_prefix("file://")) {
            facts.reads(repository.line, path, Tie::Declares);
        }
    }
}

/// `image: { repository, registry }` and `image: NAME`, however deep.
fn images(facts: &mut Facts, node: &Node) {
    for entry in node.entries() {
        let is_image = entry.name == "image" || entry.name.ends_with("Image");
        if is_image && let Some((line, written)) = written(&entry.node) {
            if let Some(name) = image::name(&written) {
                facts.needs(line, Image, name, Tie::StartsAfter);
            }
        } else {
            images(facts, &entry.node);
        }
    }
    for item in node.items() {
        images(facts, item);
    }
}

fn written(image: &Node) -> Option<(u32, String)> {
    if let Some(text) = image.text() {
        return Some((image.line, text.to_owned()));
    }
    let repository = image.find("repository")?;
    let registry = image.find("registry").and_then(Node::text);
    let name = repository.text()?;
    let whole = match registry.filter(|it| !it.is_empty()) {
        Some(registry) => format!("{registry}/{name}"),
        None => name.to_owned(),
    };
    Some((repository.line, whole))
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const CHART: &str = "apiVersion: v2\nname: cart\ntype: application\ndependencies:\n- name: common\n  \
        repository: file://../common\n- name: redis\n  repository: https://charts.example.test\n";
    pub const VALUES: &str = "image:\n  registry: ghcr.io\n  repository: shop/cart\n  tag: 1\nsidecar:\n  image: proxy:2\n";

    #[test]
    fn a_chart_says_its_name_and_what_lies_beside() {
        let expected = [
            "2: package Helm cart Either",
            "6: reads charts/common Declares",
        ];
        words::check(read, "charts/cart/Chart.yaml", CHART, &expected);
    }

    #[test]
    fn values_need_images() {
        let expected = [
            "3: needs Image ghcr.io/shop/cart StartsAfter",
            "6: needs Image proxy StartsAfter",
        ];
        words::check(read, "charts/cart/values.yaml", VALUES, &expected);
    }
}
