//! A TOML file as a flat tree of borrowed values, each with its place, in file order and without an allocation per table.
//! [`crate::config::parse`] fills it.

use std::borrow::Cow;
use std::collections::HashMap;

use crate::config::problem::{FileId, Place};

/// A table with more keys than this gets an index.
const INDEXED: u32 = 12;
const NONE: u32 = u32::MAX;

/// A parsed file.
#[derive(Debug)]
pub struct Document<'i> {
    pub file: FileId,
    pub entries: Vec<Entry<'i>>,
    pub items: Vec<Item<'i>>,
    pub tables: Vec<Table<'i>>,
    pub arrays: Vec<List>,
}

/// A value in its document.
#[derive(Clone, Copy, Debug)]
pub struct Node<'d> {
    document: &'d Document<'d>,
    value: &'d Value<'d>,
}

/// A table in its document.
#[derive(Clone, Copy, Debug)]
pub struct TableNode<'d> {
    document: &'d Document<'d>,
    id: u32,
    pub place: Place,
}

/// A key of a table, with the place of the key.
#[derive(Clone, Copy, Debug)]
pub struct Key<'d> {
    pub text: &'d str,
    pub place: Place,
}

/// What a value is.
#[derive(Clone, Debug)]
pub enum Kind<'i> {
    String(Cow<'i, str>),
    Integer(i64),
    Float(f64),
    Boolean(bool),
    Datetime(&'i str),
    Array(u32),
    Table(u32),
    /// A mistake was reported within the value, so nothing can be said of it.
    Damaged,
}

#[derive(Debug)]
pub struct Value<'i> {
    pub start: u32,
    pub end: u32,
    pub kind: Kind<'i>,
}

#[derive(Debug)]
pub struct Entry<'i> {
    pub key: Name<'i>,
    pub value: Value<'i>,
    pub next: u32,
}

#[derive(Debug)]
pub struct Item<'i> {
    pub value: Value<'i>,
    pub next: u32,
}

#[derive(Clone, Debug)]
pub struct Name<'i> {
    pub text: Cow<'i, str>,
    pub start: u32,
    pub end: u32,
}

#[derive(Debug)]
pub struct List {
    pub first: u32,
    pub last: u32,
    pub length: u32,
}

#[derive(Debug)]
pub struct Table<'i> {
    pub list: List,
    pub origin: Origin,
    pub index: Option<HashMap<Cow<'i, str>, u32>>,
}

/// What brought a table into being; it decides what may be added to it later.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Origin {
    /// `[a.b]` made `a`.
    Implied,
    /// `a.b = 1` made `a`.
    Dotted,
    /// `[a]`
    Header,
    /// `a = {}`
    Inline,
}

impl<'d> Document<'d> {
    /// The whole file, as a table.
    pub fn root(&'d self) -> TableNode<'d> {
        TableNode {
            document: self,
            id: 0,
            place: Place::new(self.file, 0, 0),
        }
    }
}

impl<'d> Node<'d> {
    /// What it is.
    pub fn kind(&self) -> &'d Kind<'d> {
        &self.value.kind
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place::new(self.document.file, self.value.start, self.value.end)
    }

    /// The table that it is.
    pub fn table(&self) -> Option<TableNode<'d>> {
        match self.value.kind {
            Kind::Table(id) => Some(TableNode {
                document: self.document,
                id,
                place: self.place(),
            }),
            _ => None,
        }
    }

    /// The text that it is.
    pub fn text(&self) -> Option<&'d str> {
        match &self.value.kind {
            Kind::String(text) => Some(text),
            _ => None,
        }
    }

    /// The elements, if it is an array.
    pub fn items(&self) -> Option<impl Iterator<Item = Node<'d>> + use<'d>> {
        let document = self.document;
        let Kind::Array(id) = self.value.kind else {
            return None;
        };
        let mut next = document.arrays[id as usize].first;
        Some(std::iter::from_fn(move || {
            let item = document.items.get(next as usize)?;
            next = item.next;
            Some(Node {
                document,
                value: &item.value,
            })
        }))
    }

    /// Whether a mistake was reported within it.
    pub fn is_damaged(&self) -> bool {
        matches!(self.value.kind, Kind::Damaged)
    }

    /// What it is, for messages.
    pub fn describe(&self) -> &'static str {
        match self.value.kind {
            Kind::String(_) => "a string",
            Kind::Integer(_) => "a number",
            Kind::Float(_) => "a decimal number",
            Kind::Boolean(_) => "a boolean",
            Kind::Datetime(_) => "a date",
            Kind::Array(_) => "a list",
            Kind::Table(_) => "a table",
            Kind::Damaged => "damaged",
        }
    }
}

impl<'d> TableNode<'d> {
    /// Keys and values in file order.
    pub fn iter(&self) -> impl Iterator<Item = (Key<'d>, Node<'d>)> + use<'d> {
        let document = self.document;
        let mut next = document.tables[self.id as usize].list.first;
        std::iter::from_fn(move || {
            let entry = document.entries.get(next as usize)?;
            next = entry.next;
            Some(document.pair(entry))
        })
    }

    /// The value at `key`.
    pub fn find(&self, key: &str) -> Option<(Key<'d>, Node<'d>)> {
        let at = self.document.find(self.id, key)?;
        Some(self.document.pair(&self.document.entries[at as usize]))
    }

    /// What brought it into being.
    pub fn origin(&self) -> Origin {
        self.document.tables[self.id as usize].origin
    }

    /// How many keys it has.
    pub fn len(&self) -> usize {
        self.document.tables[self.id as usize].list.length as usize
    }
}

impl<'i> Document<'i> {
    fn pair<'d>(&'d self, entry: &'d Entry<'i>) -> (Key<'d>, Node<'d>) {
        let key = Key {
            text: &entry.key.text,
            place: Place::new(self.file, entry.key.start, entry.key.end),
        };
        let node = Node {
            document: self,
            value: &entry.value,
        };
        (key, node)
    }

    pub fn find(&self, table: u32, key: &str) -> Option<u32> {
        let table = &self.tables[table as usize];
        if let Some(last) = self.entries.get(table.list.last as usize)
            && last.key.text == key
        {
            return Some(table.list.last);
        }
        if let Some(index) = &table.index {
            return index.get(key).copied();
        }
        let mut next = table.list.first;
        while let Some(entry) = self.entries.get(next as usize) {
            if entry.key.text == key {
                return Some(next);
            }
            next = entry.next;
        }
        None
    }

    pub fn insert(&mut self, table: u32, key: Name<'i>, value: Value<'i>) {
        let at = self.entries.len() as u32;
        let table = &mut self.tables[table as usize];
        match self.entries.get_mut(table.list.last as usize) {
            Some(last) => last.next = at,
            None => table.list.first = at,
        }
        table.list.last = at;
        table.list.length += 1;
        if let Some(index) = &mut table.index {
            index.insert(key.text.clone(), at);
        }
        self.entries.push(Entry {
            key,
            value,
            next: NONE,
        });
        if table.index.is_none() && table.list.length > INDEXED {
            let mut index = HashMap::new();
            let mut next = table.list.first;
            while let Some(entry) = self.entries.get(next as usize) {
                index.insert(entry.key.text.clone(), next);
                next = entry.next;
            }
            table.index = Some(index);
        }
    }

    pub fn push(&mut self, array: u32, value: Value<'i>) {
        let at = self.items.len() as u32;
        let list = &mut self.arrays[array as usize];
        match self.items.get_mut(list.last as usize) {
            Some(last) => last.next = at,
            None => list.first = at,
        }
        list.last = at;
        list.length += 1;
        self.items.push(Item { value, next: NONE });
    }

    pub fn new_table(&mut self, origin: Origin) -> u32 {
        self.tables.push(Table {
            list: List::new(),
            origin,
            index: None,
        });
        self.tables.len() as u32 - 1
    }

    pub fn new_array(&mut self) -> u32 {
        self.arrays.push(List::new());
        self.arrays.len() as u32 - 1
    }
}

impl List {
    pub fn new() -> Self {
        Self {
            first: NONE,
            last: NONE,
            length: 0,
        }
    }
}
