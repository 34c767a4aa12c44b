//! Dockerfiles: what an image begins from, and which files it takes over.

use crate::manifest::Tool;
use std::collections::BTreeMap;

use parse_dockerfile::{
    Command, Flag, FromInstruction, HealthcheckArguments, Instruction, Source, parse_iter,
};

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::image;
use crate::manifest::started;
use crate::manifest::syntax::lines::Lines;
use crate::model::manifest::{Ecosystem::Image, Manifest, Starting, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

/// Files beside a dockerfile that are none.
const OTHERS: &[&str] = &[
    ".dockerignore",
    ".md",
    ".txt",
    ".sh",
    ".yml",
    ".yaml",
    ".json",
];

fn knows(name: &str) -> bool {
    let is_named = ["Dockerfile", "Containerfile", "dockerfile"]
        .iter()
        .any(|plain| {
            let variant = name.strip_prefix(plain);
            variant.is_some_and(|it| it.is_empty() || it.starts_with('.'))
        });
    let is_named = is_named || name.ends_with(".Dockerfile") || name.ends_with(".dockerfile");
    is_named && !OTHERS.iter().any(|end| name.ends_with(end))
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let instructions = parse_iter(text).map_err(|error| fault(file, &error))?;
    let mut reader = Reader {
        facts: Facts::of(file),
        lines: Lines::of(text),
        begun: 0,
        stages: BTreeMap::new(),
        stage: Stage::default(),
        variables: BTreeMap::new(),
    };
    for instruction in instructions {
        reader.take(&instruction.map_err(|error| fault(file, &error))?);
    }
    reader.starts();
    Ok(reader.facts.finish())
}

fn fault(file: &FilePath, error: &parse_dockerfile::Error) -> Error {
    Error::at(file, error.line() as u32, error)
}

/// How an image is started, so far.
#[derive(Clone, Default)]
struct Stage {
    name: Option<String>,
    /// Where the last of it is written.
    line: u32,
    entrypoint: Option<Vec<String>>,
    command: Option<Vec<String>>,
    rest: Starting,
}

struct Reader {
    facts: Facts,
    lines: Lines,
    /// How many stages began so far, and how those with names, lower case, are started.
    begun: usize,
    stages: BTreeMap<String, Stage>,
    /// The one that instructions belong to.
    stage: Stage,
    /// Of `ARG` and `ENV`, as far as they are known.
    variables: BTreeMap<String, String>,
}

impl Reader {
    fn take(&mut self, instruction: &Instruction<'_>) {
        match instruction {
            Instruction::Arg(arg) => self.assign(&arg.arguments.value),
            Instruction::Env(env) => {
                self.assign(&env.arguments.value);
                self.give(&env.arguments.value);
            }
            Instruction::From(from) => self.begin(from),
            Instruction::Copy(copy) => self.copy(&copy.options, &copy.src),
            Instruction::Add(add) => self.copy(&add.options, &add.src),
            Instruction::Run(run) => self.mounts(&run.options),
            Instruction::Expose(expose) => {
                for port in &expose.arguments {
                    self.port(port.span.start, &port.value);
                }
            }
            Instruction::Entrypoint(it) => {
                self.stage.line = self.lines.at(it.entrypoint.span.start);
                self.stage.entrypoint = Some(words(&it.arguments));
                // It takes the place of what the image that it begins from had.
                self.stage.command = None;
            }
            Instruction::Cmd(it) => {
                self.stage.line = self.lines.at(it.cmd.span.start);
                self.stage.command = Some(words(&it.arguments));
            }
            Instruction::Healthcheck(it) => {
                if let HealthcheckArguments::Cmd { arguments, .. } = &it.arguments {
                    let text = match arguments {
                        Command::Exec(words) => {
                            let words: Vec<&str> =
                                words.value.iter().map(|it| &*it.value).collect();
                            words.join(" ")
                        }
                        Command::Shell(text) => text.value.to_owned(),
                        _ => String::new(),
                    };
                    let known = self.known(&text).unwrap_or_default();
                    self.stage.rest.health = started::asked(&known);
                }
            }
            _ => {}
        }
    }

    /// `A=b C="d e"`, or `A b` of old.
    fn assign(&mut self, arguments: &str) {
        let words = shlex::split(arguments).unwrap_or_default();
        if let [name, value] = &words[..]
            && !name.contains('=')
        {
            self.variables
                .extend(self.known(value).map(|value| (name.clone(), value)));
            return;
        }
        for word in words {
            if let Some((name, value)) = word.split_once('=')
                && let Some(value) = self.known(value)
            {
                self.variables.insert(name.to_owned(), value);
            }
        }
    }

    fn known(&self, written: &str) -> Option<String> {
        image::substituted(written, &|name| self.variables.get(name).cloned())
    }

    fn begin(&mut self, from: &FromInstruction<'_>) {
        let line = self.lines.at(from.image.span.start);
        if let Some(written) = self.known(&from.image.value)
            && !self.is_stage(&written)
        {
            self.image(line, &written, Tie::Declares);
        }
        self.begun += 1;
        let written = self.known(&from.image.value).unwrap_or_default();
        let base = self.stages.get(&written.to_lowercase()).cloned();
        let name = from.as_.as_ref().map(|(_, name)| name.value.to_lowercase());
        self.leave();
        self.stage = base.unwrap_or_default();
        self.stage.name = name.clone();
        self.stages.extend(name.map(|it| (it, Stage::default())));
    }

    /// Remembers the stage that ends, for those that begin from it.
    fn leave(&mut self) {
        let stage = std::mem::take(&mut self.stage);
        self.stages
            .extend(stage.name.clone().map(|name| (name, stage)));
    }

    /// The last stage is the image.
    fn starts(&mut self) {
        let stage = std::mem::take(&mut self.stage);
        let parts = [stage.entrypoint, stage.command];
        let mut parts = parts.into_iter().flatten().peekable();
        if parts.peek().is_none() {
            return;
        }
        // If one of them takes a shell to know, nothing is known.
        let parts: Option<Vec<_>> = parts.map(|it| (!it.is_empty()).then_some(it)).collect();
        let command = parts.unwrap_or_default().concat();
        let starting = Starting {
            command,
            ..stage.rest
        };
        self.facts.say(stage.line, What::Starts(Box::new(starting)));
    }

    /// What the image gives to what runs in it.
    fn give(&mut self, arguments: &str) {
        let words = shlex::split(arguments).unwrap_or_default();
        let pairs: Vec<(String, String)> = match &words[..] {
            [name, value] if !name.contains('=') => vec![(name.clone(), value.clone())],
            words => {
                let pairs = words.iter().filter_map(|it| it.split_once('='));
                pairs
                    .map(|(name, value)| (name.into(), value.into()))
                    .collect()
            }
        };
        for (name, value) in pairs {
            let value = self.known(&value);
            self.stage.rest.variables.push((name, value));
        }
    }

    fn is_stage(&self, written: &str) -> bool {
        let is_number = written.parse().is_ok_and(|it: usize| it < self.begun);
        is_number || self.stages.contains_key(&written.to_lowercase())
    }

    fn image(&mut self, line: u32, written: &str, tie: Tie) {
        if let Some(name) = image::name(written) {
            self.facts.say(line, What::BaseImage(written.to_owned()));
            self.facts.needs(line, Image, name, tie);
        }
    }

    fn copy(&mut self, options: &[Flag<'_>], sources: &[Source<'_>]) {
        let from = options.iter().find(|it| it.name.value == "from");
        if let Some(from) = from {
            let line = self.lines.at(from.name.span.start);
            let written = from.value.as_ref().map_or("", |it| &*it.value).to_owned();
            self.take_from(line, &written);
            return;
        }
        for source in sources {
            if let Source::Path(path) = source {
                let line = self.lines.at(path.span.start);
                self.source(line, &path.value);
            }
        }
    }

    fn take_from(&mut self, line: u32, written: &str) {
        if let Some(written) = self.known(written)
            && !self.is_stage(&written)
        {
            self.image(line, &written, Tie::Takes);
        }
    }

    /// What is not known of a path becomes a pattern.
    fn source(&mut self, line: u32, written: &str) {
        let is_url = written.contains("://") || written.starts_with("git@");
        let parts = written.split('/').map(|part| match self.known(part) {
            Some(part) => part,
            None => "*".to_owned(),
        });
        let written = parts.collect::<Vec<_>>().join("/");
        let source = written.trim_start_matches('/').trim_start_matches("./");
        let source = match source.trim_end_matches('/') {
            "" => ".",
            source => source,
        };
        if !is_url {
            let source = source.to_owned();
            self.facts.say(line, What::Copies { source });
        }
    }

    fn mounts(&mut self, options: &[Flag<'_>]) {
        for option in options.iter().filter(|it| it.name.value == "mount") {
            let Some(value) = &option.value else { continue };
            let line = self.lines.at(value.span.start);
            let mut source = None;
            let mut from = None;
            let mut kind = "bind";
            for part in value.value.split(',') {
                match part.split_once('=') {
                    Some(("type", value)) => kind = value,
                    Some(("source" | "src", value)) => source = Some(value),
                    Some(("from", value)) => from = Some(value),
                    _ => {}
                }
            }
            match (kind, from, source) {
                ("bind" | "cache", Some(from), _) => self.take_from(line, from),
                ("bind", None, source) => self.source(line, source.unwrap_or(".")),
                _ => {}
            }
        }
    }

    fn port(&mut self, at: usize, written: &str) {
        let known = self.known(written).unwrap_or_default();
        let first = known.split(['/', '-']).next().unwrap_or_default();
        if let Ok(port) = first.parse() {
            self.stage.rest.ports.push(port);
            self.facts.say(self.lines.at(at), What::Port(port));
        }
    }
}

/// The words of a command. None where it takes a shell to know.
fn words(command: &Command<'_>) -> Vec<String> {
    match command {
        Command::Exec(words) => words.value.iter().map(|it| it.value.to_string()).collect(),
        Command::Shell(text) => started::words(text.value),
        _ => Vec::new(),
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = r#"# syntax=docker/dockerfile:1
ARG GO=1.22
ARG BASE
FROM --platform=$BUILDPLATFORM golang:${GO}-alpine AS Build
WORKDIR /src
COPY go.mod go.sum ./
COPY ["services/cart", "/src/services/cart/"]
COPY <<EOF /etc/x
hello
EOF
ADD https://example.test/x.tar.gz /x
RUN --mount=type=bind,source=libs/common,target=/c \
    --mount=type=cache,target=/root/.cache go build
FROM ${BASE}
FROM registry.test:5000/shop/base@sha256:abc
ENV PORT=8080
COPY --from=build /bin/cart /cart
COPY --from=ghcr.io/astral-sh/uv:0.5 /uv /bin/
COPY --chown=a:b ./target/${JAR} /app/
COPY . .
EXPOSE $PORT 9000/tcp $NONE
"#;

    #[test]
    fn an_image_says_what_it_begins_from_and_takes() {
        words::check(
            read,
            "services/cart/Dockerfile",
            SAMPLE,
            &[
                "4: base golang:1.22-alpine",
                "4: needs Image golang Declares",
                "6: copies go.mod",
                "6: copies go.sum",
                "7: copies services/cart",
                "12: copies libs/common",
                "15: base registry.test:5000/shop/base@sha256:abc",
                "15: needs Image registry.test:5000/shop/base Declares",
                "18: base ghcr.io/astral-sh/uv:0.5",
                "18: needs Image ghcr.io/astral-sh/uv Takes",
                "19: copies target/*",
                "20: copies .",
                "21: port 8080",
                "21: port 9000",
            ],
        );
    }

    #[test]
    fn the_last_stage_is_what_is_started() {
        let text = "FROM a AS base\nENV A=1 B=$X\nEXPOSE 80\nCMD [\"old\"]\nFROM b AS other\nEXPOSE 9\nFROM base\nENV P 80\n\
            HEALTHCHECK CMD curl http://localhost:$P/up\nENTRYPOINT [\"/app\"]\nCMD -v x\n";
        let expected = [
            "1: base a",
            "1: needs Image a Declares",
            "3: port 80",
            "5: base b",
            "5: needs Image b Declares",
            "6: port 9",
            "11: starts \"/app -v x\" at [80] with [\"A=1\", \"B=?\", \"P=80\"], asked 80/up",
        ];
        words::check(read, "Dockerfile", text, &expected);
        let shell = text.replace("-v x", "$V");
        let found = words::told(&read(&"Dockerfile".into(), &shell).unwrap());
        assert!(found[6].starts_with("11: starts \"\" at [80]"), "{found:?}");
    }

    #[test]
    fn files_are_known_by_name() {
        for name in [
            "Dockerfile",
            "Dockerfile.dev",
            "cart.Dockerfile",
            "Containerfile",
        ] {
            assert!(knows(name), "{name}");
        }
        for name in ["Dockerfile.dockerignore", "Dockerfiles", "MyDockerfile"] {
            assert!(!knows(name), "{name}");
        }
    }

    #[test]
    fn a_broken_file_is_refused_with_its_line() {
        let error = read(&"Dockerfile".into(), "FROM a\nNONSENSE x\n").unwrap_err();
        assert_eq!(error.line, Some(2));
    }
}
