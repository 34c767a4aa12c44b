//! The parts of `services.toml` that are not services.

use std::collections::{BTreeMap, HashMap};

use semver::{Version, VersionReq};

use crate::config::deploy;
use crate::config::keys::TableKind;
use crate::config::merge;
use crate::config::problem::{Findings, Place};
use crate::config::read::{self, At, Texts};
use crate::config::task::{self, TaskTables};
use crate::config::tree::{Document, Kind, Node, TableNode};
use crate::model::cycle::cycles;
use crate::model::deploy::Environment;
use crate::model::name::EnvironmentName;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::suggest::nearest;
use crate::model::workspace::Settings;

/// What the file holds besides services.
#[derive(Debug, Default)]
pub struct Root<'d> {
    pub settings: Settings,
    pub include: Vec<At<&'d str>>,
    pub defaults: TaskTables<'d>,
    pub services: Option<TableNode<'d>>,
}

/// Whether this program can read the file at all. If it cannot, nothing else in it can be judged.
pub fn check_version(findings: &mut Findings, document: &Document) -> bool {
    let before = findings.0.len();
    let root = document.root();
    match root.find("version") {
        None => {
            findings
                .add(Place::new(document.file, 0, 0), "`version` is missing")
                .hint("begin the file with `version = 1`")
                .absence();
            return true;
        }
        Some((_, node)) => {
            match node.kind() {
                Kind::Integer(1) => {}
                Kind::Integer(version) if *version > 1 => {
                    let ours = env!("CARGO_PKG_VERSION");
                    findings
                    .add(
                        node.place(),
                        format!("version {version} of the file is newer than this `svc` {ours} can read"),
                    )
                    .hint("update `svc`");
                }
                Kind::Integer(version) => {
                    findings
                        .add(
                            node.place(),
                            format!("there is no version {version} of the file"),
                        )
                        .hint("write `version = 1`");
                    return true;
                }
                _ => {
                    read::wrong_type(findings, "version", node, "the number 1");
                    return true;
                }
            }
        }
    }
    let workspace = root.find("workspace").and_then(|(_, node)| node.table());
    if let Some((_, node)) = workspace.and_then(|table| table.find("svc")) {
        check_requirement(findings, node);
    }
    findings.0.len() == before
}

fn check_requirement(findings: &mut Findings, node: Node) {
    let Some(text) = node.text() else {
        // The type is judged with the rest of the table.
        return;
    };
    let ours = Version::parse(env!("CARGO_PKG_VERSION")).expect("cargo has checked the version");
    if VersionReq::parse(text).is_ok_and(|wanted| !wanted.matches(&ours)) {
        findings
            .add(
                node.place(),
                format!("this workspace asks for `svc` {text}, and this is {ours}"),
            )
            .hint("install a version of `svc` that fits");
    }
}

/// Reads everything but the services.
pub fn read<'d>(findings: &mut Findings, document: &'d Document<'d>) -> Root<'d> {
    let mut root = Root::default();
    for (key, node) in document.root().iter() {
        let f = &mut *findings;
        if key.text == "version" {
            continue;
        }
        if !TableKind::Root.names().any(|name| name == key.text) {
            read::unknown_key(f, TableKind::Root, key);
            continue;
        }
        let Some(table) = read::table(f, key.text, node) else {
            continue;
        };
        match key.text {
            "workspace" => workspace(f, table, &mut root),
            "services" => root.services = Some(table),
            "tasks" => root.defaults = task::read_defaults(f, table),
            "pools" => root.settings.pools = pools(f, table),
            "environments" => root.settings.environments = environments(f, table),
            _ => root.settings.ledger = deploy::read_ledger(f, table),
        }
    }
    root
}

fn workspace<'d>(findings: &mut Findings, table: TableNode<'d>, root: &mut Root<'d>) {
    let settings = &mut root.settings;
    for (key, node) in table.iter() {
        let f = &mut *findings;
        match key.text {
            "name" => settings.name = read::text(f, key.text, node).map(str::to_owned),
            "svc" => requirement(f, node),
            "default-branch" => {
                settings.default_branch = read::text(f, key.text, node).map(str::to_owned);
            }
            "global-inputs" => settings.global_inputs = patterns(f, key.text, node),
            "lock-files" => settings.lock_files = patterns(f, key.text, node),
            "ignore" => settings.ignore = patterns(f, key.text, node),
            "pass-env" => {
                let names = read::variables(f, key.text, node);
                let names = names.iter().flat_map(Texts::iter);
                settings.pass_env = names.map(|name| name.value.to_owned()).collect();
            }
            "include" => {
                let list = read::texts(f, key.text, node);
                root.include = list.iter().flat_map(Texts::iter).collect();
            }
            _ => read::unknown_key(f, TableKind::Workspace, key),
        }
    }
}

fn requirement(findings: &mut Findings, node: Node) {
    if let Some(text) = read::text(findings, "svc", node)
        && VersionReq::parse(text).is_err()
    {
        findings
            .add(
                node.place(),
                format!("`{}` is not a version requirement", text.escape_debug()),
            )
            .hint("write it as `>=0.4`");
    }
}

/// Patterns from the workspace root.
fn patterns(findings: &mut Findings, key: &str, node: Node) -> Vec<Pattern> {
    let list = read::texts(findings, key, node);
    let mut patterns = Vec::new();
    for text in list.iter().flat_map(Texts::iter) {
        if text.value.starts_with('!') {
            findings
                .add(text.place, format!("`{key}` cannot leave files out"))
                .hint("name the files that are meant, without `!`");
            continue;
        }
        patterns.extend(merge::pattern(findings, key, text, &FilePath::default()));
    }
    patterns
}

fn pools(findings: &mut Findings, table: TableNode) -> BTreeMap<String, u32> {
    let mut pools = BTreeMap::new();
    for (key, node) in table.iter() {
        if read::name(findings, "a pool", key)
            && let Some(slots) = read::bounded(findings, key.text, node, 1, 10_000)
        {
            pools.insert(key.text.to_owned(), slots);
        }
    }
    pools
}

fn environments(
    findings: &mut Findings,
    table: TableNode,
) -> BTreeMap<EnvironmentName, Environment> {
    let mut environments = BTreeMap::new();
    let mut sources = Vec::new();
    for (key, node) in table.iter() {
        if !read::name(findings, "an environment", key) {
            continue;
        }
        let Some(table) = read::table(findings, key.text, node) else {
            continue;
        };
        let (environment, from) = deploy::read_environment(findings, table);
        if let Some(name) = EnvironmentName::new(key.text) {
            environments.insert(name, environment);
        }
        sources.extend(from.map(|from| (key.text, from)));
    }
    check_promotion(findings, &table, &sources);
    environments
}

/// `promote-from` names environments, and does not go in circles.
fn check_promotion(findings: &mut Findings, table: &TableNode, sources: &[(&str, At<&str>)]) {
    let names: Vec<&str> = table.iter().map(|(key, _)| key.text).collect();
    let index: HashMap<&str, u32> = (0..).zip(&names).map(|(at, name)| (*name, at)).collect();
    let mut edges = vec![Vec::new(); names.len()];
    for (name, from) in sources {
        match index.get(from.value) {
            Some(at) => edges[index[name] as usize].push(*at),
            // `local` exists without being declared.
            None if from.value == "local" => {}
            None => {
                let near = nearest(from.value, names.iter().copied());
                let message = format!("there is no environment `{}`", from.value.escape_debug());
                findings
                    .add(from.place, message)
                    .did_you_mean(
                        near,
                        "declare it as `[environments.…]`, or correct the name",
                    )
                    .absence();
            }
        }
    }
    for cycle in cycles(&edges) {
        let path = circle(cycle.iter().map(|at| names[*at as usize].to_owned()));
        let first = names[cycle[0] as usize];
        if let Some((_, from)) = sources.iter().find(|(name, _)| *name == first) {
            findings
                .add(
                    from.place,
                    format!("environments are promoted in a circle: `{path}`"),
                )
                .hint("remove one `promote-from` of the circle");
        }
    }
}

/// A circle as the path it takes, back to its beginning.
pub fn circle(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    names.extend(names.first().cloned());
    names.join(" -> ")
}
