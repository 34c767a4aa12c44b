//! The files of the presets that services use.

use std::collections::{BTreeMap, BTreeSet};

use crate::config::load::Reading;
use crate::config::load::files::{File, Text, reason};
use crate::config::preset;
use crate::config::problem::{FileId, Place};
use crate::config::read;
use crate::config::service::Context;
use crate::model::name::is_valid;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::suggest::nearest;

impl Reading<'_> {
    /// The files of all presets that services use, by name. `first` is the number of the first of them.
    pub fn presets(&mut self, context: &Context, first: usize) -> BTreeMap<String, File> {
        let mut wanted: BTreeMap<&str, Place> = BTreeMap::new();
        for head in &context.heads {
            if let Some((key, node)) = head.table.find("uses")
                && let Some(name) = read::text_at(&mut self.findings, key.text, node)
            {
                wanted.entry(name.value).or_insert(name.place);
            }
        }
        let mut files = BTreeMap::new();
        for (name, place) in wanted {
            let id = FileId((first + files.len()) as u32);
            if let Some(file) = self.preset(name, place, id) {
                files.insert(name.to_owned(), file);
            }
        }
        files
    }

    pub fn preset(&mut self, name: &str, place: Place, id: FileId) -> Option<File> {
        let path = preset::own_path(name);
        let own = match is_valid(name) {
            true => self.source.read(&path),
            false => Ok(None),
        };
        match own {
            Ok(Some(bytes)) => {
                let text = self.decode(bytes, id);
                return Some(File { path, text });
            }
            Ok(None) => {}
            Err(error) => {
                let message = format!("`{}` cannot be read: {}", path.display(), reason(&error));
                self.findings.add(place, message);
                return None;
            }
        }
        if let Some(text) = preset::embedded(name) {
            return Some(File {
                path: FilePath::from(format!("preset {name}").as_str()),
                text: Text {
                    shown: text.to_owned(),
                    is_whole: true,
                },
            });
        }
        let own = Pattern::new(".svc/presets/*.toml", &FilePath::default());
        let own = own.ok().and_then(|own| self.source.glob(&own).ok());
        let own: Vec<String> = own
            .iter()
            .flatten()
            .filter_map(|path| Some(path.as_path().file_stem()?.to_str()?.to_owned()))
            .collect();
        let embedded = preset::embedded_names().map(str::to_owned);
        let known: BTreeSet<String> = embedded.chain(own).collect();
        let near = nearest(name, known.iter().map(String::as_str));
        let names: Vec<String> = known.iter().cloned().collect();
        let otherwise = format!(
            "there are {}; a workspace adds its own as `.svc/presets/NAME.toml`",
            names.join(", ")
        );
        self.findings
            .add(
                place,
                format!("there is no preset `{}`", name.escape_debug()),
            )
            .did_you_mean(near, &otherwise);
        None
    }
}
