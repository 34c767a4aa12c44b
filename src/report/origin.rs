//! What services do, field by field, and where each part of it is written.

use crate::model::origin::{Field, Origin, PresetOrigins, ServiceOrigins};
use crate::report::clean::{self, one_line, short};
use crate::report::view::Look;

/// Values are not padded to more columns than this.
const WIDEST: usize = 60;

/// How scripts of several lines are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// Every line of them.
    Whole,
    /// What they begin with.
    Begun,
}

/// A paragraph for the preset of each service, and one for each of its tasks.
pub fn origins_text(services: &[ServiceOrigins], scripts: Scripts, look: Look) -> String {
    let mut text = String::new();
    for service in services {
        if let Some(uses) = &service.uses {
            let heading = look
                .paint
                .strong(format!("{} uses {}", service.service, uses.preset));
            text.push_str(&format!("\n{heading}{}\n", about(uses)));
            fields(&mut text, &uses.parameters, scripts, look);
        }
        for (task, list) in &service.tasks {
            let heading = look.paint.strong(format!("{}:{task}", service.service));
            text.push_str(&format!("\n{heading}\n"));
            fields(&mut text, list, scripts, look);
        }
    }
    text
}

fn about(uses: &PresetOrigins) -> String {
    match uses.about.as_str() {
        "" => String::new(),
        about => format!(": {}", one_line(about)),
    }
}

fn fields(text: &mut String, fields: &[Field], scripts: Scripts, look: Look) {
    let mut rows: Vec<[String; 3]> = Vec::new();
    for field in fields {
        let instead = match field.instead_of.as_slice() {
            [] => String::new(),
            all => {
                let all: Vec<String> = all.iter().map(origin).collect();
                format!(", instead of {}", all.join(", "))
            }
        };
        if field.values.is_empty() {
            rows.push([field.key.clone(), "(nothing)".into(), String::new()]);
        }
        for (at, (value, from)) in field.values.iter().enumerate() {
            let (key, instead) = match at {
                0 => (field.key.as_str(), instead.as_str()),
                _ => ("", ""),
            };
            let mut lines = shown(value, scripts).into_iter();
            let first = lines.next().unwrap_or_else(|| "(nothing)".to_owned());
            rows.push([key.to_owned(), first, origin(from) + instead]);
            rows.extend(lines.map(|line| [String::new(), line, String::new()]));
        }
    }
    let widest = |column: usize| {
        let widths = rows.iter().map(|row| row[column].chars().count());
        widths.filter(|it| *it <= WIDEST).max().unwrap_or_default()
    };
    let (keys, values) = (widest(0), widest(1));
    for [key, value, from] in &rows {
        let line = format!("  {key:keys$}  {value:values$}  {}", look.paint.faint(from));
        text.push_str(line.trim_end());
        text.push('\n');
    }
}

/// The lines of a value that are shown; none of one that is empty.
fn shown(value: &str, scripts: Scripts) -> Vec<String> {
    /// Longer lines are read by nobody.
    const LONGEST: usize = 160;
    let mut lines = value.lines().filter(|it| !it.trim().is_empty());
    match scripts {
        Scripts::Whole => lines.map(one_line).collect(),
        Scripts::Begun => {
            let first = lines.next().map(|it| match lines.next() {
                Some(_) => short(it, LONGEST - 4) + " ...",
                None => short(it, LONGEST),
            });
            first.into_iter().collect()
        }
    }
}

fn origin(origin: &Origin) -> String {
    match origin {
        Origin::BuiltIn => "built in".to_owned(),
        Origin::Preset(preset) => format!("preset {preset}"),
        Origin::File(path, line) => format!("{}:{line}", clean::path(path)),
        Origin::Default => "default".to_owned(),
        Origin::Found(path) => format!("by {}", clean::path(path)),
    }
}
