//! Which files a task reads.

use std::sync::{Arc, LazyLock};

use crate::model::path::FilePath;
use crate::model::pattern::Pattern;

/// One line of a resolved `inputs` list, `...` already put in place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum InputRule {
    /// The service's own files: what git tracks or does not ignore below its path, less nested services, declared
    /// outputs and what the workspace ignores.
    Own,
    /// Files that a pattern names.
    Take(Pattern),
    /// Files that a `!` pattern leaves out.
    Leave(Pattern),
    /// Those of the service's own files that `files` take, whose patterns begin at `directory`.
    PartOfOwn { directory: FilePath, files: Inputs },
}

/// The resolved `inputs` of a task. The last rule that speaks of a file decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inputs(Arc<[InputRule]>);

impl Inputs {
    /// The inputs that `rules` describe, in the order of the list.
    pub fn new(rules: Vec<InputRule>) -> Self {
        Self(rules.into())
    }

    /// Those of the own files of a service at `directory` that `files` take, whose patterns begin there.
    pub fn part_of(directory: FilePath, files: Self) -> Self {
        Self::new(vec![InputRule::PartOfOwn { directory, files }])
    }

    /// The rules, in order.
    pub fn rules(&self) -> &[InputRule] {
        &self.0
    }

    /// The patterns that take files.
    pub fn taken(&self) -> impl Iterator<Item = &Pattern> {
        self.0.iter().filter_map(|rule| match rule {
            InputRule::Take(pattern) => Some(pattern),
            InputRule::Own | InputRule::Leave(_) | InputRule::PartOfOwn { .. } => None,
        })
    }

    /// Whether the task reads `path`; `is_own` says whether it is one of the service's own files.
    pub fn take(&self, path: &[u8], is_own: impl Fn() -> bool) -> bool {
        self.decide(path, &is_own)
    }

    fn decide(&self, path: &[u8], is_own: &dyn Fn() -> bool) -> bool {
        self.0
            .iter()
            .rev()
            .find_map(|rule| match rule {
                InputRule::Own => is_own().then_some(true),
                InputRule::Take(pattern) => pattern.matches(path).then_some(true),
                InputRule::Leave(pattern) => pattern.matches(path).then_some(false),
                InputRule::PartOfOwn { directory, files } => {
                    let below = below(path, directory)?;
                    (files.decide(below, &|| true) && is_own()).then_some(true)
                }
            })
            .unwrap_or(false)
    }
}

/// `path` as it is within `directory`, if it lies there.
fn below<'p>(path: &'p [u8], directory: &FilePath) -> Option<&'p [u8]> {
    match directory.is_root() {
        true => Some(path),
        false => path.strip_prefix(directory.as_bytes())?.strip_prefix(b"/"),
    }
}

/// What nearly all tasks read, kept once.
static OWN: LazyLock<Arc<[InputRule]>> = LazyLock::new(|| Arc::new([InputRule::Own]));

impl Default for Inputs {
    fn default() -> Self {
        Self(OWN.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_rule_that_speaks_decides() {
        let pattern = |text: &str| Pattern::new(text, &"api".into()).unwrap();
        let inputs = Inputs::new(vec![
            InputRule::Own,
            InputRule::Take(pattern("/proto/a.proto")),
            InputRule::Leave(pattern("**/*.snap")),
            InputRule::Take(pattern("keep.snap")),
        ]);
        let check = |path: &str, own, expected| {
            assert_eq!(inputs.take(path.as_bytes(), || own), expected, "{path}");
        };
        check("api/main.rs", true, true);
        check("api/main.rs", false, false);
        check("proto/a.proto", false, true);
        check("api/x/y.snap", true, false);
        check("api/keep.snap", false, true);
        assert!(!Inputs::new(vec![]).take(b"api/main.rs", || true));
    }
}
