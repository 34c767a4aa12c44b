//! What `svc doctor` found: by area, the worst first, each with what helps.

use serde_json::{Value, json};

use crate::model::finding::{Area, Finding, Weight};
use crate::report::clean::one_line;
use crate::report::settings::Verbosity;
use crate::report::view::Look;
use crate::report::words::count;

/// The answer for people. With `-q`, only what is not fine.
pub fn doctor_text(findings: &[Finding], look: Look) -> String {
    let mut text = String::new();
    let mut areas: Vec<Area> = findings.iter().map(|it| it.area).collect();
    areas.dedup();
    for area in areas {
        let is_shown = |it: &&Finding| {
            it.area == area && (it.weight > Weight::Fine || look.verbosity > Verbosity::Quiet)
        };
        let mut of_area: Vec<&Finding> = findings.iter().filter(is_shown).collect();
        of_area.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
        if !of_area.is_empty() {
            text.push_str(&format!("{}\n", look.paint.strong(heading(area))));
        }
        of_area
            .iter()
            .for_each(|finding| line(&mut text, finding, look));
    }
    text.push_str(&end(findings));
    text
}

/// What differs between two texts of a file, as `git apply` reads it.
pub fn difference(file: &str, before: &str, after: &str) -> String {
    let texts = similar::TextDiff::from_lines(before, after);
    let (old, new) = (format!("a/{file}"), format!("b/{file}"));
    texts.unified_diff().header(&old, &new).to_string()
}

/// The answer for machines.
pub fn doctor_json(findings: &[Finding]) -> Value {
    json!({ "version": 1, "findings": findings })
}

fn line(text: &mut String, finding: &Finding, look: Look) {
    let paint = look.paint;
    let mark = match finding.weight {
        Weight::Fine => paint.good("ok"),
        Weight::Hint => paint.advice("hint"),
        Weight::Warning => paint.notable("warning"),
        Weight::Failure => paint.bad("failure"),
    };
    let about = paint.strong(one_line(&finding.about));
    let words = one_line(&finding.words);
    text.push_str(&format!("  {mark}: {about}: {words}\n"));
    if let Some(fix) = &finding.fix {
        let by_itself = match fix.step {
            Some(_) => " (--fix does it)",
            None => "",
        };
        let words = paint.advice(one_line(&fix.words));
        text.push_str(&format!("    {words}{by_itself}\n"));
    }
}

fn heading(area: Area) -> &'static str {
    match area {
        Area::Repository => "repository",
        Area::Definition => "services.toml",
        Area::Tools => "tools",
        Area::Cache => "cache",
        Area::Ledger => "ledgers",
        Area::Hooks => "hooks",
    }
}

fn end(findings: &[Finding]) -> String {
    let of = |weight| findings.iter().filter(|it| it.weight == weight).count();
    let kinds = [
        (Weight::Failure, "failure"),
        (Weight::Warning, "warning"),
        (Weight::Hint, "hint"),
    ];
    let told: Vec<String> = kinds
        .into_iter()
        .filter(|(weight, _)| of(*weight) > 0)
        .map(|(weight, word)| count(of(weight), word))
        .collect();
    match told.is_empty() {
        true => "all is well\n".to_owned(),
        false => format!("{}\n", told.join(", ")),
    }
}
