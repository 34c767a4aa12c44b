//! Which programs a command calls, as far as its text says so plainly.

use std::collections::BTreeSet;

/// What a shell does by itself.
const BUILT_IN: &[&str] = &[
    ".",
    ":",
    "[",
    "alias",
    "break",
    "cd",
    "command",
    "continue",
    "echo",
    "eval",
    "exec",
    "exit",
    "export",
    "false",
    "getopts",
    "hash",
    "kill",
    "local",
    "printf",
    "pwd",
    "read",
    "readonly",
    "return",
    "set",
    "shift",
    "source",
    "test",
    "times",
    "trap",
    "true",
    "type",
    "ulimit",
    "umask",
    "unalias",
    "unset",
    "wait",
    "bg",
    "builtin",
    "declare",
    "disown",
    "fc",
    "fg",
    "jobs",
    "let",
    "mapfile",
    "popd",
    "pushd",
    "readarray",
    "shopt",
    "typeset",
];

/// Commands after which the same name may mean something else: they bring in functions, or another `PATH`.
const CHANGING: &[&str] = &[".", "alias", "eval", "source"];

/// Commands that ask whether there is a program.
const ASKING: &[&str] = &["command", "hash", "type", "which"];

/// Shells whose words these are.
const SHELLS: &[&str] = &["ash", "bash", "dash", "ksh", "sh", "zsh"];

/// Words after which another command begins.
const LEADING: &[&str] = &[
    "!", "do", "else", "elif", "if", "then", "time", "until", "while", "{", "(",
];

/// Other words of the shell's own grammar.
const KEYWORDS: &[&str] = &[
    "case", "done", "esac", "fi", "for", "function", "in", "select",
];

/// Words between commands.
const BETWEEN: &[&str] = &["&&", "||", ";", "|", "&"];

/// Words that make a text more than a list of commands.
const INVOLVED: &[&str] = &["<<", "case ", "function ", "()", "`", "for "];

/// The programs that `command` calls by their bare names, and those that it cannot do without. Where its text is more than
/// a list of commands, only the first is told: better too few than one that is not meant.
pub fn programs(command: &str) -> BTreeSet<String> {
    let is_involved = INVOLVED.iter().any(|it| command.contains(it));
    let lines = command.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut found = Found::default();
    for line in joined(lines) {
        let Some(words) = shlex::split(&line) else {
            break;
        };
        found.line(&words);
        if is_involved || found.is_over {
            break;
        }
    }
    let Found { called, asked, .. } = found;
    let called = called.into_iter().filter(|it| !asked.contains(it));
    called
        .take(if is_involved { 1 } else { usize::MAX })
        .collect()
}

/// Whether `shell` reads commands as [`programs`] does.
pub fn is_shell(shell: &[String]) -> bool {
    let name = shell.first().and_then(|it| it.rsplit('/').next());
    name.is_some_and(|name| SHELLS.contains(&name))
}

/// Lines, those that end with `\` together with the next.
fn joined<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<String> {
    let mut joined: Vec<String> = Vec::new();
    let mut goes_on = false;
    for line in lines {
        let part = line.strip_suffix('\\').unwrap_or(line);
        match joined.last_mut().filter(|_| goes_on) {
            Some(last) => last.push_str(part),
            None => joined.push(part.to_owned()),
        }
        goes_on = part.len() < line.len();
    }
    joined
}

/// What was found so far.
#[derive(Default)]
struct Found {
    /// In the order of the text.
    called: Vec<String>,
    /// Programs of which the text asks whether they are there: it knows what to do without them.
    asked: BTreeSet<String>,
    /// Whether nothing is certain from here on.
    is_over: bool,
}

impl Found {
    fn line(&mut self, words: &[String]) {
        let mut begins = true;
        // What follows `||` is for when the other did not work.
        let mut is_other = false;
        let mut depth = 0;
        let mut rest = words.iter();
        while let Some(word) = rest.next() {
            let was_within = depth > 0;
            depth += opened(word);
            if was_within || depth > 0 {
                begins |= depth == 0 && word.ends_with(';');
                continue;
            }
            let (bare, ends) = match word.strip_suffix(';') {
                Some(bare) => (bare, true),
                None => (word.as_str(), false),
            };
            let was_beginning = begins;
            let is_between = BETWEEN.contains(&bare);
            if is_between || ends {
                is_other = bare == "||" || bare == "|" && is_other;
            }
            begins = ends || is_between || (begins && LEADING.contains(&bare));
            if !was_beginning || begins && !ends {
                continue;
            }
            if is_assignment(bare) {
                // Another `PATH` holds other programs.
                self.is_over |= bare.starts_with("PATH=");
                begins = true;
            } else if CHANGING.contains(&bare) {
                self.is_over = true;
            } else if ASKING.contains(&bare) {
                let asked = rest.clone();
                let asked = asked.take_while(|it| !BETWEEN.contains(&it.as_str()));
                let more = asked.clone().take_while(|it| !it.ends_with(';')).count();
                let names = asked.take(more + 1);
                let names = names.map(|it| it.trim_end_matches(';').to_owned());
                self.asked.extend(names);
            } else if is_plain(bare)
                && !is_other
                && !BUILT_IN.contains(&bare)
                && !LEADING.contains(&bare)
            {
                self.called.push(bare.to_owned());
            }
            if self.is_over {
                return;
            }
        }
    }
}

/// How many brackets a word opens and does not close: within them other rules hold.
fn opened(word: &str) -> i32 {
    let count = |letters: &str| word.matches(letters).count() as i32;
    let tests = i32::from(word == "[[") - i32::from(word == "]]" || word == "]];");
    count("(") - count(")") + tests
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map(|(name, _)| name);
    name.is_some_and(|name| {
        !name.is_empty() && name.chars().all(|it| it.is_alphanumeric() || it == '_')
    })
}

/// Whether a word can be nothing but the name of a program.
fn is_plain(word: &str) -> bool {
    let is_plain = |it: char| it.is_ascii_alphanumeric() || "_-+.".contains(it);
    !word.is_empty()
        && word.chars().all(is_plain)
        && word.starts_with(|it: char| it.is_ascii_alphabetic())
        && !KEYWORDS.contains(&word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn programs_are_those_that_a_command_calls() {
        let check = |command: &str, expected: &[&str]| {
            let found: Vec<String> = programs(command).into_iter().collect();
            assert_eq!(found, expected, "{command}");
        };
        check("cargo build --release", &["cargo"]);
        check("cd web && npm ci && npm run build", &["npm"]);
        check("CGO_ENABLED=0 GOOS=linux go build ./...", &["go"]);
        check(
            "go test ./... | tee log; grep ok log",
            &["go", "grep", "tee"],
        );
        check("./gradlew build", &[]);
        check("\"$TOOL\" x", &[]);
        check(
            "if test -f x; then make; else ninja; fi",
            &["make", "ninja"],
        );
        check("docker build \\\n  -t x \\\n  .", &["docker"]);
        check("# a comment\nset -e\nprotoc x", &["protoc"]);
        check("cat <<END\nnot a program\nEND", &["cat"]);
        check("f() {\n  g\n}\nf", &[]);
        check("for it in *.py; do python3 $it; done", &["python3"]);
        check("X=$(git rev-parse HEAD) go build", &["go"]);
        check("x=$(cat a b c); make", &["make"]);
        check("(cd web && npm ci) && cargo build", &["cargo"]);
        check("[[ -n $x && y == z ]] && make", &["make"]);
        check("cmp -s a b || cp a b; make", &["cmp", "make"]);
        check("podman build . || docker build . | tee log", &["podman"]);
        check(". .venv/bin/activate && pytest", &[]);
        check("make; PATH=$PWD/bin:$PATH tool", &["make"]);
        check("command -v uv && uv sync; python3 x.py", &["python3"]);
        check("if which bun; then bun test; else node x; fi", &["node"]);
        check("build()\n{\n  gcc x\n}\nbuild", &[]);
        check("zip x; for it in a; do tar $it; done", &["zip"]);
        check("pushd web; yarn; popd", &["yarn"]);
        check("", &[]);
        check("echo 'never closed", &[]);
    }

    #[test]
    fn only_shells_read_commands_so() {
        let check = |shell: &[&str], expected: bool| {
            let shell: Vec<String> = shell.iter().map(|it| (*it).to_owned()).collect();
            assert_eq!(is_shell(&shell), expected, "{shell:?}");
        };
        check(&["sh", "-eu", "-c"], true);
        check(&["/usr/bin/bash", "-c"], true);
        check(&["python3", "-c"], false);
        check(&["nix", "develop", "-c", "sh", "-c"], false);
        check(&[], false);
    }
}
