//! What `--update` adds, and what it leaves as it is.

use insta::assert_snapshot;

use crate::config::draft::tests::{concluded, edge, service};
use crate::config::draft::{UpdateError, Updated, update};
use crate::config::source::Directory;
use crate::config::tests::Memory;
use crate::model::draft::Draft;
use crate::model::manifest::{Makes, Tie};

fn updated(source: &Memory, draft: &Draft) -> Updated {
    match update(source, draft) {
        Ok(updated) => updated,
        Err(UpdateError::Existing(invalid) | UpdateError::Result(invalid)) => {
            panic!("{}", invalid.0.plain())
        }
        Err(error) => panic!("{error}"),
    }
}

/// A shop with two services that depend on a library, and one that is new.
fn draft() -> Draft {
    let mut api = service("api", "services/api", Makes::Program, "make");
    api.depends_on = vec![edge("common", "services/api/go.mod:5 common")];
    let mut web = service("web", "services/web", Makes::Program, "node");
    web.depends_on = vec![
        edge("api", "compose.yaml:9 depends_on: api"),
        edge("common", "services/web/go.mod:5 common"),
    ];
    let common = service("common", "libs/common", Makes::Library, "make");
    Draft {
        global_inputs: vec![concluded(".tool-versions", ".tool-versions")],
        services: vec![api, common, web],
        ..Draft::default()
    }
}

#[test]
fn what_is_new_is_added_and_the_rest_stays() {
    let existing = "# ours\nversion   =   1\n\n[services.shared] # the common one\npath = 'libs/common'\n\n[services.backend]\npath = \"services/api\" # moves soon\nbuild=\"x\"\n";
    let updated = updated(&Memory::new(existing), &draft());
    assert_snapshot!(updated.text);
    let names = |all: &[(&str, &str)]| format!("{all:?}");
    let edges: Vec<_> = updated
        .edges
        .iter()
        .map(|it| (it.from.as_str(), it.to.as_str()))
        .collect();
    assert_eq!(names(&edges), names(&[("backend", "shared")]));
    assert_eq!(updated.services.len(), 1);
    assert_eq!(updated.workspace, [".tool-versions"]);
}

#[test]
fn what_a_person_refused_is_not_added_again() {
    let existing = "version = 1\n# not: .tool-versions\n\n# not: services/web\n\n[services.api]\npath = \"services/api\"\n# not: common, it is only a mention\n\n[services.common]\npath = \"libs/common\"\n";
    let updated = updated(&Memory::new(existing), &draft());
    assert_eq!(updated.text, existing);
}

#[test]
fn no_circle_comes_about() {
    let existing = "version = 1\n[workspace]\nglobal-inputs = [\".tool*\"]\n[services.common]\npath = \"libs/common\"\ndepends-on = [\"api\"]\n[services.api]\npath = \"services/api\"\n";
    let mut draft = draft();
    // The other one is stronger, so it is this one that gives way.
    draft.services[2].depends_on[0].tie = Tie::StartsAfter;
    let updated = updated(&Memory::new(existing), &draft);
    let circles: Vec<_> = updated
        .circles
        .iter()
        .map(|it| format!("{} {}", it.from, it.to))
        .collect();
    assert_eq!(circles, ["api common"]);
    assert_snapshot!(updated.text);
}

#[test]
fn included_files_are_known_and_not_edited() {
    let existing = "version = 1\n[workspace]\ninclude = [\"services/*/services.toml\"]\n";
    let included = "[services.back]\npath = \".\"\n";
    let source = Memory::new(existing).with("services/api/services.toml", included);
    let updated = updated(&source, &draft());
    let elsewhere: Vec<_> = updated
        .elsewhere
        .iter()
        .map(|it| format!("{} {}", it.from, it.to))
        .collect();
    assert_eq!(elsewhere, ["back common"]);
    assert_snapshot!(updated.text);
}

#[test]
fn names_that_are_taken_get_more_of_the_path() {
    let existing =
        "version = 1\n[services.web]\npath = \"web\"\n[services.services-web]\npath = \"x\"\n";
    let updated = updated(&Memory::new(existing), &draft());
    let web = updated
        .services
        .iter()
        .find(|it| it.path == "services/web".into())
        .unwrap();
    assert_eq!(web.name.as_str(), "web-2");
    assert_eq!(web.instead_of.as_ref().unwrap().as_str(), "web");
}

#[test]
fn services_that_are_gone_are_told_and_stay() {
    let existing = "version = 1\n[services.old]\npath = \"old\"\n";
    let source = Memory::new(existing).directory("old", Directory::Missing);
    let updated = updated(&source, &Draft::default());
    assert_eq!(updated.text, existing);
    assert_eq!(updated.gone.len(), 1);
}

#[test]
fn a_file_that_is_not_valid_is_left_alone() {
    let check = |text: &str| update(&Memory::new(text), &draft());
    assert!(matches!(
        check("version = 2\n"),
        Err(UpdateError::Existing(_))
    ));
    assert!(matches!(check("x = ["), Err(UpdateError::Existing(_))));
    assert!(matches!(
        update(&Memory::default(), &draft()),
        Err(UpdateError::Read(_))
    ));
}

#[test]
fn an_evidence_that_stayed_is_not_written_twice() {
    let existing = "version = 1\n[workspace]\nglobal-inputs = [\".tool*\"]\n# not: services/web\n[services.x]\npath = \"x\"\n[services.common]\npath = \"libs/common\"\n[services.api]\npath = \"services/api\"\n# common: services/api/go.mod:5 common\ndepends-on = [\"x\"]\n";
    let updated = updated(&Memory::new(existing), &draft());
    assert_eq!(
        updated.text,
        existing.replace("[\"x\"]", "[\"x\", \"common\"]")
    );
}
