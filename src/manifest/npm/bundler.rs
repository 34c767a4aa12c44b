//! `vite.config.*`: whether it may put what it builds somewhere else than everybody.

use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::Tool;
use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::model::manifest::{Manifest, Product, Said, What};
use crate::model::path::FilePath;

pub const TOOL: Tool = Tool {
    knows: |name| {
        let ending = name.strip_prefix("vite.config.");
        ending.is_some_and(|it| matches!(it, "ts" | "mts" | "cts" | "js" | "mjs" | "cjs"))
    },
    read,
};

/// What is imported by configurations that leave the place as it is: names, or how they begin where they end in a mark.
const PLAIN: &[&str] = &[
    "vite",
    "vitest/config",
    "path",
    "url",
    "fs",
    "node:",
    "@vitejs/",
    "@tailwindcss/vite",
    "autoprefixer",
    "tailwindcss",
    "unplugin-",
    "vite-plugin-checker",
    "vite-plugin-eslint",
    "vite-plugin-svgr",
    "vite-plugin-vue-devtools",
    "vite-svg-loader",
    "vite-tsconfig-paths",
    "@sveltejs/vite-plugin-svelte",
    "vite-plugin-solid",
    "@preact/preset-vite",
];

fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    static WORD: LazyLock<Regex> =
        LazyLock::new(|| regex(r"\b(outDir|root|ssr|lib|nitro|extends)\b\s*[:,}(]"));
    static IMPORT: LazyLock<Regex> =
        LazyLock::new(|| regex(r#"\b(?:from|import|require)\s*\(?\s*["']([^"'\n]*)["']"#));
    let mut facts = Facts::of(file);
    let mut imports = IMPORT.captures_iter(text).filter_map(|it| it.get(1));
    let is_plain = |name: &str| {
        PLAIN.iter().any(|it| match it.ends_with(['/', '-', ':']) {
            true => name.starts_with(it),
            false => name == *it,
        })
    };
    if WORD.is_match(text) || imports.any(|it| !is_plain(it.as_str())) {
        let (product, said) = (Product::Directory, Said::Unknown);
        facts.say(1, What::Leaves { product, said });
    }
    Ok(facts.finish())
}

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).expect("the pattern is well formed")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_plain_configurations_leave_the_place_as_it_is() {
        let check = |text: &str, expected: bool| {
            let manifest = read(&"vite.config.ts".into(), text).unwrap();
            assert_eq!(manifest.facts.is_empty(), expected, "{text}");
        };
        check(
            "import { defineConfig } from 'vite'\nimport react from '@vitejs/plugin-react'\nexport default defineConfig({ plugins: [react()] })\n",
            true,
        );
        check("export default { server: { port: 3000 } }", true);
        check("export default { build: { outDir: 'build' } }", false);
        check("export default { root: 'client' }", false);
        check("import { own } from './own'\nexport default own", false);
        check("const x = require('laravel-vite-plugin')", false);
    }
}
