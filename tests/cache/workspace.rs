//! A small workspace, on disk and as a model of what its tasks are made from.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs::Permissions;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use crate::chance::Chance;
use crate::support::TestRepo;

/// What one result is made from: by kind and name; the second of each pair is what matters less, a mode or values.
pub type Made = BTreeMap<(String, String), (String, String)>;

/// Adds to it: the kind, the name, and what it is.
type Add<'a> = dyn FnMut(&str, &str, (String, String)) + 'a;

/// The tool that tasks ask.
pub const TOOL: &str = "the-tool --version";

/// A file.
#[derive(Clone, Debug, PartialEq)]
pub struct File {
    pub text: String,
    pub is_program: bool,
}

/// A task as it is defined.
#[derive(Clone, Debug, Default)]
pub struct Task {
    /// A number in its command.
    pub note: usize,
    pub shell: usize,
    /// Another pattern, which matches nothing.
    pub more_outputs: usize,
    pub has_loose_env: bool,
    pub asks_tool: bool,
    pub has_variables: bool,
    /// Whether it names an ignored file and one of nobody as inputs.
    pub has_more_inputs: bool,
    /// Whether it has outputs; for a build.
    pub has_outputs: bool,
    /// Keys that cannot change a result.
    pub rest: usize,
}

/// A service; a library without tasks has neither of the two.
#[derive(Clone, Debug)]
pub struct Service {
    pub name: String,
    pub path: String,
    pub depends_on: Vec<usize>,
    pub build: Option<Task>,
    pub test: Option<Task>,
    /// By path below its directory.
    pub files: BTreeMap<Vec<u8>, File>,
    /// The file that git ignores.
    pub generated: File,
}

/// The workspace.
pub struct World {
    pub repo: TestRepo,
    pub root: PathBuf,
    pub services: Vec<Service>,
    pub variables: BTreeMap<String, String>,
    pub tool: String,
    pub global: File,
    /// A file of no service that inputs name.
    pub shared: File,
    pub arguments: Vec<String>,
    pub comment: usize,
    /// For everything that is to be new.
    pub count: usize,
}

impl File {
    /// A plain file.
    pub fn new(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            is_program: false,
        }
    }

    fn made(&self) -> (String, String) {
        (self.text.clone(), format!("{}", self.is_program))
    }
}

impl World {
    /// Any workspace of a few services. The first has a bit of everything, the second no tasks.
    pub fn new(chance: &mut Chance) -> Self {
        let repo = TestRepo::new();
        let services = services(chance);
        let world = Self {
            root: repo.root().to_owned(),
            repo,
            services,
            variables: [
                ("CC", "gcc"),
                ("GEN_A", "1"),
                ("PASSED", "p"),
                ("TOKEN", "secret-1"),
            ]
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into(),
            tool: "tool 1".into(),
            global: File::new("versions 1"),
            shared: File::new("shared 1"),
            arguments: Vec::new(),
            comment: 0,
            count: 1,
        };
        world.write_all();
        world.commit();
        world
    }

    /// A number that was not there before.
    pub fn new_number(&mut self) -> usize {
        self.count += 1;
        self.count
    }

    /// Commits everything.
    pub fn commit(&self) {
        self.repo.at(&self.root).commit("something");
    }

    /// Where a path of the workspace is.
    pub fn place(&self, path: &[u8]) -> PathBuf {
        self.root.join(OsStr::from_bytes(path))
    }

    /// Writes a file of the workspace.
    pub fn write(&self, path: &[u8], file: &File) {
        let place = self.place(path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(&place, &file.text).unwrap();
        let mode = if file.is_program { 0o755 } else { 0o644 };
        std::fs::set_permissions(&place, Permissions::from_mode(mode)).unwrap();
    }

    /// Writes what git does not bring to a clone.
    pub fn write_ignored(&self) {
        for service in &self.services {
            let path = format!("{}/generated.txt", service.path);
            self.write(path.as_bytes(), &service.generated);
        }
    }

    /// Writes everything that belongs to a service.
    pub fn write_service(&self, at: usize) {
        let service = &self.services[at];
        for (path, file) in &service.files {
            self.write(&[service.path.as_bytes(), b"/", path].concat(), file);
        }
    }

    /// Writes what the tool is.
    pub fn write_tool(&self) {
        let tools = self.repo.beside("tools");
        std::fs::create_dir_all(&tools).unwrap();
        let tool = tools.join("the-tool");
        std::fs::write(&tool, format!("#!/bin/sh\necho '{}'\n", self.tool)).unwrap();
        std::fs::set_permissions(&tool, Permissions::from_mode(0o755)).unwrap();
    }

    /// Writes `services.toml`.
    pub fn write_definition(&self) {
        self.write(b"services.toml", &File::new(self.definition()));
    }

    fn write_all(&self) {
        self.write_definition();
        self.write(b".gitignore", &File::new("out/\ngenerated.txt\n*.log\n"));
        self.write(b"versions.txt", &self.global);
        self.write(b"shared/x.json", &self.shared);
        self.write(b"notes.txt", &File::new("of nobody"));
        for at in 0..self.services.len() {
            self.write_service(at);
        }
        self.write_ignored();
        self.write_tool();
    }

    /// Whether a service lies in the directory of another, or another in its.
    pub fn is_entangled(&self, at: usize) -> bool {
        let path = &self.services[at].path;
        self.services.iter().enumerate().any(|(other, it)| {
            other != at
                && (it.path.starts_with(&format!("{path}/"))
                    || path.starts_with(&format!("{}/", it.path)))
        })
    }

    fn definition(&self) -> String {
        let mut text = format!(
            "# comment {}\nversion = 1\n[workspace]\nname = \"world\"\nglobal-inputs = [\"versions.txt\"]\n\
             ignore = [\"**/*.md\"]\npass-env = [\"PASSED\"]\n[pools]\nfew = 1\nmany = 4\n",
            self.comment
        );
        for service in &self.services {
            let names = service.depends_on.iter();
            let names: Vec<&str> = names.map(|it| &self.services[*it].name[..]).collect();
            text.push_str(&format!(
                "[services.{}]\npath = {:?}\ndepends-on = {names:?}\n",
                service.name, service.path
            ));
            for (name, task) in [("build", &service.build), ("test", &service.test)] {
                if let Some(task) = task {
                    text.push_str(&format!("[services.{}.{name}]\n", service.name));
                    text.push_str(&self.task_definition(service, name, task));
                }
            }
        }
        text
    }

    fn task_definition(&self, service: &Service, name: &str, task: &Task) -> String {
        let rest = [
            "",
            "timeout = \"5m\"\n",
            "retry = 2\n",
            "grace = \"3s\"\n",
            "pool = \"few\"\n",
            "exclusive = true\n",
        ][task.rest % 6];
        let mut text = format!(
            "run = {:?}\nshell = {:?}\nstrict-env = {}\nsecrets = [\"TOKEN\"]\n{rest}",
            self.command(service, name, task),
            shell(task),
            !task.has_loose_env
        );
        if task.asks_tool {
            text.push_str(&format!("tools = [{TOOL:?}]\n"));
        }
        if task.has_variables {
            text.push_str("env = [\"CC\", \"GEN_*\"]\n");
        }
        if task.has_more_inputs {
            text.push_str("inputs = [\"...\", \"/shared/*.json\", \"generated.txt\"]\n");
        }
        if name == "build" {
            text.push_str(&format!("outputs = {:?}\n", outputs(task)));
        }
        text
    }

    fn command(&self, service: &Service, name: &str, task: &Task) -> String {
        let note = task.note;
        if name == "test" {
            return format!("echo testing {note}");
        }
        let mut command = "printf 'version=%s\\n' \"$(cat version)\" >> \"$SVC_VALUES\"".to_owned();
        if task.has_outputs {
            let up = "../".repeat(service.path.split('/').count());
            let from: Vec<String> = service
                .depends_on
                .iter()
                .map(|it| &self.services[*it])
                .filter(|it| it.build.as_ref().is_some_and(|it| it.has_outputs))
                .map(|it| format!(" {up}{}/out/data", it.path))
                .collect();
            let from = from.concat();
            command.push_str(&format!("; mkdir -p out; cat data/*{from} > out/data"));
        }
        format!("{command} # {note}")
    }

    /// What every task is made from, by full name.
    pub fn all(&self) -> BTreeMap<String, Made> {
        let mut all = BTreeMap::new();
        for at in 0..self.services.len() {
            let service = &self.services[at];
            for (name, task) in [("build", &service.build), ("test", &service.test)] {
                if let Some(task) = task {
                    all.insert(
                        format!("{}:{name}", service.name),
                        self.made(at, name, task),
                    );
                }
            }
        }
        all
    }

    fn made(&self, at: usize, name: &str, task: &Task) -> Made {
        let service = &self.services[at];
        let mut made = Made::new();
        let mut add = |kind: &str, of: &str, what: (String, String)| {
            made.insert((kind.to_owned(), of.to_owned()), what);
        };
        let plain = |text: String| (text, String::new());
        add("path", "", plain(service.path.clone()));
        add("commands", "", plain(self.command(service, name, task)));
        add("shell", "", plain(format!("{:?}", shell(task))));
        add("strict-env", "", plain(format!("{}", task.has_loose_env)));
        add("global", "versions.txt", self.global.made());
        match name {
            "build" => {
                // As they resolve.
                let outputs = outputs(task);
                let outputs = outputs.iter().map(|it| format!("{}/{it} ", service.path));
                add("outputs", "", plain(outputs.collect()));
            }
            _ => add("arguments", "", plain(format!("{:?}", self.arguments))),
        }
        for (path, file) in self.inputs(service) {
            add("file", &path, file.made());
        }
        if task.has_more_inputs {
            add("file", "shared/x.json", self.shared.made());
            let generated = format!("{}/generated.txt", service.path);
            add("file", &generated, service.generated.made());
        }
        if task.has_variables {
            let is_meant = |it: &&String| *it == "CC" || it.starts_with("GEN_");
            for name in self.variables.keys().filter(is_meant) {
                add("variable", name, plain(self.variables[name].clone()));
            }
        }
        if task.asks_tool {
            add("tool", TOOL, plain(self.tool.clone()));
        }
        if name == "test" {
            add("need", &format!("{}:build", service.name), self.needed(at));
        } else {
            self.add_dependencies(at, &mut add);
        }
        made
    }

    fn add_dependencies(&self, at: usize, add: &mut Add<'_>) {
        for other in &self.services[at].depends_on {
            let service = &self.services[*other];
            if service.build.is_some() {
                add(
                    "need",
                    &format!("{}:build", service.name),
                    self.needed(*other),
                );
                continue;
            }
            for (path, file) in self.inputs(service) {
                add(&format!("of {}", service.name), &path, file.made());
            }
            self.add_dependencies(*other, add);
        }
    }

    /// What others see of the build of a service: its outputs or its key, and its values.
    fn needed(&self, at: usize) -> (String, String) {
        let service = &self.services[at];
        let task = service.build.as_ref().unwrap();
        let values = service.files[&b"version"[..]].text.clone();
        match task.has_outputs {
            true => (format!("{} {}", service.path, self.output(at)), values),
            false => (format!("key {:?}", self.made(at, "build", task)), values),
        }
    }

    /// What a build writes.
    fn output(&self, at: usize) -> String {
        let service = &self.services[at];
        let data = service.files.iter();
        let data = data.filter(|(path, _)| path.starts_with(b"data/"));
        let mut text: String = data.map(|(_, it)| &it.text[..]).collect();
        for other in &service.depends_on {
            let task = self.services[*other].build.as_ref();
            if task.is_some_and(|it| it.has_outputs) {
                text.push_str(&self.output(*other));
            }
        }
        text
    }

    /// Every output is what it would be if it were made now.
    pub fn expect_outputs(&self, what: &str) {
        for (at, service) in self.services.iter().enumerate() {
            if service.build.as_ref().is_some_and(|it| it.has_outputs) {
                let path = format!("{}/out/data", service.path);
                let found = std::fs::read_to_string(self.place(path.as_bytes())).unwrap();
                assert_eq!(found, self.output(at), "{what}: {path}");
            }
        }
    }

    /// The files of a service that its tasks read unless they say otherwise, by path in the workspace.
    fn inputs(&self, service: &Service) -> Vec<(String, File)> {
        let files = service.files.iter();
        let is_input = |path: &[u8]| !path.ends_with(b".md") && !path.ends_with(b".log");
        let files = files.filter(|(path, _)| is_input(path));
        let named = files.map(|(path, file)| {
            let path = String::from_utf8_lossy(path).replace('\u{fffd}', "%FF");
            (format!("{}/{path}", service.path), file.clone())
        });
        named.collect()
    }
}

fn shell(task: &Task) -> &'static [&'static str] {
    let shells: [&[&str]; 3] = [
        &["sh", "-eu", "-c"],
        &["sh", "-e", "-u", "-c"],
        &["sh", "-ue", "-c"],
    ];
    shells[task.shell % 3]
}

fn outputs(task: &Task) -> Vec<String> {
    let mut outputs = Vec::new();
    if task.has_outputs {
        outputs.push("out".to_owned());
        outputs.extend((0..task.more_outputs).map(|it| format!("more-{it}")));
    }
    outputs
}

fn services(chance: &mut Chance) -> Vec<Service> {
    let mut services: Vec<Service> = Vec::new();
    for at in 0..4 + chance.below(2) {
        let has_tasks = at != 1;
        let path = match at > 2 && chance.once_in(2) {
            true => format!("{}/nested-{at}", services[chance.below(at)].path),
            false => format!("{}s{at}", ["", "services/", "a/b/"][chance.below(3)]),
        };
        let depends_on = match at {
            0 | 1 => Vec::new(),
            // So that something needs the two.
            2 => vec![0, 1],
            _ => (0..at).filter(|_| chance.once_in(2)).collect(),
        };
        let mut task = || Task {
            asks_tool: at == 0 || chance.once_in(3),
            has_variables: at == 0 || chance.once_in(2),
            has_more_inputs: at == 0 || chance.once_in(2),
            has_outputs: at == 0 || (at != 2 && chance.once_in(2)),
            ..Task::default()
        };
        let files = [
            ("data/d1", "1\n"),
            ("data/d2", "2\n"),
            ("src/main", "main"),
            ("src/deep/er/x", "x"),
            ("version", "1"),
            ("README.md", "read me"),
        ];
        let files = files.map(|(path, text)| (path.into(), File::new(format!("{text} {at}\n"))));
        services.push(Service {
            name: format!("s{at}"),
            path,
            depends_on,
            build: has_tasks.then(&mut task),
            test: has_tasks.then(&mut task),
            files: files.into(),
            generated: File::new("generated 1"),
        });
    }
    services
}
