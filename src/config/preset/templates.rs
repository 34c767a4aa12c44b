//! The templates of a preset's tasks, read once for all services that use it.

use std::collections::BTreeSet;

use crate::config::preset::Preset;
use crate::config::preset::render::texts;
use crate::model::template::{self, Compiled, is_template};

/// The templates of one preset.
pub struct Templates<'d> {
    /// The names of the values that any of them asks for.
    pub asked: Vec<String>,
    /// In the order of the file.
    pub texts: Vec<Text<'d>>,
}

/// One text.
pub struct Text<'d> {
    /// Where it begins in the file.
    start: u32,
    /// What is wrong with it otherwise.
    pub template: Result<Compiled<'d>, String>,
    /// Which of all names it asks for, by their places.
    pub asked: Vec<usize>,
}

/// Reads the templates of `preset`.
pub fn templates<'d>(preset: &Preset<'d>) -> Templates<'d> {
    let texts = texts(preset.document).filter(|it| is_template(it.text));
    let texts = texts.map(|it| {
        let template = template::compile(it.way.quoting(), it.text);
        let used = template.as_ref().map(Compiled::used).unwrap_or_default();
        (it.place.start, template, used)
    });
    let mut texts: Vec<_> = texts.collect();
    texts.sort_by_key(|(start, ..)| *start);
    let used: BTreeSet<String> = texts.iter().flat_map(|it| it.2.iter().cloned()).collect();
    let asked = preset.named(&used);
    let texts = texts.into_iter().map(|(start, template, used)| {
        let own = preset.named(&used);
        let places = (0..asked.len()).filter(|at| own.contains(&asked[*at]));
        Text {
            start,
            template,
            asked: places.collect(),
        }
    });
    Templates {
        texts: texts.collect(),
        asked,
    }
}

impl Templates<'_> {
    /// The place of the text that begins at `start` in the file.
    pub fn find(&self, start: u32) -> Option<usize> {
        let found = self.texts.binary_search_by_key(&start, |it| it.start);
        found.ok()
    }
}
