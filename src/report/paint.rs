//! Colours and marks. Off means off: then nothing but text comes out.

use std::fmt::Display;

use anstyle::{AnsiColor, Style};

/// What a stream can show.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Paint {
    pub colour: bool,
    pub unicode: bool,
}

const GREEN: Style = AnsiColor::Green.on_default();
const RED: Style = AnsiColor::Red.on_default().bold();
const YELLOW: Style = AnsiColor::Yellow.on_default();
const CYAN: Style = AnsiColor::Cyan.on_default();
const PREFIXES: [AnsiColor; 5] = [
    AnsiColor::Cyan,
    AnsiColor::Magenta,
    AnsiColor::Blue,
    AnsiColor::Yellow,
    AnsiColor::Green,
];

impl Paint {
    /// `text` as something that went well.
    pub fn good(self, text: impl Display) -> String {
        self.styled(GREEN, text)
    }

    /// `text` as something that went wrong.
    pub fn bad(self, text: impl Display) -> String {
        self.styled(RED, text)
    }

    /// `text` as something to look at.
    pub fn notable(self, text: impl Display) -> String {
        self.styled(YELLOW, text)
    }

    /// `text` as advice, or something to type.
    pub fn advice(self, text: impl Display) -> String {
        self.styled(CYAN, text)
    }

    /// `text` as a heading.
    pub fn strong(self, text: impl Display) -> String {
        self.styled(Style::new().bold(), text)
    }

    /// `text` as a detail.
    pub fn faint(self, text: impl Display) -> String {
        self.styled(Style::new().dimmed(), text)
    }

    /// `text` in the colour of task number `task`.
    pub fn of_task(self, task: usize, text: impl Display) -> String {
        let colour = PREFIXES[task % PREFIXES.len()];
        self.styled(colour.on_default(), text)
    }

    /// The mark of what passed.
    pub fn passed(self) -> String {
        self.good(self.either("✓", "ok  "))
    }

    /// The mark of what failed.
    pub fn failed(self) -> String {
        self.bad(self.either("✗", "FAIL"))
    }

    /// The mark of what was stopped.
    pub fn stopped(self) -> String {
        self.notable(self.either("!", "stop"))
    }

    /// The mark of what was not needed or not done.
    pub fn skipped(self) -> String {
        self.faint(self.either("-", "skip"))
    }

    /// The mark of what is tried again.
    pub fn retried(self) -> String {
        self.notable(self.either("↻", "redo"))
    }

    /// The mark of what begins.
    pub fn started(self) -> String {
        self.faint(self.either("▸", "run "))
    }

    /// Stands before each line of a task's log.
    pub fn bar(self) -> String {
        self.faint(self.either("│", "|"))
    }

    /// Stands before the name of the task whose log follows.
    pub fn corner(self) -> String {
        self.faint(self.either("┌", "+"))
    }

    /// One of two texts: for terminals that show unicode, and for others.
    pub fn either<'a>(self, unicode: &'a str, ascii: &'a str) -> &'a str {
        match self.unicode {
            true => unicode,
            false => ascii,
        }
    }

    fn styled(self, style: Style, text: impl Display) -> String {
        match self.colour {
            true => format!("{style}{text}{style:#}"),
            false => text.to_string(),
        }
    }
}
