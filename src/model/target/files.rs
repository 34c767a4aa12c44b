//! The files that a deploy names, which count for its config digest: found in any state of the workspace, not only on disk.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::model::path::{FilePath, is_within};
use crate::model::target::definition::InputKind;
use crate::model::target::placeholder::{self, Part};
use crate::model::target::references::{Reference, references};
use crate::model::target::resolve::Resolved;

/// Files with more bytes than this are not searched for what they refer to.
const LARGEST: usize = 1 << 20;
/// No more files than this are searched.
const MOST: usize = 10_000;

/// One state of the workspace.
pub struct Files<'f> {
    /// The files at or below a path; leave out what the workspace ignores.
    pub list: &'f dyn Fn(&FilePath) -> Vec<FilePath>,
    /// The contents of a file.
    pub read: &'f dyn Fn(&FilePath) -> Option<Vec<u8>>,
}

/// The files at or below `path` among `sorted` ones.
pub fn at_or_below<'s>(
    sorted: &'s [FilePath],
    path: &FilePath,
) -> impl Iterator<Item = &'s FilePath> {
    let path = path.as_bytes().to_vec();
    let start = sorted.partition_point(|it| it.as_bytes() < path.as_slice());
    // Between a path and what lies below it may come names such as `path-2`.
    let near = sorted[start..].iter();
    let near = near.take_while({
        let path = path.clone();
        move |it| it.as_bytes().starts_with(&path)
    });
    near.filter(move |it| is_within(it.as_bytes(), &path))
}

/// The files that the parameters of a deploy name, and those that these refer to.
pub fn named_files(resolved: &Resolved, files: &Files) -> BTreeSet<FilePath> {
    let mut search = Search {
        files,
        found: BTreeSet::new(),
        seen: BTreeSet::new(),
    };
    let parameters = resolved.target().into_iter().flat_map(|it| &it.parameters);
    for (name, parameter) in parameters {
        let (Some(kind), Some(value)) = (parameter.inputs, resolved.parameters.get(name)) else {
            continue;
        };
        for text in texts(value) {
            if let Some(path) = resolved.place(text) {
                search.take(&path, kind);
            }
        }
    }
    search.found
}

impl Resolved {
    /// The path that a text of the file names, relative to the workspace.
    fn place(&self, text: &str) -> Option<FilePath> {
        let parts = placeholder::parse(text).ok()?;
        let mut path = String::new();
        for part in parts {
            match part {
                Part::Text(text) => path.push_str(text),
                Part::Name("env") => path.push_str(self.environment.as_str()),
                Part::Name("service") => path.push_str(self.service.as_str()),
                Part::Name("workspace") if path.is_empty() => path.push('/'),
                _ => return None,
            }
        }
        join(&self.path, path.as_bytes())
    }
}

fn texts(value: &Value) -> Vec<&str> {
    match value {
        Value::String(text) => vec![text],
        Value::Array(items) => items.iter().filter_map(Value::as_str).collect(),
        _ => Vec::new(),
    }
}

struct Search<'f> {
    files: &'f Files<'f>,
    found: BTreeSet<FilePath>,
    seen: BTreeSet<FilePath>,
}

impl Search<'_> {
    /// Takes what lies at `path`, and goes on with what that refers to.
    fn take(&mut self, path: &FilePath, kind: InputKind) {
        let mut next = vec![(path.clone(), Reference::Same)];
        while let Some((path, reference)) = next.pop() {
            if !self.seen.insert(path.clone()) || self.seen.len() > MOST {
                continue;
            }
            // A mount of the whole workspace, or a path that could not be meant.
            let is_start = reference == Reference::Same;
            let here = (self.files.list)(&path);
            for file in here {
                let may_refer = match kind {
                    InputKind::Files => false,
                    InputKind::Kustomization => is_named(&file, KUSTOMIZATIONS),
                    InputKind::Chart => is_named(&file, &["Chart.yaml"]),
                    InputKind::Compose => is_start && file == path,
                };
                if may_refer {
                    next.extend(self.refers_to(&file, kind));
                }
                self.found.insert(file);
            }
        }
    }

    fn refers_to(&self, file: &FilePath, kind: InputKind) -> Vec<(FilePath, Reference)> {
        let bytes = (self.files.read)(file).filter(|bytes| bytes.len() <= LARGEST);
        let Some(text) = bytes.and_then(|bytes| String::from_utf8(bytes).ok()) else {
            return Vec::new();
        };
        let directory = parent(file);
        let found = references(&text, kind);
        let found = found.into_iter().filter_map(|(text, reference)| {
            let path = join(
                &directory,
                text.strip_prefix('/').map_or(text.as_bytes(), |_| b"../"),
            )?;
            // An absolute path is none of the workspace.
            (!text.starts_with('/')).then_some((path, reference))
        });
        found.collect()
    }
}

const KUSTOMIZATIONS: &[&str] = &["kustomization.yaml", "kustomization.yml", "Kustomization"];

fn is_named(file: &FilePath, names: &[&str]) -> bool {
    let name = file.as_bytes().rsplit(|byte| *byte == b'/').next();
    names.iter().any(|it| name == Some(it.as_bytes()))
}

fn parent(file: &FilePath) -> FilePath {
    let bytes = file.as_bytes();
    let end = bytes.iter().rposition(|byte| *byte == b'/').unwrap_or(0);
    FilePath::from_bytes(&bytes[..end])
}

/// `path` from `directory` on, or from the workspace if it begins with `/`. `None` if it leads out of the workspace.
fn join(directory: &FilePath, path: &[u8]) -> Option<FilePath> {
    match path.starts_with(b"/") {
        true => FilePath::default().resolve(path),
        false => directory.resolve(path),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(kind: InputKind, start: &str, files: &[(&str, &str)]) -> Vec<String> {
        let mut sorted: Vec<FilePath> = files
            .iter()
            .map(|(path, _)| FilePath::from(*path))
            .collect();
        sorted.sort();
        let list = |path: &FilePath| at_or_below(&sorted, path).cloned().collect();
        let read = |path: &FilePath| {
            let mut files = files.iter();
            let found = files.find(|(it, _)| it.as_bytes() == path.as_bytes());
            found.map(|(_, text)| text.as_bytes().to_vec())
        };
        let files = Files {
            list: &list,
            read: &read,
        };
        let mut search = Search {
            files: &files,
            found: BTreeSet::new(),
            seen: BTreeSet::new(),
        };
        search.take(&FilePath::from(start), kind);
        search.found.iter().map(FilePath::display).collect()
    }

    #[test]
    fn a_kustomization_brings_what_it_refers_to() {
        let files = [
            (
                "k8s/base/kustomization.yaml",
                "resources: [deployment.yaml, ../../lib/k8s]",
            ),
            ("k8s/base/deployment.yaml", "x: ../secret.yaml"),
            ("k8s/base-2/x.yaml", ""),
            ("k8s/secret.yaml", ""),
            (
                "k8s/overlays/prod/kustomization.yaml",
                "resources:\n- ../../base\n- https://example.test/x\nconfigMapGenerator:\n- name: c\n  files: [\"app.conf=../../../conf/app.conf\"]\n  envs: [/etc/passwd]\npatches:\n- {path: patch.yaml}\n",
            ),
            ("k8s/overlays/prod/patch.yaml", ""),
            ("k8s/overlays/staging/patch.yaml", ""),
            ("conf/app.conf", ""),
            (
                "lib/k8s/Kustomization",
                "resources: [../../k8s/overlays/prod]",
            ),
            ("lib/k8s/a.yaml", ""),
        ];
        assert_eq!(
            found(InputKind::Kustomization, "k8s/overlays/prod", &files),
            [
                "conf/app.conf",
                "k8s/base/deployment.yaml",
                "k8s/base/kustomization.yaml",
                "k8s/overlays/prod/kustomization.yaml",
                "k8s/overlays/prod/patch.yaml",
                "lib/k8s/Kustomization",
                "lib/k8s/a.yaml",
            ]
        );
        assert_eq!(
            found(InputKind::Files, "k8s/secret.yaml", &files),
            ["k8s/secret.yaml"]
        );
        assert_eq!(found(InputKind::Files, "nothing", &files), [""; 0]);
    }

    #[test]
    fn a_compose_file_brings_what_it_refers_to() {
        let files = [
            (
                "api/compose.yaml",
                "services:\n  api:\n    image: x\n    build: .\n    env_file: [api.env, {path: more.env}]\n    extends: {file: base.yaml, service: x}\n    volumes: [\"./nginx.conf:/etc/nginx.conf:ro\", \"data:/data\", {type: bind, source: ./conf, target: /conf}]\n  db:\n    env_file: db.env\nsecrets:\n  s: {file: secret.txt}\ninclude: [../shared/compose.yaml]\n",
            ),
            ("api/.env", ""),
            ("api/api.env", ""),
            ("api/base.yaml", "services: {x: {env_file: base.env}}"),
            ("api/base.env", ""),
            ("api/conf/a", ""),
            ("api/data", ""),
            ("api/db.env", ""),
            ("api/main.rs", ""),
            ("api/more.env", ""),
            ("api/nginx.conf", ""),
            ("api/secret.txt", ""),
            ("shared/compose.yaml", "services: {y: {env_file: y.env}}"),
            ("shared/y.env", "env_file: z"),
            ("shared/z", ""),
        ];
        assert_eq!(
            found(InputKind::Compose, "api/compose.yaml", &files),
            [
                "api/.env",
                "api/api.env",
                "api/base.env",
                "api/base.yaml",
                "api/compose.yaml",
                "api/conf/a",
                "api/db.env",
                "api/more.env",
                "api/nginx.conf",
                "api/secret.txt",
                "shared/compose.yaml",
                "shared/y.env",
            ]
        );
    }

    #[test]
    fn a_chart_brings_the_charts_beside_it() {
        let files = [
            (
                "charts/api/Chart.yaml",
                "dependencies:\n- {name: lib, repository: \"file://../lib\"}\n- {name: db, repository: https://x}\n",
            ),
            ("charts/api/templates/a.yaml", "{{ .Values.x }}"),
            (
                "charts/lib/Chart.yaml",
                "dependencies: [{repository: file://../api}]",
            ),
            ("charts/other/Chart.yaml", ""),
        ];
        assert_eq!(
            found(InputKind::Chart, "charts/api", &files),
            [
                "charts/api/Chart.yaml",
                "charts/api/templates/a.yaml",
                "charts/lib/Chart.yaml"
            ]
        );
    }

    #[test]
    fn hostile_files_do_no_harm() {
        let deep = "[".repeat(200_000);
        let bombs = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\nresources: [\"../../../..\", \"\\0\", \"..\", .]";
        for text in [
            deep.as_str(),
            bombs,
            "\u{0}",
            "- !!binary x",
            "a: b: c:",
            "? - x\n: y",
            "%YAML 9",
        ] {
            let files = [("k/kustomization.yaml", text), ("k/x", "")];
            let all = found(InputKind::Kustomization, "k", &files);
            assert_eq!(all, ["k/kustomization.yaml", "k/x"]);
        }
    }

    #[test]
    fn paths_are_joined_within_the_workspace() {
        let check = |directory: &str, path: &str, expected: Option<&str>| {
            let joined = join(&directory.into(), path.as_bytes());
            assert_eq!(
                joined.map(|it| it.display()).as_deref(),
                expected,
                "{directory} {path}"
            );
        };
        check("a/b", "c/./d", Some("a/b/c/d"));
        check("a/b", "../c/", Some("a/c"));
        check("a/b", "/c", Some("c"));
        check("a", "../..", None);
        check("", ".", Some(""));
    }
}
