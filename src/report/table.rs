//! Columns of text that fit the terminal.

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::view::Look;

/// Rows of cells. Cells may be coloured.
#[derive(Debug, Default)]
pub struct Table {
    headings: Vec<String>,
    rows: Vec<Vec<String>>,
}

/// A column is not made narrower than this.
const NARROWEST: usize = 8;
const GAP: usize = 2;

impl Table {
    /// A table without rows.
    pub fn new(headings: &[&str]) -> Self {
        Self {
            headings: headings.iter().map(|it| it.to_uppercase()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    pub fn row<const N: usize>(&mut self, cells: [String; N]) {
        self.rows.push(cells.into());
    }

    /// Adds a row of a table whose columns are counted only when it is made: one cell for each heading.
    pub fn cells(&mut self, mut cells: Vec<String>) {
        cells.resize(self.headings.len(), String::new());
        self.rows.push(cells);
    }

    /// The lines, each with its end. Columns without content are left out; the widest are cut where lines would not fit.
    pub fn render(&self, look: Look) -> String {
        let mut widths = self.widths();
        if let Some(columns) = look.columns {
            shrink(&mut widths, columns);
        }
        let headings = self
            .headings
            .iter()
            .map(|it| look.paint.faint(it))
            .collect();
        let mut text = String::new();
        for row in std::iter::once(&headings).chain(&self.rows) {
            let mut line = String::new();
            for (cell, width) in row.iter().zip(&widths).filter(|(_, width)| **width > 0) {
                line.push_str(&fit(cell, *width, look.paint.unicode));
                let used = width_of(cell).min(*width);
                line.extend(std::iter::repeat_n(' ', width - used + GAP));
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    fn widths(&self) -> Vec<usize> {
        let columns = 0..self.headings.len();
        let widest = |column: usize| {
            self.rows
                .iter()
                .map(move |row| width_of(&row[column]))
                .max()
        };
        columns
            .map(|column| match widest(column).unwrap_or(0) {
                0 => 0,
                width => width.max(self.headings[column].width()),
            })
            .collect()
    }
}

/// `text` cut to `columns`, with a mark where something is missing. Colours stay whole and take no room.
pub fn fit(text: &str, columns: usize, unicode: bool) -> String {
    if width_of(text) <= columns {
        return text.to_owned();
    }
    let mark = if unicode { "…" } else { "~" };
    let room = columns.saturating_sub(1);
    let (mut used, mut cut, mut fitted) = (0, false, String::new());
    for (letter, in_sequence) in letters(text) {
        let width = if in_sequence {
            0
        } else {
            letter.width().unwrap_or(0)
        };
        if !in_sequence && (cut || used + width > room) {
            if !cut && columns > 0 {
                fitted.push_str(mark);
            }
            cut = true;
            continue;
        }
        used += width;
        fitted.push(letter);
    }
    fitted
}

/// How many columns `text` takes. Colours take none.
pub fn width_of(text: &str) -> usize {
    // So are nearly all texts.
    if text.bytes().all(|it| matches!(it, b' '..=b'~')) {
        return text.len();
    }
    if !text.contains('\u{1b}') {
        return text.width();
    }
    letters(text)
        .filter(|(_, in_sequence)| !in_sequence)
        .map(|(letter, _)| letter.width().unwrap_or(0))
        .sum()
}

/// Each letter, and whether it belongs to a colour sequence. Only our own sequences are in such texts.
fn letters(text: &str) -> impl Iterator<Item = (char, bool)> {
    let mut in_sequence = false;
    text.chars().map(move |letter| {
        let belongs = in_sequence || letter == '\u{1b}';
        in_sequence = belongs && letter != 'm';
        (letter, belongs)
    })
}

/// Takes from the widest columns until all fit; from the first, which names what the row is about, only when no other can
/// give.
fn shrink(widths: &mut [usize], columns: usize) {
    loop {
        let used = widths.iter().filter(|it| **it > 0);
        let total = used.map(|it| it + GAP).sum::<usize>().saturating_sub(GAP);
        if total <= columns {
            return;
        }
        let Some((first, rest)) = widths.split_first_mut() else {
            return;
        };
        let rest = rest.iter_mut().filter(|it| **it > NARROWEST);
        match rest.max_by_key(|it| **it) {
            Some(widest) => *widest -= 1,
            None if *first > NARROWEST => *first -= 1,
            None => return,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::paint::Paint;

    #[test]
    fn text_is_cut_by_columns_not_by_letters() {
        let check = |text: &str, columns, expected: &str| {
            assert_eq!(fit(text, columns, true), expected);
        };
        check("abc", 3, "abc");
        check("abcd", 3, "ab…");
        check("日本語", 5, "日本…");
        check("日本語", 4, "日…");
        check("abcd", 0, "");
        check("\u{1b}[31mabcd\u{1b}[0m", 3, "\u{1b}[31mab…\u{1b}[0m");
    }

    #[test]
    fn wide_columns_give_way_and_empty_ones_are_left_out() {
        let mut table = Table::new(&["name", "empty", "about"]);
        table.row(["api".into(), String::new(), "a long text about it".into()]);
        table.row(["common".into(), String::new(), "short".into()]);
        let look = Look {
            columns: Some(20),
            paint: Paint {
                colour: false,
                unicode: true,
            },
            ..Look::default()
        };
        insta::assert_snapshot!(table.render(look), @r"
        NAME    ABOUT
        api     a long text…
        common  short
        ");
        let mut table = Table::new(&["task", "cause"]);
        table.row(["gateway:build".into(), "requested by name".into()]);
        table.row(["gateway:test".into(), "requested".into()]);
        insta::assert_snapshot!(table.render(look), @r"
        TASK        CAUSE
        gateway:b…  request…
        gateway:t…  request…
        ");
        let look = Look {
            columns: Some(24),
            ..look
        };
        insta::assert_snapshot!(table.render(look), @r"
        TASK           CAUSE
        gateway:build  requeste…
        gateway:test   requested
        ");
    }
}
