//! Reads the output of one task, line by line, in bounded memory and time.

use std::collections::VecDeque;

use regex::Captures;

use crate::model::annotation::Severity;
use crate::model::path::FilePath;
use crate::report::lines::{Keep, Lines};
use crate::report::matchers::data::{MATCHERS, Matcher};

/// A remark as a tool made it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    pub severity: Severity,
    pub path: FilePath,
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub end_line: Option<u32>,
    pub end_column: Option<u32>,
    pub code: Option<String>,
    pub message: String,
}

/// Finds the file that a tool named, perhaps without its directory.
pub type Resolve<'a> = &'a mut dyn FnMut(&str, bool) -> Option<FilePath>;

/// Longer lines are none of a tool's remarks.
const LONGEST_LINE: usize = 2048;
/// So many lines are remembered for remarks that begin above their place.
const REMEMBERED: usize = 32;
/// So many bytes of likely lines are looked at closely. A tool that says more than this was heard enough.
const WORK: usize = 32 << 20;
/// So many remarks of one severity are kept.
const KEPT: usize = 200;
/// So long may a message be.
const LONGEST_MESSAGE: usize = 1000;

/// Reads the output of one task.
pub struct Scanner {
    lines: Lines,
    state: State,
}

#[derive(Default)]
struct State {
    recent: VecDeque<Recent>,
    number: u64,
    work: usize,
    found: Vec<Found>,
    /// How many were not kept.
    dropped: usize,
    /// The remark whose message the next line gives.
    pending: Option<(&'static Matcher, Found)>,
    /// The number of the line above that a place was found for, where that is done once.
    used: Option<u64>,
}

#[derive(Default)]
struct Recent {
    number: u64,
    text: String,
}

impl Default for Scanner {
    fn default() -> Self {
        Self {
            lines: Lines::new(Keep::Text, LONGEST_LINE),
            state: State::default(),
        }
    }
}

impl Scanner {
    /// Takes what the task wrote.
    pub fn feed(&mut self, bytes: &[u8], resolve: Resolve) {
        let state = &mut self.state;
        self.lines
            .feed(bytes, &mut |line| state.take(line, resolve));
    }

    /// The output is over: what was found in it, and how much more there was.
    pub fn finish(mut self, resolve: Resolve) -> (Vec<Found>, usize) {
        let state = &mut self.state;
        self.lines.finish(&mut |line| state.take(line, resolve));
        state.settle(None);
        (std::mem::take(&mut state.found), state.dropped)
    }
}

impl State {
    fn take(&mut self, line: &[u8], resolve: Resolve) {
        self.number += 1;
        if line.len() > LONGEST_LINE {
            return;
        }
        // Most lines are text already, and were made so.
        let Ok(line) = std::str::from_utf8(line) else {
            return;
        };
        let line = line.trim_end();
        if line.is_empty() {
            return;
        }
        self.settle(Some(line));
        let is_likely = self.work < WORK && MATCHERS.words.is_match(line);
        if is_likely {
            self.work += line.len();
            if self.look(line, resolve) {
                return;
            }
        }
        self.remember(line);
    }

    /// Completes a remark whose message stands in the next line.
    fn settle(&mut self, next: Option<&str>) {
        let Some((matcher, mut found)) = self.pending.take() else {
            return;
        };
        let captures = next.and_then(|it| matcher.below.as_ref()?.captures(it));
        if let Some(message) = captures.as_ref().and_then(|it| it.name("message")) {
            found.message = short(message.as_str());
        }
        self.keep(found);
    }

    /// Whether the line names a place.
    fn look(&mut self, line: &str, resolve: Resolve) -> bool {
        for at in MATCHERS.lines.matches(line) {
            let matcher = &MATCHERS.all[at];
            let Some(captures) = matcher.line.captures(line) else {
                continue;
            };
            if let Some(found) = self.remark(matcher, &captures, resolve) {
                match matcher.below {
                    Some(_) => self.pending = Some((matcher, found)),
                    None => self.keep(found),
                }
                return true;
            }
        }
        false
    }

    fn remark(
        &mut self,
        matcher: &Matcher,
        captures: &Captures<'_>,
        resolve: Resolve,
    ) -> Option<Found> {
        let Some(above) = &matcher.above else {
            return found(matcher, &[captures], resolve);
        };
        let mut best: Option<(u64, Found)> = None;
        for recent in self.recent.iter().rev().take(matcher.reach) {
            let more = above.captures(&recent.text);
            let candidate = more.and_then(|it| found(matcher, &[captures, &it], resolve));
            match candidate {
                Some(it) => best = Some((recent.number, it)),
                None if best.is_some() => break,
                None => continue,
            }
            if !matcher.whole_block {
                break;
            }
        }
        let (number, found) = best?;
        if matcher.once && self.used.replace(number) == Some(number) {
            return None;
        }
        Some(found)
    }

    fn keep(&mut self, found: Found) {
        let same = self
            .found
            .iter()
            .filter(|it| it.severity == found.severity)
            .count();
        if self.found.contains(&found) {
            return;
        }
        match same < KEPT {
            true => self.found.push(found),
            false => self.dropped += 1,
        }
    }

    fn remember(&mut self, line: &str) {
        let mut recent = match self.recent.len() < REMEMBERED {
            true => Recent::default(),
            false => self.recent.pop_front().unwrap_or_default(),
        };
        recent.text.clear();
        recent.text.push_str(line);
        recent.number = self.number;
        self.recent.push_back(recent);
    }
}

fn found(matcher: &Matcher, captures: &[&Captures<'_>], resolve: Resolve) -> Option<Found> {
    let group = |name: &str| {
        let mut found = captures.iter().filter_map(|it| it.name(name));
        found.next().map(|it| it.as_str())
    };
    let number = |name: &str| group(name).and_then(|it| it.parse().ok());
    let code = group("code");
    let message = group("message").or(matcher.message.as_deref()).or(code)?;
    let path = resolve(group("file")?, matcher.search)?;
    Some(Found {
        severity: group("severity").map_or(Severity::Error, severity),
        path,
        line: number("line"),
        column: number("column"),
        end_line: number("end_line"),
        end_column: number("end_column"),
        code: code.map(str::to_owned),
        message: short(message),
    })
}

fn severity(word: &str) -> Severity {
    match word.to_ascii_lowercase().as_str() {
        "error" | "fatal error" | "e" | "f" => Severity::Error,
        "warning" | "w" | "c" => Severity::Warning,
        _ => Severity::Notice,
    }
}

fn short(message: &str) -> String {
    message.trim().chars().take(LONGEST_MESSAGE).collect()
}

#[cfg(test)]
mod tests;
