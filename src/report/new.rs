//! The answers of `svc new`.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::model::path::FilePath;
use crate::report::affected::path_fields;
use crate::report::clean::{self, one_line};
use crate::report::table::Table;
use crate::report::view::Look;
use crate::report::words;

/// A service that was made, or would be.
#[derive(Clone, Debug, Default)]
pub struct MadeView {
    pub template: String,
    pub name: String,
    pub path: FilePath,
    pub files: Vec<FileView>,
    pub entry: String,
    pub parameters: BTreeMap<String, String>,
    /// What is left for a person to do.
    pub notes: Vec<String>,
    /// Commands that can be given next.
    pub next: Vec<String>,
    /// Whether there was no `services.toml` before.
    pub is_first: bool,
    /// Whether the files lay there already.
    pub is_resumed: bool,
    pub is_written: bool,
}

/// One file, from the directory of the service.
#[derive(Clone, Debug)]
pub struct FileView {
    pub path: FilePath,
    pub is_executable: bool,
}

/// A template in the list of all.
#[derive(Clone, Debug)]
pub struct TemplateView {
    pub name: String,
    pub is_own: bool,
    pub makes: &'static str,
    /// One line, or what is wrong with it.
    pub about: Result<String, String>,
    pub parameters: Vec<ParameterView>,
}

/// A parameter of a template.
#[derive(Clone, Debug)]
pub struct ParameterView {
    pub name: String,
    pub about: String,
    pub default: Option<String>,
    pub choices: Vec<String>,
}

/// What was made, for people.
pub fn made_text(made: &MadeView, look: Look) -> String {
    let paint = look.paint;
    let path = clean::path(&made.path);
    let (doing, adding) = match (made.is_written, made.is_first) {
        (true, true) => ("made", "made, since there was none:"),
        (true, false) => ("made", "added:"),
        (false, true) => ("would make", "would be made, since there is none:"),
        (false, false) => ("would make", "would get:"),
    };
    let files = words::count(made.files.len(), "file");
    let mut text = match made.is_resumed {
        true => format!("{}: its {files} are there already\n", paint.strong(&path)),
        false => format!("{doing} {}: {files}\n", paint.strong(&path)),
    };
    for file in &made.files {
        text += &format!("  {path}/{}\n", clean::path(&file.path));
    }
    text += &format!("{} {adding}\n", paint.strong("services.toml"));
    for line in made.entry.lines() {
        let line = one_line(line);
        text += format!("  {line}").trim_end();
        text.push('\n');
    }
    let notes = made.notes.iter().map(|it| one_line(it));
    let next: Vec<String> = notes.chain(made.next.iter().cloned()).collect();
    if made.is_written && !next.is_empty() {
        text += &format!("{}\n", paint.strong("next:"));
        next.iter().for_each(|it| text += &format!("  {it}\n"));
    }
    text
}

/// What was made, for machines.
pub fn made_json(made: &MadeView) -> Value {
    let files = made.files.iter().map(|it| {
        let mut fields = path_fields(&it.path);
        fields.insert("executable".to_owned(), json!(it.is_executable));
        Value::Object(fields)
    });
    let mut fields = Map::from_iter([
        ("version".to_owned(), json!(1)),
        ("template".to_owned(), json!(made.template)),
        ("name".to_owned(), json!(made.name)),
    ]);
    fields.extend(path_fields(&made.path));
    fields.extend([
        ("parameters".to_owned(), json!(made.parameters)),
        ("files".to_owned(), files.collect()),
        ("entry".to_owned(), json!(made.entry)),
        ("first".to_owned(), json!(made.is_first)),
        ("written".to_owned(), json!(made.is_written)),
        ("notes".to_owned(), json!(made.notes)),
        ("next".to_owned(), json!(made.next)),
    ]);
    Value::Object(fields)
}

/// The templates as a table; with `-v` their parameters, too.
pub fn templates_text(templates: &[TemplateView], look: Look) -> String {
    let mut table = Table::new(&["template", "makes", "what it is", "whose"]);
    for template in templates {
        let about = match &template.about {
            Ok(about) => one_line(about),
            Err(wrong) => look.paint.bad(one_line(wrong)),
        };
        table.row([
            look.paint.strong(&template.name),
            template.makes.to_owned(),
            about,
            if template.is_own { "own" } else { "" }.to_owned(),
        ]);
    }
    let mut text = table.render(look);
    if look.is_verbose() {
        for template in templates.iter().filter(|it| !it.parameters.is_empty()) {
            text += &format!("\n{}\n", look.paint.strong(&template.name));
            let lines = template.parameters.iter().map(parameter);
            lines.for_each(|it| text += &it);
        }
    }
    text
}

/// The templates, for machines.
pub fn templates_json(templates: &[TemplateView]) -> Value {
    let rows = templates.iter().map(|it| {
        let parameters = it.parameters.iter().map(|it| {
            json!({"name": it.name, "about": it.about, "default": it.default, "choices": it.choices})
        });
        json!({
            "name": it.name, "own": it.is_own, "makes": it.makes, "about": it.about.as_ref().ok(),
            "problem": it.about.as_ref().err(), "parameters": parameters.collect::<Vec<_>>(),
        })
    });
    json!({"version": 1, "templates": rows.collect::<Vec<_>>()})
}

fn parameter(parameter: &ParameterView) -> String {
    let default = match &parameter.default {
        Some(default) => format!(" [default: {default}]"),
        None => String::new(),
    };
    let choices = match parameter.choices.is_empty() {
        true => String::new(),
        false => format!(" [one of {}]", parameter.choices.join(", ")),
    };
    let line = format!("{}: {}{choices}{default}", parameter.name, parameter.about);
    format!("  {}\n", one_line(&line))
}
