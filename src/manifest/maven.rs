//! Maven: `pom.xml`.

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::xml::{Element, Xml};
use crate::model::manifest::{Ecosystem::Maven, Makes, Manifest, Tie};
use crate::model::path::FilePath;

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

pub fn knows(name: &str) -> bool {
    name == "pom.xml"
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let xml = Xml::of(file, text)?;
    let project = xml.root();
    let mut facts = Facts::of(file);
    if project.name() != "project" {
        return Ok(facts.finish());
    }
    package(&mut facts, project);
    parent(&mut facts, project);
    whole(&mut facts, project, project);
    for profiles in project.all("profiles") {
        for profile in profiles.all("profile") {
            whole(&mut facts, project, profile);
        }
    }
    Ok(facts.finish())
}

fn package(facts: &mut Facts, project: Element<'_>) {
    let artifact = project.find("artifactId");
    let name = artifact.and_then(|it| coordinate(project, project, it.text()?));
    let line = artifact.map_or(project.line(), Element::line);
    facts.package(line, Maven, name, makes(project));
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
fn whole(facts: &mut Facts, project: Element<'_>, part: Element<'_>) {
    if let Some(modules) = part.find("modules") {
        let all = modules.all("module").filter_map(Element::text);
        facts.gathers(modules.line(), Maven, all.map(str::to_owned).collect());
    }
    for dependency in part.all("dependencies").flat_map(|it| it.all("dependency")) {
        needs(facts, project, dependency);
    }
    let managed = part.at(&["dependencyManagement", "dependencies"]);
    for dependency in managed.into_iter().flat_map(|it| it.all("dependency")) {
        if dependency.text_of("scope") == Some("import") {
            needs(facts, project, dependency);
        }
    }
    for plugin in plugins(part).filter(|it| it.find("groupId").is_some()) {
        needs(facts, project, plugin);
        for dependency in plugin
            .all("dependencies")
            .flat_map(|it| it.all("dependency"))
        {
            needs(facts, project, dependency);
        }
    }
}

fn needs(facts: &mut Facts, project: Element<'_>, dependency: Element<'_>) {
    let artifact = dependency.find("artifactId");
    let name = artifact.and_then(|it| coordinate(project, dependency, it.text()?));
    if let (Some(artifact), Some(name)) = (artifact, name) {
        facts.needs(artifact.line(), Maven, name, Tie::Declares);
    }
}

/// `group:artifact`, the group inherited by the project itself where it has none.
fn coordinate(project: Element<'_>, of: Element<'_>, artifact: &str) -> Option<String> {
    let group = match of.text_of("groupId") {
        Some(group) => resolved(project, group)?,
        None => group(project)?,
    };
    Some(format!("{group}:{}", resolved(project, artifact)?))
}

fn group(project: Element<'_>) -> Option<String> {
    let own = project.text_of("groupId");
    let inherited = || project.at(&["parent", "groupId"])?.text();
    own.or_else(inherited).map(str::to_owned)
}

/// `written` with the project's own coordinates and properties put in; none where one is not known here.
fn resolved(project: Element<'_>, written: &str) -> Option<String> {
    let mut text = String::new();
    let mut rest = written;
    while let Some((before, after)) = rest.split_once("${") {
        let (name, after) = after.split_once('}')?;
        text.push_str(before);
        text.push_str(&property(project, name)?);
        rest = after;
    }
    Some(text + rest)
}

fn property(project: Element<'_>, name: &str) -> Option<String> {
    let own = |name: &str| project.text_of(name).map(str::to_owned);
    let plain = name.strip_prefix("project.").or(name.strip_prefix("pom."));
    match plain.unwrap_or(name) {
        "groupId" => group(project),
        "artifactId" => own("artifactId"),
        "version" => own("version"),
        "parent.groupId" => Some(project.at(&["parent", "groupId"])?.text()?.to_owned()),
        "parent.artifactId" => Some(project.at(&["parent", "artifactId"])?.text()?.to_owned()),
        name => {
            let value = project.find("properties")?.text_of(name)?;
            // A property of properties is rare, and might mean itself.
            (!value.contains("${")).then(|| value.to_owned())
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

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
        testing::check(read, "services/cart/pom.xml", text, expected);
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
    fn a_file_that_is_no_project_says_nothing() {
        check("<settings/>", &[]);
    }
}
