//! `uses` of a service: a preset, and what is said of its parameters.

use crate::config::problem::Findings;
use crate::config::read::{self, At};
use crate::config::tree::{Key, Node};

/// The preset that a service names.
#[derive(Clone, Debug)]
pub struct Uses<'d> {
    pub preset: At<&'d str>,
    pub parameters: Vec<(Key<'d>, Node<'d>)>,
}

/// Reads `uses`: the name of a preset alone, or a table.
pub fn uses<'d>(findings: &mut Findings, node: Node<'d>) -> Option<Uses<'d>> {
    let Some(table) = node.table() else {
        if node.text().is_none() {
            let expected = "the name of a preset, or a table with `preset`";
            read::wrong_type(findings, "uses", node, expected);
            return None;
        }
        let preset = read::text_at(findings, "uses", node)?;
        return Some(Uses {
            preset,
            parameters: Vec::new(),
        });
    };
    let Some((key, preset)) = table.find("preset") else {
        findings
            .add(table.place, "`uses` names no preset")
            .hint("add `preset = \"…\"`; the other keys are its parameters")
            .absence();
        return None;
    };
    let preset = read::text_at(findings, key.text, preset)?;
    let parameters = table.iter().filter(|(key, _)| key.text != "preset");
    Some(Uses {
        preset,
        parameters: parameters.collect(),
    })
}
