//! Compose files: what is built where, and which services want others to run first.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::image;
use crate::manifest::place;
use crate::manifest::started;
use crate::manifest::syntax::node::{Entry, Node};
use crate::manifest::syntax::yaml;
use crate::model::manifest::{
    Ecosystem::{Compose, Image},
    Manifest, Starting, Tie, What,
};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

fn knows(name: &str) -> bool {
    let stem = name.strip_suffix(".yml").or(name.strip_suffix(".yaml"));
    stem.is_some_and(|stem| {
        let plain = stem.strip_prefix("docker-").unwrap_or(stem);
        let rest = plain.strip_prefix("compose");
        rest.is_some_and(|it| it.is_empty() || it.starts_with(['.', '-', '_']))
    })
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let document = yaml::document(file, text)?;
    let mut facts = Facts::of(file);
    for service in document.find("services").map_or(&[][..], Node::entries) {
        Service::of(&facts, service).say(&mut facts);
    }
    let own = facts.directory.clone();
    for include in document.find("include").map_or(&[][..], Node::items) {
        let paths = include.find("path").unwrap_or(include);
        reads(&mut facts, &own, paths.texts(), Tie::Declares);
    }
    Ok(facts.finish())
}

/// `written` with defaults in place of variables; none where there is none.
fn known(written: &str) -> Option<String> {
    image::substituted(written, &|_| None)
}

fn reads<'a>(
    facts: &mut Facts,
    about: &FilePath,
    written: impl Iterator<Item = (u32, &'a str)>,
    tie: Tie,
) {
    for (line, written) in written {
        if let Some(path) = known(written).and_then(|it| place::resolve(&facts.directory, &it)) {
            facts.say_of(about.clone(), line, What::Reads { path, tie });
        }
    }
}

/// A service of the file.
struct Service<'a> {
    entry: &'a Entry,
    built: Option<Built>,
}

/// How it is built here.
struct Built {
    line: u32,
    context: FilePath,
    dockerfile: FilePath,
}

impl<'a> Service<'a> {
    fn of(facts: &Facts, entry: &'a Entry) -> Self {
        let built = entry.node.find("build");
        let built = built.and_then(|build| Built::of(&facts.directory, build));
        Self { entry, built }
    }

    /// What is said of it is said of the directory it is built in; else of the file's own.
    fn about(&self, facts: &Facts) -> FilePath {
        match &self.built {
            Some(built) => image::directory(&built.context, &built.dockerfile),
            None => facts.directory.clone(),
        }
    }

    fn say(&self, facts: &mut Facts) {
        let about = self.about(facts);
        if let Some(built) = &self.built {
            let (context, dockerfile) = (built.context.clone(), built.dockerfile.clone());
            let what = What::BuiltFrom {
                context,
                dockerfile,
            };
            facts.say_of(about.clone(), built.line, what);
            facts.offers(self.entry.line, Compose, &self.entry.name, about.clone());
            self.image(facts, &about);
            self.others(facts, &about);
            self.ports(facts, &about);
            self.starts(facts, &about);
        } else {
            self.others_of_one_built_elsewhere(facts);
        }
        self.files(facts, &about);
    }

    fn image(&self, facts: &mut Facts, about: &FilePath) {
        let image = self.entry.node.find("image");
        if let Some(image) = image
            && let Some(written) = image.text().and_then(known)
            && let Some(name) = image::name(&written)
        {
            facts.offers(image.line, Image, name, about.clone());
        }
    }

    /// The names of what it wants to run first.
    fn wanted(&self) -> Vec<(u32, String)> {
        let nodes = ["depends_on", "links"].map(|it| self.entry.node.find(it));
        let named = nodes.into_iter().flatten().flat_map(|node| {
            let names = node.entries().iter().map(|it| (it.line, it.name.as_str()));
            names.chain(node.texts()).collect::<Vec<_>>()
        });
        let bare = |name: &str| name.split(':').next().unwrap_or(name).to_owned();
        named.map(|(line, name)| (line, bare(name))).collect()
    }

    /// Several files may speak of one component, and only one of them says how it is built.
    fn others_of_one_built_elsewhere(&self, facts: &mut Facts) {
        for (line, other) in self.wanted() {
            let component = self.entry.name.clone();
            facts.say(line, What::StartsAfter { component, other });
        }
    }

    fn others(&self, facts: &mut Facts, about: &FilePath) {
        for (line, name) in self.wanted() {
            let (ecosystem, tie) = (Compose, Tie::StartsAfter);
            let what = What::Needs {
                ecosystem,
                name,
                tie,
            };
            facts.say_of(about.clone(), line, what);
        }
        let contexts = self.entry.node.at(&["build", "additional_contexts"]);
        let Some(contexts) = contexts else { return };
        let named = contexts.entries().iter();
        let named = named.filter_map(|it| Some((it.line, it.node.text()?)));
        let listed = contexts.texts();
        let listed = listed.filter_map(|(line, it)| Some((line, it.split_once('=')?.1)));
        for (line, written) in named.chain(listed) {
            match written.strip_prefix("service:") {
                Some(name) => {
                    let (ecosystem, name, tie) = (Compose, name.to_owned(), Tie::Takes);
                    let what = What::Needs {
                        ecosystem,
                        name,
                        tie,
                    };
                    facts.say_of(about.clone(), line, what);
                }
                None => reads(facts, about, [(line, written)].into_iter(), Tie::Takes),
            }
        }
    }

    /// What is mounted or set when it runs changes no build: of files, only another that says how it is built.
    fn files(&self, facts: &mut Facts, about: &FilePath) {
        let node = &self.entry.node;
        if let Some(other) = node.at(&["extends", "file"]) {
            reads(facts, about, other.texts(), Tie::StartsAfter);
        }
    }

    fn ports(&self, facts: &mut Facts, about: &FilePath) {
        for (line, number) in self.inside() {
            facts.say_of(about.clone(), line, What::Port(number));
        }
    }

    /// The ports that it listens on, with their lines.
    fn inside(&self) -> impl Iterator<Item = (u32, u16)> {
        let ports = self.entry.node.find("ports").map_or(&[][..], Node::items);
        ports.iter().filter_map(|port| {
            let written = port.find("target").unwrap_or(port).scalar();
            let written = written.and_then(known).unwrap_or_default();
            let inside = written.split('/').next().unwrap_or_default();
            let inside = inside.rsplit(':').next().unwrap_or_default();
            Some((port.line, inside.parse().ok()?))
        })
    }

    fn starts(&self, facts: &mut Facts, about: &FilePath) {
        let node = &self.entry.node;
        let is_more = |it: &Entry| !PLAIN.contains(&it.name.as_str());
        let environment = node.find("environment");
        let named = environment.map_or(&[][..], Node::entries).iter();
        let named = named.map(|it| (it.name.clone(), it.node.scalar().and_then(known)));
        let listed = environment.into_iter().flat_map(Node::texts);
        let listed = listed.map(|(_, it)| match it.split_once('=') {
            Some((name, value)) => (name.to_owned(), known(value)),
            None => (it.to_owned(), None),
        });
        let test = node.at(&["healthcheck", "test"]);
        let test = test.map(|it| match it.text() {
            Some(text) => text.to_owned(),
            None => it.texts().map(|it| it.1).collect::<Vec<_>>().join(" "),
        });
        let starting = Starting {
            command: Vec::new(),
            ports: self.inside().map(|it| it.1).collect(),
            variables: named.chain(listed).collect(),
            wants_more: node.entries().iter().any(is_more)
                || node.at(&["build", "target"]).is_some(),
            health: test.and_then(|it| started::asked(&known(&it)?)),
        };
        let what = What::Starts(Box::new(starting));
        facts.say_of(about.clone(), self.entry.line, what);
    }
}

/// Keys that say nothing of what is needed to run.
const PLAIN: &[&str] = &[
    "build",
    "image",
    "ports",
    "expose",
    "healthcheck",
    "environment",
    "container_name",
    "hostname",
    "restart",
    "networks",
    "labels",
    "deploy",
    "platform",
    "init",
    "logging",
    "profiles",
    "pull_policy",
    "develop",
    "stop_grace_period",
    "stop_signal",
    "tty",
    "stdin_open",
];

impl Built {
    fn of(directory: &FilePath, build: &Node) -> Option<Self> {
        let context = match build.text() {
            Some(text) => text,
            None if !build.is_table() => return None,
            None => build.find("context").and_then(Node::text).unwrap_or("."),
        };
        let context = place::resolve(directory, &known(context)?)?;
        let dockerfile = build.find("dockerfile").and_then(Node::text);
        let dockerfile = known(dockerfile.unwrap_or("Dockerfile"))?;
        Some(Self {
            line: build.line,
            dockerfile: place::resolve(&context, &dockerfile)?,
            context,
        })
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = r#"include:
  - infra/compose.yaml
services:
  cart:
    image: shop/cart:${TAG:-latest}
    build:
      context: .
      dockerfile: ./services/cart/Dockerfile
      additional_contexts:
        protos: ../protos
        base: service:base
    depends_on:
      db: { condition: service_healthy }
      mail:
        condition: service_started
    ports:
      - "127.0.0.1:${PORT:-8080}:80/tcp"
      - 9000
    env_file: [.env, { path: ./more.env }]
  mail:
    build: ${DIR:-services}/mail
    depends_on: [db]
    volumes:
      - ./config/mail.toml:/etc/mail.toml:ro
      - data:/data
      - type: bind
        source: ./templates
    extends:
      file: ../common.yaml
      service: base
  db:
    image: postgres:16
    volumes: ["./db/init.sql:/x.sql"]
  unknown:
    build: ${NOWHERE}/x
"#;

    #[test]
    fn services_say_where_they_are_built_and_what_they_want() {
        words::check(
            read,
            "deploy/docker-compose.yml",
            SAMPLE,
            &[
                "2: reads deploy/infra/compose.yaml Declares",
                "4: offers Compose cart = deploy/services/cart",
                "4: [deploy/services/cart] starts \"\" at [80, 9000] with [] and more",
                "5: offers Image shop/cart = deploy/services/cart",
                "7: [deploy/services/cart] built from deploy deploy/services/cart/Dockerfile",
                "10: [deploy/services/cart] reads protos Takes",
                "11: [deploy/services/cart] needs Compose base Takes",
                "13: [deploy/services/cart] needs Compose db StartsAfter",
                "14: [deploy/services/cart] needs Compose mail StartsAfter",
                "17: [deploy/services/cart] port 80",
                "18: [deploy/services/cart] port 9000",
                "20: offers Compose mail = deploy/services/mail",
                "20: [deploy/services/mail] starts \"\" at [] with [] and more",
                "21: [deploy/services/mail] built from deploy/services/mail deploy/services/mail/Dockerfile",
                "22: [deploy/services/mail] needs Compose db StartsAfter",
                "29: [deploy/services/mail] reads common.yaml StartsAfter",
            ],
        );
    }

    #[test]
    fn files_are_known_by_name() {
        for name in [
            "compose.yaml",
            "docker-compose.yml",
            "docker-compose.dev.yml",
            "docker-compose-ci.yaml",
            "compose.override.yml",
        ] {
            assert!(knows(name), "{name}");
        }
        for name in ["composer.yml", "compose.json", "my-compose.yml"] {
            assert!(!knows(name), "{name}");
        }
    }

    #[test]
    fn what_is_no_compose_file_says_nothing() {
        for text in [
            "",
            "[]",
            "services: [a]",
            "services: {a: , b: 1}",
            "services: {a: {build: [x], ports: {}}}",
        ] {
            words::check(read, "compose.yml", text, &[]);
        }
    }
}
