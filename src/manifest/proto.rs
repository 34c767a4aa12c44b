//! Protobuf: what definitions import, and the files of Buf.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::place;
use crate::manifest::syntax::code::{self, Code};
use crate::manifest::syntax::node::Node;
use crate::manifest::syntax::yaml;
use crate::model::manifest::{Ecosystem::Proto, Makes, Manifest, Tie, What};
use crate::model::path::FilePath;

pub fn knows(name: &str) -> bool {
    name.ends_with(".proto") || is_of_buf(name)
}

fn is_of_buf(name: &str) -> bool {
    matches!(name, "buf.yaml" | "buf.work.yaml") || is_generation(name)
}

fn is_generation(name: &str) -> bool {
    name.starts_with("buf.gen.") && name.ends_with("yaml")
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    let name = place::name(file);
    if !is_of_buf(name) {
        definitions(&mut facts, text);
        return Ok(facts.finish());
    }
    let document = yaml::document(file, text)?;
    if is_generation(name) {
        generation(&mut facts, &document);
    } else {
        modules(&mut facts, &document);
    }
    Ok(facts.finish())
}

fn definitions(facts: &mut Facts, text: &str) {
    static IMPORT: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r#"\bimport\s+(?:public\s+|weak\s+)?["'](?P<s>[^"'\n]*)["']\s*;"#)
            .expect("the pattern is well formed")
    });
    static PACKAGE: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(r"(?:^|[;\s])package\s+([\w.]+)\s*;").expect("the pattern is well formed")
    });
    let code = Code::of(text, &code::PROTO);
    if let Some(name) = code.all(&PACKAGE).next().and_then(|it| it.get(1)) {
        let line = code.line(name.start());
        facts.package(line, Proto, Some(name.as_str().to_owned()), Makes::Library);
    }
    for (line, import) in code.strings(&IMPORT) {
        // These come with the compiler.
        if !import.is_empty() && !import.starts_with("google/protobuf/") {
            facts.needs(line, Proto, import, Tie::Declares);
        }
    }
}

/// `buf.yaml` and `buf.work.yaml`.
fn modules(facts: &mut Facts, document: &Node) {
    if let Some(name) = document.find("name")
        && let Some(text) = name.text()
    {
        facts.offers(name.line, Proto, text, facts.directory.clone());
    }
    for (line, name) in document.find("deps").into_iter().flat_map(Node::texts) {
        facts.needs(line, Proto, name, Tie::Declares);
    }
    if let Some(directories) = document.find("directories") {
        let members = directories.texts().map(|it| it.1.to_owned());
        facts.gathers(directories.line, Proto, members.collect());
    }
    if let Some(modules) = document.find("modules") {
        let paths = modules
            .items()
            .iter()
            .filter_map(|it| it.find("path")?.text());
        facts.gathers(modules.line, Proto, paths.map(str::to_owned).collect());
    }
}

/// What is generated reads what it is generated from.
fn generation(facts: &mut Facts, document: &Node) {
    let inputs = document.find("inputs").map_or(&[][..], Node::items);
    let inputs = inputs.iter().filter_map(|it| {
        let input = it.find("directory").or(it.find("proto_file"))?;
        Some((input.line, input.text()?))
    });
    let mut inputs: Vec<_> = inputs.collect();
    if inputs.is_empty() {
        inputs.push((1, "."));
    }
    let plugins = document.find("plugins").map_or(&[][..], Node::items);
    let outs = plugins.iter().filter_map(|it| it.find("out"));
    for out in outs {
        let about = out
            .text()
            .and_then(|it| place::resolve(&facts.directory, it));
        let Some(about) = about else { continue };
        for (_, input) in &inputs {
            if let Some(path) = place::resolve(&facts.directory, input).filter(|it| *it != about) {
                let tie = Tie::Takes;
                facts.say_of(about.clone(), out.line, What::Reads { path, tie });
            }
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = "syntax = \"proto3\";\npackage shop.cart;\n// import \"no.proto\";\nimport \"google/protobuf/any.proto\";\n\
        import public \"shop/money.proto\"; /* import 'x'; */\n";
    pub const GENERATION: &str = "version: v2\ninputs:\n- directory: ../protos\nplugins:\n- local: protoc-gen-go\n  out: gen/go\n";

    #[test]
    fn definitions_need_what_they_import() {
        let expected = [
            "2: package Proto shop.cart Library",
            "5: needs Proto shop/money.proto Declares",
        ];
        testing::check(read, "protos/cart.proto", SAMPLE, &expected);
    }

    #[test]
    fn buf_says_where_definitions_lie_and_go() {
        let text = "version: v1\ndirectories:\n  - a\n  - b\n";
        testing::check(read, "buf.work.yaml", text, &["3: gathers Proto a b"]);
        let text = "name: buf.test/shop/protos\ndeps: [buf.test/x/y]\nmodules:\n- path: p\n";
        let expected = [
            "1: offers Proto buf.test/shop/protos = q",
            "2: needs Proto buf.test/x/y Declares",
            "4: gathers Proto p",
        ];
        testing::check(read, "q/buf.yaml", text, &expected);
        testing::check(
            read,
            "q/buf.gen.yaml",
            GENERATION,
            &["6: [q/gen/go] reads protos Takes"],
        );
    }
}
