//! The text of a `services.toml` with the places of what stands in it, and the additions to it.

use std::ops::Range;

use toml_edit::{Document, Item, TableLike};
use toml_parser::Source;
use toml_parser::lexer::TokenKind;

/// A file, and what is about to be added to it.
pub struct Page<'t> {
    pub text: &'t str,
    pub document: Document<&'t str>,
    pub comments: Vec<Range<usize>>,
    pub newline: &'static str,
    blocks: Vec<Block>,
    /// Where the headings of groups stand.
    headings: [Option<usize>; 2],
    pub(in crate::config::edit) additions: Vec<(usize, String)>,
    /// Whole paragraphs, by their place.
    paragraphs: Vec<(usize, Side, String)>,
}

/// Which of the two parts of a file that [`crate::config::draft`] wrote.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Services,
    Libraries,
}

/// On which side of its neighbour a paragraph goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Side {
    Before,
    After,
}

/// Tables with headers that follow each other and belong to one service, or to none.
#[derive(Debug)]
struct Block {
    /// None for tables that are no service.
    service: Option<String>,
    /// Where it begins, with the comments right above it.
    start: usize,
    header: usize,
    /// Where the line after its last one begins.
    end: usize,
}

impl Group {
    /// The comment above the group.
    pub fn heading(self) -> &'static str {
        match self {
            Group::Services => "# Services",
            Group::Libraries => "# Libraries",
        }
    }
}

impl<'t> Page<'t> {
    /// Reads `text`, which has to be TOML.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(text: &'t str) -> Result<Self, toml_edit::TomlError> {
        let tokens = Source::new(text).lex();
        let comments = tokens.filter(|it| it.kind() == TokenKind::Comment);
        let comments = comments.map(|it| it.span().start()..it.span().end());
        let mut page = Self {
            text,
            document: Document::parse(text)?,
            comments: comments.collect(),
            newline: newline(text),
            blocks: Vec::new(),
            headings: [None; 2],
            additions: Vec::new(),
            paragraphs: Vec::new(),
        };
        page.blocks = page.find_blocks();
        page.headings = [Group::Services, Group::Libraries].map(|it| page.heading(it.heading()));
        Ok(page)
    }

    /// The text with everything that was added.
    pub fn finish(mut self) -> String {
        self.place_paragraphs();
        self.additions.sort_by_key(|(at, _)| *at);
        let mut text = String::with_capacity(self.text.len() * 2);
        let mut done = 0;
        for (at, added) in &self.additions {
            text.push_str(&self.text[done..*at]);
            text.push_str(&added.replace("\r\n", "\n").replace('\n', self.newline));
            done = *at;
        }
        text.push_str(&self.text[done..]);
        text
    }

    /// Adds `text` at the byte `at`, line ends as `\n`.
    pub fn add(&mut self, at: usize, text: String) {
        self.additions.push((at, text));
    }

    /// The table of the service `name`.
    pub fn service(&self, name: &str) -> Option<&Item> {
        self.document.get("services")?.get(name)
    }

    /// The place of the service `name`: the outermost key that it is written with.
    pub fn outermost(&self, name: &str) -> Option<usize> {
        let services = self.document.get("services")?;
        match services.is_inline_table() {
            true => self.document.key("services")?.span().map(|it| it.start),
            false => {
                let key = services.as_table_like()?.key(name)?;
                key.span().map(|it| it.start)
            }
        }
    }

    /// Where the line of the byte `at` begins.
    pub fn line_start(&self, at: usize) -> usize {
        let start = self.text[..at].rfind('\n').map_or(0, |it| it + 1);
        // A mark of the byte order is no part of the first line.
        match start == 0 && self.text.starts_with('\u{feff}') {
            true => '\u{feff}'.len_utf8(),
            false => start,
        }
    }

    /// Where the line of the byte `at` ends, before its line end.
    pub fn line_end(&self, at: usize) -> usize {
        let line = self.text[at..].split('\n').next().unwrap_or_default();
        at + line.trim_end_matches('\r').len()
    }

    /// What the line of the byte `at` is indented with.
    pub fn indent(&self, at: usize) -> &'t str {
        let line = &self.text[self.line_start(at)..at];
        &line[..line.len() - line.trim_start().len()]
    }

    /// The services that each comment may speak of, with its text: the one in whose part of the file it stands.
    pub fn owned_comments(&self) -> impl Iterator<Item = (Option<&str>, &'t str)> {
        let mut marks: Vec<(usize, Option<&str>)> = Vec::new();
        marks.extend(
            self.blocks
                .iter()
                .map(|it| (it.start, it.service.as_deref())),
        );
        let services = self.document.get("services").and_then(Item::as_table_like);
        for (name, item) in services.into_iter().flat_map(TableLike::iter) {
            let has_header = item.as_table().is_some_and(|it| !it.is_dotted());
            if !has_header && let Some(at) = self.outermost(name) {
                marks.push((self.line_start(at), Some(name)));
            }
        }
        marks.sort();
        self.comments.iter().map(move |comment| {
            let before = marks.partition_point(|(at, _)| *at <= comment.start);
            let owner = before.checked_sub(1).and_then(|at| marks[at].1);
            (owner, &self.text[comment.clone()])
        })
    }

    /// Adds the table of a service where it belongs: among those of its group by name where they are sorted, else at the
    /// end of them.
    pub fn add_service(&mut self, group: Group, name: &str, paragraph: String) {
        let (at, side) = self.place_of(group, name);
        self.paragraphs.push((at, side, paragraph));
    }

    /// Adds lines to a table that is no service and begins before all others, with this header.
    pub fn add_to_new_table(&mut self, header: &str, lines: &str) {
        let mut paragraphs = self.paragraphs.iter_mut();
        if let Some((.., begun)) = paragraphs.find(|(.., it)| it.starts_with(header)) {
            return begun.push_str(lines);
        }
        let paragraph = format!("{header}{lines}");
        match self.blocks.first() {
            Some(first) => self.paragraphs.push((first.start, Side::Before, paragraph)),
            None => self
                .paragraphs
                .push((self.text.len(), Side::After, paragraph)),
        }
    }

    fn place_of(&self, group: Group, name: &str) -> (usize, Side) {
        let [services, libraries] = self.headings;
        let (heading, other) = match group {
            Group::Services => (services, libraries),
            Group::Libraries => (libraries, services),
        };
        let from = heading.unwrap_or_default();
        let until = other.filter(|it| *it > from && heading.is_some());
        let until = until.unwrap_or(self.text.len());
        let blocks = self.blocks.iter().filter(|it| it.service.is_some());
        let blocks: Vec<&Block> = blocks
            .filter(|it| (from..until).contains(&it.header))
            .collect();
        let (Some(first), Some(last)) = (blocks.first(), blocks.last()) else {
            let end = heading.map_or(self.text.len(), |it| self.next_line(it));
            return (end, Side::After);
        };
        if !blocks.is_sorted_by_key(|it| it.service.as_deref()) {
            return (last.end, Side::After);
        }
        let before = blocks.partition_point(|it| it.service.as_deref() < Some(name));
        match before.checked_sub(1) {
            Some(at) => (blocks[at].end, Side::After),
            None => (first.start, Side::Before),
        }
    }

    /// Where a comment stands that is a line of its own.
    fn heading(&self, heading: &str) -> Option<usize> {
        let mut comments = self.comments.iter();
        let found = comments
            .find(|it| self.text[(*it).clone()].trim_end() == heading && self.is_alone(it.start));
        found.map(|it| it.start)
    }

    fn is_alone(&self, at: usize) -> bool {
        self.text[self.line_start(at)..at].trim().is_empty()
    }

    fn next_line(&self, at: usize) -> usize {
        let end = self.text[at..].find('\n');
        end.map_or(self.text.len(), |it| at + it + 1)
    }

    /// Paragraphs at one place follow each other; a line stays free around each.
    fn place_paragraphs(&mut self) {
        let mut paragraphs = std::mem::take(&mut self.paragraphs);
        paragraphs.sort_by_key(|(at, side, _)| (*at, *side == Side::Before));
        for same in paragraphs.chunk_by(|a, b| a.0 == b.0) {
            let at = same[0].0;
            let before = self.text[..at].trim_start_matches('\u{feff}');
            let mut text = String::new();
            if !before.is_empty() && !before.ends_with('\n') {
                text.push('\n');
            }
            let is_free =
                before.is_empty() || before.ends_with("\n\n") || before.ends_with("\n\r\n");
            if !is_free {
                text.push('\n');
            }
            let all: Vec<&str> = same.iter().map(|it| it.2.as_str()).collect();
            text.push_str(&all.join("\n"));
            let rest = self.text[at..].trim_start_matches([' ', '\t']);
            if !rest.is_empty() && !rest.starts_with(['\n', '\r']) {
                text.push('\n');
            }
            self.additions.push((at, text));
        }
    }

    fn find_blocks(&self) -> Vec<Block> {
        let mut headers = Vec::new();
        let mut ends = Vec::new();
        collect(
            self.document.as_table(),
            &mut Vec::new(),
            &mut headers,
            &mut ends,
        );
        headers.sort();
        ends.sort_unstable();
        let mut blocks: Vec<Block> = Vec::new();
        for (at, service) in headers {
            if service.is_some() && blocks.last().is_some_and(|it| it.service == service) {
                continue;
            }
            blocks.push(Block {
                service,
                start: self.with_comments(at),
                header: at,
                end: self.text.len(),
            });
        }
        let starts: Vec<usize> = blocks.iter().skip(1).map(|it| it.start).collect();
        for (at, block) in blocks.iter_mut().enumerate() {
            let limit = starts.get(at).copied().unwrap_or(self.text.len());
            let last = ends.partition_point(|it| *it <= limit).checked_sub(1);
            let last = last.map_or(block.header, |at| ends[at]);
            block.end = self.after_comments(last).min(limit);
        }
        blocks
    }

    /// Up over the comments that stand right above the line of `at`.
    fn with_comments(&self, at: usize) -> usize {
        let mut start = self.line_start(at);
        let comments = &self.comments;
        let mut next = comments.partition_point(|it| it.start < start);
        while let Some(before) = next.checked_sub(1) {
            let comment = &comments[before];
            let text = self.text[comment.clone()].trim_end();
            let is_heading = [Group::Services, Group::Libraries]
                .iter()
                .any(|it| it.heading() == text);
            if self.next_line(comment.start) != start || !self.is_alone(comment.start) || is_heading
            {
                break;
            }
            start = self.line_start(comment.start);
            next = before;
        }
        start
    }

    /// Down over the rest of the line of `at`, and the comments that stand right below it.
    fn after_comments(&self, at: usize) -> usize {
        let mut end = self.next_line(at);
        while self.text[end..]
            .trim_start_matches([' ', '\t'])
            .starts_with('#')
        {
            end = self.next_line(end);
        }
        end
    }
}

/// What most lines end with.
fn newline(text: &str) -> &'static str {
    let all = text.matches('\n').count();
    match text.matches("\r\n").count() * 2 > all {
        true => "\r\n",
        false => "\n",
    }
}

/// Where the headers of tables begin, with the service that each belongs to, and where headers and values end.
fn collect<'d>(
    table: &'d dyn TableLike,
    path: &mut Vec<&'d str>,
    headers: &mut Vec<(usize, Option<String>)>,
    ends: &mut Vec<usize>,
) {
    for (key, item) in table.iter() {
        path.push(key);
        let arrays = item.as_array_of_tables().into_iter().flatten();
        for table in item.as_table().into_iter().chain(arrays) {
            if !table.is_implicit()
                && !table.is_dotted()
                && let Some(span) = table.span()
            {
                let service = match path.as_slice() {
                    ["services", name, ..] => Some((*name).to_owned()),
                    _ => None,
                };
                headers.push((span.start, service));
                ends.push(span.end);
            }
            collect(table, path, headers, ends);
        }
        if item.is_value() {
            ends.extend(item.span().map(|it| it.end));
        }
        path.pop();
    }
}
