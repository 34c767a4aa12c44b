//! Variables as a CI system sets them, checked: they were written by whoever names branches and opens pull requests.

use std::cell::RefCell;

use crate::model::env::Env;

/// The longest text that is taken for a name, a commit or a URL.
const LONGEST: usize = 2000;

/// What a system says, and what of it could not be used.
pub struct Said<'e> {
    pub env: &'e Env,
    notes: RefCell<Vec<String>>,
}

impl<'e> Said<'e> {
    /// Everything in the variables of `env`.
    pub fn new(env: &'e Env) -> Self {
        Self {
            env,
            notes: RefCell::default(),
        }
    }

    /// Notes something that could not be read.
    pub fn note(&self, text: String) {
        self.notes.borrow_mut().push(text);
    }

    /// What was noted.
    pub fn into_notes(self) -> Vec<String> {
        self.notes.into_inner()
    }

    /// The variable `name`, if it is one line.
    pub fn text(&self, name: &str) -> Option<String> {
        line(self.env.text(name)?)
    }

    /// The first of these variables that is there.
    pub fn first(&self, names: &[&str]) -> Option<String> {
        names.iter().find_map(|name| self.text(name))
    }

    /// Whether the variable `name` says yes.
    pub fn is_yes(&self, name: &str) -> bool {
        let value = self.env.text(name).unwrap_or_default();
        value == "1" || value.eq_ignore_ascii_case("true")
    }

    /// The commit in the variable `name`. All zeros stand for none.
    pub fn commit(&self, name: &str) -> Option<String> {
        self.commit_of(name, self.env.text(name)?)
    }

    /// `text` as a commit; `place` says where it was found.
    pub fn commit_of(&self, place: &str, text: &str) -> Option<String> {
        let text = text.trim();
        if text.is_empty() || text.bytes().all(|it| it == b'0') {
            return None;
        }
        let is_commit =
            (7..=64).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_hexdigit());
        if !is_commit {
            self.note(format!("{place} is no commit: `{}`", shown(text)));
        }
        is_commit.then(|| text.to_ascii_lowercase())
    }

    /// The branch in the variable `name`, without `refs/heads/`.
    pub fn branch(&self, name: &str) -> Option<String> {
        self.branch_of(name, self.env.text(name)?)
    }

    /// `text` as a branch; `place` says where it was found.
    pub fn branch_of(&self, place: &str, text: &str) -> Option<String> {
        let name = text.strip_prefix("refs/heads/").unwrap_or(text);
        if !is_branch(name) {
            self.note(format!("{place} is no branch: `{}`", shown(text)));
            return None;
        }
        Some(name.to_owned())
    }

    /// The number in the variable `name`, where it is one.
    pub fn number(&self, name: &str) -> Option<String> {
        number(self.env.text(name)?)
    }
}

/// `text` without what surrounds it, if it is one line of a sensible length.
pub fn line(text: &str) -> Option<String> {
    let text = text.trim();
    let is_line = !text.is_empty() && text.len() <= LONGEST && !text.chars().any(char::is_control);
    is_line.then(|| text.to_owned())
}

/// `text` if it is a number such as those of pull requests.
pub fn number(text: &str) -> Option<String> {
    let is_number = (1..=20).contains(&text.len()) && text.bytes().all(|it| it.is_ascii_digit());
    is_number.then(|| text.to_owned())
}

/// Whether git would take `name` for a branch, by the rules of `git check-ref-format --branch`.
pub fn is_branch(name: &str) -> bool {
    let is_part =
        |part: &str| !part.is_empty() && !part.starts_with('.') && !part.ends_with(".lock");
    let is_odd = |it: char| it.is_control() || " ~^:?*[\\".contains(it);
    name.len() <= LONGEST
        && name.split('/').all(is_part)
        && !name.contains(is_odd)
        && !name.contains("..")
        && !name.contains("@{")
        && name != "@"
        && !name.starts_with('-')
        && !name.ends_with('.')
}

/// A text from outside in a note: short, and on one line.
fn shown(text: &str) -> String {
    let mut short: String = text.chars().take(60).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short.escape_debug().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ci::testing::env;

    #[test]
    fn what_git_could_misread_is_no_branch() {
        for good in [
            "main",
            "feature/x",
            "release-1.2",
            "ünïcode",
            "a@b",
            "gh-readonly-queue/main/pr-1-ab",
        ] {
            assert!(is_branch(good), "{good}");
        }
        for bad in [
            "",
            "-x",
            "--upload-pack=touch x",
            "a b",
            "a:b",
            "a..b",
            "a\nb",
            "a\u{1b}[2J",
            "*",
            "a~1",
            "a^",
            "@",
            "a@{1}",
            "/a",
            "a/",
            "a//b",
            ".a",
            "a/.b",
            "a.lock",
            "a.",
            "a\\b",
            "a?",
            "a[b",
        ] {
            assert!(!is_branch(bad), "{bad}");
        }
    }

    #[test]
    fn only_commits_are_commits_and_zeros_stand_for_none() {
        let check = |text: &str, expected: Option<&str>, notes: usize| {
            let env = env(&[("C", text)]);
            let said = Said::new(&env);
            assert_eq!(said.commit("C").as_deref(), expected, "{text:?}");
            assert_eq!(said.into_notes().len(), notes, "{text:?}");
        };
        let id = "0123456789abcdef0123456789abcdef01234567";
        check(id, Some(id), 0);
        check(&id.to_uppercase(), Some(id), 0);
        check("0123456789ab", Some("0123456789ab"), 0);
        check(&"0".repeat(40), None, 0);
        check(&"0".repeat(64), None, 0);
        check("", None, 0);
        check("--upload-pack=touch /tmp/x", None, 1);
        check("HEAD", None, 1);
        check("0123456\n89", None, 1);
        check(&"a".repeat(65), None, 1);
    }

    #[test]
    fn texts_of_several_lines_are_left_out() {
        let env = env(&[("A", "x\ny"), ("B", " x "), ("C", "\u{1b}[31mx")]);
        let said = Said::new(&env);
        assert_eq!(said.text("A"), None);
        assert_eq!(said.text("B").as_deref(), Some("x"));
        assert_eq!(said.text("C"), None);
        assert_eq!(said.first(&["A", "C", "B"]).as_deref(), Some("x"));
    }
}
