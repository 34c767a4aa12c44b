//! `template.toml`: what a template says of itself.

use include_dir::{Dir, include_dir};
use toml_edit::{Document, Item, Table, Value};

use crate::model::name::is_valid;
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;
use crate::model::suggest::nearest;
use crate::scaffold::error::Error;
use crate::scaffold::files::{self, File};
use crate::scaffold::parameter::{Kind, Parameter};

/// The file that makes a directory a template.
const FILE: &str = "template.toml";

const KEYS: [&str; 8] = [
    "about",
    "makes",
    "parts",
    "entry",
    "notes",
    "executable",
    "verbatim",
    "parameters",
];
const PARAMETER_KEYS: [&str; 4] = ["about", "kind", "default", "choices"];

/// A template, ready to be rendered.
#[derive(Debug)]
pub struct Template {
    pub name: String,
    /// One line.
    pub about: String,
    pub makes: Makes,
    pub parameters: Vec<Parameter>,
    /// Whether it is the workspace's own.
    pub is_own: bool,
    /// The keys of the service's table in `services.toml`.
    pub(crate) entry: Text,
    /// What is left for a person to do, a line each.
    pub(crate) notes: Text,
    /// Files that are to be executable, whatever they are here.
    pub(crate) executable: Vec<Pattern>,
    /// Files that are no templates.
    pub(crate) verbatim: Vec<Pattern>,
    pub(crate) files: Vec<File>,
    /// How messages call its directory.
    pub(crate) shown: String,
}

/// A template within `template.toml`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Text {
    pub text: String,
    /// The line that it begins on.
    pub line: usize,
}

impl Default for Text {
    fn default() -> Self {
        Self {
            text: String::new(),
            line: 1,
        }
    }
}

/// What a template makes, which decides where it is put.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Makes {
    #[default]
    Service,
    Library,
    Job,
    Site,
}

impl Makes {
    const ALL: [(&'static str, Self); 4] = [
        ("service", Self::Service),
        ("library", Self::Library),
        ("job", Self::Job),
        ("site", Self::Site),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        let found = Self::ALL.iter().find(|(_, it)| *it == self);
        found.map_or("service", |(word, _)| word)
    }

    /// The directory that such things lie in where none does yet.
    pub fn directory(self) -> &'static str {
        match self {
            Self::Service => "services",
            Self::Library => "libs",
            Self::Job => "jobs",
            Self::Site => "sites",
        }
    }
}

static PARTS: Dir = include_dir!("$CARGO_MANIFEST_DIR/templates/parts");

/// The template `name` of these files.
///
/// # Errors
/// There is no `template.toml` among them, or something is wrong with it.
pub fn read(name: &str, shown: &str, files: Vec<File>, is_own: bool) -> Result<Template, Error> {
    let own_file = format!("{shown}/{FILE}");
    let (declaration, files): (Vec<File>, Vec<File>) = files
        .into_iter()
        .partition(|it| it.path == FilePath::from(FILE));
    let Some(declaration) = declaration.into_iter().next() else {
        let error = Error::template(shown, None, format!("the template has no `{FILE}`"));
        return Err(error.hint(format!(
            "the least of one is `{own_file}` with `about = \"…\"`"
        )));
    };
    let text = String::from_utf8(declaration.contents)
        .map_err(|_| Error::template(&own_file, None, "it is not text in UTF-8"))?;
    let document = Document::parse(text.as_str()).map_err(|error| {
        let line = error.span().map(|span| line_of(&text, span.start));
        Error::template(&own_file, line, error.message().to_owned())
    })?;
    let reader = Reader {
        file: &own_file,
        text: &text,
    };
    let mut template = Template {
        name: name.to_owned(),
        about: String::new(),
        makes: Makes::default(),
        parameters: Vec::new(),
        is_own,
        entry: Text::default(),
        notes: Text::default(),
        executable: Vec::new(),
        verbatim: Vec::new(),
        files,
        shown: shown.to_owned(),
    };
    reader.fill(&mut template, document.as_table())?;
    Ok(template)
}

/// Reads values with the lines that they stand on.
struct Reader<'t> {
    file: &'t str,
    text: &'t str,
}

impl Reader<'_> {
    fn fill(&self, template: &mut Template, table: &Table) -> Result<(), Error> {
        self.only(table, &KEYS)?;
        for (key, item) in table {
            match key {
                "about" => template.about = self.line_of_text(key, item)?,
                "makes" => template.makes = self.one_of(key, item, &Makes::ALL)?,
                "parts" => self.add_parts(template, key, item)?,
                "entry" => template.entry = self.template(key, item)?,
                "notes" => template.notes = self.template(key, item)?,
                "executable" => template.executable = self.patterns(key, item)?,
                "verbatim" => template.verbatim = self.patterns(key, item)?,
                _ => template.parameters = self.parameters(key, item)?,
            }
        }
        match template.about.is_empty() {
            true => Err(Error::template(self.file, None, "`about` is missing")
                .hint("say in one line what the template makes")),
            false => Ok(()),
        }
    }

    /// A text over several lines begins on the line behind its quotes.
    fn template(&self, key: &str, item: &Item) -> Result<Text, Error> {
        let text = self.text(key, item)?;
        let start = item.span().map_or(0, |span| span.start);
        let quoted = &self.text[start.min(self.text.len())..];
        let is_below = ["'''\n", "\"\"\"\n"]
            .iter()
            .any(|it| quoted.starts_with(it));
        let line = line_of(self.text, start) + usize::from(is_below);
        Ok(Text { text, line })
    }

    /// Files that come with the program for many templates, unless the template has such a file itself.
    fn add_parts(&self, template: &mut Template, key: &str, item: &Item) -> Result<(), Error> {
        for name in self.texts(key, item)? {
            let Some(files) = part(&name) else {
                let words = format!("there is no part named `{}`", name.escape_debug());
                let error = Error::template(self.file, self.line(item), words);
                let names: Vec<&str> = part_names().collect();
                return Err(error.hint(format!("there are {}", names.join(", "))));
            };
            for file in files {
                if !template.files.iter().any(|it| it.path == file.path) {
                    template.files.push(file);
                }
            }
        }
        Ok(())
    }

    fn parameters(&self, key: &str, item: &Item) -> Result<Vec<Parameter>, Error> {
        let table = item
            .as_table()
            .ok_or_else(|| self.wants(key, item, "a table"))?;
        let one = |(name, item): (&str, &Item)| {
            if !is_valid(name) || crate::scaffold::render::is_fact(name) {
                let words = format!("a parameter cannot be named `{}`", name.escape_debug());
                return Err(Error::template(self.file, self.line(item), words));
            }
            let table = item
                .as_table()
                .ok_or_else(|| self.wants(name, item, "a table"))?;
            self.parameter(name, item, table)
        };
        table.iter().map(one).collect()
    }

    fn parameter(&self, name: &str, item: &Item, table: &Table) -> Result<Parameter, Error> {
        self.only(table, &PARAMETER_KEYS)?;
        let mut parameter = Parameter {
            name: name.to_owned(),
            about: String::new(),
            kind: Kind::Text,
            default: None,
            choices: Vec::new(),
            line: self.line(item),
        };
        for (key, item) in table {
            match key {
                "about" => parameter.about = self.line_of_text(key, item)?,
                "kind" => parameter.kind = self.one_of(key, item, &Kind::ALL)?,
                "choices" => parameter.choices = self.texts(key, item)?,
                _ => {
                    let value = item.as_value().and_then(plain);
                    let value = value.ok_or_else(|| self.wants(key, item, "one value"))?;
                    parameter.default = Some(value);
                }
            }
        }
        Ok(parameter)
    }

    fn only(&self, table: &Table, keys: &[&str]) -> Result<(), Error> {
        let Some((key, item)) = table.iter().find(|(key, _)| !keys.contains(key)) else {
            return Ok(());
        };
        let words = format!("there is no key `{}`", key.escape_debug());
        let hint = match nearest(key, keys.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("there are {}", keys.join(", ")),
        };
        Err(Error::template(self.file, self.line(item), words).hint(hint))
    }

    fn text(&self, key: &str, item: &Item) -> Result<String, Error> {
        let text = item
            .as_str()
            .ok_or_else(|| self.wants(key, item, "a string"))?;
        Ok(text.to_owned())
    }

    fn line_of_text(&self, key: &str, item: &Item) -> Result<String, Error> {
        let text = self.text(key, item)?;
        match text.chars().any(char::is_control) {
            true => Err(self.wants(key, item, "one line")),
            false => Ok(text),
        }
    }

    fn texts(&self, key: &str, item: &Item) -> Result<Vec<String>, Error> {
        let wanted = || self.wants(key, item, "a list of strings");
        let list = item.as_array().ok_or_else(wanted)?;
        let texts = list.iter().map(|it| it.as_str().map(str::to_owned));
        texts.collect::<Option<_>>().ok_or_else(wanted)
    }

    fn patterns(&self, key: &str, item: &Item) -> Result<Vec<Pattern>, Error> {
        let top = FilePath::default();
        let texts = self.texts(key, item)?;
        let patterns = texts.iter().map(|it| Pattern::new(it, &top));
        patterns
            .collect::<Result<_, _>>()
            .map_err(|_| self.wants(key, item, "patterns such as `bin/*`"))
    }

    fn one_of<T: Copy>(&self, key: &str, item: &Item, all: &[(&str, T)]) -> Result<T, Error> {
        let found = item
            .as_str()
            .and_then(|it| all.iter().find(|(word, _)| *word == it));
        found.map(|(_, it)| *it).ok_or_else(|| {
            let words: Vec<&str> = all.iter().map(|(word, _)| *word).collect();
            self.wants(key, item, &format!("one of {}", words.join(", ")))
        })
    }

    fn wants(&self, key: &str, item: &Item, what: &str) -> Error {
        Error::template(
            self.file,
            self.line(item),
            format!("`{key}` has to be {what}"),
        )
    }

    fn line(&self, item: &Item) -> Option<usize> {
        Some(line_of(self.text, item.span()?.start))
    }
}

fn part_names() -> impl Iterator<Item = &'static str> {
    PARTS.dirs().filter_map(|it| it.path().to_str())
}

fn part(name: &str) -> Option<Vec<File>> {
    let found = PARTS.get_dir(name).filter(|_| is_valid(name));
    found.map(files::embedded)
}

/// A value as it would be given on the command line.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.value().clone()),
        Value::Integer(number) => Some(number.value().to_string()),
        Value::Boolean(flag) => Some(flag.value().to_string()),
        _ => None,
    }
}

fn line_of(text: &str, at: usize) -> usize {
    text.as_bytes()[..at.min(text.len())]
        .iter()
        .filter(|it| **it == b'\n')
        .count()
        + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read_one(text: &str) -> Result<Template, Error> {
        let file = File {
            path: FilePath::from(FILE),
            contents: text.as_bytes().to_vec(),
            is_executable: false,
        };
        read("own", ".svc/templates/own", vec![file], true)
    }

    #[test]
    fn a_declaration_is_read() {
        let template = read_one(
            "about = \"A bot\"\nmakes = \"job\"\nentry = '''\nbuild = \"make\"\n'''\n\
             [parameters.port]\nkind = \"port\"\nabout = \"its port\"\n[parameters.size]\ndefault = 3\nkind = \"number\"\n",
        );
        let template = template.unwrap();
        assert_eq!(template.makes, Makes::Job);
        assert_eq!(
            (template.entry.text.as_str(), template.entry.line),
            ("build = \"make\"\n", 4)
        );
        let kinds: Vec<_> = template
            .parameters
            .iter()
            .map(|it| (it.name.as_str(), it.kind))
            .collect();
        assert_eq!(kinds, [("port", Kind::Port), ("size", Kind::Number)]);
        assert_eq!(template.parameters[1].default.as_deref(), Some("3"));
    }

    #[test]
    fn mistakes_have_their_line() {
        let check = |text: &str, expected: &str| {
            let error = read_one(text).unwrap_err();
            let Error::Template { hint, .. } = &error else {
                panic!("{error}");
            };
            let hint = hint.clone().unwrap_or_default();
            let file = ".svc/templates/own/template.toml";
            assert_eq!(
                format!("{error} {hint}").trim_end(),
                format!("{file}{expected}")
            );
        };
        check("about = 3", ":1: `about` has to be a string");
        check(
            "",
            ": `about` is missing say in one line what the template makes",
        );
        check(
            "about = \"x\"\nabuot = 1",
            ":2: there is no key `abuot` did you mean `about`?",
        );
        check("about = \"a\\nb\"", ":1: `about` has to be one line");
        check(
            "about = \"x\"\nmakes = \"fun\"",
            ":2: `makes` has to be one of service, library, job, site",
        );
        check(
            "about = \"x\"\n[parameters.name]",
            ":2: a parameter cannot be named `name`",
        );
        check(
            "about = \"x\"\n[parameters.a]\ndefault = []",
            ":3: `default` has to be one value",
        );
        check(
            "about = \"x\"\nexecutable = [1]",
            ":2: `executable` has to be a list of strings",
        );
        assert!(
            read_one("about = ")
                .unwrap_err()
                .to_string()
                .contains("template.toml:1: ")
        );
    }

    #[test]
    fn a_directory_without_a_declaration_is_no_template() {
        let error = read("own", ".svc/templates/own", vec![], true).unwrap_err();
        assert_eq!(
            error.to_string(),
            ".svc/templates/own: the template has no `template.toml`"
        );
    }
}
