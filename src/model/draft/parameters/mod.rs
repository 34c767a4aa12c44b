//! What services say to their presets: the values of parameters that follow from what a build leaves behind.
//!
//! Only where nothing speaks against it. A build without outputs is run anew each time; one with wrong outputs is broken
//! when it comes from the cache.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use crate::model::draft::Found;
use crate::model::draft::candidate::name_of;
use crate::model::draft::detect::matches;
use crate::model::draft::files::split;
use crate::model::draft::place::Kept;
use crate::model::draft::testing::{Testing, testing};
use crate::model::draft::words::DraftService;
use crate::model::manifest::{Compiling, Fact, Makes, Product, Said, What};
use crate::model::name::ServiceName;
use crate::model::path::{FilePath, ancestors, is_within};
use crate::model::preset::{Filled, Preset, Source};

/// Fills the parameters that presets want filled, as far as nobody said them.
pub fn fill(found: &Found, kept: &Kept, services: &mut [DraftService]) {
    if found.presets.iter().all(|it| it.filled.is_empty()) {
        return;
    }
    let known = Known::new(found, kept);
    let edges = services.iter().flat_map(|it| &it.depends_on);
    let used: BTreeSet<ServiceName> = edges.map(|it| it.to.clone()).collect();
    for (at, service) in services.iter_mut().enumerate() {
        // Where another tool says how it is built, it says what that leaves behind.
        let mut builds = service.tasks.iter().filter(|it| it.0.as_str() == "build");
        if builds.any(|(_, it)| it.run.is_some() || it.outputs.is_some()) {
            continue;
        }
        let runs = service.makes == Makes::Program || !used.contains(&service.name);
        let Some(uses) = &mut service.uses else {
            continue;
        };
        let presets = found.presets.iter();
        let Some(preset) = presets.into_iter().find(|it| it.name == uses.preset) else {
            continue;
        };
        // Whoever uses a library takes it from its sources, or builds it along.
        let is_meant = |it: &&Filled| it.from != Source::Archive || runs;
        for filled in preset.filled.iter().filter(is_meant) {
            let value = known.value(at, &service.path, preset, filled);
            let value = value.filter(|it| filled.default.as_ref() != Some(it));
            if let Some(value) = value {
                let tested = known.testing.get(&at).filter(|_| is_of_tests(filled.from));
                if let Some(testing) = tested {
                    let evidence = testing.evidence.clone();
                    uses.evidence.insert(filled.parameter.clone(), evidence);
                }
                uses.parameters
                    .entry(filled.parameter.clone())
                    .or_insert(value);
            }
        }
    }
}

/// What is said of what builds leave behind.
struct Known<'f> {
    found: &'f Found,
    kept: &'f Kept,
    said: HashMap<&'f FilePath, Vec<(&'f FilePath, Product, &'f Said)>>,
    /// Files that were read, and those of them in which a program begins.
    read: HashSet<&'f FilePath>,
    begins: HashSet<&'f FilePath>,
    compiling: HashMap<&'f FilePath, &'f Compiling>,
    /// The contexts and the Dockerfiles of images, by the directory that they are built for.
    images: HashMap<&'f FilePath, BTreeSet<(&'f FilePath, &'f FilePath)>>,
    testing: HashMap<usize, Testing>,
}

/// The programs of a service, each with the directory of its sources; or the paths of what else is left behind.
#[derive(Debug, Default, PartialEq, Eq)]
struct Products {
    all: BTreeMap<String, String>,
    is_unknown: bool,
}

impl<'f> Known<'f> {
    fn new(found: &'f Found, kept: &'f Kept) -> Self {
        let mut known = Self {
            found,
            kept,
            said: HashMap::new(),
            read: HashSet::new(),
            begins: HashSet::new(),
            compiling: HashMap::new(),
            images: HashMap::new(),
            testing: testing((&found.files, &found.manifests), kept),
        };
        for manifest in &found.manifests {
            let file = &manifest.file;
            known.read.insert(file);
            for Fact { about, what, .. } in &manifest.facts {
                match what {
                    What::Leaves { product, said } => {
                        let of_one = known.said.entry(about).or_default();
                        of_one.push((file, *product, said));
                    }
                    What::BuiltFrom {
                        context,
                        dockerfile,
                    } => {
                        let of_one = known.images.entry(about).or_default();
                        of_one.insert((context, dockerfile));
                    }
                    What::Begins => _ = known.begins.insert(file),
                    What::Compiles(compiling) => _ = known.compiling.insert(file, compiling),
                    _ => {}
                }
            }
        }
        known
    }

    fn value(
        &self,
        at: usize,
        path: &FilePath,
        preset: &Preset,
        filled: &Filled,
    ) -> Option<String> {
        let product = match filled.from {
            Source::ImageContext | Source::ImageFile => return self.image(path, filled.from),
            Source::TestRunner => {
                let testing = self.testing.get(&at);
                return testing.map(|it| it.runner.to_owned());
            }
            Source::TestDirectory => {
                let directory = self.testing.get(&at)?.directory.clone();
                return directory.filter(|it| is_plain(it));
            }
            Source::Program | Source::ProgramSource => Product::Program,
            Source::OutputDirectory => Product::Directory,
            Source::Archive => Product::Archive,
        };
        let products = self.products(at, path, preset, product);
        let mut all = products.all.into_iter();
        let (Some((name, source)), None, false) = (all.next(), all.next(), products.is_unknown)
        else {
            return None;
        };
        match filled.from {
            Source::ProgramSource => Some(source),
            Source::Program => Some(name).filter(|it| !it.contains('/') && is_plain(it)),
            Source::OutputDirectory | Source::Archive => {
                self.within(path, &name).filter(|it| is_plain(it))
            }
            _ => None,
        }
    }

    /// How the one image of a service is built, where its context lies above the service and its file in it.
    fn image(&self, path: &FilePath, from: Source) -> Option<String> {
        let images = self.images.get(path)?;
        let (Some((context, dockerfile)), None) = (images.first(), images.iter().nth(1)) else {
            return None;
        };
        let is_above = is_within(path.as_bytes(), context.as_bytes()) && *context != path;
        let file = dockerfile.as_bytes().strip_prefix(path.as_bytes())?;
        let file = std::str::from_utf8(file.strip_prefix(b"/")?).ok()?;
        let depth = ancestors(path.as_bytes())
            .position(|it| it == context.as_bytes())
            .filter(|_| is_above)?;
        match from {
            Source::ImageContext => Some(vec![".."; depth].join("/")),
            _ => Some(file.to_owned()).filter(|it| is_plain(it)),
        }
    }

    fn products(&self, at: usize, path: &FilePath, preset: &Preset, product: Product) -> Products {
        let mut products = Products::default();
        let of_it = self.said.get(path).into_iter().flatten();
        for (file, _, said) in of_it.filter(|it| it.1 == product) {
            // What another ecosystem makes of the directory is no business of this preset.
            if **said == Said::Unknown {
                products.is_unknown = true;
            } else if is_sign(preset, file) {
                self.add(&mut products, at, path, said);
            }
        }
        // What is left open above, by files of the same kind, is inherited.
        for above in ancestors(path.as_bytes()).skip(1) {
            let above = FilePath::from_bytes(above);
            let said = self.said.get(&above).into_iter().flatten();
            products.is_unknown |= said.into_iter().any(|(file, of, said)| {
                *of == product && **said == Said::Unknown && is_sign(preset, file)
            });
        }
        products
    }

    fn add(&self, products: &mut Products, at: usize, path: &FilePath, said: &Said) {
        let all = &mut products.all;
        match said {
            Said::As(name) => _ = all.insert(name.clone(), ".".to_owned()),
            Said::IfThere { file, name } => {
                let file = resolved(path, file);
                if let Some(file) = file.filter(|it| self.is_there(it)) {
                    let source = match split(file.as_bytes()).0.strip_prefix(path.as_bytes()) {
                        Some([]) | None => ".".to_owned(),
                        Some(below) => format!(
                            "./{}",
                            String::from_utf8_lossy(below).trim_start_matches('/')
                        ),
                    };
                    all.insert(name.clone(), source);
                }
            }
            Said::Each { below, ending } => self.each(products, at, path, (below, ending)),
            Said::Configured { file, follows } => {
                let file = resolved(path, file);
                match file.map(|file| self.configured(&file, *follows, &mut HashSet::new())) {
                    Some(Some(left)) => {
                        for path in left {
                            let shown = path.display();
                            all.insert(format!("/{shown}"), ".".to_owned());
                        }
                    }
                    _ => products.is_unknown = true,
                }
            }
            Said::Unknown => products.is_unknown = true,
        }
    }

    /// Those that files of a directory make, each by its name.
    fn each(
        &self,
        products: &mut Products,
        at: usize,
        path: &FilePath,
        (below, ending): (&str, &str),
    ) {
        let directory = path.join(below.trim_end_matches('/').as_bytes());
        let files = self.found.files.below(directory.as_bytes());
        let files = files.map(|it| self.found.files.at(it));
        let skip = directory.as_bytes().len() + 1;
        let mut without: BTreeSet<&[u8]> = BTreeSet::new();
        for file in files {
            if self.kept.owner(file) != Some(at) {
                continue;
            }
            let rest = &file[skip..];
            let name = rest.strip_suffix(ending.as_bytes());
            match name.filter(|it| !it.contains(&b'/')) {
                Some(name) => {
                    without.remove(name);
                    if !self.is_there(&FilePath::from_bytes(file)) {
                        continue;
                    }
                    let name = String::from_utf8_lossy(name).into_owned();
                    let source = format!("./{below}{name}");
                    products.all.insert(name, source);
                }
                None => {
                    let of = rest.split(|it| *it == b'/').next().unwrap_or_default();
                    if of.len() < rest.len() && ending.starts_with('/') {
                        without.insert(of);
                    }
                }
            }
        }
        // A program may begin there in a file of another name.
        without.retain(|it| !products.all.contains_key(&*String::from_utf8_lossy(it)));
        products.is_unknown |= !without.is_empty();
    }

    /// Whether a file is there, and begins a program if that is known of such files.
    fn is_there(&self, file: &FilePath) -> bool {
        match self.read.contains(file) && is_source(file) {
            true => self.begins.contains(file),
            false => self.found.files.has(file.as_bytes()),
        }
    }

    /// The directories that a compiler leaves behind that goes by `file`. None where that is not known.
    fn configured(
        &self,
        file: &FilePath,
        follows: bool,
        seen: &mut HashSet<FilePath>,
    ) -> Option<BTreeSet<FilePath>> {
        /// Nobody names more.
        const DEEPEST: usize = 32;
        let own = *self.compiling.get(file)?;
        if seen.len() > DEEPEST {
            return None;
        }
        // Files may refer to each other.
        if !seen.insert(file.clone()) {
            return Some(BTreeSet::new());
        }
        let mut chain = vec![own];
        let mut next = 0;
        let mut is_obscure = false;
        while let Some(one) = chain.get(next).copied() {
            is_obscure |= one.is_obscure;
            for base in one.extends.iter().rev() {
                match self.compiling.get(base) {
                    Some(base) if chain.len() <= DEEPEST => chain.push(base),
                    _ => is_obscure = true,
                }
            }
            next += 1;
        }
        let first = |of: fn(&Compiling) -> Option<bool>| chain.iter().find_map(|it| of(it));
        let mut left = BTreeSet::new();
        if own.emits != Some(false) {
            let emits = first(|it| it.emits);
            let remembers = first(|it| it.remembers);
            // What is compiled in parts is whole only with what was there before.
            if is_obscure || remembers == Some(true) || emits != Some(false) && follows {
                return None;
            }
            if emits != Some(false) {
                left.insert(chain.iter().find_map(|it| it.into.clone())?);
            }
        }
        for reference in own.references.iter().filter(|_| follows) {
            let file = match self.compiling.contains_key(reference) {
                true => reference.clone(),
                false => reference.join(b"tsconfig.json"),
            };
            left.extend(self.configured(&file, follows, seen)?);
        }
        Some(left)
    }

    /// `written` as a path within the service, where nothing of the repository lies. One with `/` in front is from the
    /// workspace.
    fn within(&self, path: &FilePath, written: &str) -> Option<String> {
        let whole = match written.strip_prefix('/') {
            Some(whole) => FilePath::from(whole),
            None => resolved(path, written)?,
        };
        let below = match path.is_root() {
            true => whole.as_bytes(),
            false => whole
                .as_bytes()
                .strip_prefix(path.as_bytes())?
                .strip_prefix(b"/")?,
        };
        let is_free = !below.is_empty()
            && !self.found.files.has(whole.as_bytes())
            && !self.found.files.has_below(whole.as_bytes());
        let text = std::str::from_utf8(below).ok()?;
        is_free.then(|| text.to_owned())
    }
}

fn is_of_tests(from: Source) -> bool {
    matches!(from, Source::TestRunner | Source::TestDirectory)
}

/// Whether the preset knows directories by this file.
fn is_sign(preset: &Preset, file: &FilePath) -> bool {
    let name = name_of(file);
    let detect = preset.detect.iter();
    let mut signs = detect.flat_map(|it| it.any.iter().chain(&it.all));
    signs.any(|it| matches(it.as_bytes(), name.as_bytes()))
}

/// Whether such files are read for whether a program begins in them.
fn is_source(file: &FilePath) -> bool {
    file.as_bytes().ends_with(b".go")
}

/// Whether a name or a path holds nothing that commands or lists of files could take for something else.
pub fn is_plain(text: &str) -> bool {
    let is_usual = |it: char| it.is_ascii_alphanumeric() || "._-+@/*".contains(it);
    let is_part = |it: &str| !it.is_empty() && !it.starts_with('-') && it != "." && it != "..";
    text.chars().all(is_usual) && text.split('/').all(is_part)
}

/// What `written` means in `directory`. None where it leads out of the workspace.
fn resolved(directory: &FilePath, written: &str) -> Option<FilePath> {
    if written.starts_with('/') {
        return None;
    }
    directory.resolve(written.as_bytes())
}

#[cfg(test)]
mod tests;
