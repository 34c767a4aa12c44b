//! One file pattern: a glob below the workspace that also takes everything below what it names.

use std::borrow::Cow;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::sync::{Arc, OnceLock};

use globset::{GlobBuilder, GlobSet, GlobSetBuilder};

use crate::model::path::{FilePath, display, is_within};

/// The longest pattern, in bytes. Much longer ones cannot be compiled.
const LONGEST: usize = 4096;

/// A glob relative to the workspace. `*` and `?` stay within one directory, `**` crosses them, `{a,b}` and `[a-z]` choose.
///
/// A pattern that matches a directory takes every file below it, so `dist` and `dist/**` mean the same files. To clone one
/// costs nothing, since many tasks name the same files.
#[derive(Clone, Debug)]
pub struct Pattern(Arc<Whole>);

#[derive(Debug)]
struct Whole {
    text: Box<str>,
    /// How much of the text is the literal part.
    literal: usize,
    /// The literal part itself, where brackets keep letters of it in the text.
    unbracketed: Option<Box<str>>,
    /// How much of the text stands in front of the first glob character.
    plain: usize,
    compiled: OnceLock<Box<GlobSet>>,
}

/// What a pattern says, before it is known which directory it is read in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Glob {
    rest: Box<str>,
    is_from_top: bool,
}

impl Glob {
    /// Checks and keeps `text`, which begins at the workspace if a `/` stands in front.
    ///
    /// # Errors
    /// What is wrong with the glob, in words, or that it leaves the workspace.
    pub fn new(text: &str) -> Result<Self, String> {
        let (rest, is_from_top) = match text.strip_prefix('/') {
            Some(rest) => (rest, true),
            None => (text, false),
        };
        let rest = rest.trim_end_matches('/');
        if rest.split('/').any(|part| part == "..") {
            return Err("it leaves the directory with `..`".into());
        }
        let rest = match rest {
            "." => "",
            _ => rest.strip_prefix("./").unwrap_or(rest),
        };
        if rest.is_empty() && is_from_top {
            return Err("it names the whole workspace".into());
        }
        // No path has such parts; and what begins with a slash is absolute to the file system.
        if !rest.is_empty() && rest.split('/').any(|part| matches!(part, "" | ".")) {
            return Err("it holds `//` or `/./`, as no path does".into());
        }
        if rest.len() > LONGEST {
            return Err("it is longer than any path".into());
        }
        // Without these characters nothing can be wrong with a glob, and building one takes a while.
        if rest.contains(['[', ']', '{', '}', '\\']) {
            build(rest).map_err(|error| error.kind().to_string())?;
        }
        Ok(Self {
            rest: rest.into(),
            is_from_top,
        })
    }

    /// The same files as several patterns, where braces choose between beginnings: of `/{a,b/c}/*.x`, each knows the
    /// directory that it begins in, and most are plain paths.
    ///
    /// # Errors
    /// Those of [`Glob::new`].
    pub fn each(text: &str) -> Result<Vec<Self>, String> {
        let whole = Self::new(text)?;
        let is_plain = !text.contains(['[', '\\']);
        let texts = is_plain.then(|| alternatives(text)).flatten();
        let globs = texts.map(|it| it.iter().map(|it| Self::new(it)).collect());
        match globs {
            Some(Ok(globs)) => Ok(globs),
            // Braces may name what no pattern is by itself, such as nothing at all.
            Some(Err(_)) | None => Ok(vec![whole]),
        }
    }

    /// Whether it means the same in every directory.
    pub fn is_from_top(&self) -> bool {
        self.is_from_top
    }

    /// What it means in `directory`.
    pub fn within(&self, directory: &FilePath) -> Pattern {
        let directory = match self.is_from_top {
            true => &[][..],
            false => directory.as_bytes(),
        };
        let directory = escaped(directory);
        let is_deeper = !directory.is_empty() && !self.rest.is_empty();
        let between = if is_deeper { "/" } else { "" };
        let parts = [&*directory, between, &*self.rest];
        let text: Box<str> = parts.concat().into();
        let literal = literal_part(&text);
        Pattern(Arc::new(Whole {
            literal: literal.len(),
            unbracketed: literal.contains('[').then(|| unbracketed(literal).into()),
            plain: plain_part(&text).len(),
            text,
            compiled: OnceLock::new(),
        }))
    }
}

impl Pattern {
    /// Checks and keeps `text`, which is read relative to `directory`, or to the workspace if it begins with `/`.
    ///
    /// # Errors
    /// What is wrong with the glob, in words, or that it leaves the workspace.
    pub fn new(text: &str, directory: &FilePath) -> Result<Self, String> {
        Glob::new(text).map(|glob| glob.within(directory))
    }

    /// The glob, relative to the workspace.
    pub fn as_str(&self) -> &str {
        &self.0.text
    }

    /// The longest leading path without glob characters: only it and what lies below it can match.
    pub fn literal(&self) -> &[u8] {
        let written = &self.0.text[..self.0.literal];
        self.0.unbracketed.as_deref().unwrap_or(written).as_bytes()
    }

    /// Whether the pattern is a plain path, without any glob character.
    pub fn is_literal(&self) -> bool {
        self.0.literal == self.0.text.len()
    }

    /// Whether the pattern takes the file at `path`.
    pub fn matches(&self, path: &[u8]) -> bool {
        if !is_within(path, self.literal()) {
            return false;
        }
        self.is_literal() || {
            // Most of what is asked for differs early, and to compile a glob takes a while.
            if !path.starts_with(&self.0.text.as_bytes()[..self.0.plain]) {
                return false;
            }
            let set = self.0.compiled.get_or_init(|| Box::new(self.compile()));
            set.is_match(Path::new(OsStr::from_bytes(path)))
        }
    }

    /// Whether it chooses among what lies directly in the directory of its literal part, as `/tsconfig*.json` does.
    pub fn is_shallow(&self) -> bool {
        let rest = &self.0.text[self.0.literal..];
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        !self.is_literal() && !rest.contains('/') && !rest.contains("**")
    }

    /// The directory of which the pattern takes everything, as of `dist`, `dist/**` and `dist/*`. None if it chooses.
    pub fn whole(&self) -> Option<&[u8]> {
        let rest = &self.0.text[self.0.literal..];
        let rest = rest.strip_prefix('/').unwrap_or(rest);
        matches!(rest, "" | "*" | "**" | "**/*").then(|| self.literal())
    }

    /// Whether some file at or below `directory` may match. Patterns that choose between several paths are not looked into.
    pub fn may_reach(&self, directory: &[u8]) -> bool {
        if chooses_between_paths(&self.0.text) {
            return true;
        }
        let matches = |part: &str, name: &[u8]| {
            let glob = build(part).expect("a part of a valid glob without braces is one");
            glob.compile_matcher()
                .is_match(Path::new(OsStr::from_bytes(name)))
        };
        let names = directory.split(|byte| *byte == b'/');
        let mut parts = self.0.text.split('/').zip(names);
        parts
            .find_map(|(part, name)| match part {
                "**" => Some(true),
                _ => (!matches(part, name)).then_some(false),
            })
            .unwrap_or(true)
    }

    fn compile(&self) -> GlobSet {
        GlobSetBuilder::new()
            .add(build(&self.0.text).expect("the glob was checked when the pattern was made"))
            .add(
                build(&format!("{}/**", self.0.text)).expect("a valid glob stays valid with `/**`"),
            )
            .build()
            .expect("two valid globs make a set")
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0) || self.0.text == other.0.text
    }
}

impl Eq for Pattern {}

fn build(text: &str) -> Result<globset::Glob, globset::Error> {
    GlobBuilder::new(text)
        .literal_separator(true)
        .backslash_escape(true)
        .empty_alternates(true)
        .build()
}

/// The most patterns that one is taken apart into.
const MOST: usize = 128;

/// `text` without the braces that stand before any other glob character. None if there are none, or too many of them.
fn alternatives(text: &str) -> Option<Vec<String>> {
    let mut done = Vec::new();
    let mut left = vec![text.to_owned()];
    while let Some(text) = left.pop() {
        let open = text.find(['*', '?', '{']);
        match open.filter(|at| text[*at..].starts_with('{')) {
            None => done.push(text),
            Some(open) => {
                let (choices, close) = choices(&text[open..])?;
                let (before, after) = (&text[..open], &text[open + close..]);
                // The last one is taken first.
                let texts = choices.iter().rev();
                left.extend(texts.map(|it| format!("{before}{it}{after}")));
            }
        }
        if done.len() + left.len() > MOST {
            return None;
        }
    }
    (done.len() > 1).then_some(done)
}

/// What the braces that `text` begins with choose between, and where they end.
fn choices(text: &str) -> Option<(Vec<&str>, usize)> {
    let (mut depth, mut start, mut found) = (0_usize, 1, Vec::new());
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth == 1 => {
                found.push(&text[start..at]);
                return Some((found, at + 1));
            }
            b'}' => depth -= 1,
            b',' if depth == 1 => {
                found.push(&text[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    None
}

/// A directory as a glob that matches just it.
fn escaped(directory: &[u8]) -> Cow<'_, str> {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-_.".contains(byte);
    match std::str::from_utf8(directory) {
        Ok(text) if directory.iter().all(plain) => Cow::Borrowed(text),
        Ok(text) => Cow::Owned(bracketed(text)),
        Err(_) => Cow::Owned(bracketed(&display(directory))),
    }
}

/// Characters that mean something in a glob.
const META: [char; 5] = ['*', '?', '[', '{', '\\'];

/// `a[b` as `a[[]b`: each letter that means something is kept in brackets.
fn bracketed(text: &str) -> String {
    let mut glob = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match META.contains(&letter) || matches!(letter, ']' | '}') {
            true => glob.extend(['[', letter, ']']),
            false => glob.push(letter),
        }
    }
    glob
}

/// What [`bracketed`] was made of.
fn unbracketed(glob: &str) -> String {
    let mut text = String::with_capacity(glob.len());
    let mut rest = glob;
    while let Some(letter) = rest.chars().next() {
        let kept = kept_letter(rest);
        text.push(kept.unwrap_or(letter));
        rest = &rest[kept.map_or(letter.len_utf8(), |it| it.len_utf8() + 2)..];
    }
    text
}

/// The one letter that `glob` begins with in brackets, which means just itself.
fn kept_letter(glob: &str) -> Option<char> {
    let mut letters = glob.strip_prefix('[')?.chars();
    let letter = letters.next().filter(|it| !"!^/".contains(*it))?;
    (letters.next() == Some(']')).then_some(letter)
}

/// Where the first glob character stands that is not kept in brackets.
fn first_meta(text: &str, meta: &[char]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += text[at..].find(meta)?;
        match kept_letter(&text[at..]) {
            Some(letter) => at += letter.len_utf8() + 2,
            None => return Some(at),
        }
    }
}

/// Whether it may mean paths of other depths or forms, by braces or what is escaped.
fn chooses_between_paths(text: &str) -> bool {
    let mut rest = text;
    while let Some(at) = first_meta(rest, &['[', '{', '\\']) {
        if !rest[at..].starts_with('[') {
            return true;
        }
        rest = &rest[at + 1..];
    }
    false
}

fn literal_part(text: &str) -> &str {
    match first_meta(text, &META) {
        None => text,
        Some(meta) => text[..meta].rfind('/').map_or("", |slash| &text[..slash]),
    }
}

/// What stands in front of the first glob character.
fn plain_part(text: &str) -> &str {
    let is_meta = |byte: u8| matches!(byte, b'*' | b'?' | b'[' | b'{' | b'\\');
    let meta = text.bytes().position(is_meta);
    meta.map_or(text, |meta| &text[..meta])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_at_the_beginning_are_taken_apart() {
        let check = |pattern: &str, expected: &[&str]| {
            let globs = Glob::each(pattern).unwrap();
            let patterns = globs.iter().map(|it| it.within(&"api".into()));
            let patterns: Vec<_> = patterns.collect();
            let texts: Vec<_> = patterns.iter().map(Pattern::as_str).collect();
            assert_eq!(texts, expected, "{pattern}");
        };
        check("/a", &["a"]);
        check("/{a,b}", &["a", "b"]);
        check(
            "/{a/b/,a/,}{x,y*}",
            &["a/b/x", "a/b/y*", "a/x", "a/y*", "x", "y*"],
        );
        check("{a,b{c,d}}.x", &["api/a.x", "api/bc.x", "api/bd.x"]);
        check("/{,.}clippy.toml", &["clippy.toml", ".clippy.toml"]);
        check("/*.{a,b}", &["*.{a,b}"]);
        check("/{a,b}/**/*.{c,d}", &["a/**/*.{c,d}", "b/**/*.{c,d}"]);
        check("/[x]{a,b}", &["[x]{a,b}"]);
        // Nothing at all is no pattern.
        check("/{a,}", &["{a,}"]);
        let many = "/{a,b,c,d}{a,b,c,d}{a,b,c,d}{a,b,c,d}";
        check(many, &[&many[1..]]);
        assert!(Glob::each("/{a").is_err());
    }

    #[test]
    fn a_pattern_may_choose_in_one_directory_alone() {
        let check = |pattern: &str, expected: bool| {
            let pattern = Pattern::new(pattern, &"api".into()).unwrap();
            assert_eq!(pattern.is_shallow(), expected, "{pattern:?}");
        };
        check("/tsconfig*.json", true);
        check("*.{c,h}", true);
        check("/a/?", true);
        check("/a", false);
        check("/a/*/b", false);
        check("/**", false);
        check("/{a/b,c}*", false);
    }

    #[test]
    fn an_empty_choice_counts() {
        let pattern = Pattern::new("/*{,.lock}", &"".into()).unwrap();
        assert!(pattern.matches(b"a") && pattern.matches(b"a.lock"));
    }

    #[test]
    fn patterns_take_files_and_what_lies_below() {
        let check = |pattern: &str, path: &str, expected| {
            let pattern = Pattern::new(pattern, &"a/b".into()).unwrap();
            assert_eq!(
                pattern.matches(path.as_bytes()),
                expected,
                "{pattern:?} {path}"
            );
        };
        check("dist", "a/b/dist", true);
        check("dist", "a/b/dist/x/y", true);
        check("dist", "a/b/dist2", false);
        check("dist/**", "a/b/dist/x/y", true);
        check("*.rs", "a/b/x.rs", true);
        check("*.rs", "a/b/c/x.rs", false);
        check("**/*.rs", "a/b/x.rs", true);
        check("**/*.rs", "a/b/c/d/x.rs", true);
        check("**/node_modules", "a/b/node_modules/x/y", true);
        check("/proto/*.proto", "proto/x.proto", true);
        check("/proto/*.proto", "a/b/proto/x.proto", false);
        check("{x,y}.c", "a/b/y.c", true);
        check(".", "a/b/anything", true);
        check("./x", "a/b/x", true);
    }

    #[test]
    fn a_directory_with_glob_characters_is_taken_literally() {
        let pattern = Pattern::new("*.rs", &"a[1]".into()).unwrap();
        assert!(pattern.matches(b"a[1]/x.rs"));
        assert!(!pattern.matches(b"a1/x.rs"));
    }

    #[test]
    fn a_directory_with_control_characters_is_taken_literally() {
        let pattern = Pattern::new("src/*.rs", &"a\tb%".into()).unwrap();
        assert!(pattern.matches(b"a\tb%/src/x.rs"));
    }

    #[test]
    fn the_longest_patterns_can_be_compiled() {
        for part in ["[!a]", "**/", "{a,b}", "*?", "{a,*/b}"] {
            let text = part.repeat(LONGEST / part.len());
            let pattern = Pattern::new(&text, &FilePath::default()).unwrap();
            // That this comes back is all that is asked.
            pattern.matches(b"x/y");
            let more = part.repeat(LONGEST / part.len() + 1);
            let more = Pattern::new(&format!("x{more}"), &FilePath::default());
            assert!(more.unwrap_err().contains("longer"));
        }
    }

    #[test]
    fn patterns_that_leave_or_do_not_parse_are_refused() {
        let check = |text: &str| Pattern::new(text, &"a".into()).unwrap_err();
        assert!(check("../x").contains(".."));
        assert!(check("/").contains("whole workspace"));
        assert!(check("[a").contains("character class"));
    }

    #[test]
    fn globs_reach_into_directories() {
        let check = |pattern: &str, directory: &str, expected: bool| {
            let pattern = Pattern::new(pattern, &"api".into()).unwrap();
            let reaches = pattern.may_reach(directory.as_bytes());
            assert_eq!(reaches, expected, "{pattern:?} {directory}");
        };
        check("**/dist", "api/inner", true);
        check("*.o", "api/inner", false);
        check("*", "api/inner", true);
        check("*/dist", "api/inner", true);
        check("*/dist", "api/inner/deep", false);
        check("i*/d*", "api/inner/deep", true);
        check("build/**", "api/inner", false);
        check("{a,b}/c", "api/inner", true);
        check("[x-z]*/**", "api/inner", false);
    }

    #[test]
    fn a_brace_in_the_name_of_a_directory_chooses_nothing() {
        let pattern = Pattern::new("dist", &"{y,z}".into()).unwrap();
        assert!(pattern.may_reach(b"{y,z}/dist"));
        assert!(!pattern.may_reach(b"api/dist"));
        let chooses = Pattern::new("/{y,z}/dist", &"".into()).unwrap();
        assert!(chooses.may_reach(b"z/dist"));
        let chooses = Pattern::new("[ab]{y,z}", &"".into()).unwrap();
        assert!(chooses.may_reach(b"x"));
    }

    #[test]
    fn the_literal_part_is_the_directory_whatever_it_is_called() {
        for directory in [
            "a", "[x]", "{{name}}", "{y,z}", "*", "a\\b", "!no", "]", "[", "^", "[!]a", "購[物",
            "a?",
        ] {
            let directory = FilePath::from(directory);
            let file = directory.join(b"dist/x");
            let plain = Pattern::new("dist", &directory).unwrap();
            assert!(plain.is_literal(), "{plain:?}");
            assert_eq!(plain.literal(), directory.join(b"dist").as_bytes());
            assert_eq!(plain.whole(), Some(plain.literal()));
            let chooses = Pattern::new("dist/*", &directory).unwrap();
            assert_eq!(chooses.literal(), plain.literal());
            for pattern in [plain, chooses] {
                assert!(pattern.matches(file.as_bytes()), "{pattern:?}");
                assert!(!pattern.matches(b"b/dist/x"), "{pattern:?}");
                assert!(pattern.may_reach(directory.as_bytes()), "{pattern:?}");
            }
        }
        let choosing = Pattern::new("[!]a]x/y", &"".into()).unwrap();
        assert_eq!(choosing.literal(), b"");
    }
}
