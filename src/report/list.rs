//! The answer of `svc list`.

use serde_json::{Map, Value, json};

use crate::model::workspace::{Service, ServiceIndex, Workspace};
use crate::report::affected::path_fields;
use crate::report::clean::{self, one_line};
use crate::report::table::Table;
use crate::report::view::Look;

/// The services as a table.
pub fn list_text(workspace: &Workspace, chosen: &[ServiceIndex], look: Look) -> String {
    if chosen.is_empty() {
        return "no services\n".to_owned();
    }
    let mut table = Table::new(&["service", "path", "tasks", "depends on", "tags"]);
    for index in chosen {
        let service = workspace.service(*index);
        let tags: Vec<String> = service.tags.iter().map(|tag| one_line(tag)).collect();
        table.row([
            look.paint.strong(&service.name),
            shown_path(service),
            task_names(service).join(" "),
            dependency_names(workspace, *index).join(" "),
            tags.join(" "),
        ]);
    }
    table.render(look)
}

/// The services for machines.
pub fn list_json(workspace: &Workspace, chosen: &[ServiceIndex]) -> Value {
    let services = chosen.iter().map(|index| {
        let service = workspace.service(*index);
        let mut fields = Map::from_iter([("name".to_owned(), json!(service.name))]);
        fields.extend(path_fields(&service.path));
        fields.extend([
            ("uses".to_owned(), json!(service.uses)),
            ("tags".to_owned(), json!(service.tags)),
            (
                "depends_on".to_owned(),
                json!(dependency_names(workspace, *index)),
            ),
            ("tasks".to_owned(), json!(task_names(service))),
        ]);
        fields
    });
    json!({"version": 1, "services": services.collect::<Vec<_>>()})
}

fn shown_path(service: &Service) -> String {
    match service.path.is_root() {
        true => ".".to_owned(),
        false => clean::path(&service.path),
    }
}

fn task_names(service: &Service) -> Vec<&str> {
    service.tasks.keys().map(|name| name.as_str()).collect()
}

fn dependency_names(workspace: &Workspace, index: ServiceIndex) -> Vec<&str> {
    let dependencies = workspace.dependencies(index).iter();
    dependencies
        .map(|it| workspace.service(*it).name.as_str())
        .collect()
}

#[cfg(test)]
pub mod samples {
    use std::collections::BTreeMap;

    use super::*;
    use crate::model::name::TaskName;
    use crate::model::task::Task;
    use crate::model::workspace::Settings;
    use crate::report::view::samples::service as name;

    /// Services from lines such as `api -> common money`.
    pub fn workspace(lines: &[&str]) -> Workspace {
        let services = lines.iter().map(|line| {
            let (service, needs) = line.split_once(" ->").unwrap_or((line, ""));
            let build = Task::new(vec!["make build".to_owned()]);
            Service {
                name: name(service),
                path: format!("services/{service}").as_str().into(),
                depends_on: needs.split_whitespace().map(name).collect(),
                tags: ["backend".to_owned()].into(),
                uses: None,
                consumed: None,
                serve: None,
                tasks: BTreeMap::from([(TaskName::new("build").unwrap(), Box::new(build))]),
            }
        });
        Workspace::new(Settings::default(), services.collect())
    }

    pub fn all(workspace: &Workspace) -> Vec<ServiceIndex> {
        workspace.indices().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::list::samples::{all, workspace};
    use crate::report::schema::tests::validate;

    #[test]
    fn services_are_a_table() {
        let workspace = workspace(&["common", "api -> common"]);
        let text = list_text(&workspace, &all(&workspace), Look::default());
        insta::assert_snapshot!(text, @r"
        SERVICE  PATH             TASKS  DEPENDS ON  TAGS
        api      services/api     build  common      backend
        common   services/common  build              backend
        ");
    }

    #[test]
    fn machines_get_the_documented_fields() {
        let workspace = workspace(&["common", "api -> common"]);
        validate("list", &list_json(&workspace, &all(&workspace)));
        insta::assert_snapshot!(list_json(&workspace, &all(&workspace)), @r#"{"version":1,"services":[{"name":"api","path":"services/api","uses":null,"tags":["backend"],"depends_on":["common"],"tasks":["build"]},{"name":"common","path":"services/common","uses":null,"tags":["backend"],"depends_on":[],"tasks":["build"]}]}"#);
    }
}
