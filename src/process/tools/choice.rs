//! What chooses the version of a tool in a directory, so that people are told of each version without asking in each directory.
//!
//! Keys of results are made of more: where only the directory is sure, it counts itself.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use crate::model::digest::{Digest, Digester};
use crate::process::tools::Probe;
use crate::process::tools::binary::{asks_for_version, lines};

static QUESTIONS: LazyLock<Vec<&str>> =
    LazyLock::new(|| lines(include_str!("../../../templates/tools/questions.txt")).collect());
static VERSIONS: LazyLock<Vec<Chooser>> = LazyLock::new(|| {
    let all = lines(include_str!("../../../templates/tools/versions.txt"));
    all.map(Chooser::read).collect()
});

/// So much of a file is read, in bytes.
const LARGEST: u64 = 1 << 20;

/// A file that chooses versions.
struct Chooser {
    name: &'static str,
    /// If there are any, it counts only where one of them stands in it.
    words: Vec<&'static str>,
}

impl Chooser {
    fn read(line: &'static str) -> Self {
        let (name, words) = line.split_once(':').unwrap_or((line, ""));
        Self {
            name,
            words: words.split_whitespace().collect(),
        }
    }

    /// What the file says in `directory`; none where there is none, or it speaks of something else.
    fn says(&self, directory: &Path) -> Option<Vec<u8>> {
        let path = directory.join(self.name);
        // A pipe would be waited for.
        if !path.metadata().ok()?.is_file() {
            return None;
        }
        let mut said = Vec::new();
        let file = std::fs::File::open(path).ok()?;
        file.take(LARGEST).read_to_end(&mut said).ok()?;
        let has = |word: &&str| said.windows(word.len()).any(|it| it == word.as_bytes());
        (self.words.is_empty() || self.words.iter().any(has)).then_some(said)
    }
}

/// What chooses versions in directories, each read once.
#[derive(Default)]
pub struct Choices(HashMap<PathBuf, Digest>);

impl Choices {
    /// What chooses the version that answers `probe`: the files around its directory. None where more may count than these.
    pub fn of(&mut self, probe: &Probe<'_>) -> Option<Digest> {
        let path = probe.environment.variables.get(OsStr::new("PATH"))?;
        if !std::env::split_paths(path).all(|it| it.is_absolute()) {
            return None;
        }
        let command = probe.command.trim();
        let is_plain = asks_for_version(command).is_some_and(|name| !name.contains('/'));
        if is_plain || QUESTIONS.contains(&command) {
            return Some(self.around(&probe.directory));
        }
        let up = QUESTIONS.iter().find_map(|it| levels_up(it, command))?;
        let mut digester = Digester::new("what chooses versions, from somewhere above");
        digester.digest("around", &self.around(&probe.directory));
        let above = probe.directory.ancestors().nth(up)?;
        digester.part("above", above.as_os_str().as_bytes());
        Some(digester.finish())
    }

    /// All files in a directory and those above it that choose. Where there are none, it is like the one above.
    fn around(&mut self, directory: &Path) -> Digest {
        if let Some(known) = self.0.get(directory) {
            return known.clone();
        }
        let above = directory.parent().map(|above| self.around(above));
        let says = |chooser: &'static Chooser| Some((chooser.name, chooser.says(directory)?));
        let said: Vec<_> = VERSIONS.iter().filter_map(says).collect();
        let digest = match (above, said.is_empty()) {
            (Some(above), true) => above,
            (above, _) => {
                let mut digester = Digester::new("what chooses versions");
                above.iter().for_each(|it| _ = digester.digest("above", it));
                // A relative path in such a file begins there.
                digester.part("directory", directory.as_os_str().as_bytes());
                for (name, said) in said {
                    digester.part("name", name.as_bytes());
                    digester.part("says", &said);
                }
                digester.finish()
            }
        };
        self.0.insert(directory.to_owned(), digest.clone());
        digest
    }
}

/// How many directories up a command looks that is `question` with the way in it.
fn levels_up(question: &str, command: &str) -> Option<usize> {
    let (before, after) = question.split_once("{up}")?;
    let way = command.strip_prefix(before)?.strip_suffix(after)?;
    match way {
        "." => Some(0),
        _ => (way.split('/').all(|it| it == "..")).then(|| way.split('/').count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::process::environment::Environment;

    #[test]
    fn directories_with_the_same_files_around_them_have_the_same_versions() {
        let place = tempfile::tempdir().unwrap();
        let root = place.path().canonicalize().unwrap();
        for directory in ["a/one", "a/two", "b/one", "c"] {
            std::fs::create_dir_all(root.join(directory)).unwrap();
        }
        let write = |path: &str, text: &str| std::fs::write(root.join(path), text).unwrap();
        write("b/.tool-versions", "go 1.22\n");
        write("a/two/package.json", "{\"name\": \"two\"}");
        let around = |directory: &str| Choices::default().around(&root.join(directory));
        assert_eq!(around("a/one"), around("a/two"));
        assert_eq!(around("a/one"), around("c"));
        assert_ne!(around("a/one"), around("b/one"));
        assert_eq!(around("b"), around("b/one"));
        let before = around("b");
        write("b/.tool-versions", "go 1.23\n");
        assert_ne!(around("b"), before);
        write("a/two/package.json", "{\"packageManager\": \"pnpm@9\"}");
        assert_ne!(around("a/one"), around("a/two"));
        // A pipe is no such file.
        rustix::fs::mkfifoat(
            rustix::fs::CWD,
            root.join("c/.nvmrc"),
            rustix::fs::Mode::RUSR,
        )
        .unwrap();
        assert_eq!(around("a/one"), around("c"));
    }

    #[test]
    fn a_question_may_name_a_directory_above() {
        let question = "for it in {up} .; do x; done";
        let check = |command: &str, expected| assert_eq!(levels_up(question, command), expected);
        check("for it in ../.. .; do x; done", Some(2));
        check("for it in .. .; do x; done", Some(1));
        check("for it in . .; do x; done", Some(0));
        check("for it in a/.. .; do x; done", None);
        check("for it in $(x) .; do x; done", None);
        check("for it in ../.. .; do y; done", None);
        assert_eq!(levels_up("go version", "go version"), None);
        let environment = Environment {
            variables: [("PATH".into(), "/bin".into())].into(),
            ..Environment::default()
        };
        let mut choices = Choices::default();
        let mut of = |way: &str, directory: &str| {
            let question = QUESTIONS.iter().find(|it| it.contains("{up}")).unwrap();
            choices.of(&Probe {
                command: &question.replace("{up}", way),
                shell: &[],
                directory: directory.into(),
                environment: &environment,
            })
        };
        let first = of("../..", "/nowhere/a/b");
        assert!(first.is_some());
        assert_eq!(of("../..", "/nowhere/a/c"), first);
        assert_ne!(of("..", "/nowhere/a/c"), first);
        assert_ne!(of("../..", "/nowhere/a/b/c"), first);
    }

    #[test]
    fn what_may_read_other_files_is_asked_in_each_directory() {
        let check = |command: &str, path: &str, expected: bool| {
            let environment = Environment {
                variables: [("PATH".into(), path.into())].into(),
                ..Environment::default()
            };
            let probe = Probe {
                command,
                shell: &[],
                directory: "/".into(),
                environment: &environment,
            };
            let found = Choices::default().of(&probe);
            assert_eq!(found.is_some(), expected, "{command}");
        };
        check("cargo --version", "/bin", true);
        check("cargo clippy --version", "/bin", true);
        check("mvn --batch-mode --version | sed -n 1p", "/bin", true);
        for command in [
            "cat version",
            "./gradlew --version",
            "tools/x --version",
            "cargo run --version",
            "go version -m x",
            "poetry run python --version",
        ] {
            check(command, "/bin", false);
        }
        check("cargo --version", "/bin:relative", false);
    }
}
