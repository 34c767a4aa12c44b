//! Ruby: `Gemfile` and `*.gemspec`.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::syntax::code::{self, Code};
use crate::model::manifest::{Ecosystem::Gem, Makes, Manifest, Tie};
use crate::model::path::FilePath;

/// Gems that make something that runs.
const RUNS: &[&str] = &[
    "falcon", "hanami", "puma", "rails", "sidekiq", "sinatra", "thin", "unicorn", "webrick",
];

pub fn knows(name: &str) -> bool {
    matches!(name, "Gemfile" | "gems.rb") || name.ends_with(".gemspec")
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let code = Code::of(text, &code::RUBY);
    let mut facts = Facts::of(file);
    match crate::manifest::place::name(file).ends_with(".gemspec") {
        true => gemspec(&mut facts, &code),
        false => gemfile(&mut facts, &code),
    }
    Ok(facts.finish())
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is well formed")
}

fn gemspec(facts: &mut Facts, code: &Code<'_>) {
    static NAME: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"\w+\.name\s*=\s*["'](?P<s>[^"'\n]*)["']"#));
    static NEEDS: LazyLock<Regex> = LazyLock::new(|| {
        regex(r#"\.add_(?:runtime_|development_)?dependency\b\s*\(?\s*["'](?P<s>[^"'\n]*)["']"#)
    });
    let (line, name) = code.strings(&NAME).next().unwrap_or((1, ""));
    let name = Some(name.to_owned()).filter(|it| !it.is_empty());
    facts.package(line, Gem, name, Makes::Library);
    for (line, name) in code.strings(&NEEDS) {
        facts.needs(line, Gem, name, Tie::Declares);
    }
}

fn gemfile(facts: &mut Facts, code: &Code<'_>) {
    static GEM: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"\bgem\b\s*\(?\s*["'](?P<s>[^"'\n]*)["']"#));
    static PATH: LazyLock<Regex> = LazyLock::new(|| {
        regex(
            r#"(?:\bpath:|:path\s*=>|(?m:^[ \t]*path)\b|\beval_gemfile\b)\s*\(?\s*["'](?P<s>[^"'\n]*)["']"#,
        )
    });
    static GEMSPEC: LazyLock<Regex> = LazyLock::new(|| regex(r"(?m)^[ \t]*gemspec\b"));
    let is_library = GEMSPEC.is_match(code.bare());
    let runs = code.strings(&GEM).any(|(_, name)| RUNS.contains(&name));
    let makes = match runs && !is_library {
        true => Makes::Program,
        false => Makes::Either,
    };
    if !is_library {
        facts.package(1, Gem, None, makes);
    }
    for (line, name) in code.strings(&GEM) {
        facts.needs(line, Gem, name, Tie::Declares);
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

    pub const SAMPLE: &str = "source 'https://rubygems.org'\ngem 'puma', '~> 6' # gem 'no'\ngem \"common\", path: '../../libs/common'\n\
        gem 'old', :path => \"../old\"\npath '../../gems' do\n  gem 'within'\nend\n";
    pub const SPEC: &str = "Gem::Specification.new do |spec|\n  spec.name = \"common\"\n  spec.add_dependency 'money', '>= 1'\n  \
        spec.add_development_dependency(\"rspec\")\nend\n";

    #[test]
    fn a_gemfile_says_what_it_needs() {
        testing::check(
            read,
            "services/cart/Gemfile",
            SAMPLE,
            &[
                "1: package Gem - Program",
                "2: needs Gem puma Declares",
                "3: needs Gem common Declares",
                "3: reads libs/common Declares",
                "4: needs Gem old Declares",
                "4: reads services/old Declares",
                "5: reads gems Declares",
                "6: needs Gem within Declares",
            ],
        );
    }

    #[test]
    fn a_specification_says_its_name() {
        let expected = [
            "2: package Gem common Library",
            "3: needs Gem money Declares",
            "4: needs Gem rspec Declares",
        ];
        testing::check(read, "libs/common/common.gemspec", SPEC, &expected);
    }
}
