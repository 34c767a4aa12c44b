//! The cache key: everything that can change a task's result, each ingredient as a named field.
//!
//! What is no ingredient: secrets and variables that are only handed on, the directory of the workspace, the clock, timeouts,
//! retries, pools, and files that the task does not declare.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::model::change::ObjectId;
use crate::model::digest::{Digest, Digester};
use crate::model::name::{ServiceName, TaskId};
use crate::model::path::FilePath;

/// The version of the key's format. Raise it whenever the same task could get the same digest from other ingredients than
/// before, and add a line here.
///
/// - 1: the first (0.1.0).
/// - 2: parts of lock files, and sources of dependencies.
pub const FORMAT: u32 = 2;

/// Everything that can change a task's result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Key {
    pub format: u32,
    pub task: TaskId,
    /// The service's directory, relative to the workspace: commands run there.
    pub path: FilePath,
    pub commands: Vec<String>,
    /// What the command line appends to the last command.
    pub arguments: Vec<String>,
    pub shell: Vec<String>,
    /// The declared output patterns, as they resolve. None where nothing is declared.
    pub outputs: Option<Vec<String>>,
    pub strict_env: bool,
    /// The system and the processor: `linux x86_64`.
    pub platform: String,
    pub inputs: InputFiles,
    pub global_inputs: InputFiles,
    /// The variables that the task declares, each with a digest of its value; none if it is not set.
    pub variables: BTreeMap<String, Option<Digest>>,
    /// The commands in `tools`, each with a digest of what it printed.
    pub tools: BTreeMap<String, Digest>,
    /// The tasks that it needs directly.
    pub needs: BTreeMap<TaskId, NeededResult>,
    /// Dependencies that lack the needed task, each with its inputs.
    pub dependencies: BTreeMap<ServiceName, InputFiles>,
    /// Services whose sources it reads, each with a digest of these. Not each file of each of them: for many services that
    /// depend on many, these are too many to keep.
    pub sources: BTreeMap<ServiceName, Digest>,
}

/// How a needed task counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum NeededResult {
    /// It declares outputs: only these and its values can be seen.
    Outputs { outputs: Digest, values: Digest },
    /// It declares none: whatever it was made from.
    Key { key: Digest, values: Digest },
}

/// Some input files, with the digest of all. Cheap to clone, since many keys hold the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFiles {
    files: Arc<[InputFile]>,
    digest: Digest,
}

/// One input file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InputFile {
    pub path: FilePath,
    /// As in a git tree: 0o100644, 0o100755, 0o120000 (symlink) or 0o160000 (submodule).
    pub mode: u32,
    /// As git would store it. Of a lock file that counts by its part, the digest of that.
    pub content: ObjectId,
    pub is_part: bool,
    /// Its bytes on disk, where it is there: they differ from what git stores where a filter stands between the two, as for
    /// a large file that was not fetched.
    pub size: Option<u64>,
}

impl InputFiles {
    /// These files, which are sorted by path.
    pub fn new(files: Vec<InputFile>) -> Self {
        let mut digester = Digester::new("input files");
        for file in &files {
            digester.part("path", file.path.as_bytes());
            digester.part("mode", &file.mode.to_le_bytes());
            digester.part("content", file.content.as_bytes());
            match file.size {
                _ if file.is_part => digester.part("part", b""),
                Some(size) => digester.part("size", &size.to_le_bytes()),
                None => digester.part("absent", b""),
            };
        }
        Self {
            digest: digester.finish(),
            files: files.into(),
        }
    }

    /// The files, sorted by path.
    pub fn files(&self) -> &[InputFile] {
        &self.files
    }

    /// The digest of all of them.
    pub fn digest(&self) -> &Digest {
        &self.digest
    }
}

impl Key {
    /// The digest of all ingredients: what results are found by.
    pub fn digest(&self) -> Digest {
        // Taken apart, so that a new ingredient cannot be forgotten here.
        let Self {
            format,
            task,
            path,
            commands,
            arguments,
            shell,
            outputs,
            strict_env,
            platform,
            inputs,
            global_inputs,
            variables,
            tools,
            needs,
            dependencies,
            sources,
        } = self;
        let mut digester = Digester::new("cache key");
        digester.part("format", &format.to_le_bytes());
        digester.part("task", task.to_string().as_bytes());
        digester.part("path", path.as_bytes());
        digester.list("command", commands.iter().map(String::as_str));
        digester.list("argument", arguments.iter().map(String::as_str));
        digester.list("shell", shell.iter().map(String::as_str));
        match outputs {
            Some(outputs) => digester.list("output", outputs.iter().map(String::as_str)),
            None => digester.part("no outputs declared", b""),
        };
        digester.part("strict-env", &[u8::from(*strict_env)]);
        digester.part("platform", platform.as_bytes());
        digester.digest("inputs", inputs.digest());
        digester.digest("global inputs", global_inputs.digest());
        for (name, value) in variables {
            digester.part("variable", name.as_bytes());
            match value {
                Some(value) => digester.digest("value", value),
                None => digester.part("not set", b""),
            };
        }
        for (command, printed) in tools {
            digester.part("tool", command.as_bytes());
            digester.digest("printed", printed);
        }
        for (task, result) in needs {
            digester.part("need", task.to_string().as_bytes());
            match result {
                NeededResult::Outputs { outputs, values } => {
                    digester.digest("outputs", outputs).digest("values", values)
                }
                NeededResult::Key { key, values } => {
                    digester.digest("key", key).digest("values", values)
                }
            };
        }
        for (service, files) in dependencies {
            digester.part("dependency", service.as_str().as_bytes());
            digester.digest("inputs", files.digest());
        }
        for (service, digest) in sources {
            digester.part("sources of", service.as_str().as_bytes());
            digester.digest("files", digest);
        }
        digester.finish()
    }
}

/// The digest of a task's values, as needed tasks are known by.
pub fn digest_of_values(values: &BTreeMap<String, String>) -> Digest {
    let mut digester = Digester::new("values");
    for (name, value) in values {
        digester.part(name, value.as_bytes());
    }
    digester.finish()
}

/// The digest of a variable's value, which is never written down itself.
pub fn digest_of_variable(name: &str, value: &[u8]) -> Digest {
    Digester::new("variable").part(name, value).finish()
}

#[cfg(test)]
pub mod sample {
    //! A key for tests.

    use super::*;
    use crate::model::digest::Digester;

    /// The digest of some text.
    pub fn digest(text: &str) -> Digest {
        Digester::new("test").part("text", text.as_bytes()).finish()
    }

    /// An input file with this content.
    pub fn file(path: &str, content: u8) -> InputFile {
        InputFile {
            path: path.into(),
            mode: 0o100644,
            content: ObjectId::from_bytes(&[content; 20]).unwrap(),
            is_part: false,
            size: Some(1),
        }
    }

    /// A key with something in every field.
    pub fn key() -> Key {
        let id = |text: &str| TaskId::parse(text).unwrap();
        Key {
            format: FORMAT,
            task: id("api:build"),
            path: "services/api".into(),
            commands: vec!["make".into()],
            arguments: vec![],
            shell: ["sh", "-eu", "-c"].map(String::from).into(),
            outputs: Some(vec!["services/api/dist".into()]),
            strict_env: true,
            platform: "linux x86_64".into(),
            inputs: InputFiles::new(vec![
                file("services/api/a.c", 1),
                file("services/api/b.c", 2),
            ]),
            global_inputs: InputFiles::new(vec![file(".tool-versions", 3)]),
            variables: [("CFLAGS".into(), None), ("CC".into(), Some(digest("cc")))].into(),
            tools: [("cc --version".into(), digest("12"))].into(),
            needs: [
                (
                    id("lib:build"),
                    NeededResult::Outputs {
                        outputs: digest("o"),
                        values: digest("v"),
                    },
                ),
                (
                    id("gen:build"),
                    NeededResult::Key {
                        key: digest("k"),
                        values: digest("v"),
                    },
                ),
            ]
            .into(),
            dependencies: [(
                ServiceName::new("proto").unwrap(),
                InputFiles::new(vec![file("proto/x.proto", 4)]),
            )]
            .into(),
            sources: [(ServiceName::new("money").unwrap(), digest("s"))].into(),
        }
    }
}
