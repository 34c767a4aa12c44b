//! What the `build` script of a package leaves behind, as far as its commands are known.

use crate::manifest::facts::Facts;
use crate::manifest::syntax::node::Node;
use crate::model::manifest::{Product, Said, What};

/// Scripts call scripts; nobody nests them deeper.
const DEEPEST: usize = 4;
/// Commands that leave nothing new.
const QUIET: &[&str] = &["rm", "rimraf", "del-cli", "echo", "true", "eslint"];
/// Frameworks that make something else of `vite build`.
const FRAMEWORKS: &[&str] = &[
    "@sveltejs/kit",
    "@remix-run/dev",
    "@react-router/dev",
    "@builder.io/qwik",
    "@tanstack/react-start",
    "@tanstack/solid-start",
    "@solidjs/start",
    "@analogjs/platform",
    "laravel-vite-plugin",
    "vike",
    "vite-ruby",
];

/// Says what a build leaves behind.
pub fn left(facts: &mut Facts, root: &Node) {
    let Some(script) = root.at(&["scripts", "build"]) else {
        return;
    };
    let mut all = Vec::new();
    for name in ["prebuild", "build", "postbuild"] {
        let command = root.at(&["scripts", name]).and_then(Node::text);
        commands(root, command.unwrap_or_default(), 0, &mut all);
    }
    // One that only clears or checks leaves nothing; one that is not known may leave anything.
    let said = match all.contains(&Said::Unknown) {
        true => vec![Said::Unknown],
        false => all,
    };
    for said in said {
        let product = Product::Directory;
        facts.say(script.line, What::Leaves { product, said });
    }
}

fn commands(root: &Node, command: &str, depth: usize, into: &mut Vec<Said>) {
    for part in command.split("&&").map(str::trim) {
        let words = match part.contains(['|', ';', '&', '$', '`', '>', '<', '(', '\n']) {
            true => None,
            false => shlex::split(part),
        };
        match words.as_deref() {
            Some([]) => {}
            Some(words) => one(root, words, depth, into),
            None => into.push(Said::Unknown),
        }
    }
}

fn one(root: &Node, words: &[String], depth: usize, into: &mut Vec<Said>) {
    let is_variable = |it: &&String| *it == "cross-env" || it.starts_with("NODE_ENV=");
    let skipped = words.iter().take_while(is_variable).count();
    let words: Vec<&str> = words[skipped..].iter().map(String::as_str).collect();
    match words.as_slice() {
        [name, ..] if QUIET.contains(name) => {}
        ["npm" | "pnpm" | "yarn" | "bun", "run", name] | ["yarn" | "pnpm", name] => {
            let script = root.at(&["scripts", name]).and_then(Node::text);
            match script.filter(|_| depth < DEEPEST) {
                Some(script) => commands(root, script, depth + 1, into),
                None => into.push(Said::Unknown),
            }
        }
        ["npx", rest @ ..] if depth < DEEPEST => {
            let rest: Vec<String> = rest.iter().map(|it| (*it).to_owned()).collect();
            one(root, &rest, depth + 1, into);
        }
        ["tsc" | "vue-tsc", rest @ ..] => into.extend(compiler(rest)),
        ["vite", "build", rest @ ..] => into.push(bundler(root, rest)),
        _ => into.push(Said::Unknown),
    }
}

/// `tsc`, with what is known of its options.
fn compiler(mut words: &[&str]) -> Option<Said> {
    let mut file = "tsconfig.json".to_owned();
    let mut follows = false;
    while let [word, rest @ ..] = words {
        words = match (*word, rest) {
            ("--noEmit", _) => return None,
            ("-p" | "--project", [path, rest @ ..]) => {
                file = match path.ends_with(".json") {
                    true => (*path).to_owned(),
                    false => format!("{path}/tsconfig.json"),
                };
                rest
            }
            ("-b" | "--build", [path, rest @ ..]) if path.ends_with(".json") => {
                (file, follows) = ((*path).to_owned(), true);
                rest
            }
            ("-b" | "--build", rest) => {
                follows = true;
                rest
            }
            ("--pretty" | "--force" | "--verbose" | "--sourceMap" | "--declaration", rest) => rest,
            _ => return Some(Said::Unknown),
        };
    }
    Some(Said::Configured { file, follows })
}

/// `vite build`. What its file says of the place is told by that file.
fn bundler(root: &Node, mut words: &[&str]) -> Said {
    let has = |name: &&&str| {
        let tables = ["dependencies", "devDependencies"];
        tables.iter().any(|it| root.at(&[it, name]).is_some())
    };
    if FRAMEWORKS.iter().any(|it| has(&it)) {
        return Said::Unknown;
    }
    let mut place = "dist".to_owned();
    while let [word, rest @ ..] = words {
        words = match (*word, rest) {
            ("--outDir", [path, rest @ ..]) => {
                place = (*path).to_owned();
                rest
            }
            ("--mode" | "-m", [_, rest @ ..]) => rest,
            _ => return Said::Unknown,
        };
    }
    Said::As(place)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::syntax::json;

    fn said(scripts: &str, more: &str) -> Vec<Said> {
        let text = format!("{{\"scripts\": {{{scripts}}}{more}}}");
        let root = json::strict(&"package.json".into(), &text).unwrap();
        let mut facts = Facts::of(&"package.json".into());
        left(&mut facts, &root);
        let facts = facts.finish().facts.into_iter();
        let said = facts.map(|it| match it.what {
            What::Leaves { said, .. } => said,
            other => panic!("{other:?}"),
        });
        said.collect()
    }

    fn build(command: &str) -> Vec<Said> {
        said(&format!("\"build\": \"{command}\""), "")
    }

    fn configured(file: &str, follows: bool) -> Said {
        let file = file.to_owned();
        Said::Configured { file, follows }
    }

    #[test]
    fn compilers_leave_what_their_files_say() {
        let check = |command: &str, expected: &[Said]| {
            assert_eq!(build(command), expected, "{command}");
        };
        check("tsc", &[configured("tsconfig.json", false)]);
        check(
            "rm -rf dist && tsc -p tsconfig.build.json",
            &[configured("tsconfig.build.json", false)],
        );
        check(
            "npx tsc --project .",
            &[configured("./tsconfig.json", false)],
        );
        check("tsc --noEmit", &[]);
        check(
            "tsc -b && vite build",
            &[configured("tsconfig.json", true), Said::As("dist".into())],
        );
        check(
            "vite build --outDir ../public",
            &[Said::As("../public".into())],
        );
        check("eslint . && echo done", &[]);
    }

    #[test]
    fn what_is_not_known_may_leave_anything() {
        for command in [
            "tsc --outDir dist",
            "tsc && cp x dist",
            "tsc; cp x y",
            "webpack",
            "next build",
            "npm run nothing",
            "vite build --ssr",
            "tsc > x",
            "npm run build",
            "tsc '",
        ] {
            assert_eq!(build(command), [Said::Unknown], "{command}");
        }
        let dependencies = ", \"devDependencies\": {\"@sveltejs/kit\": \"2\"}";
        assert_eq!(
            said("\"build\": \"vite build\"", dependencies),
            [Said::Unknown]
        );
        assert_eq!(said("\"test\": \"tsc\"", ""), []);
    }

    #[test]
    fn scripts_are_followed() {
        let scripts = "\"build\": \"npm run clean && yarn compile\", \"clean\": \"rimraf lib\", \"compile\": \"tsc\"";
        assert_eq!(said(scripts, ""), [configured("tsconfig.json", false)]);
        let scripts = "\"build\": \"tsc\", \"postbuild\": \"node copy.js\"";
        assert_eq!(said(scripts, ""), [Said::Unknown]);
    }
}
