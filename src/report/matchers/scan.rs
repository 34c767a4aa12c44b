//! Reads the output of one task, line by line, in bounded memory and time.

use std::collections::{HashMap, VecDeque};

use regex::{Captures, Regex};

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
    /// The test that failed there.
    pub test: Option<String>,
}

/// Finds the file that a tool named, perhaps without its directory, or without those above it.
pub type Resolve<'a> = &'a mut dyn FnMut(&str, bool) -> Option<FilePath>;

/// Longer lines are none of a tool's remarks.
const LONGEST_LINE: usize = 2048;
/// So many lines are remembered for remarks that begin above their place.
const REMEMBERED: usize = 32;
/// So many bytes of likely lines are looked at closely. A tool that says more than this was heard enough.
const WORK: usize = 32 << 20;
/// So many remarks of one severity are kept.
const KEPT: usize = 200;
/// A line that names a test is about so many lines below it.
const ABOUT: u64 = 500;
/// The files that a class may be in.
const OF_CLASS: [&str; 4] = ["java", "kt", "groovy", "scala"];
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
    /// The remark whose message the next line gives, as this says.
    pending: Option<(Found, &'static Regex, Option<&'static Regex>)>,
    /// The number of the line above that a place was found for, where that is done once.
    used: Option<u64>,
    /// For each matcher the last line that named a test, by the matcher's place.
    headings: HashMap<usize, Heading>,
}

/// A line that names a test.
#[derive(Clone)]
struct Heading {
    number: u64,
    test: String,
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
            self.note_heading(line);
            if self.look(line, resolve) {
                return;
            }
        }
        self.remember(line);
    }

    /// Completes a remark whose message stands in the next line.
    fn settle(&mut self, next: Option<&str>) {
        let Some((mut found, below, below_that)) = self.pending.take() else {
            return;
        };
        let captures = next.and_then(|it| below.captures(it));
        if let Some(message) = captures.as_ref().and_then(|it| it.name("message")) {
            found.message = short(message.as_str());
        }
        if let Some(test) = captures.as_ref().and_then(|it| it.name("test")) {
            found.test = Some(short(test.as_str()));
        }
        match below_that.filter(|_| captures.is_some()) {
            Some(below) => self.pending = Some((found, below, None)),
            None => self.keep(found),
        }
    }

    fn note_heading(&mut self, line: &str) {
        for at in MATCHERS.headings.matches(line) {
            for matcher in &MATCHERS.headed[at] {
                let heading = MATCHERS.all[*matcher].heading.as_ref();
                let test = heading.and_then(|it| it.captures(line)?.name("test"));
                if let Some(test) = test {
                    let heading = Heading {
                        number: self.number,
                        test: short(test.as_str()),
                    };
                    self.headings.insert(*matcher, heading);
                }
            }
        }
    }

    /// The test that the matcher's lines are about here.
    fn heading(&self, matcher: usize) -> Option<&Heading> {
        let heading = self.headings.get(&matcher)?;
        (self.number - heading.number <= ABOUT).then_some(heading)
    }

    /// Whether the line names a place.
    fn look(&mut self, line: &str, resolve: Resolve) -> bool {
        for at in MATCHERS.lines.matches(line) {
            let matcher = &MATCHERS.all[at];
            let Some(captures) = matcher.line.captures(line) else {
                continue;
            };
            let heading = self.heading(at).cloned();
            if matcher.in_test && heading.is_none() {
                continue;
            }
            if let Some(mut found) = self.remark(matcher, &captures, heading.as_ref(), resolve) {
                found.test = found.test.or(heading.map(|it| it.test));
                match &matcher.below {
                    Some(below) => {
                        self.pending = Some((found, below, matcher.below_that.as_ref()));
                    }
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
        heading: Option<&Heading>,
        resolve: Resolve,
    ) -> Option<Found> {
        let Some(above) = &matcher.above else {
            return found(matcher, &[captures], resolve);
        };
        let mut best: Option<(u64, Found)> = None;
        for recent in self.recent.iter().rev().take(matcher.reach) {
            // What stands above the name of the test is about another one.
            if heading.is_some_and(|it| recent.number < it.number) {
                break;
            }
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
        let (above, found) = best?;
        let number = heading.map_or(above, |it| it.number);
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
    let message = group("message").filter(|it| !it.is_empty());
    let message = message.or(matcher.message.as_deref()).or(code)?;
    let path = match group("class") {
        Some(class) => of_class(class, resolve)?,
        None => resolve(group("file")?, matcher.search)?,
    };
    Some(Found {
        severity: group("severity").map_or(Severity::Error, severity),
        path,
        line: number("line"),
        column: number("column"),
        end_line: number("end_line"),
        end_column: number("end_column"),
        code: code.map(str::to_owned),
        message: short(message),
        test: group("test").map(short),
    })
}

/// The one file that a class of Java and its like is in, by its name with or without that of its package.
fn of_class(class: &str, resolve: Resolve) -> Option<FilePath> {
    let outer = class.split('$').next()?.replace('.', "/");
    let mut files = OF_CLASS.iter().map(|it| format!("{outer}.{it}"));
    files.find_map(|it| resolve(&it, true))
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
