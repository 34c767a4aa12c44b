//! Workspaces of any size, the same each time: services in layers that depend on earlier layers and on libraries.

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::peers;

/// Grows with what is made here, so that nothing old is used.
const VERSION: u32 = 2;
const LAYERS: usize = 6;
const ENDINGS: [&str; 5] = ["go", "py", "ts", "rs", "java"];

/// Writes one file of 1 MiB and 200 small ones, which differ from service to service and compress as hexadecimal digits do.
const DIST: &str = r#"set -eu
rm -rf dist
for folder in 0 1 2 3 4 5 6 7 8 9; do mkdir -p "dist/part$folder"; done
awk -v name="$1" 'BEGIN {
  for (at = 1; at <= length(name); at++) seed = (seed * 37 + index("abcdefghijklmnopqrstuvwxyz0123456789-", substr(name, at, 1))) % 65521
  srand(seed)
  for (at = 0; at < 2048; at++) {
    line[at] = ""
    for (word = 0; word < 8; word++) line[at] = line[at] sprintf("%08x", int(rand() * 4294967295))
  }
  for (at = 0; at < 16131; at++) print line[(at * 7 + int(at / 2048)) % 2048] > "dist/bundle.bin"
  for (file = 0; file < 200; file++) {
    path = "dist/part" (file % 10) "/file" file ".js"
    print "// " name " " file > path
    for (at = 0; at < 8 + (file * 37) % 54; at++) print line[(file * 61 + at) % 2048] > path
    close(path)
  }
}'
"#;

/// How large a workspace is.
#[derive(Clone, Copy)]
pub struct Size {
    pub services: usize,
    /// For each service and library.
    pub files: usize,
}

/// One service or library.
pub struct Member {
    pub name: String,
    pub path: String,
    pub needs: Vec<String>,
    ending: &'static str,
}

impl Size {
    /// Services and libraries together.
    pub fn members(self) -> usize {
        self.services + libraries(self.services)
    }

    /// All files that git knows of: for each member its sources and three more, and seven at the top.
    pub fn all_files(self) -> usize {
        self.members() * (self.files + 3) + 7
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
        let ignored = "dist/\n*.log\n.turbo\n.nx\n/node_modules\n";
        write(root, ".gitignore", ignored);
        write(root, "tools/dist.sh", DIST);
        peers::configure(root, &members);
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
        "version = 1\n\n[workspace]\nname = \"bench\"\nglobal-inputs = [\"tools/**\"]\nignore = [\"**/README.md\"]\n".to_owned();
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
             [services.{name}.tasks.dist]\nrun = \"sh ../../tools/dist.sh {name}\"\nneeds = []\noutputs = [\"dist/**\"]\ncache = true"
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

/// Every service and library, dependencies first.
pub fn members(services: usize) -> Vec<Member> {
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

/// The path of a source file.
pub fn source(member: &Member, file: usize) -> String {
    let Member { path, ending, .. } = member;
    format!("{path}/src/part{}/file{file:03}.{ending}", file / 10)
}

/// Writes a file and makes the directories above it.
pub fn write(root: &Path, path: &str, text: &str) {
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
