//! The reference of `services.toml` as a page: made from the table of keys.

use std::fmt::Write;

use crate::config::keys::{Key, Shape, TABLES, TableKind};
use crate::config::parse;
use crate::config::problem::{FileId, Findings};
use crate::config::target;
use crate::model::target::ParameterKind;

/// A table in Markdown for each kind of table: key, type, default, meaning, example.
pub fn reference_markdown() -> String {
    let mut page = String::new();
    for rule in TABLES {
        let headers: Vec<_> = rule
            .header
            .split(", ")
            .map(|header| match rule.kind {
                TableKind::Included | TableKind::TargetParameter | TableKind::PresetParameter => {
                    header.to_owned()
                }
                _ => format!("`{header}`"),
            })
            .collect();
        let parameters = match (rule.has_parameters, rule.kind) {
            (true, TableKind::Uses) => " Further keys are parameters of the preset.",
            (true, _) => " Further keys are parameters of the target.",
            (false, _) => "",
        };
        let _ = write!(
            page,
            "#### {}\n\n{}.{parameters}\n\n",
            headers.join(", "),
            capital(rule.meaning)
        );
        page.push_str("| key | type | default | meaning | example |\n|---|---|---|---|---|\n");
        for key in rule.kind.keys() {
            row(&mut page, key);
        }
        page.push('\n');
    }
    page.push_str(PRESETS);
    page.push_str(NAMES);
    for name in target::embedded_names() {
        parameters(&mut page, name);
    }
    page
}

/// What templates of a preset may name, and how values are written.
const PRESETS: &str = "Every text of a preset's tasks is a template of Jinja that sees the parameters, `name` and `path` of the service, `up`, the way from its directory to that of the workspace, and `above`, with which a pattern names a file of any directory above: `/{{ above }}pom.xml`. In commands (`run`, `tools`, `before`, `after`) `{{ NAME }}` is quoted for the shell, whatever it holds, and a list is several words; `{{ NAME|raw }}` is not quoted. Elsewhere it stands as it is; in `inputs` and `outputs` a `path`, a `directory-of`, `name` and `path` are no globs, and slashes that an empty directory leaves behind are tidied. `\"{{ LIST }}\"` in a list stands for all its elements. An element that comes to nothing is left out, a key of which nothing is left counts as not given, and a task that has lost its command is left out, unless the service speaks of it. `svc list -v SERVICE` shows what comes of it, and where each part is written.\n\n";

/// What templates of a target may name.
const NAMES: &str = "Templates are those of Jinja. `{{ NAME }}` is quoted for the shell, a list as several words, so no quotes belong around it; `{{ NAME|raw }}` is not quoted, and `<%# … #%>` is a comment. Besides the parameters there are `env`, `service`, `version`, `commit`, `deploy_id`, `workspace`, `url`, `values.NAME` and `all_values.SERVICE.NAME`, and, where there is one, `previous_version`, `replicas`, and on a way back `restores`, the deploy that first brought the release; ask for these with `{% if NAME %}`.\n\nTexts in `services.toml` may hold `${env}`, `${service}`, `${version}`, `${commit}`, `${deploy-id}`, `${workspace}`, `${url}`, `${value.NAME}` and `${value.SERVICE.NAME}`: those of parameters, and the addresses of `health`. `$$` stands for `$`. Every target has the parameter `url`: where the service answers.\n\n";

/// What may be said of a deploy by a target that comes with the program.
fn parameters(page: &mut String, name: &str) {
    let text = target::embedded(name).unwrap_or_default();
    let (document, _) = parse::parse(FileId(0), text);
    let target = target::read(&mut Findings::default(), name, &document, None);
    let _ = write!(page, "#### `target = \"{name}\"`\n\n{}.", target.about);
    if !target.is_embedded {
        let scale = if target.can_scale {
            "It can scale"
        } else {
            "It cannot scale"
        };
        let _ = write!(page, " {scale}.");
    }
    page.push_str("\n\n| parameter | type | default | meaning |\n|---|---|---|---|\n");
    for (name, parameter) in &target.parameters {
        let default = match &parameter.default {
            Some(value) => format!("`{value}`"),
            None if parameter.is_required => "required".into(),
            None => String::new(),
        };
        let kind = match parameter.kind {
            ParameterKind::Text => "string",
            ParameterKind::Number => "number",
            ParameterKind::Flag => "boolean",
            ParameterKind::List => "string or list",
            ParameterKind::Path => "path",
            ParameterKind::Table => "table of strings",
        };
        let (default, about) = (cell(&default), cell(&parameter.about));
        let _ = writeln!(page, "| `{name}` | {kind} | {default} | {about} |");
    }
    page.push('\n');
}

fn row(page: &mut String, key: &Key) {
    let default = match key.default {
        "" => String::new(),
        words if words.contains(' ') && !words.contains('[') => words.to_owned(),
        value => format!("`{value}`"),
    };
    let _ = writeln!(
        page,
        "| `{}` | {} | {} | {} | `{}` |",
        key.name,
        kind(key.shape),
        cell(&default),
        cell(key.meaning),
        cell(key.example),
    );
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(char::to_uppercase);
    first.into_iter().flatten().chain(letters).collect()
}

fn kind(shape: Shape) -> String {
    match shape {
        Shape::Version => "`1`".into(),
        Shape::Text => "string".into(),
        Shape::Word(words) => {
            let words: Vec<_> = words.iter().map(|word| format!("`\"{word}\"`")).collect();
            words.join(" or ")
        }
        Shape::Boolean => "boolean".into(),
        Shape::Number(..) => "number".into(),
        Shape::Duration => "duration".into(),
        Shape::Requirement => "version requirement".into(),
        Shape::Path => "path".into(),
        Shape::Name => "name".into(),
        Shape::Names => "list of names".into(),
        Shape::Texts => "list of strings".into(),
        Shape::Commands => "string or list".into(),
        Shape::Patterns => "list of patterns".into(),
        Shape::Variables => "list of variables".into(),
        Shape::Needs => "list of tasks".into(),
        Shape::Values => "table of strings".into(),
        Shape::Slots => "table of numbers".into(),
        Shape::Table(_) => "table".into(),
        Shape::Any => "any".into(),
        Shape::Files => "table of values by file".into(),
        Shape::TextOrTable(_) => "string or table".into(),
        Shape::Tables(_) => "tables by name".into(),
        Shape::Task(_) => "command or table".into(),
        Shape::Tasks(_) => "tasks by name".into(),
        Shape::PatternsOrTable(_) => "list of patterns, or table".into(),
        Shape::VariablesOrTables(_) => "tables by environment, or list of variables".into(),
    }
}
