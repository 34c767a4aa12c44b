//! The history of an environment, newest first.

use std::collections::HashSet;

use serde_json::{Value, json};

use crate::model::ledger::{Action, DeployId, Entry, State};
use crate::model::name::ServiceName;
use crate::model::overview::HistoryPage;
use crate::report::calendar::{ago, moment};
use crate::report::clean::short;
use crate::report::deployed::{self, NAME};
use crate::report::table::Table;
use crate::report::view::Look;

/// The history as a table: a start and its end are one row. `is_locked`: somebody deploys there now. With `-v` times are
/// absolute, and hosts and runs are shown.
pub fn history_text(page: &HistoryPage, is_locked: bool, look: Look) -> String {
    if page.entries.is_empty() {
        return format!("{} has no history\n", page.environment);
    }
    let arrow = look.paint.either("from → to", "from -> to");
    let mut table = Table::new(&[
        "when", "deploy", "service", arrow, "state", "by", "host", "run", "reason",
    ]);
    for (entry, state) in rows(page, is_locked, look) {
        let of_verbose = |text: &str| match look.is_verbose() {
            true => short(text, 100),
            false => String::new(),
        };
        table.row([
            match look.is_verbose() {
                true => moment(entry.at),
                false => ago(entry.at, page.now),
            },
            entry.deploy.to_string(),
            look.paint.strong(&entry.service),
            from_to(entry, look),
            state,
            short(&entry.who.name, NAME),
            of_verbose(&entry.who.host),
            of_verbose(entry.who.run_url.as_deref().unwrap_or_default()),
            reason(entry, look),
        ]);
    }
    let mut text = table.render(look);
    if page.has_more {
        text.push_str(&(look.paint.faint("there are older ones") + "\n"));
    }
    text
}

/// The entries for machines, each with all that it says.
pub fn history_json(page: &HistoryPage) -> Value {
    let entries: Vec<Value> = page.entries.iter().map(deployed::entry_json).collect();
    json!({
        "version": 1, "environment": page.environment.as_str(), "entries": entries, "has_more": page.has_more,
    })
}

/// The entries to show, each with its state in words: those that begin what another one ends are left out.
fn rows(page: &HistoryPage, is_locked: bool, look: Look) -> Vec<(&Entry, String)> {
    let mut ended: HashSet<(&DeployId, &ServiceName)> = HashSet::new();
    let mut rows = Vec::new();
    // Only who holds the lock writes: what goes on is what wrote last.
    let last = page.entries.first().map(|it| &it.deploy);
    for entry in &page.entries {
        let is_new = ended.insert((&entry.deploy, &entry.service));
        let state = match entry.state {
            State::Started if !is_new => continue,
            State::Started if is_locked && Some(&entry.deploy) == last => {
                look.paint.notable("going on")
            }
            State::Started => look.paint.bad("cut off"),
            state => deployed::painted_state(state, look.paint),
        };
        rows.push((entry, state));
    }
    rows
}

fn from_to(entry: &Entry, look: Look) -> String {
    let to = match entry.action {
        Action::Remove => "nothing",
        _ => entry.brings.version(),
    };
    let arrow = look.paint.either("→", "->");
    format!("{} {arrow} {to}", deployed::runs(&entry.before))
}

fn reason(entry: &Entry, look: Look) -> String {
    let most = if look.is_verbose() { 200 } else { 80 };
    let action = match entry.action {
        Action::Deploy => None,
        other => Some(deployed::action(other).to_owned()),
    };
    let texts = [&entry.error, &entry.reason].into_iter().flatten();
    let texts = texts.map(|it| short(it, most)).filter(|it| !it.is_empty());
    action
        .into_iter()
        .chain(texts)
        .collect::<Vec<_>>()
        .join("; ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ledger::Runs;
    use crate::report::deployed::samples::*;
    use crate::report::schema::tests::validate;

    fn page(entries: Vec<Entry>) -> HistoryPage {
        HistoryPage {
            environment: environment("production"),
            entries,
            has_more: true,
            now: NOW,
        }
    }

    fn sample() -> HistoryPage {
        let mut failed = entry("web", State::RolledBack, "c", this("a"), this("a"));
        failed.error = Some("health check: 503".into());
        let mut rollback = entry("api", State::Succeeded, "a", this("a"), this("b"));
        rollback.action = Action::Rollback;
        rollback.reason = Some("prices are wrong".into());
        page(vec![
            entry("pay", State::Started, "e", Runs::Unknown, Runs::Unknown),
            failed,
            entry("web", State::Started, "c", this("a"), this("a")),
            rollback,
            entry("pay", State::Started, "b", this("a"), Runs::Nothing),
        ])
    }

    #[test]
    fn a_start_and_its_end_are_one_row() {
        insta::assert_snapshot!(history_text(&sample(), true, Look::default()), @"
        WHEN        DEPLOY  SERVICE  FROM -> TO                STATE        BY   REASON
        3 days ago  d-e     pay      unknown -> f480c3dfa2     going on     Ann
        3 days ago  d-c     web      c62ba21dd3 -> cd28fe0942  rolled back  Ann  health check: 503
        3 days ago  d-a     api      0d763559e1 -> c62ba21dd3  succeeded    Ann  rollback; prices are wrong
        3 days ago  d-b     pay      nothing -> 0d763559e1     cut off      Ann
        there are older ones
        ");
        let text = history_text(&sample(), false, Look::default());
        assert_eq!(text.matches("cut off").count(), 2, "{text}");
        let text = history_text(&sample(), false, verbose());
        assert!(
            text.contains("2026-11-20 14:02 UTC") && text.contains("laptop"),
            "{text}"
        );
    }

    #[test]
    fn machines_get_every_entry() {
        let document = history_json(&sample());
        validate("history", &document);
        assert_eq!(document["entries"].as_array().unwrap().len(), 5);
        validate("history", &history_json(&page(Vec::new())));
    }

    #[test]
    fn hostile_and_empty_histories_are_harmless() {
        let mut entry = entry("api", State::Failed, "a", Runs::Unknown, Runs::Nothing);
        (entry.reason, entry.error) = (Some(hostile()), Some(hostile()));
        entry.who.name = hostile();
        entry.who.run_url = Some(hostile());
        entry.at = u64::MAX;
        let page_of_one = page(vec![entry]);
        assert_harmless(&history_text(&page_of_one, false, verbose()));
        validate("history", &history_json(&page_of_one));
        let empty = history_text(&page(Vec::new()), false, Look::default());
        assert_eq!(empty, "production has no history\n");
    }
}
