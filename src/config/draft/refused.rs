//! What a person does not want to be added: comments such as `# not: common`.
//!
//! Within the part of a service, a name says that it does not depend on that service. Anywhere, a path with a `/` says that
//! no service is declared there, and a pattern that it stays out of the lists of the workspace.

use std::collections::BTreeSet;

use crate::config::edit::Page;

/// Everything that is refused: words, each with the service in whose part it stands.
#[derive(Debug, Default)]
pub struct Refused(BTreeSet<(Option<String>, String)>);

impl Refused {
    /// What the comments of a file refuse.
    pub fn read(page: &Page) -> Self {
        let comments = page.owned_comments();
        let all = comments.flat_map(|(owner, comment)| {
            let owner = owner.map(str::to_owned);
            words(comment)
                .into_iter()
                .map(move |word| (owner.clone(), word))
        });
        Self(all.collect())
    }

    /// All words, whoever refuses them.
    pub fn all(&self) -> BTreeSet<String> {
        self.0.iter().map(|(_, word)| word.clone()).collect()
    }

    /// Whether `service` is not to depend on `other`.
    pub fn edge(&self, service: &str, other: &str) -> bool {
        self.0
            .contains(&(Some(service.to_owned()), other.to_owned()))
    }

    /// Whether no service is to be declared at `path`, as it is written.
    pub fn path(&self, path: &str) -> bool {
        let mut words = self.0.iter().filter(|(_, word)| word.contains('/'));
        words.any(|(_, word)| word.trim_matches('/').trim_start_matches("./") == path)
    }

    /// Whether `pattern` is not to be in a list of the workspace.
    pub fn pattern(&self, pattern: &str) -> bool {
        self.0.iter().any(|(_, word)| word == pattern)
    }
}

/// The words behind `not:`, with commas between them; with quotes around them where they hold spaces.
fn words(comment: &str) -> Vec<String> {
    let text = comment.trim_start_matches('#').trim_start();
    let Some(mut rest) = text.strip_prefix("not:") else {
        return Vec::new();
    };
    let mut words = Vec::new();
    loop {
        rest = rest.trim_start();
        let quote = rest
            .chars()
            .next()
            .filter(|it| matches!(it, '"' | '\'' | '`'));
        let (word, more) = match quote {
            Some(quote) => rest[1..].split_once(quote).unwrap_or((&rest[1..], "")),
            None => {
                let ends = |it: char| it.is_whitespace() || matches!(it, ',' | ':' | '(');
                rest.split_at(rest.find(ends).unwrap_or(rest.len()))
            }
        };
        if !word.is_empty() {
            words.push(word.to_owned());
        }
        match more.trim_start().strip_prefix(',') {
            Some(more) => rest = more,
            None => return words,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_end_where_the_reason_begins() {
        let check = |comment: &str, expected: &[&str]| assert_eq!(words(comment), expected);
        check("# not: common", &["common"]);
        check("#not:common", &["common"]);
        check("# not: a, b since we know better", &["a", "b"]);
        check("# not: web (closes a circle): x:3", &["web"]);
        check("# not: \"a b/c\", 'd,e' x", &["a b/c", "d,e"]);
        check("# not: \"a", &["a"]);
        check("# not:", &[]);
        check("# it is not: common", &[]);
    }
}
