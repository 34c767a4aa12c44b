//! Repositories of any size that nobody has written a `services.toml` for, the same each time: services in many languages,
//! which depend on each other as their languages say it, among many more files.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use crate::support::workspace::{Random, git, write};

/// Grows with what is made here, so that nothing old is used.
const VERSION: u32 = 1;
/// The files of a directory of sources.
const TOGETHER: usize = 15;
/// The packages of others that a shared lock file holds.
const LOCKED: usize = 1500;

/// How large a repository is.
#[derive(Clone, Copy)]
pub struct Polyglot {
    pub services: usize,
    pub files: usize,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Language {
    Go,
    Node,
    Rust,
    Python,
    Java,
    Dotnet,
    Docker,
    Proto,
}

const LANGUAGES: [(Language, &str, &str); 8] = [
    (Language::Go, "go", "go"),
    (Language::Node, "node", "ts"),
    (Language::Rust, "rust", "rs"),
    (Language::Python, "python", "py"),
    (Language::Java, "java", "java"),
    (Language::Dotnet, "dotnet", "cs"),
    (Language::Docker, "docker", "sh"),
    (Language::Proto, "proto", "txt"),
];

/// One service, with the names of earlier ones of its language that it needs.
struct Member {
    language: Language,
    folder: &'static str,
    ending: &'static str,
    name: String,
    needs: Vec<String>,
}

impl Polyglot {
    /// The repository with one commit, left over from an earlier time or made now.
    pub fn repository(self) -> PathBuf {
        let name = format!("polyglot-{VERSION}-{}x{}", self.services, self.files);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let complete = root.with_extension("complete");
        if !complete.exists() {
            let _ = fs::remove_dir_all(&root);
            self.make(&root);
            fs::write(complete, "").unwrap();
        }
        root
    }

    /// A file with the paths of all manifests, each with a zero behind it.
    pub fn manifests(self, root: &Path) -> PathBuf {
        root.with_extension("manifests")
    }

    fn make(self, root: &Path) {
        let members = members(self.services);
        let mut manifests = Vec::new();
        for (path, text) in members.iter().flat_map(files).chain(shared(&members)) {
            write(root, &path, &text);
            let is_manifest = !path.ends_with("package-lock.json") && !path.ends_with(".lock");
            if is_manifest {
                manifests.extend([path.as_bytes(), b"\0"].concat());
            }
        }
        fs::write(self.manifests(root), &manifests).unwrap();
        let all = manifests.iter().filter(|byte| **byte == 0).count() + 2;
        for at in 0..self.files.saturating_sub(all) {
            let member = &members[at % members.len()];
            let (file, part) = (at / members.len(), at / members.len() / TOGETHER);
            let Member {
                folder,
                ending,
                name,
                ..
            } = member;
            let path = format!("{folder}/{name}/src/part{part}/file{file:03}.{ending}");
            write(root, &path, &format!("source {}\n", at % 100));
        }
        git(root, &["init", "--quiet", "--initial-branch=main"]);
        git(root, &["config", "maintenance.auto", "false"]);
        git(root, &["add", "--all"]);
        git(root, &["commit", "--quiet", "--message=first"]);
        git(root, &["repack", "--quiet", "-ad"]);
        // What is written in the same moment as the index would have to be read by everybody again and again.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        git(root, &["status", "--short"]);
    }
}

/// Every service, dependencies first.
fn members(services: usize) -> Vec<Member> {
    let mut random = Random(services as u64);
    let member = |at: usize| {
        let (language, folder, ending) = LANGUAGES[at % LANGUAGES.len()];
        let before = at / LANGUAGES.len();
        let mut needs: Vec<String> = (0..3.min(before))
            .map(|_| format!("{folder}-{:03}", random.below(before)))
            .collect();
        needs.sort();
        needs.dedup();
        Member {
            language,
            folder,
            ending,
            name: format!("{folder}-{before:03}"),
            needs,
        }
    };
    (0..services).map(member).collect()
}

/// The manifests of one service.
fn files(member: &Member) -> Vec<(String, String)> {
    let Member {
        language,
        name,
        folder,
        needs,
        ..
    } = member;
    let each = |line: &dyn Fn(&String) -> String| needs.iter().map(line).collect::<String>();
    let own = |file: &str, text: String| (format!("{folder}/{name}/{file}"), text);
    let image = |from: &str| {
        own(
            "Dockerfile",
            format!("FROM {from}\nWORKDIR /app\nCOPY . .\nCMD [\"./run\"]\n"),
        )
    };
    match language {
        Language::Go => {
            let require = each(&|it| format!("require example.test/{it} v0.0.0\n"));
            let replace = each(&|it| format!("replace example.test/{it} => ../{it}\n"));
            let module = format!("module example.test/{name}\n\ngo 1.24\n\n{require}\n{replace}");
            vec![own("go.mod", module), image("golang:1.24")]
        }
        Language::Node => {
            let needs = each(&|it| format!("\"@shop/{it}\": \"*\", "));
            let package = format!(
                "{{\n  \"name\": \"@shop/{name}\",\n  \"version\": \"1.0.0\",\n  \"scripts\": {{\"build\": \"tsc\", \"test\": \"node --test\", \"start\": \"node .\"}},\n  \"dependencies\": {{{needs}\"package-0001\": \"^1.0.0\"}}\n}}\n"
            );
            vec![own("package.json", package), image("node:22")]
        }
        Language::Rust => {
            let needs = each(&|it| format!("{it} = {{ path = \"../{it}\" }}\n"));
            let package = format!(
                "[package]\nname = \"{name}\"\nversion = \"1.0.0\"\nedition = \"2024\"\n\n[dependencies]\npackage-0001 = \"1\"\n{needs}"
            );
            let main = own("src/main.rs", "fn main() {}\n".to_owned());
            vec![own("Cargo.toml", package), main]
        }
        Language::Python => {
            let names = each(&|it| format!("\"{it}\", "));
            let sources = each(&|it| format!("{it} = {{ path = \"../{it}\" }}\n"));
            let project = format!(
                "[project]\nname = \"{name}\"\nversion = \"1.0.0\"\ndependencies = [{names}\"flask\"]\n\n[tool.uv.sources]\n{sources}"
            );
            vec![own("pyproject.toml", project), image("python:3.13")]
        }
        Language::Java => {
            let needs = each(&|it| {
                format!(
                    "    <dependency>\n      <groupId>test.example</groupId>\n      <artifactId>{it}</artifactId>\n      <version>1</version>\n    </dependency>\n"
                )
            });
            let pom = format!(
                "<project>\n  <parent>\n    <groupId>test.example</groupId>\n    <artifactId>all</artifactId>\n    <version>1</version>\n  </parent>\n  <artifactId>{name}</artifactId>\n  <dependencies>\n{needs}  </dependencies>\n</project>\n"
            );
            vec![own("pom.xml", pom)]
        }
        Language::Dotnet => {
            let needs =
                each(&|it| format!("    <ProjectReference Include=\"..\\{it}\\{it}.csproj\" />\n"));
            let project = format!(
                "<Project Sdk=\"Microsoft.NET.Sdk.Web\">\n  <ItemGroup>\n{needs}  </ItemGroup>\n</Project>\n"
            );
            vec![own(&format!("{name}.csproj"), project)]
        }
        Language::Docker => vec![image("debian:12-slim")],
        Language::Proto => {
            let imports = each(&|it| format!("import \"proto/{it}/api.proto\";\n"));
            let text = format!(
                "syntax = \"proto3\";\npackage {folder};\n{imports}\nmessage Order {{ string id = 1; }}\n"
            );
            vec![
                own("api.proto", text),
                own("Makefile", "build:\n\tprotoc api.proto\n".to_owned()),
            ]
        }
    }
}

/// What gathers the services of a language.
fn shared(members: &[Member]) -> Vec<(String, String)> {
    let of = |language: Language| members.iter().filter(move |it| it.language == language);
    let list = |language: Language, line: &dyn Fn(&Member) -> String| {
        of(language).map(line).collect::<String>()
    };
    let modules = list(Language::Java, &|it| {
        format!("    <module>{}</module>\n", it.name)
    });
    let compose = list(Language::Docker, &|it| {
        let needs = match it.needs.is_empty() {
            true => String::new(),
            false => format!("    depends_on: [{}]\n", it.needs.join(", ")),
        };
        format!("  {}:\n    build: ./docker/{}\n{needs}", it.name, it.name)
    });
    let file = |path: &str, text: String| (path.to_owned(), text);
    vec![
        file(
            "package.json",
            "{\"name\": \"shop\", \"private\": true, \"workspaces\": [\"node/*\"]}\n".to_owned(),
        ),
        file("package-lock.json", package_lock(of(Language::Node))),
        file(
            "Cargo.toml",
            "[workspace]\nresolver = \"3\"\nmembers = [\"rust/*\"]\n".to_owned(),
        ),
        file("Cargo.lock", cargo_lock(of(Language::Rust))),
        file(
            "java/pom.xml",
            format!(
                "<project>\n  <groupId>test.example</groupId>\n  <artifactId>all</artifactId>\n  <version>1</version>\n  <packaging>pom</packaging>\n  <modules>\n{modules}  </modules>\n</project>\n"
            ),
        ),
        file("compose.yaml", format!("services:\n{compose}")),
        file(".gitignore", "target/\nnode_modules/\n*.log\n".to_owned()),
    ]
}

fn package_lock<'m>(members: impl Iterator<Item = &'m Member>) -> String {
    let mut text = "{\n  \"name\": \"shop\",\n  \"lockfileVersion\": 3,\n  \"packages\": {\n    \"\": {\"name\": \"shop\", \"workspaces\": [\"node/*\"]}".to_owned();
    for Member { name, needs, .. } in members {
        let needs: String = needs
            .iter()
            .map(|it| format!("\"@shop/{it}\": \"*\", "))
            .collect();
        write!(text, ",\n    \"node/{name}\": {{\"name\": \"@shop/{name}\", \"version\": \"1.0.0\", \"dependencies\": {{{needs}\"package-0001\": \"^1.0.0\"}}}}").unwrap();
        write!(text, ",\n    \"node_modules/@shop/{name}\": {{\"resolved\": \"node/{name}\", \"link\": true}}").unwrap();
    }
    for at in 0..LOCKED {
        let needs = needs(at).map(|it| format!("\"package-{it:04}\": \"^1.0.0\""));
        let needs = needs.collect::<Vec<_>>().join(", ");
        write!(text, ",\n    \"node_modules/package-{at:04}\": {{\n      \"version\": \"1.0.{at}\",\n      \"resolved\": \"https://registry.example.test/package-{at:04}-1.0.{at}.tgz\",\n      \"integrity\": \"sha512-{at:086}==\",\n      \"dependencies\": {{{needs}}}\n    }}").unwrap();
    }
    text + "\n  }\n}\n"
}

fn cargo_lock<'m>(members: impl Iterator<Item = &'m Member>) -> String {
    let mut text = "version = 4\n".to_owned();
    for at in 0..LOCKED {
        let needs: String = needs(at)
            .map(|it| format!(" \"package-{it:04}\",\n"))
            .collect();
        write!(text, "\n[[package]]\nname = \"package-{at:04}\"\nversion = \"1.0.{at}\"\nsource = \"registry+https://github.com/rust-lang/crates.io-index\"\nchecksum = \"{at:064}\"\ndependencies = [\n{needs}]\n").unwrap();
    }
    for Member { name, needs, .. } in members {
        let needs: String = needs.iter().map(|it| format!(" \"{it}\",\n")).collect();
        write!(text, "\n[[package]]\nname = \"{name}\"\nversion = \"1.0.0\"\ndependencies = [\n{needs} \"package-0001\",\n]\n").unwrap();
    }
    text
}

/// The packages of others that one of them needs.
fn needs(at: usize) -> impl Iterator<Item = usize> {
    [2 * at + 1, 2 * at + 2]
        .into_iter()
        .filter(|it| *it < LOCKED)
}
