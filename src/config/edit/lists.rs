//! Adding elements to a list of a table, however both are written.

use std::ops::Range;

use toml_edit::{Array, Item as Node};

use crate::config::edit::entry::{Item, reasoned_list};
use crate::config::edit::page::Page;
use crate::config::edit::words::{list, string};

/// A table that a list belongs to.
pub enum Holder<'h> {
    Service(&'h str),
    Workspace,
}

impl Page<'_> {
    /// Adds `items`, each with its reason, to the list `key`. Where there is none, it begins one, below the first of
    /// `neighbours` that is there.
    pub fn extend(&mut self, holder: &Holder, key: &str, items: &[Item], neighbours: &[&str]) {
        if items.is_empty() {
            return;
        }
        let table = match holder {
            Holder::Service(name) => self.service(name),
            Holder::Workspace => self.document.get("workspace"),
        };
        let Some(table) = table else {
            let list = reasoned_list(key, items);
            return self.add_to_new_table("[workspace]\n", &format!("{list}\n"));
        };
        if let Some(array) = table.get(key).and_then(Node::as_array) {
            let additions = self.lengthened(holder, array, items);
            return additions
                .into_iter()
                .for_each(|(at, text)| self.add(at, text));
        }
        let is_inline = table.is_inline_table() || self.is_in_inline(holder);
        let found = neighbours
            .iter()
            .find_map(|it| self.key_and_value(table, it));
        let (at, text) = match (found, is_inline) {
            (Some((key_at, value)), true) => {
                let prefix = self.within_table(key_at);
                (value.end, format!(", {prefix}{key} = {}", texts(items)))
            }
            (Some((key_at, value)), false) => {
                let prefix = &self.text[self.line_start(key_at)..key_at];
                let indent = self.indent(key_at);
                let list = reasoned_list(&format!("{prefix}{key}"), items);
                (self.line_end(value.end), below(&list, indent, prefix))
            }
            (None, true) => {
                let at = table.span().map_or(self.text.len(), |it| it.start + 1);
                let more = table.as_table_like().is_some_and(|it| !it.is_empty());
                // What was added at the same place stands before this.
                let begun = self.additions.iter().any(|(it, _)| *it == at);
                let (before, after) = match (more, begun) {
                    (true, _) => (" ", ","),
                    (false, true) => (", ", " "),
                    (false, false) => (" ", " "),
                };
                (at, format!("{before}{key} = {}{after}", texts(items)))
            }
            (None, false) => {
                // A table that has only tables in it may have no header of its own.
                match table
                    .as_table()
                    .filter(|it| !it.is_implicit())
                    .and_then(|it| it.span())
                {
                    Some(header) => {
                        let list = reasoned_list(key, items);
                        (self.line_end(header.end), below(&list, "", ""))
                    }
                    None => {
                        let list = reasoned_list(key, items);
                        return self.add_to_new_table("[workspace]\n", &format!("{list}\n"));
                    }
                }
            }
        };
        self.add(at, text);
    }

    fn is_in_inline(&self, holder: &Holder) -> bool {
        let services = self.document.get("services");
        matches!(holder, Holder::Service(_)) && services.is_some_and(Node::is_inline_table)
    }

    fn key_and_value(&self, table: &Node, key: &str) -> Option<(usize, Range<usize>)> {
        let value = table.get(key)?;
        let key = table.as_table_like()?.key(key)?.span()?;
        value.is_value().then_some((key.start, value.span()?))
    }

    /// What stands before a key in an inline table: the names of the tables that it is written with.
    fn within_table(&self, key: usize) -> &str {
        let start = self.text[..key]
            .rfind(['{', ',', '\n'])
            .map_or(0, |it| it + 1);
        self.text[start..key].trim_start()
    }

    fn lengthened(&self, holder: &Holder, array: &Array, items: &[Item]) -> Vec<(usize, String)> {
        let Some(span) = array.span() else {
            return Vec::new();
        };
        let last = array.iter().last().and_then(|it| it.span());
        let rest = last.as_ref().map_or(span.start + 1, |it| it.end)..span.end - 1;
        if self.text[rest.clone()].contains('\n') {
            return self.new_lines(&span, last, rest, items);
        }
        let texts: Vec<String> = items.iter().map(|it| string(&it.text)).collect();
        let comma = if last.is_some() { ", " } else { "" };
        let mut additions = vec![(rest.start, format!("{comma}{}", texts.join(", ")))];
        // The comments go above, as they stand above a list that was written on one line.
        let outermost = match holder {
            Holder::Service(name) if self.service(name).is_some_and(Node::is_inline_table) => {
                self.outermost(name)
            }
            _ => None,
        };
        let start = outermost.unwrap_or(span.start);
        let indent = self.indent(start);
        // Where a person took the element out and left the comment, one is enough.
        let is_there = |line: &String| {
            let mut comments = self.comments.iter();
            comments.any(|it| self.text[it.clone()].trim_end() == line)
        };
        let whys = items.iter().filter_map(Item::line);
        let whys = whys.filter(|it| !is_there(it));
        let whys: String = whys.map(|it| format!("{indent}{it}\n")).collect();
        additions.push((self.line_start(start), whys));
        additions
    }

    /// Elements of a list that has a line for each.
    fn new_lines(
        &self,
        span: &Range<usize>,
        last: Option<Range<usize>>,
        rest: Range<usize>,
        items: &[Item],
    ) -> Vec<(usize, String)> {
        let line = |indent: &str, item: &Item| match item.why.as_str() {
            "" => format!("\n{indent}{},", string(&item.text)),
            why => format!("\n{indent}{}, # {why}", string(&item.text)),
        };
        let lines = |indent: &str| items.iter().map(|it| line(indent, it)).collect::<String>();
        let Some(last) = last else {
            let indent = format!("{}    ", self.indent(span.start));
            return vec![(rest.start, lines(&indent))];
        };
        let lines = lines(self.indent(last.start));
        let is_comment = |at: usize| self.comments.iter().any(|it| it.contains(&at));
        let mut commas = rest.clone().filter(|at| self.text.as_bytes()[*at] == b',');
        match commas.find(|at| !is_comment(*at)) {
            Some(comma) => vec![(self.line_end(comma), lines)],
            None => vec![(last.end, ",".into()), (self.line_end(last.end), lines)],
        }
    }
}

fn texts(items: &[Item]) -> String {
    let texts: Vec<&str> = items.iter().map(|it| it.text.as_str()).collect();
    list(&texts)
}

/// A list as lines below another, its first line complete already but for those of comments, which only need the indent.
fn below(list: &str, indent: &str, prefix: &str) -> String {
    let lines = list
        .lines()
        .map(|line| match prefix.is_empty() || line.starts_with(prefix) {
            true => format!("\n{line}"),
            false => format!("\n{indent}{line}"),
        });
    lines.collect()
}
