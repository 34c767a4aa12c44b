//! Maven: `pom.xml`.

use crate::manifest::Tool;
use std::collections::BTreeMap;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::xml::{Element, Xml};
use crate::model::manifest::{Ecosystem::Maven, Makes, Manifest, Product, Said, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

/// Plugins that make something that runs, wherever they are used.
const RUNS: &[&str] = &[
    "spring-boot-maven-plugin",
    "quarkus-maven-plugin",
    "micronaut-maven-plugin",
    "jib-maven-plugin",
    "helidon-maven-plugin",
    "jetty-maven-plugin",
    "appassembler-maven-plugin",
];

fn knows(name: &str) -> bool {
    name == "pom.xml"
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let xml = Xml::of(file, text)?;
    let project = xml.root();
    let mut facts = Facts::of(file);
    if project.name() != "project" {
        return Ok(facts.finish());
    }
    let pom = Pom::of(project);
    package(&mut facts, &pom);
    if let Some(said) = archive(&pom) {
        let product = Product::Archive;
        facts.say(project.line(), What::Leaves { product, said });
    }
    parent(&mut facts, project);
    whole(&mut facts, &pom, project);
    for profiles in project.all("profiles") {
        for profile in profiles.all("profile") {
            whole(&mut facts, &pom, profile);
        }
    }
    Ok(facts.finish())
}

/// What a project says of itself, by which others are named.
struct Pom<'x> {
    project: Element<'x>,
    group: Option<&'x str>,
    properties: BTreeMap<&'x str, &'x str>,
}

impl<'x> Pom<'x> {
    fn of(project: Element<'x>) -> Self {
        let properties = project.all("properties").flat_map(Element::elements);
        let mut properties: BTreeMap<_, _> = properties
            .filter_map(|it| Some((it.name(), it.text()?)))
            .collect();
        let inherited = project.at(&["parent", "groupId"]).and_then(Element::text);
        let group = project.text_of("groupId").or(inherited);
        let own = [
            (["groupId", "project.groupId", "pom.groupId"], group),
            (
                ["artifactId", "project.artifactId", "pom.artifactId"],
                project.text_of("artifactId"),
            ),
            (
                ["version", "project.version", "pom.version"],
                project.text_of("version"),
            ),
            (
                [
                    "parent.groupId",
                    "project.parent.groupId",
                    "pom.parent.groupId",
                ],
                inherited,
            ),
        ];
        for (names, value) in own {
            properties.extend(names.into_iter().filter_map(|name| Some((name, value?))));
        }
        Self {
            project,
            group,
            properties,
        }
    }
}

fn package(facts: &mut Facts, pom: &Pom<'_>) {
    let project = pom.project;
    let artifact = project.find("artifactId");
    let name = artifact.and_then(|it| coordinate(pom, project, it.text()?));
    let line = artifact.map_or(project.line(), Element::line);
    facts.package(line, Maven, name.as_deref(), makes(project));
}

fn makes(project: Element<'_>) -> Makes {
    match project.text_of("packaging").unwrap_or("jar") {
        "pom" => Makes::Nothing,
        "war" | "ear" | "quarkus" | "native-image" | "docker-native" => Makes::Program,
        "maven-plugin" => Makes::Library,
        _ if plugins(project).any(runs) => Makes::Program,
        _ => Makes::Either,
    }
}

/// The archive of what may run, and for what only gathers others whether it has a say in what theirs are called.
fn archive(pom: &Pom<'_>) -> Option<Said> {
    let project = pom.project;
    let is_moved = project.at(&["build", "directory"]).is_some()
        || project.descendants().any(|it| it.name() == "packageType")
        || plugins(project).any(is_elsewhere);
    let final_name = project.at(&["build", "finalName"]);
    let parent = project.find("parent");
    let above = parent.and_then(|it| it.find("relativePath"));
    let is_known = |it: Element<'_>| it.text_of("artifactId") == Some("spring-boot-starter-parent");
    let is_outside = above.is_some_and(|it| it.text().is_none());
    let is_outside = is_outside && !parent.is_some_and(is_known);
    let ending = match project.text_of("packaging").unwrap_or("jar") {
        "pom" => {
            return (is_moved || is_outside || final_name.is_some()).then_some(Said::Unknown);
        }
        kind @ ("jar" | "war") => kind,
        _ => return None,
    };
    if makes(project) == Makes::Library {
        return None;
    }
    if is_moved || is_outside {
        return Some(Said::Unknown);
    }
    let name = match final_name {
        Some(name) => resolved(pom, name.text()?)?,
        // Whichever version it is.
        None => format!("{}-*", resolved(pom, project.text_of("artifactId")?)?),
    };
    let name = format!("target/{name}.{ending}");
    match parent.filter(|it| !is_known(*it)) {
        None => Some(Said::As(name)),
        // Somebody else's parent may say anything.
        Some(_) => {
            let written = above.and_then(Element::text).unwrap_or("../pom.xml");
            let file = match written.ends_with(".xml") {
                true => written.to_owned(),
                false => format!("{written}/pom.xml"),
            };
            Some(Said::IfThere { file, name })
        }
    }
}

/// Whether a plugin puts archives elsewhere, or more of them there.
fn is_elsewhere(plugin: Element<'_>) -> bool {
    const WORDS: &[&str] = &[
        "classifier",
        "finalName",
        "outputDirectory",
        "outputFile",
        "shadedArtifactAttached",
    ];
    let own = [
        "quarkus-maven-plugin",
        "maven-source-plugin",
        "maven-assembly-plugin",
    ];
    let is_one = plugin
        .text_of("artifactId")
        .is_some_and(|it| own.contains(&it));
    is_one || plugin.descendants().any(|it| WORDS.contains(&it.name()))
}

fn plugins(part: Element<'_>) -> impl Iterator<Item = Element<'_>> {
    let plugins = part.at(&["build", "plugins"]);
    plugins.into_iter().flat_map(|it| it.all("plugin"))
}

fn runs(plugin: Element<'_>) -> bool {
    let Some(name) = plugin.text_of("artifactId") else {
        return false;
    };
    let is_skipped = plugin.at(&["configuration", "skip"]);
    if RUNS.contains(&name) {
        return is_skipped.and_then(Element::text) != Some("true");
    }
    // Each of these names the class that is begun with, in one of several places.
    let may = matches!(
        name,
        "maven-shade-plugin" | "maven-jar-plugin" | "maven-assembly-plugin" | "exec-maven-plugin"
    );
    may && plugin
        .descendants()
        .any(|it| matches!(it.name(), "mainClass" | "Main-Class") && it.text().is_some())
}

/// The parent is found by its name; by its place only where that is written.
fn parent(facts: &mut Facts, project: Element<'_>) {
    let Some(parent) = project.find("parent") else {
        return;
    };
    if let Some(path) = parent.find("relativePath")
        && let Some(written) = path.text()
    {
        let is_file = written.ends_with(".xml");
        let pom = match is_file {
            true => written.to_owned(),
            false => format!("{written}/pom.xml"),
        };
        facts.reads(path.line(), &pom, Tie::Declares);
    }
    if let (Some(group), Some(artifact)) = (parent.text_of("groupId"), parent.find("artifactId"))
        && let Some(name) = artifact.text()
    {
        facts.needs(
            artifact.line(),
            Maven,
            format!("{group}:{name}"),
            Tie::Declares,
        );
    }
}

/// What a project says, and each of its profiles.
fn whole(facts: &mut Facts, pom: &Pom<'_>, part: Element<'_>) {
    if let Some(modules) = part.find("modules") {
        let all = modules.all("module").filter_map(Element::text);
        facts.gathers(modules.line(), Maven, all.map(str::to_owned).collect());
    }
    for dependency in part.all("dependencies").flat_map(|it| it.all("dependency")) {
        needs(facts, pom, dependency);
    }
    let managed = part.at(&["dependencyManagement", "dependencies"]);
    for dependency in managed.into_iter().flat_map(|it| it.all("dependency")) {
        if dependency.text_of("scope") == Some("import") {
            needs(facts, pom, dependency);
        }
    }
    for plugin in plugins(part).filter(|it| it.find("groupId").is_some()) {
        needs(facts, pom, plugin);
        for dependency in plugin
            .all("dependencies")
            .flat_map(|it| it.all("dependency"))
        {
            needs(facts, pom, dependency);
        }
    }
}

fn needs(facts: &mut Facts, pom: &Pom<'_>, dependency: Element<'_>) {
    let artifact = dependency.find("artifactId");
    let name = artifact.and_then(|it| coordinate(pom, dependency, it.text()?));
    if let (Some(artifact), Some(name)) = (artifact, name) {
        facts.needs(artifact.line(), Maven, name, Tie::Declares);
    }
}

/// `group:artifact`, the group inherited by the project itself where it has none.
fn coordinate(pom: &Pom<'_>, of: Element<'_>, artifact: &str) -> Option<String> {
    let group = resolved(pom, of.text_of("groupId").or(pom.group)?)?;
    Some(format!("{group}:{}", resolved(pom, artifact)?))
}

/// `written` with the project's own coordinates and properties put in; none where one is not known here. A property of
/// properties is rare, and might mean itself.
fn resolved(pom: &Pom<'_>, written: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        text.push_str(before);
        text.push_str(pom.properties.get(name).filter(|it| !it.contains("${"))?);
        rest = after;
    }
    Some(text + rest)
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = r#"<?xml version="1.0"?>
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <parent>
    <groupId>org.shop</groupId>
    <artifactId>parent</artifactId>
    <relativePath>../parent</relativePath>
  </parent>
  <artifactId>cart</artifactId>
  <properties><lib>common</lib></properties>
  <dependencies>
    <dependency>
      <groupId>${project.groupId}</groupId>
      <artifactId>${lib}</artifactId>
    </dependency>
    <dependency><groupId>x</groupId><artifactId>${unknown}</artifactId></dependency>
  </dependencies>
  <build><plugins>
    <plugin>
      <groupId>org.springframework.boot</groupId>
      <artifactId>spring-boot-maven-plugin</artifactId>
    </plugin>
  </plugins></build>
</project>"#;

    fn check(text: &str, expected: &[&str]) {
        words::check(read, "services/cart/pom.xml", text, expected);
    }

    #[test]
    fn a_service_says_its_name_parent_and_needs() {
        check(
            SAMPLE,
            &[
                "5: needs Maven org.shop:parent Declares",
                "6: reads services/parent/pom.xml Declares",
                "8: package Maven org.shop:cart Program",
                "13: needs Maven org.shop:common Declares",
                "20: needs Maven org.springframework.boot:spring-boot-maven-plugin Declares",
            ],
        );
    }

    #[test]
    fn a_parent_gathers_modules_of_profiles_too() {
        let text = "<project><groupId>g</groupId><artifactId>a</artifactId><packaging>pom</packaging>\n\
            <modules><module>x</module><module>../y</module></modules>\n\
            <dependencyManagement><dependencies><dependency><groupId>g</groupId><artifactId>m</artifactId>\
            </dependency></dependencies></dependencyManagement>\n\
            <profiles><profile><modules>\n<module>z</module></modules></profile></profiles></project>";
        check(
            text,
            &[
                "1: package Maven g:a Nothing",
                "2: gathers Maven x ../y",
                "4: gathers Maven z",
            ],
        );
    }

    #[test]
    fn a_main_class_makes_a_program() {
        let pom = |plugin: &str| {
            format!(
                "<project><artifactId>a</artifactId><build><plugins><plugin>{plugin}</plugin></plugins></build></project>"
            )
        };
        let jar = "<artifactId>maven-jar-plugin</artifactId>";
        check(&pom(jar), &["1: package Maven - Either"]);
        let main = format!(
            "{jar}<configuration><archive><mainClass>a.B</mainClass></archive></configuration>"
        );
        check(&pom(&main), &["1: package Maven - Program"]);
        let skipped = "<artifactId>spring-boot-maven-plugin</artifactId><configuration><skip>true</skip></configuration>";
        check(&pom(skipped), &["1: package Maven - Either"]);
    }

    #[test]
    fn what_runs_leaves_an_archive() {
        let check = |inside: &str, expected: &[Said]| {
            let text = format!("<project><artifactId>cart</artifactId>{inside}</project>");
            let found = crate::manifest::testing::left("cart/pom.xml", &text);
            assert_eq!(found, expected, "{inside}");
        };
        let named = |name: &str| Said::As(format!("target/{name}.jar"));
        let plugin = "<build><plugins><plugin><artifactId>spring-boot-maven-plugin</artifactId></plugin></plugins>";
        let boot = format!("{plugin}</build>");
        check("", &[named("cart-*")]);
        check("<packaging>maven-plugin</packaging>", &[]);
        check(&boot, &[named("cart-*")]);
        check(
            &format!("{plugin}<finalName>${{artifactId}}</finalName></build>"),
            &[named("cart")],
        );
        check(
            &format!("{plugin}<finalName>${{unknown}}</finalName></build>"),
            &[],
        );
        check(
            &format!("{plugin}<directory>out</directory></build>"),
            &[Said::Unknown],
        );
        check(
            &boot.replace(
                "</plugin>",
                "<configuration><classifier>exec</classifier></configuration></plugin>",
            ),
            &[Said::Unknown],
        );
        check(
            "<packaging>war</packaging>",
            &[Said::As("target/cart-*.war".into())],
        );
        check(
            "<packaging>pom</packaging><build><finalName>x</finalName></build>",
            &[Said::Unknown],
        );
        let parent = |name: &str, path: &str| {
            format!(
                "<parent><groupId>g</groupId><artifactId>{name}</artifactId>{path}</parent>{boot}"
            )
        };
        check(
            &parent("spring-boot-starter-parent", "<relativePath/>"),
            &[named("cart-*")],
        );
        check(&parent("ours", "<relativePath/>"), &[Said::Unknown]);
        let above = |file: &str| Said::IfThere {
            file: file.into(),
            name: "target/cart-*.jar".into(),
        };
        check(&parent("shop", ""), &[above("../pom.xml")]);
        check(
            &parent("shop", "<relativePath>../up</relativePath>"),
            &[above("../up/pom.xml")],
        );
    }

    #[test]
    fn a_file_that_is_no_project_says_nothing() {
        check("<settings/>", &[]);
    }
}
