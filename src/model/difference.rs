//! Why a task's result cannot be reused: what differs between two cache keys, ingredient by ingredient.

use std::collections::BTreeMap;
use std::fmt;

use crate::model::digest::Digest;
use crate::model::key::{InputFile, InputFiles, Key, NeededResult};
use crate::model::name::{ServiceName, TaskId};
use crate::model::path::FilePath;

/// One ingredient that differs between an older and a newer key.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Difference {
    /// A file, and how it differs.
    File {
        path: FilePath,
        how: How,
        role: Role,
    },
    Commands,
    Arguments,
    Shell,
    /// The declared output patterns.
    Outputs,
    /// Whether the environment is cleaned.
    StrictEnv,
    /// Where the service lies.
    Path,
    Variable {
        name: String,
        how: How,
    },
    /// A command in `tools` that prints something else.
    Tool {
        command: String,
        how: How,
    },
    Need {
        task: TaskId,
        how: NeedHow,
    },
    Dependency {
        service: ServiceName,
        how: How,
    },
    /// What it reads of the sources of a service that it depends on.
    Sources {
        service: ServiceName,
        how: How,
    },
    Platform,
    /// Another version of `svc` makes keys in another way.
    Format,
}

/// How something that has a name differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    Added,
    Removed,
    Changed,
    /// Only the mode of a file.
    Mode,
    /// The part of a lock file that counts.
    Part,
}

/// What a file is to the task.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Role {
    Input,
    GlobalInput,
    /// An input of this dependency.
    Of(ServiceName),
}

/// How a needed task differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum NeedHow {
    Added,
    Removed,
    /// It left other outputs.
    Outputs,
    /// It gave other values.
    Values,
    /// It declares no outputs and was made from something else.
    Key,
}

/// Everything that differs between `old` and `new`, files first. Empty only for equal keys.
pub fn differences(old: &Key, new: &Key) -> Vec<Difference> {
    let mut found = Vec::new();
    files(&mut found, &old.inputs, &new.inputs, &Role::Input);
    files(
        &mut found,
        &old.global_inputs,
        &new.global_inputs,
        &Role::GlobalInput,
    );
    dependencies(&mut found, old, new);
    plain(&mut found, old, new);
    let variable = |name: &String, how| Difference::Variable {
        name: name.clone(),
        how,
    };
    named(
        &mut found,
        &set(&old.variables),
        &set(&new.variables),
        variable,
    );
    // A variable that is declared and not set may be left out of the other key.
    undeclared(&mut found, old, new);
    named(&mut found, &old.tools, &new.tools, |command, how| {
        Difference::Tool {
            command: command.clone(),
            how,
        }
    });
    needs(&mut found, old, new);
    named(&mut found, &old.sources, &new.sources, |service, how| {
        Difference::Sources {
            service: service.clone(),
            how,
        }
    });
    found
}

fn plain(found: &mut Vec<Difference>, old: &Key, new: &Key) {
    let differs = [
        (old.commands != new.commands, Difference::Commands),
        (old.arguments != new.arguments, Difference::Arguments),
        (old.shell != new.shell, Difference::Shell),
        (old.outputs != new.outputs, Difference::Outputs),
        (old.strict_env != new.strict_env, Difference::StrictEnv),
        (
            old.path != new.path || old.task != new.task,
            Difference::Path,
        ),
        (old.platform != new.platform, Difference::Platform),
        (old.format != new.format, Difference::Format),
    ];
    found.extend(
        differs
            .into_iter()
            .filter(|(differs, _)| *differs)
            .map(|(_, it)| it),
    );
}

/// What differs between two sorted lists of files.
fn files(found: &mut Vec<Difference>, old: &InputFiles, new: &InputFiles, role: &Role) {
    if old.digest() == new.digest() {
        return;
    }
    let mut older = old.files().iter().peekable();
    let mut add = |path: &FilePath, how| {
        found.push(Difference::File {
            path: path.clone(),
            how,
            role: role.clone(),
        });
    };
    for file in new.files() {
        while let Some(gone) = older.next_if(|it| it.path < file.path) {
            add(&gone.path, How::Removed);
        }
        match older.next_if(|it| it.path == file.path) {
            None => add(&file.path, How::Added),
            Some(before) if before == file => {}
            Some(before) => add(&file.path, how_file(before, file)),
        }
    }
    older.for_each(|gone| add(&gone.path, How::Removed));
}

fn how_file(old: &InputFile, new: &InputFile) -> How {
    match (old.content, old.size) == (new.content, new.size) {
        true => How::Mode,
        false if old.is_part && new.is_part => How::Part,
        false => How::Changed,
    }
}

fn dependencies(found: &mut Vec<Difference>, old: &Key, new: &Key) {
    for (service, files_now) in &new.dependencies {
        match old.dependencies.get(service) {
            Some(before) => files(found, before, files_now, &Role::Of(service.clone())),
            None => found.push(Difference::Dependency {
                service: service.clone(),
                how: How::Added,
            }),
        }
    }
    let gone = old
        .dependencies
        .keys()
        .filter(|it| !new.dependencies.contains_key(*it));
    found.extend(gone.map(|service| Difference::Dependency {
        service: service.clone(),
        how: How::Removed,
    }));
}

fn set(variables: &BTreeMap<String, Option<Digest>>) -> BTreeMap<String, Digest> {
    let set = variables.iter();
    set.filter_map(|(name, value)| Some((name.clone(), value.clone()?)))
        .collect()
}

/// Variables that only one of the two declares, and that are not set there.
fn undeclared(found: &mut Vec<Difference>, old: &Key, new: &Key) {
    let sides = [
        (&old.variables, &new.variables),
        (&new.variables, &old.variables),
    ];
    for (one, other) in sides {
        let lost = one
            .iter()
            .filter(|(name, value)| value.is_none() && !other.contains_key(*name));
        found.extend(lost.map(|(name, _)| Difference::Variable {
            name: name.clone(),
            how: How::Changed,
        }));
    }
}

fn named<N: Ord>(
    found: &mut Vec<Difference>,
    old: &BTreeMap<N, Digest>,
    new: &BTreeMap<N, Digest>,
    difference: impl Fn(&N, How) -> Difference,
) {
    for (name, value) in new {
        match old.get(name) {
            None => found.push(difference(name, How::Added)),
            Some(before) if before != value => found.push(difference(name, How::Changed)),
            Some(_) => {}
        }
    }
    let gone = old.keys().filter(|name| !new.contains_key(*name));
    found.extend(gone.map(|name| difference(name, How::Removed)));
}

fn needs(found: &mut Vec<Difference>, old: &Key, new: &Key) {
    let mut add = |task: &TaskId, how| {
        found.push(Difference::Need {
            task: task.clone(),
            how,
        });
    };
    for (task, now) in &new.needs {
        match old.needs.get(task) {
            None => add(task, NeedHow::Added),
            Some(before) if before == now => {}
            Some(before) => add(task, how_need(before, now)),
        }
    }
    let gone = old
        .needs
        .keys()
        .filter(|task| !new.needs.contains_key(*task));
    gone.for_each(|task| add(task, NeedHow::Removed));
}

fn how_need(old: &NeededResult, new: &NeededResult) -> NeedHow {
    use NeededResult::{Key, Outputs};
    match (old, new) {
        (Outputs { outputs, .. }, Outputs { outputs: now, .. }) if outputs == now => {
            NeedHow::Values
        }
        (Outputs { .. }, Outputs { .. }) => NeedHow::Outputs,
        (Key { key, .. }, Key { key: now, .. }) if key == now => NeedHow::Values,
        _ => NeedHow::Key,
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, how, role } => {
                let of = match role {
                    Role::Input | Role::Of(_) => "",
                    Role::GlobalInput => "global input ",
                };
                match how {
                    How::Part => write!(f, "its part of {} changed", path.display()),
                    _ => write!(f, "{of}{} {how}", path.display()),
                }
            }
            Self::Commands => f.write_str("the command changed"),
            Self::Arguments => f.write_str("the arguments changed"),
            Self::Shell => f.write_str("the shell changed"),
            Self::Outputs => f.write_str("the declared outputs changed"),
            Self::StrictEnv => f.write_str("strict-env changed"),
            Self::Path => f.write_str("the path of the service changed"),
            Self::Variable { name, how } => write!(f, "variable {name} {}", how.of_a_variable()),
            Self::Tool { command, how } => match how {
                How::Added | How::Removed => write!(f, "tool `{command}` {how}"),
                How::Changed | How::Mode | How::Part => {
                    write!(f, "`{command}` prints something else")
                }
            },
            Self::Need { task, how } => match how {
                NeedHow::Added => write!(f, "{task} is needed now"),
                NeedHow::Removed => write!(f, "{task} is not needed any more"),
                NeedHow::Outputs => write!(f, "{task} left other outputs"),
                NeedHow::Values => write!(f, "{task} gave other values"),
                NeedHow::Key => write!(f, "{task} was made from something else"),
            },
            Self::Dependency { service, how } => write!(f, "dependency {service} {how}"),
            Self::Sources { service, how } => match how {
                How::Added => write!(f, "sources of {service} are read now"),
                How::Removed => write!(f, "sources of {service} are not read any more"),
                How::Changed | How::Mode | How::Part => write!(f, "sources of {service} changed"),
            },
            Self::Platform => f.write_str("it was made on another platform"),
            Self::Format => f.write_str("it was made by another version of svc"),
        }
    }
}

impl fmt::Display for How {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Added => "added",
            Self::Removed => "removed",
            Self::Changed | Self::Part => "changed",
            Self::Mode => "changed its mode",
        })
    }
}

impl How {
    fn of_a_variable(self) -> &'static str {
        match self {
            Self::Added => "is set",
            Self::Removed => "is not set any more",
            Self::Changed | Self::Mode | Self::Part => "changed",
        }
    }
}

/// The differences in a few words: the first, and how many more there are.
pub fn in_short(differences: &[Difference]) -> String {
    match differences {
        [] => String::new(),
        [only] => only.to_string(),
        [first, rest @ ..] => format!("{first} and {} more", rest.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::key::sample::{digest, file, key};

    /// Changes one ingredient of the sample and compares with what is said about it.
    fn check(change: impl Fn(&mut Key), expected: &str) {
        let mut new = key();
        change(&mut new);
        assert_ne!(key().digest(), new.digest(), "{expected}");
        assert_eq!(in_short(&differences(&key(), &new)), expected);
        assert!(!differences(&new, &key()).is_empty(), "{expected}");
    }

    #[test]
    fn each_ingredient_that_differs_is_a_miss_and_is_named() {
        let id = |text: &str| TaskId::parse(text).unwrap();
        let inputs = |files: Vec<InputFile>| InputFiles::new(files);
        check(|it| it.format = 0, "it was made by another version of svc");
        check(|it| it.path = "x".into(), "the path of the service changed");
        check(
            |it| it.task = id("api:test"),
            "the path of the service changed",
        );
        check(|it| it.commands.push("x".into()), "the command changed");
        check(|it| it.arguments.push("x".into()), "the arguments changed");
        check(|it| it.shell.push("x".into()), "the shell changed");
        check(|it| it.outputs = None, "the declared outputs changed");
        check(
            |it| it.outputs = Some(vec![]),
            "the declared outputs changed",
        );
        check(|it| it.strict_env = false, "strict-env changed");
        check(
            |it| it.platform = "x".into(),
            "it was made on another platform",
        );
        let (a, b) = ("services/api/a.c", "services/api/b.c");
        check(
            |it| it.inputs = inputs(vec![file(a, 9), file(b, 2)]),
            "services/api/a.c changed",
        );
        check(
            |it| it.inputs = inputs(vec![file(b, 2)]),
            "services/api/a.c removed",
        );
        check(
            |it| it.inputs = inputs(vec![file(a, 1), file(b, 2), file("z", 1)]),
            "z added",
        );
        let program = |path, content| InputFile {
            mode: 0o100755,
            ..file(path, content)
        };
        check(
            |it| it.inputs = inputs(vec![program(a, 1), file(b, 2)]),
            "services/api/a.c changed its mode",
        );
        let unfetched = InputFile {
            size: Some(130),
            ..file(a, 1)
        };
        check(
            |it| it.inputs = inputs(vec![unfetched.clone(), file(b, 2)]),
            "services/api/a.c changed",
        );
        check(
            |it| it.global_inputs = inputs(vec![file(".tool-versions", 9)]),
            "global input .tool-versions changed",
        );
        check(
            |it| drop(it.variables.insert("CC".into(), Some(digest("clang")))),
            "variable CC changed",
        );
        check(
            |it| drop(it.variables.insert("CFLAGS".into(), Some(digest("")))),
            "variable CFLAGS is set",
        );
        check(
            |it| drop(it.variables.insert("CC".into(), None)),
            "variable CC is not set any more",
        );
        check(
            |it| drop(it.variables.remove("CFLAGS")),
            "variable CFLAGS changed",
        );
        check(
            |it| drop(it.tools.insert("cc --version".into(), digest("13"))),
            "`cc --version` prints something else",
        );
        check(|it| it.tools.clear(), "tool `cc --version` removed");
        let outputs = |outputs: &str, values: &str| NeededResult::Outputs {
            outputs: digest(outputs),
            values: digest(values),
        };
        let lib = id("lib:build");
        let gives = |it: &mut Key, result| drop(it.needs.insert(id("lib:build"), result));
        check(
            |it| gives(it, outputs("x", "v")),
            "lib:build left other outputs",
        );
        check(
            |it| gives(it, outputs("o", "x")),
            "lib:build gave other values",
        );
        check(
            |it| drop(it.needs.remove(&lib)),
            "lib:build is not needed any more",
        );
        check(
            |it| drop(it.needs.insert(id("new:build"), outputs("o", "v"))),
            "new:build is needed now",
        );
        let by_key = |key: &str, values: &str| NeededResult::Key {
            key: digest(key),
            values: digest(values),
        };
        let gen_gives = |it: &mut Key, result| drop(it.needs.insert(id("gen:build"), result));
        check(
            |it| gen_gives(it, by_key("x", "v")),
            "gen:build was made from something else",
        );
        check(
            |it| gen_gives(it, by_key("k", "x")),
            "gen:build gave other values",
        );
        let proto = ServiceName::new("proto").unwrap();
        let of_proto = |it: &mut Key, files| drop(it.dependencies.insert(proto.clone(), files));
        check(
            |it| of_proto(it, inputs(vec![file("proto/x.proto", 9)])),
            "proto/x.proto changed",
        );
        check(|it| of_proto(it, inputs(vec![])), "proto/x.proto removed");
        check(|it| it.dependencies.clear(), "dependency proto removed");
        let money = || ServiceName::new("money").unwrap();
        check(
            |it| drop(it.sources.insert(money(), digest("x"))),
            "sources of money changed",
        );
        check(
            |it| it.sources.clear(),
            "sources of money are not read any more",
        );
        let part = |content| InputFile {
            is_part: true,
            ..file(a, content)
        };
        check(
            |it| it.inputs = inputs(vec![part(1), file(b, 2)]),
            "services/api/a.c changed its mode",
        );
    }

    #[test]
    fn equal_keys_differ_in_nothing() {
        assert_eq!(differences(&key(), &key()), []);
        assert_eq!(key().digest(), key().digest());
        assert_eq!(in_short(&[]), "");
    }

    #[test]
    fn many_differences_are_counted() {
        let mut new = key();
        new.commands.clear();
        new.shell.clear();
        new.inputs = InputFiles::new(vec![]);
        let shown = in_short(&differences(&key(), &new));
        assert_eq!(shown, "services/api/a.c removed and 3 more");
    }
}
