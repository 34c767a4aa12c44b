//! How services run on this machine, where that is sure: what their images start, with nothing that only an image has.
//!
//! A wrong `serve` is worse than none. So it is left out wherever something else is needed to run: variables, files,
//! others that have to run first, a port that another one takes.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use crate::model::draft::Found;
use crate::model::draft::files::{FileList, split};
use crate::model::draft::parameters::is_plain;
use crate::model::draft::place::Kept;
use crate::model::draft::resolve::{Names, Wanted};
use crate::model::draft::words::{Concluded, DraftServe, DraftService, Evidence};
use crate::model::manifest::{Ecosystem, Fact, Makes, Starting, Tie, What};
use crate::model::path::{FilePath, ancestors};

/// Variables that change nothing of whether something runs. With `*` at the end, all that begin so.
const HARMLESS: &[&str] = &[
    "NODE_ENV",
    "NPM_CONFIG_*",
    "PNPM_HOME",
    "NEXT_TELEMETRY_DISABLED",
    "PYTHONUNBUFFERED",
    "PYTHONDONTWRITEBYTECODE",
    "PIP_*",
    "UV_*",
    "POETRY_*",
    "CGO_ENABLED",
    "GOOS",
    "GOARCH",
    "GO111MODULE",
    "GOFLAGS",
    "GOPROXY",
    "CARGO_*",
    "RUST_LOG",
    "RUST_BACKTRACE",
    "JAVA_HOME",
    "PATH",
    "HOME",
    "LANG",
    "LC_ALL",
    "TZ",
    "DEBIAN_FRONTEND",
];
/// Below it, ports belong to the machine.
const FIRST_FREE: u16 = 1024;

/// What is known of one service.
#[derive(Default)]
struct Known<'f> {
    /// What its own Dockerfile says, if there is just one.
    image: Vec<(&'f FilePath, u32, &'f Starting)>,
    /// What compose files say.
    composed: Vec<&'f Starting>,
    scripts: BTreeSet<&'f str>,
    /// Whether it asks for packages of others at all.
    has_packages: bool,
}

/// Gives services how they run.
pub fn serve(found: &Found, kept: &Kept, services: &mut [DraftService]) {
    let mut known: HashMap<usize, Known> = HashMap::new();
    for manifest in &found.manifests {
        for Fact { about, line, what } in &manifest.facts {
            let own = kept.owner(about.as_bytes());
            let Some(at) = own.filter(|at| kept.places[*at].path == *about) else {
                continue;
            };
            let known = known.entry(at).or_default();
            match what {
                What::Starts(starting) if is_dockerfile(&manifest.file) => {
                    known.image.push((&manifest.file, *line, starting));
                }
                // Of other files of that kind nobody knows when they are used.
                What::Starts(starting) if is_compose(&manifest.file) => {
                    known.composed.push(starting);
                }
                What::Script { name, .. } => _ = known.scripts.insert(name),
                What::Needs {
                    ecosystem: Ecosystem::Npm,
                    tie: Tie::Declares,
                    ..
                } => known.has_packages = true,
                _ => {}
            }
        }
    }
    for at in given_more(found, kept) {
        known.remove(&at);
    }
    let mut ports: BTreeMap<u16, Vec<usize>> = BTreeMap::new();
    for (at, service) in services.iter_mut().enumerate() {
        service.serve = known.get(&at).and_then(|it| it.serve(found, service));
        if let Some(serve) = &service.serve {
            ports.entry(serve.what.port).or_default().push(at);
        }
    }
    for all in ports.into_values().filter(|it| it.len() > 1) {
        all.into_iter().for_each(|at| services[at].serve = None);
    }
}

/// The services that manifests of Kubernetes give something, by their images or because they lie in them.
fn given_more(found: &Found, kept: &Kept) -> BTreeSet<usize> {
    let names = Names::new(found);
    let mut all = BTreeSet::new();
    for manifest in &found.manifests {
        let gives = |it: &Fact| matches!(it.what, What::Applied { gives: true, .. });
        if !manifest.facts.iter().any(gives) {
            continue;
        }
        all.extend(kept.owner(manifest.file.as_bytes()));
        for fact in &manifest.facts {
            let What::Needs {
                ecosystem: ecosystem @ Ecosystem::Image,
                name,
                ..
            } = &fact.what
            else {
                continue;
            };
            let wanted = Wanted {
                ecosystem: *ecosystem,
                name,
                from: &fact.about,
                file: &manifest.file,
            };
            let path = names.find(wanted);
            all.extend(path.and_then(|it| kept.owner(it.as_bytes())));
        }
    }
    all
}

impl Known<'_> {
    fn serve(&self, found: &Found, service: &DraftService) -> Option<Concluded<DraftServe>> {
        let [(file, line, starting)] = self.image[..] else {
            return None;
        };
        let all = || self.composed.iter().copied().chain([starting]);
        let mut listens = all().flat_map(|it| &it.ports);
        let port = *listens.clone().next()?;
        if service.makes != Makes::Program
            || !listens.all(|it| *it == port)
            || port < FIRST_FREE
            || all().any(|it| it.wants_more)
        {
            return None;
        }
        let mut obeys = false;
        for (name, value) in all().flat_map(|it| &it.variables) {
            let is_port = value.as_ref().is_some_and(|it| *it == port.to_string());
            match name == "PORT" && is_port {
                true => obeys = true,
                false if is_harmless(name) => {}
                false => return None,
            }
        }
        let run = self.run(&found.files, service, &starting.command)?;
        let asked: BTreeSet<_> = all().filter_map(|it| it.health.as_ref()).collect();
        let health = match asked.first() {
            Some((at, path)) if asked.len() == 1 && *at == port => Some(path.clone()),
            _ => None,
        };
        let evidence = Evidence {
            file: file.clone(),
            line: Some(line),
            words: starting.command.join(" "),
        };
        Some(Concluded {
            what: DraftServe {
                run: match obeys {
                    true => format!("PORT=\"$SVC_PORT\" {run}"),
                    false => run,
                },
                port,
                health,
            },
            evidence: vec![evidence],
        })
    }

    /// The command on this machine for what the image starts.
    fn run(&self, files: &FileList, service: &DraftService, command: &[String]) -> Option<String> {
        let uses = service.uses.as_ref()?;
        let builds = service.tasks.keys().any(|it| it.as_str() == "build");
        let given = |name: &str| uses.parameters.get(name).filter(|_| !builds);
        let words: Vec<&str> = command.iter().map(String::as_str).collect();
        let is_own = |file: &str| {
            let path = service.path.join(file.as_bytes());
            is_plain(file) && files.has(path.as_bytes())
        };
        match (uses.preset.as_str(), &words[..]) {
            // What is served of a build with outputs is a copy, without the packages that are installed beside it.
            ("node" | "typescript", _) if self.has_packages && given("out").is_some() => None,
            ("node" | "typescript", ["node", file]) if is_own(file) => Some(format!("node {file}")),
            ("node" | "typescript", [manager, "start"] | [manager, "run", "start"])
                if ["npm", "pnpm", "yarn"].contains(manager)
                    && self.scripts.contains("start")
                    && !self.scripts.contains("prestart") =>
            {
                Some(words.join(" "))
            }
            ("go", [program]) if is_program(program) => Some(format!("dist/{}", given("bin")?)),
            ("rust", [program]) if is_program(program) => {
                Some(format!("dist/bin/{}", given("bin")?))
            }
            ("java-maven" | "java-gradle" | "kotlin", ["java", "-jar", _]) => {
                Some(format!("java -jar {}", given("archive")?))
            }
            ("python", _) if given("wheel").is_none() => {
                let through = python(files, &service.path)?;
                match &words[..] {
                    ["python" | "python3", file] if is_own(file) => {
                        Some(format!("{through} python {file}"))
                    }
                    ["python" | "python3", "-m", module]
                        if is_own(&format!("{}.py", module.replace('.', "/")))
                            || is_own(&format!("{}/__main__.py", module.replace('.', "/"))) =>
                    {
                        Some(format!("{through} python -m {module}"))
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

/// Whether it may be the program that was built, and not a script around it.
fn is_program(word: &str) -> bool {
    let name = word.rsplit('/').next().unwrap_or(word);
    !name.contains('.') && !matches!(name, "sh" | "bash" | "entrypoint" | "docker-entrypoint")
}

/// What runs the interpreter with the packages of the project: only tools with lock files know.
fn python(files: &FileList, path: &FilePath) -> Option<&'static str> {
    ancestors(path.as_bytes()).find_map(|here| {
        let has = |name: &str| {
            let file = FilePath::from_bytes(here).join(name.as_bytes());
            files.has(file.as_bytes())
        };
        match (has("uv.lock"), has("poetry.lock")) {
            (true, false) => Some("uv run --locked"),
            (false, true) => Some("poetry run"),
            _ => None,
        }
    })
}

fn is_dockerfile(file: &FilePath) -> bool {
    matches!(split(file.as_bytes()).1, b"Dockerfile" | b"Containerfile")
}

fn is_compose(file: &FilePath) -> bool {
    let name = split(file.as_bytes()).1;
    name.windows(7).any(|it| it == b"compose")
}

fn is_harmless(name: &str) -> bool {
    HARMLESS.iter().any(|it| match it.strip_suffix('*') {
        Some(start) => name.starts_with(start),
        None => *it == name,
    })
}
