//! A foreign task while it is put together, and what of it has no counterpart.

use crate::manifest::facts::Facts;
use crate::model::manifest::{ForeignTask, What, Whose};
use crate::model::path::{FilePath, display};

/// A task, and the line that it begins on.
pub struct Draft {
    pub line: u32,
    pub task: ForeignTask,
    unsupported: Vec<(u32, String)>,
}

impl Draft {
    /// A task of which only the name is known.
    pub fn new(line: u32, name: &str, whose: Whose) -> Self {
        let name = name.to_owned();
        let task = ForeignTask {
            name,
            whose,
            ..ForeignTask::default()
        };
        Self {
            line,
            task,
            unsupported: Vec::new(),
        }
    }

    /// Something that is left out, and what it is called.
    pub fn leave_out(&mut self, line: u32, kind: &str, what: &str) {
        let what = display(what.as_bytes());
        let words = format!(
            "{kind} `{what}` of `{}`",
            display(self.task.name.as_bytes())
        );
        self.unsupported.push((line, words));
    }

    /// A variable that counts, by name; with `*` at its end, all that begin so.
    pub fn env(&mut self, line: u32, name: &str) {
        match is_variable(name) {
            true => self.task.env.push(name.to_owned()),
            false => self.leave_out(line, "the variable", name),
        }
    }

    /// A variable that is handed on.
    pub fn pass_env(&mut self, line: u32, name: &str) {
        match is_variable(name) {
            true => self.task.pass_env.push(name.to_owned()),
            false => self.leave_out(line, "the variable", name),
        }
    }

    /// What it reads: a pattern in our words already.
    pub fn input(&mut self, line: u32, pattern: Option<String>, written: &str) {
        match pattern.filter(|it| is_pattern(it)) {
            Some(pattern) => self.task.inputs.get_or_insert_default().push(pattern),
            None => self.leave_out(line, "the input", written),
        }
    }

    /// What it leaves behind, below the directory of the service.
    pub fn output(&mut self, line: u32, pattern: Option<String>, written: &str) {
        let inside = |it: &String| is_pattern(it) && !it.starts_with(['/', '!']);
        match pattern.filter(inside) {
            Some(pattern) => self.task.outputs.get_or_insert_default().push(pattern),
            None => self.leave_out(line, "the output", written),
        }
    }

    /// A task that it needs, in our words already.
    pub fn need(&mut self, need: String) {
        self.task.needs.get_or_insert_default().push(need);
    }

    /// Says it all.
    pub fn done(self, facts: &mut Facts) {
        facts.say(self.line, What::Task(Box::new(self.task)));
        for (line, words) in self.unsupported {
            facts.say(line, What::Unsupported(words));
        }
    }
}

/// `pattern` of the directory `home`, as it is written from the top.
pub fn from_top(home: &FilePath, pattern: &str) -> String {
    let pattern = pattern.trim_start_matches('/');
    match home.is_root() {
        true => format!("/{pattern}"),
        false => format!("/{}/{pattern}", globset::escape(&home.display())),
    }
}

/// The way from `home` to `to`: `../..`, `.` for the directory itself.
pub fn way(home: &FilePath, to: &FilePath) -> String {
    let parts = |path: &FilePath| {
        let text = path.display();
        let parts = text.split('/').filter(|it| !it.is_empty());
        parts.map(str::to_owned).collect::<Vec<_>>()
    };
    let (home, to) = (parts(home), parts(to));
    let same = home.iter().zip(&to).take_while(|it| it.0 == it.1).count();
    let up = home[same..].iter().map(|_| "..");
    let way: Vec<_> = up.chain(to[same..].iter().map(String::as_str)).collect();
    match way.is_empty() {
        true => ".".to_owned(),
        false => way.join("/"),
    }
}

/// Applies `change` behind a leading `!`.
pub fn behind_not(pattern: &str, change: impl Fn(&str) -> Option<String>) -> Option<String> {
    match pattern.strip_prefix('!') {
        Some(rest) => Some(format!("!{}", change(rest)?)),
        None => change(pattern),
    }
}

fn is_variable(name: &str) -> bool {
    let name = name.strip_suffix('*').unwrap_or(name);
    let is_letter = |it: char| it.is_ascii_alphanumeric() || it == '_';
    !name.is_empty()
        && !name.starts_with(|it: char| it.is_ascii_digit())
        && name.chars().all(is_letter)
}

/// Whether it can be meant as a pattern here: nothing of another tool's words is left in it.
fn is_pattern(pattern: &str) -> bool {
    let leaves = pattern
        .split('/')
        .any(|it| it.trim_start_matches('!') == "..");
    let has_words = [
        "{projectRoot}",
        "{workspaceRoot}",
        "{projectName}",
        "{options.",
    ]
    .iter()
    .any(|it| pattern.contains(it));
    !pattern.is_empty()
        && !leaves
        && !has_words
        && !pattern.contains(['$', '\\'])
        && !pattern.contains(char::is_control)
}
