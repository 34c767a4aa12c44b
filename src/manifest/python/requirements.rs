//! Lists of requirements for pip: `requirements*.txt`, `constraints*.txt`.

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::python::requirement::{reads, require};
use crate::model::manifest::{Ecosystem, Makes, Manifest, Tie};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| {
        let stem = name.strip_suffix(".txt").or(name.strip_suffix(".in"));
        stem.is_some_and(|it| it.contains("requirements") || it.starts_with("constraints"))
    },
    read,
};

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let mut facts = Facts::of(file);
    let is_main = file
        .as_path()
        .file_name()
        .is_some_and(|it| it == "requirements.txt");
    if is_main {
        facts.package(1, Ecosystem::Python, None, Makes::Either);
    }
    let tie = match is_main {
        true => Tie::Declares,
        false => Tie::Mentions,
    };
    for (written, line) in joined(text) {
        entry(&mut facts, line, &written, tie);
    }
    Ok(facts.finish())
}

fn entry(facts: &mut Facts, line: u32, written: &str, tie: Tie) {
    if let Some(what) = option(written, &["-e", "--editable"]) {
        reads(facts, line, what, tie);
    } else if let Some(other) = option(written, &["-r", "--requirement", "-c", "--constraint"]) {
        facts.reads_outside(line, other, Tie::Takes);
    } else if !written.starts_with('-') {
        require(facts, line, written, tie);
    }
}

/// What an option is given, with a space, with `=` or at once.
fn option<'t>(written: &'t str, names: &[&str]) -> Option<&'t str> {
    names.iter().find_map(|name| {
        let rest = written.strip_prefix(name)?;
        let is_short = !name.starts_with("--");
        let is_end = rest.starts_with([' ', '\t', '=']);
        (is_short || is_end).then(|| {
            rest.trim_start_matches(['=', ' ', '\t'])
                .trim_matches(['"', '\''])
        })
    })
}

/// Lines without comments, those with `\` at their end put together, each with the number of its first.
fn joined(text: &str) -> Vec<(String, u32)> {
    let mut found: Vec<(String, u32)> = Vec::new();
    let mut is_open = false;
    for (written, line) in text.lines().zip(1..) {
        let code = match written.trim_start().starts_with('#') {
            true => "",
            false => written.split(" #").next().unwrap_or_default().trim(),
        };
        let (code, goes_on) = match code.strip_suffix('\\') {
            Some(code) => (code.trim(), true),
            None => (code, false),
        };
        match found.last_mut().filter(|_| is_open) {
            Some((before, _)) => {
                before.push(' ');
                before.push_str(code);
            }
            None => found.push((code.to_owned(), line)),
        }
        is_open = goes_on;
    }
    found.retain(|it| !it.0.is_empty());
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::{check, needs, package, reads};
    use Ecosystem::Python;

    #[test]
    fn lists_name_packages_paths_and_other_lists() {
        let text = "# shop\r\nFlask==3.0  # web\r\n-e ../../libs/common[dev]\r\n--editable=../lib\r\n./local\r\n-r ../base/requirements.txt\r\n-r other.txt\r\n-c ../../constraints.txt\r\n--index-url https://example.test\r\nx==1 \\\r\n    --hash=sha256:00\r\ny @ file:../y\r\ngit+https://example.test/x.git#egg=x\r\n-e .\r\n";
        check(
            "services/api/requirements.txt",
            text,
            &[
                (1, package(Python, None, Makes::Either)),
                (2, needs(Python, "flask", Tie::Declares)),
                (3, reads("libs/common", Tie::Declares)),
                (4, reads("services/lib", Tie::Declares)),
                (5, reads("services/api/local", Tie::Declares)),
                (6, reads("services/base/requirements.txt", Tie::Takes)),
                (8, reads("constraints.txt", Tie::Takes)),
                (10, needs(Python, "x", Tie::Declares)),
                (12, reads("services/y", Tie::Declares)),
            ],
        );
    }

    #[test]
    fn lists_for_development_are_no_packages() {
        check(
            "api/requirements-dev.txt",
            "pytest\n-e ../lib\n",
            &[
                (1, needs(Python, "pytest", Tie::Mentions)),
                (2, reads("lib", Tie::Mentions)),
            ],
        );
    }
}
