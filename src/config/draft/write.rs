//! A whole `services.toml`.

use crate::config::draft::entries::{Given, Names, Used, entry};
use crate::config::draft::shared::shared;
use crate::config::edit::{Group, Item, defaults, reasoned_list, render, string, written};
use crate::config::source::Source;
use crate::model::draft::{Concluded, Draft, DraftService, Evidence, Note, NoteKind};
use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

const HEADER: &str = "\
# The services of this repository: what each depends on, and how it is built and tested.
# `svc init` wrote down what it found; from here on the file is yours. Comments name the lines that speak for it.
# `svc check` tells whether the file is right, `svc list` what it means, `svc schema` which keys there are.
# `svc init --update` adds what is new, but nothing that a comment refuses: `# not: common`, `# not: path/to/service`.
";

const EMPTY: &str = "
# No service was found. One looks like this:
#
# [services.api]
# path = \"services/api\"
# build = \"make\"
# test = \"make test\"
";

const SHARED: &str = "\n# What all services with such a task share.\n";

/// `draft` as a `services.toml`. Services whose path cannot be written are left out: see [`unwritable`]. In `source` lie
/// the workspace's own presets.
pub fn write(draft: &Draft, source: &dyn Source) -> String {
    let (shared, draft) = &shared(draft, source);
    let names = Names::as_drafted(draft);
    let used = Used::of(draft);
    let given = Given::of(draft, source);
    let mut text = format!("{HEADER}version = 1\n{}", workspace(draft));
    if !shared.is_empty() {
        text.push_str(SHARED);
    }
    for (name, task) in shared {
        text.push_str(&format!("\n{}", defaults(name.as_str(), task)));
    }
    let services: Vec<&DraftService> = draft
        .services
        .iter()
        .filter(|it| written(&it.path).is_some())
        .collect();
    if services.is_empty() {
        text.push_str(EMPTY);
    }
    let groups = [Group::Services, Group::Libraries].map(|it| {
        let mut members: Vec<_> = services
            .iter()
            .filter(|service| used.group(service) == it)
            .collect();
        members.sort_by(|a, b| a.name.cmp(&b.name));
        (it, members)
    });
    let is_one = groups.iter().any(|(_, members)| members.is_empty());
    for (group, members) in groups {
        if !is_one {
            text.push_str(&format!("\n{}\n", group.heading()));
        }
        for service in members {
            let entry = entry(service, &names, &service.depends_on, &given);
            text.extend(entry.map(|entry| format!("\n{}", render(&entry))));
        }
    }
    text
}

/// What `write` leaves out, since TOML cannot hold it.
pub fn unwritable(draft: &Draft) -> Vec<Note> {
    let services = draft.services.iter();
    let services = services.filter(|it| written(&it.path).is_none());
    let note = |service: &DraftService| {
        Note {
        path: service.path.clone(),
        words: "its path cannot be written in `services.toml`, which holds UTF-8 without `\\`; give it another name".into(),
        kind: NoteKind::LeftOut,
    }
    };
    services.map(note).collect()
}

fn workspace(draft: &Draft) -> String {
    let mut text = String::new();
    if let Some(name) = draft.name.as_ref().filter(|it| !it.trim().is_empty()) {
        text.push_str(&format!("name = {}\n", string(&name.replace('\0', ""))));
    }
    let lists = [
        ("global-inputs", &draft.global_inputs),
        ("lock-files", &draft.lock_files),
    ];
    for (key, list) in lists {
        let sound = list.iter().filter(|it| is_pattern(&it.what));
        let items: Vec<Item> = sound.map(concluded).collect();
        if items.is_empty() {
            continue;
        }
        text.push_str(&format!("{}\n", reasoned_list(key, &items)));
    }
    match text.is_empty() {
        true => text,
        false => format!("\n[workspace]\n{text}"),
    }
}

/// Whether `text` names files from the workspace.
pub fn is_pattern(text: &str) -> bool {
    let is_said = !text.trim().is_empty() && !text.contains('\0') && !text.starts_with('!');
    is_said && Pattern::new(text, &FilePath::default()).is_ok()
}

/// One element with what speaks for it, unless that is just that the file is there.
pub fn concluded(one: &Concluded<String>) -> Item {
    let says_more = |it: &&Evidence| it.file.display() != one.what.trim_start_matches('/');
    let evidence = one.evidence.iter().find(says_more);
    Item::new(
        &one.what,
        evidence.map(std::slice::from_ref).unwrap_or_default(),
    )
}
