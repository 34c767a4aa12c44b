//! The files of the presets that services use.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use rayon::iter::{IntoParallelRefIterator, ParallelIterator};

use crate::config::load::Reading;
use crate::config::load::files::{File, Text, reason};
use crate::config::load::parts::in_parts;
use crate::config::preset::{self, Given, LookedUp, Preset, Rendered, Templates, Uses, Wanted};
use crate::config::problem::{FileId, Findings, Place};
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
        let templates = presets.par_iter();
        let templates: BTreeMap<&str, Templates> = templates
            .map(|(name, it)| (&**name, preset::templates(it)))
            .collect();
        let parts = in_parts(&users, |_, users| {
            render(users, presets, &templates, &there)
        });
        let mut all = Vec::new();
        let mut given = vec![None; heads.len()];
        for part in parts {
            let first = all.len() as u32;
            for (head, at) in part.given {
                given[head] = Some(first + at);
            }
            all.extend(part.rendered);
            self.findings.0.extend(part.findings.0);
        }
        (all, given, there)
    }

    /// The tasks that presets give, from what was rendered.
    pub fn given<'r>(&mut self, rendered: &'r [Rendered<'r>]) -> Vec<Given<'r>> {
        let parts = in_parts(rendered, |_, rendered| {
            let mut findings = Findings::default();
            let given = rendered.iter().map(|it| preset::tasks(&mut findings, it));
            let given: Vec<Given> = given.collect();
            (findings, given)
        });
        let mut all = Vec::with_capacity(rendered.len());
        for (findings, given) in parts {
            self.findings.0.extend(findings.0);
            all.extend(given);
        }
        all
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
                users.push(User {
                    head,
                    name: it.name,
                    uses,
                    path,
                });
            }
        }
        users
    }

    /// Looks for all files that parameters are found by, at once.
    fn look_up(&mut self, presets: &BTreeMap<String, Preset>, users: &[User]) -> LookedUp {
        let mut wanted = Wanted::default();
        for user in users {
            wanted.add(&presets[user.uses.preset.value], &user.path);
        }
        match self.source.present(&wanted.paths()) {
            Ok(present) => wanted.found(present),
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
    name: &'d str,
    uses: Uses<'d>,
    path: FilePath,
}

/// What presets give to some of the services.
#[derive(Default)]
struct Part<'p> {
    findings: Findings,
    rendered: Vec<Rendered<'p>>,
    /// For each service, which of that.
    given: Vec<(usize, u32)>,
}

fn render<'p>(
    users: &[User],
    presets: &BTreeMap<String, Preset<'p>>,
    templates: &BTreeMap<&str, Templates<'p>>,
    there: &LookedUp,
) -> Part<'p> {
    let mut part = Part::default();
    let mut known: HashMap<&str, Alike> = HashMap::new();
    for user in users {
        let At { value: name, place } = user.uses.preset;
        let preset = &presets[name];
        let alike = known.entry(name).or_insert_with(|| Alike {
            texts: preset::Known::new(&templates[name]),
            wholes: HashMap::new(),
        });
        let findings = &mut part.findings;
        let service = (user.name, &user.path);
        let values = preset::values(findings, preset, &user.uses, service, there);
        let numbers = alike.texts.numbers(&values);
        let at = match alike.wholes.get(&numbers) {
            Some(at) => *at,
            None => {
                let seen = (&values, &*numbers);
                let made = preset::render(findings, &mut alike.texts, preset, seen, place);
                part.rendered.push(made);
                let at = part.rendered.len() as u32 - 1;
                alike.wholes.insert(numbers, at);
                at
            }
        };
        part.given.push((user.head, at));
    }
    part
}

/// What is known of the services that use one preset.
struct Alike<'t, 'p> {
    texts: preset::Known<'t, 'p>,
    /// What was made of the whole, by the numbers of all values that are asked for.
    wholes: HashMap<Box<[u32]>, u32>,
}
