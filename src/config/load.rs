//! From files to a checked workspace, or to everything that is wrong with them.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::io;
use std::sync::Arc;

use crate::config::check::{self, Read};
use crate::config::faults;
use crate::config::halves::{Halves, parse_halves};
use crate::config::keys::TableKind;
use crate::config::merge;
use crate::config::outputs;
use crate::config::parse;
use crate::config::preset;
use crate::config::problem::{FileId, Findings, Invalid, Place, Report, Sources};
use crate::config::read::{self, At};
use crate::config::root::{self, Root};
use crate::config::service::{self, Context, Head};
use crate::config::source::{FILE, Source, is_skipped};
use crate::config::target;
use crate::config::tree::{Document, TableNode};
use crate::model::name::is_valid;
use crate::model::path::{FilePath, ancestors};
use crate::model::pattern::Pattern;
use crate::model::suggest::nearest;
use crate::model::target::Target;
use crate::model::workspace::{Settings, Workspace};

/// Below this many services, threads cost more than they save.
const WORTH_THREADS: usize = 300;
const THREADS: usize = 2;

/// A workspace that is valid.
#[derive(Debug)]
pub struct Loaded {
    pub workspace: Workspace,
    /// What is odd in it.
    pub warnings: Report,
}

/// A file that was read.
struct File {
    path: FilePath,
    text: Text,
}

/// The text of a file, as far as it is text.
#[derive(Default)]
struct Text {
    shown: String,
    is_whole: bool,
}

impl Text {
    /// The text, if all of it is.
    fn whole(&self) -> &str {
        if self.is_whole { &self.shown } else { "" }
    }
}

/// Reads the workspace of `source`.
///
/// # Errors
/// Every problem of its files.
pub fn load(source: &dyn Source) -> Result<Loaded, Invalid> {
    let mut reading = Reading {
        source,
        findings: Findings::default(),
        warnings: Findings::default(),
        is_damaged: false,
        hidden: Vec::new(),
    };
    let mut files = Vec::new();
    let workspace = reading.workspace(&mut files);
    let mut sources = Sources::default();
    for file in files {
        sources.add(file.path, file.text.shown);
    }
    for place in &reading.hidden {
        sources.hide(*place);
    }
    let report = |findings: Findings, sources| Report {
        problems: tidy(findings, reading.is_damaged),
        sources,
    };
    match workspace {
        Some(workspace) if reading.findings.0.is_empty() => Ok(Loaded {
            workspace,
            warnings: report(reading.warnings, sources),
        }),
        _ => Err(Invalid(Box::new(report(reading.findings, sources)))),
    }
}

/// Puts problems in the order of the file, each one once. Where lines could not be read, things that seem to be missing may
/// stand in just those lines, so nothing is said of them.
fn tidy(findings: Findings, is_damaged: bool) -> Vec<crate::config::problem::Problem> {
    let mut problems = findings.0;
    if is_damaged {
        problems.retain(|problem| !problem.is_absence);
    }
    problems.sort_by_key(|problem| problem.place);
    let mut seen = HashSet::new();
    problems.retain(|problem| seen.insert((problem.place, problem.message.clone())));
    problems
}

struct Reading<'s> {
    source: &'s dyn Source,
    findings: Findings,
    warnings: Findings,
    /// Whether a file or a line could not be read.
    is_damaged: bool,
    /// Values of variables, which are never shown.
    hidden: Vec<Place>,
}

impl Reading<'_> {
    /// The workspace, and every file that was read for it in `files`, so that problems can show their lines.
    fn workspace(&mut self, files: &mut Vec<File>) -> Option<Workspace> {
        let path = FilePath::from(FILE);
        let text = self.required(&path, FileId(0), Place::new(FileId(0), 0, 0));
        let first = File {
            path,
            text: text.unwrap_or_default(),
        };
        let halves = self.parse_halves(FileId(0), &first.text);
        let document = &halves.first;
        if !first.text.is_whole {
            drop(halves);
            files.push(first);
            return None;
        }
        let mut more = Vec::new();
        let workspace = match root::check_version(&mut self.findings, document) {
            true => self.rest(&halves, &mut more),
            false => None,
        };
        if !self.findings.0.is_empty() || !self.warnings.0.is_empty() {
            let halves = halves.rest.iter().chain([document]);
            halves.for_each(|it| hide_values(it.root(), &mut self.hidden));
        }
        drop(halves);
        files.push(first);
        files.append(&mut more);
        workspace
    }

    /// Everything once the first file is known to be of this version. Included files and presets end up in `files`.
    fn rest<'d>(&mut self, halves: &'d Halves<'d>, files: &mut Vec<File>) -> Option<Workspace> {
        let root = root::read(&mut self.findings, &halves.first);
        let included = self.included(&root.include);
        let documents: Vec<Document> = (1..)
            .zip(&included)
            .map(|(id, file)| self.parse(FileId(id), &file.text))
            .collect();
        let bases: Vec<FilePath> = included.iter().map(|file| parent(&file.path)).collect();
        let mut context = Context {
            defaults: root.defaults.clone(),
            pools: root.settings.pools.clone(),
            environments: root.settings.environments.clone(),
            environment_tables: halves
                .first
                .root()
                .find("environments")
                .and_then(|(_, node)| node.table()),
            ..Context::default()
        };
        let top = FilePath::default();
        let rest = halves.rest.iter();
        let rest = rest.filter_map(|rest| rest.root().find("services")?.1.table());
        for services in root.services.into_iter().chain(rest) {
            self.heads(services, &top, &mut context);
        }
        for (document, base) in documents.iter().zip(&bases) {
            for (key, node) in document.root().iter() {
                if key.text != "services" {
                    read::unknown_key(&mut self.findings, TableKind::Included, key);
                } else if let Some(services) = read::table(&mut self.findings, key.text, node) {
                    self.heads(services, base, &mut context);
                }
            }
        }
        let presets = self.presets(&context, 1 + included.len());
        let preset_documents: Vec<Document> = (1 + included.len() as u32..)
            .zip(presets.values())
            .map(|(id, file)| self.parse(FileId(id), &file.text))
            .collect();
        for (name, document) in presets.keys().zip(&preset_documents) {
            let preset = preset::read(&mut self.findings, document);
            context.presets.insert(name.clone(), preset);
        }
        let paths = included.iter().map(|file| &file.path);
        let own = presets.values().map(|file| &file.path);
        let own = own.filter(|path| path.as_bytes().starts_with(b".svc/"));
        let paths: Vec<FilePath> = paths.chain(own).cloned().collect();
        let first = 1 + included.len() + presets.len();
        let mut targets = Vec::new();
        let workspace = self.services(root, &context, paths, first, &mut targets);
        if !self.findings.0.is_empty() {
            for document in documents.iter().chain(&preset_documents) {
                hide_values(document.root(), &mut self.hidden);
            }
        }
        drop(context);
        drop(documents);
        drop(preset_documents);
        files.extend(included);
        files.extend(presets.into_values());
        files.extend(targets);
        workspace
    }

    fn services(
        &mut self,
        root: Root,
        context: &Context,
        mut paths: Vec<FilePath>,
        first: usize,
        target_files: &mut Vec<File>,
    ) -> Option<Workspace> {
        let read = read_services(&mut self.findings, context);
        check::paths(&mut self.findings, context, &read);
        self.odd(context, &root, &read);
        self.check_overrides(context);
        let targets = self.targets(&root.settings, &read, first, target_files);
        let own = target_files.iter().map(|file| &file.path);
        paths.extend(
            own.filter(|it| it.as_bytes().starts_with(b".svc/"))
                .cloned(),
        );
        paths.insert(0, FilePath::from(FILE));
        let names = root.include.iter().map(|it| it.value);
        let names = names.chain([FILE, preset::OWN, target::OWN]);
        let top = FilePath::default();
        let definition = names.filter_map(|it| Pattern::new(it, &top).ok());
        let settings = Settings {
            files: self.with_targets(paths),
            definition: definition.collect(),
            targets,
            ..root.settings
        };
        let services = read.into_iter().map(|(_, service)| service).collect();
        let workspace = Workspace::new(settings, services);
        let known = self.target_names(&workspace);
        // The file system is slow to answer, and what else is to do needs no answer from it.
        let found = std::thread::scope(|scope| {
            let decided = scope.spawn(|| {
                let mut findings = Findings::default();
                check::circles(&mut findings, context, &workspace);
                outputs::check(&mut findings, context, &workspace);
                let mut deploys = faults::check(context, &workspace, &known);
                findings.0.append(&mut deploys.0);
                findings
            });
            let directories = check::directories(self.source, context, &workspace);
            let links = outputs::links(self.source, context, &workspace);
            let decided = decided.join();
            let decided = decided.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            [decided, directories, links]
        });
        for mut findings in found {
            self.findings.0.append(&mut findings.0);
        }
        self.findings.0.is_empty().then_some(workspace)
    }

    /// `paths`, and the files that they lead to where they are symbolic links: a change there is one of the definition.
    fn with_targets(&mut self, mut paths: Vec<FilePath>) -> Vec<FilePath> {
        for at in 0..paths.len() {
            match self.source.real(&paths[at]) {
                Ok(Some(real)) if real != paths[at] && !paths.contains(&real) => paths.push(real),
                Ok(None) => {
                    let shown = paths[at].display();
                    let message = format!("`{shown}` is a link that leads out of the workspace");
                    self.findings
                        .add(Place::new(FileId(0), 0, 0), message)
                        .hint(
                            "put a file into its place: what changes elsewhere would not be seen",
                        );
                }
                // What is gone meanwhile is told by whoever reads it the next time.
                _ => {}
            }
        }
        paths
    }

    /// Defaults that no service takes up.
    fn odd(&mut self, context: &Context, root: &Root, services: &[Read]) {
        for (name, task) in &root.defaults {
            let is_used = services
                .iter()
                .any(|(_, service)| service.tasks.contains_key(*name));
            if !is_used && !services.is_empty() {
                let near = nearest(name, context.task_names());
                self.warnings
                    .add(task.place, format!("no service has a task `{name}`"))
                    .did_you_mean(near, "`[tasks]` holds defaults; it creates no task");
            }
        }
    }

    /// Deploys speak of environments that exist.
    fn check_overrides(&mut self, context: &Context) {
        let known = |name: &str| name == "local" || context.environments.contains_key(name);
        let mut unknown = Vec::new();
        for head in &context.heads {
            let deploy = head.table.find("deploy").and_then(|(_, it)| it.table());
            let env = deploy.and_then(|table| table.find("env"));
            let env = env.and_then(|(_, node)| node.table());
            let keys = env.into_iter().flat_map(|table| table.iter());
            unknown.extend(keys.map(|(key, _)| key).filter(|key| !known(key.text)));
        }
        for key in unknown {
            let names = context.environments.keys().map(|name| name.as_str());
            let near = nearest(key.text, names.chain(["local"]));
            let message = format!("there is no environment `{}`", key.text.escape_debug());
            self.findings
                .add(key.place, message)
                .did_you_mean(
                    near,
                    "declare it as `[environments.…]`, or correct the name",
                )
                .absence();
        }
    }

    fn parse<'t>(&mut self, id: FileId, text: &'t Text) -> Document<'t> {
        let (document, errors) = parse::parse(id, text.whole());
        self.note(errors);
        document
    }

    /// The same, for a file that may be long.
    fn parse_halves<'t>(&mut self, id: FileId, text: &'t Text) -> Halves<'t> {
        let (halves, errors) = parse_halves(id, text.whole());
        self.note(errors);
        halves
    }

    fn note(&mut self, errors: Vec<parse::SyntaxError>) {
        for error in errors {
            self.is_damaged |= error.earlier.is_none();
            let problem = self.findings.add(error.place, error.message);
            if let Some(earlier) = error.earlier {
                problem
                    .related(earlier, "the first one")
                    .hint("remove one of the two, or put their keys together");
            }
        }
    }

    /// The text of a file that has to exist; problems with it are marked at `place`.
    fn required(&mut self, path: &FilePath, id: FileId, place: Place) -> Option<Text> {
        let shown = path.display();
        let bytes = match self.source.read(path) {
            Ok(Some(bytes)) => bytes,
            Ok(None) => {
                self.is_damaged = true;
                let message = format!("the file `{shown}` does not exist");
                let problem = self.findings.add(place, message);
                match path.as_bytes() == FILE.as_bytes() {
                    true => problem.hint("create it at the top of the workspace"),
                    false => problem.hint("correct the path in `include`, or remove it"),
                };
                return None;
            }
            Err(error) => {
                self.is_damaged = true;
                let reason = reason(&error);
                self.findings
                    .add(place, format!("`{shown}` cannot be read: {reason}"));
                return None;
            }
        };
        Some(self.decode(bytes, id))
    }

    /// The text that bytes are. Where they are not text, nothing is left of them.
    fn decode(&mut self, bytes: Vec<u8>, id: FileId) -> Text {
        match String::from_utf8(bytes) {
            Ok(shown) => Text {
                shown,
                is_whole: true,
            },
            Err(error) => {
                self.is_damaged = true;
                let at = error.utf8_error().valid_up_to() as u32;
                let wide = matches!(error.as_bytes(), [0xff, 0xfe, ..] | [0xfe, 0xff, ..]);
                self.findings
                    .add(Place::new(id, at, at), "the file is not UTF-8 text")
                    .label("the first byte that does not fit")
                    .hint(match wide {
                        true => "it looks like UTF-16; save it as UTF-8",
                        false => "save it as UTF-8",
                    });
                // The part that can be read shows where the rest begins.
                let mut bytes = error.into_bytes();
                bytes.truncate(at as usize);
                let mut shown = String::from_utf8(bytes).unwrap_or_default();
                shown.push('\u{fffd}');
                Text {
                    shown,
                    is_whole: false,
                }
            }
        }
    }

    /// The files that `include` names, sorted.
    fn included(&mut self, include: &[At<&str>]) -> Vec<File> {
        let mut found: BTreeMap<FilePath, Place> = BTreeMap::new();
        for text in include {
            for path in self.matches(*text) {
                found.entry(path).or_insert(text.place);
            }
        }
        let mut files = Vec::new();
        for (path, place) in found {
            let id = FileId(files.len() as u32 + 1);
            if let Some(text) = self.required(&path, id, place) {
                files.push(File { path, text });
            }
        }
        files
    }

    fn matches(&mut self, text: At<&str>) -> Vec<FilePath> {
        let top = FilePath::default();
        let Some(pattern) = merge::pattern(&mut self.findings, "include", text, &top) else {
            return Vec::new();
        };
        if pattern.is_literal() {
            let path = FilePath::from(pattern.as_str());
            if path.as_bytes() == FILE.as_bytes() {
                self.findings
                    .add(text.place, "the file includes itself")
                    .hint("remove it from `include`");
                return Vec::new();
            }
            return vec![path];
        }
        let paths = match self.source.glob(&pattern) {
            Ok(paths) => paths,
            Err(error) => {
                let message = format!(
                    "the files of `{}` cannot be found: {}",
                    text.value.escape_debug(),
                    reason(&error)
                );
                self.is_damaged = true;
                self.findings.add(text.place, message);
                return Vec::new();
            }
        };
        let literal = pattern.literal().len();
        let paths: Vec<FilePath> = paths
            .into_iter()
            .filter(|path| path.as_bytes() != FILE.as_bytes() && !is_within_skipped(path, literal))
            .collect();
        if paths.is_empty() {
            let message = format!("`{}` matches no file", text.value.escape_debug());
            self.is_damaged = true;
            self.findings
                .add(text.place, message)
                .hint("correct the pattern in `include`, or remove it");
        }
        paths
    }

    /// Notes every service of a file in `context`.
    fn heads<'d>(
        &mut self,
        services: TableNode<'d>,
        base: &'d FilePath,
        context: &mut Context<'d>,
    ) {
        context.heads.reserve(services.len());
        context.by_name.reserve(services.len());
        for (key, node) in services.iter() {
            if !read::name(&mut self.findings, "a service", key) {
                continue;
            }
            let Some(table) = read::table(&mut self.findings, key.text, node) else {
                continue;
            };
            let at = context.heads.len() as u32;
            if let Some(first) = context.by_name.get(key.text) {
                let first = context.heads[*first as usize].key.place;
                self.findings
                    .add(
                        key.place,
                        format!("the service `{}` is declared twice", key.text),
                    )
                    .related(first, "the first one")
                    .hint("give one of them another name");
                continue;
            }
            context.by_name.insert(key.text, at);
            context.heads.push(Head {
                name: key.text,
                key,
                table,
                base,
            });
        }
    }

    /// The files of all presets that services use, by name. `first` is the number of the first of them.
    fn presets(&mut self, context: &Context, first: usize) -> BTreeMap<String, File> {
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

    /// The targets that environments and deploys name, and the one of `local`. Their files end up in `files`, the first of
    /// them with the number `first`.
    fn targets(
        &mut self,
        settings: &Settings,
        services: &[Read],
        first: usize,
        files: &mut Vec<File>,
    ) -> BTreeMap<String, Arc<Target>> {
        let environments = settings.environments.values();
        let mut wanted: BTreeSet<&str> =
            environments.filter_map(|it| it.target.as_deref()).collect();
        for (_, service) in services {
            let deploy = service
                .tasks
                .get("deploy")
                .and_then(|it| it.deploy.as_deref());
            let overrides = deploy.into_iter().flat_map(|deploy| deploy.env.values());
            let deploys = deploy.into_iter().chain(overrides);
            wanted.extend(deploys.filter_map(|it| it.target.as_deref()));
        }
        if services.iter().any(|(_, service)| service.serve.is_some()) {
            wanted.insert(target::PROCESS);
        }
        let mut targets = BTreeMap::new();
        for name in wanted {
            let id = FileId((first + files.len()) as u32);
            let Some((file, is_own)) = self.target_file(name, id) else {
                continue;
            };
            let own = is_own.then_some(file.text.shown.as_str());
            let document = self.parse(id, &file.text);
            let read = target::read(&mut self.findings, name, &document, own);
            drop(document);
            targets.insert(name.to_owned(), Arc::new(read));
            files.push(file);
        }
        targets
    }

    /// The file of a target, and whether it is the workspace's own.
    fn target_file(&mut self, name: &str, id: FileId) -> Option<(File, bool)> {
        let path = target::own_path(name);
        let own = match is_valid(name) && name != target::PROCESS {
            true => self.source.read(&path),
            false => Ok(None),
        };
        match own {
            Ok(Some(bytes)) => {
                let text = self.decode(bytes, id);
                return Some((File { path, text }, true));
            }
            Ok(None) => {}
            Err(error) => {
                let message = format!("`{}` cannot be read: {}", path.display(), reason(&error));
                self.findings.add(Place::new(FileId(0), 0, 0), message);
            }
        }
        let text = target::embedded(name)?;
        let file = File {
            path: FilePath::from(format!("target {name}").as_str()),
            text: Text {
                shown: text.to_owned(),
                is_whole: true,
            },
        };
        Some((file, false))
    }

    /// The names of all targets, where one of them may be asked for.
    fn target_names(&self, workspace: &Workspace) -> BTreeSet<String> {
        let embedded = target::embedded_names().map(str::to_owned);
        let settings = workspace.settings();
        let all_known = settings.environments.is_empty() && settings.targets.is_empty();
        let own = Pattern::new(".svc/targets/*.toml", &FilePath::default());
        let own = own.ok().filter(|_| !all_known);
        let own = own.and_then(|own| self.source.glob(&own).ok());
        let own = own.iter().flatten();
        let own = own.filter_map(|path| Some(path.as_path().file_stem()?.to_str()?.to_owned()));
        embedded.chain(own).collect()
    }

    fn preset(&mut self, name: &str, place: Place, id: FileId) -> Option<File> {
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

/// Reads all services, the problems in the order of the files.
fn read_services(findings: &mut Findings, context: &Context) -> Vec<Read> {
    let read = |start: usize, heads: &[Head]| {
        let mut findings = Findings::default();
        let mut services = Vec::with_capacity(heads.len());
        for (at, head) in (start as u32..).zip(heads) {
            let service = service::read(&mut findings, context, head);
            services.extend(service.map(|service| (at, service)));
        }
        (findings, services)
    };
    let heads = &context.heads;
    if heads.len() < WORTH_THREADS {
        let (mut found, services) = read(0, heads);
        findings.0.append(&mut found.0);
        return services;
    }
    let size = heads.len().div_ceil(THREADS);
    let mut all = Vec::with_capacity(heads.len());
    std::thread::scope(|scope| {
        let parts: Vec<_> = heads
            .chunks(size)
            .enumerate()
            .map(|(part, heads)| scope.spawn(move || read(part * size, heads)))
            .collect();
        for part in parts {
            let part = part.join();
            let (mut found, mut services) =
                part.unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            findings.0.append(&mut found.0);
            all.append(&mut services);
        }
    });
    all
}

/// Whether a directory below the fixed part of a pattern is one that includes do not look into.
fn is_within_skipped(path: &FilePath, literal: usize) -> bool {
    let rest = path.as_bytes().get(literal..).unwrap_or_default();
    let parent = FilePath::from_bytes(rest);
    let parent = parent.as_path().parent();
    parent.is_some_and(|parent| parent.iter().any(is_skipped))
}

fn parent(path: &FilePath) -> FilePath {
    FilePath::from_bytes(ancestors(path.as_bytes()).nth(1).unwrap_or_default())
}

fn reason(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::IsADirectory => "it is a directory".into(),
        _ => error.to_string(),
    }
}

/// Notes where values of variables stand: in tables named `env`, and behind `=` in lists of variables.
fn hide_values(table: TableNode, hidden: &mut Vec<Place>) {
    for (key, node) in table.iter() {
        let is_variables = matches!(key.text, "env" | "pass-env" | "secrets");
        if !is_variables {
            if let Some(table) = node.table() {
                hide_values(table, hidden);
            }
            continue;
        }
        let values = node.table().into_iter().flat_map(|table| table.iter());
        for (_, value) in values {
            match value.table() {
                Some(table) => hide_values(table, hidden),
                None => hidden.push(value.place()),
            }
        }
        let texts = node.items().into_iter().flatten().chain([node]);
        let with_value = texts.filter(|it| it.text().is_some_and(|text| text.contains('=')));
        hidden.extend(with_value.map(|text| text.place()));
    }
}
