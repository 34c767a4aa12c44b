//! How things are started, in the words of several tools.

use std::sync::LazyLock;

use regex::Regex;

/// The words of a command. None where it takes a shell to know.
pub fn words(command: &str) -> Vec<String> {
    let is_plain = !command.contains(['$', '`', '&', '|', ';', '<', '>', '(', '*', '?', '\n', '#']);
    let words = is_plain.then(|| shlex::split(command)).flatten();
    words.unwrap_or_default()
}

/// The port and the path that a command on the same machine asks by HTTP: `curl -f http://localhost:8080/healthz`.
pub fn asked(command: &str) -> Option<(u16, String)> {
    static ADDRESS: LazyLock<Regex> = LazyLock::new(|| {
        let pattern = r#"http://(?:localhost|127\.0\.0\.1|0\.0\.0\.0|\[::1\]):(\d+)(/[A-Za-z0-9/_.~-]*)?(["'\s|;)]|$)"#;
        Regex::new(pattern).expect("the pattern is well formed")
    });
    let mut found = ADDRESS.captures_iter(command);
    let (Some(one), None) = (found.next(), found.next()) else {
        return None;
    };
    let path = one.get(2).map_or("/", |it| it.as_str());
    Some((one[1].parse().ok()?, path.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_plain_is_known() {
        let check = |command: &str, expected: &[&str]| assert_eq!(words(command), expected);
        check("npm start", &["npm", "start"]);
        check("node 'a b.js'", &["node", "a b.js"]);
        for shell in ["a && b", "exec a $PORT", "a > b", "a 'b", "a; b"] {
            check(shell, &[]);
        }
    }

    #[test]
    fn what_is_asked_is_on_this_machine() {
        let check = |command: &str, expected: Option<(u16, &str)>| {
            let found = asked(command);
            let found = found.as_ref().map(|(port, path)| (*port, path.as_str()));
            assert_eq!(found, expected, "{command}");
        };
        check(
            "curl -f http://localhost:80/healthz",
            Some((80, "/healthz")),
        );
        check(
            "wget -qO- 'http://127.0.0.1:8080' || exit 1",
            Some((8080, "/")),
        );
        check("curl http://db:80/x", None);
        check("curl http://localhost/x", None);
        check("curl http://localhost:80/x?a=$B", None);
        check(
            "curl http://localhost:80/x; curl http://localhost:81/",
            None,
        );
        check("pg_isready", None);
    }
}
