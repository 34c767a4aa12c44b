//! What a preset says of the files that tasks of dependents read.

use std::sync::Arc;

use crate::config::keys::TableKind;
use crate::config::merge;
use crate::config::problem::Findings;
use crate::config::read::{self, At, Texts};
use crate::config::tree::Node;
use crate::model::input::{InputRule, Inputs};
use crate::model::path::FilePath;
use crate::model::workspace::Consumed;

/// What tasks of dependents read of any service that uses a preset.
#[derive(Clone, Debug)]
pub struct Consumers {
    /// The patterns begin at the service, whichever it is: so all services share them.
    files: Inputs,
    presets: Option<Arc<[String]>>,
}

impl Consumers {
    /// What they read of a service at `path`.
    pub fn of(&self, path: &FilePath) -> Consumed {
        Consumed {
            files: Inputs::part_of(path.clone(), self.files.clone()),
            presets: self.presets.clone(),
        }
    }
}

/// Reads the list, or the table with `files` and `presets`.
pub fn read(findings: &mut Findings, key: &str, node: Node) -> Option<Consumers> {
    let Some(table) = node.table() else {
        let files = read::texts(findings, key, node)?;
        return consumers(files_of(findings, &files), None);
    };
    let (mut files, mut presets) = (Vec::new(), None);
    for (key, node) in table.iter() {
        match key.text {
            "files" => {
                if let Some(list) = read::texts(findings, key.text, node) {
                    files = files_of(findings, &list);
                }
            }
            "presets" => {
                let list = read::texts(findings, key.text, node);
                let names = list.iter().flat_map(Texts::iter);
                presets = Some(names.map(|it| it.value.to_owned()).collect());
            }
            _ => read::unknown_key(findings, TableKind::Consumers, key),
        }
    }
    consumers(files, presets)
}

fn consumers(files: Vec<InputRule>, presets: Option<Arc<[String]>>) -> Option<Consumers> {
    (!files.is_empty()).then(|| Consumers {
        files: Inputs::new(files),
        presets,
    })
}

fn files_of(findings: &mut Findings, list: &Texts) -> Vec<InputRule> {
    let mut rules = Vec::new();
    for text in list.iter() {
        let (glob, leaves_out) = match text.value.strip_prefix('!') {
            Some(rest) => (rest, true),
            None => (text.value, false),
        };
        if glob.starts_with('/') {
            findings
                .add(text.place, "`consumers` names files of the service alone")
                .hint(
                    "write the pattern without the `/`: it begins at the directory of the service",
                );
            continue;
        }
        let glob = At {
            value: glob,
            ..text
        };
        let pattern = merge::pattern(findings, "consumers", glob, &FilePath::default());
        rules.extend(pattern.map(|it| match leaves_out {
            true => InputRule::Leave(it),
            false => InputRule::Take(it),
        }));
    }
    rules
}
