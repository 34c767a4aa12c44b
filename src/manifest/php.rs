//! Composer: `composer.json`.

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::json;
use crate::manifest::syntax::node::Node;
use crate::model::manifest::{Ecosystem::Composer, Makes, Manifest, Tie};
use crate::model::path::FilePath;

pub fn knows(name: &str) -> bool {
    name == "composer.json"
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let document = json::strict(file, text)?;
    let mut facts = Facts::of(file);
    let name = document.find("name");
    let line = name.map_or(1, |it| it.line);
    let makes = match document.find("type").and_then(Node::text) {
        Some("project") => Makes::Program,
        Some(_) => Makes::Library,
        None => Makes::Either,
    };
    let name = name.and_then(Node::text).map(str::to_owned);
    facts.package(line, Composer, name, makes);
    for key in ["require", "require-dev"] {
        for entry in document.find(key).map_or(&[][..], Node::entries) {
            // What has no vendor is PHP itself, or a part of it.
            if entry.name.contains('/') {
                facts.needs(entry.line, Composer, &entry.name, Tie::Declares);
            }
        }
    }
    if let Some(repositories) = document.find("repositories") {
        let named = repositories.entries().iter().map(|it| &it.node);
        for repository in repositories.items().iter().chain(named) {
            taken(&mut facts, repository);
        }
    }
    Ok(facts.finish())
}

/// A pattern only says where packages may lie; which are needed is known by their names.
fn taken(facts: &mut Facts, repository: &Node) {
    if repository.find("type").and_then(Node::text) == Some("path")
        && let Some(url) = repository.find("url")
        && let Some(path) = url.text().filter(|it| !it.contains(['*', '?', '{']))
    {
        facts.reads(url.line, path, Tie::Declares);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = "{\n\"name\": \"shop/cart\", \"type\": \"project\",\n\"require\": {\n  \"php\": \">=8\", \"ext-json\": \"*\",\n  \
        \"shop/common\": \"@dev\"},\n\"require-dev\": {\"phpunit/phpunit\": \"*\"},\n\"repositories\": [\n  {\"type\": \"path\", \"url\": \
        \"../../libs/common\"},\n  {\"type\": \"path\", \"url\": \"../../libs/*\"}, {\"type\": \"vcs\", \"url\": \"../x\"}]}";

    #[test]
    fn a_package_says_its_name_and_needs() {
        testing::check(
            read,
            "services/cart/composer.json",
            SAMPLE,
            &[
                "2: package Composer shop/cart Program",
                "5: needs Composer shop/common Declares",
                "6: needs Composer phpunit/phpunit Declares",
                "8: reads libs/common Declares",
            ],
        );
    }
}
