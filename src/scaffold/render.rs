//! From a template and facts to the files of a service.

use std::collections::{BTreeMap, BTreeSet};

use minijinja::Value;

use crate::model::name::ServiceName;
use crate::model::path::{FilePath, ancestors};
use crate::model::pattern::Pattern;
use crate::scaffold::declaration::{Template, Text};
use crate::scaffold::engine::{self, Wrong};
use crate::scaffold::error::Error;
use crate::scaffold::files::File;
use crate::scaffold::parameter::{Kind, Parameter, known};

/// The end of a file name that is left out: it keeps other tools from taking a template for their own file.
const MARK: &str = ".jinja";

/// What templates see, besides the parameters.
const FACTS: [&str; 7] = [
    "name",
    "path",
    "up",
    "workspace",
    "targets",
    "above",
    "depends_on",
];

/// What is known of the service to be made.
#[derive(Clone, Debug)]
pub struct Facts {
    pub name: ServiceName,
    /// Where it will lie.
    pub path: FilePath,
    /// The name of the workspace, else that of its directory.
    pub workspace: String,
    /// The targets of its environments.
    pub targets: BTreeSet<String>,
    /// The names of the files in the directories above it, up to the workspace's.
    pub above: BTreeSet<String>,
    pub depends_on: Vec<ServiceName>,
    /// A port that no other service uses.
    pub free_port: u16,
}

/// What a template made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rendered {
    /// Sorted by path, each once.
    pub files: Vec<File>,
    /// The keys of the service's table in `services.toml`.
    pub entry: String,
    /// What is left for a person to do.
    pub notes: Vec<String>,
    /// What the parameters were set to, as text.
    pub parameters: BTreeMap<String, String>,
}

/// Whether `name` means something to every template.
pub fn is_fact(name: &str) -> bool {
    let name = variable(name);
    FACTS.contains(&name.as_str()) || matches!(name.as_str(), "true" | "false" | "none" | "loop")
}

/// Renders `template` with what was given for its parameters.
///
/// # Errors
/// A parameter that does not fit, or something wrong in the template.
pub fn render(
    template: &Template,
    facts: &Facts,
    given: &[(String, String)],
) -> Result<Rendered, Error> {
    let mut rendering = Rendering::new(template, facts);
    let given = known(&template.name, &template.parameters, given)?;
    let mut parameters = BTreeMap::new();
    for parameter in &template.parameters {
        let text = rendering.settle(
            parameter,
            facts,
            given.get(parameter.name.as_str()).copied(),
        )?;
        parameters.insert(parameter.name.clone(), text);
    }
    let entry = rendering.declared(&template.entry)?;
    let notes = rendering.declared(&template.notes)?;
    let notes = notes.lines().map(str::trim).filter(|it| !it.is_empty());
    let notes = notes.map(str::to_owned).collect();
    let mut files = Vec::new();
    for file in &template.files {
        files.extend(rendering.file_of(file)?);
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    check_places(template, &files)?;
    Ok(Rendered {
        files,
        entry,
        notes,
        parameters,
    })
}

/// The name by which templates know the parameter `name`.
fn variable(name: &str) -> String {
    name.replace('-', "_")
}

struct Rendering<'t> {
    template: &'t Template,
    facts: BTreeMap<String, Value>,
    names: Vec<String>,
}

impl<'t> Rendering<'t> {
    fn new(template: &'t Template, facts: &Facts) -> Self {
        let path = facts.path.display();
        let depth = match facts.path.is_root() {
            true => 0,
            false => path.split('/').count(),
        };
        let up = match depth {
            0 => ".".to_owned(),
            depth => vec![".."; depth].join("/"),
        };
        let depends_on: Vec<String> = facts.depends_on.iter().map(ToString::to_string).collect();
        let values = [
            Value::from(facts.name.to_string()),
            Value::from(path),
            Value::from(up),
            Value::from(facts.workspace.clone()),
            Value::from_iter(facts.targets.iter().cloned()),
            Value::from_iter(facts.above.iter().cloned()),
            Value::from(depends_on),
        ];
        Self {
            template,
            facts: FACTS.into_iter().map(str::to_owned).zip(values).collect(),
            names: FACTS.map(str::to_owned).to_vec(),
        }
    }

    fn values(&self) -> Value {
        Value::from_pairs(self.facts.clone())
    }

    fn file(&self, path: &str) -> String {
        format!("{}/{path}", self.template.shown)
    }

    /// Gives a parameter its value, for those behind it to see.
    fn settle(
        &mut self,
        parameter: &Parameter,
        facts: &Facts,
        given: Option<&str>,
    ) -> Result<String, Error> {
        let text = match (given, &parameter.default, parameter.kind) {
            (Some(text), _, _) => text.to_owned(),
            (None, Some(default), _) => engine::render(default, &self.values(), &self.names)
                .map_err(|wrong| self.of_parameter(parameter, wrong.words))?,
            (None, None, Kind::Port) => facts.free_port.to_string(),
            (None, None, _) => {
                return Err(Error::Parameter {
                    words: format!(
                        "the template `{}` needs `{}`",
                        self.template.name, parameter.name
                    ),
                    hint: format!("--set {}=…: {}", parameter.name, parameter.about),
                });
            }
        };
        let value = parameter.value(&text).map_err(|rule| match given {
            Some(_) => Error::Parameter {
                words: format!("`{}` cannot be `{}`", parameter.name, text.escape_debug()),
                hint: format!("it takes {rule}"),
            },
            None => self.of_parameter(
                parameter,
                format!("the default of `{}` has to be {rule}", parameter.name),
            ),
        })?;
        let name = variable(&parameter.name);
        self.names.push(name.clone());
        self.facts.insert(name, value);
        Ok(text)
    }

    fn of_parameter(&self, parameter: &Parameter, words: String) -> Error {
        Error::template(&self.file("template.toml"), parameter.line, words)
    }

    fn declared(&self, template: &Text) -> Result<String, Error> {
        engine::render(&template.text, &self.values(), &self.names)
            .map_err(|wrong| fault(&self.file("template.toml"), wrong, template.line - 1))
    }

    /// The file that comes of one of the template; none where a part of its path comes to nothing.
    fn file_of(&self, file: &File) -> Result<Option<File>, Error> {
        let shown = self.file(&file.path.display());
        let is_one_of = |patterns: &[Pattern], path: &FilePath| {
            patterns.iter().any(|it| it.matches(path.as_bytes()))
        };
        let Some(path) = self.path(&shown, &file.path)? else {
            return Ok(None);
        };
        check_path(&shown, &path)?;
        let text = std::str::from_utf8(&file.contents)
            .ok()
            .filter(|it| !it.contains('\0'));
        let contents = match text.filter(|_| !is_one_of(&self.template.verbatim, &file.path)) {
            Some(text) => self.text(&shown, text)?.into_bytes(),
            None => file.contents.clone(),
        };
        let is_executable = file.is_executable || is_one_of(&self.template.executable, &path);
        Ok(Some(File {
            path,
            contents,
            is_executable,
        }))
    }

    /// Each part of a path is a template of its own. A path that is no text is taken as it is.
    fn path(&self, shown: &str, path: &FilePath) -> Result<Option<FilePath>, Error> {
        let Ok(text) = std::str::from_utf8(path.as_bytes()) else {
            return Ok(Some(path.clone()));
        };
        let text = text.strip_suffix(MARK).unwrap_or(text);
        let mut parts = Vec::new();
        for part in text.split('/') {
            let part = self.text(shown, part)?;
            if part.is_empty() {
                return Ok(None);
            }
            parts.push(part);
        }
        Ok(Some(FilePath::from(parts.join("/").as_str())))
    }

    fn text(&self, shown: &str, template: &str) -> Result<String, Error> {
        engine::render(template, &self.values(), &self.names)
            .map_err(|wrong| fault(shown, wrong, 0))
    }
}

/// A fault of a template, whose text begins behind so many lines of the file.
fn fault(file: &str, wrong: Wrong, before: usize) -> Error {
    let error = Error::template(file, wrong.line.map(|it| it + before), wrong.words);
    match wrong.nearest {
        Some(near) => error.hint(format!("did you mean `{near}`?")),
        None => error,
    }
}

/// A file stays in its directory, and out of git's.
fn check_path(shown: &str, path: &FilePath) -> Result<(), Error> {
    let is_bad = |part: &[u8]| {
        matches!(part, b"" | b"." | b"..")
            || part.eq_ignore_ascii_case(b".git")
            || part.contains(&0)
            || part.len() > 255
    };
    match path.as_bytes().split(|it| *it == b'/').any(is_bad) {
        true => {
            let words = format!(
                "the file would be `{}`, which leads out of the directory of the service",
                path.display()
            );
            Err(Error::template(shown, None, words)
                .hint("names are relative, without `..`, empty parts and `.git`"))
        }
        false => Ok(()),
    }
}

/// No file is in the way of another.
fn check_places(template: &Template, files: &[File]) -> Result<(), Error> {
    let mut seen = BTreeSet::new();
    let all: BTreeSet<&[u8]> = files.iter().map(|it| it.path.as_bytes()).collect();
    for file in files {
        let above = ancestors(file.path.as_bytes()).skip(1);
        let mut above = above.filter(|it| !it.is_empty());
        if !seen.insert(&file.path) || above.any(|it| all.contains(it)) {
            let words = format!(
                "two files of the template would be at `{}`",
                file.path.display()
            );
            return Err(Error::template(&template.shown, None, words));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaffold::declaration::read;

    fn facts() -> Facts {
        Facts {
            name: ServiceName::new("price-list").unwrap(),
            path: "services/price-list".into(),
            workspace: "shop".to_owned(),
            targets: BTreeSet::new(),
            above: BTreeSet::from(["go.work".to_owned()]),
            depends_on: vec![],
            free_port: 8085,
        }
    }

    fn made(
        declaration: &str,
        files: &[(&str, &[u8])],
        given: &[(&str, &str)],
    ) -> Result<Rendered, Error> {
        let declaration = format!("about = \"x\"\n{declaration}");
        let file = |path: &str, text: &[u8]| File {
            path: path.into(),
            contents: text.to_vec(),
            is_executable: false,
        };
        let mut all: Vec<File> = files.iter().map(|(path, text)| file(path, text)).collect();
        all.push(file("template.toml", declaration.as_bytes()));
        let template = read("own", ".svc/templates/own", all, true).unwrap();
        let given: Vec<_> = given
            .iter()
            .map(|(a, b)| ((*a).to_owned(), (*b).to_owned()))
            .collect();
        render(&template, &facts(), &given)
    }

    #[test]
    fn files_and_their_names_are_rendered_and_bytes_are_not() {
        let files: &[(&str, &[u8])] = &[
            (
                "src/{{ name | snake }}.py",
                b"# {{ path }} {{ up }} {{ port }}\n",
            ),
            ("Cargo.toml.jinja", b"{{ workspace }}"),
            ("logo.png", b"\x89PNG\xff{{ name }}"),
            ("zero", b"{{ name }}\0"),
            ("chart.tpl", b"{{ .Values }}"),
            ("{% if port == 1 %}left-out{% endif %}", b"{{ nope }}"),
            ("{% if port == 1 %}left{% endif %}/out.jinja", b""),
            ("out/{% if port == 1 %}left{% endif %}.jinja", b""),
            ("bin/run", b"#!/bin/sh\n"),
        ];
        let declaration = "verbatim = [\"*.tpl\"]\nexecutable = [\"bin/*\"]\nentry = '''\nbuild = {{ name | quoted }}\n'''\n[parameters.port]\nkind = \"port\"\n";
        let rendered = made(declaration, files, &[]).unwrap();
        let found = rendered.files.iter().map(|it| {
            let text = String::from_utf8_lossy(&it.contents).into_owned();
            (it.path.display(), text, it.is_executable)
        });
        let found: Vec<_> = found.collect();
        let expected = [
            ("Cargo.toml", "shop", false),
            ("bin/run", "#!/bin/sh\n", true),
            ("chart.tpl", "{{ .Values }}", false),
            ("logo.png", "\u{fffd}PNG\u{fffd}{{ name }}", false),
            (
                "src/price_list.py",
                "# services/price-list ../.. 8085\n",
                false,
            ),
            ("zero", "{{ name }}\0", false),
        ];
        let expected = expected.map(|(path, text, flag)| (path.to_owned(), text.to_owned(), flag));
        assert_eq!(found, expected);
        assert_eq!(rendered.entry, "build = \"price-list\"\n");
    }

    #[test]
    fn parameters_are_given_or_have_defaults() {
        let declaration = "[parameters.region]\ndefault = \"eu\"\nchoices = [\"eu\", \"us\"]\n[parameters.host-name]\ndefault = \"{{ name }}.{{ region }}\"\n[parameters.owner]\nabout = \"who cares\"\n";
        let file: &[(&str, &[u8])] = &[("a", b"{{ host_name }} {{ owner }}")];
        let check = |given: &[(&str, &str)], expected: &str| {
            let found = match made(declaration, file, given) {
                Ok(rendered) => String::from_utf8(rendered.files[0].contents.clone()).unwrap(),
                Err(Error::Parameter { words, hint }) => format!("{words}; {hint}"),
                Err(error) => panic!("{error}"),
            };
            assert_eq!(found, expected);
        };
        check(&[("owner", "me")], "price-list.eu me");
        check(&[("owner", "me"), ("region", "us")], "price-list.us me");
        check(
            &[],
            "the template `own` needs `owner`; --set owner=…: who cares",
        );
        check(
            &[("owner", "me"), ("region", "moon")],
            "`region` cannot be `moon`; it takes one of eu, us",
        );
        check(
            &[("regoin", "x")],
            "the template `own` has no parameter `regoin`; did you mean `region`?",
        );
        check(
            &[("owner", "a"), ("owner", "b")],
            "`owner` is set twice; leave one of them out",
        );
    }

    #[test]
    fn no_file_leads_out_of_its_directory() {
        let check = |path: &str, expected: &str| {
            let parameter = |(name, value)| format!("[parameters.{name}]\ndefault = '{value}'\n");
            let parameters = [("x", ".."), ("y", "/etc/passwd"), ("z", "x/")].map(parameter);
            let error = made(&parameters.concat(), &[(path, b"")], &[]).unwrap_err();
            assert!(error.to_string().contains(expected), "{error}");
        };
        check("{{ x }}/evil", "would be `../evil`");
        check("a/{{ x }}/{{ x }}/evil", "would be `a/../../evil`");
        check("{{ y }}", "would be `/etc/passwd`");
        check(".Git/hooks/pre-commit", "would be `.Git/hooks/pre-commit`");
        check("a/{{ z }}/b", "would be `a/x//b`");
        check("{{ '.' }}", "would be `.`");
    }

    #[test]
    fn no_two_files_are_at_one_place() {
        let two: &[(&str, &[u8])] = &[("a{{ '' }}", b""), ("a", b"")];
        let below: &[(&str, &[u8])] = &[("{{ 'a' }}", b""), ("a/b", b"")];
        for files in [two, below] {
            let error = made("", files, &[]).unwrap_err().to_string();
            assert!(
                error.contains("two files of the template would be at `a"),
                "{error}"
            );
        }
    }

    #[test]
    fn mistakes_name_file_and_line() {
        let check = |path: &str, text: &[u8], expected: &str| {
            let error = made("", &[(path, text)], &[]).unwrap_err();
            assert_eq!(error.to_string(), format!(".svc/templates/own/{expected}"));
        };
        check(
            "src/a.py",
            b"\n\n{{ nmae }}\n",
            "src/a.py:3: there is no `nmae`",
        );
        check("{{ nope }}", b"", "{{ nope }}:1: there is no `nope`");
        let error = made("entry = '''\na = 1\nb = {{ x }}\n'''", &[], &[]).unwrap_err();
        assert_eq!(
            error.to_string(),
            ".svc/templates/own/template.toml:4: there is no `x`"
        );
    }
}
