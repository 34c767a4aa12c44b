//! The text of a hook, and what can be read back from one. A file for a plain `sh`, with one line for each workspace.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use shlex::bytes::{split, try_quote};

use crate::model::digest::Digester;
use crate::model::hook::{Asked, HookName, Present};
use crate::model::path::FilePath;

/// What marks a file as ours, on its second line, before the digest of all that follows.
const MARK: &[u8] = b"# svc hook 1 ";
/// The last line: without it the file is not whole.
const END: &[u8] = b"# end of svc hook\n";
/// What each line that asks begins with.
const ASK: &[u8] = b"\"$svc\" hook run ";
/// And how it ends.
const OR: &[u8] = b" || exit";
/// The directory of the hooks that were there before, each under its own name, since one may ask what it is called.
pub const BEFORE: &str = "before-svc";

/// The text of a hook. `program` is asked where there is no `svc` in `PATH`.
pub fn text(name: HookName, asked: &[Asked], program: Option<&Path>) -> Vec<u8> {
    let body = body(name, asked, program);
    [b"#!/bin/sh\n", MARK, digest(&body).as_bytes(), b"\n", &body].concat()
}

fn digest(body: &[u8]) -> String {
    let digest = Digester::new("hook").part("body", body).finish();
    digest.as_str()[..16].to_owned()
}

fn body(name: HookName, asked: &[Asked], program: Option<&Path>) -> Vec<u8> {
    let hook = name.as_str();
    let mut text = format!(
        "# Written by `svc hook install`; `svc hook uninstall` removes it, and puts back the hook that was here before.\n\
         before=${{0%/*}}/{BEFORE}/{hook}\n"
    );
    text.push_str(match name {
        HookName::PrePush => {
            "refs=$(cat)\n\
             refs() { [ -z \"$refs\" ] || printf '%s\\n' \"$refs\"; }\n\
             if [ -f \"$before\" ] && [ -x \"$before\" ]; then refs | \"$before\" \"$@\" || exit; fi\n"
        }
        HookName::PreCommit | HookName::PreMergeCommit => {
            "if [ -f \"$before\" ] && [ -x \"$before\" ]; then \"$before\" \"$@\" || exit; fi\n"
        }
    });
    let mut text = text.into_bytes();
    let other = program.map_or(Vec::new(), |it| quoted(it.as_os_str().as_bytes()));
    text.extend([b"svc=$(command -v svc) || svc=", &other[..], b"\n"].concat());
    text.extend(
        format!(
            "if [ ! -x \"$svc\" ]; then\n    \
                 echo 'svc is not installed, or not in PATH, so this {noun} was not judged and not made.' >&2\n    \
                 echo 'Install svc, or put it into PATH; to go on without: {skip}' >&2\n    \
                 exit 1\n\
             fi\n",
            noun = name.noun(),
            skip = name.skip(),
        )
        .into_bytes(),
    );
    for asked in asked {
        text.extend(line(name, asked));
    }
    text.extend(END);
    text
}

/// The line that asks for one workspace.
fn line(name: HookName, asked: &Asked) -> Vec<u8> {
    let mut line = Vec::new();
    if name == HookName::PrePush {
        line.extend(b"refs | ");
    }
    line.extend(ASK);
    line.extend(arguments(name, asked));
    if name == HookName::PrePush {
        line.extend(b" -- \"$@\"");
    }
    line.extend(OR);
    line.push(b'\n');
    line
}

/// What stands behind `svc hook run`.
pub fn arguments(name: HookName, asked: &Asked) -> Vec<u8> {
    let mut text = name.as_str().as_bytes().to_vec();
    if !asked.workspace.is_root() {
        text.extend(b" --workspace ");
        text.extend(quoted(asked.workspace.as_bytes()));
    }
    for task in &asked.tasks {
        text.extend([b" --task ", &quoted(task.as_bytes())[..]].concat());
    }
    if asked.during_rebase {
        text.extend(b" --during-rebase");
    }
    text
}

fn quoted(bytes: &[u8]) -> Vec<u8> {
    // No path and no task holds a zero byte.
    try_quote(bytes).map_or_else(|_| bytes.to_vec(), |it| it.into_owned())
}

/// What a file is that lies where the hook would.
pub fn read(text: &[u8]) -> Present {
    let Some(rest) = text.strip_prefix(b"#!/bin/sh\n") else {
        return Present::Other;
    };
    let Some(rest) = rest.strip_prefix(MARK) else {
        let is_begun = !rest.is_empty() && MARK.starts_with(rest);
        return if is_begun {
            Present::Torn
        } else {
            Present::Other
        };
    };
    let (written, body) = match rest.iter().position(|it| *it == b'\n') {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => return Present::Torn,
    };
    let is_whole = body.windows(END.len()).any(|it| it == END);
    match (is_whole, digest(body).as_bytes() == written) {
        (true, true) => Present::Ours(asked(body)),
        (true, false) => Present::Edited(asked(body)),
        (false, _) => Present::Torn,
    }
}

fn asked(body: &[u8]) -> Vec<Asked> {
    let lines = body.split(|byte| *byte == b'\n');
    // A path may hold ends of lines; those are rare enough to be asked for anew.
    lines.filter_map(asked_by).collect()
}

fn asked_by(line: &[u8]) -> Option<Asked> {
    let line = line.strip_prefix(b"refs | ").unwrap_or(line);
    let line = line.strip_prefix(ASK)?.strip_suffix(OR)?;
    let line = line.strip_suffix(b" -- \"$@\"").unwrap_or(line);
    let mut words = split(line)?.into_iter().skip(1);
    let mut asked = Asked {
        workspace: FilePath::default(),
        tasks: Vec::new(),
        during_rebase: false,
    };
    while let Some(word) = words.next() {
        match &word[..] {
            b"--workspace" => asked.workspace = FilePath::from_bytes(words.next()?),
            b"--task" => asked.tasks.push(String::from_utf8(words.next()?).ok()?),
            b"--during-rebase" => asked.during_rebase = true,
            _ => return None,
        }
    }
    Some(asked)
}

/// The program that a hook of ours asks where there is no `svc` in `PATH`.
pub fn program(text: &[u8]) -> Option<PathBuf> {
    let mut lines = text.split(|byte| *byte == b'\n');
    let line = lines.find_map(|it| it.strip_prefix(b"svc=$(command -v svc) || svc="))?;
    let path = split(line)?.into_iter().next()?;
    Some(PathBuf::from(OsStr::from_bytes(&path)))
}

/// The name of the file that keeps the hook from before.
pub fn before(directory: &Path, name: HookName) -> PathBuf {
    directory.join(BEFORE).join(name.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example(workspace: &[u8]) -> Asked {
        Asked {
            workspace: FilePath::from_bytes(workspace),
            tasks: vec!["lint".to_owned(), "test".to_owned()],
            during_rebase: true,
        }
    }

    #[test]
    fn what_a_hook_asks_can_be_read_back() {
        for name in HookName::ALL {
            for workspace in [&b""[..], b"a", b"it's; a $(dir)", b"\xff"] {
                let asked = vec![example(workspace), example(b"other")];
                let text = text(name, &asked, Some(Path::new("/bin/s v'c")));
                assert_eq!(read(&text), Present::Ours(asked), "{workspace:?}");
            }
        }
    }

    #[test]
    fn a_part_is_told_from_one_that_somebody_changed() {
        let text = text(HookName::PreCommit, &[example(b"a")], None);
        for end in 11..text.len() - 1 {
            assert_eq!(read(&text[..end]), Present::Torn, "{end}");
        }
        let longer = [&text[..], b"echo more\n"].concat();
        assert_eq!(read(&longer), Present::Edited(vec![example(b"a")]));
        for other in ["", "#!/bin/sh\n", "#!/bin/sh\necho\n", "svc"] {
            assert_eq!(read(other.as_bytes()), Present::Other, "{other}");
        }
    }
}
