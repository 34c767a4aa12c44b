//! Included files, and the services that files declare.

use std::collections::BTreeMap;

use crate::config::load::Reading;
use crate::config::load::files::{File, reason};
use crate::config::merge;
use crate::config::problem::{FileId, Place};
use crate::config::read::{self, At};
use crate::config::service::{Context, Head};
use crate::config::source::{FILE, is_skipped};
use crate::config::tree::TableNode;
use crate::model::path::{FilePath, ancestors};

impl Reading<'_> {
    /// The files that `include` names, sorted.
    pub fn included(&mut self, include: &[At<&str>]) -> Vec<File> {
        let mut found: BTreeMap<FilePath, Place> = BTreeMap::new();
        for text in include {
            for path in self.matches(*text) {
                found.entry(path).or_insert(text.place);
            }
        }
        let mut files = Vec::new();
        for (path, place) in found {
            let id = FileId(files.len() as u32 + 1);
            if let Some(text) = self.required(&path, id, place) {
                files.push(File { path, text });
            }
        }
        files
    }

    pub fn matches(&mut self, text: At<&str>) -> Vec<FilePath> {
        let top = FilePath::default();
        let Some(pattern) = merge::pattern(&mut self.findings, "include", text, &top) else {
            return Vec::new();
        };
        if pattern.is_literal() {
            let path = FilePath::from(pattern.as_str());
            if path.as_bytes() == FILE.as_bytes() {
                self.findings
                    .add(text.place, "the file includes itself")
                    .hint("remove it from `include`");
                return Vec::new();
            }
            return vec![path];
        }
        let paths = match self.source.glob(&pattern) {
            Ok(paths) => paths,
            Err(error) => {
                let message = format!(
                    "the files of `{}` cannot be found: {}",
                    text.value.escape_debug(),
                    reason(&error)
                );
                self.is_damaged = true;
                self.findings.add(text.place, message);
                return Vec::new();
            }
        };
        let literal = pattern.literal().len();
        let paths: Vec<FilePath> = paths
            .into_iter()
            .filter(|path| path.as_bytes() != FILE.as_bytes() && !is_within_skipped(path, literal))
            .collect();
        if paths.is_empty() {
            let message = format!("`{}` matches no file", text.value.escape_debug());
            self.is_damaged = true;
            self.findings
                .add(text.place, message)
                .hint("correct the pattern in `include`, or remove it");
        }
        paths
    }

    /// Notes every service of a file in `context`.
    pub fn heads<'d>(
        &mut self,
        services: TableNode<'d>,
        base: &'d FilePath,
        context: &mut Context<'d>,
    ) {
        context.heads.reserve(services.len());
        context.by_name.reserve(services.len());
        for (key, node) in services.iter() {
            if !read::name(&mut self.findings, "a service", key) {
                continue;
            }
            let Some(table) = read::table(&mut self.findings, key.text, node) else {
                continue;
            };
            let at = context.heads.len() as u32;
            if let Some(first) = context.by_name.get(key.text) {
                let first = context.heads[*first as usize].key.place;
                self.findings
                    .add(
                        key.place,
                        format!("the service `{}` is declared twice", key.text),
                    )
                    .related(first, "the first one")
                    .hint("give one of them another name");
                continue;
            }
            context.by_name.insert(key.text, at);
            context.heads.push(Head {
                name: key.text,
                key,
                table,
                base,
                given: None,
            });
        }
    }
}

/// Whether a directory below the fixed part of a pattern is one that includes do not look into.
fn is_within_skipped(path: &FilePath, literal: usize) -> bool {
    let rest = path.as_bytes().get(literal..).unwrap_or_default();
    let parent = FilePath::from_bytes(rest);
    let parent = parent.as_path().parent();
    parent.is_some_and(|parent| parent.iter().any(is_skipped))
}

pub fn parent(path: &FilePath) -> FilePath {
    FilePath::from_bytes(ancestors(path.as_bytes()).nth(1).unwrap_or_default())
}
