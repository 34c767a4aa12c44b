//! Which variables a command sees. The lists themselves are in `templates/env`.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::sync::LazyLock;

use crate::model::digest::{Digest, Digester};
use crate::model::task::Task;

static PASSED: LazyLock<Names> =
    LazyLock::new(|| Names::read(include_str!("../../templates/env/passed.txt")));
static NAMED: LazyLock<Names> =
    LazyLock::new(|| Names::read(include_str!("../../templates/env/named.txt")));
static NEVER: LazyLock<Names> =
    LazyLock::new(|| Names::read(include_str!("../../templates/env/never.txt")));

/// What a shell sets by itself: a command that uses them misses nothing.
const OF_THE_SHELL: [&str; 8] = [
    "PWD", "OLDPWD", "SHLVL", "_", "IFS", "PPID", "OPTIND", "PS1",
];

/// The variables of a command, and those that were kept from it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Environment {
    pub variables: BTreeMap<OsString, OsString>,
    /// Names that `svc` has and the command could have been given.
    pub removed: BTreeSet<String>,
}

impl Environment {
    /// The digest of the variables that are `wanted`.
    pub fn digest(&self, wanted: &dyn Fn(&OsStr) -> bool) -> Digest {
        let mut digester = Digester::new("environment");
        for (name, value) in self.variables.iter().filter(|(name, _)| wanted(name)) {
            digester.part("name", name.as_bytes());
            digester.part("value", value.as_bytes());
        }
        digester.finish()
    }
}

/// The environment of a command of `task`: of `parent` what everybody sees, what the task and the workspace
/// (`pass_env`) name, or with `strict-env = false` and in deploys everything but what has to be named; then `extra`, which
/// wins.
pub fn environment(
    parent: &BTreeMap<OsString, OsString>,
    task: &Task,
    pass_env: &[String],
    extra: impl IntoIterator<Item = (OsString, OsString)>,
) -> Environment {
    let lists = [&task.env, &task.pass_env, &task.secrets];
    let named = lists.into_iter().flatten().chain(pass_env);
    let named = Names::of(named.map(String::as_str));
    let passes_all = !task.strict_env || task.deploy.is_some();
    let mut environment = Environment::default();
    for (name, value) in parent {
        if NEVER.have(name) {
            continue;
        }
        let is_passed = match NAMED.have(name) {
            true => lists
                .into_iter()
                .flatten()
                .chain(pass_env)
                .any(|it| name.to_str() == Some(it)),
            false => passes_all || PASSED.have(name) || named.have(name),
        };
        if is_passed {
            environment.variables.insert(name.clone(), value.clone());
        } else if let Some(name) = name.to_str() {
            environment.removed.insert(name.to_owned());
        }
    }
    for (name, value) in extra {
        environment.removed.remove(&*name.to_string_lossy());
        environment.variables.insert(name, value);
    }
    environment
}

/// The names in `removed` that stand as a whole word in one of `texts`: the command and the end of its output. They may be
/// what it misses.
pub fn missed(removed: &BTreeSet<String>, texts: &[&[u8]]) -> Vec<String> {
    let is_part = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    let words = texts
        .iter()
        .flat_map(|text| text.split(|byte| !is_part(byte)));
    let words = words.filter_map(|word| std::str::from_utf8(word).ok());
    let found: BTreeSet<&str> = words.filter(|word| removed.contains(*word)).collect();
    let found = found
        .into_iter()
        .filter(|word| !OF_THE_SHELL.contains(word));
    found.map(String::from).collect()
}

/// A list of names and of `PREFIX_*`.
#[derive(Debug, Default)]
pub(crate) struct Names {
    whole: BTreeSet<String>,
    prefixes: Vec<String>,
}

impl Names {
    /// The names on the lines of `text`, less those that begin with `#`.
    pub fn read(text: &str) -> Self {
        let lines = text.lines().map(str::trim);
        Self::of(lines.filter(|line| !line.is_empty() && !line.starts_with('#')))
    }

    /// These names.
    pub fn of<'a>(names: impl IntoIterator<Item = &'a str>) -> Self {
        let mut list = Self::default();
        for name in names {
            match name.strip_suffix('*') {
                Some(prefix) => list.prefixes.push(prefix.to_owned()),
                None => drop(list.whole.insert(name.to_owned())),
            }
        }
        list
    }

    /// Whether `name` is one of them.
    pub fn have(&self, name: &OsStr) -> bool {
        let mut prefixes = self.prefixes.iter();
        name.to_str().is_some_and(|it| self.whole.contains(it))
            || prefixes.any(|it| name.as_bytes().starts_with(it.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(names: &[&str]) -> BTreeMap<OsString, OsString> {
        names
            .iter()
            .map(|it| (OsString::from(it), "x".into()))
            .collect()
    }

    fn seen(task: &Task, pass_env: &[&str], parent: &[&str]) -> Vec<String> {
        let pass_env: Vec<_> = pass_env.iter().map(|it| it.to_string()).collect();
        let environment = environment(&variables(parent), task, &pass_env, []);
        let names = environment.variables.into_keys();
        names.map(|it| it.into_string().unwrap()).collect()
    }

    #[test]
    fn a_command_sees_what_is_passed_and_named() {
        let mut task = Task::new(vec![]);
        let parent = [
            "PATH",
            "LC_ALL",
            "LC",
            "A",
            "B",
            "C",
            "D",
            "E_1",
            "F",
            "GIT_DIR",
            "SVC_VALUE_API_X",
            "JAVA_HOME",
        ];
        assert_eq!(seen(&task, &[], &parent), ["JAVA_HOME", "LC_ALL", "PATH"]);
        task.env = vec!["A".into(), "GIT_DIR".into()];
        task.pass_env = vec!["B".into()];
        task.secrets = vec!["C".into()];
        let expected = ["A", "B", "C", "D", "E_1", "JAVA_HOME", "LC_ALL", "PATH"];
        assert_eq!(seen(&task, &["D", "E_*"], &parent), expected);
        task.strict_env = false;
        let expected = [
            "A",
            "B",
            "C",
            "D",
            "E_1",
            "F",
            "JAVA_HOME",
            "LC",
            "LC_ALL",
            "PATH",
        ];
        assert_eq!(seen(&task, &[], &parent), expected);
        task.strict_env = true;
        task.deploy = Some(Box::default());
        assert_eq!(seen(&task, &[], &parent), expected);
    }

    #[test]
    fn what_steers_later_steps_has_to_be_named_in_full() {
        let parent = ["BASH_ENV", "GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_SHA"];
        let mut task = Task::new(vec![]);
        assert_eq!(seen(&task, &[], &parent), <[&str; 0]>::default());
        assert_eq!(seen(&task, &["GITHUB_*"], &parent), ["GITHUB_SHA"]);
        task.deploy = Some(Box::default());
        assert_eq!(seen(&task, &[], &parent), ["GITHUB_SHA"]);
        task.env = vec!["GITHUB_OUTPUT".into()];
        assert_eq!(seen(&task, &[], &parent), ["GITHUB_OUTPUT", "GITHUB_SHA"]);
    }

    #[test]
    fn what_is_given_wins_and_is_not_missed() {
        let task = Task::new(vec![]);
        let given = [("PATH".into(), "/mine".into()), ("X".into(), "1".into())];
        let got = environment(&variables(&["PATH", "X", "Y"]), &task, &[], given);
        assert_eq!(got.variables[OsStr::new("PATH")], "/mine");
        assert_eq!(got.removed, BTreeSet::from(["Y".to_string()]));
    }

    #[test]
    fn names_that_are_no_text_follow_the_same_rules() {
        let odd = OsStr::from_bytes(b"LC_\xff").to_owned();
        let other = OsStr::from_bytes(b"X\xff").to_owned();
        let parent = [odd.clone(), other]
            .into_iter()
            .map(|it| (it, "x".into()))
            .collect();
        let got = environment(&parent, &Task::new(vec![]), &[], []);
        assert_eq!(got.variables.into_keys().collect::<Vec<_>>(), [odd]);
    }

    #[test]
    fn missed_names_are_whole_words() {
        let removed = ["TOKEN", "DB", "PWD", "A_B"].map(String::from).into();
        let check = |text: &str, expected: &[&str]| {
            assert_eq!(missed(&removed, &[text.as_bytes()]), expected, "{text}");
        };
        check("curl -H $TOKEN ${DB}", &["DB", "TOKEN"]);
        check("KeyError: 'TOKEN'\n", &["TOKEN"]);
        check("MY_TOKEN TOKENS $PWD A B", &[]);
        check("A_B=1", &["A_B"]);
        assert_eq!(
            missed(&removed, &[b"\xffDB\xff", b"TOKEN"]),
            ["DB", "TOKEN"]
        );
    }

    #[test]
    fn the_lists_are_well_formed_and_keep_their_promises() {
        for text in [
            include_str!("../../templates/env/passed.txt"),
            include_str!("../../templates/env/never.txt"),
            include_str!("../../templates/env/named.txt"),
        ] {
            let names = text
                .lines()
                .filter(|it| !it.is_empty() && !it.starts_with('#'));
            for name in names {
                let body = name.strip_suffix("_*").unwrap_or(name);
                assert!(
                    body.bytes()
                        .all(|it| it.is_ascii_alphanumeric() || it == b'_'),
                    "{name}"
                );
            }
        }
        for name in "PATH HOME USER LANG LC_ALL TERM TZ TMPDIR CI XDG_CACHE_HOME SSH_AUTH_SOCK DOCKER_HOST KUBECONFIG \
                     CARGO_HOME RUSTUP_HOME JAVA_HOME GOPATH GOPROXY NVM_DIR PYENV_ROOT ASDF_DIR MISE_SHELL VIRTUAL_ENV \
                     https_proxy NO_PROXY SSL_CERT_FILE"
            .split_whitespace()
        {
            assert!(PASSED.have(OsStr::new(name)), "{name}");
        }
        for name in [
            "RUSTFLAGS",
            "GITHUB_TOKEN",
            "AWS_SECRET_ACCESS_KEY",
            "CC",
            "NODE_ENV",
            "GOFLAGS",
        ] {
            assert!(!PASSED.have(OsStr::new(name)), "{name}");
        }
    }
}
