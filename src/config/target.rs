//! Targets: how services get into environments. Some come with the program; a workspace adds or replaces its own.

use std::collections::BTreeMap;

use crate::config::deploy;
use crate::config::keys::TableKind;
use crate::config::parameter;
use crate::config::problem::Findings;
use crate::config::read::{self, At, Texts};
use crate::config::tree::{Document, Key, Node, TableNode};
use crate::model::path::FilePath;
use crate::model::target::{
    InputKind, Parameter, ParameterKind, Step, Target, URL, is_reserved, wrong,
};
use include_dir::{Dir, include_dir};

static EMBEDDED: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/targets");

/// The target that `svc` does itself, which no workspace can replace.
pub const PROCESS: &str = "process";

/// Where a workspace keeps its own targets.
pub const OWN: &str = ".svc/targets";

/// Where a workspace keeps its own target `name`.
pub fn own_path(name: &str) -> FilePath {
    FilePath::from(format!("{OWN}/{name}.toml").as_str())
}

/// The text of the target `name` that comes with the program.
pub fn embedded(name: &str) -> Option<&'static str> {
    EMBEDDED.get_file(format!("{name}.toml"))?.contents_utf8()
}

/// The names of the targets that come with the program.
pub fn embedded_names() -> impl Iterator<Item = &'static str> {
    EMBEDDED
        .files()
        .filter_map(|file| file.path().file_stem()?.to_str())
}

/// Reads a target's file. What is wrong with it is noted; the rest of it is there all the same.
pub fn read(findings: &mut Findings, name: &str, document: &Document, own: Option<&str>) -> Target {
    let mut target = Target {
        name: name.to_owned(),
        about: String::new(),
        is_embedded: false,
        can_scale: false,
        url: None,
        health: None,
        parameters: BTreeMap::new(),
        steps: BTreeMap::new(),
        own: own.map(str::to_owned),
    };
    let mut prelude = None;
    let mut steps: Vec<(Step, Texts)> = Vec::new();
    let root = document.root();
    for (key, node) in root.iter() {
        let f = &mut *findings;
        let step = Step::ALL.into_iter().find(|step| step.name() == key.text);
        match key.text {
            _ if let Some(step) = step => {
                steps.extend(read::commands(f, key.text, node).map(|it| (step, it)));
            }
            "about" => target.about = text(f, key, node),
            "can-scale" => target.can_scale = flag(f, key, node),
            "embedded" if own.is_none() => target.is_embedded = flag(f, key, node),
            "health" => target.health = deploy::health(f, node),
            "parameters" => {
                if let Some(table) = read::table(f, key.text, node) {
                    target.parameters = parameters(f, table);
                }
            }
            "prelude" => prelude = read::text_at(f, key.text, node),
            "url" => target.url = read::text(f, key.text, node).map(str::to_owned),
            _ => read::unknown_key(f, TableKind::Target, key),
        }
    }
    if !target.is_embedded && !steps.iter().any(|(step, _)| *step == Step::Deploy) {
        findings
            .add(root.place, format!("the target `{name}` has no `deploy`"))
            .hint("write the commands that bring a release, `deploy = [\"…\"]`")
            .absence();
    }
    for (step, texts) in steps {
        let with_prelude = |text: At<&str>| match prelude {
            Some(prelude) => format!("{}\n{}", prelude.value, text.value),
            None => text.value.to_owned(),
        };
        let commands = texts.iter().map(with_prelude).collect();
        target.steps.insert(step, commands);
        if own.is_some() {
            check_templates(findings, &target, prelude, texts);
        }
    }
    target
}

/// Whether the templates of a step mean something.
fn check_templates(
    findings: &mut Findings,
    target: &Target,
    prelude: Option<At<&str>>,
    texts: Texts,
) {
    let before = prelude
        .map(|it| format!("{}\n", it.value))
        .unwrap_or_default();
    let of_prelude = prelude.and_then(|it| Some((it.place, wrong(target, "", it.value)?)));
    let of_texts = texts
        .iter()
        .filter_map(|it| Some((it.place, wrong(target, &before, it.value)?)));
    // What is wrong with the prelude is wrong with all that begins with it.
    let first = of_prelude.is_some();
    for (place, (words, near)) in of_prelude.into_iter().chain(of_texts.filter(|_| !first)) {
        findings
            .add(place, format!("the template cannot be used: {words}"))
            .did_you_mean(
                near.as_deref(),
                "`{{ name }}` is a parameter, its `-` as `_`, or one of the names that the README lists",
            );
    }
}

fn parameters(findings: &mut Findings, table: TableNode) -> BTreeMap<String, Parameter> {
    let tables = parameter::tables(findings, table, taken).into_iter();
    let read = tables.filter_map(|(key, table)| {
        let parameter = one_parameter(findings, key, table)?;
        Some((key.text.to_owned(), parameter))
    });
    read.collect()
}

/// Why a name means something else already.
fn taken(name: &str) -> Option<&'static str> {
    let kinds = [
        TableKind::Deploy,
        TableKind::DeployEnvironment,
        TableKind::Environment,
    ];
    let is_key = kinds.iter().any(|kind| kind.names().any(|key| key == name));
    match name {
        URL => Some("every target has it already; its default is the key `url` of the file"),
        _ if is_key || matches!(name, "outputs" | "cache") => {
            Some("it is a key of deploys or environments; choose another name")
        }
        _ if is_reserved(name) => {
            Some("templates know something else by that name; choose another one")
        }
        _ => None,
    }
}

fn one_parameter(findings: &mut Findings, name: Key, table: TableNode) -> Option<Parameter> {
    let mut kind = None;
    let mut default: Option<Node> = None;
    let mut read = Parameter {
        kind: ParameterKind::Text,
        is_required: false,
        default: None,
        about: String::new(),
        inputs: None,
    };
    let mut inputs = None;
    for (key, node) in table.iter() {
        let f = &mut *findings;
        match key.text {
            "about" => read.about = text(f, key, node),
            "default" => default = Some(node),
            "inputs" => {
                inputs = deploy::word(f, TableKind::TargetParameter, key, node).map(|it| (it, key))
            }
            "kind" => kind = deploy::word(f, TableKind::TargetParameter, key, node),
            "required" => read.is_required = flag(f, key, node),
            _ => read::unknown_key(f, TableKind::TargetParameter, key),
        }
    }
    let Some(kind) = kind else {
        if table.find("kind").is_none() {
            findings
                .add(
                    name.place,
                    format!("the parameter `{}` has no `kind`", name.text),
                )
                .hint("write `kind = \"text\"`, or number, flag, list, path, table")
                .absence();
        }
        return None;
    };
    read.kind = parameter::kind(kind);
    if let Some((word, key)) = inputs {
        read.inputs = Some(input_kind(word));
        if !matches!(read.kind, ParameterKind::Path | ParameterKind::List) {
            findings
                .add(key.place, format!("`inputs` does not fit a {kind}"))
                .hint("only a `path` or a `list` names files");
        }
    }
    if let Some(node) = default {
        let what = format!("the default of `{}`", name.text);
        read.default = parameter::value(findings, &what, node, read.kind);
    }
    Some(read)
}

fn input_kind(word: &str) -> InputKind {
    match word {
        "kustomization" => InputKind::Kustomization,
        "compose" => InputKind::Compose,
        "chart" => InputKind::Chart,
        _ => InputKind::Files,
    }
}

fn text(findings: &mut Findings, key: Key, node: Node) -> String {
    let text = read::text(findings, key.text, node);
    text.unwrap_or_default().to_owned()
}

fn flag(findings: &mut Findings, key: Key, node: Node) -> bool {
    read::boolean(findings, key.text, node).unwrap_or_default()
}
