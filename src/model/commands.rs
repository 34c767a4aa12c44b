//! Which programs a command calls, as far as its text says so plainly.

use std::collections::BTreeSet;

/// What a shell does by itself.
const BUILT_IN: &[&str] = &[
    ".", ":", "[", "alias", "break", "cd", "command", "continue", "echo", "eval", "exec", "exit",
    "export", "false", "getopts", "hash", "kill", "local", "printf", "pwd", "read", "readonly",
    "return", "set", "shift", "source", "test", "times", "trap", "true", "type", "ulimit", "umask",
    "unalias", "unset", "wait",
];

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
const INVOLVED: &[&str] = &["<<", "case ", "function ", "() {", "(){", "`", "for "];

/// The programs that `command` calls by their bare names. Where its text is more than a list of commands, only the first is
/// told: better too few than one that is not meant.
pub fn programs(command: &str) -> BTreeSet<String> {
    let is_involved = INVOLVED.iter().any(|it| command.contains(it));
    let lines = command.lines().map(str::trim);
    let lines = lines.filter(|line| !line.is_empty() && !line.starts_with('#'));
    let mut found = BTreeSet::new();
    for line in joined(lines) {
        let Some(words) = shlex::split(&line) else {
            break;
        };
        found.extend(of_line(&words));
        if is_involved {
            break;
        }
    }
    match is_involved {
        true => found.into_iter().take(1).collect(),
        false => found,
    }
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

fn of_line(words: &[String]) -> Vec<String> {
    let mut found = Vec::new();
    let mut begins = true;
    for word in words {
        let (bare, ends) = match word.strip_suffix(';') {
            Some(bare) => (bare, true),
            None => (word.as_str(), false),
        };
        let was_beginning = begins;
        begins = ends || BETWEEN.contains(&bare) || (begins && LEADING.contains(&bare));
        if !was_beginning || begins && !ends {
            continue;
        }
        if is_assignment(bare) {
            begins = true;
        } else if is_plain(bare) && !BUILT_IN.contains(&bare) && !LEADING.contains(&bare) {
            found.push(bare.to_owned());
        }
    }
    found
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
        check("", &[]);
        check("echo 'never closed", &[]);
    }
}
