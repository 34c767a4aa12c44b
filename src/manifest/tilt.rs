//! Tilt: images, and the files that a Tiltfile loads.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use regex::Regex;

use crate::manifest::error::Error;
use crate::manifest::facts::Facts;
use crate::manifest::image;
use crate::manifest::place;
use crate::manifest::syntax::code::{self, Code};
use crate::model::manifest::{Ecosystem::Image, Manifest, Tie, What};
use crate::model::path::FilePath;

/// More calls are not followed: nobody writes them by hand.
const MOST_CALLS: usize = 2_000;

pub fn knows(name: &str) -> bool {
    name == "Tiltfile" || name.ends_with(".Tiltfile") || name.starts_with("Tiltfile.")
}

pub fn read(file: &FilePath, text: &str) -> Result<Manifest, Error> {
    let code = Code::of(text, &code::STARLARK);
    let mut facts = Facts::of(file);
    let mut images = BTreeMap::new();
    let calls = calls(&code);
    for call in &calls {
        match call.name {
            "docker_build" | "docker_build_with_restart" => docker(&mut facts, call, &mut images),
            "custom_build" | "custom_build_with_restart" => custom(&mut facts, call, &mut images),
            "k8s_yaml" | "kustomize" | "helm" | "read_file" | "read_yaml" | "docker_compose" => {
                taken(&mut facts, call);
            }
            "load" | "include" | "load_dynamic" => {
                if let Some((line, written)) = call.strings.first() {
                    facts.reads(*line, written, Tie::Declares);
                }
            }
            _ => {}
        }
    }
    for call in calls.iter().filter(|it| it.name == "k8s_resource") {
        order(&mut facts, call, &images);
    }
    Ok(facts.finish())
}

/// A call of a function, with the strings among its arguments.
struct Call<'a> {
    name: &'a str,
    line: u32,
    /// Without those of named arguments.
    strings: Vec<(u32, &'a str)>,
    named: BTreeMap<&'a str, Vec<(u32, &'a str)>>,
}

fn calls<'a>(code: &'a Code<'a>) -> Vec<Call<'a>> {
    static CALL: LazyLock<Regex> = LazyLock::new(|| {
        Regex::new(
            r"\b(docker_build\w*|custom_build\w*|k8s_yaml|kustomize|helm|read_file|read_yaml|docker_compose|load|include|load_dynamic|k8s_resource)\s*\(",
        )
        .expect("the pattern is well formed")
    });
    static NAMED: LazyLock<Regex> =
        LazyLock::new(|| Regex::new(r"[(,]\s*(\w+)\s*=\s*").expect("the pattern is well formed"));
    let mut calls = Vec::new();
    for found in code.all(&CALL).take(MOST_CALLS) {
        let (Some(whole), Some(name)) = (found.get(0), found.get(1)) else {
            continue;
        };
        let range = code.bracketed(whole.end() - 1);
        let arguments = &code.bare()[range.clone()];
        let mut marks: Vec<_> = NAMED
            .captures_iter(arguments)
            .filter_map(|it| it.get(1))
            .collect();
        let first = marks
            .first()
            .map_or(range.end, |it| range.start + it.start());
        let mut named = BTreeMap::new();
        while let Some(mark) = marks.pop() {
            let end = named
                .values()
                .map(|(start, _)| *start)
                .min()
                .unwrap_or(range.end);
            let start = range.start + mark.start();
            let strings = code.strings_within(range.start + mark.end()..end);
            named.insert(mark.as_str(), (start, strings));
        }
        calls.push(Call {
            name: name.as_str(),
            line: code.line(whole.start()),
            strings: code.strings_within(range.start..first),
            named: named.into_iter().map(|(name, it)| (name, it.1)).collect(),
        });
    }
    calls
}

/// The directories of images by the last part of their names, and the names.
type Images = BTreeMap<String, (String, FilePath)>;

fn offer(facts: &mut Facts, call: &Call<'_>, written: &str, path: FilePath, images: &mut Images) {
    if let Some(name) = image::name(written) {
        let last = name.rsplit('/').next().unwrap_or(name);
        images.insert(last.to_owned(), (name.to_owned(), path.clone()));
        facts.offers(call.line, Image, name, path);
    }
}

fn docker(facts: &mut Facts, call: &Call<'_>, images: &mut Images) {
    let argument = |index: usize, name: &str| {
        let named = call.named.get(name).and_then(|it| it.first());
        named.or(call.strings.get(index)).map(|it| it.1)
    };
    let (Some(name), Some(context)) = (argument(0, "ref"), argument(1, "context")) else {
        return;
    };
    let Some(context) = place::resolve(&facts.directory, context) else {
        return;
    };
    let own = call.named.get("dockerfile").and_then(|it| it.first());
    let dockerfile = match own {
        // From the Tiltfile, not from the context.
        Some((_, written)) => place::resolve(&facts.directory, written),
        None => Some(context.join(b"Dockerfile")),
    };
    let mut about = context.clone();
    if let Some(dockerfile) = dockerfile {
        about = image::directory(&context, &dockerfile);
        let what = What::BuiltFrom {
            context,
            dockerfile,
        };
        facts.say_of(about.clone(), call.line, what);
    }
    offer(facts, call, name, about, images);
}

/// It belongs to the first directory that it watches.
fn custom(facts: &mut Facts, call: &Call<'_>, images: &mut Images) {
    let dependencies = call.named.get("deps").map_or(&[][..], |it| it);
    let first = dependencies.first();
    let path = first.and_then(|it| place::resolve(&facts.directory, it.1));
    if let (Some((_, name)), Some(path)) = (call.strings.first(), path) {
        for (line, written) in &dependencies[1..] {
            if let Some(other) = place::resolve(&facts.directory, written) {
                let (what, tie) = (other, Tie::Takes);
                facts.say_of(path.clone(), *line, What::Reads { path: what, tie });
            }
        }
        offer(facts, call, name, path, images);
    }
}

fn taken(facts: &mut Facts, call: &Call<'_>) {
    for (line, written) in &call.strings {
        if written.contains(['/', '.']) {
            facts.reads(*line, written, Tie::Takes);
        }
    }
}

/// Resources are mostly named as their images.
fn order(facts: &mut Facts, call: &Call<'_>, images: &Images) {
    let name = call
        .named
        .get("workload")
        .and_then(|it| it.first())
        .or(call.strings.first());
    let Some((_, about)) = name.and_then(|it| images.get(it.1)) else {
        return;
    };
    for (line, other) in call.named.get("resource_deps").map_or(&[][..], |it| it) {
        if let Some((name, _)) = images.get(*other) {
            let (ecosystem, name, tie) = (Image, name.clone(), Tie::StartsAfter);
            let what = What::Needs {
                ecosystem,
                name,
                tie,
            };
            facts.say_of(about.clone(), *line, what);
        }
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::manifest::testing;

    pub const SAMPLE: &str = r#"load('ext://restart_process', 'docker_build_with_restart')
load('./lib/Tiltfile', 'x')
docker_build('shop/cart', 'services/cart',
  dockerfile='docker/cart.Dockerfile', only=['./a'])
docker_build("mail", ".", dockerfile="services/mail/Dockerfile") # docker_build('no', 'no')
custom_build('web', 'make web', deps=['./web', './libs/ui'])
k8s_yaml(['k8s/a.yaml', "k8s/b.yaml"])
k8s_yaml(kustomize('k8s/base'))
k8s_resource('mail', port_forwards=80, resource_deps=['cart', 'db'])
"#;

    #[test]
    fn a_tiltfile_says_what_it_builds_and_loads() {
        testing::check(
            read,
            "dev/Tiltfile",
            SAMPLE,
            &[
                "2: reads dev/lib/Tiltfile Declares",
                "3: [dev/services/cart] built from dev/services/cart dev/docker/cart.Dockerfile",
                "3: offers Image shop/cart = dev/services/cart",
                "5: [dev/services/mail] built from dev dev/services/mail/Dockerfile",
                "5: offers Image mail = dev/services/mail",
                "6: [dev/web] reads dev/libs/ui Takes",
                "6: offers Image web = dev/web",
                "7: reads dev/k8s/a.yaml Takes",
                "7: reads dev/k8s/b.yaml Takes",
                "8: reads dev/k8s/base Takes",
                "9: [dev/services/mail] needs Image shop/cart StartsAfter",
            ],
        );
    }
}
