//! The files of the presets that services use.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::config::load::Reading;
use crate::config::load::files::{File, Text, reason};
use crate::config::preset::{self, LookedUp, Preset, Rendered, Uses};
use crate::config::problem::{FileId, Place};
use crate::config::read::At;
use crate::config::service::{self, Context, Head};
use crate::model::name::is_valid;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::suggest::nearest;

impl Reading<'_> {
    /// The files of all presets that services use, by name. `first` is the number of the first of them.
    pub fn presets(&mut self, context: &Context, first: usize) -> BTreeMap<String, File> {
        let mut wanted: BTreeMap<&str, Place> = BTreeMap::new();
        for head in &context.heads {
            if let Some((_, node)) = head.table.find("uses")
                && let Some(uses) = preset::uses(&mut self.findings, node)
            {
                let At { value, place } = uses.preset;
                wanted.entry(value).or_insert(place);
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

    /// What presets give, before tasks are read, and for each service which of that is its own. Services that are alike to
    /// their preset share one.
    pub fn rendered<'p>(
        &mut self,
        heads: &[Head],
        presets: &BTreeMap<String, Preset<'p>>,
    ) -> (Vec<Rendered<'p>>, Vec<Option<u32>>, LookedUp) {
        let users = self.users(heads, presets);
        let there = self.look_up(presets, &users);
        let mut rendered = Vec::new();
        let mut given = vec![None; heads.len()];
        let mut known: HashMap<(&str, String), u32> = HashMap::new();
        let asked = presets.iter().map(|(name, it)| (&**name, it.asked()));
        let asked: HashMap<&str, Vec<String>> = asked.collect();
        let mut texts = preset::Known::default();
        for user in &users {
            let name = user.uses.preset.value;
            let preset = &presets[name];
            let service = (heads[user.head].name, &user.path);
            let values = preset::values(&mut self.findings, preset, &user.uses, service, &there);
            let seen = preset::fingerprint(&values, &asked[name]);
            let next = rendered.len() as u32;
            let at = *known.entry((name, seen)).or_insert(next);
            if at == next {
                let place = user.uses.preset.place;
                let findings = &mut self.findings;
                rendered.push(preset::render(findings, &mut texts, preset, &values, place));
            }
            given[user.head] = Some(at);
        }
        (rendered, given, there)
    }

    /// The services that use a preset which is there.
    fn users<'d>(
        &mut self,
        heads: &[Head<'d>],
        presets: &BTreeMap<String, Preset>,
    ) -> Vec<User<'d>> {
        let mut users = Vec::new();
        for (head, it) in heads.iter().enumerate() {
            if let Some((_, node)) = it.table.find("uses")
                && let Some(uses) = preset::uses(&mut self.findings, node)
                && presets.contains_key(uses.preset.value)
            {
                // Without a path, it is judged as if it were at the root.
                let path = service::path(it).unwrap_or_default();
                users.push(User { head, uses, path });
            }
        }
        users
    }

    /// Looks for all files that parameters are found by, at once.
    fn look_up(&mut self, presets: &BTreeMap<String, Preset>, users: &[User]) -> LookedUp {
        let mut places = HashSet::new();
        for user in users {
            let preset = &presets[user.uses.preset.value];
            preset::places(preset, &user.path, &mut places);
        }
        let places: Vec<FilePath> = places.into_iter().collect();
        match self.source.present(&places) {
            Ok(present) => {
                let there = places.into_iter().zip(present);
                LookedUp(there.filter(|it| it.1).map(|it| it.0).collect())
            }
            Err(error) => {
                let message = format!(
                    "the files that parameters of presets are found by cannot be looked for: {}",
                    reason(&error)
                );
                self.findings.add(Place::new(FileId(0), 0, 0), message);
                LookedUp::default()
            }
        }
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

/// A service that uses a preset.
struct User<'d> {
    /// Its place among the heads.
    head: usize,
    uses: Uses<'d>,
    path: FilePath,
}
