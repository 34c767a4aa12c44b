//! From files to a checked workspace, or to everything that is wrong with them.

mod files;
mod include;
mod parts;
mod presets;
mod services;
mod targets;

use std::collections::{BTreeMap, HashSet};

use crate::config::check::{self, Read};
use crate::config::faults;
use crate::config::halves::Halves;
use crate::config::keys::TableKind;
use crate::config::load::files::File;
use crate::config::load::include::parent;
use crate::config::load::services::read_services;
use crate::config::outputs;
use crate::config::preset::{self, Preset, Whose};
use crate::config::problem::{FileId, Findings, Invalid, Place, Report, Sources};
use crate::config::read;
use crate::config::root::{self, Root};
use crate::config::service::Context;
use crate::config::source::{FILE, Source};
use crate::config::target;
use crate::config::trace::{self, Trace};
use crate::config::tree::{Document, TableNode};
use crate::model::name::{EnvironmentName, ServiceName};
use crate::model::origin::ServiceOrigins;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::suggest::nearest;
use crate::model::target::{LOCAL, is_deployed};
use crate::model::workspace::{Settings, Workspace};

/// A workspace that is valid.
#[derive(Debug)]
pub struct Loaded {
    pub workspace: Workspace,
    /// What is odd in it.
    pub warnings: Report,
}

/// Reads the workspace of `source`.
///
/// # Errors
/// Every problem of its files.
pub fn load(source: &dyn Source) -> Result<Loaded, Invalid> {
    load_and(source, &[]).map(|(loaded, _)| loaded)
}

/// Where each part of the services `names` is written, in that order.
///
/// # Errors
/// Every problem of its files.
pub fn origins(source: &dyn Source, names: &[ServiceName]) -> Result<Vec<ServiceOrigins>, Invalid> {
    load_and(source, names).map(|(_, origins)| origins)
}

fn load_and(
    source: &dyn Source,
    names: &[ServiceName],
) -> Result<(Loaded, Vec<ServiceOrigins>), Invalid> {
    let mut reading = Reading {
        source,
        traced: names,
        traces: Vec::new(),
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
        Some(workspace) if reading.findings.0.is_empty() => {
            let origins = trace::origins(reading.traces, &sources);
            let warnings = report(reading.warnings, sources);
            let loaded = Loaded {
                workspace,
                warnings,
            };
            Ok((loaded, origins))
        }
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
    /// The services of which it is asked where everything comes from, and the answer.
    traced: &'s [ServiceName],
    traces: Vec<Trace>,
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
            default_tables: halves
                .first
                .root()
                .find("tasks")
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
        let mut read_presets = BTreeMap::new();
        for (name, document) in presets.keys().zip(&preset_documents) {
            let whose = match presets[name].path == preset::own_path(name) {
                true => Whose::Workspace,
                false => Whose::Ours,
            };
            let preset = preset::read(&mut self.findings, name, whose, document);
            read_presets.insert(name.clone(), preset);
        }
        let (rendered, given, there) = self.rendered(&context.heads, &read_presets);
        context.looked_up = there;
        for (head, given) in context.heads.iter_mut().zip(given) {
            head.given = given;
        }
        context.given = self.given(&rendered);
        context.presets = read_presets;
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
        drop(rendered);
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
            looked_for: context
                .presets
                .values()
                .flat_map(Preset::looked_for)
                .collect(),
            targets,
            ..root.settings
        };
        let services = read.into_iter().map(|(_, service)| service).collect();
        let workspace = Workspace::new(settings, services);
        self.idle_environments(context, &workspace);
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
        for name in self.traced {
            if let Some(service) = workspace.find(name.as_str()) {
                let service = workspace.service(service);
                self.traces.extend(trace::trace(context, service));
            }
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

    /// Environments that no service can be deployed to.
    fn idle_environments(&mut self, context: &Context, workspace: &Workspace) {
        let settings = workspace.settings();
        let tables = context.environment_tables.iter();
        for (key, _) in tables.flat_map(|it| it.iter()) {
            let Some(name) = EnvironmentName::new(key.text) else {
                continue;
            };
            let services = workspace.services();
            let is_idle = !services.iter().any(|it| is_deployed(settings, it, &name));
            if is_idle && !services.is_empty() {
                let wanted = match key.text == LOCAL {
                    true => "give a service a `serve`, which says how it runs there",
                    false => "give a service a `deploy`, which says how it gets there",
                };
                self.warnings
                    .add(key.place, format!("no service can be deployed to `{name}`"))
                    .hint(format!("{wanted}, or take the environment out"));
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
