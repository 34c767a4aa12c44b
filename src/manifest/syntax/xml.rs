//! XML: elements with their lines, without namespaces.

use roxmltree::{Document, Node, ParsingOptions};

use crate::manifest::error::Error;
use crate::manifest::syntax::lines::Lines;
use crate::model::path::FilePath;

/// Nobody writes more.
const MOST_NODES: u32 = 2_000_000;

/// A file, taken apart.
pub struct Xml<'a> {
    document: Document<'a>,
    lines: Lines,
}

/// An element of it.
#[derive(Clone, Copy)]
pub struct Element<'x> {
    node: Node<'x, 'x>,
    lines: &'x Lines,
}

impl<'a> Xml<'a> {
    pub fn of(file: &FilePath, text: &'a str) -> Result<Self, Error> {
        let options = ParsingOptions {
            // Entities of a file's own can mean gigabytes, and no manifest has any.
            allow_dtd: false,
            nodes_limit: MOST_NODES,
            ..ParsingOptions::default()
        };
        let document = Document::parse_with_options(text, options)
            .map_err(|error| Error::at(file, error.pos().row, error.to_string()))?;
        let lines = Lines::of(text);
        Ok(Self { document, lines })
    }

    pub fn root(&self) -> Element<'_> {
        Element {
            node: self.document.root_element(),
            lines: &self.lines,
        }
    }
}

impl<'x> Element<'x> {
    pub fn name(self) -> &'x str {
        self.node.tag_name().name()
    }

    pub fn line(self) -> u32 {
        self.lines.at(self.node.range().start)
    }

    /// The elements directly within.
    pub fn elements(self) -> impl Iterator<Item = Element<'x>> {
        let lines = self.lines;
        let all = self.node.children().filter(Node::is_element);
        all.map(move |node| Element { node, lines })
    }

    /// Those directly within that have this name.
    pub fn all(self, name: &str) -> impl Iterator<Item = Element<'x>> {
        self.elements().filter(move |it| it.name() == name)
    }

    /// The first directly within that has this name.
    pub fn find(self, name: &str) -> Option<Element<'x>> {
        self.all(name).next()
    }

    /// What stands at the end of a way through elements.
    pub fn at(self, names: &[&str]) -> Option<Element<'x>> {
        names.iter().try_fold(self, |it, name| it.find(name))
    }

    /// This element and all within, in the order of the file.
    pub fn descendants(self) -> impl Iterator<Item = Element<'x>> {
        let lines = self.lines;
        let all = self.node.descendants().filter(Node::is_element);
        all.map(move |node| Element { node, lines })
    }

    /// Its text, without the space around it; none where it is empty.
    pub fn text(self) -> Option<&'x str> {
        self.node.text().map(str::trim).filter(|it| !it.is_empty())
    }

    /// The text of the first element of this name directly within.
    pub fn text_of(self, name: &str) -> Option<&'x str> {
        self.find(name)?.text()
    }

    pub fn attribute(self, name: &str) -> Option<&'x str> {
        self.node.attribute(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_know_their_lines() {
        let text = "<?xml version='1.0'?>\n<a xmlns='urn:x'>\n <b>\n  t </b>\n</a>";
        let xml = Xml::of(&"x".into(), text).unwrap();
        let b = xml.root().find("b").unwrap();
        assert_eq!((b.line(), b.text()), (3, Some("t")));
    }

    #[test]
    fn hostile_files_are_refused_or_read() {
        let nested = "<a>".repeat(100_000) + &"</a>".repeat(100_000);
        let read =
            |text: &str| Xml::of(&"x".into(), text).map(|xml| xml.root().descendants().count());
        _ = read(&nested);
        let mut bomb = "<!DOCTYPE a [<!ENTITY e0 'lol'>".to_owned();
        for level in 1..30 {
            let inside = format!("&e{};", level - 1).repeat(10);
            bomb += &format!("<!ENTITY e{level} '{inside}'>");
        }
        bomb += "]><a>&e29;</a>";
        assert!(read(&bomb).is_err());
        assert_eq!(read("<a").unwrap_err().line, Some(1));
    }
}
