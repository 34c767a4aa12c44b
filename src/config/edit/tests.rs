//! Files before and after.

use insta::assert_snapshot;

use crate::config::edit::entry::Item;
use crate::config::edit::lists::Holder;
use crate::config::edit::page::Page;
use crate::config::edit::service::{EditError, NewService, add_service};
use crate::config::tests::{Memory, valid};
use crate::model::name::ServiceName;

fn item(text: &str, why: &str) -> Item {
    Item {
        text: text.into(),
        why: why.into(),
    }
}

/// `text` with two more dependencies of `a`.
fn depending(text: &str) -> String {
    let mut page = Page::read(text).unwrap();
    let items = [item("x", "go.mod:1 x"), item("y", "")];
    page.extend(
        &Holder::Service("a"),
        "depends-on",
        &items,
        &["uses", "path"],
    );
    page.finish()
}

fn dependencies(text: &str) -> Vec<String> {
    let more =
        "\n[services.b]\npath = \"b\"\n[services.x]\npath = \"x\"\n[services.y]\npath = \"y\"\n";
    let text = match text.contains("services = {") {
        true => text.replace(
            "services = {",
            "services = { b.path = \"b\", x.path = \"x\", y.path = \"y\",",
        ),
        false => format!("{text}{more}"),
    };
    let workspace = valid(&Memory::new(&text)).workspace;
    let service = workspace.service(workspace.find("a").unwrap());
    service.depends_on.iter().map(ToString::to_string).collect()
}

#[test]
fn dependencies_are_added_however_the_list_is_written() {
    let check = |body: &str, expected: &str| {
        for newline in ["\n", "\r\n"] {
            let text = format!("version = 1\n{body}\n").replace('\n', newline);
            let after = depending(&text);
            let all = format!("version = 1\n{expected}\n").replace('\n', newline);
            assert_eq!(after, all, "{after}");
            let found = dependencies(&after.replace("\r\n", "\n"));
            let expected: &[&str] = match body.contains("\"b\"") {
                true => &["b", "x", "y"],
                false => &["x", "y"],
            };
            assert_eq!(found, expected, "{after}");
        }
    };
    check(
        "[services.a] # one\npath = \"a\" # two\nbuild = \"make\"",
        "[services.a] # one\npath = \"a\" # two\n# x: go.mod:1 x\ndepends-on = [\"x\", \"y\"]\nbuild = \"make\"",
    );
    check(
        "[services.a]\n  path = \"a\"",
        "[services.a]\n  path = \"a\"\n  # x: go.mod:1 x\n  depends-on = [\"x\", \"y\"]",
    );
    check(
        "[services.a]\npath = \"a\"\ndepends-on = [\"b\"] # why",
        "[services.a]\npath = \"a\"\n# x: go.mod:1 x\ndepends-on = [\"b\", \"x\", \"y\"] # why",
    );
    check(
        "[services.a]\npath = \"a\"\ndepends-on = [ ]",
        "[services.a]\npath = \"a\"\n# x: go.mod:1 x\ndepends-on = [\"x\", \"y\" ]",
    );
    check(
        "[services.a]\npath = \"a\"\ndepends-on = [\n  \"b\", # not, c\n  # end\n]",
        "[services.a]\npath = \"a\"\ndepends-on = [\n  \"b\", # not, c\n  \"x\", # go.mod:1 x\n  \"y\",\n  # end\n]",
    );
    check(
        "[services.a]\npath = \"a\"\ndepends-on = [\n  \"b\" # not, c\n]",
        "[services.a]\npath = \"a\"\ndepends-on = [\n  \"b\", # not, c\n  \"x\", # go.mod:1 x\n  \"y\",\n]",
    );
    check(
        "[services.a]\npath = \"a\"\ndepends-on = [\n  # none\n]",
        "[services.a]\npath = \"a\"\ndepends-on = [\n    \"x\", # go.mod:1 x\n    \"y\",\n  # none\n]",
    );
    check(
        "[services]\na = { path = \"a\" } # one",
        "[services]\na = { path = \"a\", depends-on = [\"x\", \"y\"] } # one",
    );
    check(
        "[services]\n a = { depends-on = [\"b\"], path = \"a\" }",
        "[services]\n # x: go.mod:1 x\n a = { depends-on = [\"b\", \"x\", \"y\"], path = \"a\" }",
    );
    check(
        "[services]\na.path = \"a\"\na.build = \"make\"",
        "[services]\na.path = \"a\"\n# x: go.mod:1 x\na.depends-on = [\"x\", \"y\"]\na.build = \"make\"",
    );
    check(
        "services.\"a\".path = \"a\"",
        "services.\"a\".path = \"a\"\n# x: go.mod:1 x\nservices.\"a\".depends-on = [\"x\", \"y\"]",
    );
    check(
        "services = { a.path = \"a\" }",
        "services = { a.path = \"a\", a.depends-on = [\"x\", \"y\"] }",
    );
}

#[test]
fn lists_of_the_workspace_are_added_however_it_is_written() {
    let check = |before: &str, expected: &str| {
        let mut page = Page::read(before).unwrap();
        page.extend(
            &Holder::Workspace,
            "global-inputs",
            &[item("x", "")],
            &["name"],
        );
        assert_eq!(page.finish(), expected);
    };
    let list = "global-inputs = [\"x\"]";
    check(
        "version = 1\n",
        &format!("version = 1\n\n[workspace]\n{list}\n"),
    );
    check(
        "version = 1",
        &format!("version = 1\n\n[workspace]\n{list}\n"),
    );
    check(
        "version = 1\n\n# a\n[services.a]\npath = \"a\"\n",
        &format!("version = 1\n\n[workspace]\n{list}\n\n# a\n[services.a]\npath = \"a\"\n"),
    );
    check("[workspace] # w\n", &format!("[workspace] # w\n{list}\n"));
    check("workspace = {}\n", &format!("workspace = {{ {list} }}\n"));
    check(
        "workspace.name = \"x\"\n",
        &format!("workspace.name = \"x\"\nworkspace.{list}\n"),
    );
    check(
        "workspace = { name = \"x\" }\n",
        &format!("workspace = {{ name = \"x\", {list} }}\n"),
    );
    check(
        "[workspace]\nglobal-inputs = [\"y\"]\n",
        "[workspace]\nglobal-inputs = [\"y\", \"x\"]\n",
    );
}

fn added(existing: &str, name: &str, is_library: bool, keys: &str) -> Result<String, EditError> {
    let service = NewService {
        name: ServiceName::new(name).unwrap(),
        path: format!("services/{name}").as_str().into(),
        is_library,
        keys: keys.into(),
    };
    add_service(existing, &service)
}

#[test]
fn a_new_service_comes_among_its_like_by_name() {
    let existing = "version = 1\n\n# Services\n\n[services.b] # one\npath = \"b\"\n[services.b.build]\nrun = \"make\"\n# end\n\n# d is last\n[services.d]\npath = \"d\"\n\n# Libraries\n\n[services.m]\npath = \"m\"\n";
    let keys = "uses = \"go\"\n# on this machine\nserve = { run = \"x\", port = 8081 }\n\n[build]\noutputs = [\"x\"]\n\n[tasks.lint]\nrun = \"x\"\n";
    let text = added(existing, "c", false, keys).unwrap();
    let text = added(&text, "a", false, "").unwrap();
    let text = added(&text, "n", true, "").unwrap();
    let text = added(&text, "e", false, "").unwrap();
    assert_snapshot!(text, @r#"
    version = 1

    # Services

    [services.a]
    path = "services/a"

    [services.b] # one
    path = "b"
    [services.b.build]
    run = "make"
    # end

    [services.c]
    path = "services/c"
    uses = "go"
    # on this machine
    serve = { run = "x", port = 8081 }

    [services.c.build]
    outputs = ["x"]

    [services.c.tasks.lint]
    run = "x"

    # d is last
    [services.d]
    path = "d"

    [services.e]
    path = "services/e"

    # Libraries

    [services.m]
    path = "m"

    [services.n]
    path = "services/n"
    "#);
    let text = text.replace("uses = \"go\"", "uses = \"make\"");
    assert_eq!(valid(&Memory::new(&text)).workspace.services().len(), 7);
}

#[test]
fn a_new_service_comes_last_where_nothing_is_sorted() {
    let check = |before: &str, expected: &str| {
        let text = added(before, "c", false, "tags = []\n").unwrap();
        assert_eq!(text, expected);
        valid(&Memory::new(&text));
    };
    let entry = "[services.c]\npath = \"services/c\"\ntags = []\n";
    check("version = 1", &format!("version = 1\n\n{entry}"));
    check("version = 1\n\n", &format!("version = 1\n\n{entry}"));
    check(
        "version = 1\n[services.d]\npath = \"d\"\n[services.a]\npath = \"a\"\n[pools]\nx = 1\n",
        &format!(
            "version = 1\n[services.d]\npath = \"d\"\n[services.a]\npath = \"a\"\n\n{entry}\n[pools]\nx = 1\n"
        ),
    );
    check(
        "version = 1\n[services]\na = { path = \"a\" }\n",
        &format!("version = 1\n[services]\na = {{ path = \"a\" }}\n\n{entry}"),
    );
    check(
        "version = 1\nservices = { a.path = \"a\" }\n",
        "version = 1\nservices = { c = { path = \"services/c\", tags = [] }, a.path = \"a\" }\n",
    );
    check(
        "version = 1\nservices = {}\n",
        "version = 1\nservices = { c = { path = \"services/c\", tags = [] } }\n",
    );
    check(
        "version = 1\r\n[services.a]\r\npath = \"a\"\r\n",
        &format!("version = 1\n[services.a]\npath = \"a\"\n\n{entry}").replace('\n', "\r\n"),
    );
}

#[test]
fn what_cannot_be_added_is_refused() {
    let existing = "[services.a]\npath = \"a\"\n";
    assert!(matches!(
        added(existing, "a", false, ""),
        Err(EditError::Taken(_))
    ));
    assert!(matches!(
        added(existing, "b", false, "x ="),
        Err(EditError::Keys(_))
    ));
    assert!(matches!(
        added(existing, "b", false, "path = \"x\""),
        Err(EditError::Fixed(_))
    ));
    assert!(matches!(
        added("x = [", "b", false, ""),
        Err(EditError::File(_))
    ));
}
