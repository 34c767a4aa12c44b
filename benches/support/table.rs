//! Commands of ours beside others, with the marks that they are to reach, as a table in Markdown.
#![expect(clippy::print_stdout, reason = "a measurement")]

use crate::support::timing::{Cost, Timed, median};
use crate::support::workspace::Size;

/// How far a command may be from what it is compared with.
#[derive(Clone, Copy)]
pub enum Mark {
    Ratio(f64),
    /// The ratio, or so many milliseconds more.
    RatioOr(f64, f64),
    Milliseconds(f64),
    Megabytes(f64),
    /// It is only shown.
    None,
}

/// A command of ours and what it is compared with.
pub struct Row {
    pub name: &'static str,
    pub ours: usize,
    pub other: Option<usize>,
    pub mark: Mark,
    pub memory: Mark,
}

/// The first lines of the table.
pub fn print_head() {
    println!(
        "| services | files | work | ms | CPU ms | MB | beside | ms | CPU ms | ratio | mark | |"
    );
    println!("|---|---|---|---|---|---|---|---|---|---|---|---|");
}

/// One line of the table.
pub fn print(size: Size, row: &Row, timed: &[Timed], costs: &[Vec<Cost>]) {
    line(size.services, size.all_files(), row, timed, costs);
}

/// One line of the table, for a repository with so many services and files.
pub fn line(services: usize, files: usize, row: &Row, timed: &[Timed], costs: &[Vec<Cost>]) {
    let ours = &costs[row.ours];
    let milliseconds = |costs: &[Cost], of: fn(&Cost) -> f64| 1e3 * median(costs.iter().map(of));
    let wall = milliseconds(ours, |it| it.wall);
    let memory = ours.iter().map(|it| it.memory).fold(0.0, f64::max);
    let (mut beside, mut ratio, mut more) = (["-", "-", "-"].map(String::from), f64::NAN, f64::NAN);
    if let Some(other) = row.other {
        let others = &costs[other];
        beside = [
            timed[other].name.clone(),
            format!("{:.1}", milliseconds(others, |it| it.wall)),
            format!("{:.1}", milliseconds(others, |it| it.cpu)),
        ];
        let pairs = || ours.iter().zip(others);
        ratio = median(pairs().map(|(ours, other)| ours.wall / other.wall));
        more = 1e3 * median(pairs().map(|(ours, other)| ours.wall - other.wall));
    }
    let (mark, is_met) = match row.mark {
        Mark::Ratio(most) => (format!("{most} ×"), ratio <= most),
        Mark::RatioOr(most, extra) => (
            format!("{most} × or + {extra} ms"),
            ratio <= most || more <= extra,
        ),
        Mark::Milliseconds(most) => (format!("{most} ms"), wall <= most),
        Mark::Megabytes(most) => (format!("{most} MB"), memory <= most),
        Mark::None => ("-".to_owned(), true),
    };
    let is_small = !matches!(row.memory, Mark::Megabytes(most) if memory > most);
    let verdict = match (is_met, is_small) {
        (true, true) => "met",
        (false, true) => "missed",
        (true, false) => "met, but too much memory",
        (false, false) => "missed, and too much memory",
    };
    println!(
        "| {services} | {files} | {} | {wall:.1} | {:.1} | {memory:.0} | {} | {} | {mark} | {verdict} |",
        row.name,
        milliseconds(ours, |it| it.cpu),
        beside.join(" | "),
        if ratio.is_nan() {
            "-".to_owned()
        } else {
            format!("{ratio:.2}")
        },
    );
}
