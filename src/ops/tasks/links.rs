//! Links among the inputs: git knows where a link leads, not what is there.

use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use crate::model::key::InputFile;
use crate::model::path::{FilePath, display, is_within};
use crate::ops::tasks::inputs::on_disk;

/// The mode of a link, as in a git tree.
const LINK: u32 = 0o120000;

/// Why a link among the sorted `files` hides what a task reads, in words: it leads to something that is neither among them nor
/// `known` to count otherwise. A link that leads nowhere hides nothing.
pub fn hidden(root: &Path, files: &[InputFile], known: impl Fn(&[u8]) -> bool) -> Option<String> {
    let links = files.iter().filter(|it| it.mode == LINK);
    links
        .filter_map(|link| behind(root, link, files, &known))
        .next()
}

fn behind(
    root: &Path,
    link: &InputFile,
    files: &[InputFile],
    known: &impl Fn(&[u8]) -> bool,
) -> Option<String> {
    let target = on_disk(root, link.path.as_bytes()).canonicalize().ok()?;
    let link = link.path.display();
    let Ok(below) = target.strip_prefix(root) else {
        let target = display(target.as_os_str().as_bytes());
        return Some(format!(
            "its input {link} is a link out of the workspace, to {target}"
        ));
    };
    let below = below.as_os_str().as_bytes();
    let counts = known(below) || files.iter().any(|it| is_within(it.path.as_bytes(), below));
    let target = FilePath::from_bytes(below).display();
    (!counts).then(|| format!("its input {link} is a link to {target}, which is no input of it"))
}
