//! One more service in the text of a `services.toml`, which stays as it is otherwise.

use toml_edit::DocumentMut;

use crate::model::name::ServiceName;
use crate::model::path::FilePath;

/// The first lines of a new file.
const START: &str =
    "# What each service is made of, and how it is built, tested and run.\nversion = 1\n";

/// The table of a service, and the whole file with it; `keys` are the keys that the table has besides its path and, unless
/// they name some, its dependencies.
///
/// # Errors
/// What is wrong with the keys, in words.
pub fn add_service(
    before: Option<&str>,
    name: &ServiceName,
    path: &FilePath,
    depends_on: &[ServiceName],
    keys: &str,
) -> Result<(String, String), String> {
    let text = |it: &str| toml_edit::Value::from(it).to_string().trim().to_owned();
    let table = format!("[services.{name}]\n");
    let parsed: DocumentMut =
        format!("{table}{keys}")
            .parse()
            .map_err(|error: toml_edit::TomlError| {
                format!("the entry is no TOML: {}", error.message())
            })?;
    let service = &parsed["services"][name.as_str()];
    let mut entry = table;
    if service.get("path").is_none() {
        entry += &format!("path = {}\n", text(&path.display()));
    }
    if service.get("depends-on").is_none() && !depends_on.is_empty() {
        let names: Vec<String> = depends_on.iter().map(|it| text(it.as_str())).collect();
        entry += &format!("depends-on = [{}]\n", names.join(", "));
    }
    entry += keys.trim();
    let entry = format!("{}\n", entry.trim_end());
    let before = before.unwrap_or(START);
    let is_ended = before.is_empty() || before.ends_with('\n');
    let end = if is_ended { "" } else { "\n" };
    Ok((entry.clone(), format!("{before}{end}\n{entry}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_is_added() {
        let check = |before: Option<&str>, depends: &[&str], keys: &str, expected: &str| {
            let name = ServiceName::new("api").unwrap();
            let depends: Vec<_> = depends
                .iter()
                .filter_map(|it| ServiceName::new(it))
                .collect();
            let (_, whole) =
                add_service(before, &name, &"services/api".into(), &depends, keys).unwrap();
            assert_eq!(whole, expected);
        };
        check(
            Some("version = 1"),
            &["money"],
            "\nbuild = \"make\"\n\n",
            "version = 1\n\n[services.api]\npath = \"services/api\"\ndepends-on = [\"money\"]\nbuild = \"make\"\n",
        );
        check(
            Some("version = 1\n# end\n"),
            &["money"],
            "depends-on = []",
            "version = 1\n# end\n\n[services.api]\npath = \"services/api\"\ndepends-on = []\n",
        );
    }
}
