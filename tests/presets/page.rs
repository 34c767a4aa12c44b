//! The table of presets in the README.

use std::path::Path;

use crate::given::presets;

const BEGIN: &str = "<!-- presets: made from `templates/presets` -->\n";
const END: &str = "<!-- end of presets -->\n";

/// Writes the table anew with `README=write cargo test --test presets`.
#[test]
fn the_readme_names_each_preset() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let page = std::fs::read_to_string(&file).unwrap();
    let (before, rest) = page.split_once(BEGIN).unwrap();
    let (written, after) = rest.split_once(END).unwrap();
    let made = table();
    if std::env::var_os("README").is_some_and(|it| it == "write") {
        let page = [before, BEGIN, &made, END, after].concat();
        std::fs::write(file, page).unwrap();
        return;
    }
    assert_eq!(written, made, "`README=write cargo test --test presets`");
}

fn table() -> String {
    let mut table =
        "\n| preset | gives | fits a directory with | parameters |\n|---|---|---|---|\n".to_owned();
    for (name, text) in presets() {
        let preset: toml::Table = text.parse().unwrap();
        let about = preset["about"].as_str().unwrap();
        let list = |key: &str| -> Vec<String> {
            let list = preset["detect"].get(key).and_then(toml::Value::as_array);
            let names = list.into_iter().flatten().filter_map(toml::Value::as_str);
            names.map(|it| format!("`{it}`")).collect()
        };
        let detect = [list("any").join(", "), list("all").join(" and ")].concat();
        let parameters = preset.get("parameters").and_then(toml::Value::as_table);
        let names = parameters.into_iter().flat_map(toml::Table::keys);
        let mut names: Vec<_> = names.map(|it| format!("`{it}`")).collect();
        names.sort();
        let parameters = names.join(", ");
        table += &format!("| `{name}` | {about} | {detect} | {parameters} |\n");
    }
    table + "\n"
}
