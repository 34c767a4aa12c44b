//! Mix: `mix.exs`.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::code::{self, Code};
use crate::model::manifest::{Ecosystem::Mix, Makes, Manifest, Tie};
use crate::model::path::FilePath;

pub fn knows(name: &str) -> bool {
    name == "mix.exs"
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is well formed")
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    static APP: LazyLock<Regex> = LazyLock::new(|| regex(r"\bapp:\s*:(\w+)"));
    static APPS: LazyLock<Regex> = LazyLock::new(|| regex(r#"\bapps_path:\s*"(?P<s>[^"\n]*)""#));
    let code = Code::of(text, &code::ELIXIR);
    let mut facts = Facts::of(file);
    let umbrella = code.strings(&APPS).next();
    if let Some((line, path)) = umbrella {
        facts.package(line, Mix, None, Makes::Nothing);
        facts.gathers(line, Mix, vec![format!("{}/*", path.trim_end_matches('/'))]);
    }
    if let Some(app) = code.all(&APP).next().and_then(|it| it.get(1))
        && umbrella.is_none()
    {
        let name = app.as_str().to_owned();
        facts.package(code.line(app.start()), Mix, Some(name), makes(code.bare()));
    }
    dependencies(&mut facts, &code);
    Ok(facts.finish())
}

fn makes(bare: &str) -> Makes {
    static LIBRARY: LazyLock<Regex> = LazyLock::new(|| regex(r"\bpackage:\s"));
    static PROGRAM: LazyLock<Regex> =
        LazyLock::new(|| regex(r"\b(?:mod|releases|escript):\s|\{\s*:(?:phoenix|bandit)\b"));
    if LIBRARY.is_match(bare) {
        Makes::Library
    } else if PROGRAM.is_match(bare) {
        Makes::Program
    } else {
        Makes::Either
    }
}

fn dependencies(facts: &mut Facts, code: &Code<'_>) {
    static DEPENDENCY: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"\{\s*:(?P<name>\w+)\s*,\s*(?:"[^"\n]*"|\w+:)[^{}]*\}"#));
    static PATH: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"\b(?:path|config_path|lockfile):\s*"(?P<s>[^"\n]*)""#));
    for name in code.all(&DEPENDENCY).filter_map(|it| it.name("name")) {
        facts.needs(code.line(name.start()), Mix, name.as_str(), Tie::Declares);
    }
    for (line, path) in code.strings(&PATH) {
        if !path.contains("#{") {
            facts.reads(line, path, Tie::Declares);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = "defmodule Cart.MixProject do\n  use Mix.Project\n  def project do\n    [app: :cart, # app: :no\n     \
        config_path: \"../../config/config.exs\",\n     deps: deps()]\n  end\n  def application, do: [mod: {Cart.App, []}]\n  defp deps do\n    \
        [{:phoenix, \"~> 1.7\"},\n     {:common, in_umbrella: true},\n     {:money, path: \"../money\", only: [:dev]}]\n  end\nend\n";

    #[test]
    fn a_project_says_its_name_and_needs() {
        testing::check(
            read,
            "apps/cart/mix.exs",
            SAMPLE,
            &[
                "4: package Mix cart Program",
                "5: reads config/config.exs Declares",
                "10: needs Mix phoenix Declares",
                "11: needs Mix common Declares",
                "12: needs Mix money Declares",
                "12: reads apps/money Declares",
            ],
        );
    }

    #[test]
    fn an_umbrella_gathers_apps() {
        let text = "def project do\n [apps_path: \"apps\", deps: []]\nend";
        let expected = ["2: package Mix - Nothing", "2: gathers Mix apps/*"];
        testing::check(read, "mix.exs", text, &expected);
    }
}
