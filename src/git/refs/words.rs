//! What git and remotes say, made fit for one line of an error.

/// More than this of a remote's words helps nobody.
const LONGEST: usize = 1000;

/// What git says around the telling lines.
const NOISE: &[&str] = &[
    "From ",
    "To ",
    "hint:",
    "Done",
    "error: failed to push some refs",
    "error: atomic push failed",
    "Please make sure you have the correct access rights",
    "and the repository exists.",
    "fatal: the remote end hung up unexpectedly",
];

/// The telling lines of standard error.
pub fn telling(message: &str) -> String {
    let lines = || {
        message
            .split(['\n', '\r'])
            .map(str::trim)
            .filter(|it| !it.is_empty())
    };
    let is_noise = |line: &str| NOISE.iter().any(|it| line.starts_with(it));
    let mut chosen: Vec<_> = lines().filter(|line| !is_noise(line)).collect();
    if chosen.is_empty() {
        chosen = lines().collect();
    }
    join(chosen)
}

/// What the remote itself said.
pub fn of_remote(message: &str) -> String {
    let lines = message.split(['\n', '\r']).map(str::trim);
    join(lines.filter(|line| line.starts_with("remote:") || line.starts_with("ERROR: ")))
}

/// `text` on one line: no control characters, and none that change the direction of writing.
pub fn clean(text: &str) -> String {
    let is_break = |c: char| c.is_whitespace() || c == '\r';
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let spaced: String = text
        .chars()
        .map(|c| if is_break(c) { ' ' } else { c })
        .filter(|c| !hides(*c))
        .collect();
    let words: Vec<_> = spaced.split(' ').filter(|it| !it.is_empty()).collect();
    let line = words.join(" ");
    match line.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// A URL without what stands before `@`.
pub fn without_password(remote: &str) -> String {
    let Some((scheme, rest)) = remote.split_once("://") else {
        return remote.to_owned();
    };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => remote.to_owned(),
    }
}

fn join<'a>(lines: impl IntoIterator<Item = &'a str>) -> String {
    let bare = |line: &'a str| {
        let prefixes = ["remote:", "fatal:", "ERROR:", "error:"];
        prefixes.iter().fold(line, |line, it| {
            line.strip_prefix(it).unwrap_or(line).trim()
        })
    };
    let lines: Vec<_> = lines.into_iter().map(bare).collect();
    clean(&lines.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_one_harmless_line() {
        let check = |text: &str, expected: &str| assert_eq!(clean(text), expected);
        check("no\u{1b}[31m deploys\r\ntoday\u{7}", "no[31m deploys today");
        check("a\u{202e}b", "ab");
        assert!(clean(&"x".repeat(5000)).chars().count() <= LONGEST + 1);
    }

    #[test]
    fn what_tells_nothing_is_left_out() {
        let said = "remote: no deploys today\nTo file:///r\nerror: failed to push some refs to 'x'";
        assert_eq!(telling(said), "no deploys today");
        assert_eq!(telling("Done"), "Done");
        let said = "ERROR: read only key\nfatal: Could not read from remote repository.";
        assert_eq!(of_remote(said), "read only key");
    }

    #[test]
    fn a_password_is_not_shown() {
        let check = |url: &str, expected: &str| assert_eq!(without_password(url), expected);
        check("https://me:secret@host/x@y.git", "https://host/x@y.git");
        check("git@host:x.git", "git@host:x.git");
        check("origin", "origin");
    }
}
