//! A value of a manifest, whatever its syntax, with the line it stands on.

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Node {
    /// Where it begins, from 1.
    pub line: u32,
    pub value: Value,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    Text(String),
    /// A number, `true`, `null`, a date: as it is written.
    Word(String),
    List(Vec<Node>),
    /// In the order of the file. A name may stand here twice where the syntax does not forbid it.
    Table(Vec<Entry>),
}

/// A name in a table, and what it stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    pub name: String,
    /// The line of the name.
    pub line: u32,
    pub node: Node,
}

impl Node {
    /// What `name` stands for in this table. The last counts where it is there twice.
    pub fn find(&self, name: &str) -> Option<&Node> {
        Some(&self.entry(name)?.node)
    }

    /// As [`Node::find`], with the line of the name.
    pub fn entry(&self, name: &str) -> Option<&Entry> {
        self.entries().iter().rev().find(|it| it.name == name)
    }

    /// What stands at the end of a way through tables.
    pub fn at(&self, names: &[&str]) -> Option<&Node> {
        names.iter().try_fold(self, |node, name| node.find(name))
    }

    /// The text, where it is one.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The text or the word: anything that is written as one.
    pub fn scalar(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) | Value::Word(text) => Some(text),
            _ => None,
        }
    }

    /// Whether it is a yes or a no.
    pub fn truth(&self) -> Option<bool> {
        match &self.value {
            Value::Word(word) if word.eq_ignore_ascii_case("true") => Some(true),
            Value::Word(word) if word.eq_ignore_ascii_case("false") => Some(false),
            _ => None,
        }
    }

    /// The elements of a list; none where it is something else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::List(items) => items,
            _ => &[],
        }
    }

    /// The entries of a table; none where it is something else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Table(entries) => entries,
            _ => &[],
        }
    }

    /// Whether it is a table.
    pub fn is_table(&self) -> bool {
        matches!(self.value, Value::Table(_))
    }

    /// The texts of a list, or the one text that stands in its place. What is no text is left out.
    pub fn texts(&self) -> impl Iterator<Item = (u32, &str)> {
        let own = self.text().map(|text| (self.line, text));
        let items = self.items().iter();
        own.into_iter()
            .chain(items.filter_map(|it| Some((it.line, it.text()?))))
    }
}
