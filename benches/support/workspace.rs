//! Workspaces of any size, the same each time: services in layers that depend on earlier layers and on libraries.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Grows with what is made here, so that nothing old is used.
const VERSION: u32 = 1;
const LAYERS: usize = 6;
const ENDINGS: [&str; 5] = ["go", "py", "ts", "rs", "java"];

/// How large a workspace is.
#[derive(Clone, Copy)]
pub struct Size {
    pub services: usize,
    /// For each service and library.
    pub files: usize,
}

/// One service or library.
struct Member {
    name: String,
    path: String,
    needs: Vec<String>,
    ending: &'static str,
}

impl Size {
    /// Services and libraries together.
    pub fn members(self) -> usize {
        self.services + libraries(self.services)
    }

    /// The workspace as a repository with three commits, left over from an earlier time or made now.
    ///
    /// The second commit edits three services, the third the definition of one. After that, one edit is staged, another is
    /// not, and one file is untracked.
    pub fn repository(self) -> PathBuf {
        let name = format!("workspace-{VERSION}-{}x{}", self.services, self.files);
        let root = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let complete = root.with_extension("complete");
        if !complete.exists() {
            let _ = fs::remove_dir_all(&root);
            self.make(&root);
            fs::write(complete, "").unwrap();
        }
        root
    }

    fn make(self, root: &Path) {
        let members = members(self.services);
        for (at, member) in members.iter().enumerate() {
            for file in 0..self.files {
                let text = format!("{} {file}\n", member.name).repeat(1 + (at + file) % 40);
                write(root, &source(member, file), &text);
            }
            write(root, &format!("{}/README.md", member.path), &member.name);
        }
        write(root, ".gitignore", "dist/\n*.log\n");
        let text = definition(self.services);
        write(root, "services.toml", &text);
        git(root, &["init", "--quiet", "--initial-branch=main"]);
        git(root, &["config", "maintenance.auto", "false"]);
        git(root, &["add", "--all"]);
        git(root, &["commit", "--quiet", "--message=first"]);
        let middle = members.len() / 2;
        for member in &members[middle - 1..=middle + 1] {
            write(root, &source(member, 0), "edited\n");
        }
        git(root, &["commit", "--quiet", "--all", "--message=second"]);
        let last = text.rfind("echo built").unwrap();
        let text = format!("{}echo again{}", &text[..last], &text[last + 10..]);
        write(root, "services.toml", &text);
        git(root, &["commit", "--quiet", "--all", "--message=third"]);
        git(root, &["repack", "--quiet", "-ad"]);
        // What is written in the same moment as the index would have to be read by everybody again and again.
        std::thread::sleep(std::time::Duration::from_millis(1100));
        write(root, &source(&members[middle], 1), "staged\n");
        git(root, &["add", "--all"]);
        write(root, &source(&members[middle], 2), "not staged\n");
        write(root, &format!("{}/new.txt", members[1].path), "untracked\n");
        std::thread::sleep(std::time::Duration::from_millis(1100));
        git(root, &["status", "--short"]);
    }
}

/// The `services.toml` of a workspace with so many services.
pub fn definition(services: usize) -> String {
    let mut text =
        "version = 1\n\n[workspace]\nname = \"bench\"\nignore = [\"**/README.md\"]\n".to_owned();
    for member in members(services) {
        let Member {
            name, path, needs, ..
        } = member;
        write!(text, "\n[services.{name}]\npath = \"{path}\"\n").unwrap();
        if !needs.is_empty() {
            writeln!(text, "depends-on = {needs:?}").unwrap();
        }
        writeln!(
            text,
            "\n[services.{name}.build]\nrun = \"echo built {name}\"\noutputs = []\n\n\
             [services.{name}.tasks.dist]\nrun = \"make dist\"\nneeds = []\noutputs = [\"dist/**\"]\ncache = true"
        )
        .unwrap();
    }
    text
}

/// The commands that building everything starts, in no order.
pub fn commands(services: usize) -> Vec<String> {
    let names = members(services).into_iter().map(|it| it.name);
    names.map(|name| format!("echo built {name}")).collect()
}

/// Runs git, under settings of its own.
pub fn git(root: &Path, arguments: &[&str]) {
    #[expect(clippy::disallowed_methods, reason = "a bench makes its repositories")]
    let mut git = Command::new("git");
    let output = git
        .args(["-c", "user.name=A", "-c", "user.email=a@example.test"])
        .args(arguments)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1")
        .current_dir(root)
        .output()
        .unwrap();
    assert!(output.status.success(), "git {arguments:?}: {output:?}");
}

fn libraries(services: usize) -> usize {
    (services / 25).max(2)
}

fn members(services: usize) -> Vec<Member> {
    let mut random = Random(services as u64);
    let library = |at: usize| format!("lib-{at:03}");
    let service = |at: usize| format!("svc-{at:04}");
    let ending = |at: usize| ENDINGS[at % ENDINGS.len()];
    let libraries = libraries(services);
    let mut members: Vec<Member> = (0..libraries)
        .map(|at| Member {
            name: library(at),
            path: format!("libs/{}", library(at)),
            needs: (at > 0 && at % 2 == 0)
                .then(|| library(at - 1))
                .into_iter()
                .collect(),
            ending: ending(at),
        })
        .collect();
    for at in 0..services {
        let layer = at * LAYERS / services;
        // The first service of a layer.
        let first = |layer: usize| (layer * services).div_ceil(LAYERS);
        let mut needs = vec![library(random.below(libraries))];
        if layer > 0 {
            needs.push(service(
                first(layer - 1) + random.below(first(layer) - first(layer - 1)),
            ));
            needs.push(service(random.below(first(layer))));
        }
        needs.sort();
        needs.dedup();
        members.push(Member {
            name: service(at),
            path: format!("services/{}", service(at)),
            needs,
            ending: ending(at),
        });
    }
    members
}

fn source(member: &Member, file: usize) -> String {
    let Member { path, ending, .. } = member;
    format!("{path}/src/part{}/file{file:03}.{ending}", file / 10)
}

fn write(root: &Path, path: &str, text: &str) {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

/// Numbers that are the same each time.
pub struct Random(pub u64);

impl Random {
    /// One of the numbers below `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}
