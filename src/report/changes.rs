//! The commits that a deploy would bring to an environment, per service.

use serde_json::{Value, json};

use crate::model::name::EnvironmentName;
use crate::model::overview::ServiceChanges;
use crate::report::clean::short;
use crate::report::deployed::{self, TEXT};
use crate::report::view::Look;
use crate::report::words;

/// So many commits of a service are shown without `-v`.
const SHOWN: usize = 20;

/// The commits of each service, then those that have none with why.
pub fn changes_text(
    changes: &[ServiceChanges],
    environment: &EnvironmentName,
    look: Look,
) -> String {
    if changes.is_empty() {
        return format!("no service can be deployed to {environment}\n");
    }
    let most = if look.is_verbose() { usize::MAX } else { SHOWN };
    let mut parts = Vec::new();
    for it in changes.iter().filter(|it| !it.commits.is_empty()) {
        parts.push(commits_text(it, most, look));
    }
    let notes = notes(changes, most);
    if !notes.is_empty() {
        parts.push(notes);
    }
    parts.join("\n")
}

/// The same for machines.
pub fn changes_json(changes: &[ServiceChanges], environment: &EnvironmentName) -> Value {
    let services = changes.iter().map(|it| {
        let commits: Vec<Value> = it.commits.iter().map(deployed::commit_line_json).collect();
        json!({"name": it.name, "from": it.from, "commits": commits, "note": it.note})
    });
    let services: Vec<Value> = services.collect();
    json!({"version": 1, "environment": environment.as_str(), "services": services})
}

fn commits_text(it: &ServiceChanges, most: usize, look: Look) -> String {
    let commits = words::count(it.commits.len(), "commit");
    let since = it.from.map(|it| format!(" since {}", it.short()));
    let name = look.paint.strong(&it.name);
    let mut text = format!("{name}  {commits}{}", since.unwrap_or_default());
    if let Some(note) = &it.note {
        text.push_str(&format!(", {}", short(note, TEXT)));
    }
    text.push('\n');
    for commit in it.commits.iter().take(most) {
        text.push_str(&format!(
            "  {}\n",
            deployed::commit_line(commit, look.paint)
        ));
    }
    if let Some(more) = it.commits.len().checked_sub(most).filter(|it| *it > 0) {
        let more = look.paint.faint(format!("  and {more} more; -v shows all"));
        text.push_str(&(more + "\n"));
    }
    text
}

/// `up to date: db, web`: those without commits, together by why.
fn notes(changes: &[ServiceChanges], most: usize) -> String {
    let mut notes: Vec<(String, Vec<&str>)> = Vec::new();
    for it in changes.iter().filter(|it| it.commits.is_empty()) {
        let note = short(it.note.as_deref().unwrap_or("no commits"), TEXT);
        match notes.iter_mut().find(|(known, _)| *known == note) {
            Some((_, names)) => names.push(it.name.as_str()),
            None => notes.push((note, vec![it.name.as_str()])),
        }
    }
    let lines = notes.into_iter();
    let line = |(note, names): (String, Vec<&str>)| {
        format!("{note}: {}\n", deployed::names(names.into_iter(), most))
    };
    lines.map(line).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::deployed::samples::*;
    use crate::report::schema::tests::validate;
    use crate::report::view::samples::service;

    fn change(name: &str, subjects: &[&str], note: Option<&str>) -> ServiceChanges {
        ServiceChanges {
            name: service(name),
            from: deployed("a").commit,
            commits: commits(subjects),
            note: note.map(str::to_owned),
        }
    }

    #[test]
    fn commits_are_listed_by_service_and_the_others_by_why() {
        let changes = [
            change("api", &["Round prices", "Two"], None),
            change("db", &[], Some("up to date")),
            change("pay", &[], Some("never deployed")),
            change("web", &[], Some("up to date")),
        ];
        let production = environment("production");
        insta::assert_snapshot!(changes_text(&changes, &production, Look::default()), @"
        api  2 commits since 0707070707
          0909090909  2026-11-23  Round prices (Ann)
          0909090909  2026-11-23  Two (Ann)

        up to date: db, web
        never deployed: pay
        ");
        validate("changes", &changes_json(&changes, &production));
        let none = changes_text(&[], &production, Look::default());
        assert_eq!(none, "no service can be deployed to production\n");
    }

    #[test]
    fn many_and_hostile_commits_are_bounded() {
        let production = environment("production");
        let many = change("api", &["x"; 50], None);
        let text = changes_text(&[many], &production, Look::default());
        assert!(text.ends_with("  and 30 more; -v shows all\n"), "{text}");
        let mut evil = change("api", &[&hostile()], Some(&hostile()));
        evil.commits[0].time = i64::MIN;
        let changes = [evil, change("web", &[], Some(&hostile()))];
        assert_harmless(&changes_text(&changes, &production, verbose()));
        validate("changes", &changes_json(&changes, &production));
    }
}
