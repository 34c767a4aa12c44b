//! Gradle: settings, build scripts and the files that count for all projects, in Groovy and Kotlin.

use crate::manifest::Tool;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::place;
use crate::manifest::syntax::code::{self, Code};
use crate::model::manifest::{Ecosystem::Gradle, Makes, Manifest, Product, Said, Tie, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool { knows, read };

/// Parts of names of plugins that make something that runs.
const RUNS: &[&str] = &[
    "springframework.boot",
    "spring.boot",
    "springboot",
    "android.application",
    "quarkus",
    "micronaut.application",
    "ktor.plugin",
    "ktor",
    "google.cloud.tools.jib",
];
/// Parts of names of those that leave their program somewhere of their own.
const RUNS_ELSEWHERE: &[&str] = &["quarkus", "android", "micronaut"];
const SERVES_OTHERS: &[&str] = &[
    "java-library",
    "java-platform",
    "java-gradle-plugin",
    "kotlin-dsl",
    "groovy-gradle-plugin",
    "android.library",
    "com.android.library",
];

fn knows(name: &str) -> bool {
    name.ends_with(".gradle")
        || name.ends_with(".gradle.kts")
        || name == "libs.versions.toml"
        || name == "gradle.properties"
}

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    let name = place::name(file);
    let Some(stem) = name
        .strip_suffix(".gradle")
        .or(name.strip_suffix(".gradle.kts"))
    else {
        shared(&mut facts, file);
        return Ok(facts.finish());
    };
    let style = match name.ends_with(".kts") {
        true => &code::KOTLIN,
        false => &code::GROOVY,
    };
    let code = Code::of(text, style);
    if stem == "settings" {
        settings(&mut facts, file, &code);
    } else {
        build(&mut facts, file, stem, &code);
    }
    Ok(facts.finish())
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is well formed")
}

/// A version catalog lies in a directory below the build that it counts for.
fn shared(facts: &mut Facts, file: &FilePath) {
    let about = match place::name(&facts.directory) {
        "gradle" => place::directory(&facts.directory),
        _ => facts.directory.clone(),
    };
    let (ecosystem, path) = (Gradle, file.clone());
    facts.say_of(about, 1, What::ReadBelow { ecosystem, path });
}

fn settings(facts: &mut Facts, file: &FilePath, code: &Code<'_>) {
    static INCLUDE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"\binclude\b\s*\(?\s*(?P<all>\[?\s*["'][^"']*["'](?:\s*,\s*["'][^"']*["'])*(?:\s*,\s*)?)"#,
        )
    });
    static BUILD: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"\bincludeBuild\b\s*\(?\s*["'](?P<s>[^"']*)["']"#));
    let mut places = BTreeMap::new();
    for all in code.all(&INCLUDE).filter_map(|found| found.name("all")) {
        for (line, name) in code.strings_within(all.range()) {
            let name = format!(":{}", name.trim_start_matches(':'));
            let written = name[1..].replace(':', "/");
            places.entry(name).or_insert((line, written));
        }
    }
    moved(code, &mut places);
    let members = places.values().map(|(_, written)| written.clone());
    let first = places.values().map(|(line, _)| *line).min().unwrap_or(1);
    let members: Vec<_> = members.filter(|it| !it.contains('$')).collect();
    if !members.is_empty() {
        let (ecosystem, path) = (Gradle, file.clone());
        facts.say(first, What::ReadBelow { ecosystem, path });
    }
    facts.gathers(first, Gradle, members);
    for (name, (line, written)) in places {
        if let Some(path) = place::resolve(&facts.directory, &written)
            && !written.contains('$')
        {
            facts.offers(line, Gradle, name, path);
        }
    }
    for (line, written) in code.strings(&BUILD) {
        facts.reads(line, written, Tie::Declares);
    }
}

/// Projects that lie elsewhere than their names say.
fn moved(code: &Code<'_>, places: &mut BTreeMap<String, (u32, String)>) {
    static MOVED: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"\bproject\s*\(\s*["'](?P<name>[^"']*)["']\s*\)\s*\.\s*projectDir\s*=\s*(?:new\s+)?(?:\w+\.)?[fF]ile\s*\(\s*(?:[\w.]+\s*,\s*)?["'](?P<s>[^"']*)["']"#,
        )
    });
    for found in code.all(&MOVED) {
        let (Some(name), Some(path)) = (found.name("name"), found.name("s")) else {
            continue;
        };
        let written = code.text(path);
        let own = [
            "$rootDir/",
            "${rootDir}/",
            "$settingsDir/",
            "${settingsDir}/",
        ];
        let own = own.iter().find_map(|it| written.strip_prefix(it));
        let line = code.line(path.start());
        let name = code.text(name).to_owned();
        places.insert(name, (line, own.unwrap_or(written).to_owned()));
    }
}

fn build(facts: &mut Facts, file: &FilePath, stem: &str, code: &Code<'_>) {
    // Some builds name each script as its directory.
    if stem == "build" || stem == place::name(&facts.directory) {
        let own = without_blocks_for_others(code.bare());
        let has_others = own != code.bare();
        let makes = makes(code, &own, has_others);
        facts.package(1, Gradle, None, makes);
        if let Some(said) = archive(code, makes) {
            let product = Product::Archive;
            facts.say(1, What::Leaves { product, said });
        }
        if has_others {
            let (ecosystem, path) = (Gradle, file.clone());
            facts.say(1, What::ReadBelow { ecosystem, path });
        }
        if place::name(&facts.directory) == "buildSrc" {
            let (ecosystem, path) = (Gradle, facts.directory.clone());
            let about = place::directory(&path);
            facts.say_of(about, 1, What::ReadBelow { ecosystem, path });
        }
    }
    projects(facts, code);
    accessors(facts, code);
    scripts(facts, code);
}

/// Where Gradle puts the archive of what runs, unless something may put it elsewhere.
fn archive(code: &Code<'_>, makes: Makes) -> Option<Said> {
    static MOVED: LazyLock<Regex> = LazyLock::new(|| {
        regex(r"\b(?:buildDir|buildDirectory|libsDir(?:Name|ectory)?|destinationDir(?:ectory)?)\b")
    });
    let all = code.bare();
    let is_moved = MOVED.is_match(all)
        || RUNS_ELSEWHERE
            .iter()
            .any(|it| code.slice(0..all.len()).contains(it));
    match makes {
        _ if is_moved => Some(Said::Unknown),
        Makes::Program => Some(Said::As("build/libs".to_owned())),
        _ => None,
    }
}

/// The bare text with `subprojects { … }` and `allprojects { … }` blanked: they say nothing of the project itself.
fn without_blocks_for_others(bare: &str) -> String {
    static OTHERS: LazyLock<Regex> =
        LazyLock::new(|| regex(r"\b(?:subprojects|allprojects|configure)\b[^{\n;]*\{"));
    let mut own = bare.as_bytes().to_vec();
    let mut behind = 0;
    for found in OTHERS.find_iter(bare) {
        if found.start() < behind {
            continue;
        }
        let mut depth = 0_usize;
        for (at, byte) in own.iter_mut().enumerate().skip(found.end() - 1) {
            match byte {
                b'{' => depth += 1,
                b'}' => depth -= 1,
                _ => {}
            }
            if *byte != b'\n' {
                *byte = b' ';
            }
            behind = at + 1;
            if depth == 0 {
                break;
            }
        }
    }
    String::from_utf8_lossy(&own).into_owned()
}

fn makes(code: &Code<'_>, own: &str, has_others: bool) -> Makes {
    static PLUGIN: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"(?:\bid\b\s*\(?|\bplugin\s*[:=]|\bplugin\s*\()\s*["'](?P<s>[^"'\n]*)["']\s*\)?(?P<rest>[^\n;]*)|\balias\s*\(?\s*(?P<alias>[\w.]+)\s*\)?(?P<rest2>[^\n;]*)|(?m:^[\t ]*(?P<word>application|war|`[\w-]+`)[\t ]*$)"#,
        )
    });
    let mut made = match has_others {
        true => Makes::Nothing,
        false => Makes::Either,
    };
    for found in PLUGIN.captures_iter(own) {
        let rest = found.name("rest").or(found.name("rest2"));
        if rest.is_some_and(|it| it.as_str().contains("apply") && it.as_str().contains("false")) {
            continue;
        }
        let name = ["s", "alias", "word"].iter().find_map(|it| found.name(it));
        let name = name.map_or("", |it| code.text(it)).trim_matches('`');
        if name == "application" || name == "war" || RUNS.iter().any(|it| name.contains(it)) {
            return Makes::Program;
        }
        if SERVES_OTHERS.iter().any(|it| name.contains(it)) {
            made = Makes::Library;
        }
    }
    made
}

/// `project(":x")` where it stands for the project, not where it begins to configure it.
fn projects(facts: &mut Facts, code: &Code<'_>) {
    static PROJECT: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"\b(?:project|evaluationDependsOn)\s*\(\s*(?:path\s*[:=]\s*)?["'](?P<s>[^"'\n]*)["']|\bevaluationDependsOn\s+["'](?P<s2>[^"'\n]*)["']|\bproject\s+["'](?P<s3>[^"'\n]*)["']"#,
        )
    });
    static TASK: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"\bdependsOn\b\s*[(:]?\s*\[?\s*["'](?P<s>[^"'\n]*)["']"#));
    for found in code.all(&PROJECT) {
        let whole = found.get(0).expect("group 0 is the whole match");
        let Some(name) = ["s", "s2", "s3"].iter().find_map(|it| found.name(it)) else {
            continue;
        };
        if whole.as_str().starts_with('p') && begins_a_statement(&code.bare()[..whole.start()]) {
            continue;
        }
        needs(facts, code.line(name.start()), code.text(name));
    }
    for (line, task) in code.strings(&TASK) {
        if let Some((project, _)) = task.rsplit_once(':') {
            needs(facts, line, project);
        }
    }
}

fn begins_a_statement(before: &str) -> bool {
    let trimmed = before.trim_end();
    let is_same_line = !before[trimmed.len()..].contains('\n');
    match trimmed.bytes().next_back() {
        None | Some(b'{' | b'}' | b';') => true,
        Some(b'(' | b',' | b'[' | b'=' | b':') => false,
        _ => !is_same_line,
    }
}

fn needs(facts: &mut Facts, line: u32, name: &str) {
    if name.starts_with(':') && name.len() > 1 && !name.contains('$') {
        facts.needs(line, Gradle, name, Tie::Declares);
    }
}

/// `projects.libs.cartApi` is `:libs:cart-api`, `:libs:cart_api` or `:libs:cartApi`: the accessor does not tell.
fn accessors(facts: &mut Facts, code: &Code<'_>) {
    static ACCESSOR: LazyLock<Regex> =
        LazyLock::new(|| regex(r"(?:^|[(\s,])projects((?:\.[A-Za-z]\w*)+)"));
    for path in code.all(&ACCESSOR).filter_map(|found| found.get(1)) {
        let path_text = path.as_str();
        let path_text = path_text
            .strip_suffix(".dependencyProject")
            .unwrap_or(path_text);
        let line = code.line(path.start());
        let plain = path_text.replace('.', ":");
        for mark in ['-', '_'] {
            let name = split_at_humps(&plain, mark);
            if name != plain {
                facts.needs(line, Gradle, name, Tie::Declares);
            }
        }
        facts.needs(line, Gradle, plain, Tie::Declares);
    }
}

fn split_at_humps(text: &str, mark: char) -> String {
    let mut split = String::new();
    for letter in text.chars() {
        if letter.is_ascii_uppercase() && !split.ends_with(':') {
            split.push(mark);
        }
        split.push(letter.to_ascii_lowercase());
    }
    split
}

/// `apply from:`, and files by `../`.
fn scripts(facts: &mut Facts, code: &Code<'_>) {
    static APPLY: LazyLock<Regex> = LazyLock::new(|| {
        regex(r#"\bapply\s*\(?\s*from\s*[:=]\s*(?:(?:\w+\.)*file\s*\(\s*)?["'](?P<s>[^"'\n]*)["']"#)
    });
    static FILE: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"(?:\b(?:file|files|dir|srcDir|fileTree|from)\b\s*\(?|\bsrcDirs?\s*=?\s*\[?)\s*["'](?P<s>[^"'\n]*)["']"#,
        )
    });
    for (line, written) in code.strings(&APPLY) {
        from_root_or_here(facts, line, written, Tie::Declares);
    }
    for (line, written) in code.strings(&FILE) {
        if written.contains("../") || written.contains("rootDir") {
            from_root_or_here(facts, line, written, Tie::Takes);
        }
    }
}

/// Where the build's root lies is not known here; it is the workspace more often than not.
fn from_root_or_here(facts: &mut Facts, line: u32, written: &str, tie: Tie) {
    let root = ["$rootDir/", "${rootDir}/", "$rootProject.projectDir/"];
    let root = root
        .iter()
        .chain(&["${rootProject.projectDir}/", "${rootProject.rootDir}/"])
        .find_map(|it| written.strip_prefix(it));
    let own = ["$projectDir/", "${projectDir}/", "${project.projectDir}/"];
    let own = own.iter().find_map(|it| written.strip_prefix(it));
    let plain = root.or(own).unwrap_or(written);
    if plain.contains('$') || plain.is_empty() {
        return;
    }
    let path = match root {
        Some(rest) => place::resolve(&FilePath::default(), rest),
        None => place::resolve(&facts.directory, plain),
    };
    if let Some(path) = path {
        facts.say(line, What::Reads { path, tie });
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing::words;

    pub const SAMPLE: &str = r#"plugins {
    id("org.springframework.boot") version "3.2"
    `java-library`
}
// implementation(project(":commented"))
dependencies {
    implementation(project(":libs:common"))
    api(projects.libs.cartApi)
    testImplementation(
        project(path = ":testing"))
    println("project(':no')")
}
project(":other") { }
apply(from = "../gradle/x.gradle.kts")
tasks.named("a") { dependsOn(":proto:generate") }
sourceSets { main { proto { srcDir("../../protos") } } }
"#;
    pub const SETTINGS: &str = r#"rootProject.name = 'shop'
includeBuild('build-logic')
include ':cart', // the cart
        ':libs:common'
include("web")
project(':web').projectDir = new File(settingsDir, '../front/web')
"#;

    fn check(file: &str, text: &str, expected: &[&str]) {
        words::check(read, file, text, expected);
    }

    #[test]
    fn what_runs_leaves_archives_in_the_usual_place() {
        let check = |text: &str, expected: &[Said]| {
            let found = crate::manifest::testing::left("a/build.gradle.kts", text);
            assert_eq!(found, expected, "{text}");
        };
        let usual = Said::As("build/libs".into());
        check("plugins { application }", &[]);
        check(
            "plugins {\n    application\n}\n",
            std::slice::from_ref(&usual),
        );
        check(
            "plugins { id(\"org.springframework.boot\") version \"3\" }",
            &[usual],
        );
        check("plugins { id(\"java-library\") }", &[]);
        check("plugins { id(\"io.quarkus\") }", &[Said::Unknown]);
        check(
            "plugins {\n    application\n}\nbuildDir = file(\"out\")",
            &[Said::Unknown],
        );
    }

    #[test]
    fn a_build_script_says_what_it_needs() {
        check(
            "services/cart/build.gradle.kts",
            SAMPLE,
            &[
                "1: package Gradle - Program",
                "7: needs Gradle :libs:common Declares",
                "8: needs Gradle :libs:cart-api Declares",
                "8: needs Gradle :libs:cart_api Declares",
                "8: needs Gradle :libs:cartApi Declares",
                "10: needs Gradle :testing Declares",
                "14: reads services/gradle/x.gradle.kts Declares",
                "15: needs Gradle :proto Declares",
                "16: reads protos Takes",
            ],
        );
    }

    #[test]
    fn settings_say_where_projects_lie() {
        check(
            "build/settings.gradle",
            SETTINGS,
            &[
                "2: reads build/build-logic Declares",
                "3: read below Gradle build/settings.gradle",
                "3: gathers Gradle cart libs/common ../front/web",
                "3: offers Gradle :cart = build/cart",
                "4: offers Gradle :libs:common = build/libs/common",
                "6: offers Gradle :web = front/web",
            ],
        );
    }

    #[test]
    fn plugins_say_what_is_made() {
        let makes = |text: &str, expected: &str| check("a/build.gradle", text, &[expected]);
        makes(
            "plugins { id 'java-library' }",
            "1: package Gradle - Library",
        );
        makes("apply plugin: 'application'", "1: package Gradle - Program");
        makes("plugins {\n  application\n}", "1: package Gradle - Program");
        makes(
            "plugins { alias(libs.plugins.spring.boot) }",
            "1: package Gradle - Program",
        );
        makes(
            "plugins { alias(libs.plugins.spring.boot) apply false }",
            "1: package Gradle - Either",
        );
        makes("// id 'application'", "1: package Gradle - Either");
        let text = "plugins { id 'x' }\nsubprojects { apply plugin: 'application'\n a { } }";
        check(
            "build.gradle",
            text,
            &[
                "1: package Gradle - Nothing",
                "1: read below Gradle build.gradle",
            ],
        );
    }

    #[test]
    fn groovy_needs_no_brackets() {
        let text = "dependencies {\n compile project(':a'), project(path: ':b', configuration: 'x')\n}\n\
            apply from: \"$rootDir/gradle/y.gradle\"";
        check(
            "x/x.gradle",
            text,
            &[
                "1: package Gradle - Either",
                "2: needs Gradle :a Declares",
                "2: needs Gradle :b Declares",
                "4: reads gradle/y.gradle Declares",
            ],
        );
    }

    #[test]
    fn a_version_catalog_counts_for_all_projects() {
        check(
            "back/gradle/libs.versions.toml",
            "",
            &["1: [back] read below Gradle back/gradle/libs.versions.toml"],
        );
    }
}
