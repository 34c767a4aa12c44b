//! Adding a service to a file.

use toml_edit::{DocumentMut, Item as Node, TomlError};

use crate::config::edit::entry::{Entry, render};
use crate::config::edit::page::{Group, Page};
use crate::config::edit::words::key;
use crate::model::name::ServiceName;
use crate::model::path::FilePath;

/// A service that is to be added to a file.
#[derive(Clone, Debug)]
pub struct NewService {
    pub name: ServiceName,
    pub path: FilePath,
    pub is_library: bool,
    /// All other keys as they stand below `[services.NAME]`, in TOML: `uses = "go"`, `[build]`.
    pub keys: String,
}

/// Why a service cannot be added.
#[derive(Debug, thiserror::Error)]
pub enum EditError {
    #[error("`services.toml` is not valid TOML")]
    File(#[source] Box<TomlError>),
    #[error("the keys of the new service are not valid TOML")]
    Keys(#[source] Box<TomlError>),
    #[error("`{0}` comes from the command line, so the keys of the new service may not hold it")]
    Fixed(String),
    #[error("there is a service `{0}` in `services.toml` already")]
    Taken(ServiceName),
    #[error("the path `{0}` cannot be written in `services.toml`")]
    Path(String),
}

/// `existing` with one more service, where it belongs among the others.
///
/// # Errors
/// That the service cannot be added.
pub fn add_service(existing: &str, service: &NewService) -> Result<String, EditError> {
    let mut page = Page::read(existing).map_err(|error| EditError::File(Box::new(error)))?;
    let name = service.name.as_str();
    if page.service(name).is_some() {
        return Err(EditError::Taken(service.name.clone()));
    }
    let group = match service.is_library {
        true => Group::Libraries,
        false => Group::Services,
    };
    page.insert(group, name, paragraph(service)?);
    Ok(page.finish())
}

/// A path as `services.toml` has it. None where it cannot.
pub fn written(path: &FilePath) -> Option<String> {
    if path.is_root() {
        return Some(".".into());
    }
    let text = std::str::from_utf8(path.as_bytes()).ok()?;
    let is_fine = !text.contains(['\\', '\0']) && !text.trim().is_empty();
    is_fine.then(|| text.to_owned())
}

fn paragraph(service: &NewService) -> Result<String, EditError> {
    let path = written(&service.path);
    let entry = Entry {
        name: service.name.to_string(),
        path: path.ok_or_else(|| EditError::Path(service.path.display()))?,
        ..Entry::default()
    };
    let keys: DocumentMut = service
        .keys
        .parse()
        .map_err(|error| EditError::Keys(Box::new(error)))?;
    let mut document = parse(&render(&entry));
    let table = document["services"][service.name.as_str()].as_table_mut();
    let table = table.expect("an entry is written as a table");
    for (name, item) in keys.iter() {
        if table.contains_key(name) {
            return Err(EditError::Fixed(name.to_owned()));
        }
        match keys.key(name) {
            Some(key) => table.insert_formatted(key, item.clone()),
            None => table.insert(name, item.clone()),
        };
    }
    Ok(format!("{}\n", document.to_string().trim()))
}

fn parse(paragraph: &str) -> DocumentMut {
    let parsed = paragraph.parse();
    parsed.expect("what was written of a service is TOML, as a test shows")
}

impl Page<'_> {
    /// Adds a service that is written as a table with a header.
    pub fn insert(&mut self, group: Group, name: &str, paragraph: String) {
        let services = self.document.get("services");
        let inline = services.and_then(Node::as_inline_table);
        let Some(span) = inline.and_then(|it| it.span()) else {
            return self.add_service(group, name, paragraph);
        };
        // What is written in braces takes no headers, so the new one goes within them.
        let is_empty = inline.is_none_or(|it| it.is_empty());
        let service = parse(&paragraph)["services"][name].clone();
        let Ok(mut value) = service.into_value() else {
            return;
        };
        if let Some(table) = value.as_inline_table_mut() {
            table.fmt();
        }
        let value = value.decorated(" ", "");
        let name = key(name);
        let end = if is_empty { " " } else { "," };
        self.add(span.start + 1, format!(" {name} ={value}{end}"));
    }
}
