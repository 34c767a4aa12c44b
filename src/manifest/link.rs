//! Symbolic links: who keeps one reads what it leads to.

use crate::manifest::facts::Facts;
use crate::model::manifest::{Manifest, Tie, What};
use crate::model::path::FilePath;

/// What the link at `path` says, which leads to `target`. Nothing where that lies outside of the workspace.
pub fn link(path: &FilePath, target: &[u8]) -> Manifest {
    let mut facts = Facts::of(path);
    if let Some(path) = led_to(&facts.directory, target) {
        let tie = Tie::Takes;
        facts.say(1, What::Reads { path, tie });
    }
    facts.finish()
}

fn led_to(directory: &FilePath, target: &[u8]) -> Option<FilePath> {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) {
        return None;
    }
    directory.resolve(target)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::testing::words::told;

    #[test]
    fn a_link_reads_what_it_leads_to() {
        let check = |target: &[u8], expected: &[&str]| {
            assert_eq!(told(&link(&"services/cart/proto".into(), target)), expected);
        };
        check(b"../../proto", &["1: reads proto Takes"]);
        check(b"../a:b/\xff", &["1: reads services/a:b/%FF Takes"]);
        check(b"../../../x", &[]);
        check(b"/etc", &[]);
        check(b"", &[]);
    }
}
