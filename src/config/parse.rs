//! Parses TOML into a [`Document`]. Grammar and decoding are `toml_parser`'s; this file only puts its events together.

use std::borrow::Cow;
use std::cell::Cell;

use toml_parser::decoder::{Encoding, ScalarKind};
use toml_parser::lexer::{Token, TokenKind};
use toml_parser::parser::{EventReceiver, parse_document};
use toml_parser::{ErrorSink, ParseError, Source};

use crate::config::problem::{FileId, Place};
use crate::config::tree::{Document, Kind, Name, Origin, Value};

/// How deeply arrays and tables may nest within a value.
const DEPTH: usize = 64;
/// About how many tokens are parsed at once.
const PIECE: usize = if cfg!(test) { 16 } else { 8192 };

/// A mistake in the grammar.
#[derive(Debug)]
pub struct SyntaxError {
    pub message: String,
    pub place: Place,
    /// Where the same key stands already.
    pub earlier: Option<Place>,
}

/// Reads `text`, going on after each mistake.
pub fn parse(file: FileId, text: &str) -> (Document<'_>, Vec<SyntaxError>) {
    parse_from(file, text, 0)
}

/// Reads what follows the byte `start` of a file.
pub fn parse_from(file: FileId, text: &str, start: usize) -> (Document<'_>, Vec<SyntaxError>) {
    let text = &text[start..];
    let source = Source::new(text);
    let faults = Cell::new(0);
    let mut sink = Sink {
        errors: Vec::new(),
        faults: &faults,
    };
    let mut builder = Builder::new(file, source, start as u32, &faults);
    let mut tokens = Vec::with_capacity(PIECE + PIECE / 4);
    let mut depth = 0_i32;
    for token in source.lex() {
        let kind = token.kind();
        // The tokens are parsed in pieces that end before a header, which keeps them few.
        let is_header = kind == TokenKind::LeftSquareBracket
            && depth == 0
            && tokens.last().map(Token::kind) == Some(TokenKind::Newline);
        if is_header && tokens.len() >= PIECE {
            parse_document(&tokens, &mut builder, &mut sink);
            tokens.clear();
        }
        depth += match kind {
            TokenKind::LeftSquareBracket | TokenKind::LeftCurlyBracket => 1,
            TokenKind::RightSquareBracket | TokenKind::RightCurlyBracket => -1,
            _ => 0,
        };
        tokens.push(token);
    }
    parse_document(&tokens, &mut builder, &mut sink);
    let mut errors: Vec<_> = sink
        .errors
        .iter()
        .map(|error| syntax_error(error, file, text.len()))
        .collect();
    errors.append(&mut builder.errors);
    errors.sort_by_key(|error| error.place.start);
    (builder.document, errors)
}

/// Whether a key needs no decoding, as nearly all do.
fn is_bare(raw: &str, encoding: Option<Encoding>) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    encoding.is_none() && !raw.is_empty() && raw.bytes().all(allowed)
}

/// What stands within the quotes of a string that needs no decoding, as nearly all do.
fn plain_string(raw: &str, encoding: Option<Encoding>) -> Option<&str> {
    let inner = raw.strip_prefix('"')?.strip_suffix('"')?;
    let plain = |byte: u8| byte >= b' ' && !matches!(byte, b'"' | b'\\' | 0x7f);
    (encoding == Some(Encoding::BasicString) && inner.bytes().all(plain)).then_some(inner)
}

struct Sink<'c> {
    errors: Vec<ParseError>,
    faults: &'c Cell<u32>,
}

impl ErrorSink for Sink<'_> {
    fn report_error(&mut self, error: ParseError) {
        self.faults.set(self.faults.get() + 1);
        self.errors.push(error);
    }
}

fn syntax_error(error: &ParseError, file: FileId, length: usize) -> SyntaxError {
    let mut message = error.description().to_owned();
    if let Some(expected) = error.expected().filter(|all| !all.is_empty()) {
        let words: Vec<_> = expected
            .iter()
            .map(|one| match one {
                toml_parser::Expected::Literal("\n") => "a new line".to_owned(),
                toml_parser::Expected::Literal(text) => format!("`{}`", text.trim()),
                toml_parser::Expected::Description(text) => (*text).to_owned(),
                _ => "something else".to_owned(),
            })
            .collect();
        message.push_str(": expected ");
        message.push_str(&words.join(" or "));
    }
    let span = error.unexpected().or(error.context()).unwrap_or_default();
    let end = span.end().min(length) as u32;
    SyntaxError {
        message,
        place: Place::new(file, (span.start() as u32).min(end), end),
        earlier: None,
    }
}

/// An array or inline table that is open.
enum Frame {
    Array {
        id: u32,
        start: u32,
    },
    Inline {
        id: u32,
        start: u32,
        /// Where its own keys begin on the stack of keys.
        keys: usize,
        /// The mistakes that were known when its current key began.
        faults: u32,
    },
}

struct Builder<'i, 'c> {
    document: Document<'i>,
    source: Source<'i>,
    /// Where the source begins in the file.
    offset: u32,
    errors: Vec<SyntaxError>,
    faults: &'c Cell<u32>,
    /// The table that the last header opened.
    current: u32,
    /// Where values go whose table is not known.
    scrap: u32,
    header: Option<Header>,
    frames: Vec<Frame>,
    keys: Vec<Name<'i>>,
    /// The mistakes that were known when the current line's key began.
    line_faults: u32,
}

struct Header {
    start: u32,
    array: bool,
}

type Span = toml_parser::Span;

impl<'i, 'c> Builder<'i, 'c> {
    fn new(file: FileId, source: Source<'i>, offset: u32, faults: &'c Cell<u32>) -> Self {
        let length = source.input().len();
        let mut document = Document {
            file,
            // Room for what most files of this length hold; pages that stay empty cost nothing.
            entries: Vec::with_capacity(length / 20),
            items: Vec::with_capacity(length / 40),
            tables: Vec::with_capacity(length / 50),
            arrays: Vec::with_capacity(length / 50),
        };
        let root = document.new_table(Origin::Header);
        let scrap = document.new_table(Origin::Header);
        Self {
            document,
            source,
            offset,
            errors: Vec::new(),
            faults,
            current: root,
            scrap,
            header: None,
            frames: Vec::new(),
            keys: Vec::new(),
            line_faults: 0,
        }
    }

    /// Where `span` begins in the file.
    fn start(&self, span: Span) -> u32 {
        span.start() as u32 + self.offset
    }

    /// Where it ends.
    fn end(&self, span: Span) -> u32 {
        span.end() as u32 + self.offset
    }

    fn open_header(&mut self, span: Span, array: bool) {
        self.frames.clear();
        self.keys.clear();
        self.current = self.scrap;
        self.header = Some(Header {
            start: self.start(span),
            array,
        });
    }

    fn close_header(&mut self, span: Span) {
        let Some(header) = self.header.take() else {
            return;
        };
        let mut keys = std::mem::take(&mut self.keys);
        if let Some(last) = keys.pop()
            && let Some(parent) = self.descend(0, &keys, Origin::Implied)
        {
            let end = self.end(span);
            self.current = match header.array {
                true => self.enter_element(parent, last, header.start, end, &keys),
                false => self.enter_table(parent, last, header.start, end, &keys),
            };
        }
        keys.clear();
        self.keys = keys;
    }

    fn enter_table(
        &mut self,
        parent: u32,
        key: Name<'i>,
        start: u32,
        end: u32,
        path: &[Name<'i>],
    ) -> u32 {
        let Some(at) = self.document.find(parent, &key.text) else {
            let table = self.document.new_table(Origin::Header);
            let kind = Kind::Table(table);
            self.document
                .insert(parent, key, Value { start, end, kind });
            return table;
        };
        let entry = &mut self.document.entries[at as usize];
        if let Kind::Table(id) = entry.value.kind {
            if self.document.tables[id as usize].origin == Origin::Implied {
                self.document.tables[id as usize].origin = Origin::Header;
                entry.value.start = start;
                entry.value.end = end;
                return id;
            }
            self.duplicate(&key, path, at);
            return match self.document.tables[id as usize].origin {
                Origin::Inline => self.scrap,
                _ => id,
            };
        }
        self.duplicate(&key, path, at);
        self.scrap
    }

    fn enter_element(
        &mut self,
        parent: u32,
        key: Name<'i>,
        start: u32,
        end: u32,
        path: &[Name<'i>],
    ) -> u32 {
        let array = match self.document.find(parent, &key.text) {
            None => {
                let array = self.document.new_array();
                let kind = Kind::Array(array);
                self.document
                    .insert(parent, key, Value { start, end, kind });
                array
            }
            Some(at) => match self.document.entries[at as usize].value.kind {
                Kind::Array(array) if self.last_table(array).is_some() => array,
                _ => {
                    self.duplicate(&key, path, at);
                    return self.scrap;
                }
            },
        };
        let table = self.document.new_table(Origin::Header);
        let kind = Kind::Table(table);
        self.document.push(array, Value { start, end, kind });
        table
    }

    /// The last element of an array that `[[x]]` made.
    fn last_table(&self, array: u32) -> Option<u32> {
        let last = self.document.arrays[array as usize].last;
        match self.document.items.get(last as usize)?.value.kind {
            Kind::Table(id) if self.document.tables[id as usize].origin == Origin::Header => {
                Some(id)
            }
            _ => None,
        }
    }

    /// The table at `path` below `table`, made where it is missing.
    fn descend(&mut self, mut table: u32, path: &[Name<'i>], origin: Origin) -> Option<u32> {
        for (depth, key) in path.iter().enumerate() {
            if depth > DEPTH {
                self.error("keys are nested too deeply".into(), key, None);
                return None;
            }
            let Some(at) = self.document.find(table, &key.text) else {
                let new = self.document.new_table(origin);
                let value = Value {
                    start: key.start,
                    end: key.end,
                    kind: Kind::Table(new),
                };
                self.document.insert(table, key.clone(), value);
                table = new;
                continue;
            };
            let inner = match self.document.entries[at as usize].value.kind {
                Kind::Table(id) => Some(id),
                Kind::Array(array) if origin == Origin::Implied => self.last_table(array),
                Kind::Damaged => return None,
                _ => None,
            };
            let Some(id) = inner else {
                self.not_a_table(key, at);
                return None;
            };
            match (self.document.tables[id as usize].origin, origin) {
                (Origin::Inline, _) => {
                    self.not_a_table(key, at);
                    return None;
                }
                (Origin::Header, Origin::Dotted) => {
                    self.duplicate(key, &path[..depth], at);
                    return None;
                }
                (Origin::Implied, Origin::Dotted) => {
                    self.document.tables[id as usize].origin = Origin::Dotted;
                }
                _ => {}
            }
            table = id;
        }
        Some(table)
    }

    fn not_a_table(&mut self, key: &Name<'i>, at: u32) {
        let message = format!(
            "`{}` already has a value, so nothing can be added to it",
            key.text
        );
        self.error(message, key, Some(at));
    }

    fn duplicate(&mut self, key: &Name<'i>, path: &[Name<'i>], at: u32) {
        let mut name = String::new();
        for part in path {
            name.push_str(&part.text);
            name.push('.');
        }
        name.push_str(&key.text);
        self.error(format!("`{name}` is written twice"), key, Some(at));
    }

    fn error(&mut self, message: String, key: &Name<'i>, earlier: Option<u32>) {
        self.errors.push(SyntaxError {
            message,
            place: Place::new(self.document.file, key.start, key.end),
            earlier: earlier.map(|at| {
                let key = &self.document.entries[at as usize].key;
                Place::new(self.document.file, key.start, key.end)
            }),
        });
    }

    fn value(&mut self, start: u32, end: u32, kind: Kind<'i>) {
        let value = Value { start, end, kind };
        match self.frames.last() {
            Some(Frame::Array { id, .. }) => self.document.push(*id, value),
            Some(Frame::Inline {
                id, keys, faults, ..
            }) => {
                let (id, keys, faults) = (*id, *keys, *faults);
                self.assign(id, keys, faults, value);
            }
            None => self.assign(self.current, 0, self.line_faults, value),
        }
    }

    /// Puts `value` at the dotted key that begins at `from` on the stack of keys.
    fn assign(&mut self, table: u32, from: usize, faults: u32, mut value: Value<'i>) {
        if faults != self.faults.get() {
            value.kind = Kind::Damaged;
        }
        if self.keys.len() == from + 1 {
            let key = self.keys.pop().expect("there is one more than before");
            self.assign_plain(table, key, value, &[]);
            return;
        }
        let mut path = self.keys.split_off(from.min(self.keys.len()));
        let Some(key) = path.pop() else {
            return;
        };
        if let Some(parent) = self.descend(table, &path, Origin::Dotted) {
            self.assign_plain(parent, key, value, &path);
        }
    }

    fn assign_plain(&mut self, table: u32, key: Name<'i>, value: Value<'i>, path: &[Name<'i>]) {
        match self.document.find(table, &key.text) {
            Some(at) => self.duplicate(&key, path, at),
            None => self.document.insert(table, key, value),
        }
    }

    fn open_value(&mut self, span: Span, error: &mut dyn ErrorSink) -> bool {
        let fits = self.frames.len() < DEPTH;
        if !fits {
            error.report_error(
                ParseError::new("values are nested too deeply").with_unexpected(span),
            );
        }
        fits
    }
}

impl EventReceiver for Builder<'_, '_> {
    fn std_table_open(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.open_header(span, false);
    }

    fn std_table_close(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn array_table_open(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.open_header(span, true);
    }

    fn array_table_close(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        self.close_header(span);
    }

    fn inline_table_open(&mut self, span: Span, error: &mut dyn ErrorSink) -> bool {
        let fits = self.open_value(span, error);
        let id = self.document.new_table(Origin::Inline);
        self.frames.push(Frame::Inline {
            id,
            start: self.start(span),
            keys: self.keys.len(),
            faults: self.faults.get(),
        });
        fits
    }

    fn inline_table_close(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        if let Some(Frame::Inline {
            id, start, keys, ..
        }) = self.frames.pop()
        {
            self.keys.truncate(keys);
            self.value(start, self.end(span), Kind::Table(id));
        }
    }

    fn array_open(&mut self, span: Span, error: &mut dyn ErrorSink) -> bool {
        let fits = self.open_value(span, error);
        let id = self.document.new_array();
        self.frames.push(Frame::Array {
            id,
            start: self.start(span),
        });
        fits
    }

    fn array_close(&mut self, span: Span, _error: &mut dyn ErrorSink) {
        if let Some(Frame::Array { id, start }) = self.frames.pop() {
            self.value(start, self.end(span), Kind::Array(id));
        }
    }

    fn simple_key(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        match self.frames.last_mut() {
            None if self.keys.is_empty() => self.line_faults = self.faults.get(),
            Some(Frame::Inline { keys, faults, .. }) if self.keys.len() == *keys => {
                *faults = self.faults.get();
            }
            _ => {}
        }
        let mut text = Cow::Borrowed("");
        if let Some(raw) = self.source.get(span) {
            match is_bare(raw.as_str(), encoding) {
                true => text = Cow::Borrowed(raw.as_str()),
                false => {
                    let raw = toml_parser::Raw::new_unchecked(raw.as_str(), encoding, span);
                    raw.decode_key(&mut text, error);
                }
            }
        }
        self.keys.push(Name {
            text,
            start: self.start(span),
            end: self.end(span),
        });
    }

    fn scalar(&mut self, span: Span, encoding: Option<Encoding>, error: &mut dyn ErrorSink) {
        let Some(raw) = self.source.get(span) else {
            return;
        };
        if let Some(text) = plain_string(raw.as_str(), encoding) {
            let kind = Kind::String(Cow::Borrowed(text));
            self.value(self.start(span), self.end(span), kind);
            return;
        }
        let mut text = Cow::Borrowed("");
        let raw = toml_parser::Raw::new_unchecked(raw.as_str(), encoding, span);
        let kind = raw.decode_scalar(&mut text, error);
        let kind = match kind {
            ScalarKind::String => Kind::String(text),
            ScalarKind::Boolean(value) => Kind::Boolean(value),
            ScalarKind::DateTime => Kind::Datetime(raw.as_str()),
            ScalarKind::Float => text.parse().map_or(Kind::Damaged, Kind::Float),
            ScalarKind::Integer(radix) => match i64::from_str_radix(&text, radix.value()) {
                Ok(number) => Kind::Integer(number),
                Err(_) => {
                    let wide = ParseError::new("the number is not within 64 bits");
                    error.report_error(wide.with_unexpected(span));
                    Kind::Damaged
                }
            },
        };
        self.value(self.start(span), self.end(span), kind);
    }

    fn value_sep(&mut self, _span: Span, _error: &mut dyn ErrorSink) {
        if let Some(Frame::Inline { keys, .. }) = self.frames.last() {
            self.keys.truncate(*keys);
        }
    }

    fn comment(&mut self, span: Span, error: &mut dyn ErrorSink) {
        if let Some(raw) = self.source.get(span) {
            raw.decode_comment(error);
        }
    }

    fn newline(&mut self, span: Span, error: &mut dyn ErrorSink) {
        if let Some(raw) = self.source.get(span) {
            raw.decode_newline(error);
        }
        if self.frames.is_empty() {
            self.keys.clear();
            self.header = None;
        }
    }
}
